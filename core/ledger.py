"""Window totals as integers: what is booked balances to the last unit.

Quantities are booked in units of 10**exponent (mWh, mNm3, kJ), emissions in mg.
Floats are rounded by largest remainder against totals that are rounded once, and
what a rounding left over is carried into the next window, so three identities
hold exactly in every window:

- per origin: what entered equals what all places got (storages: net);
- per view: emissions of all origins equal those of all places;
- per pool: what flowed in equals what flowed out.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from zerometer.core._window import apportion, ledger_total
from zerometer.core.network import Network
from zerometer.core.pool_lines import lines_in, lines_out
from zerometer.core.site import View
from zerometer.core.totals import Totals
from zerometer.core.units import LEDGER_EXPONENT

EMISSION_UNIT = "kg"
EMISSION_EXPONENT = LEDGER_EXPONENT[EMISSION_UNIT]


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a window: its name on the wire, unit and decimal exponent."""

    name: str
    unit: str
    exponent: int


class _Rounding:
    """A row of cells that is rounded together, with what it carries over."""

    def __init__(self, cells: Sequence[int]) -> None:
        self.cells = cells
        self._total_residual = 0.0
        self._residuals = array("d", bytes(8 * len(cells)))

    def whole(self, parts: "array[float]") -> int:
        """Return the row's sum in whole units, carrying the rest."""
        total, self._total_residual = ledger_total(fsum(parts), self._total_residual)
        return total

    def divide(self, parts: "array[float]", total: int, row: "array[int]") -> None:
        """Write *total* into the row's cells, divided as *parts* are."""
        if not parts:
            return
        out = array("q", bytes(8 * len(parts)))
        apportion(parts, total, self._residuals, out)
        for cell, units in zip(self.cells, out, strict=True):
            row[cell] = units

    def state(self) -> list[Any]:
        """Return what is carried over."""
        return [self._total_residual, self._residuals.tobytes()]

    def restore(self, state: list[Any]) -> None:
        """Take up what was carried over."""
        self._total_residual, residuals = state
        self._residuals = array("d", residuals)


class Ledger:
    """Names the cells of a window and rounds amounts into them."""

    def __init__(
        self,
        network: Network,
    ) -> None:
        """Lay out the cells."""
        self._network = network
        self._into, self._out_of = lines_in(network), lines_out(network)
        self.cells: list[Cell] = []
        self._pools = [
            (
                _Rounding([self._quantity(line.name, pool.unit) for line in into]),
                _Rounding([self._quantity(line.name, pool.unit) for line in out_of]),
            )
            for pool, into, out_of in zip(
                network.pools, self._into, self._out_of, strict=True
            )
        ]
        self._entered = [
            self._cell(f"{o.name}:entered", o.unit, LEDGER_EXPONENT[o.unit])
            for o in network.origins
        ]
        self._received = [
            _Rounding(
                [
                    self._cell(
                        f"{place.name}:from:{origin.name}",
                        origin.unit,
                        LEDGER_EXPONENT[origin.unit],
                    )
                    for place in network.places
                ]
            )
            for origin in network.origins
        ]
        self._emitted = {view: self._emission_rows(view) for view in network.views}

    def _cell(self, name: str, unit: str, exponent: int) -> int:
        self.cells.append(Cell(name, unit, exponent))
        return len(self.cells) - 1

    def _quantity(self, name: str, unit: str) -> int:
        return self._cell(f"{name}:quantity", unit, LEDGER_EXPONENT[unit])

    def _emission_rows(self, view: View) -> tuple[_Rounding, _Rounding]:
        def cells(names: Sequence[str]) -> list[int]:
            return [
                self._cell(f"{n}:emissions:{view}", EMISSION_UNIT, EMISSION_EXPONENT)
                for n in names
            ]

        return (
            _Rounding(cells([o.name for o in self._network.origins])),
            _Rounding(cells([p.name for p in self._network.places])),
        )

    def book(self, totals: Totals) -> "array[int]":
        """Round the totals of a span; return its cells."""
        row = array("q", bytes(8 * len(self.cells)))
        for pool, rows, into, out_of in zip(
            self._network.pools, self._pools, self._into, self._out_of, strict=True
        ):
            _balance(
                rows,
                [line.quantity(totals) for line in into],
                [line.quantity(totals) for line in out_of],
                float(10 ** -LEDGER_EXPONENT[pool.unit]),
                row,
            )
        width = len(self._network.origins)
        for k, (origin, rounding) in enumerate(
            zip(self._network.origins, self._received, strict=True)
        ):
            scale = float(10 ** -LEDGER_EXPONENT[origin.unit])
            parts = array("d", (amount * scale for amount in totals.received[k::width]))
            units = rounding.whole(parts)
            rounding.divide(parts, units, row)
            row[self._entered[k]] = units
        for view, rows in self._emitted.items():
            _balance(
                rows,
                totals.entered_kg[view],
                totals.received_kg[view],
                float(10**-EMISSION_EXPONENT),
                row,
            )
        return row

    def _roundings(self) -> list[_Rounding]:
        pairs = [*self._pools, *self._emitted.values()]
        return [*self._received, *(rounding for pair in pairs for rounding in pair)]

    def state(self) -> list[list[Any]]:
        """Return what roundings carry over."""
        return [rounding.state() for rounding in self._roundings()]

    def restore(self, state: list[list[Any]]) -> None:
        """Take up what roundings carry over."""
        for rounding, carried in zip(self._roundings(), state, strict=True):
            rounding.restore(carried)


def _balance(
    rows: tuple[_Rounding, _Rounding],
    left: Sequence[float],
    right: Sequence[float],
    scale: float,
    row: "array[int]",
) -> None:
    """Round both sides of an identity so that their integers have one sum."""
    parts = array("d", (value * scale for value in left))
    total = rows[0].whole(parts)
    rows[0].divide(parts, total, row)
    rows[1].divide(array("d", (value * scale for value in right)), total, row)
