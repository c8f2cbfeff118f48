"""Rows to sealed batches to commits, on a real journal."""

from array import array
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from math import nan
from pathlib import Path

import pytest
from harness.full_disk import files_end_at
from harness.gateway import rows
from harness.journals import open_journal, unsent
from hypothesis import given, settings
from hypothesis import strategies as st

from zerometer.agent import recorder
from zerometer.agent.batch import Batch, Gap, batch_hash, decode
from zerometer.agent.clock import Stamp
from zerometer.agent.gather import Field
from zerometer.agent.journal import Commit
from zerometer.agent.recorder import LEDGER, MINUTES, READINGS, Identity, Recorder
from zerometer.core.alignment import MINUTE_NS, QUARTER_NS
from zerometer.core.errors import JournalError
from zerometer.core.ledger import Cell
from zerometer.core.windows import Window

POWER = "readings/line/power"
FIELDS = (Field("active_power", "W", 0),)
CELLS = [Cell("sink.line:quantity", "kWh", -6), Cell("source.grid:entered", "kWh", -6)]
SEAL_MS = 10_000
STAMP = Stamp(boot=bytes(16), offset_ms=777, synchronised=True)
MANY = 1000


class Recording:
    """A recorder on a journal; both can be started again."""

    def __init__(self, folder: Path, samples: int = MANY) -> None:
        self.folder = folder
        self.samples = samples
        self.gaps: dict[str, tuple[Gap, ...]] = {}
        self.start()

    def start(self) -> None:
        """Start on what the journal has."""
        self.journal = open_journal(self.folder, uplinks=["up"])
        self.recorder = Recorder(
            Identity(
                source=self.journal.source,
                epoch=self.journal.epoch,
                site="site",
                config="r1",
            ),
            self.journal.resume(),
            lambda stream: self.gaps.get(stream, ()),
            STAMP,
            seal_ns=SEAL_MS * 1_000_000,
            seal_samples=self.samples,
        )

    def power(self, *values: float, time_ms: int = 0) -> None:
        """Add rows of one value, a second apart."""
        for second, value in enumerate(values):
            self.recorder.add_row(POWER, FIELDS, time_ms + 1000 * second, [value])

    def commit(self) -> Commit:
        """Make durable what there is."""
        commit = self.recorder.commit(b"state")
        self.journal.append(commit).result()
        self.recorder.committed(commit)
        return commit

    def restart(self) -> None:
        """Lose what was not committed."""
        self.journal.close()
        self.start()

    def batches(self, stream: str = READINGS) -> list[Batch]:
        """Return the sealed batches in the journal, checked to be a chain."""
        stored = [b for b in unsent(self.journal) if b.stream == stream]
        assert [batch.seq for batch in stored] == list(range(1, len(stored) + 1))
        batches = [decode(batch.data) for batch in stored]
        for before, batch in pairwise(zip(stored, batches, strict=True)):
            assert batch[1].header.prev == batch_hash(before[0].data)
        return batches

    def powers(self) -> list[float | str | None]:
        """Return all values in sealed batches."""
        return [row["active_power"] for row in rows(self.batches(), POWER)]


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    recording = Recording(tmp_path)
    yield recording
    recording.journal.close()


def window(
    start: int, *cells: int, revision: int = 0, length_ns: int = MINUTE_NS
) -> Window:
    """Return a window with these cells, half of it seen."""
    covered_ns, measured_ns = length_ns, length_ns / 2
    return Window(
        start * MINUTE_NS, length_ns, array("q", cells), covered_ns, measured_ns,
        revision,
    )  # fmt: skip


def test_a_batch_says_who_sealed_it_and_what_it_covers(recording: Recording) -> None:
    recording.power(1.0, nan, 3.0, time_ms=5000)
    recording.recorder.factors = ("cn-grid/2023",)
    recording.recorder.add_event(1, "up", "line", "")
    recording.recorder.seal_all()
    recording.commit()
    (batch,) = recording.batches()
    header = batch.header
    assert (header.source, header.epoch) == (
        recording.journal.source,
        recording.journal.epoch,
    )
    assert (header.site, header.config, header.factors) == ("site", "r1", ())
    (ledger,) = recording.batches(LEDGER)
    assert ledger.header.factors == ("cn-grid/2023",)
    assert (header.t0_ms, header.t1_ms, header.samples) == (5000, 7000, 2)
    assert (header.clock, header.prev) == ("synced", None)
    assert recording.powers() == [1.0, None, 3.0]


