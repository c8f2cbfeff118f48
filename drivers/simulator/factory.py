"""A whole simulated site: a load for each meter, a line for each bus."""

import hashlib
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from zerometer.core.errors import LineError, UsageError
from zerometer.core.site import Site
from zerometer.drivers.simulator.channels import joined
from zerometer.drivers.simulator.installed import Installed
from zerometer.drivers.simulator.line import TURNAROUND_NS, SimulatedLine
from zerometer.drivers.simulator.meters import Recorder
from zerometer.drivers.simulator.network import Listener
from zerometer.drivers.simulator.plant import Curve
from zerometer.drivers.simulator.script import Script
from zerometer.drivers.simulator.terminal import Terminal, free
from zerometer.drivers.simulator.wiring import Wiring

#: The hour of the sun when a run begins: there is light for a working day.
START_HOUR = 9.5

_LINK = (
    "no link can be made: {}; a simulated line needs a folder that can be written: "
    'set port = "line" in the site file to simulate'
)
_ADDRESS = (
    "cannot be listened at: {0.strerror}; a simulated line needs a free port of this "
    'machine: set port = "tcp://127.0.0.1:15020" in the site file to simulate, or '
    "rtu+tcp:// with it"
)


class Factory:
    """The lines of a simulated site, by bus, and the loads behind its meters.

    start() puts a link to each line's terminal where the site file says that the
    bus's port is, or listens there; stop() takes the links away. Use as a context
    manager, or call both.
    """

    def __init__(
        self,
        lines: dict[str, SimulatedLine],
        ports: dict[str, Path],
        curves: dict[str, Curve],
        script: Script,
    ) -> None:
        self.lines = lines
        self.curves = curves
        self._ports = ports
        self._script = script
        self._locks: list[socket.socket] = []

    def start(self) -> None:
        """Serve every bus.

        UsageError when something other than a link of ours is at a port, or another
        simulator serves it;
        LineError when no link can be put there.
        """
        for bus, port in self._ports.items():
            if not free(port):
                raise UsageError(
                    f'bus "{bus}": port: {port} exists; a simulated line takes a '
                    "path where nothing is"
                )
        self._locks = [_locked(bus, port) for bus, port in self._ports.items()]
        for bus, line in self.lines.items():
            try:
                line.start()
            except OSError as error:
                self.stop()
                said = (_LINK if bus in self._ports else _ADDRESS).format(error)
                raise LineError(f'bus "{bus}": port: {said}') from error
        self._script.start()

    def stop(self) -> None:
        """Stop every line that was started; harmless otherwise."""
        self._script.stop()
        for line in self.lines.values():
            line.stop()
        while self._locks:
            self._locks.pop().close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def build(
    site: Site,
    *,
    seed: int = 1,
    start_ns: int | None = None,
    start_hour: float = START_HOUR,
    turnaround_ns: int = TURNAROUND_NS,
    paced: bool = True,
    recorder: Recorder | None = None,
    faults: Sequence[str] = (),
    tap: Callable[[str, bytes], None] | None = None,
    report: Callable[[str], None] = print,
) -> Factory:
    """Return a factory for *site*, not started.

    Its time begins at ``start_ns`` of the boot-time clock, by default now.

    The same seed gives the same factory. ``start_hour`` is the hour of the sun
    when the run begins, whatever the hour is. ``faults`` are orders like
    ``press:dead@30s+60s``; UsageError when one makes no sense. *tap* gets
    every byte string that is written to a line, after the line's bus; *report*
    gets what goes wrong that was not ordered.
    """
    if start_ns is None:
        start_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    wiring = Wiring(
        site,
        seed=seed,
        start_ns=start_ns,
        start_hour=start_hour,
    )
    buses = {bus.id for bus in site.buses}
    meters = [
        Installed(meter, wiring.curves[meter.id], recorder)
        for meter in site.meters
        if meter.bus in buses
    ]
    lines = {}
    for bus in site.buses:
        lines[bus.id] = SimulatedLine(
            bus.line,
            joined((m.meter.unit, m) for m in meters if m.meter.bus == bus.id),
            turnaround_ns=turnaround_ns,
            paced=paced,
            end=Terminal(Path(bus.port)) if bus.protocol == "rtu" else Listener(bus),
            tap=tap and partial(tap, bus.id),
        )
    ports = {bus.id: Path(bus.port) for bus in site.buses if bus.protocol == "rtu"}
    script = Script(faults, lines, meters, seed, report)
    return Factory(lines, ports, wiring.curves, script)


def _locked(bus: str, port: Path) -> socket.socket:
    """Return what keeps other simulators away from *port* while it is open.

    A name of the kernel's, not a file: it is gone with us, however we end.
    """
    where = port.parent.resolve() / port.name
    name = hashlib.sha256(str(where).encode()).hexdigest()
    lock = socket.socket(socket.AF_UNIX)
    try:
        lock.bind(f"\0zerometer-line-{name}")
    except OSError as error:
        lock.close()
        raise UsageError(
            f'bus "{bus}": port: {port} is served by another simulator; stop that first'
        ) from error
    return lock
