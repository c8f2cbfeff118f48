"""The plant as the bench sees it: its port, and how often what was read."""

import contextlib
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from bench.peers.plant import Load


@dataclass(slots=True)
class Seen:
    """How often one value was read, and when first and last, in ns."""

    times: int
    first_ns: int
    last_ns: int


class Reads:
    """The values of *addresses* that a report of the plant says were read."""

    def __init__(self, report: list[list[int]], addresses: tuple[int, ...]) -> None:
        self._values: dict[tuple[int, int], Seen] = {}
        for unit, start, registers, times, first_ns, last_ns in report:
            for address in addresses:
                if start <= address and address + 2 <= start + registers:
                    self._add(unit, address, Seen(times, first_ns, last_ns))

    def _add(self, unit: int, address: int, more: Seen) -> None:
        seen = self._values.setdefault((unit, address), more)
        if seen is not more:
            seen.times += more.times
            seen.first_ns = min(seen.first_ns, more.first_ns)
            seen.last_ns = max(seen.last_ns, more.last_ns)

    def values(self) -> int:
        """Return how many values were read."""
        return sum(seen.times for seen in self._values.values())

    def fewest(self, units: tuple[int, ...], addresses: tuple[int, ...]) -> int:
        """Return how often that value of *units* was read which was read least."""
        seen = self._values
        return min(
            seen[unit, address].times if (unit, address) in seen else 0
            for unit in units
            for address in addresses
        )

    def cycle_s(self, units: tuple[int, ...]) -> float | None:
        """Return how long it took until a value of *units* was read again.

        The mean over the units of their mean; None when nothing was read twice.
        """
        cycles = defaultdict(list)
        for (unit, _), seen in self._values.items():
            if unit in units and seen.times > 1:
                ns = (seen.last_ns - seen.first_ns) / (seen.times - 1)
                cycles[unit].append(ns / 1e9)
        if set(cycles) != set(units):
            return None
        return sum(sum(c) / len(c) for c in cycles.values()) / len(cycles)

    def share(self, units: tuple[int, ...], addresses: tuple[int, ...]) -> float:
        """Return which share of the values of *units* was read at least once."""
        found = sum(unit in units for unit, _ in self._values)
        return found / (len(units) * len(addresses))


class Plant:
    """A plant that runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None and process.stdout is not None
        self._input = process.stdin
        self._output = process.stdout
        self.port = self._output.readline().strip()

    def clear(self) -> None:
        """Forget what was read."""
        self._ask("clear")

    def reads(self, addresses: tuple[int, ...]) -> Reads:
        """Return what was read since it was cleared."""
        return Reads(json.loads(self._ask("report")), addresses)

    def _ask(self, command: str) -> str:
        self._input.write(command + "\n")
        self._input.flush()
        return self._output.readline()


@contextlib.contextmanager
def plant(load: Load) -> Iterator[Plant]:
    """Serve *load* meanwhile."""
    command = [sys.executable, "-m", "bench.peers.plant", load.text()]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Plant(process)
        finally:
            process.kill()
