"""Where a simulated line ends: a pseudo-terminal, as a serial adapter would be."""

import errno
import fcntl
import os
import termios
import tty
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

_BUFFER = 4096
_TERMINALS = Path("/dev/pts")


class End(Protocol):
    """The place where whoever uses a simulated line reads and writes its bytes."""

    @property
    def port(self) -> str:
        """What to open; empty while it is closed."""

    @property
    def descriptors(self) -> Sequence[int]:
        """What to watch for reading; may change with every read()."""

    def open(self) -> None:
        """Appear; OSError when that cannot be."""

    def close(self) -> None:
        """Disappear, as an adapter does that is unplugged."""

    def read(self, ready: int) -> bytes:
        """Return what came on a descriptor that is *ready*; nothing is no end."""

    def write(self, data: bytes) -> None:
        """Send *data*; what nobody takes is lost, as on a wire."""


class Terminal:
    """A pty, and a link to it at *link* when that is given."""

    def __init__(self, link: Path | None = None) -> None:
        self._link = link
        self._master = self._slave = -1
        self.port = ""
        self.descriptors: tuple[int, ...] = ()

    def open(self) -> None:
        """Appear; OSError when the link cannot be made or something else is there."""
        if self._link is not None and not free(self._link):
            raise FileExistsError(errno.EEXIST, "exists", str(self._link))
        # The far end stays open here too: otherwise the line would hang up when
        # its user closes the port, and a restarted user could not come back.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self.descriptors = (self._master,)
        if self._link is not None:
            try:
                self._link.unlink(missing_ok=True)
                self._link.symlink_to(self.port)
            except OSError:
                self.close()
                raise

    def close(self) -> None:
        """Disappear: link first, then whoever has the terminal open sees it hang up."""
        link = self._link
        if link is not None and link.is_symlink() and str(link.readlink()) == self.port:
            link.unlink()
        os.close(self._master)
        os.close(self._slave)
        self.port = ""
        self.descriptors = ()

    def read(self, ready: int) -> bytes:
        """Return what was written to the terminal."""
        # A user who died keeps no port to himself: on a real one, the lock
        # goes with the last close, but this terminal is never closed.
        fcntl.ioctl(self._slave, termios.TIOCNXCL)
        return os.read(ready, _BUFFER)

    def write(self, data: bytes) -> None:
        """Let the terminal's reader have *data*."""
        try:
            os.write(self._master, data)
        except BlockingIOError:
            # Nobody reads: on a wire the bytes are gone too.
            return


def free(port: Path) -> bool:
    """Whether nothing is at *port*, or a link that a simulated line left behind."""
    if port.is_symlink():
        return not port.exists() or port.readlink().parent == _TERMINALS
    return not port.exists()
