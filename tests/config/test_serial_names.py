"""Names of serial ports that may change, and what is proposed instead."""

from pathlib import Path

from zerometer.config.serial_names import steadier


def plugged(root: Path, name: str, *, serial: bool) -> None:
    """Lay out what udev and the kernel show of an adapter."""
    usb = root / "sys/devices/usb1/1-4"
    tty = usb / "1-4:1.0" / name
    tty.mkdir(parents=True)
    (usb / "idVendor").write_text("1a86")
    if serial:
        (usb / "serial").write_text("A50285BI")
    shown = root / "sys/class/tty" / name
    shown.mkdir(parents=True)
    (shown / "device").symlink_to(tty)
    (root / "dev").mkdir()
    (root / "dev" / name).write_text("")
    for folder, link in (("by-id", "usb-adapter-if00"), ("by-path", "pci-usb-0:4")):
        links = root / "dev/serial" / folder
        links.mkdir(parents=True)
        (links / link).symlink_to(f"../../{name}")


def test_an_adapter_with_a_serial_number_has_a_name_of_its_own(tmp_path: Path) -> None:
    plugged(tmp_path, "ttyUSB0", serial=True)
    said = steadier("/dev/ttyUSB0", tmp_path)
    assert said.endswith("better use /dev/serial/by-id/usb-adapter-if00")
    assert said.startswith("may be another adapter after a start or a replug")


def test_one_without_is_named_by_its_socket(tmp_path: Path) -> None:
    plugged(tmp_path, "ttyACM3", serial=False)
    said = steadier("/dev/ttyACM3", tmp_path)
    assert said.endswith("name its socket: /dev/serial/by-path/pci-usb-0:4")


def test_one_that_is_not_plugged_in_here(tmp_path: Path) -> None:
    plugged(tmp_path, "ttyUSB0", serial=True)
    said = steadier("/dev/ttyUSB1", tmp_path)
    assert said.endswith("better use its name in /dev/serial/by-id")
    assert steadier("/dev/ttyUSB1", tmp_path / "none") == said


def test_names_that_stay(tmp_path: Path) -> None:
    for name in ("/dev/ttyS0", "/dev/serial/by-id/x", "line", "/dev/ttyUSBx", ""):
        assert steadier(name, tmp_path) == ""
