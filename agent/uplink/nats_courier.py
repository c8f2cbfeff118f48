"""Publishes batches to JetStream and waits for what a receiver says of them.

JetStream's own acknowledgement is the server's word that it keeps the batch; only a
receiver's answer says that it is committed. While the connection lasts, a batch that
was kept is not published again: JetStream itself hands it to another receiver when
one dies. An answer can be lost only with the connection, so after that the batch
goes out once more, under a message id of its own: under the old one, JetStream would
drop it as a repeat, and nobody would answer.
"""

import asyncio
import json
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, TypeVar

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError

from zerometer.agent.nats_link import (
    ID_HEADER,
    RefusedError,
    ack_subject,
    batch_subject,
    close,
)
from zerometer.agent.uplink.answers import judge_reply
from zerometer.agent.uplink.base import Answer, Batch, Outcome

#: A batch that is kept but not answered goes out again after that: the server may
#: have lost it, or somebody emptied the stream. As long as an uplink's longest wait.
AGAIN_S = 900.0
#: Batches remembered that were published and not yet answered; oldest forgotten.
MAX_REMEMBERED = 64
#: What the server counts of a message besides the batch.
HEADERS_SIZE = 512


Result = TypeVar("Result")
#: Takes whom to tell of the server's refusals, and of the connection's end.
Connect = Callable[[Callable[[Exception], None], Callable[[], None]], Awaitable[Client]]


@dataclass(frozen=True, slots=True)
class _Line:
    """A connection; ``lost`` is done when it has ended."""

    client: Client
    lost: asyncio.Future[None]


@dataclass(slots=True)
class _Published:
    """A batch on its way; ``line`` is the connection it went out on."""

    line: _Line | None = None
    again_s: float = -math.inf  # on the loop's clock
    answer: asyncio.Future[Answer] = field(default_factory=asyncio.Future)


class Courier:
    """Brings batches of one gateway to its receivers; lives in one event loop."""

    def __init__(self, source: str, connect: Connect) -> None:
        self._source = source
        self._connect = connect
        self._connecting = asyncio.Lock()
        self._line: _Line | None = None
        self._refusal = ""
        self._published: OrderedDict[str, _Published] = OrderedDict()

    async def deliver(self, batch: Batch, timeout_s: float) -> Answer:
        """Return what a receiver answers; each step may take *timeout_s*.

        Raises OSError (TimeoutError among them), nats.errors.Error or ConfigError
        when the server does not take the batch.
        """
        key = f"{self._source}/{batch.epoch.hex()}/{batch.stream}/{batch.seq}"
        entry = self._remember(key)
        if not entry.answer.done():
            async with asyncio.timeout(timeout_s):
                line = await self._connected()
            allowed = line.client.max_payload - HEADERS_SIZE
            if len(batch.data) > allowed:
                reason = f"the NATS server takes {allowed} bytes"
                return Answer(Outcome.TOO_LARGE, reason)
            if entry.line is not line or _now_s() >= entry.again_s:
                await self._publish(key, entry, line, batch, timeout_s)
            ends: list[asyncio.Future[Any]] = [entry.answer, line.lost]
            await asyncio.wait(
                ends, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
            if not entry.answer.done():
                return Answer(Outcome.RETRY, _silence(line))
        return self._settle(key, entry)

    async def close(self) -> None:
        """Close the connection; the next ``deliver`` opens another."""
        line, self._line = self._line, None
        if line is not None:
            await close(line.client)

    def _remember(self, key: str) -> _Published:
        if key not in self._published:
            self._published[key] = _Published()
        self._published.move_to_end(key)
        if len(self._published) > MAX_REMEMBERED:
            self._published.popitem(last=False)
        return self._published[key]

    async def _publish(
        self, key: str, entry: _Published, line: _Line, batch: Batch, timeout_s: float
    ) -> None:
        name = key if entry.line is None else f"{key}/{token_hex(4)}"
        entry.line, entry.again_s = line, -math.inf
        self._refusal = ""
        try:
            publishing = line.client.jetstream().publish(
                batch_subject(self._source, batch.stream),
                batch.data,
                timeout=timeout_s,
                headers={ID_HEADER: name},
            )
            kept = await _unless_lost(line, publishing)
        except TimeoutError:
            # A new connection, should this one lead nowhere.
            await self.close()
            if self._refusal:
                raise RefusedError(self._refusal) from None
            raise
        # A repeat is from before we were started, and its answer may be lost.
        if not kept.duplicate:
            entry.again_s = _now_s() + AGAIN_S

    def _settle(self, key: str, entry: _Published) -> Answer:
        """Return the answer that came, and make ready for the next try."""
        answer = entry.answer.result()
        if answer.outcome is Outcome.ACCEPTED:
            self._published.pop(key, None)
        else:
            entry.answer = asyncio.Future()
        # What a receiver could not store now, the stream hands out again.
        if answer.outcome is not Outcome.RETRY:
            entry.again_s = -math.inf
        return answer

    async def _connected(self) -> _Line:
        async with self._connecting:
            if self._line is None or self._line.client.is_closed:
                lost = asyncio.get_running_loop().create_future()
                client = await self._connect(self._hear, lambda: lost.set_result(None))
                await client.subscribe(ack_subject(self._source), cb=self._take)
                await client.flush()
                self._line = _Line(client, lost)
            return self._line

    def _hear(self, error: Exception) -> None:
        self._refusal = str(error)

    async def _take(self, message: Msg) -> None:
        """Hand a receiver's answer to the batch it names."""
        try:
            document = json.loads(message.data)
        except (ValueError, RecursionError):
            return
        entry = self._published.get(_key(document, message.headers or {}))
        if entry is not None and not entry.answer.done():
            entry.answer.set_result(judge_reply(document))


async def _unless_lost(line: _Line, work: Coroutine[Any, Any, Result]) -> Result:
    """Return what *work* returns; ConnectionClosedError once *line* is lost."""
    task = asyncio.create_task(work)
    ends: list[asyncio.Future[Any]] = [task, line.lost]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
    finally:
        task.cancel()
    raise ConnectionClosedError


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _silence(line: _Line) -> str:
    if line.lost.done():
        return "the connection to the NATS server is lost"
    return "no receiver has answered yet"


def _key(document: Any, headers: dict[str, str]) -> str:
    """Return which batch an answer is about.

    Success must name the batch itself. An error names it by its message id: the
    receiver may have been unable to read the batch.
    """
    if not isinstance(document, dict):
        return ""
    if "error" in document:
        return "/".join(headers.get(ID_HEADER, "").split("/")[:4])
    names = ("source", "epoch", "stream", "seq")
    return "/".join(str(document.get(name)) for name in names)
