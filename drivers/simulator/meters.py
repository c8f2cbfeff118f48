"""Simulated meters: the registers of a real model, filled from a load."""

import struct
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zerometer.core.points import MeterMap, Point
from zerometer.core.units import UNITS, factor
from zerometer.drivers.simulator.encoding import encode, raw_of, shown
from zerometer.drivers.simulator.plant import Model
from zerometer.drivers.simulator.quantities import Snapshot, Value, value_of
from zerometer.drivers.simulator.ratios import Ratios

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_COUNT = 3

_MOST_BITS = 2000
_WIDEST = 4  # registers of the largest type

#: Takes each counter that is served: boot-time ns, meter, point, the value that the
#: registers say (in the point's unit, ratios included), and the value before it was
#: rounded down to the counter's step.
Recorder = Callable[[int, str, str, float, float], None]


@dataclass(frozen=True, slots=True)
class _Cell:
    """A point in its registers. ``ratio`` is what its registers leave out."""

    point: Point
    value: Value
    ratio: float

    def serve(self, snapshot: Snapshot) -> tuple[bytes, float, float]:
        """Return the register bytes, the value they say, and the true value."""
        point = self.point
        true = self.value(snapshot)
        raw = raw_of(point, (true - point.offset) / self.ratio)
        said = shown(point, raw) * self.ratio + point.offset
        return encode(point, raw), said, true


class SimulatedMeter:
    """A meter that answers read requests as its map says, from a load model.

    ``points`` replace those of the map that start in the same register (a site
    may give a pulse counter its name and weight). ``ct`` and ``pt`` are ratios,
    primary by secondary; ``pulse`` is how much one pulse of a counter that has no
    other unit stands for.
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
        chosen = {(p.function, p.address): p for p in (*meter_map.points, *points)}
        ratios = Ratios(chosen.values(), ct, pt)
        banks: dict[int, list[_Cell]] = {}
        for (function, _), point in sorted(chosen.items()):
            ratio = ratios.value(point)
            if ratio is None:
                value = value_of(point, unit, pulse)
            else:
                value = _constant(ratio)
            cell = _Cell(point, value, ratios.of(point))
            banks.setdefault(function, []).append(cell)
        self._banks = {function: _Bank(cells) for function, cells in banks.items()}

    def answer(self, request: bytes, time_ns: int) -> bytes:
        """Return the reply (protocol data unit) to *request* at *time_ns*."""
        function = request[0]
        bank = self._banks.get(function)
        if bank is None:
            return _refusal(function, ILLEGAL_FUNCTION)
        if len(request) != 5:
            return _refusal(function, ILLEGAL_COUNT)
        address, count = struct.unpack(">HH", request[1:])
        most = self._limits.max_registers if function > 2 else _MOST_BITS
        odd = self._limits.even_only
        if not 1 <= count <= most or (odd and count % 2):
            return _refusal(function, ILLEGAL_COUNT)
        if (odd and address % 2) or not bank.holds(
            address, count, self._limits.bridge_gaps
        ):
            return _refusal(function, ILLEGAL_ADDRESS)
        data = self._registers(bank, address, count, time_ns)
        if function <= 2:
            data = _packed(data)
        return bytes((function, len(data))) + data

    def _registers(self, bank: "_Bank", address: int, count: int, t: int) -> bytes:
        imported, exported = self._model.energy(t)
        snapshot = Snapshot(
            self._model.power(t) * self._times,
            imported * self._times,
            exported * self._times,
            t / 3.6e12,
        )
        # Room on both sides for values that the read cuts.
        image = bytearray(2 * (count + 2 * _WIDEST))
        for cell in bank.between(address, address + count):
            data, said, true = cell.serve(snapshot)
            at = 2 * (cell.point.address - address + _WIDEST)
            image[at : at + len(data)] = data
            if self._recorder and cell.point.kind == "counter":
                self._recorder(t, self.id, cell.point.name, said, true)
        return bytes(image[2 * _WIDEST : 2 * (_WIDEST + count)])


class _Bank:
    """The cells of one function, by address."""

    def __init__(self, cells: Sequence[_Cell]) -> None:
        self._cells = cells
        self._starts = [cell.point.address for cell in cells]
        self._listed = {
            cell.point.address + i for cell in cells for i in range(_width(cell))
        }

    def holds(self, address: int, count: int, bridge_gaps: bool) -> bool:
        """Whether a read of these registers is allowed."""
        asked = range(address, address + count)
        if bridge_gaps:
            return asked.stop <= 65_536 and any(a in self._listed for a in asked)
        return all(a in self._listed for a in asked)

    def between(self, first: int, end: int) -> list[_Cell]:
        """Return the cells with a register from *first* until before *end*."""
        low = bisect_left(self._starts, first - _WIDEST + 1)
        high = bisect_left(self._starts, end)
        return [
            cell
            for cell in self._cells[low:high]
            if cell.point.address + _width(cell) > first
        ]


def _width(cell: _Cell) -> int:
    return 1 if cell.point.function <= 2 else cell.point.registers


def _constant(number: float) -> Value:
    return lambda _snapshot: number


def _refusal(function: int, code: int) -> bytes:
    return bytes((function | 0x80, code))


def _packed(words: bytes) -> bytes:
    """Return one bit for each word that is not zero, lowest bit first."""
    bits = [any(words[i : i + 2]) for i in range(0, len(words), 2)]
    packed = bytearray((len(bits) + 7) // 8)
    for i, bit in enumerate(bits):
        packed[i // 8] |= bit << i % 8
    return bytes(packed)
