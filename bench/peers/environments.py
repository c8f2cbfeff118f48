"""Where the peers are: environments of their own, outside of the repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
#: Programs of the system, and the Debian packages that bring them.
PROGRAMS = {
    "gcc": "gcc",
    "mosquitto": "mosquitto",
    "mosquitto_sub": "mosquitto-clients",
    "mosquitto_pub": "mosquitto-clients",
    "collectd": "collectd-core",
}
LIBRARY = "libmodbus-dev"
HEADER = Path("/usr/include/modbus/modbus.h")


class PeerError(Exception):
    """A peer that cannot be measured; the text says why."""


def cache() -> Path:
    """Return the folder of all environments."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "zerometer-bench"


def program(name: str) -> str:
    """Return the path of a program of the system; Debian hides some from users."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    found = shutil.which(name, path=path)
    if found is None:
        raise PeerError(f"{name} is missing: apt-get install -y {PROGRAMS[name]}")
    return found


def missing_packages() -> list[str]:
    """Return the Debian packages that are not installed but needed."""
    missing = set()
    for name, package in PROGRAMS.items():
        try:
            program(name)
        except PeerError:
            missing.add(package)
    return sorted(missing | (set() if HEADER.exists() else {LIBRARY}))


def versions() -> list[str]:
    """Return the Debian packages that are used, with their versions."""
    packages = sorted({*PROGRAMS.values(), LIBRARY})
    listing = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    return listing.stdout.splitlines()


def environment(name: str) -> Path:
    """Return the folder of the environment *name*, made when it is not up to date.

    PeerError when its packages cannot be had.
    """
    folder = cache() / name
    wanted = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    requirements = str(REQUIREMENTS / f"{name}.txt")
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--no-deps",
           "--disable-pip-version-check", "-r", requirements]  # fmt: skip
    for command in ([sys.executable, "-m", "venv", str(folder)], pip):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
            raise PeerError(f"{name}: {command[0]}: {lines[-1]}")
    stamp.write_text(wanted, encoding="utf-8")
    return folder


def python(name: str) -> str:
    """Return the interpreter of the environment *name*."""
    return str(environment(name) / "bin" / "python")
