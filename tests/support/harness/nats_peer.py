"""The other end of a NATS server: nats-py alone, without any code of ours."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import nats
from harness.loop import LoopThread
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import ConsumerConfig, RetentionPolicy, StreamConfig
from nats.js.errors import NotFoundError

#: As docs/uplinks.md names them, not as our code does.
STREAM = "ZEROMETER"
CONSUMER = "zerometer-receiver"
SUBJECTS = "zerometer.1.*.batch.*"


class NatsPeer:
    """Plays a gateway or a receiver, one message at a time."""

    def __init__(self, loop: LoopThread, client: Client) -> None:
        self._loop = loop
        self._client = client
        self._jetstream = client.jetstream()

    def add_stream(self, **changes: Any) -> None:
        """Make the stream; *changes* are entries of its configuration."""
        config = StreamConfig(
            name=STREAM, subjects=[SUBJECTS], retention=RetentionPolicy.WORK_QUEUE
        )
        self._loop.run(self._jetstream.add_stream(config.evolve(**changes)))

    def add_consumer(self, **changes: Any) -> None:
        """Make the receivers' consumer; *changes* are entries of its configuration."""
        config = ConsumerConfig(durable_name=CONSUMER).evolve(**changes)
        self._loop.run(self._jetstream.add_consumer(STREAM, config))

    def take(self) -> Msg:
        """Return the next batch that waits, as a receiver gets it."""
        return self._loop.run(self._take())

    def acknowledge(self, message: Msg) -> None:
        """Tell the server that *message* need not come again, and that we are done."""
        self._loop.run(message.ack_sync())

    def answer(
        self, source: str, document: Any, headers: dict[str, str] | None = None
    ) -> None:
        """Say something to the gateway *source*, as a receiver does."""
        data = (
            document if isinstance(document, bytes) else json.dumps(document).encode()
        )
        self._loop.run(
            self._publish(f"zerometer.1.{source}.ack", data, headers=headers)
        )

    def publish(
        self, subject: str, data: bytes, headers: dict[str, str] | None = None
    ) -> None:
        """Publish *data*, as a gateway does, and wait until the stream has it."""
        self._loop.run(self._jetstream.publish(subject, data, headers=headers))

    def listen(self) -> None:
        """Hear from now on what receivers answer to anybody."""
        self._acks = self.subscribe("zerometer.1.*.ack")

    def heard(self) -> Msg:
        """Return the next answer that was heard."""
        return self.next_of(self._acks)

    def subscribe(self, subject: str) -> Subscription:
        """Return a subscription that the server knows of."""
        subscription = self._loop.run(self._client.subscribe(subject))
        self._loop.run(self._client.flush())
        return subscription

    def next_of(self, subscription: Subscription) -> Msg:
        """Return the next message of *subscription*."""
        return self._loop.run(subscription.next_msg(4))

    def until_ready(self) -> None:
        """Return when the receivers' consumer is there."""
        while self._consumer() is None:
            pass

    def until_asked(self, count: int) -> None:
        """Return when receivers have asked for *count* batches."""
        while (self._consumer() or {}).get("num_waiting", 0) < count:
            pass

    def waiting(self) -> int:
        """Return how many batches the stream holds."""
        info = self._loop.run(self._jetstream.stream_info(STREAM))
        return int(info.state.messages)

    def _consumer(self) -> dict[str, Any] | None:
        async def ask() -> dict[str, Any] | None:
            try:
                info = await self._jetstream.consumer_info(STREAM, CONSUMER)
            except NotFoundError:
                return None
            return {"num_waiting": info.num_waiting}

        return self._loop.run(ask())

    async def _take(self) -> Msg:
        pull = await self._jetstream.pull_subscribe_bind(CONSUMER, STREAM)
        (message,) = await pull.fetch(1, 4)
        return message

    async def _publish(self, subject: str, data: bytes, **rest: Any) -> None:
        await self._client.publish(subject, data, **rest)
        await self._client.flush()


@contextmanager
def nats_peer(url: str, **options: Any) -> Iterator[NatsPeer]:
    """Connect to a server; *options* as nats-py takes them."""
    with LoopThread() as loop:
        client = loop.run(nats.connect(url, **options))
        try:
            yield NatsPeer(loop, client)
        finally:
            loop.run(client.close())
