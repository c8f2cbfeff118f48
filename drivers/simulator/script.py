"""What goes wrong in a simulated factory, and when."""

import itertools
import time
from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Event, Thread

from zerometer.drivers.simulator.catalogue import (
    KNOWN,
    Act,
    LineFault,
    MeterFault,
    UnitFault,
)
from zerometer.drivers.simulator.faults import Fault, sometimes
from zerometer.drivers.simulator.installed import Installed
from zerometer.drivers.simulator.order import Order, parse, wrong
from zerometer.drivers.simulator.place import LinePlace, MeterPlace, SimulatedBus, wire
from zerometer.drivers.simulator.values import Values

_BY_NAME = {known.name: known for known in KNOWN}
#: A fault's place among the known ones, its number among those ordered, and itself.
_Ranked = tuple[int, int, Fault]


class Script:
    """Ordered faults, ready to begin; UsageError when an order makes no sense.

    start() brings those that are there from the first moment, and a thread brings
    and ends the others. *report* is told what then cannot be done.
    """

    def __init__(
        self,
        orders: Sequence[str],
        lines: Mapping[str, SimulatedBus],
        meters: Sequence[Installed],
        seed: int,
        report: Callable[[str], None],
    ) -> None:
        self._lines = lines
        self._seed = seed
        self._report = report
        self._places = [
            MeterPlace(lines[installed.meter.bus], installed, seed)
            for installed in meters
        ]
        self._active: dict[tuple[str, int], list[_Ranked]] = {
            place.unit: [] for place in self._places
        }
        self._number = itertools.count()
        self._events: list[tuple[int, str, Act]] = []
        for text in orders:
            self._add(parse(text))
        self._events.sort(key=lambda event: event[0])
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin now."""
        begin_ns = time.monotonic_ns()
        while self._events and self._events[0][0] == 0:
            self._events.pop(0)[2]()
        if self._events:
            self._thread = Thread(
                target=self._run, args=(begin_ns,), name="fault-script", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Let nothing begin or end any more; harmless when not started."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, begin_ns: int) -> None:
        for after_ns, text, act in self._events:
            left_ns = begin_ns + after_ns - time.monotonic_ns()
            if self._stopping.wait(max(left_ns, 0) / 1e9):
                return
            try:
                act()
            except OSError as error:
                self._report(f'fault "{text}": the port cannot come back: {error}')

    def _add(self, order: Order) -> None:
        known = _BY_NAME.get(order.name)
        if known is None:
            names = ", ".join(_BY_NAME)
            raise wrong(order.text, f'"{order.name}" is not known; known: {names}')
        try:
            if isinstance(known, LineFault):
                self._add_line_fault(known, order)
            elif isinstance(known, MeterFault):
                self._add_meter_fault(known, order)
            else:
                self._add_unit_fault(known, order)
        except ValueError as error:
            raise wrong(order.text, str(error)) from None

    def _add_line_fault(self, known: LineFault, order: Order) -> None:
        if order.bus is None:
            raise ValueError(f"is of a whole bus: write bus=BUS:{order.name}")
        values = Values(order.values)
        place = LinePlace(self._line(order.bus), self._seed)
        self._schedule(order, *known.make(values, place))
        values.end(share=False)

    def _add_meter_fault(self, known: MeterFault, order: Order) -> None:
        for place in self._places_of(order):
            values = Values(order.values)
            begin, end = known.make(values, place)
            if end is None and order.end_ns is not None:
                raise ValueError("cannot be undone: leave out the duration")
            self._schedule(order, begin, end)
            values.end(share=False)

    def _add_unit_fault(self, known: UnitFault, order: Order) -> None:
        for place in self._places_of(order):
            if known.wired:
                wire(place.line)
            values = Values(order.values)
            fault = known.make(values, place)
            values.end(share=True)
            if values.share is not None:
                fault = sometimes(fault, values.share, place.seed)
            place_in_row = (KNOWN.index(known), next(self._number), fault)
            self._schedule(
                order,
                partial(self._give, place, place_in_row),
                partial(self._take, place, place_in_row),
            )

    def _schedule(self, order: Order, begin: Act, end: Act | None) -> None:
        self._events.append((order.start_ns, order.text, begin))
        if end is not None and order.end_ns is not None:
            self._events.append((order.end_ns, order.text, end))

    def _give(self, place: MeterPlace, fault: _Ranked) -> None:
        insort(self._active[place.unit], fault)
        place.give([fault for _, _, fault in self._active[place.unit]])

    def _take(self, place: MeterPlace, fault: _Ranked) -> None:
        self._active[place.unit].remove(fault)
        place.give([fault for _, _, fault in self._active[place.unit]])

    def _line(self, bus: str) -> SimulatedBus:
        if bus not in self._lines:
            known = ", ".join(self._lines)
            raise ValueError(f'bus "{bus}" is not in the site; known: {known}')
        return self._lines[bus]

    def _places_of(self, order: Order) -> list[MeterPlace]:
        """Return the meter of an order, or all meters of its bus."""
        if order.bus is not None:
            self._line(order.bus)
            return [p for p in self._places if p.installed.meter.bus == order.bus]
        found = [p for p in self._places if p.installed.meter.id == order.meter]
        if not found:
            known = ", ".join(p.installed.meter.id for p in self._places)
            raise ValueError(
                f'meter "{order.meter}" is not in the site; known: {known}'
            )
        return found
