"""The receiver over HTTP, asked by a client that is not ours."""

import http.client
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from harness.batches import EPOCH, SOURCE
from harness.receiving import Receiving, receiving
from harness.sealed_batches import sealed

from zerometer.agent.batch import decode
from zerometer.agent.receiver import bodies, desk
from zerometer.core.errors import FormatError


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "received.sqlite"


@pytest.fixture
def receiver(database: Path) -> Iterator[Receiving]:
    with receiving(database) as running:
        yield running


def count(database: Path, table: str) -> int:
    with closing(sqlite3.connect(database)) as connection:
        (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(number)


def test_a_batch_is_committed_before_the_answer(
    receiver: Receiving, database: Path
) -> None:
    status, _, body = receiver.post(sealed(1))
    assert (status, body) == (
        200,
        {
            "status": "stored",
            "source": SOURCE.hex(),
            "epoch": EPOCH.hex(),
            "stream": "readings",
            "seq": 1,
            "samples": 3,
            "resend": [],
        },
    )
    assert count(database, "sample") == 3


def test_a_duplicate_gets_the_same_answer_and_changes_nothing(
    receiver: Receiving, database: Path
) -> None:
    _, _, first = receiver.post(sealed(1))
    status, _, second = receiver.post(sealed(1))
    assert status == 200
    assert second == {**first, "status": "duplicate"}
    assert (count(database, "batch"), count(database, "sample")) == (1, 3)


def test_another_batch_of_the_same_identity_is_a_conflict(
    receiver: Receiving, database: Path
) -> None:
    receiver.post(sealed(1))
    status, _, body = receiver.post(sealed(1, site="another"))
    assert (status, body["error"]) == (409, "identity-conflict")
    assert (count(database, "batch"), count(database, "sample")) == (1, 3)


@pytest.mark.parametrize("position", [0, 1, 60, -40, -1])
def test_a_flipped_byte_is_refused_by_name(
    receiver: Receiving, database: Path, position: int
) -> None:
    data = bytearray(sealed(1))
    data[position] ^= 0x10
    with pytest.raises(FormatError) as fault:
        decode(bytes(data))
    status, _, body = receiver.post(bytes(data))
    assert status == 400
    assert body == {"error": fault.value.code, "message": str(fault.value)}
    assert body["error"] != FormatError.code
    assert count(database, "batch") == 0
    assert count(database, "source") == 0


@pytest.mark.parametrize("data", [b"", b"hello", b"\xc0", sealed(1)[:-1]])
def test_what_is_no_batch_is_refused(receiver: Receiving, data: bytes) -> None:
    status, _, body = receiver.post(data)
    assert status == 400
    assert set(body) == {"error", "message"}


def test_a_body_that_is_too_large_is_refused_unread(receiver: Receiving) -> None:
    connection = http.client.HTTPConnection(receiver.address, timeout=5)
    with closing(connection):
        connection.putrequest("POST", "/v1/batches")
        connection.putheader("Content-Length", str(bodies.MAX_BODY + 1))
        connection.endheaders()
        response = connection.getresponse()
        assert response.status == 413
        assert json.loads(response.read())["error"] == "too-large"


def test_a_body_of_unknown_length_is_cut_off(
    receiver: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY", 1000)
    status, _, body = receiver.post(iter([b"x" * 400] * 3))
    assert (status, body["error"]) == (413, "too-large")
    status, _, body = receiver.post(iter([sealed(1)[:100], sealed(1)[100:]]))
    assert (status, body["status"]) == (200, "stored")


def test_a_content_encoding_is_refused(receiver: Receiving) -> None:
    status, _, body = receiver.post(sealed(1), {"Content-Encoding": "gzip"})
    assert status == 415
    assert "content-encoding" in body["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/", 404, "not-found"), ("GET", "/v1/batches", 405, "method-not-allowed")],
)
def test_other_addresses(
    receiver: Receiving, method: str, path: str, status: int, code: str
) -> None:
    answer = receiver.request(method, path)
    assert (answer[0], answer[2]["error"]) == (status, code)


