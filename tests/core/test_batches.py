"""Replay is live: the same readings in any batches give the same totals."""

import random
from array import array
from dataclasses import replace
from itertools import pairwise

import msgpack
import pytest
from harness.metered import QUARTER_NS, START, UTC, sink, site_of, source
from harness.sites import IMPORT, POWER, SECOND, VOLUME, given, meter, reading
from hypothesis import given as examples
from hypothesis import strategies as st

from zerometer.core.accounting import Accounting
from zerometer.core.metering import Column
from zerometer.core.site import Measure, Sink, Site
from zerometer.core.totals import Totals

Row = tuple[int, str, str, float]


def shaped_site() -> Site:
    """A site with imports and exports, a coarse counter, and gas without a power."""
    coarse = replace(IMPORT, type="u32", scale=0.5, resolution=None)
    return site_of(
        [meter("grid", 1), meter("line", 2, POWER, coarse), meter("gas", 3, VOLUME)],
        sources=(source("grid", 0.6),),
        sinks=(
            sink("line"),
            Sink(id="export", pool="lv", measure=given("grid"), kind="export"),
            sink("gas", Measure(meter="gas", counter="volume")),
        ),
    )


def learnt_site() -> Site:
    """The same site; nobody says how often values come, and the line has no counter."""
    site = shaped_site()
    alone = Measure(meter="line", counter="", power="active_power", power_times=1e-3)
    return replace(
        site,
        meters=tuple(
            replace(m, points=tuple(replace(p, period_ns=0) for p in m.points))
            for m in site.meters
        ),
        sinks=(sink("line", alone), *site.sinks[1:]),
    )


def recorded(drawn_by: random.Random, seconds: int) -> list[Row]:
    """Return what meters read: time, meter, point, value; gaps and a reset too."""
    rows = []
    imports, exports, line, gas = 2_000_000.0, 7.0, 10.0, 500.0
    for second in range(seconds):
        time_ns = START + second * SECOND
        grid_w = drawn_by.uniform(-30e3, 60e3)
        line_w = drawn_by.choice([0.0, 40e3])
        if not 400 < second < 460:
            rows += [(time_ns, "grid", "active_power", grid_w),
                     (time_ns, "line", "active_power", line_w * 1.05)]  # fmt: skip
        if second == 700:
            line = 2.0
        if second % 5 == 0 and not 400 < second < 460:
            rows += [(time_ns, "grid", "active_energy_import", imports),
                     (time_ns, "grid", "active_energy_export", exports),
                     (time_ns, "line", "active_energy_import", line // 0.5 * 0.5),
                     (time_ns, "gas", "volume", gas)]  # fmt: skip
        imports += max(grid_w, 0) / 3.6e6
        exports += max(-grid_w, 0) / 3.6e6
        line += line_w / 3.6e6
        gas += drawn_by.choice([0.0, 0.01])
    return rows


def columns_of(rows: list[Row]) -> list[Column]:
    found: dict[tuple[str, str], Column] = {}
    for time_ns, name, point, value in rows:
        each = found.setdefault(
            (name, point), Column(name, point, array("q"), array("d"))
        )
        each.times_ns.append(time_ns)
        each.values.append(value)
    return list(found.values())


ROWS = recorded(random.Random(5), 1900)


def replaying(site: Site) -> Accounting:
    """Return an accounting as that of a replay."""
    return Accounting(site, UTC, booking_ns=QUARTER_NS, ledger=False, wait_ns=None)


def accounted(site: Site, batches: list[list[Row]]) -> list[Totals]:
    """Feed batch by batch, time advancing with them."""
    accounting = replaying(site)
    totals = []
    for batch in batches:
        for each in columns_of(batch):
            accounting.feed(each)
        totals += accounting.advance(batch[-1][0]).totals
    return totals + accounting.finish(ROWS[-1][0]).totals


SITES = {"stated": shaped_site(), "learnt": learnt_site()}
WHOLES = {name: accounted(site, [ROWS]) for name, site in SITES.items()}
WHOLE = WHOLES["stated"]


@pytest.mark.parametrize("site", SITES)
@examples(cuts=st.lists(st.integers(1, len(ROWS) - 1), max_size=40))
def test_batches_make_no_difference(site: str, cuts: list[int]) -> None:
    """Replay is live: to the last bit, however readings are cut into batches."""
    edges = [0, *sorted(set(cuts)), len(ROWS)]
    batches = [ROWS[a:b] for a, b in pairwise(edges)]
    assert accounted(SITES[site], batches) == WHOLES[site]


@pytest.mark.parametrize("site", SITES)
@examples(cuts=st.lists(st.integers(1, len(ROWS) - 1), max_size=6))
def test_restarts_make_no_difference(site: str, cuts: list[int]) -> None:
    """What was read and not booked outlives them, to the last bit."""
    edges = [0, *sorted(set(cuts)), len(ROWS)]
    accounting, totals = replaying(SITES[site]), []
    for a, b in pairwise(edges):
        for each in columns_of(ROWS[a:b]):
            accounting.feed(each)
        totals += accounting.advance(ROWS[b - 1][0]).totals
        state = msgpack.unpackb(msgpack.packb(accounting.state()))
        accounting = replaying(SITES[site])
        accounting.restore(state)
    totals += accounting.finish(ROWS[-1][0]).totals
    assert [(t.start_ns, t.flows, t.estimated) for t in totals] == [
        (t.start_ns, t.flows, t.estimated) for t in WHOLES[site]
    ]


def test_one_by_one_is_as_by_columns() -> None:
    site = shaped_site()
    accounting = replaying(site)
    totals = []
    for time_ns, name, point, value in ROWS:
        accounting.read(reading(site, name, 0, **{point: value}), time_ns)
        totals += accounting.advance(time_ns).totals
    assert totals + accounting.finish(ROWS[-1][0]).totals == WHOLE


@examples(st.randoms(use_true_random=False))
def test_meters_come_in_any_order(shuffled: random.Random) -> None:
    accounting = replaying(shaped_site())
    columns = columns_of(ROWS)
    shuffled.shuffle(columns)
    for each in columns:
        accounting.feed(each)
    assert accounting.finish(ROWS[-1][0]).totals == WHOLE


def test_live_books_the_same_energy_minute_by_minute() -> None:
    site = shaped_site()
    live = Accounting(site, UTC)
    totals = []
    for time_ns, name, point, value in ROWS:
        live.read(reading(site, name, 0, **{point: value}), time_ns)
        totals += live.advance(time_ns).totals
    totals += live.finish(ROWS[-1][0]).totals
    for flow in range(len(live.network.flows)):
        assert sum(t.flows[flow] for t in totals) == pytest.approx(
            sum(t.flows[flow] for t in WHOLE), rel=1e-3
        )
