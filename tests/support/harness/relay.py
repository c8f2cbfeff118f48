"""A bad network: a TCP relay that loses what its script says."""

import random
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: What may happen to a connection, see ``Relay``.
Fault = str | int | None


class Relay:
    """Passes connections on to *port*; each takes one fault from ``script``.

    ``answer``: the first answer is lost, after it was given. ``request``: only the
    beginning of the request arrives. A number: the connection is cut after so many
    bytes to the target. None: nothing is lost, nor after the script, unless there is
    *chance*: then anything may happen.
    """

    def __init__(self, port: int, chance: random.Random | None = None) -> None:
        self._target = ("127.0.0.1", port)
        self._chance = chance
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.script: deque[Fault] = deque()
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Accept connections."""
        self._spawn(self._accept)

    def stop(self) -> None:
        """Cut everything."""
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._sockets:
            end.close()

    def _spawn(self, function, *arguments) -> None:  # type: ignore[no-untyped-def]
        thread = threading.Thread(target=function, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._sockets.append(near)
                try:
                    far = socket.create_connection(self._target)
                except OSError:  # nobody listens there now
                    near.close()
                    continue
                self._sockets.append(far)
                fault = self._fault()
                self._spawn(_pump, near, far, 100 if fault == "request" else fault)
                self._spawn(_pump, far, near, 0 if fault == "answer" else None)

    def _fault(self) -> Fault:
        if self.script:
            return self.script.popleft()
        if self._chance is None:
            return None
        bytes_ = self._chance.randrange(50_000)
        return self._chance.choice(["answer", "request", bytes_, bytes_, None])


def _pump(source: socket.socket, target: socket.socket, limit: Fault) -> None:
    """Pass bytes on until *source* ends, or cut both once more than *limit* came."""
    left = limit if isinstance(limit, int) else None
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data[:left])
            if left is not None:
                left -= len(data)
                if left <= 0:
                    source.shutdown(socket.SHUT_RDWR)
                    break
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(port: int, chance: random.Random | None = None) -> Iterator[Relay]:
    """Run a relay to *port*; yield it."""
    running = Relay(port, chance)
    running.start()
    try:
        yield running
    finally:
        running.stop()
