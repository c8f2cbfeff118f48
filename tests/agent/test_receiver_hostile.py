"""Senders that mean no good: named errors, bounded memory, and others go on."""

import hashlib
import http.client
import random
import signal
import socket
import statistics
import threading
import time
import zlib
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import msgpack
import pytest
from harness.batches import header, readings
from harness.batches import sealed as wrapped
from harness.receiver_process import ReceiverProcess
from harness.receiving import Receiving, receiving
from harness.sealed_batches import sealed
from hypothesis import given, settings
from hypothesis import strategies as st

from zerometer.agent.batch import Column, Table, encode
from zerometer.agent.batch.header import pack_header
from zerometer.agent.receiver import bodies, connections
from zerometer.agent.receiver.bodies import MAX_BODY
from zerometer.core.errors import FormatError

MIB = 1 << 20


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiving]:
    path = tmp_path_factory.mktemp("hostile") / "received.sqlite"
    with receiving(path) as running:
        yield running


def codes() -> set[str]:
    """Return every word that a decoder may refuse with, and the receiver's own."""

    def below(kind: type[FormatError]) -> Iterator[str]:
        yield kind.code
        for one in kind.__subclasses__():
            yield from below(one)

    return set(below(FormatError)) - {FormatError.code}


def unpacked(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return header entries and unpacked body of a batch."""
    entries, body, *_ = msgpack.unpackb(data)
    if entries["codec"] == "deflate":
        body = zlib.decompress(body, -zlib.MAX_WBITS)
    return entries, body


def labelled(entries: dict[str, Any], body: bytes, **changes: Any) -> bytes:
    """Return a batch whose lengths and checksums are right for *body*."""
    fitting = {
        "codec": "none",
        "length": len(body),
        "sha256": hashlib.sha256(body).digest(),
    }
    return wrapped(entries | fitting | changes, body)


#: Cuts, insertions and changed bytes: (place, bytes to drop, bytes to put in).
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 4), st.binary(max_size=4)),
    min_size=1,
    max_size=4,
)


def edited(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for place, dropped, new in edits:
        at = int(place * len(data))
        data = data[:at] + new + data[at + dropped :]
    return data


@settings(max_examples=150, deadline=None)
@given(edits=EDITS)
def test_a_changed_batch_is_refused_by_name(
    receiver: Receiving, edits: list[tuple[float, int, bytes]]
) -> None:
    good = sealed(1)
    data = edited(good, edits)
    status, _, body = receiver.post(data)
    if data == good:
        assert status == 200
    else:
        assert (status, body["error"] in codes()) == (400, True), body


@settings(max_examples=150, deadline=None)
@given(edits=EDITS, seq=st.integers(1, 1 << 53))
def test_a_changed_body_is_refused_by_name_or_kept(
    receiver: Receiving, edits: list[tuple[float, int, bytes]], seq: int
) -> None:
    """Its checksums are right: the decoder and the database get to see it."""
    entries, whole = unpacked(encode(header(), readings()[:1]))
    data = labelled(entries, edited(whole, edits), seq=seq)
    status, _, body = receiver.post(data)
    assert status in {200, 400, 409}, body
    assert status != 400 or body["error"] in codes()


ENTRIES = st.one_of(
    st.none(), st.integers(-(1 << 63), (1 << 64) - 1), st.text(max_size=9),
    st.binary(max_size=33), st.lists(st.integers(), max_size=3).map(str),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    changes=st.dictionaries(
        st.sampled_from(sorted(pack_header(header()))), ENTRIES, min_size=1, max_size=3
    )
)
def test_a_changed_header_is_refused_by_name_or_kept(
    receiver: Receiving, changes: dict[str, Any]
) -> None:
    data = encode(header(), readings()[:1])
    entries, body, _ = msgpack.unpackb(data)
    status, _, answer = receiver.post(wrapped(entries | changes, body))
    assert status in {200, 400, 409}, answer
    assert status != 400 or answer["error"] in codes()


def bomb(length: int, stated: int | None = None) -> bytes:
    """Return a small batch whose body unpacks to *length* zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(bytes(length)) + packer.flush()
    entries = pack_header(header(seq=999))
    return labelled(entries, body, codec="deflate", length=stated or length)


def swollen() -> bytes:
    """Return a batch of 1 MiB that unpacks to a million containers of msgpack."""
    body = b"\x81\xa6tables\xdd\x00\x0f\xff\xff" + b"\x90" * 0xFFFFF
    return labelled(pack_header(header(seq=999)), body)


def repeated() -> bytes:
    """Return a batch of a few KB that would become more than a million rows."""
    rows = 300_000
    column = array("q", bytes(8 * rows))
    names = ("a", "b", "c")
    columns = [Column(name, "kW", 0, column) for name in names]
    times = Column("time", "ms", 0, array("q", range(rows)))
    data = encode(header(seq=998), [Table("readings/x/y", [times, *columns])])
    assert len(data) < 20_000
    return data


BOMBS = {
    "rows": (repeated(), "too-large"),
    "length": (bomb(64 * MIB), "too-large"),
    "ratio": (bomb(8 * MIB), "too-large"),
    "short": (bomb(8 * MIB, 1 * MIB), "bad-length"),
    "containers": (swollen(), "bad-body"),
    "nesting": (b"\x91" * 100_000, "bad-envelope"),
    "array": (b"\xdd\xff\xff\xff\xff", "bad-envelope"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_name(receiver: Receiving, name: str) -> None:
    data, code = BOMBS[name]
    assert len(data) < MAX_BODY
    status, _, body = receiver.post(data)
    assert (status, body["error"]) == (400, code)


def connected(receiver: Receiving) -> socket.socket:
    host, _, port = receiver.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def ended(connection: socket.socket) -> bool:
    """Return when the other side has let go of the connection."""
    try:
        while connection.recv(1000):
            pass
    except ConnectionResetError:
        pass
    return True


def test_a_head_that_does_not_come_in_time_is_not_waited_for(
    receiver: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.05)
    for begun in (b"", b"POST /v1/batches HT"):
        with connected(receiver) as slow:
            slow.sendall(begun)
            assert ended(slow)
    # Also the second of a connection, whose first was in time.
    with connected(receiver) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow.recv(1000).startswith(b"HTTP/1.1 404")
        slow.sendall(b"GET")
        assert ended(slow)


POST = b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"


def test_a_body_that_does_not_come_in_time_is_given_up(
    receiver: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_S", 0.05)
    with connected(receiver) as slow:
        slow.sendall(POST + b"begun")
        answer = http.client.HTTPResponse(slow)
        answer.begin()
        assert (answer.status, b"too-slow" in answer.read()) == (408, True)
        assert slow.recv(1) == b""


def test_too_many_bytes_in_progress_cost_the_oldest(
    receiver: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MAX_READING", 1500)
    with connected(receiver) as first, connected(receiver) as second:
        first.sendall(POST + b"x" * 900)
        second.sendall(POST + b"x" * 900)
        answer = http.client.HTTPResponse(first)
        answer.begin()
        assert answer.status == 408
        second.sendall(b"x" * 100)
        answer = http.client.HTTPResponse(second)
        answer.begin()
        assert answer.status == 400


def test_connections_that_say_nothing_make_room(
    receiver: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 10)
    with ExitStack() as opened:
        silent = [opened.enter_context(connected(receiver)) for _ in range(15)]
        assert receiver.post(sealed(1))[0] == 200
        assert ended(silent[0])


def replayed(batch: bytes) -> bytes:
    """Return *batch* under its own name with other content."""
    entries, body, _ = msgpack.unpackb(batch)
    return wrapped(entries | {"config": "forged"}, body)


@pytest.mark.system
@pytest.mark.timeout(120)
def test_an_attack_costs_others_little(tmp_path: Path) -> None:
    """Bombs, forgeries, replays and slow connections, and one who is honest."""
    process = ReceiverProcess(tmp_path / "received.sqlite")
    address = f"127.0.0.1:{process.port}"
    over = threading.Event()
    known = sealed(1, source=b"v" * 16)
    refused = [data for data, _ in BOMBS.values()] + [replayed(known), b"x" * 5000]
    counts = {"refused": 0, "taken": 0}

    def attack(seed: int) -> None:
        chance = random.Random(seed)
        connection = http.client.HTTPConnection(address, timeout=20)
        with closing(connection):
            while not over.is_set():
                data = chance.choice([*refused, known])
                connection.request("POST", "/v1/batches", data)
                answer = connection.getresponse()
                answer.read()
                assert answer.status in {200, 400, 409, 503}
                counts["taken" if answer.status == 200 else "refused"] += 1

    def post(data: bytes) -> float:
        began = time.perf_counter()
        connection = http.client.HTTPConnection(address, timeout=20)
        with closing(connection):
            connection.request("POST", "/v1/batches", data)
            assert connection.getresponse().status == 200
        return time.perf_counter() - began

    post(known)
    attackers = [threading.Thread(target=attack, args=(seed,)) for seed in range(3)]
    with ExitStack() as opened:
        for _ in range(300):
            slow = socket.create_connection(("127.0.0.1", process.port))
            opened.enter_context(slow).sendall(b"POST /v1/")
        for attacker in attackers:
            attacker.start()
        took_s = [post(sealed(seq, rows=100)) for seq in range(1, 101)]
        over.set()
        for attacker in attackers:
            attacker.join()
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    assert process.end(signal.SIGTERM) == 0
    assert counts["refused"] > 50
    assert statistics.quantiles(took_s, n=100)[98] < 2
    assert peak_kib < 300 * 1024
