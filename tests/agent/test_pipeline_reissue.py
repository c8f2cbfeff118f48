"""Batches that a receiver does not take as they are come again in another form."""

import shutil
import sqlite3
from array import array
from collections.abc import Iterator
from contextlib import closing
from copy import copy
from pathlib import Path
from random import Random

import pytest
from harness.gateway import Gateway, Times, journalled_site, kinds, rows
from harness.journals import open_journal, unsent
from harness.receiving import Receiving, receiving
from harness.small_door import small_door
from hypothesis import given
from hypothesis import strategies as st

from zerometer.agent.batch import Column, Table, decode
from zerometer.agent.cli.main import main
from zerometer.agent.journal import StoredBatch
from zerometer.agent.reissue import halves
from zerometer.agent.uplink.base import Outcome
from zerometer.agent.uplink.schemes import open_sender
from zerometer.core.site import UplinkSettings

#: What the line draws where the second gateway is.
OTHER_W = 12_345.0


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiving]:
    with receiving(tmp_path / "received.sqlite") as receiver:
        yield receiver


def forward(gateway: Gateway, url: str) -> list[Outcome]:
    """Send everything, as an uplink does, until nothing waits any more."""
    sender = open_sender(UplinkSettings(id="up", url=url), gateway.journal.source)
    outcomes = []
    for _ in range(50):
        waiting = unsent(gateway.journal)
        if not waiting:
            break
        for batch in waiting:
            answer = sender.send(batch, 5.0)
            outcomes.append(answer.outcome)
            if answer.outcome is Outcome.ACCEPTED:
                gateway.journal.acknowledge("up", batch)
            elif answer.outcome is Outcome.CONFLICT:
                gateway.reissues.ask(batch, "conflict")
            else:
                assert answer.outcome is Outcome.TOO_LARGE
                gateway.reissues.ask(batch, "too-large")
        gateway.seconds(6)
    sender.close()
    return outcomes


def powers(path: Path) -> set[tuple[int, float]]:
    """Return time and value of all powers of the line that the receiver has."""
    with closing(sqlite3.connect(path / "received.sqlite")) as database:
        found = database.execute(
            "SELECT t_ms, value FROM reading WHERE meter = 'line'"
            " AND point = 'active_power'"
        )
        return set(found.fetchall())


def every(gateway: Gateway) -> list[StoredBatch]:
    """Return what is in the journal, whose agent has ended; sent or not."""
    with closing(open_journal(gateway.folder)) as journal:
        return unsent(journal, "nobody")


def sealed_powers(gateway: Gateway) -> set[tuple[int, float]]:
    """Return time and value of all powers of the line in the journal."""
    return {
        (int(row["time"]), float(row["active_power"]))  # type: ignore[arg-type]
        for batch in every(gateway)
        for row in rows([decode(batch.data)], "readings/line/power")
    }


def identities(gateway: Gateway) -> set[tuple[str, str, int]]:
    """Return epoch, stream and number of all batches in the journal."""
    return {(b.epoch.hex(), b.stream, b.seq) for b in every(gateway)}


def taken(path: Path) -> set[tuple[str, str, int]]:
    """Return epoch, stream and number of all batches that the receiver has."""
    with closing(sqlite3.connect(path / "received.sqlite")) as database:
        return set(database.execute("SELECT epoch, stream, seq FROM batch").fetchall())


def copied(gateway: Gateway, folder: Path) -> Gateway:
    """Return a second gateway on a copy of the journal of one that has ended."""
    shutil.copytree(gateway.folder, folder)
    times = Times(gateway.times.boot_ns, gateway.times.wall_ns)
    second = Gateway(folder, journalled_site(folder), times)
    for name in ("imports", "exports", "volume"):
        setattr(second.world, name, copy(getattr(gateway.world, name)))
    second.world.powers_w["line"] = OTHER_W
    return second


