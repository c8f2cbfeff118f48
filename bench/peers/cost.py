"""What a process and those it started cost so far, seen from outside."""

import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Cost:
    """Sums over processes: processor time, voluntary switches, private memory."""

    time_ns: int
    cpu_ns: int
    switches: int
    private_kb: int


def now(pid: int) -> Cost:
    """Return what *pid* and its descendants cost so far."""
    pids = _family(pid)
    return Cost(
        time.monotonic_ns(),
        sum(map(_cpu_ns, pids)),
        sum(map(_switches, pids)),
        sum(map(_private_kb, pids)),
    )


def _family(pid: int) -> list[int]:
    parents = {}
    for path in PROC.glob("[0-9]*/stat"):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        # Behind the name, which may hold anything: state, parent.
        parents[int(path.parent.name)] = int(text.rpartition(")")[2].split()[1])
    family = [pid]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


def _cpu_ns(pid: int) -> int:
    # The clock of another process, as clock_getcpuclockid(3) numbers it.
    return time.clock_gettime_ns((~pid << 3) | 2)


def _switches(pid: int) -> int:
    return sum(
        _fields(path).get("voluntary_ctxt_switches", 0)
        for path in PROC.glob(f"{pid}/task/*/status")
    )


def _private_kb(pid: int) -> int:
    fields = _fields(PROC / str(pid) / "smaps_rollup")
    return fields["Private_Clean"] + fields["Private_Dirty"]


def _fields(path: Path) -> dict[str, int]:
    """Return the numbers behind the names of a file of the kernel's."""
    fields = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(":")
        number = rest.split()[:1]
        if number and number[0].isdigit():
            fields[name] = int(number[0])
    return fields
