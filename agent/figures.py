"""What a run has done so far, in numbers; kept over restarts with the state."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from zerometer.core.ledger import EMISSION_EXPONENT, Cell
from zerometer.core.site import VIEWS, View
from zerometer.core.windows import MINUTE_NS, Window

#: Minute windows that the page draws.
KEPT_WINDOWS = 60
_KG = 10.0**EMISSION_EXPONENT


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """Emissions that entered the site in a window."""

    start_ns: int
    length_ns: int
    emissions_kg: dict[View, float]


@dataclass(slots=True)
class Figures:
    """Totals over windows."""

    windows: deque[WindowFigures] = field(
        default_factory=lambda: deque(maxlen=KEPT_WINDOWS)
    )
    day: str = ""
    today_kg: dict[View, float] = field(
        default_factory=lambda: dict.fromkeys(VIEWS, 0.0)
    )

    def add(self, window: Window, cells: list[Cell], zone: tzinfo) -> None:
        """Take in a window; only whole minutes count."""
        if window.length_ns != MINUTE_NS:
            return
        emissions = {view: _entered_kg(window, cells, view) for view in VIEWS}
        if self.windows and self.windows[-1].start_ns == window.start_ns:
            last = self.windows.pop()  # put out again, more complete
            for view in VIEWS:
                self.today_kg[view] -= last.emissions_kg[view]
        moment = datetime.fromtimestamp(window.start_ns // 10**9, UTC)
        day = moment.astimezone(zone).date().isoformat()
        if day != self.day:
            self.day, self.today_kg = day, dict.fromkeys(VIEWS, 0.0)
        for view in VIEWS:
            self.today_kg[view] += emissions[view]
        self.windows.append(WindowFigures(window.start_ns, MINUTE_NS, emissions))

    def state(self) -> list[Any]:
        """Return the totals as plain values."""
        return [
            self.day,
            self.today_kg,
            [[w.start_ns, w.length_ns, w.emissions_kg] for w in self.windows],
        ]

    def restore(self, state: list[Any]) -> None:
        """Take up totals."""
        self.day, self.today_kg, windows = state
        self.windows.extend(WindowFigures(*window) for window in windows)


def _entered_kg(window: Window, cells: list[Cell], view: View) -> float:
    """Return the emissions of everything that entered, of the window's cells."""
    origins = {
        c.name.removesuffix(":entered") for c in cells if c.name.endswith(":entered")
    }
    return _KG * sum(
        units
        for cell, units in zip(cells, window.cells, strict=True)
        if cell.name.endswith(f":emissions:{view}")
        and cell.name.split(":")[0] in origins
    )
