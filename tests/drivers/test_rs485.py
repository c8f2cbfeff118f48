"""Who switches the transmitter: drivers that can, and the many that cannot."""

import errno
import struct

import pytest
from harness.ptys import Pty

from zerometer.core.errors import LineError
from zerometer.core.points import LineSettings
from zerometer.core.site import Bus
from zerometer.drivers.lines.open_line import open_line
from zerometer.drivers.lines.rs485 import Mode, switch
from zerometer.drivers.lines.serial_line import SerialLine

#: uapi/linux/serial.h and asm-generic/ioctls.h, as compilers see them.
GET, SET = 0x542E, 0x542F
ON, RTS_ON_SEND, RTS_AFTER_SEND, LISTENS = 1, 2, 4, 16


class Driver:
    """A UART driver as its ioctl shows it; *takes* are the flags that it knows."""

    def __init__(self, flags: int = RTS_AFTER_SEND, takes: int = 0xFF) -> None:
        self.settings = (flags, 1, 2, 0, 0, 0, 0, 0)
        self._takes = takes
        self.calls: list[int] = []

    def ioctl(self, descriptor: int, request: int, data: bytes) -> bytes:
        """Answer as the kernel would."""
        assert descriptor == 99
        assert len(data) == 32
        self.calls.append(request)
        if request == SET:
            flags, *rest = struct.unpack("=8I", data)
            self.settings = (flags & self._takes, *rest)
        return struct.pack("=8I", *self.settings)


@pytest.mark.parametrize("mode", ["auto", "kernel"])
def test_a_driver_that_can_is_told_to(mode: Mode) -> None:
    driver = Driver()
    switch("/dev/ttyS1", 99, mode, driver.ioctl)
    assert driver.settings == (ON | RTS_ON_SEND, 1, 2, 0, 0, 0, 0, 0)
    assert driver.calls == [GET, SET, GET]


@pytest.mark.parametrize("mode", ["auto", "kernel"])
def test_what_a_board_has_enabled_is_left_as_it_is(mode: Mode) -> None:
    driver = Driver(flags=ON | RTS_AFTER_SEND | LISTENS)
    switch("/dev/ttyS1", 99, mode, driver.ioctl)
    assert driver.calls == [GET]


def test_off_asks_nothing() -> None:
    driver = Driver()
    switch("/dev/ttyS1", 99, "off", driver.ioctl)
    assert not driver.calls


def test_a_driver_that_takes_it_back_cannot() -> None:
    switch("/dev/ttyS1", 99, "auto", Driver(takes=0).ioctl)
    with pytest.raises(LineError, match="cannot switch an RS-485 transmitter"):
        switch("/dev/ttyS1", 99, "kernel", Driver(takes=0).ioctl)


def test_a_port_that_vanishes_meanwhile_is_no_refusal() -> None:
    def gone(descriptor: int, request: int, data: bytes) -> bytes:
        raise OSError(errno.EIO, "gone")

    with pytest.raises(LineError, match="port /dev/ttyS1: cannot be set up: input"):
        switch("/dev/ttyS1", 99, "auto", gone)


def test_a_pty_cannot_and_says_so_only_when_it_must() -> None:
    pty = Pty()
    for mode in ("auto", "off"):
        SerialLine(pty.path, LineSettings(), mode).close()
    with pytest.raises(LineError) as caught:
        SerialLine(pty.path, LineSettings(), "kernel")
    assert str(caught.value) == (
        f"port {pty.path}: its driver cannot switch an RS-485 transmitter "
        '(inappropriate ioctl for device), as rs485 = "kernel" wants; leave it out '
        "when the adapter switches by itself"
    )
    # It was given back.
    open_line(Bus(id="a", port=pty.path)).close()
    with pytest.raises(LineError, match='as rs485 = "kernel" wants'):
        open_line(Bus(id="a", port=pty.path, rs485="kernel"))
    pty.close()