def test_minutes_are_a_stream_beside_quarters_and_events(recording: Recording) -> None:
    recording.recorder.add_window(window(3, 10, -20, revision=1), CELLS)
    quarter = window(15, 1, 2, length_ns=QUARTER_NS)
    recording.recorder.add_window(quarter, CELLS)
    recording.recorder.add_event(99, "garbage", "line", "said nothing")
    recording.recorder.seal_all()
    recording.commit()
    assert rows(recording.batches(MINUTES), "ledger/1min") == [
        {
            "time": 180_000,
            "revision": 1,
            "covered": 60,
            "measured_share": 0.5,
            "sink.line:quantity": 1e-5,
            "source.grid:entered": -2e-5,
        }
    ]
    batches = recording.batches(LEDGER)
    (row,) = rows(batches, "ledger/15min")
    assert (row["time"], row["covered"]) == (900_000, 900)
    assert rows(batches, "events") == [
        {"time": 99, "kind": "garbage", "subject": "line", "text": "said nothing"}
    ]


def test_what_is_old_enough_is_sealed(recording: Recording) -> None:
    recording.recorder.seal_due(0)
    recording.power(1.0)
    recording.recorder.seal_due(1000)
    recording.recorder.seal_due(999 + SEAL_MS)
    assert recording.commit().sealed == []
    recording.recorder.seal_due(1000 + SEAL_MS)
    assert len(recording.commit().sealed) == 1
    recording.recorder.seal_due(10**9)
    assert len(recording.batches()) == 1


def test_the_age_of_a_batch_survives_a_restart(recording: Recording) -> None:
    recording.power(1.0)
    recording.recorder.seal_due(1000)
    recording.commit()
    recording.restart()
    recording.recorder.seal_due(1000 + SEAL_MS)
    recording.commit()
    assert recording.powers() == [1.0]


def test_rows_without_a_value_are_sealed_too(recording: Recording) -> None:
    """Meters that are all silent for a month must not fill the memory."""
    recording.power(nan, nan)
    recording.recorder.seal_due(1000)
    recording.recorder.seal_due(1000 + SEAL_MS)
    recording.commit()
    assert recording.powers() == [None, None]
    assert recording.batches()[0].header.samples == 0


def test_what_is_large_enough_is_sealed_at_once(recording: Recording) -> None:
    recording.power(*map(float, range(2 * MANY + 1)))
    for minute in range(MANY):
        recording.recorder.add_window(window(minute, minute, 0), CELLS)
    recording.commit()
    assert [batch.header.rows for batch in recording.batches()] == [MANY, MANY]
    assert [batch.header.samples for batch in recording.batches(MINUTES)] == [MANY] * 5


def test_what_is_half_as_large_is_sealed_with_the_next_commit(tmp_path: Path) -> None:
    recording = Recording(tmp_path, samples=8)
    recording.power(1.0, 2.0, 3.0)
    assert [stream for stream, _ in recording.commit().segments] == [READINGS]
    recording.power(4.0)
    commit = recording.commit()
    assert commit.segments == []  # its last row is written with the batch alone
    assert [batch.samples for batch in commit.sealed] == [4]
    assert recording.powers() == [1.0, 2.0, 3.0, 4.0]
    recording.journal.close()


