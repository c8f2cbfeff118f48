"""Names of serial ports: which ones stay, and which may change."""

import re
from pathlib import Path

#: Numbered in the order in which adapters were found.
_NUMBERED = re.compile(r"/dev/(tty(?:USB|ACM)\d+)")


def steadier(port: str, root: Path = Path("/")) -> str:
    """Return why the name *port* may change and what to use; "" when it stays.

    Looks at the links of udev and at sysfs below *root*; opens no port.
    """
    match = _NUMBERED.fullmatch(port)
    if match is None:
        return ""
    folder = "by-id" if _has_serial_number(match[1], root) else "by-path"
    links = root / "dev" / "serial" / folder
    link = _link(links, match[1])
    said = "may be another adapter after a start or a replug"
    if link is None:
        return f"{said}; better use its name in /dev/serial/by-id"
    if folder == "by-path":
        return f"{said}; as it has no serial number, better name its socket: {link}"
    return f"{said}; better use {link}"


def _has_serial_number(name: str, root: Path) -> bool:
    device = (root / "sys/class/tty" / name / "device").resolve()
    for folder in (device, *device.parents):
        if (folder / "idVendor").exists():
            return (folder / "serial").exists()
    return False


def _link(folder: Path, name: str) -> str | None:
    """Return the link in *folder* that leads to the port *name*."""
    try:
        links = sorted(folder.iterdir())
    except OSError:
        return None
    found = (link for link in links if link.resolve().name == name)
    return next((f"/dev/serial/{folder.name}/{link.name}" for link in found), None)
