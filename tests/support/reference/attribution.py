"""Attribution in plain Python: every quarter's origins apart, in fractions.

Where the books keep what storages held at the beginning of a quarter hour as one
thing, and weigh it with the kg it had, here each origin of each quarter is an origin
of its own, for good, with the factor of its quarter.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from reference.flow import Flow, Matrix, Tick, zeros
from zerometer.core.flow_tables import FlowTables


@dataclass
class Span:
    """What came out of a span: by origin, and kg."""

    received: Matrix
    entered: list[Fraction]
    throughput: list[Fraction]
    quantity: list[Fraction]
    received_kg: list[Fraction]
    entered_kg: list[Fraction]
    pool_kg: list[Fraction]


class Account:
    """The account of one view, over *quarters*; *origins* are those of the network."""

    def __init__(self, tables: FlowTables, origins: int, quarters: int) -> None:
        self._tables, self._origins, self._quarters = tables, origins, quarters
        self.flow = Flow(replace(tables, origins=origins * quarters))
        self.factors = [Fraction(0)] * (origins * quarters)

    def begin(self, quarter: int, factors: Sequence[float]) -> None:
        """Let what enters be of a quarter from now on."""
        shift, t = quarter * self._origins, self._tables
        self.factors[shift : shift + self._origins] = map(Fraction, factors)
        self.flow.t = replace(
            t,
            origins=self._origins * self._quarters,
            inflows=_shifted(t.inflows, 3, 1, shift),
            burns=_shifted(t.burns, 3, 1, shift),
            bonuses=_shifted(t.bonuses, 4, 3, shift),
            tanks=_shifted(t.tanks, 5, 4, shift),
            unmeasured=_shifted(t.unmeasured, 1, 0, shift),
        )

    def book(self, steps: Sequence[Sequence[float]], hours: Sequence[float]) -> Span:
        """Book the steps of a span."""
        ticks = [self.flow.tick([*s], h) for s, h in zip(steps, hours, strict=True)]
        received = _sum([self._net(tick) for tick in ticks])
        carried = _sum([tick.carried for tick in ticks])
        entered = _sum([[tick.entered] for tick in ticks])[0]
        return Span(
            self.united(received),
            self.united([entered])[0],
            _sum([[tick.throughput] for tick in ticks])[0],
            _sum([[tick.quantities] for tick in ticks])[0],
            self.weighed(received),
            [
                sum((self.factors[i] * entered[i] for i in self._all(k)), Fraction(0))
                for k in range(self._origins)
            ],
            self.weighed(carried),
        )

    def held_kg(self) -> list[Fraction]:
        """Return the kg in each storage."""
        return self.weighed(self.flow.contents)

    def weighed(self, rows: Matrix) -> list[Fraction]:
        """Return the kg of each row."""
        return [
            sum((a * f for a, f in zip(row, self.factors, strict=True)), Fraction(0))
            for row in rows
        ]

    def united(self, rows: Matrix) -> Matrix:
        """Return rows by origin, of whatever quarter."""
        return [
            [
                sum((row[i] for i in self._all(k)), Fraction(0))
                for k in range(self._origins)
            ]
            for row in rows
        ]

    def _all(self, k: int) -> range:
        return range(k, self._origins * self._quarters, self._origins)

    def _net(self, tick: Tick) -> Matrix:
        rows = [row[:] for row in tick.amounts]
        for i, given in enumerate(tick.discharged):
            place = self._tables.tanks[5 * i + 1]
            rows[place] = [a - b for a, b in zip(rows[place], given, strict=True)]
        return rows


def _sum(matrices: Sequence[Matrix]) -> Matrix:
    total = zeros(len(matrices[0]), len(matrices[0][0]) if matrices[0] else 0)
    for matrix in matrices:
        total = [
            [a + b for a, b in zip(x, y, strict=True)]
            for x, y in zip(total, matrix, strict=True)
        ]
    return total


def _shifted(table: "array[int]", width: int, column: int, shift: int) -> "array[int]":
    return array(
        "i", (v + shift if i % width == column else v for i, v in enumerate(table))
    )
