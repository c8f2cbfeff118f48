"""A bad network: a TCP relay that loses what its script says."""

import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Relay:
    """Passes connections on to *port*; each takes one fault from ``script``.

    ``answer``: the first answer is lost, after it was given. ``request``: only the
    beginning of the request arrives. None, and after the script: nothing is lost.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.script: deque[str | None] = deque()
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
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                fault = self.script.popleft() if self.script else None
                self._spawn(_pump, near, far, 100 if fault == "request" else None)
                self._spawn(_pump, far, near, 0 if fault == "answer" else None)


def _pump(source: socket.socket, target: socket.socket, limit: int | None) -> None:
    """Pass bytes on until *source* ends, or cut both once more than *limit* came."""
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data[:limit])
            if limit is not None:
                source.shutdown(socket.SHUT_RDWR)
                break
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(port: int) -> Iterator[Relay]:
    """Run a relay to *port*; yield it."""
    running = Relay(port)
    running.start()
    try:
        yield running
    finally:
        running.stop()
