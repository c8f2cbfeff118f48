"""Which requests the points of a meter make, whatever combination of them is due.

The bus loop sends them; who wants to know before anything is wired computes them.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from zerometer.core.meter_map import ReadLimits
from zerometer.core.planner import Hole, plan_reads
from zerometer.core.points import LineSettings, PolledPoint, ReadBlock
from zerometer.drivers.ratios import RATIO_PERIOD_NS, Ratios


class Cycles:
    """The point groups of one meter, one for each period, and their requests.

    No request reads the *points* that are *absent*, as indices.
    """

    def __init__(
        self,
        points: Sequence[PolledPoint],
        ratios: Ratios,
        line: LineSettings,
        absent: Container[int] = (),
    ) -> None:
        self._points = tuple(polled.point for polled in points)
        self._ratios = ratios
        self._line = line
        self._groups: dict[int, list[int]] = {}
        for index, polled in enumerate(points):
            period_ns = polled.period_ns
            if ratios.is_ratio(index):
                period_ns = RATIO_PERIOD_NS
            group = self._groups.setdefault(period_ns, [])
            if index not in absent:
                group.append(index)

    @property
    def periods_ns(self) -> tuple[int, ...]:
        """The period of each group, in ns."""
        return tuple(self._groups)

    @property
    def with_ratios(self) -> set[int]:
        """The groups, as indices, that have points which others are multiplied by."""
        return {
            group
            for group, indices in enumerate(self._groups.values())
            if any(map(self._ratios.is_ratio, indices))
        }

    def blocks(
        self,
        groups: Iterable[int],
        limits: ReadLimits,
        turnaround_ns: int,
        holes: Sequence[Hole] = (),
        retired: frozenset[int] = frozenset(),
    ) -> list[ReadBlock]:
        """Return the requests that read *groups* soonest, those for ratios first.

        None covers one of *holes*; each of the *retired* points has its own, last.
        """
        members = list(self._groups.values())
        wanted = [index for group in groups for index in members[group]]
        indices = [index for index in wanted if index not in retired]
        ratios = [index for index in indices if self._ratios.is_ratio(index)]
        others = [index for index in indices if not self._ratios.is_ratio(index)]
        return [
            *self._planned(ratios, limits, turnaround_ns, holes),
            *self._planned(others, limits, turnaround_ns, holes),
            *(
                block
                for index in wanted
                if index in retired
                for block in self._planned([index], limits, turnaround_ns, holes)
            ),
        ]

    def _planned(
        self,
        indices: Sequence[int],
        limits: ReadLimits,
        turnaround_ns: int,
        holes: Sequence[Hole],
    ) -> list[ReadBlock]:
        chosen = [self._points[index] for index in indices]
        blocks = plan_reads(chosen, limits, self._line, turnaround_ns, holes)
        return [
            replace(block, points=tuple(indices[place] for place in block.points))
            for block in blocks
        ]
