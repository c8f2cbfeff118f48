"""The loop of one bus: what is due is read, decoded and handed on.

A thread per bus: a hung port stalls nothing but itself.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from time import monotonic_ns
from types import MappingProxyType

from zerometer.core.points import LineSettings, Reading
from zerometer.drivers.lines.line import Line
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.notices import BusNotice, Notices
from zerometer.drivers.port import Port
from zerometer.drivers.proof import Proof
from zerometer.drivers.series import reads_within
from zerometer.drivers.service import Service
from zerometer.drivers.statistics import BusStatistics, total
from zerometer.drivers.unit import Unit
from zerometer.drivers.unit_facts import memory_of, statistics_of
from zerometer.drivers.unit_plan import UnitPlan


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class BusLoop:
    """Reads the meters of one bus until it is stopped.

    *deliver* gets one reading for each transaction, and for each read that was left
    out because its meter is down or the port lost; *notify* gets notices. Both are
    called on the loop's thread and must not block. *timeout_ns* is how long a unit
    may think at most; maps can state their own. *memories*, by meter, are what
    was learnt before.
    """

    def __init__(  # noqa: PLR0917
        self,
        bus_id: str,
        open_line: Callable[[], Line],
        line: LineSettings,
        units: Sequence[UnitPlan],
        deliver: Callable[[Reading], None],
        notify: Callable[[BusNotice], None],
        timeout_ns: int,
        memories: Mapping[str, UnitMemory] = MappingProxyType({}),
    ) -> None:
        self._bus_id = bus_id
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"bus-{bus_id}")
        self._start_ns = monotonic_ns()
        self._waits = 0
        self._port = Port(open_line, self._stopping.is_set)
        self._units = [
            Unit(
                plan,
                line,
                timeout_ns,
                self._start_ns,
                random.random,
                memories.get(plan.meter, UnitMemory()),
            )
            for plan in units
            if plan.points
        ]
        proofs: dict[int, Proof] = {}
        for unit in self._units:
            # The channels of one unit are meters each, but owe replies as one.
            unit.proof = proofs.setdefault(unit.number, unit.proof)
        self._service = Service(
            bus_id=bus_id,
            port=self._port,
            units=self._units,
            series_reads=reads_within(line.silence_ns),
            notices=Notices(bus_id, notify, _boot_ns),
            deliver=deliver,
            boot_ns=_boot_ns,
        )

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the running series of reads and give the port back."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def statistics(self) -> BusStatistics:
        """Return what was counted so far; may be called from any thread."""
        work = self._port.work
        load = self._service.load
        return BusStatistics(
            bus=self._bus_id,
            alive=self._thread.is_alive(),
            port_open=self._port.exchange is not None,
            transactions=work.transactions,
            readings=self._service.handover.readings,
            busy_ns=work.busy_ns,
            elapsed_ns=monotonic_ns() - self._start_ns,
            lateness_ns=load.lateness_ns,
            lateness_max_ns=load.recent.largest(monotonic_ns()),
            overloaded=load.overloaded,
            skipped=load.skipped,
            wakes=self._waits + work.wakes,
            discarded_bytes=work.discarded,
            errors=total([unit.tally for unit in self._units]),
            units=tuple(map(statistics_of, self._units)),
        )

    def memories(self) -> dict[str, UnitMemory]:
        """Return what was learnt of each meter; may be called from any thread."""
        return {unit.meter: memory_of(unit) for unit in self._units}

    def _run(self) -> None:
        if not self._units:
            self._stopping.wait()
        self._service.begin()
        try:
            while not self._stopping.is_set():
                self._step(monotonic_ns())
        finally:
            self._port.close()

    def _step(self, now_ns: int) -> None:
        """Do the most urgent things, or sleep until there is one."""
        wake_ns = self._service.serve(now_ns)
        if wake_ns > now_ns:
            self._waits += 1
            self._stopping.wait((wake_ns - now_ns) / 1e9)
