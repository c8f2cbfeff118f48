"""Pseudo-terminals as serial lines, with a test's hands on the far end."""

import contextlib
import os
import select
import threading
import time
import tty
from collections.abc import Callable
from types import TracebackType


class Pty:
    """A raw pseudo-terminal: ``path`` for the code under test, ``far`` for the test."""

    def __init__(self) -> None:
        self.far, self._near = os.openpty()
        tty.setraw(self._near)
        self.path = os.ttyname(self._near)

    def hang_up(self) -> None:
        """Unplug: the far end goes away."""
        if self.far >= 0:
            os.close(self.far)
            self.far = -1

    def close(self) -> None:
        """Close both ends; may be called again."""
        self.hang_up()
        if self._near >= 0:
            os.close(self._near)
            self._near = -1


#: Given a request: what to write, and how many seconds after the previous piece.
Script = Callable[[bytes], list[tuple[float, bytes]]]


class ScriptedUnits:
    """Units on a pseudo-terminal that answer every 8-byte request by a script.

    ``requests`` are all requests that were seen, whatever bytes they were. A piece
    of an answer that is ``HANG_UP`` unplugs the line.
    """

    HANG_UP = b"<hang up>"

    def __init__(self, script: Script) -> None:
        self.pty = Pty()
        self.script = script
        self.requests: list[bytes] = []
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "ScriptedUnits":
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
        self.pty.close()
        os.close(self._stop_read)
        os.close(self._stop_write)

    def _run(self) -> None:
        pending = b""
        queue: list[tuple[float, bytes]] = []
        while True:
            wait = max(0.0, queue[0][0] - time.monotonic()) if queue else None
            ready, _, _ = select.select([self.pty.far, self._stop_read], [], [], wait)
            if self._stop_read in ready:
                return
            if self.pty.far in ready:
                pending += os.read(self.pty.far, 4096)
            while len(pending) >= 8:
                request, pending = pending[:8], pending[8:]
                self.requests.append(request)
                due = max([time.monotonic(), *(due for due, _ in queue)])
                for delay, piece in self.script(request):
                    due += delay
                    queue.append((due, piece))
            while queue and queue[0][0] <= time.monotonic():
                piece = queue.pop(0)[1]
                if piece == self.HANG_UP:
                    self.pty.hang_up()
                    return
                os.write(self.pty.far, piece)


class NullModem:
    """Two pseudo-terminals whose far ends are joined: ``left`` and ``right`` paths."""

    def __init__(self) -> None:
        self._ptys = (Pty(), Pty())
        self.left, self.right = (pty.path for pty in self._ptys)
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._pump)
        self._thread.start()

    def _pump(self) -> None:
        left, right = (pty.far for pty in self._ptys)
        other = {left: right, right: left}
        while True:
            ready, _, _ = select.select([left, right, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            for end in ready:
                with contextlib.suppress(OSError):
                    os.write(other[end], os.read(end, 4096))

    def close(self) -> None:
        """Stop joining and close both terminals."""
        os.write(self._stop_write, b"x")
        self._thread.join()
        for end in self._ptys:
            end.close()
        os.close(self._stop_read)
        os.close(self._stop_write)
