"""A receiver in this process, and the standard library's client to ask it."""

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from email.message import Message
from pathlib import Path
from typing import Any

from harness.loop import LoopThread

from zerometer.agent.receiver.server import Admission, Receiver
from zerometer.agent.receiver.store import Store
from zerometer.core.site import UplinkSettings

OPEN = Admission()
Answer = tuple[int, Message, Any]


class Receiving:
    """A running receiver."""

    def __init__(self, receiver: Receiver, loop: LoopThread, port: int) -> None:
        self._receiver = receiver
        self._loop = loop
        self.address = f"127.0.0.1:{port}"
        self.url = f"http://{self.address}/v1/batches"

    def post(
        self, body: bytes | Iterable[bytes], headers: dict[str, str] | None = None
    ) -> Answer:
        """Post a batch; return status, headers and the JSON answer."""
        return self.request("POST", "/v1/batches", body, headers)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Ask anything; return status, headers and the JSON answer."""
        connection = http.client.HTTPConnection(self.address, timeout=5)
        with closing(connection):
            connection.request(
                method,
                path,
                body,
                {"Content-Type": "application/vnd.msgpack", **(headers or {})},
            )
            response = connection.getresponse()
            return response.status, response.headers, json.loads(response.read())

    def desk(self, function: Callable[[Store], object]) -> Any:
        """Run *function* on the receiver's store, in its thread."""
        return self._loop.run(self._receiver.desk.run(function))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the store's thread from its work meanwhile."""
        entered, let_go = threading.Event(), threading.Event()

        def hold(_store: Store) -> None:
            entered.set()
            let_go.wait(5)

        holding = threading.Thread(target=self.desk, args=(hold,))
        holding.start()
        assert entered.wait(5)
        try:
            yield
        finally:
            let_go.set()
            holding.join()

    def until_waiting(self, count: int) -> None:
        """Return when *count* batches wait for the store."""

        async def wait() -> None:
            while self._receiver.desk.waiting < count:
                await asyncio.sleep(0)

        self._loop.run(wait())


@contextmanager
def receiving(
    target: Path | str,
    brokers: Sequence[UplinkSettings] = (),
    admission: Admission = OPEN,
) -> Iterator[Receiving]:
    """Run a receiver into *target*, fed by *brokers*, too."""
    with LoopThread() as loop:
        receiver = Receiver(str(target), "127.0.0.1", 0, brokers, admission)
        port = loop.run(receiver.start())
        try:
            yield Receiving(receiver, loop, port)
        finally:
            loop.run(receiver.stop())
