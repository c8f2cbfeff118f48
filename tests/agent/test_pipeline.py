"""Readings to durable batches, through the whole middle of the agent."""

import zlib
from collections import Counter
from math import nan

import msgpack
import pytest
from harness.full_disk import files_end_at
from harness.gateway import LINE, WALL_NS, Gateway, kwh, rows, total, windows
from harness.sites import SECOND, reading

from zerometer.agent.graph_picture import GraphPicture
from zerometer.agent.journal import Commit
from zerometer.core.errors import JournalError
from zerometer.core.points import Quality


def test_readings_become_rows_and_windows(gateway: Gateway) -> None:
    gateway.seconds(130)
    gateway.stop()
    ledger, readings = gateway.books(), gateway.sealed("readings")
    powers = rows(readings, "readings/line/power")
    assert [row["active_power"] for row in powers] == [48_000.0] * 130
    times = [WALL_NS // 1_000_000 + 1000 * i for i in range(130)]
    assert [row["time"] for row in powers] == times
    (quarter,) = windows(ledger, "15min").values()
    minutes = windows(ledger)
    assert [row["covered"] for row in minutes.values()] == [60, 60, 10]
    shares = [row["measured_share"] for row in minutes.values()]
    assert shares == [1.0, 1.0, 1.0]
    assert quarter["covered"] == 130
    assert total(ledger, LINE) == pytest.approx(kwh(130), rel=1e-4)
    assert total(ledger, LINE, "15min") == pytest.approx(total(ledger, LINE))


def test_batches_are_sealed_by_age_and_commits_are_spaced(gateway: Gateway) -> None:
    gateway.seconds(66)
    info = gateway.journal.info()
    assert info.commits == 14  # one at once, then one each 5 seconds
    gateway.kill()
    assert [b.header.rows for b in gateway.sealed("readings")] == [
        31 * 5 + 7 * 6, 31 * 5 + 6 * 6
    ]  # fmt: skip


def test_late_readings_of_another_bus_are_taken_with_their_time(
    gateway: Gateway,
) -> None:
    """A reading that is queued behind a later one waits for the next tick."""
    boot_ns = gateway.times.boot_ns
    gateway.deliver(
        [
            reading(gateway.site, "pv", boot_ns + 5, active_power=1.0),
            reading(gateway.site, "line", boot_ns - 5 * 10**8, active_power=2.0),
        ]
    )
    gateway.tick()
    assert gateway.pipeline.latest.meters["line"].time_ns == -1
    gateway.times.pass_ns(SECOND)
    gateway.tick()
    assert gateway.pipeline.latest.meters["line"].time_ns == boot_ns - 5 * 10**8
    gateway.stop()
    (row,) = rows(gateway.sealed("readings"), "readings/line/power")
    assert row["time"] == WALL_NS // 1_000_000 - 500


def test_a_failed_reading_is_a_row_of_nothing(gateway: Gateway) -> None:
    gateway.seconds(1)
    missing = reading(gateway.site, "line", gateway.times.boot_ns, active_power=nan)
    gateway.deliver([missing])
    gateway.tick()
    state = gateway.pipeline.latest.meters["line"]
    assert state.quality is Quality.MISSING
    assert [shown["point"] for shown in state.shown()] == [
        "active_energy_import", "active_energy_export"
    ]  # fmt: skip
    gateway.stop()
    powers = rows(gateway.sealed("readings"), "readings/line/power")
    assert [row["active_power"] for row in powers] == [48_000.0, None]


@pytest.mark.parametrize("watts", [1.1e8, 1e20, 3e38, 1e300])
def test_a_power_that_cannot_be_is_kept_but_not_accounted(
    gateway: Gateway, watts: float
) -> None:
    """Registers in the wrong order look like this; it must not stop the agent."""
    gateway.seconds(61)
    gateway.world.powers_w["line"] = watts
    drawn = gateway.world.imports["line"]
    for _ in range(60):
        gateway.seconds(1)
        gateway.world.imports["line"] = drawn = drawn + kwh(1)
    GraphPicture(gateway.pipeline.accounting, gateway.times.wall_ns)
    gateway.stop()
    powers = rows(gateway.sealed("readings"), "readings/line/power")
    assert powers[-1]["active_power"] == pytest.approx(watts)
    assert total(gateway.books(), LINE) == pytest.approx(kwh(121), rel=0.05)


def test_all_that_is_sealed_is_in_the_journal_once(gateway: Gateway) -> None:
    gateway.seconds(100)
    gateway.stop()
    gateway.start()
    gateway.seconds(100)
    gateway.stop()
    found = Counter(
        (row["time"], row["revision"]) for row in rows(gateway.books(), "ledger/1min")
    )
    assert set(found.values()) == {1}
    powers = Counter(
        row["time"] for row in rows(gateway.sealed("readings"), "readings/pv/power")
    )
    assert set(powers.values()) == {1}
    assert len(powers) == 200


def test_a_stop_that_cannot_be_written_says_so(gateway: Gateway) -> None:
    gateway.seconds(7)
    with files_end_at(4096), pytest.raises(JournalError, match="journal: "):
        gateway.pipeline.finish(gateway.times.boot_ns)
    gateway.pipeline.finish(gateway.times.boot_ns)
    gateway.kill()
    powers = rows(gateway.sealed("readings"), "readings/line/power")
    assert len(powers) == 7


def test_a_fault_of_ours_is_not_swallowed(gateway: Gateway) -> None:
    """A commit that is wrong in itself must not be tried again for ever."""
    gateway.pipeline._recorder._streams["readings"].next_seq = 9
    gateway.seconds(30)
    with pytest.raises(Exception, match="seq is 9, expected 1"):
        gateway.seconds(10)


def test_a_state_of_a_later_version_is_refused_by_name(gateway: Gateway) -> None:
    packed = zlib.compress(msgpack.packb({"format": 7}))
    gateway.journal.append(Commit(state=packed)).result()
    gateway.kill()
    with pytest.raises(JournalError, match="format 7; this version reads 1"):
        gateway.start()