def test_status_counts_and_finds_what_is_missing(receiver: Receiving) -> None:
    for seq in (1, 2, 5, 9):
        assert receiver.post(sealed(seq))[0] == 200
    receiver.post(sealed(1, stream="ledger"))
    status, _, body = receiver.request("GET", "/v1/status")
    assert status == 200
    identity = {"source": SOURCE.hex(), "epoch": EPOCH.hex()}
    whole = {"declared": 0, "missing": 0, "missing_ranges": []}
    assert body == {
        "schema": 2,
        "batches": 5,
        "samples": 15,
        "sources": 1,
        "gaps": 0,
        "streams": [
            {**identity, "stream": "ledger", "batches": 1, "last": 1, **whole},
            {
                **identity,
                "stream": "readings",
                "batches": 4,
                "last": 9,
                "declared": 0,
                "missing": 5,
                "missing_ranges": [[3, 4], [6, 8]],
            },
        ],
    }


def test_a_locked_database_asks_the_sender_to_come_back(
    receiver: Receiving, database: Path
) -> None:
    assert receiver.desk(
        lambda store: store._database.connection.execute("PRAGMA busy_timeout=1")
    )
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        status, headers, body = receiver.post(sealed(1))
    assert (status, body["error"], headers["Retry-After"]) == (503, "store-busy", "5")
    assert receiver.post(sealed(1))[0] == 200


def test_a_full_disk_asks_the_sender_to_come_back(
    receiver: Receiving, database: Path
) -> None:
    receiver.desk(
        lambda store: store._database.connection.execute("PRAGMA max_page_count=1")
    )
    big = sealed(1, rows=20_000)
    status, headers, body = receiver.post(big)
    assert (status, body["error"], headers["Retry-After"]) == (503, "store-busy", "60")
    assert count(database, "batch") == 0
    receiver.desk(
        lambda store: store._database.connection.execute(
            "PRAGMA max_page_count=1000000"
        )
    )
    assert receiver.post(big)[0] == 200
    assert count(database, "sample") == 20_000


def test_too_many_at_once_are_asked_to_come_back(
    receiver: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "MAX_WAITING", 1)
    answers: list[int] = []
    first = threading.Thread(target=lambda: answers.append(receiver.post(sealed(1))[0]))
    with receiver.held():
        first.start()
        receiver.until_waiting(1)
        status, headers, body = receiver.post(sealed(2))
        assert (status, headers["Retry-After"]) == (503, "2")
        assert (body["error"], body["retry_after_s"]) == ("store-busy", 2)
    first.join()
    assert answers == [200]


def test_too_many_bytes_at_once_are_asked_to_come_back(
    receiver: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One batch always has room, however large."""
    monkeypatch.setattr(desk, "MAX_WAITING_BYTES", len(sealed(1)) - 1)
    first = threading.Thread(target=receiver.post, args=(sealed(1),))
    with receiver.held():
        first.start()
        receiver.until_waiting(1)
        assert receiver.post(sealed(2))[0] == 503
    first.join()
    assert receiver.post(sealed(1))[2]["status"] == "duplicate"


def test_a_sender_that_goes_away_within_its_batch_leaves_nothing(
    receiver: Receiving, database: Path
) -> None:
    connection = http.client.HTTPConnection(receiver.address, timeout=5)
    with closing(connection):
        connection.putrequest("POST", "/v1/batches")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(sealed(1)[:100])
    assert receiver.post(sealed(2))[0] == 200
    assert count(database, "batch") == 1


def test_two_senders_at_once(receiver: Receiving, database: Path) -> None:
    """Each sends all batches, so each batch comes twice, often at the same time."""
    batches = [sealed(seq) for seq in range(1, 31)]
    outcomes: list[str] = []

    def send(order: int) -> None:
        outcomes.extend(receiver.post(data)[2]["status"] for data in batches[::order])

    threads = [threading.Thread(target=send, args=(order,)) for order in (1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["duplicate"] * 60 + ["stored"] * 30
    assert (count(database, "batch"), count(database, "sample")) == (30, 90)


def test_a_fault_of_ours_is_told_and_does_not_stop_us(
    receiver: Receiving, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it is: the sender tries again, and others are served."""

    def broken(_batches: object) -> object:
        raise RuntimeError("bug")

    receiver.desk(lambda store: setattr(store, "commit", broken))
    status, _, body = receiver.post(sealed(1))
    assert (status, body["error"]) == (500, "store-failed")
    assert "RuntimeError: see its log" in body["message"]
    assert "bug" in caplog.text
    receiver.desk(lambda store: delattr(store, "commit"))
    assert receiver.post(sealed(1))[0] == 200
