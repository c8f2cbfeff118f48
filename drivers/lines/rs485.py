"""Serial drivers that switch an RS-485 transmitter themselves, by the line RTS."""

import errno
import fcntl
import os
import struct
from collections.abc import Callable
from typing import Literal

from zerometer.core.errors import LineError

Mode = Literal["auto", "kernel", "off"]
Ioctl = Callable[[int, int, bytes], bytes]

#: Linux, asm-generic/ioctls.h and uapi/linux/serial.h.
TIOCGRS485 = 0x542E
TIOCSRS485 = 0x542F
ENABLED = 1 << 0
RTS_ON_SEND = 1 << 1
RTS_AFTER_SEND = 1 << 2

#: Flags, delays before and after sending in ms, padding.
_SETTINGS = struct.Struct("=IIIIIIII")

#: What drivers say that cannot: most adapters switch by themselves.
_REFUSALS = (errno.ENOTTY, errno.EINVAL, errno.EOPNOTSUPP)


def switch(
    port: str,
    descriptor: int,
    mode: Mode,
    ioctl: Ioctl = fcntl.ioctl,
) -> None:
    """Let the driver of the open port *port* raise RTS while it sends.

    What a board's description has enabled already is left as it is. LineError when
    the driver cannot and *mode* is ``kernel``, or when the port fails.
    """
    if mode == "off":
        return
    try:
        flags, *rest = _settings(ioctl, descriptor)
        if not flags & ENABLED:
            flags = (flags | ENABLED | RTS_ON_SEND) & ~RTS_AFTER_SEND
            ioctl(descriptor, TIOCSRS485, _SETTINGS.pack(flags, *rest))
            # Drivers change what they cannot do.
            flags = _settings(ioctl, descriptor)[0]
        number = 0 if flags & ENABLED else errno.EINVAL
    except OSError as error:
        number = error.errno or errno.EIO
        if number not in _REFUSALS:
            text = os.strerror(number).lower()
            raise LineError(f"port {port}: cannot be set up: {text}") from error
    if number and mode == "kernel":
        raise LineError(
            f"port {port}: its driver cannot switch an RS-485 transmitter "
            f'({os.strerror(number).lower()}), as rs485 = "kernel" wants; leave it out '
            "when the adapter switches by itself"
        )


def _settings(ioctl: Ioctl, descriptor: int) -> tuple[int, ...]:
    return _SETTINGS.unpack(ioctl(descriptor, TIOCGRS485, bytes(_SETTINGS.size)))
