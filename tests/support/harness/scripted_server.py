"""A TCP server with a test's hands on it: what it answers, when, and whether at all."""

import os
import select
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType

from harness.ptys import Script


class ScriptedServer:
    """Answers every request on any connection by a script, in order.

    Requests are Modbus TCP's, of 12 bytes, or those of a serial line, of 8; ``length``
    says which. ``requests`` are all that came, ``connections`` counts who connected.
    A piece that is ``HANG_UP`` ends the connection, a greeting is sent to whoever
    connects; if that is ``HANG_UP``, nobody stays connected.
    """

    HANG_UP = b"<hang up>"

    def __init__(
        self,
        script: Script,
        length: int,
        greeting: bytes = b"",
        host: str = "127.0.0.1",
    ) -> None:
        self._script = script
        self._length = length
        self._greeting = greeting
        self.requests: list[bytes] = []
        self.connections = 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join()
        self._listener.close()
        os.close(self._stop_read)
        os.close(self._stop_write)

    def _run(self) -> None:
        users: dict[socket.socket, bytes] = {}
        queue: list[tuple[float, socket.socket, bytes]] = []
        while True:
            wait = max(0.0, queue[0][0] - time.monotonic()) if queue else None
            sources = [self._stop_read, self._listener, *users]
            ready, _, _ = select.select(sources, [], [], wait)
            if self._stop_read in ready:
                break
            for user in [user for user in users if user in ready]:
                data = b""
                with suppress(OSError):
                    data = user.recv(4096)
                if not data:
                    user.close()
                    del users[user]
                    continue
                users[user] = self._take(user, users[user] + data, queue)
            if self._listener in ready:
                user, _ = self._listener.accept()
                self.connections += 1
                if self._greeting == self.HANG_UP:
                    user.close()
                    continue
                users[user] = b""
                user.sendall(self._greeting)
            while queue and queue[0][0] <= time.monotonic():
                _, user, piece = queue.pop(0)
                if piece == self.HANG_UP:
                    user.close()
                    users.pop(user, None)
                elif user in users:
                    with suppress(OSError):
                        user.sendall(piece)
        for user in users:
            user.close()

    def _take(
        self,
        user: socket.socket,
        pending: bytes,
        queue: list[tuple[float, socket.socket, bytes]],
    ) -> bytes:
        while len(pending) >= self._length:
            request, pending = pending[: self._length], pending[self._length :]
            self.requests.append(request)
            due = max([time.monotonic(), *(due for due, _, _ in queue)])
            for delay, piece in self._script(request):
                due += delay
                queue.append((due, user, piece))
        return pending
