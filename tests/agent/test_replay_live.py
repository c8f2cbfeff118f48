"""The same readings, read live tick by tick and replayed in columns: the same books."""

import random
from array import array
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

import pytest
from harness.sites import SECOND, World, small_site

from zerometer.core.accounting import Accounting, Closing
from zerometer.core.metering import Column
from zerometer.core.points import Reading
from zerometer.core.site import Site
from zerometer.core.sums import Sum
from zerometer.core.totals import Totals

START = 1_800_000_000 * SECOND
ZONE = ZoneInfo("Asia/Shanghai")
MINUTE_NS = 60 * SECOND
TICKS = 40 * 60

Timed = tuple[int, Reading]


def recorded(site: Site, seed: int) -> list[Timed]:
    """Return what was read in 40 minutes: loads change, a reading is lost at times."""
    chance = random.Random(seed)
    powers = {"grid": 0.0, "pv": 0.0, "battery": 0.0, "compressor": 0.0, "line": 0.0}
    world = World(site, powers, gas_nm3_h=36.0)
    found = []
    for second in range(TICKS + 1):
        if second % 90 == 0:
            for name, most in (("pv", 50e3), ("compressor", 30e3), ("line", 80e3)):
                world.powers_w[name] = chance.uniform(0, most)
            world.powers_w["battery"] = chance.uniform(-10e3, 10e3)
            world.gas_nm3_h = chance.uniform(0, 60)
            load = sum(world.powers_w[n] for n in ("compressor", "line", "battery"))
            world.powers_w["grid"] = load - world.powers_w["pv"] + 5e3
        time_ns = START + second * SECOND
        for reading in world.readings(time_ns, counters=second % 5 == 0):
            if chance.random() > 0.02 or second in (0, TICKS):
                found.append((time_ns, reading))
        world.second()
    return found


def summed(closings: Iterable[Closing]) -> Totals:
    total = Sum()
    for closing in closings:
        for totals in closing.totals:
            total.add(totals)
    return total.total()


def live(site: Site, readings: list[Timed]) -> Iterator[Closing]:
    """Read each reading at its time, and let the time go on tick by tick."""
    accounting = Accounting(site, ZONE)
    waiting = list(reversed(readings))
    for tick in range(TICKS + 1):
        now_ns = START + tick * SECOND
        while waiting and waiting[-1][0] <= now_ns:
            time_ns, reading = waiting.pop()
            accounting.read(reading, time_ns)
        yield accounting.advance(now_ns)
    yield accounting.finish(START + TICKS * SECOND)


def columns(site: Site, readings: Iterable[Timed]) -> Iterator[Column]:
    """Return readings by point."""
    found: dict[tuple[str, str], tuple[array[int], array[float], bytearray]] = {}
    for time_ns, reading in readings:
        names = [polled.point.name for polled in site.meter(reading.meter).points]
        for index, value, quality in zip(
            reading.points, reading.values, reading.qualities, strict=True
        ):
            its = found.setdefault(
                (reading.meter, names[index]), (array("q"), array("d"), bytearray())
            )
            its[0].append(time_ns)
            its[1].append(value)
            its[2].append(quality)
    for (meter, point), (times, values, qualities) in found.items():
        yield Column(meter, point, times, values, bytes(qualities))


def replayed(site: Site, readings: list[Timed], seed: int) -> Iterator[Closing]:
    """Feed columns, cut anywhere, in any order of the points."""
    chance = random.Random(seed)
    accounting = Accounting(
        site, ZONE, booking_ns=15 * MINUTE_NS, ledger=False, wait_ns=None
    )
    at = 0
    while at < len(readings):
        # A block ends where a time does: what follows it is later.
        end = min(at + chance.randint(1, 4000), len(readings))
        while end < len(readings) and readings[end][0] == readings[end - 1][0]:
            end += 1
        block = list(columns(site, readings[at:end]))
        chance.shuffle(block)
        for column in block:
            accounting.feed(column)
        yield accounting.advance(readings[end - 1][0])
        at = end
    yield accounting.finish(START + TICKS * SECOND)


@pytest.mark.parametrize("seed", range(3))
def test_replay_is_live(seed: int) -> None:
    site = small_site()
    readings = recorded(site, seed)
    lived = summed(live(site, readings))
    for cut in range(2):
        found = summed(replayed(site, readings, cut))
        assert (found.start_ns, found.end_ns) == (lived.start_ns, lived.end_ns)
        for name in ("flows", "entered", "received", "quantity", "throughput"):
            expected = pytest.approx(getattr(lived, name).tolist(), rel=1e-9, abs=1e-9)
            assert getattr(found, name).tolist() == expected, name
        for name in ("entered_kg", "received_kg", "pool_kg"):
            for view, row in getattr(lived, name).items():
                its = getattr(found, name)[view].tolist()
                assert its == pytest.approx(row.tolist(), rel=1e-9, abs=1e-9)
        assert found.estimated.tolist() == pytest.approx(
            lived.estimated.tolist(), rel=1e-9, abs=1e-9
        )


def test_the_split_into_blocks_does_not_matter() -> None:
    """To the last bit: the same steps are solved, whatever is fed together."""
    site = small_site()
    readings = recorded(site, 9)
    one = summed(replayed(site, readings, 1))
    for seed in range(2, 5):
        other = summed(replayed(site, readings, seed))
        assert other.received.tolist() == one.received.tolist()
        assert other.received_kg == one.received_kg