def noisy(gateway: Gateway, seconds: int) -> None:
    """Let time pass in which all powers change each second."""
    drawn = Random(seconds)
    for _ in range(seconds):
        for meter in gateway.world.powers_w:
            gateway.world.powers_w[meter] = drawn.randrange(100_000)
        gateway.seconds(1)


def deliver(gateway: Gateway, url: str) -> None:
    """Send what a gateway that has ended left; all of it is taken."""
    with closing(open_journal(gateway.folder)) as journal:
        sender = open_sender(UplinkSettings(id="up", url=url), journal.source)
        for batch in unsent(journal):
            assert sender.send(batch, 5.0).outcome is Outcome.ACCEPTED
        sender.close()


def test_a_copied_journal_goes_on_in_an_epoch_of_its_own(
    tmp_path: Path, receiver: Receiving
) -> None:
    with Gateway(tmp_path / "first") as first:
        first.seconds(60)
        forward(first, receiver.url)
        first.stop()
        with copied(first, tmp_path / "second") as second:
            before = second.journal.epoch
            assert before == first.journal.epoch
            first.start()
            first.seconds(100)
            assert Outcome.CONFLICT not in forward(first, receiver.url)
            sent_ms = first.times.wall_ns // 10**6 - 40_000  # what is open is not sent
            second.seconds(100)
            outcomes = forward(second, receiver.url)
            assert Outcome.CONFLICT in outcomes
            assert second.journal.epoch != before
            assert "epoch" in kinds(second)
            assert kinds(first) == []
            # Over a restart it stays there, and nothing more is in the way.
            second.stop()
            second.start()
            second.seconds(60)
            assert second.journal.epoch != before
            assert set(forward(second, receiver.url)) == {Outcome.ACCEPTED}
            second.stop()
            deliver(second, receiver.url)
            first.stop()
            assert identities(second) - taken(tmp_path) == set()
            times = {time for time, _ in powers(tmp_path)}
            assert {time for time, _ in sealed_powers(second)} - times == set()
            sent = {time for time, _ in sealed_powers(first) if time <= sent_ms}
            assert len(sent) > 120
            assert sent - times == set()
            stored = every(second)
    told = [batch for batch in stored if batch.stream == "state"]
    content = [decode(batch.data) for batch in told if batch.epoch != before]
    assert len(rows(content, "config/site")) == 1


def test_a_conflict_is_settled_after_a_kill_between(
    tmp_path: Path, receiver: Receiving
) -> None:
    with Gateway(tmp_path / "first") as first:
        first.seconds(60)
        first.stop()
        with copied(first, tmp_path / "second") as second:
            first.start()
            first.seconds(60)
            forward(first, receiver.url)
            second.seconds(90)
            sender = open_sender(
                UplinkSettings(id="up", url=receiver.url), second.journal.source
            )
            refused = [
                batch
                for batch in unsent(second.journal)
                if sender.send(batch, 5.0).outcome is Outcome.CONFLICT
            ]
            sender.close()
            assert refused
            second.reissues.ask(refused[0], "conflict")
            second.pipeline.tick(second.times.boot_ns)  # a new epoch, and no commit
            second.kill()
            second.start()
            second.seconds(30)
            outcomes = forward(second, receiver.url)
            assert unsent(second.journal) == []
            assert Outcome.CONFLICT in outcomes
            second.stop()
            deliver(second, receiver.url)
            assert identities(second) - taken(tmp_path) == set()
            seen = [time for time, _ in sorted(sealed_powers(second))]
            assert seen == sorted(set(seen))
            assert len(seen) > 140


def test_conflicts_without_end_begin_ever_fewer_epochs(tmp_path: Path) -> None:
    with Gateway(tmp_path / "gateway") as gateway:
        epochs = set()
        for _ in range(30):
            gateway.seconds(60)
            for batch in unsent(gateway.journal):
                gateway.reissues.ask(batch, "conflict")
            epochs.add(gateway.journal.epoch)
        assert 3 <= len(epochs) <= 7


