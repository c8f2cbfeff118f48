"""Heights of the slots: near what they are joined with, none on top of another."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from zerometer.agent.graph.layers import Layout, Slot, is_lane

SWEEPS = 40
#: A lane that bends is worse than a box beside its neighbour.
LANE_WEIGHT, BOX_WEIGHT = 6.0, 1.0


def heights(plan: Layout, size: Mapping[Slot, float], gap: float) -> dict[Slot, float]:
    """Return the middle of each slot; the topmost slot begins at 0.

    *size* is how high each slot is, *gap* what is between two.
    """
    middle: dict[Slot, float] = {}
    for slots in plan.columns:
        top = 0.0
        for slot in slots:
            middle[slot] = top + size[slot] / 2
            top += size[slot] + gap
    joined: dict[Slot, list[Slot]] = {slot: [] for slot in middle}
    for links in plan.links:
        for left, right in links:
            joined[left].append(right)
            joined[right].append(left)
    for lane, box in plan.beside.items():
        joined[lane].append(box)
    for sweep in range(SWEEPS):
        order = plan.columns if sweep % 2 == 0 else plan.columns[::-1]
        for slots in order:
            wished = [_wish(slot, joined[slot], middle) for slot in slots]
            apart = [(size[a] + size[b]) / 2 + gap for a, b in pairwise(slots)]
            placed = _apart([w for w, _ in wished], [s for _, s in wished], apart)
            middle.update(zip(slots, placed, strict=True))
    top = min((middle[slot] - size[slot] / 2 for slot in middle), default=0.0)
    return {slot: y - top for slot, y in middle.items()}


def _wish(
    slot: Slot, joined: Sequence[Slot], middle: Mapping[Slot, float]
) -> tuple[float, float]:
    """Return where a slot would like to be, and how much."""
    if not joined:
        return middle[slot], 0.1
    weights = [
        LANE_WEIGHT if is_lane(slot) and is_lane(other) else BOX_WEIGHT
        for other in joined
    ]
    total = sum(weights)
    y = sum(w * middle[other] for w, other in zip(weights, joined, strict=True))
    return y / total, total


def _apart(
    wished: Sequence[float], weights: Sequence[float], apart: Sequence[float]
) -> list[float]:
    """Return the places nearest to *wished* (least squares) that keep *apart*.

    Isotonic regression by pooling adjacent violators (Ayer et al. 1955).
    """
    offsets = [0.0]
    for distance in apart:
        offsets.append(offsets[-1] + distance)
    blocks: list[tuple[float, float, int]] = []
    for wish, weight, offset in zip(wished, weights, offsets, strict=False):
        blocks.append((wish - offset, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, weight_a, count_a), (b, weight_b, count_b) = blocks[-2:]
            both = weight_a + weight_b
            mean = (a * weight_a + b * weight_b) / both
            blocks[-2:] = [(mean, both, count_a + count_b)]
    places = [value for value, _, count in blocks for _ in range(count)]
    return [place + offset for place, offset in zip(places, offsets, strict=False)]
