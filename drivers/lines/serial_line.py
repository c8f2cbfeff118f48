"""A serial port, set up for Modbus RTU and held by nobody else."""

import contextlib
import errno
import fcntl
import os
import termios
from pathlib import Path

import serial

from zerometer.core.errors import LineError
from zerometer.core.points import LineSettings
from zerometer.drivers._exchange import Exchange
from zerometer.drivers.lines.rs485 import Mode, switch

_HINTS = {
    errno.ENOENT: "no such device; is the adapter plugged in, and the name right?",
    errno.ENXIO: "no device behind this name; is the adapter plugged in?",
    errno.ENODEV: "no device behind this name; is the adapter plugged in?",
    errno.EACCES: "permission denied; is this user in the group that owns the port "
    "(often dialout)?",
    errno.EPERM: "permission denied by the service manager; is the device allowed in "
    "the unit file?",
    errno.EBUSY: "held by another program; one program at a time can use a line",
    errno.EAGAIN: "held by another program; one program at a time can use a line",
    errno.EIO: "the device does not answer; is it plugged in properly?",
    errno.ENOTTY: "not a serial port",
    errno.EISDIR: "a directory, not a serial port",
}


#: Who sees these may have meant another port.
_ABSENT = (errno.ENOENT, errno.ENXIO, errno.ENODEV)
_SHOWN = 4
_BY_ID = Path("/dev/serial/by-id")


class SerialLine:
    """The open port *port*: raw, not blocking, exclusive, with low latency.

    Exclusive by an advisory lock, which also stops root, and by TIOCEXCL, which
    also stops programs that do not ask for locks. LineError when the port cannot
    be opened or set up. A pseudo-terminal works, too; it ignores the parity. *rs485*
    says whether the driver shall switch the transmitter.
    """

    deaf_after_ns = 0

    def __init__(self, port: str, settings: LineSettings, rs485: Mode = "auto") -> None:
        self._serial = _open(port, settings)
        self.fd = self._serial.fileno()
        with contextlib.suppress(OSError):
            fcntl.ioctl(self.fd, termios.TIOCEXCL)
        # Adapters that collect input for milliseconds can be told not to; most other
        # devices do not know the request.
        with contextlib.suppress(ValueError):
            self._serial.set_low_latency_mode(True)
        try:
            switch(port, self.fd, rs485)
        except LineError:
            self.close()
            raise
        self.master = Exchange(self.fd, settings.character_ns, settings.silence_ns)

    def close(self) -> None:
        """Give the port back; may be called again."""
        if not self._serial.is_open:
            return
        # The mark belongs to the terminal and would outlive us on a pseudo-terminal
        # whose other users keep it open.
        with contextlib.suppress(OSError):
            fcntl.ioctl(self.fd, termios.TIOCNXCL)
        with contextlib.suppress(OSError):
            self._serial.close()


def _open(port: str, settings: LineSettings) -> serial.Serial:
    try:
        return serial.Serial(
            port,
            baudrate=settings.baud,
            parity=settings.parity,
            stopbits=settings.stop_bits,
            timeout=0,
            exclusive=True,
            # Makes pyserial set VMIN to 1: reading nothing is then an error of its
            # own, and zero bytes mean that the port is gone.
            inter_byte_timeout=0,
        )
    # pyserial lets the errors of some calls on the terminal pass as they are.
    except (OSError, ValueError, termios.error) as error:
        raise LineError(f"port {port}: cannot be opened: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    # pyserial reports a failed tcgetattr without its number.
    for terminal in (error, error.__context__):
        if number is None and isinstance(terminal, termios.error):
            number = terminal.args[0]
    if number in _HINTS:
        return _HINTS[number] + (_found() if number in _ABSENT else "")
    return os.strerror(number) if number else str(error)


def _found() -> str:
    """Return which ports there are, by the names that stay where there are any."""
    from serial.tools import list_ports  # only when a port is not there

    names = {str(link.resolve()): str(link) for link in sorted(_BY_ID.glob("*"))}
    ports = sorted(
        names.get(port.device, port.device) for port in list_ports.comports()
    )
    if not ports:
        return ""
    more = ", ..." if len(ports) > _SHOWN else ""
    return f" Ports found: {', '.join(ports[:_SHOWN])}{more}"
