"""The thread that asks the feeds: when, how often, and what it does with failures."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.upstream import Reply, Upstream, upstream

from zerometer.agent.clock import EPOCH_NS
from zerometer.agent.factors import keeper as keepers
from zerometer.agent.factors.forms import open_feed
from zerometer.agent.factors.keeper import LOOK_NS, FactorKeeper
from zerometer.agent.factors.store import FACTORS, FactorStore
from zerometer.agent.factors.table import read_factor_csv
from zerometer.core.site import FeedSettings

SECOND = 10**9
MINUTE = 60 * SECOND
HEAD = "series,t0,t1,value,unit\n"
LINE = "cn,2026-03-01T0{0}:00Z,2026-03-01T0{1}:00Z,{2},kg/kWh\n"
UK = (
    b'{"data": [{"from": "2026-03-01T09:30Z", "to": "2026-03-01T10:00Z",'
    b' "intensity": {"forecast": 266, "actual": null}}]}'
)


class Bench:
    """A keeper with a clock that stands still until it is moved."""

    def __init__(self, folder: Path, *feeds: FeedSettings, draw: float = 0.5) -> None:
        self.boot_ns = 1000 * SECOND
        self.offset_ns = EPOCH_NS
        self.told: list[tuple[str, str]] = []
        self.store = FactorStore(folder / "state")
        self.keeper = FactorKeeper(
            folder / "state",
            {settings: open_feed(settings) for settings in feeds},
            lambda feed, text: self.told.append((feed, text)),
            wall_ns=lambda boot_ns: boot_ns + self.offset_ns,
            boottime_ns=lambda: self.boot_ns,
            draw=lambda: draw,
        )

    def round(self) -> float:
        """Go a round; return the seconds until the next."""
        return (self.keeper.round(self.store) - self.boot_ns) / SECOND

    def values(self) -> list[float]:
        return [row.value for row in self.keeper.take()]


@pytest.fixture
def server() -> Iterator[Upstream]:
    with upstream() as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cn.csv"


def watching(file: Path, period_ns: int = 15 * MINUTE) -> FeedSettings:
    return FeedSettings(
        id="file", series="cn", form="csv", path=str(file), period_ns=period_ns
    )


def asking(server: Upstream) -> FeedSettings:
    return FeedSettings(
        id="gb",
        series="gb",
        form="uk-carbon-intensity",
        url=f"http://127.0.0.1:{server.server_port}",
    )


def test_what_a_feed_says_is_kept_and_handed_on_once(
    tmp_path: Path, file: Path
) -> None:
    file.write_text(HEAD + LINE.format(1, 2, 0.5))
    bench = Bench(tmp_path, watching(file))
    bench.round()
    assert bench.values() == [0.5]
    assert bench.values() == []
    assert [row.revision for row in bench.store.rows("cn")] == [1]
    (state,) = bench.keeper.states()
    assert state.last_fetch_ns == bench.boot_ns + bench.offset_ns
    assert (state.id, state.series, state.form) == ("file", "cn", "csv")
    assert (state.last_error, bench.told) == ("", [])


def test_a_feed_is_asked_again_after_its_period_or_a_little_before(
    tmp_path: Path, file: Path
) -> None:
    file.write_text(HEAD + LINE.format(1, 2, 0.5))
    bench = Bench(tmp_path, watching(file))
    assert bench.round() == LOOK_NS / SECOND
    file.write_text(HEAD + LINE.format(1, 2, 0.66))
    bench.boot_ns += 854 * SECOND  # 15 minutes less half a tenth are 855 s
    assert bench.round() == 1.0
    assert bench.values() == [0.5]
    bench.boot_ns += SECOND
    bench.round()
    assert bench.values() == [0.66]


def test_what_was_imported_meanwhile_is_found(tmp_path: Path, file: Path) -> None:
    bench = Bench(tmp_path)
    bench.round()
    file.write_text(HEAD + LINE.format(1, 2, 0.5))
    with FactorStore(tmp_path / "state") as other:
        other.add(read_factor_csv(file, 7).rows)
    bench.boot_ns += LOOK_NS
    bench.round()
    assert bench.values() == [0.5]


def test_a_large_import_is_handed_on_bit_by_bit(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keepers, "WAITING", 4)
    monkeypatch.setattr(keepers, "TAKEN_AT_ONCE", 3)
    lines = [LINE.format(1, 2, n / 100).replace("01T", f"{n:02}T") for n in range(1, 8)]
    file.write_text(HEAD + "".join(lines))
    with FactorStore(tmp_path / "state") as store:
        store.add(read_factor_csv(file, 7).rows)
    bench = Bench(tmp_path)
    assert bench.round() == keepers.HURRY_NS / SECOND
    assert bench.values() == [0.01, 0.02, 0.03]
    assert bench.keeper.last == 3
    assert bench.round() == keepers.HURRY_NS / SECOND
    assert bench.values() == [0.04, 0.05, 0.06]
    assert bench.round() == LOOK_NS / SECOND
    assert bench.values() == [0.07]
    assert bench.values() == []


def test_a_start_goes_on_where_the_last_state_was(tmp_path: Path, file: Path) -> None:
    """What came after it is news: also what was imported in between."""
    file.write_text(HEAD + LINE.format(1, 2, 0.5) + LINE.format(2, 3, 0.6))
    first = Bench(tmp_path, watching(file))
    assert first.keeper.begin(None, 0) == []
    first.round()
    assert first.keeper.last == 0
    assert first.values() == [0.5, 0.6]
    assert first.keeper.last == 2
    with FactorStore(tmp_path / "state") as other:
        file.write_text(HEAD + LINE.format(1, 2, 0.7))
        other.add(read_factor_csv(file, 99).rows)
    second = Bench(tmp_path)
    assert [row.value for row in second.keeper.begin(2, 0)] == [0.5, 0.6]
    second.round()
    assert second.values() == [0.7]
    assert second.keeper.last == 3
    # A site that has no state yet has booked nothing: nothing is news.
    third = Bench(tmp_path)
    assert [row.value for row in third.keeper.begin(None, 0)] == [0.5, 0.6, 0.7]
    third.round()
    assert third.values() == []


def test_only_what_can_still_be_restated_is_loaded(tmp_path: Path, file: Path) -> None:
    file.write_text(HEAD + LINE.format(1, 2, 0.5) + LINE.format(2, 3, 0.6))
    with FactorStore(tmp_path / "state") as store:
        store.add(read_factor_csv(file, 7).rows)
        first, _ = store.rows("cn")
    found = Bench(tmp_path).keeper.begin(2, first.t1_ns)
    assert [row.value for row in found] == [0.6]


def test_a_file_that_was_begun_anew_is_news(tmp_path: Path, file: Path) -> None:
    file.write_text(HEAD + LINE.format(1, 2, 0.5))
    bench = Bench(tmp_path, watching(file))
    assert bench.keeper.begin(500, 0) == []
    bench.round()
    assert bench.values() == [0.5]


def test_a_damaged_file_is_told_and_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / FACTORS.name).write_bytes(b"garbage " * 999)
    with FactorStore(tmp_path / "state") as store:
        assert store.notice
    bench = Bench(tmp_path)
    bench.store.close()
    bench.store.path.write_bytes(b"garbage " * 999)
    bench.keeper.begin(7, 0)
    assert bench.told[0][0] == "factors"
    assert "a new one was begun" in bench.told[0][1]


def test_a_failing_feed_is_left_alone_for_longer_and_longer(
    tmp_path: Path, server: Upstream
) -> None:
    bench = Bench(tmp_path, asking(server), draw=1.0)
    waits = []
    for _ in range(6):
        server.script.append(Reply(503))
        bench.boot_ns += 3600 * SECOND
        bench.round()
        waits.append((bench.keeper._feeds[0].due_ns - bench.boot_ns) / SECOND)
    assert waits == [60, 120, 240, 480, 900, 900]
    # Told once, not each time.
    assert bench.told == [("gb", "503 Service Unavailable: {}")]
    server.script.append(Reply(body=UK))
    bench.boot_ns += 3600 * SECOND
    bench.round()
    assert bench.told[1:] == [("gb", "")]
    server.script.append(Reply(503))
    bench.boot_ns += 3600 * SECOND
    bench.round()
    assert (bench.keeper._feeds[0].due_ns - bench.boot_ns) / SECOND == 60
    (state,) = bench.keeper.states()
    assert state.last_fetch_ns == bench.boot_ns - 3600 * SECOND + bench.offset_ns
    assert state.last_error == "503 Service Unavailable: {}"


def test_what_the_other_side_asks_for_is_kept(tmp_path: Path, server: Upstream) -> None:
    server.script.append(Reply(429, headers={"Retry-After": "1234"}))
    bench = Bench(tmp_path, asking(server), draw=0.0)
    bench.round()
    assert bench.keeper._feeds[0].due_ns == bench.boot_ns + 1234 * SECOND
    bench.boot_ns += 1234 * SECOND
    server.script.append(Reply(503))
    # Also a random wait of nothing is one.
    assert bench.round() == keepers.RETRY_AT_LEAST_S


def test_what_cannot_be_used_is_told_and_set_aside(tmp_path: Path, file: Path) -> None:
    bad = LINE.format(2, 3, 55) + LINE.format(3, 4, -1)
    file.write_text(HEAD + LINE.format(1, 2, 0.5) + bad)
    bench = Bench(tmp_path, watching(file))
    bench.round()
    assert bench.values() == [0.5]
    reason = "value: 55 kg/kWh is not within 0 to 2, and 1 more"
    assert bench.told == [("file", f"set aside: cn.csv:3: {reason}")]
    assert len(bench.store.quarantine()) == 2


def test_before_the_clock_is_set_nobody_is_asked(tmp_path: Path, file: Path) -> None:
    file.write_text(HEAD + LINE.format(1, 2, 0.5))
    bench = Bench(tmp_path, watching(file))
    bench.offset_ns = 0
    assert bench.round() == keepers.RETRY_AT_LEAST_S
    assert bench.values() == []
    bench.offset_ns = EPOCH_NS
    bench.boot_ns += 5 * SECOND
    bench.round()
    assert bench.values() == [0.5]


def test_one_feed_does_not_hold_up_another(
    tmp_path: Path, file: Path, server: Upstream
) -> None:
    file.write_text(HEAD + LINE.format(1, 2, 0.5))
    server.script.append(Reply(cut="before"))
    bench = Bench(tmp_path, asking(server), watching(file))
    bench.round()
    assert bench.values() == [0.5]
    assert [bool(state.last_error) for state in bench.keeper.states()] == [True, False]


def test_the_thread_asks_at_once_and_ends_promptly(
    tmp_path: Path, server: Upstream
) -> None:
    server.script.append(Reply(body=UK))
    bench = Bench(tmp_path, asking(server))
    bench.keeper.stop()  # harmless before the start
    bench.keeper.start()
    server.wait_for(1)
    bench.keeper.stop()
    assert not bench.keeper._thread.is_alive()


def test_a_request_in_progress_does_not_hold_up_the_end(
    tmp_path: Path, server: Upstream
) -> None:
    held = threading.Event()
    server.script.append(Reply(body=UK, held=held))
    bench = Bench(tmp_path, asking(server))
    bench.keeper.start()
    server.wait_for(1)
    bench.keeper.stop()
    assert not bench.keeper._thread.is_alive()
    held.set()


def test_a_file_that_cannot_be_opened_is_told(
    tmp_path: Path, file: Path, server: Upstream
) -> None:
    told = threading.Event()
    texts: list[str] = []

    def tell(feed: str, text: str) -> None:
        texts.append(f"{feed}: {text}")
        told.set()

    (tmp_path / "file").write_text("")
    keeper = FactorKeeper(tmp_path / "file", {}, tell, wall_ns=lambda boot_ns: EPOCH_NS)
    keeper.start()
    assert told.wait(5)
    keeper.stop()
    path = tmp_path / "file" / FACTORS.name
    assert texts[0] == f"factors: factors: {path}: File exists"
