"""Run an agent on a simulated site for a while, and take what it cost."""

import json
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.scale.site import site
from zerometer.agent.demo.processes import Process, private_mb
from zerometer.agent.demo.scene import free_port

#: Until all meters were met, plans are settled and the first batch is sealed.
WARM_S = 15.0
MEASURED_S = 30.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What an agent of so many *meters* cost over MEASURED_S.

    ``cpu`` is the share of one processor, 0 to 1; ``switches`` are the voluntary
    context switches of all its threads; ``late_s`` is by how much the latest cycle
    of any bus was too late.
    """

    meters: int
    cpu: float
    transactions: int
    switches: int
    private_mb: float
    utilisation: float
    late_s: float

    @property
    def switches_each(self) -> float:
        """Context switches for each transaction."""
        return self.switches / self.transactions


@dataclass(frozen=True, slots=True)
class _Sums:
    time_s: float
    cpu_s: float
    switches: int
    transactions: int


def measure(meters: int) -> Cost:
    """Run an agent for a site of so many *meters*."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)

        def start(command: str, *arguments: str) -> Process:
            process = Process(command, [command, *arguments], folder)
            return stack.enter_context(process)

        receiver = start("receive", "--to", "received.sqlite", "--port", "0")
        page_port = free_port()
        text = site(meters, page_port=page_port, uplink=receiver.line())
        (folder / "site.toml").write_text(text, encoding="utf-8")
        factory = start("simulate", "site.toml")
        factory.line()
        agent = start("run", "site.toml")
        agent.line()
        time.sleep(WARM_S)
        before = _sums(agent.pid, page_port)
        time.sleep(MEASURED_S)
        after = _sums(agent.pid, page_port)
        picture = _picture(page_port)
        missing = [m["id"] for m in picture["meters"] if m["quality"] != "measured"]
        assert not missing, missing
        cost = Cost(
            meters=meters,
            cpu=(after.cpu_s - before.cpu_s) / (after.time_s - before.time_s),
            transactions=after.transactions - before.transactions,
            switches=after.switches - before.switches,
            private_mb=private_mb(agent.pid),
            utilisation=max(bus["utilisation"] for bus in picture["buses"]),
            late_s=max(bus["lateness_s"] for bus in picture["buses"]),
        )
        agent.stop()
        return cost


def _picture(page_port: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{page_port}/api/snapshot"
    with urllib.request.urlopen(url, timeout=10) as answer:
        picture: dict[str, Any] = json.load(answer)
        return picture


def _sums(pid: int, page_port: int) -> _Sums:
    # Asked first: what the asking costs is in both sums.
    picture = _picture(page_port)
    return _Sums(
        time_s=time.monotonic(),
        cpu_s=_cpu_s(pid),
        switches=sum(map(_switches, Path(f"/proc/{pid}/task").iterdir())),
        transactions=sum(bus["transactions"] for bus in picture["buses"]),
    )


def _cpu_s(pid: int) -> float:
    """Return the processor time of all threads of *pid*, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    spent_ns = [int((task / "schedstat").read_text().split()[0]) for task in tasks]
    return sum(spent_ns) / 1e9


def _switches(task: Path) -> int:
    lines = (task / "status").read_text(encoding="ascii").splitlines()
    return next(
        int(line.split()[1])
        for line in lines
        if line.startswith("voluntary_ctxt_switches")
    )
