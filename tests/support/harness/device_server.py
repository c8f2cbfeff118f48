"""A serial device server: what comes by TCP goes out on a terminal, and back."""

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from harness.ptys import Pty


class DeviceServer:
    """Joins a pseudo-terminal, at ``path``, with who is connected to ``port``.

    A new connection takes the terminal over, as in many such devices.
    """

    def __init__(self) -> None:
        self._pty = Pty()
        self.path = self._pty.path
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Serve on a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect and close the terminal."""
        os.write(self._stop_write, b"x")
        self._thread.join()
        self._listener.close()
        self._pty.close()
        os.close(self._stop_read)
        os.close(self._stop_write)

    def _run(self) -> None:
        far = self._pty.far
        user: socket.socket | None = None
        while True:
            sources = [far, self._listener, self._stop_read, *([user] if user else [])]
            ready, _, _ = select.select(sources, [], [])
            if self._stop_read in ready:
                break
            if far in ready:
                data = os.read(far, 4096)
                if user:
                    with suppress(OSError):
                        user.sendall(data)
            if user in ready:
                assert user is not None
                data = b""
                with suppress(OSError):
                    data = user.recv(4096)
                if data:
                    os.write(far, data)
                else:
                    user.close()
                    user = None
            if self._listener in ready:
                if user:
                    user.close()
                user, _ = self._listener.accept()
        if user:
            user.close()


@contextmanager
def device_server() -> Iterator[DeviceServer]:
    """Run a device server."""
    running = DeviceServer()
    running.start()
    try:
        yield running
    finally:
        running.stop()