def test_rows_by_a_clock_that_is_not_set_say_so(recording: Recording) -> None:
    """A batch has rows of one clock: with another one, the next begins."""
    recording.power(1.0)
    recording.recorder.timed_by(STAMP)
    recording.power(2.0, time_ms=1000)
    guessed = Stamp(bytes([7] * 16), 5, synchronised=False)
    recording.recorder.timed_by(guessed)
    recording.power(3.0, time_ms=2000)
    recording.recorder.seal_all()
    recording.commit()
    headers = [batch.header for batch in recording.batches()]
    told = [(header.rows, header.clock, header.offset_ms) for header in headers]
    assert told == [(2, "synced", 777), (1, "unsynced", 5)]
    assert [header.boot for header in headers] == [bytes(16), bytes([7] * 16)]


def test_other_fields_after_a_restart_seal_what_was_open(recording: Recording) -> None:
    recording.power(1.0, 2.0)
    recording.recorder.add_window(window(1, 7, 7), CELLS)
    recording.commit()
    recording.restart()
    finer = (replace(FIELDS[0], exponent=-1), Field("reactive_power", "var", 0))
    recording.recorder.add_row(POWER, finer, 9000, [2.5, nan])
    recording.recorder.add_window(window(2, 8), CELLS[:1])
    recording.recorder.seal_all()
    recording.commit()
    assert recording.powers() == [1.0, 2.0, 2.5]
    old, new = recording.batches()
    assert "reactive_power" not in rows([old], POWER)[0]
    assert "reactive_power" in rows([new], POWER)[0]
    assert "source.grid:entered" in rows(recording.batches(MINUTES), "ledger/1min")[0]


def test_gaps_are_declared_once(recording: Recording) -> None:
    recording.gaps[READINGS] = (Gap(1, 3, "evicted"),)
    for value in (1.0, 2.0, 3.0):
        recording.power(value)
        recording.recorder.seal_all()
        if value == 2.0:
            recording.gaps[READINGS] += (Gap(9, 9, "damaged"),)
    recording.commit()
    declared = [batch.header.gaps for batch in recording.batches()]
    assert declared == [(Gap(1, 3, "evicted"),), (), (Gap(9, 9, "damaged"),)]


def test_a_failed_commit_is_made_good_by_the_next(recording: Recording) -> None:
    """The disk is full between a segment, a seal and more rows."""
    recording.power(1.0)
    recording.commit()
    with files_end_at(4096):
        for value in (2.0, 3.0, 4.0):
            recording.power(value)
            if value == 3.0:
                recording.recorder.seal_all()
            with pytest.raises(JournalError, match="journal: "):
                recording.journal.append(recording.recorder.commit(b"s")).result()
    recording.commit()  # the one that failed, as it was
    recording.commit()
    assert recording.commit().segments == []
    recording.restart()
    recording.power(5.0)
    recording.recorder.seal_all()
    recording.commit()
    assert recording.powers() == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_row_that_comes_while_a_commit_is_written_is_in_the_next(
    recording: Recording,
) -> None:
    """Commits are written by another thread: sealing goes on meanwhile."""
    recording.power(1.0)
    first = recording.recorder.commit(b"1")
    recording.power(2.0)
    recording.recorder.seal_all()
    recording.power(3.0)
    recording.journal.append(first).result()
    recording.recorder.committed(first)
    recording.commit()
    recording.restart()
    recording.recorder.seal_all()
    recording.commit()
    assert recording.powers() == [1.0, 2.0, 3.0]


