"""SerialLine: what it sets up, and what it says when it cannot."""

import errno
import fcntl
import os
import termios
from pathlib import Path

import pytest
from harness.ptys import Pty
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from zerometer.core.errors import LineError
from zerometer.core.points import LineSettings
from zerometer.drivers.lines import serial_line
from zerometer.drivers.lines.serial_line import SerialLine


def test_raw_and_not_blocking() -> None:
    pty = Pty()
    line = SerialLine(pty.path, LineSettings(baud=19_200, parity="E", stop_bits=2))
    attributes = termios.tcgetattr(line.fd)
    assert attributes[4] == attributes[5] == termios.B19200
    assert attributes[2] & termios.CSTOPB
    assert not attributes[3] & (termios.ICANON | termios.ECHO)
    assert not os.get_blocking(line.fd)
    with pytest.raises(BlockingIOError):
        os.read(line.fd, 1)
    line.close()
    line.close()
    pty.close()


def test_held_by_another() -> None:
    pty = Pty()
    first = SerialLine(pty.path, LineSettings())
    with pytest.raises(
        LineError, match=rf"port {pty.path}: cannot .*: held by another"
    ):
        SerialLine(pty.path, LineSettings())
    first.close()
    second = SerialLine(pty.path, LineSettings())
    second.close()
    pty.close()


def test_lock_of_another_program_counts() -> None:
    pty = Pty()
    other = os.open(pty.path, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(LineError, match="held by another"):
        SerialLine(pty.path, LineSettings())
    os.close(other)
    pty.close()


def test_missing_port(tmp_path: Path) -> None:
    with pytest.raises(LineError, match=r"port .*/absent: cannot .*plugged in"):
        SerialLine(str(tmp_path / "absent"), LineSettings())


def test_a_missing_port_is_told_with_those_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five are plugged in, one of which udev knows by its serial number."""
    devices = [str(tmp_path / f"ttyUSB{number}") for number in range(5)]
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    (by_id / "usb-a").symlink_to(devices[0])
    monkeypatch.setattr(serial_line, "_BY_ID", by_id)
    monkeypatch.setattr(
        list_ports,
        "comports",
        lambda: [ListPortInfo(device) for device in devices],
    )
    with pytest.raises(LineError) as caught:
        SerialLine(str(tmp_path / "absent"), LineSettings())
    shown = ", ".join([str(by_id / "usb-a"), *devices[1:4]])
    assert str(caught.value).endswith(f" Ports found: {shown}, ...")


def test_not_a_serial_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LineError, match="not a serial port"):
        SerialLine(str(tmp_path / "file"), LineSettings())
    with pytest.raises(LineError, match="not a serial port"):
        SerialLine(str(tmp_path), LineSettings())


@pytest.mark.parametrize("call", ["tcsetattr", "tcflush"])
def test_an_adapter_that_vanishes_while_it_is_opened(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyserial does not translate what these two say."""

    def gone(*_: object) -> None:
        raise termios.error(errno.EIO, "Input/output error")

    pty = Pty()
    monkeypatch.setattr(termios, call, gone)
    with pytest.raises(LineError, match="cannot be opened: the device does not answer"):
        SerialLine(pty.path, LineSettings())
    pty.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every port")
def test_no_permission(tmp_path: Path) -> None:
    port = tmp_path / "port"
    port.write_text("")
    port.chmod(0)
    with pytest.raises(LineError, match="permission denied"):
        SerialLine(str(port), LineSettings())


def test_no_descriptor_leaks() -> None:
    pty = Pty()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        SerialLine(pty.path, LineSettings()).close()
        with pytest.raises(LineError):
            SerialLine("/dev/null", LineSettings())
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    pty.close()
