"""Columns of the picture: which box stands in which, and how arrows pass others.

Pools stand in odd columns, processes in even ones. An arrow that spans several
columns passes those between in a lane; arrows out of one pool share theirs, and
so do those from outside into one box. One that closes a loop goes back in a lane
of its own, from the column of its tail to that of its head.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from zerometer.agent.graph.parts import Arrow, Box

#: A box, or a lane in one column.
Slot = str
OUTSIDE = ("source", "fuel")


@dataclass(slots=True)
class Layout:
    """Slots of each column, from top to bottom, and the slots that arrows pass.

    ``links`` join slots of neighbouring columns, left and right; ``beside`` has, for
    a lane in whose column its arrow turns round, the box where it begins or ends.
    """

    columns: list[list[Slot]]
    routes: list[tuple[Slot, ...]]
    back: list[bool]
    links: list[set[tuple[Slot, Slot]]] = field(default_factory=list)
    beside: dict[Slot, Slot] = field(default_factory=dict)


def layout(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Layout:
    """Return columns in the order of the file."""
    column = _columns(boxes, arrows)
    count = max(column.values(), default=0) + 1
    plan = Layout([[] for _ in range(count)], [], [])
    for box in boxes:
        plan.columns[column[box.id]].append(box.id)
    for arrow in arrows:
        tail, head = column[arrow.tail], column[arrow.head]
        back = head <= tail
        name = f"back {arrow.tail} {arrow.head}" if back else _lane(arrow)
        passed = range(tail, head - 1, -1) if back else range(tail + 1, head)
        lanes = [f"{name} @{number}" for number in passed]
        for number, lane in zip(passed, lanes, strict=True):
            if lane not in plan.columns[number]:
                plan.columns[number].append(lane)
        if back:
            plan.beside.update({lanes[0]: arrow.tail, lanes[-1]: arrow.head})
        plan.routes.append((arrow.tail, *lanes, arrow.head))
        plan.back.append(back)
    plan.links = _links(plan)
    return plan


def is_lane(slot: Slot) -> bool:
    """Tell whether a slot is no box."""
    return "@" in slot


def _lane(arrow: Arrow) -> str:
    outside = arrow.tail.partition(".")[0] in OUTSIDE
    return f"into {arrow.head}" if outside else f"out of {arrow.tail} {arrow.carrier}"


def _columns(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> dict[str, int]:
    """Return the column of each box: as far left as what feeds it allows."""
    inner = [b.id for b in boxes if b.shape in ("pool", "process")]
    column = {name: 1 if name.startswith("pool.") else 2 for name in inner}
    ahead: dict[str, list[str]] = {name: [] for name in inner}
    fed = {a.head for a in arrows if a.tail.partition(".")[0] in OUTSIDE}
    for arrow in arrows:
        if arrow.tail in column and arrow.head in column:
            ahead[arrow.tail].append(arrow.head)
    # What is fed from outside comes first: loops are closed towards it.
    roots = sorted(inner, key=lambda name: name not in fed)
    for name in reversed(_finished(roots, ahead)):
        for other in ahead[name]:
            column[other] = max(column[other], column[name] + 1)
    last = max(column.values(), default=0) + 1
    pool_of = {arrow.head: arrow.tail for arrow in arrows}
    for box in boxes:
        if box.shape in OUTSIDE:
            column[box.id] = 0
        elif box.shape == "storage":
            column[box.id] = column[pool_of[box.id]] + 1
        elif box.shape == "sink":
            column[box.id] = last
    return column


def _finished(roots: Iterable[str], ahead: Mapping[str, list[str]]) -> list[str]:
    """Return the boxes in the order in which a search leaves them for good.

    *ahead* loses what leads back to a box that the search is still in: a loop.
    """
    done: list[str] = []
    state: dict[str, str] = {}
    for root in roots:
        if root in state:
            continue
        state[root] = "open"
        trail: list[tuple[str, Iterator[str]]] = [(root, iter(list(ahead[root])))]
        while trail:
            name, rest = trail[-1]
            other = next(rest, None)
            if other is None:
                state[name] = "done"
                done.append(name)
                trail.pop()
            elif state.get(other) == "open":
                ahead[name].remove(other)
            elif other not in state:
                state[other] = "open"
                trail.append((other, iter(list(ahead[other]))))
    return done


def _links(plan: Layout) -> list[set[tuple[Slot, Slot]]]:
    place = {slot: n for n, slots in enumerate(plan.columns) for slot in slots}
    links: list[set[tuple[Slot, Slot]]] = [set() for _ in plan.columns]
    for route in plan.routes:
        for one, other in pairwise(route):
            left, right = sorted((one, other), key=place.__getitem__)
            if place[right] == place[left] + 1:
                links[place[left]].add((left, right))
    return links