@settings(max_examples=40)
@given(
    st.lists(
        st.sampled_from(["row", "row", "row", "age", "seal", "commit", "kill"]),
        max_size=30,
    ),
    st.integers(2, 6),
)
def test_any_way_of_committing_and_restarting_gives_the_same_samples(
    tmp_path_factory: pytest.TempPathFactory, script: list[str], samples: int
) -> None:
    """Rows up to the last commit before each kill, each once and in order."""
    recording = Recording(tmp_path_factory.mktemp("journal"), samples)
    durable, since, number = [], [], 0
    try:
        for step in script:
            if step == "row":
                recording.power(float(number), time_ms=1000 * number)
                since.append(float(number))
                number += 1
            elif step == "age":
                recording.recorder.seal_due(number * SEAL_MS // 4)
            elif step == "seal":
                recording.recorder.seal_all()
            elif step == "commit":
                recording.commit()
                durable, since = durable + since, []
            else:
                recording.restart()
                since = []
        recording.recorder.seal_all()
        recording.commit()
        assert recording.powers() == durable + since
        for batch in recording.batches():
            assert 0 < batch.header.samples <= samples
    finally:
        recording.journal.close()


def test_readings_that_a_full_disk_keeps_waiting_become_a_gap(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go, windows stay, and the numbers are declared once there is room."""
    monkeypatch.setattr(recorder, "WAITING_BYTES", 2000)
    seal(recording, 1)
    recording.commit()
    with files_end_at(0):
        for number in range(2, 21):
            seal(recording, number)
            with pytest.raises(JournalError):
                recording.commit()
    waiting = recording.recorder._sealed
    assert sum(len(batch.data) for batch in waiting) <= 2000
    assert len([batch for batch in waiting if batch.stream == MINUTES]) == 1
    recording.commit()  # the first that failed, as it was
    recording.commit()
    recording.gaps[READINGS] = recording.journal.gaps(READINGS)
    seal(recording, 21)
    recording.commit()
    seqs = [b.seq for b in unsent(recording.journal) if b.stream == READINGS]
    lost = seqs[2] - 1
    assert lost > 10
    assert seqs == [1, 2, *range(lost + 1, 22)]
    last = decode(unsent(recording.journal)[-1].data)
    assert last.header.gaps == (Gap(3, lost, "overflow"),)
    recording.restart()
    assert recording.journal.resume().next_seq[READINGS] == 22


def test_what_was_given_up_while_it_was_written_is_no_gap(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "WAITING_BYTES", 0)
    recording.power(1.0)
    recording.recorder.seal_all()
    commit = recording.recorder.commit(b"state")
    recording.power(2.0)
    recording.recorder.seal_all()
    recording.journal.append(commit).result()
    recording.recorder.committed(commit)
    recording.commit()
    assert recording.powers() == [1.0, 2.0]
    assert recording.journal.gaps(READINGS) == ()


def seal(recording: Recording, number: int) -> None:
    """Seal a batch of readings; with the second also a window."""
    recording.power(float(number), time_ms=number)
    if number == 2:
        recording.recorder.add_window(window(1, 5, 6), CELLS)
    recording.recorder.seal_all()


def test_what_is_lost_is_declared_though_nothing_comes(recording: Recording) -> None:
    """By a batch without rows, once, as soon as one would be sealed."""
    for number in (1, 2, 3):
        seal(recording, number)
    recording.commit()
    recording.recorder._gaps = recording.journal.gaps
    (recording.folder / "readings-000001.db").unlink()
    recording.commit()
    gap = Gap(1, 3, "damaged")
    assert recording.journal.gaps(READINGS) == (gap,)
    for now_ms in (1000, 1000 + SEAL_MS - 1):
        recording.recorder.seal_due(now_ms)
        assert recording.commit().sealed == []
    for now_ms in range(1000 + SEAL_MS, 1000 + 5 * SEAL_MS, SEAL_MS // 2):
        recording.recorder.seal_due(now_ms)
        recording.commit()
    (stored,) = [b for b in unsent(recording.journal) if b.stream == READINGS]
    batch = decode(stored.data)
    assert (batch.header.seq, batch.header.gaps) == (4, (gap,))
    assert (batch.header.t0_ms, batch.header.rows, batch.tables) == (11_000, 0, [])
    assert recording.journal.gaps(READINGS) == ()


def test_a_batch_that_is_given_up_declares_nothing(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it would have declared is declared by a later one."""
    monkeypatch.setattr(recorder, "WAITING_BYTES", 0)
    gap = Gap(7, 9, "evicted")
    recording.gaps[READINGS] = (gap,)
    for number in (1, 2, 3):
        recording.power(float(number))
        recording.recorder.seal_all()
    commit = recording.recorder.commit(b"")
    assert commit.lost == {(READINGS, 1), (READINGS, 2)}
    (last,) = commit.sealed
    assert decode(last.data).header.gaps == last.gaps == (gap,)
