"""A booked quarter hour, and what it comes to with other factors.

What flowed is known for ever: only its kg depend on factors, and on what the
storages held when it began. So a quarter is folded again from its record, as it
was when it was booked.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Any

from zerometer.core._window import apportion, ledger_total
from zerometer.core.boundary import Boundary
from zerometer.core.fold import Fold
from zerometer.core.holdings import Holdings
from zerometer.core.ledger import EMISSION_EXPONENT, Cell
from zerometer.core.network import Network
from zerometer.core.quarter_record import QuarterRecord
from zerometer.core.site import Site, View
from zerometer.core.totals import FactorSet
from zerometer.core.windows import Window

#: kg by storage, for each view.
StorageKg = Mapping[View, "array[float]"]

#: States of storages that differ by less, in kg, agree: a thousandth of a cell's unit.
AGREEMENT_KG = 1e-9
#: A cell that differs by no more, in its unit, was only rounded in another way.
ROUNDING_UNITS = 2
_UNITS_PER_KG = float(10**-EMISSION_EXPONENT)


@dataclass(frozen=True, slots=True)
class Booked:
    """A quarter hour as the books have it.

    ``openings``: what the storages held when it began; ``kg``: the site's totals (not
    known where a version that restated nothing began the quarter);
    ``window``: its row as it was put out last, None for a quarter that was cut (by a
    step of the clock, or a changed graph) and is not put out again.
    """

    record: QuarterRecord
    openings: Holdings
    kg: Mapping[View, float]
    window: Window | None

    def packed(self) -> list[Any]:
        """Return it as plain values."""
        w = self.window
        row = w and [
            w.start_ns, w.length_ns, w.cells.tobytes(), w.covered_ns, w.seen_ns,
            w.revision,
        ]  # fmt: skip
        return [self.record.packed(), self.openings.packed(), dict(self.kg), row]

    @classmethod
    def unpacked(cls, values: Sequence[Any]) -> "Booked":
        """Return what was *packed*."""
        record, openings, kg, row = values
        window = None
        if row:
            start_ns, length_ns, cells, *rest = row
            window = Window(start_ns, length_ns, array("q", cells), *rest)
        return cls(
            QuarterRecord.unpacked(record), Holdings.unpacked(openings), kg, window
        )


@dataclass(frozen=True, slots=True)
class Restated:
    """A quarter hour with other factors, and what the storages held at its end.

    ``delta_kg``: by how much the site's totals changed. ``differs``: whether its row
    says anything else, and has the next revision.
    """

    booked: Booked
    closings: Holdings
    delta_kg: Mapping[View, float]
    differs: bool


class Restater:
    """Folds booked quarters of one site again."""

    def __init__(self, site: Site, network: Network, cells: Sequence[Cell]) -> None:
        """*cells*: what the numbers of its windows mean."""
        self._fold = Fold(network)
        self._boundary = Boundary(site, network)
        at = {cell.name: i for i, cell in enumerate(cells)}
        #: By view, the cells of the origins' emissions and of the places'.
        self._cells = {
            view: (
                [at[f"{o.name}:emissions:{view}"] for o in network.origins],
                [at[f"{p.name}:emissions:{view}"] for p in network.places],
            )
            for view in network.views
        }

    def restate(
        self, booked: Booked, factors: FactorSet, opening_kg: StorageKg | None
    ) -> Restated:
        """Fold *booked* with *factors*.

        *opening_kg* is what the storages held when it began, by now; None: as booked.
        """
        openings = booked.openings
        if opening_kg is not None:
            openings = replace(openings, kg=opening_kg)
        totals, closings = self._fold.refold(booked.record, factors, openings)
        kg = self._boundary.emissions_kg(totals)
        delta = {view: kg[view] - booked.kg.get(view, kg[view]) for view in kg}
        window = booked.window
        differs = False
        if window is not None:
            cells = window.cells[:]
            for view, (origins, places) in self._cells.items():
                _round(totals.entered_kg[view], totals.received_kg[view],
                       origins, places, cells)  # fmt: skip
            differs = any(
                abs(new - old) > ROUNDING_UNITS
                for new, old in zip(cells, window.cells, strict=True)
            )
            if differs:
                window = replace(window, cells=cells, revision=window.revision + 1)
        record = replace(booked.record, revision=factors.revision)
        return Restated(Booked(record, openings, kg, window), closings, delta, differs)


def _round(
    entered_kg: "array[float]",
    received_kg: "array[float]",
    origins: Sequence[int],
    places: Sequence[int],
    cells: "array[int]",
) -> None:
    """Write both sides of a view into *cells*, rounded so that they have one sum.

    What other windows carried over from their rounding is not looked at.
    """
    total, _ = ledger_total(fsum(entered_kg) * _UNITS_PER_KG, 0.0)
    for kg, places_of in ((entered_kg, origins), (received_kg, places)):
        parts = array("d", (value * _UNITS_PER_KG for value in kg))
        out = array("q", bytes(8 * len(parts)))
        if parts:
            apportion(parts, total, array("d", bytes(8 * len(parts))), out)
        for cell, units in zip(places_of, out, strict=True):
            cells[cell] = units


def agree(one: StorageKg, other: StorageKg) -> bool:
    """Whether storages hold the same."""
    return all(
        abs(a - b) <= AGREEMENT_KG
        for view, row in one.items()
        for a, b in zip(row, other[view], strict=True)
    )


def follows(closings: Holdings, openings: Holdings) -> bool:
    """Whether a quarter with *openings* is the next one that was booked."""
    return (closings.energy, closings.origins) == (openings.energy, openings.origins)
