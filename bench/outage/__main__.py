"""Thirty days without a network: ``python -m bench.outage``.

Exits with 1 when a budget is not met; leaves figures in bench/results.
"""

import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.budget import Budget, table
from bench.machine import description
from bench.outage.back import CAP_BYTES_PER_S, CAPPED_S, DRAIN_S, Drain, drain
from bench.outage.days import Days
from bench.outage.factory import METERS, site
from bench.outage.times import Agent, Times
from zerometer.agent.batch import decode
from zerometer.agent.journal import Journal, JournalInfo
from zerometer.core.site import STREAMS, Site

RESULTS = Path(__file__).resolve().parent.parent / "results"
DAYS = 30
HOUR_S = 3600
#: Less than thirty days take: readings must go, and nothing else.
MAX_MB = 96
START_NS = 1_800_000_000_000_000_000

START_BUDGET_S = 2.0
DRAIN_BUDGET_S = 1.0  # for 200 000 samples
LIVE_BUDGET_S = 60.0
SAMPLES_PER_S = 200_000
#: A batch that has begun is sent to its end.
CAP_SLACK = 1.1


@dataclass(frozen=True, slots=True)
class Outage:
    """What thirty days came to."""

    hour_s: float
    days_s: float
    samples: int
    largest_bytes: int
    info: JournalInfo
    lost: dict[str, int]


def uplinks(site: Site) -> dict[str, tuple[str, ...]]:
    """Return who wants batches."""
    return {uplink.id: uplink.streams for uplink in site.uplinks}


def live_hours(site: Site, folder: Path, times: Times, hours: int) -> float:
    """Let an agent live for some hours; return what a simulated hour took."""
    with closing(Journal.open(folder, site.journal, uplinks=uplinks(site))) as journal:
        agent = Agent(site, journal, times)
        took_s = agent.run(hours * HOUR_S)
        agent.stop()
    return took_s / hours


def stay_away(site: Site, folder: Path, times: Times) -> Outage:
    """Fill the site's journal with thirty days, the last hour by a whole agent."""
    hour_s = live_hours(site, folder / "hours", times, 6)
    with closing(Journal.open(folder / "hours", site.journal, uplinks=None)) as hours:
        batches = [decode(batch.data) for batch in hours.oldest("bench", 1 << 20)]
    start = time.perf_counter()
    path = Path(site.journal.path)
    with closing(Journal.open(path, site.journal, uplinks=uplinks(site))) as journal:
        days = Days(journal, batches)
        for quarter in range(4 * DAYS):
            days.append((quarter + 1) * 6 * HOUR_S * 1000)
        lost = {stream: days.lost[stream] for stream in STREAMS}
        days_s = time.perf_counter() - start
    times.pass_ns(DAYS * 24 * HOUR_S * 10**9)
    live_hours(site, path, times, 1)
    with closing(Journal.open(path, site.journal, uplinks=uplinks(site))) as journal:
        info = journal.info()
    return Outage(hour_s, days_s, days.samples, days.largest_bytes, info, lost)


def begin(site: Site, times: Times) -> tuple[float, Agent]:
    """Start an agent on the site's journal; return the seconds that it took."""
    times.pass_ns(HOUR_S * 10**9)
    start = time.perf_counter()
    journal = Journal.open(Path(site.journal.path), site.journal, uplinks=uplinks(site))
    agent = Agent(site, journal, times)
    return time.perf_counter() - start, agent


def budgets(
    outage: Outage, start_s: float, whole: Drain, capped: Drain
) -> list[Budget]:
    """Return what was measured of each budget, and its limit."""
    allowed = CAP_BYTES_PER_S * capped.seconds * CAP_SLACK
    return [
        Budget(
            "largest size of the journal, of its most, %",
            100 * outage.largest_bytes / (MAX_MB * 10**6),
            100,
        ),
        Budget("batches lost but of readings", _lost_books(outage), 0),
        Budget("agent starts on it, s", start_s, START_BUDGET_S),
        Budget("newest batch of each stream arrives, s", whole.live_s, LIVE_BUDGET_S),
        Budget(
            "200 000 samples of the backlog, s",
            SAMPLES_PER_S * whole.seconds / whole.samples,
            DRAIN_BUDGET_S,
        ),
        Budget("bytes sent under a cap, of those allowed", capped.bytes / allowed, 1),
        Budget("with a cap: newest batches arrive, s", capped.live_s, LIVE_BUDGET_S),
    ]


def _lost_books(outage: Outage) -> int:
    return sum(count for stream, count in outage.lost.items() if stream != "readings")


def report(outage: Outage, start_s: float, whole: Drain, capped: Drain) -> str:
    """Return all figures as markdown."""
    megabytes = outage.info.bytes / 1e6
    lines = [
        "# Thirty days without a network",
        "",
        f"{description()}.",
        f"{METERS} meters, power and counter every 10 s, windows of 1 and 15 minutes;",
        f"`[journal] max` is {MAX_MB} MB. One receiver, SQLite, over loopback HTTP.",
        f"An hour by a whole agent took {outage.hour_s:.1f} s; {DAYS} days made of six",
        f"of its hours, sealed anew, took {outage.days_s:.0f} s and have",
        f"{outage.samples / 1e6:.1f} million samples; the last hour is an agent's.",
        "",
        "| stream | batches kept | MB | declared as lost |",
        "|---|---|---|---|",
        *(
            f"| `{name}` | {kept.batches} | {kept.bytes / 1e6:.1f} "
            f"| {outage.lost[name]} |"
            for name, kept in outage.info.streams.items()
        ),
        "",
        f"The journal has {megabytes:.1f} MB. An agent starts on it in "
        f"{start_s:.2f} s (journal and pipeline).",
        "",
        "| network is back | newest of each stream after, s | batches | samples/s "
        "| bytes/s |",
        "|---|---|---|---|---|",
        _row("no cap", whole),
        _row(f"{CAP_BYTES_PER_S // 1000} kB/s", capped),
        "",
        *table(budgets(outage, start_s, whole, capped)),
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, drained: Drain) -> str:
    return (
        f"| {name} | {drained.live_s:.1f} | {drained.batches} "
        f"| {drained.samples / drained.seconds:,.0f} "
        f"| {drained.bytes / drained.seconds:,.0f} |"
    )


def main() -> int:
    """Measure, print, keep; return 1 when a budget is not met."""
    print(f"bench.outage: {description()}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        factory = site(folder, MAX_MB, "http://127.0.0.1:9/v1/batches")
        times = Times(START_NS)
        outage = stay_away(factory, folder, times)
        print(outage, flush=True)
        start_s, agent = begin(factory, times)
        with closing(agent.journal):
            capped = drain(
                factory, agent, folder, cap=CAP_BYTES_PER_S, watch_s=CAPPED_S
            )
            print(capped, flush=True)
            whole = drain(factory, agent, folder, cap=0, watch_s=DRAIN_S)
            print(whole, flush=True)
    text = report(outage, start_s, whole, capped)
    print(text)
    (RESULTS / "outage.md").write_text(text, encoding="utf-8")
    return int(not all(b.kept for b in budgets(outage, start_s, whole, capped)))


if __name__ == "__main__":
    sys.exit(main())
