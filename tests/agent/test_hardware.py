"""What tells one gateway from another, and what does not."""

from pathlib import Path

import pytest

from zerometer.agent.hardware import hardware_hash

UUID = "sys/class/dmi/id/product_uuid"
BOARD = "sys/class/dmi/id/board_serial"
SERIAL = "proc/device-tree/serial-number"


def machine(folder: Path, **numbers: str) -> Path:
    """Make the part of a machine's /proc and /sys that is looked at."""
    names = {"serial": SERIAL, "uuid": UUID, "board": BOARD}
    for name, text in numbers.items():
        path = folder / names[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def interface(
    root: Path, name: str, device: str, *, kind: str = "1", wireless: bool = False
) -> None:
    """Add a network interface on *device*; a virtual one if that is empty."""
    folder = root / "sys/class/net" / name
    folder.mkdir(parents=True)
    (folder / "type").write_text(kind + "\n")
    if wireless:
        (folder / "wireless").mkdir()
    if device:
        (root / "sys/devices" / device).mkdir(parents=True)
        (folder / "device").symlink_to(root / "sys/devices" / device)


def no_mac(interface: str) -> bytes:
    raise OSError(interface)


MACS = {
    "eth0": bytes.fromhex("02fc00000001"),
    "eth1": bytes.fromhex("02fc00000002"),
    "dummy": bytes(6),
}


def mac_of(interface: str) -> bytes:
    return MACS[interface]


def test_the_same_board_is_the_same_and_another_is_not(tmp_path: Path) -> None:
    ours = machine(tmp_path / "a", serial="10000000abcdef01\0")
    again = machine(tmp_path / "b", serial="10000000abcdef01\0")
    other = machine(tmp_path / "c", serial="10000000abcdef02\0")
    assert len(hardware_hash(ours, no_mac)) == 32
    assert hardware_hash(ours, no_mac) == hardware_hash(again, no_mac)
    assert hardware_hash(ours, no_mac) != hardware_hash(other, no_mac)


def test_a_machine_id_that_a_copied_card_takes_along_says_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    assert hardware_hash(tmp_path, no_mac) == b""


def test_the_first_that_tells_is_taken(tmp_path: Path) -> None:
    uuid = "4c4c4544-0042-3510-8052-b4c04f4a3832\n"
    by_uuid = machine(tmp_path / "a", uuid=uuid, board="X1")
    again = machine(tmp_path / "b", serial="0000000000000000\0", uuid=uuid.upper())
    assert hardware_hash(by_uuid, no_mac) == hardware_hash(again, no_mac)
    by_board = machine(tmp_path / "c", uuid="Not Specified", board="X1")
    assert hardware_hash(by_board, no_mac) not in (b"", hardware_hash(again, no_mac))


@pytest.mark.parametrize(
    "filler",
    ["", "To Be Filled By O.E.M.", "ffffffff-ffff-ffff-ffff-ffffffffffff", "0000\0"],
)
def test_what_firmware_says_of_every_board_is_no_number(
    tmp_path: Path, filler: str
) -> None:
    root = machine(tmp_path, serial=filler, uuid=filler, board=filler)
    assert hardware_hash(root, no_mac) == b""


def test_built_in_wired_interfaces_tell_when_nothing_else_does(tmp_path: Path) -> None:
    for name in ("a", "b"):
        interface(tmp_path / name, "eth0", "platform/ethernet")
        interface(tmp_path / name, "lo", "", kind="772")
        interface(tmp_path / name, "dummy", "platform/dummy")
    two = tmp_path / "b"
    alone = hardware_hash(tmp_path / "a", mac_of)
    assert len(alone) == 32
    # What can be unplugged, is given random addresses, or is none of a board's own.
    interface(two, "usb0", "pci0/usb1/1-1")
    interface(two, "wlan0", "platform/mmc", wireless=True)
    interface(two, "can0", "platform/can", kind="280")
    assert hardware_hash(two, mac_of) == alone
    interface(two, "eth1", "pci0/0000:00:03.0")
    assert hardware_hash(two, mac_of) != alone


def test_this_machine_is_the_same_twice() -> None:
    assert hardware_hash() == hardware_hash()
