"""Totals of spans, added up: those of a window, and of everything."""

from array import array
from typing import Any

from zerometer.core._window import add_rows
from zerometer.core.totals import Totals

_AMOUNTS = (
    "measured", "flows", "estimated", "entered", "received", "quantity", "throughput",
    "true_up",
)  # fmt: skip
_BY_VIEW = ("entered_kg", "received_kg", "pool_kg")


class Sum:
    """The sum of the totals of spans that follow each other.

    Sums are compensated (Neumaier), so that a year of quarter hours is as good as
    one of them.
    """

    def __init__(self) -> None:
        self._first: Totals | None = None
        self._last: Totals | None = None
        self._sums: dict[tuple[str, str], tuple[array[float], array[float]]] = {}
        self._covered_ns = 0
        self._flags: set[str] = set()
        self._credit_kg = 0.0
        self._seen_ns = 0.0

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return self._first is not None

    @property
    def covered_ns(self) -> int:
        """How much time there is in it."""
        return self._covered_ns

    def add(self, totals: Totals) -> None:
        """Add a span, which comes after all before."""
        self._first = self._first or totals
        self._last = totals
        self._covered_ns += totals.end_ns - totals.start_ns
        self._flags |= totals.flags
        self._credit_kg += totals.credit_kg
        self._seen_ns += totals.seen_ns
        for name in _AMOUNTS:
            self._add(name, "", getattr(totals, name))
        for name in _BY_VIEW:
            for view, row in getattr(totals, name).items():
                self._add(name, view, row)

    def _add(self, name: str, view: str, row: "array[float]") -> None:
        kept = self._sums.get((name, view))
        if kept is None:
            zeros = array("d", bytes(8 * len(row)))
            kept = self._sums[name, view] = zeros, zeros[:]
        if row:
            add_rows(*kept, row)

    def total(self) -> Totals:
        """Return the sum; what storages hold is what the last span left in them."""
        assert self._first is not None and self._last is not None
        amounts: dict[str, Any] = {name: self._row(name, "") for name in _AMOUNTS}
        for name in _BY_VIEW:
            views = getattr(self._last, name)
            amounts[name] = {view: self._row(name, view) for view in views}
        return Totals(
            start_ns=self._first.start_ns,
            end_ns=self._last.end_ns,
            held=self._last.held,
            credit_kg=self._credit_kg,
            seen_ns=self._seen_ns,
            flags=set(self._flags),
            **amounts,
        )

    def _row(self, name: str, view: str) -> "array[float]":
        sums, carries = self._sums[name, view]
        return array("d", map(float.__add__, sums, carries))
