"""The lines of arrows: level beside boxes and in lanes, curved between columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from zerometer.agent.graph.layers import Layout, Slot

#: Length of an arrowhead, and half of how wide it is.
HEAD_LENGTH, HEAD_WIDTH = 8.0, 4.0


@dataclass(kw_only=True)
class Frame:
    """Where slots are: columns with their left edges and widths, and middles."""

    columns: Sequence[Sequence[Slot]]
    lefts: Sequence[float]
    widths: Sequence[float]
    middle: Mapping[Slot, float]
    top: float
    between: float

    @property
    def right(self) -> float:
        """The right edge of the last column."""
        return self.lefts[-1] + self.widths[-1]

    @cached_property
    def _column(self) -> dict[Slot, int]:
        return {slot: n for n, slots in enumerate(self.columns) for slot in slots}

    def place(self, slot: Slot) -> tuple[float, float]:
        """Return the left edge of a slot and how wide it is."""
        number = self._column[slot]
        return self.lefts[number], self.widths[number]


def path(frame: Frame, plan: Layout, number: int) -> tuple[str, str, str]:
    """Return the line of an arrow, its head, and a head at its tail."""
    route = plan.routes[number]
    if plan.back[number]:
        return _back(frame, route)
    x, wide = frame.place(route[0])
    y = frame.middle[route[0]]
    start = x + wide
    parts = [f"M{start:.1f} {y:.1f}"]
    here = start
    for slot in route[1:]:
        left, wide = frame.place(slot)
        end = left - (HEAD_LENGTH - 1 if slot == route[-1] else 0.0)
        parts.append(_curve(here, y, end, frame.middle[slot]))
        y = frame.middle[slot]
        if slot != route[-1]:
            here = left + wide
            parts.append(f"H{here:.1f}")
    return " ".join(parts), arrowhead(left, y), _tail(start, frame.middle[route[0]])


def _back(frame: Frame, route: Sequence[Slot]) -> tuple[str, str, str]:
    """Return a line that leaves to the right, goes back left, and comes in there."""
    x, wide = frame.place(route[0])
    y, start = frame.middle[route[0]], x + wide
    reach = frame.between * 0.45
    lane = frame.middle[route[1]]
    parts = [f"M{start:.1f} {y:.1f}", _turn(start, y, lane, reach)]
    here = start
    for slot in route[1:-1]:
        left, wide = frame.place(slot)
        if left + wide < here:
            parts.append(_curve(here, lane, left + wide, frame.middle[slot]))
        lane, here = frame.middle[slot], left
        parts.append(f"H{here:.1f}")
    left, _ = frame.place(route[-1])
    end = frame.middle[route[-1]]
    parts.append(_turn(here, lane, end, -reach, HEAD_LENGTH - 1))
    return " ".join(parts), arrowhead(left, end), _tail(start, y)


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    middle = (x1 + x2) / 2
    return f"C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"


def _turn(x: float, y1: float, y2: float, reach: float, short: float = 0.0) -> str:
    end = x - short
    return f"C{x + reach:.1f} {y1:.1f} {end + reach:.1f} {y2:.1f} {end:.1f} {y2:.1f}"


def arrowhead(x: float, y: float) -> str:
    """Return a head whose tip is at (x, y), from the left."""
    return (
        f"M{x:.1f} {y:.1f}l{-HEAD_LENGTH:.1f} {-HEAD_WIDTH:.1f}v{2 * HEAD_WIDTH:.1f}z"
    )


def _tail(x: float, y: float) -> str:
    """Return a head whose tip is at (x, y), from the right."""
    return f"M{x:.1f} {y:.1f}l{HEAD_LENGTH:.1f} {-HEAD_WIDTH:.1f}v{2 * HEAD_WIDTH:.1f}z"
