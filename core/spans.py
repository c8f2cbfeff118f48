"""The ticks of windows that are still open."""

from array import array
from collections.abc import Sequence
from math import isnan
from typing import Any


class Spans:
    """The ticks of the windows that are still open: times, energies, gaps."""

    def __init__(self, flows: int) -> None:
        self.flows = flows
        self.times: list[tuple[int, int]] = []
        self.energies = array("d")
        self.missing = bytearray()

    def add(self, t0_ns: int, t1_ns: int, energies: Sequence[float]) -> None:
        """Append a tick; NaN stands for a flow that nobody saw."""
        self.times.append((t0_ns, t1_ns))
        for energy in energies:
            unseen = isnan(energy)
            self.energies.append(0.0 if unseen else energy)
            self.missing.append(unseen)

    def column(self, flow: int) -> "array[float]":
        """Return the energies of one flow."""
        return self.energies[flow :: self.flows]

    def unseen_ns(self, flow: int) -> list[int]:
        """Return for each tick how long the flow was not seen in it."""
        gaps = self.missing[flow :: self.flows]
        return [
            (t1 - t0) if gap else 0
            for (t0, t1), gap in zip(self.times, gaps, strict=True)
        ]

    def replace(self, flow: int, energies: Sequence[float]) -> None:
        """Put settled energies in the place of a flow's estimates."""
        self.energies[flow :: self.flows] = array("d", energies)

    def seen_ns(self, first: int, last: int) -> float:
        """Return how long the flows were seen in ticks [first, last), on average."""
        if not self.flows:
            return float(sum(t1 - t0 for t0, t1 in self.times[first:last]))
        seen = 0
        for tick in range(first, last):
            t0, t1 = self.times[tick]
            gaps = sum(self.missing[tick * self.flows : (tick + 1) * self.flows])
            seen += (self.flows - gaps) * (t1 - t0)
        return seen / self.flows

    def clear(self) -> None:
        """Forget all ticks."""
        self.times.clear()
        del self.energies[:]
        self.missing.clear()

    def state(self) -> list[Any]:
        """Return the ticks as plain values."""
        return [self.times, self.energies.tobytes(), bytes(self.missing)]

    def restore(
        self, state: list[Any], width: int, columns: Sequence[tuple[int, float]]
    ) -> None:
        """Put the ticks of *state* in the place of what is here.

        They had *width* flows; each of ours is one of *columns*, times a number.
        """
        times, packed, missing = state
        energies = array("d", packed)
        self.times = [(t0, t1) for t0, t1 in times]
        self.energies = array("d")
        self.missing = bytearray()
        for start in range(0, len(energies), width or 1):
            self.energies.extend(energies[start + c] * by for c, by in columns)
            self.missing.extend(missing[start + c] for c, _ in columns)


def spread(
    column: Sequence[float],
    difference: float,
    unseen_ns: Sequence[int],
    times: Sequence[tuple[int, int]],
) -> list[float]:
    """Distribute *difference* over ticks: into gaps first, else by shape.

    A negative difference never turns a tick negative; what does not fit stays
    booked and is made up for by the counter's next gains.
    """
    total = sum(column)
    weights: Sequence[float]
    if difference > 0 and any(unseen_ns):
        weights = unseen_ns
    elif total > 0:
        weights = column
        difference = max(difference, -total)
    elif difference > 0:
        weights = [t1 - t0 for t0, t1 in times]
    else:
        return list(column)
    share = difference / sum(weights)
    return [
        max(energy + weight * share, 0.0)
        for energy, weight in zip(column, weights, strict=True)
    ]
