"""Journal, uplink and receiver, each the real one: what they say to each other."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from harness.authority import Authority
from harness.batches import SOURCE
from harness.flushing import flush
from harness.journals import open_journal, unsent
from harness.outbox import MemoryOutbox
from harness.receiving import receiving
from harness.sealed_batches import power_table, sealed
from harness.uplinks import Told, uplink_to

from zerometer.agent.batch import encode, peek
from zerometer.agent.batch.model import Header
from zerometer.agent.journal import Commit, Journal, SealedBatch
from zerometer.agent.receiver.server import Admission
from zerometer.agent.uplink.schemes import open_sender
from zerometer.agent.uplink.worker import Uplink
from zerometer.core.site import STREAMS, UplinkSettings

#: Batches of each stream.
COUNTS = dict(zip(STREAMS, (12, 30, 3, 40), strict=True))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return a journal with batches of all streams, sealed by turns."""
    with closing(open_journal(tmp_path / "journal", uplinks=["main", "some"])) as made:
        for turn in range(max(COUNTS.values())):
            wanted = [s for s, count in COUNTS.items() if turn < count]
            batches = [_sealed(made, stream, turn + 1) for stream in wanted]
            made.append(Commit(state=b"", sealed=batches)).result()
        yield made


def _sealed(journal: Journal, stream: str, seq: int) -> SealedBatch:
    header = Header(
        source=journal.source, epoch=journal.epoch, site="demo", stream=stream,
        seq=seq, t0_ms=seq, t1_ms=seq, boot=bytes(16),
    )  # fmt: skip
    data = encode(header, [power_table(seq, meter=f"meter-{stream}")])
    samples = peek(data).samples
    return SealedBatch(
        stream=stream, seq=seq, data=data, t0_ms=seq, t1_ms=seq, samples=samples
    )


def uplink(journal: Journal, url: str, **settings: object) -> Uplink:
    where = replace(UplinkSettings(id="main", url=url), **settings)  # type: ignore[arg-type]
    return Uplink(
        where,
        journal,
        open_sender(where, journal.source),
        event=Told(),
        reissue=lambda *_: None,
        draw=lambda: 0.0,
    )


def numbers(database: Path) -> dict[str, list[int]]:
    """Return what a receiver has of each stream."""
    with closing(sqlite3.connect(database)) as connection:
        found: dict[str, list[int]] = {}
        for stream, seq in connection.execute(
            "SELECT stream, seq FROM batch ORDER BY stream, seq"
        ):
            found.setdefault(stream, []).append(seq)
        return found


def everything(*streams: str) -> dict[str, list[int]]:
    return {stream: list(range(1, COUNTS[stream] + 1)) for stream in sorted(streams)}


def test_a_journal_drains_once(journal: Journal, tmp_path: Path) -> None:
    database = tmp_path / "received.sqlite"
    with receiving(database) as receiver:
        first = uplink(journal, receiver.url)
        first.start()
        assert flush(first, 15)
        first.stop(5)
        assert first.state().sent_batches == sum(COUNTS.values())
        again = uplink(journal, receiver.url)
        again.start()
        assert flush(again, 15)
        again.stop(5)
        assert again.state().sent_batches == 0
    assert numbers(database) == everything(*STREAMS)
    assert unsent(journal, "main") == []


def test_an_uplink_sends_its_streams_only(tmp_path: Path) -> None:
    wanted = ("ledger", "state")
    folder = tmp_path / "journal"
    with closing(open_journal(folder, uplinks=["main"])) as before:
        for stream in STREAMS:
            sealed_one = _sealed(before, stream, 1)
            before.append(Commit(state=b"", sealed=[sealed_one])).result()
    settings = before._settings
    journal = Journal.open(
        folder, settings, uplinks={"main": wanted}, wall_ns=lambda: 0
    )
    database = tmp_path / "received.sqlite"
    with closing(journal), receiving(database) as receiver:
        some = uplink(journal, receiver.url, streams=wanted)
        some.start()
        assert flush(some, 15)
        some.stop(5)
    assert numbers(database) == {"ledger": [1], "state": [1]}


def test_who_we_are_by_certificate_and_token(tmp_path: Path) -> None:
    """A token that is wrong pauses; once it is replaced, everything goes on."""
    authority = Authority(tmp_path)
    cert, key = authority.issue("server")
    own_cert, own_key = authority.issue("gateway-7")
    (tmp_path / "theirs").write_text("right")
    (tmp_path / "theirs").chmod(0o600)
    sources = tmp_path / "sources.toml"
    sources.write_text(
        f'[[source]]\nuuid = "{SOURCE.hex()}"\ntoken_file = "theirs"\n'
        'common_name = "gateway-7"\n'
    )
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text("wrong")
    outbox = MemoryOutbox()
    outbox.append(*[sealed(seq) for seq in range(1, 4)])
    database = tmp_path / "received.sqlite"
    admission = Admission(
        sources=sources, cert=str(cert), key=str(key), client_ca=str(authority.ca)
    )
    with receiving(database, (), admission) as receiver:
        settings = UplinkSettings(
            id="main",
            url=receiver.url.replace("http:", "https:"),
            token_file=str(token),
            ca=str(authority.ca),
            cert=str(own_cert),
            key=str(own_key),
        )
        told = Told()
        sending = uplink_to(settings, outbox, event=told, draw=1.0)
        sending.start()
        with sending._changed:
            assert sending._changed.wait_for(
                lambda: sending._dispatch.state.state == "paused", 5
            )
        assert "not-allowed" in sending.state().last_error
        assert outbox.done() == []
        token.write_text("right\n")
        assert flush(sending)
        sending.stop(5)
    assert len(outbox.done()) == 3
    assert numbers(database) == {"readings": [1, 2, 3]}
    assert [kind for kind, _, _ in told.events] == ["uplink-paused", "uplink-back"]


def test_without_the_certificate_that_is_asked_for_nothing_is_accepted(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("server")
    outbox = MemoryOutbox()
    outbox.append(sealed(1))
    admission = Admission(cert=str(cert), key=str(key), client_ca=str(authority.ca))
    with receiving(tmp_path / "received.sqlite", (), admission) as receiver:
        url = receiver.url.replace("http:", "https:")
        settings = UplinkSettings(id="main", url=url, ca=str(authority.ca))
        sending = uplink_to(settings, outbox, draw=1.0)
        sending.start()
        with sending._changed:
            assert sending._changed.wait_for(
                lambda: sending._dispatch.state.last_error != "", 5
            )
        sending.stop(0)
    assert outbox.done() == []


def test_a_bound_holds_on_the_wire(journal: Journal, tmp_path: Path) -> None:
    """85 batches of about 1.5 kB with what goes with them, at 200 kB/s."""
    with receiving(tmp_path / "received.sqlite") as receiver:
        bounded = uplink(journal, receiver.url, max_bytes_per_s=200_000)
        size = sum(len(b.data) + 1000 for b in unsent(journal, "main"))
        begin_ns = bounded._clock()
        bounded.start()
        assert flush(bounded, 15)
        end_ns = bounded.state().last_ack_ns
        bounded.stop(5)
    assert end_ns is not None
    assert (end_ns - begin_ns) / 1e9 >= (size - 4000) / 200_000
