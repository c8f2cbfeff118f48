"""The ports that a site file names, and whether a simulator may take them."""

import errno
import hashlib
import socket
from pathlib import Path

from zerometer.core.errors import LineError, UsageError
from zerometer.core.site import Bus
from zerometer.drivers.simulator.terminal import free


def locked(bus: Bus) -> socket.socket:
    """Return what keeps other simulators away from a serial port while it is open.

    A name of the kernel's, not a file: it is gone with us, however we end.
    UsageError when another simulator serves the port, or a device is there.
    """
    port = Path(bus.port)
    if not free(port):
        raise UsageError(
            f'bus "{bus.id}": port: {port} exists; a simulated line takes a '
            "path where nothing is"
        )
    where = port.parent.resolve() / port.name
    name = hashlib.sha256(str(where).encode()).hexdigest()
    lock = socket.socket(socket.AF_UNIX)
    try:
        lock.bind(f"\0zerometer-line-{name}")
    except OSError as error:
        lock.close()
        raise UsageError(
            f'bus "{bus.id}": port: {port} is served by another simulator; '
            "stop that first"
        ) from error
    return lock


def refusal(bus: Bus, error: OSError) -> LineError | UsageError:
    """Return what to say of a port that could not be opened."""
    where = f'bus "{bus.id}": port: '
    if bus.protocol == "rtu":
        return LineError(
            f"{where}no link can be made: {error}; "
            "a simulated line needs a folder that can be written: set "
            'port = "line" in the site file to simulate'
        )
    where += bus.port
    here = f"{bus.protocol}://127.0.0.1"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return UsageError(
            f"{where} is not this machine; a simulated bus is: set "
            f'port = "{here}:{bus.tcp_port}" in the site file to simulate'
        )
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"{where} is served already, by another simulator perhaps; stop that first"
        )
    return UsageError(
        f"{where} cannot be listened on: {error}; ports below 1024 are root's: set "
        f'port = "{here}:4001" in the site file to simulate'
    )
