"""The site's counters: which record of the bank is which point of which meter."""

from collections.abc import Sequence
from functools import cached_property
from math import frexp, isnan, ldexp, prod
from typing import Any

from zerometer.core._counter import CounterBank
from zerometer.core.errors import JournalError
from zerometer.core.points import Quality, Reading
from zerometer.core.site import Meter
from zerometer.core.units import unit

#: The bank's state begins with magic, version and, in the last four bytes, the count.
HEADER_BYTES = 12
#: No submeter of ours counts faster than this many base units of its dimension an
#: hour: 100 MW, 100 000 Nm3/h, 100 t/h.
MAX_BASE_PER_HOUR = 100_000.0
#: Bits of a float32's significand after the leading one.
FLOAT32_BITS = 23


class Counters:
    """Which counter of the bank belongs to which point of which meter.

    A counter's step, the smallest gain it can show, is its register's step (for
    a float32 at least the spacing of such floats at its value) times the ratios
    that the meter itself multiplies with; those are only known once they were read.
    """

    def __init__(self, meters: Sequence[Meter]) -> None:
        self._counters = [
            (meter.id, polled.point)
            for meter in meters
            for polled in meter.points
            if polled.point.kind == "counter"
        ]
        self.of = {(m, point.name): i for i, (m, point) in enumerate(self._counters)}
        self.bank = CounterBank(len(self._counters))
        self.steps = [0.0] * len(self._counters)
        self._ratios: dict[tuple[str, str], float] = {}
        for slot in range(len(self._counters)):
            self._configure(slot)

    def slot(self, meter: str, point: str) -> int:
        """Return the counter of a point; KeyError when it is not polled."""
        return self.of[meter, point]

    def name(self, slot: int) -> tuple[str, str]:
        """Return the meter and the point of a counter."""
        meter, point = self._counters[slot]
        return meter, point.name

    def index(self, meter: str, point: str) -> float:
        """Return the stitched index of a counter, NaN before its first value."""
        return self.bank.index(self.of[meter, point])

    def follow_ratios(self, reading: Reading, names: Sequence[str]) -> None:
        """Let the steps follow ratios that the meter has just told."""
        for index, value, quality in zip(
            reading.points, reading.values, reading.qualities, strict=True
        ):
            key = (reading.meter, names[index])
            if key not in self._dependent or quality == Quality.MISSING:
                continue
            if self._ratios.get(key) != value:
                self._ratios[key] = value
                for slot in self._dependent[key]:
                    self._configure(slot)

    @cached_property
    def _dependent(self) -> dict[tuple[str, str], list[int]]:
        """The counters that each ratio register multiplies."""
        dependent: dict[tuple[str, str], list[int]] = {}
        for slot, (meter, point) in enumerate(self._counters):
            for name in point.times:
                dependent.setdefault((meter, name), []).append(slot)
        return dependent

    def grown(self, slot: int) -> None:
        """Let the step follow the spacing of floats, which grows with the value."""
        point = self._counters[slot][1]
        if point.type == "f32" and self._spacing(slot) > self.steps[slot]:
            self._configure(slot)

    def _spacing(self, slot: int) -> float:
        """Return how far neighbouring float32 values are apart at a counter's value."""
        value = self.bank.index(slot)
        if isnan(value) or value == 0.0:
            return 0.0
        scale = self._ratio(slot) * abs(self._counters[slot][1].scale)
        exponent = frexp(abs(value) / scale)[1] - 1
        return float(ldexp(scale, exponent - FLOAT32_BITS))

    def _ratio(self, slot: int) -> float:
        meter, point = self._counters[slot]
        return prod(self._ratios.get((meter, name), 1.0) for name in point.times)

    def _configure(self, slot: int) -> None:
        point, ratio = self._counters[slot][1], self._ratio(slot)
        step = (point.resolution or point.step) * ratio
        if point.type == "f32":
            step = max(step, self._spacing(slot))
        self.steps[slot] = step
        rate_per_s = MAX_BASE_PER_HOUR / unit(point.unit).to_base / 3600.0
        self.bank.configure(slot, step, (point.modulus or 0.0) * ratio, rate_per_s)

    def state(self) -> dict[str, Any]:
        """Return each counter's record of the bank, by meter and point."""
        packed = self.bank.state()
        size = (len(packed) - HEADER_BYTES) // max(len(self._counters), 1)
        records = [
            [meter, point, packed[HEADER_BYTES + slot * size :][:size]]
            for (meter, point), slot in self.of.items()
        ]
        return {"header": packed[:HEADER_BYTES], "records": records}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the counters that still exist; new ones begin."""
        packed = bytearray(self.bank.state())
        if packed[: HEADER_BYTES - 4] != state["header"][:-4]:
            raise JournalError(
                "journal: the counters were written by another version of zerometer: "
                "install that version"
            )
        for meter, point, record in state["records"]:
            slot = self.of.get((meter, point))
            if slot is not None:
                start = HEADER_BYTES + slot * len(record)
                packed[start : start + len(record)] = record
        self.bank.restore(bytes(packed))
