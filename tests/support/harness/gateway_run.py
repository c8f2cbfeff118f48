"""A whole gateway but its buses and uplinks, on clocks of its own."""

from pathlib import Path

from harness.sites import SECOND, World, small_site

from zerometer.agent.clock import Clock
from zerometer.agent.events import EventLog
from zerometer.agent.journal import Journal
from zerometer.agent.pipeline import Pipeline

START_NS = 1_800_000_000 * SECOND
POWERS_W = {
    "grid": 60_000.0,
    "pv": 30_000.0,
    "battery": -6_000.0,
    "compressor": 24_000.0,
    "line": 48_000.0,
}


def batches_of_a_run(folder: Path, seconds: int) -> list[bytes]:
    """Return what a gateway sealed that metered for *seconds* and was stopped."""
    site = small_site()
    world = World(site, dict(POWERS_W), gas_nm3_h=36.0)
    now_ns = 0
    clock = Clock(boottime_ns=lambda: now_ns, realtime_ns=lambda: now_ns + START_NS)
    journal = Journal.open(folder, max_bytes=1 << 28)
    events = EventLog()
    try:
        resume = journal.resume()
        pipeline = Pipeline(site, journal, resume, clock, events)
        events.add(START_NS // 1_000_000, "up", "line", "it answers")
        for second in range(seconds):
            now_ns = second * SECOND
            for reading in world.readings(now_ns, counters=second % 5 == 0):
                pipeline.deliver(reading)
            pipeline.tick(now_ns)
            world.second()
        pipeline.finish(now_ns)
        return [batch.data for batch in journal.pending("test", limit=1000)]
    finally:
        journal.close()
