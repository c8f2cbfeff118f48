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
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from zerometer.agent.nats_link import (
    ID_HEADER,
    RefusedError,
    ack_subject,
    batch_subject,
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


ErrorCallback = Callable[[Exception], None]
LossCallback = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class _Published:
    """A batch on its way; ``client`` is the connection it went out on."""

    client: Client | None = None
    again_s: float = -math.inf  # on the loop's clock
    answer: asyncio.Future[Answer] = field(default_factory=asyncio.Future)


class Courier:
    """Brings batches of one gateway to its receivers; lives in one event loop."""

    def __init__(
        self,
        source: str,
        connect: Callable[[ErrorCallback, LossCallback], Awaitable[Client]],
    ) -> None:
        """*connect* takes whom to tell of the server's refusals, and of the end."""
        self._source = source
        self._connect = connect
        self._connecting = asyncio.Lock()
        self._client: Client | None = None
        self._refusal = ""
        self._published: OrderedDict[str, _Published] = OrderedDict()

    async def deliver(self, batch: Batch, timeout_s: float) -> Answer:
        """Return what a receiver answers; each step may take *timeout_s*.

        Raises OSError (TimeoutError among them), nats.errors.Error or ConfigError
        when the server does not take the batch.
        """
        key = f"{self._source}/{batch.epoch.hex()}/{batch.stream}/{batch.seq}"
        entry = self._published.setdefault(key, _Published())
        self._published.move_to_end(key)
        if len(self._published) > MAX_REMEMBERED:
            self._published.popitem(last=False)
        if not entry.answer.done():
            async with asyncio.timeout(timeout_s):
                client = await self._connected()
            if client.max_payload < len(batch.data) + HEADERS_SIZE:
                return Answer(
                    Outcome.TOO_LARGE,
                    f"the NATS server takes {client.max_payload} bytes",
                )
            if self._must_publish(entry, client):
                await self._publish(key, entry, client, batch, timeout_s)
        return await self._answer(key, entry, timeout_s)

    async def close(self) -> None:
        """Close the connection; the next ``deliver`` opens another."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _must_publish(self, entry: _Published, client: Client) -> bool:
        now_s = asyncio.get_running_loop().time()
        return entry.client is not client or now_s >= entry.again_s

    async def _publish(
        self,
        key: str,
        entry: _Published,
        client: Client,
        batch: Batch,
        timeout_s: float,
    ) -> None:
        name = key if entry.client is None else f"{key}/{token_hex(4)}"
        entry.client, entry.again_s = client, -math.inf
        self._refusal = ""
        try:
            kept = await client.jetstream().publish(
                batch_subject(self._source, batch.stream),
                batch.data,
                timeout=timeout_s,
                headers={ID_HEADER: name},
            )
        except TimeoutError:
            # A new connection, should this one lead nowhere.
            await self.close()
            if self._refusal:
                raise RefusedError(self._refusal) from None
            raise
        # A repeat: from before we were started, and its answer may be lost.
        if not kept.duplicate:
            entry.again_s = asyncio.get_running_loop().time() + AGAIN_S

    async def _answer(self, key: str, entry: _Published, timeout_s: float) -> Answer:
        try:
            answer = await asyncio.wait_for(asyncio.shield(entry.answer), timeout_s)
        except TimeoutError:
            return Answer(Outcome.RETRY, "no receiver has answered yet")
        if answer.outcome is Outcome.ACCEPTED:
            self._published.pop(key, None)
        else:
            entry.answer = asyncio.Future()
        # With a receiver that says "later", the stream keeps the batch.
        if answer.outcome is not Outcome.RETRY:
            entry.again_s = -math.inf
        return answer

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._client is None or self._client.is_closed:
                client = await self._connect(self._hear, self._lost)
                await client.subscribe(ack_subject(self._source), cb=self._take)
                await client.flush()
                self._client = client
            return self._client

    def _hear(self, error: Exception) -> None:
        self._refusal = str(error)

    async def _lost(self) -> None:
        """End the waiting for answers that cannot come any more."""
        for entry in self._published.values():
            if not entry.answer.done():
                entry.answer.set_result(
                    Answer(Outcome.RETRY, "the connection to the NATS server is lost")
                )

    async def _take(self, message: Msg) -> None:
        """Hand a receiver's answer to the batch it names."""
        try:
            document = json.loads(message.data)
        except (ValueError, RecursionError):
            return
        entry = self._published.get(_key(document, message.headers or {}))
        if entry is not None and not entry.answer.done():
            entry.answer.set_result(judge_reply(document))


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
