"""The order of slots within each column, so that few arrows cross.

Sweeps by barycentre (Sugiyama, Tagawa and Toda 1981); the best order is kept.
"""

from bisect import bisect_right, insort
from collections import defaultdict

from zerometer.agent.graph.layers import Layout, Slot

SWEEPS = 24


def arrange(plan: Layout) -> None:
    """Sort the columns of *plan*."""
    best, least = [list(slots) for slots in plan.columns], crossings(plan)
    for sweep in range(SWEEPS):
        _sweep(plan, rightwards=sweep % 2 == 0)
        found = crossings(plan)
        if found < least:
            best, least = [list(slots) for slots in plan.columns], found
    plan.columns = best


def crossings(plan: Layout) -> int:
    """Return how often two arrows cross between neighbouring columns."""
    count = 0
    for number, links in enumerate(plan.links[:-1]):
        left = {slot: i for i, slot in enumerate(plan.columns[number])}
        right = {slot: i for i, slot in enumerate(plan.columns[number + 1])}
        passed: list[int] = []
        for _, end in sorted((left[a], right[b]) for a, b in links):
            count += len(passed) - bisect_right(passed, end)
            insort(passed, end)
    return count


def _sweep(plan: Layout, *, rightwards: bool) -> None:
    numbers = range(1, len(plan.columns))
    for number in numbers if rightwards else reversed(numbers):
        fixed, moved = (number - 1, number) if rightwards else (number, number - 1)
        places: defaultdict[Slot, list[int]] = defaultdict(list)
        index = {slot: i for i, slot in enumerate(plan.columns[fixed])}
        for left, right in plan.links[number - 1]:
            if rightwards:
                places[right].append(index[left])
            else:
                places[left].append(index[right])
        now = {slot: float(i) for i, slot in enumerate(plan.columns[moved])}
        wished = {
            slot: sum(places[slot]) / len(places[slot]) if slot in places else at
            for slot, at in now.items()
        }
        wished.update({s: wished[b] for s, b in plan.beside.items() if s in wished})
        plan.columns[moved].sort(key=lambda slot: (wished[slot], now[slot]))
