"""A whole simulated site: a load for each meter, a line for each bus."""

import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from zerometer.core.errors import LineError, UsageError
from zerometer.core.site import Bus, Site
from zerometer.drivers.simulator.channels import joined
from zerometer.drivers.simulator.installed import Installed
from zerometer.drivers.simulator.line import TURNAROUND_NS, SimulatedLine
from zerometer.drivers.simulator.listener import Listener
from zerometer.drivers.simulator.meters import Recorder
from zerometer.drivers.simulator.place import SimulatedBus
from zerometer.drivers.simulator.plant import Curve
from zerometer.drivers.simulator.ports import locked, refusal
from zerometer.drivers.simulator.script import Script
from zerometer.drivers.simulator.server import SimulatedServer
from zerometer.drivers.simulator.terminal import End, Terminal
from zerometer.drivers.simulator.wiring import Wiring

#: The hour of the sun when a run begins: there is light for a working day.
START_HOUR = 9.5


class Factory:
    """The lines of a simulated site, by bus, and the loads behind its meters.

    start() puts a link to each line's terminal where the site file says that the
    bus's port is, or listens there; stop() takes the links away. Use as a context
    manager, or call both.
    """

    def __init__(
        self,
        site: Site,
        lines: dict[str, SimulatedBus],
        curves: dict[str, Curve],
        script: Script,
    ) -> None:
        self.lines = lines
        self.curves = curves
        self._site = site
        self._script = script
        self._locks: list[socket.socket] = []

    def start(self) -> None:
        """Serve every bus.

        UsageError when a port is taken, by something other than a link of ours or by
        another simulator, or is another machine's; LineError when no link can be put
        there.
        """
        try:
            for bus in self._site.buses:
                if bus.protocol == "rtu":
                    self._locks.append(locked(bus))
            for bus in self._site.buses:
                _start(self.lines[bus.id], bus)
        except (UsageError, LineError):
            self.stop()
            raise
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
    lines: dict[str, SimulatedBus] = {}
    for bus in site.buses:
        units = joined((m.meter.unit, m) for m in meters if m.meter.bus == bus.id)
        heard = tap and partial(tap, bus.id)
        if bus.protocol == "tcp":
            lines[bus.id] = SimulatedServer(
                bus.port,
                bus.host,
                bus.tcp_port,
                units,
                turnaround_ns=turnaround_ns,
                tap=heard,
            )
        else:
            lines[bus.id] = SimulatedLine(
                bus.line,
                units,
                turnaround_ns=turnaround_ns,
                paced=paced,
                end=_end(bus),
                tap=heard,
            )
    script = Script(faults, lines, meters, seed, report)
    return Factory(site, lines, wiring.curves, script)


def _end(bus: Bus) -> End:
    if bus.protocol == "rtu":
        return Terminal(Path(bus.port))
    return Listener(bus.port, bus.host, bus.tcp_port)


def _start(line: SimulatedBus, bus: Bus) -> None:
    try:
        line.start()
    except OSError as error:
        raise refusal(bus, error) from error