def test_what_is_too_large_comes_in_parts_and_smaller_from_then_on(
    tmp_path: Path, receiver: Receiving
) -> None:
    """A proxy in between that takes less than the receiver does."""
    limit = 3000
    with (
        Gateway(
            tmp_path / "gateway", journalled_site(tmp_path / "gateway", seal_s=600)
        ) as gateway,
        small_door(receiver, limit) as url,
    ):
        noisy(gateway, 610)
        assert max(len(b.data) for b in unsent(gateway.journal)) > limit
        outcomes = forward(gateway, url)
        assert Outcome.TOO_LARGE in outcomes
        assert "too-large" in kinds(gateway)
        smaller = gateway.pipeline._recorder.seal_samples
        assert smaller < gateway.site.journal.seal_samples
        gateway.stop()
        gateway.start()
        assert gateway.pipeline._recorder.seal_samples == smaller
        noisy(gateway, 400)
        assert Outcome.TOO_LARGE not in forward(gateway, url)
        gateway.stop()
        deliver(gateway, url)
        assert sealed_powers(gateway) - powers(tmp_path) == set()


def counted(name: str, first: int, count: int) -> Table:
    """Return a table of numbers from *first* on, every third without a value."""
    numbers = array("q", range(first, first + count))
    nulls = bytes(n % 3 == 0 for n in numbers)
    texts = [str(n) for n in numbers]
    return Table(
        name,
        [
            Column("time", "ms", 0, numbers),
            Column("value", "W", -1, numbers[:], nulls),
            Column("text", "", 0, texts),
        ],
    )


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_halves_have_every_row_once_and_in_order(sizes: list[int]) -> None:
    tables = [counted(f"t{i}", 100 * i, size) for i, size in enumerate(sizes)]
    parts = halves(tables)
    assert len(parts) == (1 if sizes == [1] else 2)
    for table in tables:
        mine = [t for part in parts for t in part if t.name == table.name]
        for index in range(3):
            joined = [v for t in mine for v in t.columns[index].values]
            assert joined == list(table.columns[index].values)
        nulls = b"".join(t.columns[1].nulls or b"" for t in mine)
        assert nulls == table.columns[1].nulls
    rows_of = [sum(table.rows for table in part) for part in parts]
    assert max(rows_of) - min(rows_of, default=0) <= len(sizes) or len(parts) == 1


def test_a_row_that_is_too_large_by_itself_is_told_once(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        gateway.events.add(0, "told", "line", "x" * 5000)
        gateway.tick()
        gateway.stop()
        gateway.start()
        (batch,) = [b for b in unsent(gateway.journal) if b.stream == "ledger"][:1]
        gateway.reissues.ask(batch, "too-large")
        gateway.tick()
        gateway.reissues.ask(batch, "too-large")
        gateway.tick()
        assert kinds(gateway) == ["too-large"]
        assert batch.position in {b.position for b in unsent(gateway.journal)}


def test_what_is_too_large_does_not_wait_for_an_epoch_that_may_not_begin_yet(
    tmp_path: Path,
) -> None:
    with Gateway(tmp_path) as gateway:
        gateway.seconds(60)
        gateway.reissues.ask(unsent(gateway.journal)[0], "conflict")
        gateway.seconds(40)
        epoch = gateway.journal.epoch
        waiting = [b for b in unsent(gateway.journal) if b.epoch == epoch]
        gateway.reissues.ask(waiting[0], "conflict")
        gateway.reissues.ask(waiting[1], "too-large")
        gateway.tick()
        assert kinds(gateway) == ["epoch", "too-large"]
        assert gateway.journal.epoch == epoch
        gateway.seconds(60)
        assert gateway.journal.epoch != epoch


def test_an_export_has_the_rows_of_what_was_sealed_anew_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Gateway(tmp_path) as gateway:
        gateway.seconds(120)
        (batch, *_) = [b for b in unsent(gateway.journal) if b.stream == "readings"]
        gateway.reissues.ask(batch, "too-large")
        gateway.seconds(5)
        gateway.stop()
        folder = gateway.folder
    assert main(["journal", "export", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 100
    assert len(lines) == len(set(lines))
