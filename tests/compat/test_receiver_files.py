"""The receiver's database that a release left, kept as a file: it goes on."""

import gzip
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import pytest
from harness.taking import take

from zerometer.agent.batch import decode, encode, peek
from zerometer.agent.receiver.sqlite_store import open_sqlite
from zerometer.agent.receiver.store import Store

KEPT = Path(__file__).parent / "0.1"
#: By view: what of it must be there again.
VIEWS = {
    "reading": 'source, site, meter, "group", point, unit, t_ms, time, value, text',
    "ledger": 'source, "window", t_ms, time, place, quantity, unit, value, booked',
    "event_log": "source, site, t_ms, kind, subject, text",
    "quality": 'source, "window", t_ms, revision, covered_s, measured_share',
    "stream": "source, epoch, stream, batches, samples, last",
    "missing": "source, epoch, stream, first, last",
}


def rows(store: Store, view: str, columns: str) -> list[dict[str, Any]]:
    found = store.query(f"SELECT {columns} FROM {view}")
    return sorted(found, key=lambda row: repr(list(row.values())))


@pytest.fixture
def batches() -> list[bytes]:
    found: list[bytes] = msgpack.unpackb(
        gzip.decompress((KEPT / "receiver.batches.gz").read_bytes())
    )
    return found


def test_an_old_database_has_what_a_new_one_would(
    tmp_path: Path, batches: list[bytes]
) -> None:
    path = tmp_path / "old.sqlite"
    path.write_bytes(gzip.decompress((KEPT / "receiver.sqlite.gz").read_bytes()))
    with (
        closing(open_sqlite(path)) as old,
        closing(open_sqlite(tmp_path / "new.sqlite")) as new,
    ):
        for data in batches:
            assert take(old, data).status == "duplicate"
            assert take(new, data).status == "stored"
        for view, columns in VIEWS.items():
            expected = rows(new, view, columns)
            assert rows(old, view, columns) == expected
            assert expected or view == "missing"


def test_an_old_database_takes_what_comes_next(
    tmp_path: Path, batches: list[bytes]
) -> None:
    """Also a window that it has, which then is of the next revision or stays."""
    path = tmp_path / "old.sqlite"
    path.write_bytes(gzip.decompress((KEPT / "receiver.sqlite.gz").read_bytes()))
    last = [data for data in batches if peek(data).stream == "ledger"][-1]
    batch = decode(last)
    header = replace(batch.header, seq=batch.header.seq + 1)
    again = encode(header, batch.tables)
    for turn in ("stored", "duplicate"):
        # It is opened as one of ours now: nothing is migrated twice.
        with closing(open_sqlite(path)) as store:
            before = rows(store, "ledger", VIEWS["ledger"])
            assert take(store, again).status == turn
            assert rows(store, "ledger", VIEWS["ledger"]) == before
            sql = "SELECT max(seq) AS seq FROM booking JOIN batch ON batch.id = batch"
            assert store.query(sql + " WHERE stream = 'ledger'") == [
                {"seq": header.seq}
            ]
