"""Journals that releases left, kept as files: this version goes on with them.

Each ran the small site for 468 s: the battery discharged what it had before, charged
for 300 s and discharged again. One agent was stopped in order, one was killed.
``keep.py`` beside this makes them. Of 0.1, it is the one file that there was.
"""

import gzip
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from harness import archives
from harness.gateway import LINE, Gateway, Times, journalled_site, kwh, total
from harness.journals import open_journal, unsent

from zerometer.agent.batch import batch_hash, peek
from zerometer.agent.journal import migration
from zerometer.agent.journal.journal import Journal

HERE = Path(__file__).parent
KEPT = sorted([*HERE.glob("*/*.db.gz"), *HERE.glob("*/*.tar.xz")])
OLD = [kept for kept in KEPT if kept.parent.name == "0.1"]


def name(kept: Path) -> str:
    return f"{kept.parent.name}-{kept.name}"


def facts_of(kept: Path) -> dict[str, Any]:
    """Return what is known of a journal."""
    file = kept.with_name(kept.name.partition(".")[0] + ".json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def unpack(kept: Path, folder: Path) -> None:
    """Put a kept journal into *folder*."""
    if kept.suffix == ".gz":
        (folder / "journal.db").write_bytes(gzip.decompress(kept.read_bytes()))
        return
    archives.unpack(kept, folder)


def taken_up(kept: Path, folder: Path) -> Gateway:
    """Return a gateway on a copy of a kept journal, at the moment of its end."""
    unpack(kept, folder)
    facts = facts_of(kept)
    times = Times(facts["boot_ns"], facts["wall_ns"])
    gateway = Gateway(folder, journalled_site(folder), times)
    gateway.world.imports = facts["imports"]
    gateway.world.exports = facts["exports"]
    gateway.world.volume = facts["volume"]
    return gateway


@pytest.mark.parametrize("kept", KEPT, ids=name)
def test_counters_and_tanks_go_on(kept: Path, tmp_path: Path) -> None:
    """The index neither starts anew nor loses what passes meanwhile."""
    facts = facts_of(kept)
    with taken_up(kept, tmp_path) as gateway:
        accounting = gateway.pipeline.accounting
        tank = accounting.attribution.held(0)
        origins = [origin.name for origin in accounting.network.origins]
        held = {
            name: kwh for name, kwh in zip(origins, tank.origins, strict=True) if kwh
        }
        assert tank.energy == pytest.approx(facts["battery"]["kWh"], rel=1e-9)
        assert held == pytest.approx(facts["battery"]["origins"], rel=1e-9)
        gateway.unseen(30)
        gateway.seconds(182)
        index = accounting.metering.counters.index
        assert index("line", "active_energy_import") == pytest.approx(
            gateway.world.imports["line"], abs=kwh(5)
        )
        gateway.stop()
        booked = total(gateway.books(), LINE)
    # 468 s before, 30 s that nobody saw, 182 s since. Minutes were in the ledger's
    # stream then: what was open of it is sealed there.
    assert booked == pytest.approx(kwh(680), rel=1e-3)


def sendable(folder: Path) -> list[tuple[str, int]]:
    """Return what a new uplink would send, checked to be whole chains."""
    found: list[tuple[str, int]] = []
    hashes: dict[str, bytes] = {}
    with closing(open_journal(folder)) as journal:
        assert journal.notices == []
        for batch in unsent(journal):
            header = peek(batch.data)
            assert (header.source, header.epoch) == (journal.source, batch.epoch)
            assert (header.stream, header.seq) == (batch.stream, batch.seq)
            assert header.prev == hashes.get(batch.stream)
            hashes[batch.stream] = batch_hash(batch.data)
            found.append((batch.stream, batch.seq))
        for stream, digest in journal.resume().last_hash.items():
            assert hashes[stream] == digest
    return found


def sealed_in(file: Path) -> list[tuple[str, int]]:
    """Return what a journal of 0.1 says of its batches, in the order of sealing."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(
            "SELECT stream, seq FROM batch ORDER BY id"
        ).fetchall()


@pytest.mark.parametrize("kept", KEPT, ids=name)
def test_every_batch_can_be_sent(kept: Path, tmp_path: Path) -> None:
    unpack(kept, tmp_path)
    expected = sealed_in(tmp_path / "journal.db") if kept in OLD else None
    found = sendable(tmp_path)
    assert len(found) > 10
    assert expected in (None, found)
    assert sendable(tmp_path) == found


#: What an upgrade does, in this order.
STEPS = ("file_rows", "write_main", "sync")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kept", OLD, ids=name)
def test_an_upgrade_that_is_cut_off_begins_again(
    kept: Path, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step but the last is done, in turn, and the cut comes after it."""
    unpack(kept, tmp_path)
    expected = sealed_in(tmp_path / "journal.db")
    cut = tmp_path / "cut"
    done = getattr(migration, step)

    def last_step(*arguments: object) -> None:
        done(*arguments)
        if not cut.exists():
            shutil.copytree(tmp_path, cut, ignore=lambda *_: ["cut"])

    monkeypatch.setattr(migration, step, last_step)
    assert sendable(tmp_path) == expected
    monkeypatch.undo()
    assert cut.exists()
    assert sendable(cut) == expected


def test_cursors_and_gaps_are_taken_over(tmp_path: Path) -> None:
    """Of 0.1: a cursor was a place in the order over all streams."""
    unpack(OLD[0], tmp_path)
    order = sealed_in(tmp_path / "journal.db")
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        connection.execute("DELETE FROM cursor")
        crc = migration.checksum("up", 7)
        connection.execute("INSERT INTO cursor VALUES ('up', 7, ?)", (crc,))
        connection.execute("INSERT INTO cursor VALUES ('bad', 7, 0)")
        stream, seq = order[8]
        connection.execute("DELETE FROM batch WHERE id = 9")
        connection.execute(
            "INSERT INTO gap (stream, first, last, reason) VALUES (?, ?, ?, ?)",
            (stream, seq, seq, "damaged"),
        )
        connection.commit()
    with closing(open_journal(tmp_path)) as journal:
        assert journal.notices == []
        assert pending(journal, "up") == [order[7], *order[9:]]
        assert pending(journal, "bad") == [*order[:8], *order[9:]]
        ((gap,),) = [journal.gaps(s) for s in ("ledger", "readings") if journal.gaps(s)]
        assert (gap.first, gap.last, gap.reason) == (seq, seq, "damaged")


def pending(journal: Journal, uplink: str) -> list[tuple[str, int]]:
    return [(batch.stream, batch.seq) for batch in unsent(journal, uplink)]


def test_every_release_is_there() -> None:
    assert [name(kept) for kept in KEPT] == [
        "0.1-killed.db.gz",
        "0.1-stopped.db.gz",
        "0.2-killed.tar.xz",
        "0.2-stopped.tar.xz",
    ]
