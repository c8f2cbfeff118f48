"""Steps of several ticks, and when it is not enough to solve them once.

While all rates are steady, ticks only differ in what storages hold. A storage that
gives keeps its make-up, one that takes gives nothing: only one that does both gives
something else in each tick.
"""

from array import array
from collections.abc import Sequence


def cut_into_ticks(
    energies: "array[float]",
    durations_ns: "array[int]",
    storages: Sequence[tuple[int, int]],
    tick_ns: int,
) -> tuple["array[float]", "array[int]"]:
    """Return the steps, with those cut into ticks in which a storage does both.

    *energies* has a row of flows, 0 or more, for each of *durations_ns*; *storages*
    are the flows that charge and discharge each. A step that no tick divides evenly
    has one more, so that none is longer than a tick.
    """
    steps = len(durations_ns)
    turning: set[int] = set()
    if steps and storages:
        width = len(energies) // steps
        for charge, discharge in storages:
            both = zip(energies[charge::width], energies[discharge::width], strict=True)
            turning.update(i for i, pair in enumerate(both) if min(pair) > 0)
    if not turning:
        return energies, durations_ns
    found, lengths = array("d"), array("q")
    for i, length_ns in enumerate(durations_ns):
        row = energies[i * width : (i + 1) * width]
        ticks = -(-length_ns // tick_ns) if i in turning else 1
        found.extend(array("d", (energy / ticks for energy in row)) * ticks)
        whole, rest = divmod(length_ns, ticks)
        lengths.extend([whole + 1] * rest + [whole] * (ticks - rest))
    return found, lengths
