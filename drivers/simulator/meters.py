"""Simulated meters: the registers of a real model, filled from a load."""

import math
import struct
from collections.abc import Callable, Sequence

from zerometer.core.meter_map import MeterMap
from zerometer.core.points import Point
from zerometer.core.units import UNITS, factor
from zerometer.drivers.simulator.bank import Bank, Cell
from zerometer.drivers.simulator.encoding import modulus_of
from zerometer.drivers.simulator.plant import Model
from zerometer.drivers.simulator.quantities import (
    Snapshot,
    Value,
    derived_value_of,
    value_of,
)
from zerometer.drivers.simulator.ratios import Ratios
from zerometer.drivers.simulator.sunspec import laid_out
from zerometer.drivers.simulator.told import told

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_COUNT = 3

_MOST_BITS = 2000

#: Takes each counter that is served: boot-time ns, meter, point, the value that the
#: registers say (in the point's unit, ratios included), and the value before it was
#: rounded down to the counter's step.
Recorder = Callable[[int, str, str, float, float], None]


class SimulatedMeter:
    """A meter that answers read requests as its map says, from a load model.

    ``points`` are made by a site from points of the map, whose registers they
    share and whose places they take (a pulse counter gets name, unit and weight).
    ``ct`` and ``pt`` are ratios, primary by secondary; ``pulse`` is how much one
    pulse stands for where the site does not say. ``serial`` is the serial number that
    the meter tells, by default its id.
    """

    def __init__(
        self,
        meter_id: str,
        meter_map: MeterMap,
        model: Model,
        *,
        points: Sequence[Point] = (),
        ct: float = 1.0,
        pt: float = 1.0,
        pulse: float = 0.01,
        serial: str = "",
        recorder: Recorder | None = None,
    ) -> None:
        self.id = meter_id
        self._limits = meter_map.limits
        self._model = model
        self._recorder = recorder
        # Electrical quantities are computed in kW and kWh.
        energy = UNITS[model.unit].dimension == "energy"
        self._times = factor(model.unit, "kWh") if energy else 1.0
        unit = "kWh" if energy else model.unit
        known = {_key(p): p for p in meter_map.points}
        chosen = known | {_key(p): p for p in points}
        ratios = Ratios(chosen.values(), ct, pt)

        def value(point: Point) -> Value:
            ratio = ratios.value(point)
            if ratio is not None:
                return lambda _snapshot: ratio
            source = known[_key(point)]
            if point is source:
                return value_of(point, unit, pulse)
            return derived_value_of(point, source, unit)

        serial = serial or meter_id
        self._told = told(meter_map, serial)
        starts, fixed = laid_out(meter_map, serial) if meter_map.sunspec else ({}, {})
        self._cells = cells = [
            Cell(
                point.moved(starts[point.models[-1]]) if point.models else point,
                value(point),
                ratios.of(point),
            )
            for point in chosen.values()
        ]
        self._banks = {
            function: Bank(
                [c for c in cells if c.point.function == function], self._limits, fixed
            )
            for function in {c.point.function for c in cells}
        }

    def answer(self, request: bytes, time_ns: int) -> bytes:
        """Return the reply (protocol data unit) to *request* at *time_ns*."""
        function = request[0]
        alone = self._told.get(request)
        if alone is not None:
            return bytes((function, len(alone))) + alone
        bank = self._banks.get(function)
        if bank is None:
            return _refusal(function, ILLEGAL_FUNCTION)
        if len(request) != 5:
            return _refusal(function, ILLEGAL_COUNT)
        address, count = struct.unpack(">HH", request[1:])
        width = self._limits.registers_per_address if function > 2 else 1
        most = self._limits.max_registers // width if function > 2 else _MOST_BITS
        odd = self._limits.even_only
        if not 1 <= count <= most or (odd and count % 2):
            return _refusal(function, ILLEGAL_COUNT)
        if (odd and address % 2) or not bank.holds(address, count):
            return _refusal(function, ILLEGAL_ADDRESS)
        data = self._registers(bank, address, count, width, time_ns)
        if function <= 2:
            data = _packed(data)
        return bytes((function, len(data))) + data

    def served(self, time_ns: int) -> dict[str, float]:
        """Return what the registers of each point say, ratios included."""
        snapshot = self._snapshot(time_ns)
        return {
            cell.point.name: cell.serve(snapshot)[0].said
            for bank in self._banks.values()
            for cell in bank.between(0, 65_536)
        }

    def rollover(self, *, exporting: bool) -> float:
        """Return the index at which a counter rolls over first, or infinity.

        It is the import index, or the export index, in the model's unit.
        """
        one = self._times
        unit = (
            Snapshot(0.0, 0.0, one, 0.0) if exporting else Snapshot(0.0, one, 0.0, 0.0)
        )
        found = [math.inf]
        for cell in self._cells:
            gain = cell.value(unit)
            if cell.point.kind == "counter" and gain:
                found.append(modulus_of(cell.point) * cell.ratio / abs(gain))
        return min(found)

    def _snapshot(self, t: int) -> Snapshot:
        imported, exported = self._model.energy(t)
        return Snapshot(
            self._model.power(t) * self._times,
            imported * self._times,
            exported * self._times,
            t / 3.6e12,
        )

    def _registers(
        self, bank: Bank, address: int, count: int, width: int, t: int
    ) -> bytes:
        snapshot = self._snapshot(t)
        image = bytearray(2 * count * width)
        for at, word in bank.fixed(address, address + count):
            _put(image, 2 * (at - address), word.to_bytes(2, "big"))
        for cell in bank.between(address, address + count):
            shown, true = cell.serve(snapshot)
            for at, data in shown.registers:
                _put(image, 2 * width * (at - address), data)
            if self._recorder and cell.point.kind == "counter":
                self._recorder(t, self.id, cell.point.name, shown.said, true)
        return bytes(image)


def _put(image: bytearray, at: int, data: bytes) -> None:
    """Put *data* into registers of which other points may have other bits.

    What the read cuts off is left out.
    """
    for i, byte in enumerate(data, at):
        if 0 <= i < len(image):
            image[i] |= byte


def _key(point: Point) -> tuple[object, ...]:
    """Return what points share that stand in the same registers."""
    return point.function, point.models, point.address, point.bits


def _refusal(function: int, code: int) -> bytes:
    return bytes((function | 0x80, code))


def _packed(words: bytes) -> bytes:
    """Return one bit for each word that is not zero, lowest bit first."""
    bits = [any(words[i : i + 2]) for i in range(0, len(words), 2)]
    packed = bytearray((len(bits) + 7) // 8)
    for i, bit in enumerate(bits):
        packed[i // 8] |= bit << i % 8
    return bytes(packed)
