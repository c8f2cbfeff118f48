"""Which hardware this is, by what a copy of its memory card does not take along.

Not ``/etc/machine-id``: that is a file, and a cloned card has it too.
"""

import array
import fcntl
import hashlib
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

#: What firmware says where nobody gave the board a number of its own.
_FILLERS = {
    "",
    "0",
    "123456789",
    "default string",
    "none",
    "not applicable",
    "not specified",
    "system serial number",
    "to be filled by o.e.m.",
    "03000200-0400-0500-0006-000700080009",
}
#: Ethernet, as /sys/class/net/NAME/type has it (linux/if_arp.h).
_ARPHRD_ETHER = "1"
#: linux/sockios.h and linux/ethtool.h.
_SIOCETHTOOL = 0x8946
_ETHTOOL_GPERMADDR = 0x20
_MAC_BYTES = 6


def permanent_mac(interface: str) -> bytes:
    """Return the address that an interface was made with; OSError when none is told."""
    answer = array.array("B", struct.pack("=II", _ETHTOOL_GPERMADDR, 32) + bytes(32))
    address, _ = answer.buffer_info()
    request = struct.pack("16sP", interface.encode()[:15], address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCETHTOOL, request.ljust(40, b"\0"))
    return answer.tobytes()[8 : 8 + _MAC_BYTES]


def hardware_hash(
    root: Path = Path("/"), mac_of: Callable[[str], bytes] = permanent_mac
) -> bytes:
    """Return 32 bytes that stay the same on this hardware; none if nothing tells.

    The board's serial number as its device tree has it (Raspberry Pi and others),
    else the machine's UUID or the board's serial number of its firmware, which only
    root may read, else the addresses of wired network interfaces that are built in.
    *root* is where ``proc`` and ``sys`` are; *mac_of* tells an interface's address.
    """
    dmi = root / "sys/class/dmi/id"
    for path in (
        root / "proc/device-tree/serial-number",
        dmi / "product_uuid",
        dmi / "board_serial",
    ):
        value = _number(path)
        if value:
            return _hash(path.name, value)
    addresses = sorted(_addresses(root / "sys/class/net", mac_of))
    return _hash("mac", " ".join(addresses)) if addresses else b""


def _hash(kind: str, value: str) -> bytes:
    # Hashed: the numbers themselves are nobody's business.
    return hashlib.sha256(f"{kind} {value}".encode()).digest()


def _number(path: Path) -> str:
    """Return what stands in *path*, or nothing if it tells no board from another."""
    try:
        text = path.read_bytes().decode("ascii", "replace").strip("\0 \n").lower()
    except OSError:
        return ""
    characters = set(text) - set("-:. ")
    return "" if text in _FILLERS or len(characters) < 2 else text


def _addresses(interfaces: Path, mac_of: Callable[[str], bytes]) -> "list[str]":
    """Return the addresses of wired interfaces that cannot be unplugged.

    Wireless ones are given random addresses; those on USB may be moved.
    """
    found = []
    with suppress(OSError):
        for interface in interfaces.iterdir():
            device = interface / "device"
            if not device.exists() or (interface / "wireless").exists():
                continue
            if "/usb" in str(device.resolve()) or _is_not_ethernet(interface):
                continue
            with suppress(OSError):
                address = mac_of(interface.name)
                if any(address):
                    found.append(address.hex())
    return found


def _is_not_ethernet(interface: Path) -> bool:
    return (interface / "type").read_text(encoding="ascii").strip() != _ARPHRD_ETHER
