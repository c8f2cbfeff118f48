"""Readings to durable batches, through the whole middle of the agent."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from math import nan
from pathlib import Path
from zoneinfo import ZoneInfo

import msgpack
import pytest
from harness.full_disk import files_end_at
from harness.gateway import (
    WALL_NS,
    Gateway,
    journalled_site,
    rows,
    total,
    windows,
)
from harness.sites import SECOND, reading

from zerometer.agent.figures import KEPT_WINDOWS
from zerometer.agent.graph_picture import GraphPicture
from zerometer.agent.journal import Commit
from zerometer.core.errors import JournalError
from zerometer.core.points import Quality
from zerometer.core.windows import MINUTE_NS

LINE_KW = 48.0
LINE = "sink.line:quantity"
DAY_NS = 24 * 60 * MINUTE_NS


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(tmp_path) as gateway:
        yield gateway


def kwh(seconds: float) -> float:
    """Return what the line draws in so many seconds."""
    return LINE_KW * seconds / 3600


def kinds(gateway: Gateway) -> list[str]:
    """Return the kinds of the events so far."""
    return [event.kind for event in gateway.events.recent]


def test_readings_become_rows_and_windows(gateway: Gateway) -> None:
    gateway.seconds(130)
    gateway.stop()
    ledger, readings = gateway.sealed("ledger"), gateway.sealed("readings")
    powers = rows(readings, "readings/line/power")
    assert [row["active_power"] for row in powers] == [48_000.0] * 130
    times = [WALL_NS // 1_000_000 + 1000 * i for i in range(130)]
    assert [row["time"] for row in powers] == times
    (quarter,) = windows(ledger, "15min").values()
    minutes = windows(ledger)
    assert [row["covered"] for row in minutes.values()] == [60, 60, 10]
    # Gas has no power: its rate is not known before its second count.
    shares = [row["measured_share"] for row in minutes.values()]
    assert shares == [0.9867, 1.0, 1.0]
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
    assert total(gateway.sealed("ledger"), LINE) == pytest.approx(kwh(121), rel=0.05)


class TestClock:
    def test_a_step_seals_what_the_old_clock_timed(self, gateway: Gateway) -> None:
        gateway.seconds(10)
        gateway.times.wall_ns += 3600 * SECOND
        gateway.seconds(10)
        gateway.stop()
        before, after = gateway.sealed("readings")
        assert (before.header.clock, after.header.clock) == ("unsynced", "synced")
        # The reading of the tick that sees the step is timed by the clock as it is.
        assert after.header.t0_ms - before.header.t1_ms == 3_601_000
        (event,) = rows(gateway.sealed("ledger"), "events")
        assert event["kind"] == "clock-step"
        assert event["text"] == "wall clock stepped by +3600.000 s"
        assert total(gateway.sealed("ledger"), LINE) == pytest.approx(kwh(20), rel=0.06)

    def test_steps_within_a_window_cost_none_of_it(self, gateway: Gateway) -> None:
        """What a receiver has of a window is replaced when its name comes again."""
        for _ in range(8):
            gateway.seconds(17)
            gateway.times.wall_ns += 2 * SECOND
        gateway.seconds(17)
        gateway.stop()
        ledger = gateway.sealed("ledger")
        for length in ("1min", "15min"):
            booked = total(ledger, LINE, length)
            assert booked == pytest.approx(kwh(9 * 17), rel=0.01)

    def test_a_step_back_books_each_second_once(self, gateway: Gateway) -> None:
        gateway.seconds(90)
        gateway.times.wall_ns -= 45 * SECOND
        gateway.seconds(165)
        gateway.stop()
        ledger = gateway.sealed("ledger")
        assert total(ledger, LINE) == pytest.approx(kwh(255), rel=0.01)
        covered = [row["covered"] for row in windows(ledger).values()]
        assert covered == [60, 60, 60, 30]

    def test_a_clock_that_is_not_set_yet_goes_on_from_the_books(
        self, gateway: Gateway
    ) -> None:
        gateway.seconds(60)
        gateway.kill()
        gateway.times.wall_ns = gateway.times.boot_ns = 20 * SECOND  # a reboot
        gateway.start()
        gateway.seconds(61)
        gateway.stop()
        readings = gateway.sealed("readings")
        clocks = [batch.header.clock for batch in readings]
        assert clocks == ["synced", *["unsynced"] * 3]
        ledger = gateway.sealed("ledger")
        assert list(windows(ledger)) == [
            WALL_NS // 1_000_000, WALL_NS // 1_000_000 + 60_000
        ]  # fmt: skip
        assert total(ledger, LINE) == pytest.approx(kwh(121), rel=0.02)

    @pytest.mark.parametrize("back_s", [30, 3600, 300 * 24 * 3600])
    def test_a_clock_set_back_while_stopped_does_not_stop_time(
        self, gateway: Gateway, back_s: int
    ) -> None:
        gateway.seconds(70)
        gateway.kill()
        gateway.unseen(10)
        gateway.times.wall_ns -= back_s * SECOND
        gateway.start()
        gateway.unseen(1)
        gateway.seconds(120)
        gateway.stop()
        assert kinds(gateway) == ["clock-step"]
        ledger = gateway.sealed("ledger")
        assert total(ledger, LINE) == pytest.approx(kwh(201), rel=0.02)

    def test_a_clock_set_for_the_first_time_while_stopped_is_no_outage(
        self, gateway: Gateway
    ) -> None:
        gateway.kill()
        gateway.times.wall_ns = gateway.times.boot_ns
        (gateway.folder / "journal.db").unlink()
        gateway.start()
        gateway.seconds(70)
        gateway.kill()
        gateway.times.wall_ns = WALL_NS
        gateway.start()
        gateway.seconds(70)
        gateway.stop()
        ledger = gateway.sealed("ledger")
        assert total(ledger, LINE) == pytest.approx(kwh(140), rel=0.02)
        assert len(windows(ledger)) == 4


class TestOutage:
    def test_a_long_outage_is_booked_minute_by_minute(self, gateway: Gateway) -> None:
        """More windows than a batch holds come at once."""
        gateway.site = replace(
            gateway.site, journal=replace(gateway.site.journal, seal_samples=20_000)
        )
        gateway.seconds(70)
        gateway.kill()
        outage_s = 6 * 3600
        gateway.unseen(outage_s)
        gateway.start()
        gateway.seconds(70)
        gateway.stop()
        ledger = gateway.sealed("ledger")
        assert len(ledger) > 2
        assert len(windows(ledger)) == 363
        assert total(ledger, LINE) == pytest.approx(kwh(outage_s + 140), rel=1e-3)
        shares = {row["measured_share"] for row in windows(ledger).values()}
        assert {0.0, 1.0} < shares

    def test_an_outage_of_a_month_is_booked_in_its_last_week(
        self, gateway: Gateway
    ) -> None:
        gateway.seconds(70)
        gateway.kill()
        gateway.times.pass_ns(31 * DAY_NS)
        gateway.world.imports["line"] += 1000.0
        gateway.start()
        gateway.seconds(70)
        gateway.stop()
        ledger = gateway.sealed("ledger")
        assert len(windows(ledger)) == 7 * 24 * 60 + 4
        assert total(ledger, LINE) == pytest.approx(1000 + kwh(140), rel=1e-3)


class TestStall:
    def test_a_stalled_loop_books_what_the_buses_read_meanwhile(
        self, gateway: Gateway
    ) -> None:
        gateway.seconds(70)
        gateway.stalled(300)
        gateway.seconds(70)
        gateway.stop()
        minutes = windows(gateway.sealed("ledger"))
        assert min(row["measured_share"] for row in minutes.values()) > 0.98
        whole = [r[LINE] for r in minutes.values() if r["covered"] == 60.0]
        assert whole == pytest.approx([kwh(60)] * len(whole), rel=0.02)
        assert kinds(gateway) == []

    def test_a_machine_that_slept_was_not_seen(self, gateway: Gateway) -> None:
        gateway.seconds(70)
        gateway.unseen(1200)
        gateway.seconds(70)
        gateway.stop()
        ledger = gateway.sealed("ledger")
        shares = [row["measured_share"] for row in windows(ledger).values()]
        assert shares.count(0.0) >= 18
        assert total(ledger, LINE) == pytest.approx(kwh(1340), rel=0.01)
        assert kinds(gateway) == []


class TestEvents:
    def test_a_power_that_disagrees_with_its_counter(self, gateway: Gateway) -> None:
        gateway.world.powers_w["line"] = 20_000_000.0
        drawn = gateway.world.imports["line"]
        for _ in range(130):
            gateway.seconds(1)
            drawn += 5 * kwh(1)
            gateway.world.imports["line"] = drawn
        (event,) = gateway.events.recent
        assert (event.kind, event.subject) == ("disagreement", "line")
        assert "active_energy_import gained 0.01" in event.text

    def test_a_counter_that_moves_without_a_power(self, gateway: Gateway) -> None:
        gateway.world.powers_w["line"] = 0.0
        for _ in range(130):
            gateway.seconds(1)
            gateway.world.imports["line"] += kwh(1)
        (event,) = gateway.events.recent
        assert event.text == (
            "active_energy_import gained while active_power promised nothing: "
            "check ratios and units"
        )

    def test_a_counter_that_jumps_is_told_once(self, gateway: Gateway) -> None:
        gateway.seconds(10)
        gateway.world.imports["line"] += 1e7
        gateway.seconds(10)
        assert [(e.kind, e.subject) for e in gateway.events.recent] == [
            ("counter-held", "line")
        ]

    def test_a_circle_without_an_exit(self, tmp_path: Path) -> None:
        site = journalled_site(tmp_path)
        lv_to_air, boiler = site.processes
        back = replace(lv_to_air, id="turbine", takes={"air": lv_to_air.gives["air"]},
                       gives={"lv": lv_to_air.takes["lv"]})  # fmt: skip
        site = replace(site, processes=(lv_to_air, back, boiler))
        with Gateway(tmp_path, site) as gateway:
            for name in ("grid", "pv", "battery", "line"):
                gateway.world.powers_w[name] = 0.0
            gateway.seconds(130)
            (event,) = gateway.events.recent
            assert (event.kind, event.subject) == ("circular", "small")

    def test_what_happens_at_the_end_is_forwarded_too(self, gateway: Gateway) -> None:
        """Closing the books can bring an event that has no tick to wait for."""
        gateway.world.powers_w["line"] = 20_000_000.0
        drawn = gateway.world.imports["line"]
        for _ in range(40):
            gateway.seconds(1)
            drawn += 5 * kwh(1)
            gateway.world.imports["line"] = drawn
        assert kinds(gateway) == []
        gateway.stop()
        assert [e["kind"] for e in rows(gateway.sealed("ledger"), "events")] == [
            "disagreement"
        ]

    def test_a_journal_that_cannot_be_written(self, gateway: Gateway) -> None:
        gateway.seconds(20)
        with files_end_at(4096):
            gateway.seconds(20)
        gateway.seconds(100)
        assert gateway.journal.info().last_error == ""
        gateway.stop()
        events = rows(gateway.sealed("ledger"), "events")
        assert [(e["kind"], e["subject"]) for e in events] == [("journal", "journal")]
        powers = rows(gateway.sealed("readings"), "readings/line/power")
        assert len(powers) == len({row["time"] for row in powers}) == 140
        assert total(gateway.sealed("ledger"), LINE) == pytest.approx(
            kwh(140), rel=0.01
        )

    def test_a_graph_that_has_changed_over_a_restart(self, gateway: Gateway) -> None:
        gateway.seconds(70)
        gateway.kill()
        pv = replace(gateway.site.sources[1], id="roof")
        gateway.site = replace(
            gateway.site, sources=(gateway.site.sources[0], pv), revision="1"
        )
        gateway.start()
        gateway.seconds(60)
        gateway.stop()
        assert kinds(gateway) == ["graph-changed"]
        ledger = gateway.sealed("ledger")
        quarters = rows(ledger, "ledger/15min")
        assert "source.pv:quantity" in quarters[0]
        assert "source.roof:quantity" in quarters[-1]
        # The quarter went on: its last revision holds both graphs' energy.
        assert [row["revision"] for row in quarters] == [0.0, 1.0]
        assert quarters[-1][LINE] == pytest.approx(kwh(130), rel=0.02)


class TestFailure:
    def test_a_stop_that_cannot_be_written_says_so(self, gateway: Gateway) -> None:
        gateway.seconds(7)
        with files_end_at(4096), pytest.raises(JournalError, match="journal: "):
            gateway.pipeline.finish(gateway.times.boot_ns)
        gateway.pipeline.finish(gateway.times.boot_ns)
        gateway.kill()
        powers = rows(gateway.sealed("readings"), "readings/line/power")
        assert len(powers) == 7

    def test_a_fault_of_ours_is_not_swallowed(self, gateway: Gateway) -> None:
        """A commit that is wrong in itself must not be tried again for ever."""
        gateway.pipeline._recorder._streams["readings"].next_seq = 9
        gateway.seconds(30)
        with pytest.raises(Exception, match="seq is 9, expected 1"):
            gateway.seconds(10)

    def test_a_state_of_a_later_version_is_refused_by_name(
        self, gateway: Gateway
    ) -> None:
        import zlib

        packed = zlib.compress(msgpack.packb({"format": 7}))
        gateway.journal.append(Commit(state=packed)).result()
        gateway.kill()
        with pytest.raises(JournalError, match="format 7; this version reads 1"):
            gateway.start()


class TestFigures:
    def test_todays_emissions_are_those_of_the_windows(self, gateway: Gateway) -> None:
        gateway.seconds(200)
        gateway.stop()
        gateway.start()
        figures = gateway.pipeline.figures
        assert figures.day == "2027-01-15"
        ledger = gateway.sealed("ledger") if gateway.kill() else None
        assert ledger is None
        assert len(figures.windows) == 4
        today = figures.today_kg["physical"]
        assert today == pytest.approx(
            sum(window.emissions_kg["physical"] for window in figures.windows)
        )
        # 60 kW of grid and 6 kW of an unknown battery at 0.6, gas at 2 kg/Nm3.
        per_hour = 66 * 0.6 + 36 * 2.0
        assert today == pytest.approx(per_hour * 200 / 3600, rel=0.01)

    def test_a_window_that_is_put_out_again_counts_once(self, gateway: Gateway) -> None:
        gateway.seconds(90)
        gateway.stop()
        before = gateway.pipeline.figures.today_kg["location"]
        gateway.start()
        gateway.seconds(40)
        figures = gateway.pipeline.figures
        assert len(figures.windows) == 2
        assert figures.today_kg["location"] == pytest.approx(
            before * 120 / 90, rel=0.02
        )

    def test_a_new_day_begins_at_midnight_on_site(self, gateway: Gateway) -> None:
        """08:00 UTC is 16:00 in Shanghai: midnight is eight hours away."""
        gateway.seconds(70)
        gateway.kill()
        gateway.unseen(8 * 3600)
        gateway.start()
        gateway.seconds(70)
        figures = gateway.pipeline.figures
        assert figures.day == "2027-01-16"
        assert len(figures.windows) == KEPT_WINDOWS
        assert figures.today_kg["physical"] == pytest.approx(
            2 * figures.windows[-2].emissions_kg["physical"], rel=0.1
        )


def test_all_that_is_sealed_is_in_the_journal_once(gateway: Gateway) -> None:
    gateway.seconds(100)
    gateway.stop()
    gateway.start()
    gateway.seconds(100)
    gateway.stop()
    found = Counter(
        (row["time"], row["revision"])
        for row in rows(gateway.sealed("ledger"), "ledger/1min")
    )
    assert set(found.values()) == {1}
    powers = Counter(
        row["time"] for row in rows(gateway.sealed("readings"), "readings/pv/power")
    )
    assert set(powers.values()) == {1}
    assert len(powers) == 200
    assert ZoneInfo(gateway.site.timezone)
