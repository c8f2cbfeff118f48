"""Workers that take batches from a JetStream consumer, one each at a time.

A batch is acknowledged after its commit and its answer: a receiver that dies in
between leaves a duplicate, which the next one answers as such.
"""

import asyncio
import json
import logging

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import NotFoundError

from zerometer.agent.nats_link import ID_HEADER, STREAM, ack_subject
from zerometer.agent.receiver.desk import Desk
from zerometer.agent.receiver.model import Sender
from zerometer.agent.receiver.reply import answer

log = logging.getLogger(__name__)

#: All receivers share it: each batch goes to one of them, and to another when that
#: one is silent for 30 s. What is handed out and not acknowledged is bounded.
CONSUMER = ConsumerConfig(
    durable_name="zerometer-receiver",
    ack_policy=AckPolicy.EXPLICIT,
    ack_wait=30.0,
    max_ack_pending=1024,
)
#: Batches that one receiver works on at a time: as many are in its memory.
WORKERS = 32
#: A request for a batch lapses after that, and is made again.
REQUEST_S = 30.0
#: When a batch comes again that could not be stored, unless the store says when.
LATER_S = 5.0


async def prepare(jetstream: JetStreamContext) -> None:
    """Make the stream and its consumer where they are missing; others are kept.

    Raises nats.errors.Error when the server does not let us, or has no JetStream.
    """
    stream, consumer = str(STREAM.name), str(CONSUMER.durable_name)
    try:
        await jetstream.stream_info(stream)
    except NotFoundError:
        await jetstream.add_stream(STREAM)
    try:
        await jetstream.consumer_info(stream, consumer)
    except NotFoundError:
        await jetstream.add_consumer(stream, CONSUMER)


class Crew:
    """Takes batches over one connection to *desk*."""

    def __init__(self, desk: Desk, client: Client) -> None:
        self._desk = desk
        self._client = client
        self._in_progress: set[asyncio.Task[float]] = set()

    async def work(self, until: asyncio.Event) -> None:
        """Take batches until *until* is set, then finish what was begun.

        Raises nats.errors.Error when the connection or the consumer is lost.
        """
        tasks = [asyncio.create_task(self._work()) for _ in range(WORKERS)]
        tasks.append(asyncio.create_task(_wait_for(until)))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, *self._in_progress, return_exceptions=True)
        for task in done:
            task.result()

    async def _work(self) -> None:
        pull = await self._client.jetstream().pull_subscribe_bind(
            str(CONSUMER.durable_name), str(STREAM.name)
        )
        while True:
            try:
                (message,) = await pull.fetch(1, REQUEST_S)
            except TimeoutError:
                continue
            task = asyncio.create_task(self._take(message))
            self._in_progress.add(task)
            task.add_done_callback(self._in_progress.discard)
            # Who stops the worker does not stop a commit.
            await asyncio.sleep(await asyncio.shield(task))

    async def _take(self, message: Msg) -> float:
        """Hand in one batch and answer it; return how long to wait before the next."""
        source = message.subject.split(".")[2]
        sender = Sender(source=_bytes(source))
        try:
            status, document = await answer(self._desk, message.data, sender)
        except Exception:
            # Ours to mend; until then the batch is kept, and comes again.
            log.exception("receiver: batch not taken")
            status, document = 500, {}
        if document:
            await self._client.publish(
                ack_subject(source),
                json.dumps(document).encode(),
                headers=_id_of(message),
            )
        if status < 300:
            await message.ack()
        elif status < 500:
            await message.term()
        else:
            log.error("receiver: batch not taken: %s", document.get("message"))
            wait_s = float(document.get("retry_after_s", LATER_S))
            await message.nak(wait_s)
            return wait_s
        return 0.0


async def _wait_for(event: asyncio.Event) -> None:
    await event.wait()


def _id_of(message: Msg) -> dict[str, str] | None:
    """Return the message id as headers: the batch itself may be unreadable."""
    name = (message.headers or {}).get(ID_HEADER)
    return {ID_HEADER: name} if name else None


def _bytes(source: str) -> bytes:
    """Return the source that a subject names; empty when it names none."""
    try:
        return bytes.fromhex(source)
    except ValueError:
        return b""
