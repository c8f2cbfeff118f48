"""An uplink's threads: everything arrives, asleep when there is nothing to do."""

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from harness.flushing import flush
from harness.outbox import MemoryOutbox
from harness.sealed_batches import sealed
from harness.uplinks import Told, uplink_to
from harness.upstream import Reply, Upstream, upstream

from zerometer.agent.journal.model import StoredBatch
from zerometer.agent.uplink.base import Batch
from zerometer.agent.uplink.patience import PAUSE_FIRST_S
from zerometer.agent.uplink.state import UplinkState
from zerometer.agent.uplink.worker import RESEND_NS, Uplink
from zerometer.core.errors import JournalError
from zerometer.core.site import UplinkSettings

NOW_NS = 5_000_000_000


@pytest.fixture
def server() -> Iterator[Upstream]:
    with upstream() as running:
        yield running


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


class Started:
    """Uplinks that are stopped when the test ends."""

    def __init__(self) -> None:
        self.uplinks: list[Uplink] = []
        self.told = Told()

    def __call__(
        self, where: str | UplinkSettings, outbox: MemoryOutbox, **options: Any
    ) -> Uplink:
        options = {"clock": lambda: NOW_NS, "event": self.told} | options
        uplink = uplink_to(where, outbox, **options)
        self.uplinks.append(uplink)
        uplink.start()
        return uplink


@pytest.fixture
def started() -> Iterator[Started]:
    started = Started()
    yield started
    for uplink in started.uplinks:
        uplink.stop(0)


def reach(uplink: Uplink, state: str) -> UplinkState:
    """Return the uplink's state as soon as it is *state*."""
    with uplink._changed:
        assert uplink._changed.wait_for(
            lambda: uplink._dispatch.state.state == state, 5
        )
        return uplink._dispatch.state


def ended(uplink: Uplink) -> bool:
    return not any(thread.is_alive() for thread in uplink._threads)


def bodies(server: Upstream) -> list[bytes]:
    return [request.body for request in server.requests]


def errors(code: str) -> bytes:
    return f'{{"error": "{code}", "message": "so it is"}}'.encode()


def test_everything_is_sent(
    server: Upstream, outbox: MemoryOutbox, started: Started
) -> None:
    batches = [sealed(seq) for seq in range(1, 21)]
    outbox.append(*batches[:15])
    uplink = started(server.url, outbox)
    assert flush(uplink)
    outbox.append(*batches[15:])
    assert flush(uplink)
    assert sorted(bodies(server)) == sorted(batches)
    state = uplink.state()
    assert (state.id, state.url, state.state) == ("main", server.url, "idle")
    assert (state.sent_batches, state.sent_samples) == (20, 60)
    assert (state.last_error, state.last_ack_ns) == ("", NOW_NS)
    assert state.next_retry_ns is None
    assert state.lanes == {"live": "idle", "backlog": "idle"}


def test_what_becomes_durable_is_sent_at_once(
    server: Upstream, outbox: MemoryOutbox, started: Started
) -> None:
    uplink = started(server.url, outbox)
    assert flush(uplink)
    outbox.append(sealed(1))
    server.wait_for(1)


def test_what_is_new_overtakes_the_backlog(
    server: Upstream, outbox: MemoryOutbox, started: Started
) -> None:
    held = threading.Event(), threading.Event()
    server.script.extend(Reply(held=one) for one in held)
    outbox.append(*[sealed(seq) for seq in range(1, 10)])
    uplink = started(server.url, outbox)
    server.wait_for(2)
    outbox.append(sealed(10), sealed(11))
    # The answer to what was newest comes, that to what was oldest does not yet.
    live = bodies(server).index(sealed(9))
    held[live].set()
    server.wait_for(3)
    assert bodies(server)[2] == sealed(11)
    held[1 - live].set()
    assert flush(uplink)
    assert len(outbox.done()) == 11


def test_an_idle_uplink_does_not_look_at_the_journal(
    server: Upstream,
    outbox: MemoryOutbox,
    started: Started,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float | None] = []
    wait = threading.Condition.wait

    def count(self: threading.Condition, timeout: float | None = None) -> bool:
        if threading.current_thread().name.startswith("uplink-main"):
            waits.append(timeout)
        return wait(self, timeout)

    monkeypatch.setattr(threading.Condition, "wait", count)
    uplink = started(server.url, outbox)
    assert flush(uplink)
    assert set(waits) == {None}
    assert len(waits) < 10


@pytest.mark.parametrize(
    "reply",
    [
        Reply(503),
        Reply(500),
        Reply(429),
        Reply(202),
        Reply(cut="before"),
        Reply(cut="within"),
        Reply(401),
        Reply(400, body=b"a proxy"),
    ],
)
def test_the_same_batch_again_until_it_is_accepted(
    server: Upstream, outbox: MemoryOutbox, started: Started, reply: Reply
) -> None:
    server.script.extend([reply] * 3)
    outbox.append(sealed(1), sealed(2))
    uplink = started(server.url, outbox)
    server.wait_for(5)
    assert flush(uplink)
    assert set(bodies(server)) == {sealed(1), sealed(2)}
    assert len(outbox.done()) == 2
    assert uplink.state().sent_batches == 2
    assert uplink.state().last_error == ""


def test_a_retry_waits_as_long_as_it_is_asked_to(
    server: Upstream,
    outbox: MemoryOutbox,
    started: Started,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.script.append(Reply(503, {"Retry-After": "120"}))
    outbox.append(sealed(1))
    uplink = started(server.url, outbox)
    state = reach(uplink, "waiting")
    assert state.next_retry_ns == NOW_NS + 120e9
    assert len(server.requests) == 1
    with caplog.at_level(logging.INFO):
        assert flush(uplink)
    assert [r.getMessage() for r in caplog.records][-1] == "uplink main: sends again"


def test_a_pause_keeps_the_cursor_and_says_why(
    server: Upstream, outbox: MemoryOutbox, started: Started
) -> None:
    server.script.append(Reply(401))
    outbox.append(sealed(1))
    uplink = started(server.url, outbox, draw=1.0)
    state = reach(uplink, "paused")
    assert state.last_error == "401"
    assert state.next_retry_ns == NOW_NS + PAUSE_FIRST_S * 1e9
    assert outbox.done() == []
    assert flush(uplink)
    assert len(outbox.done()) == 1
    assert started.told.events == [
        ("uplink-paused", "main", "401"),
        ("uplink-back", "main", "batches are taken again"),
    ]


def test_what_is_refused_for_good_is_set_aside(
    server: Upstream, outbox: MemoryOutbox, started: Started
) -> None:
    server.script.append(Reply(400, body=errors("bad-crc")))
    outbox.append(sealed(1))
    uplink = started(server.url, outbox)
    assert flush(uplink)
    ((batch, code, message),) = outbox.quarantined
    assert (batch.seq, code, message) == (1, "bad-crc", "400 bad-crc so it is")
    assert uplink.state().quarantined == 1
    assert started.told.events == [
        (
            "quarantine",
            "main",
            "batch readings/1 is set aside: 400 bad-crc so it is",
        )
    ]


def test_who_asks_with_each_answer_has_everything_twice_and_no_more(
    server: Upstream, outbox: MemoryOutbox, started: Started
) -> None:
    """Until a minute has passed."""
    outbox.append(sealed(1), sealed(2))
    first = outbox.entries[0]
    ask = {"epoch": first.epoch.hex(), "stream": first.stream, "first": 1}
    body = json.dumps({"status": "stored", "resend": [ask | {"last": 1 << 53}]})
    server.script.extend([Reply(body=body.encode())] * 50)
    now_ns = [NOW_NS]
    uplink = started(server.url, outbox, clock=lambda: now_ns[0])
    assert flush(uplink)
    once = len(server.requests)
    assert 2 < once <= 4
    now_ns[0] += RESEND_NS
    outbox.append(sealed(3))
    assert flush(uplink)
    assert 3 < len(server.requests) - once <= 6


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(409, body=errors("identity-conflict")), ("conflict", 1)),
        (Reply(413), ("too-large", 0)),
    ],
)
def test_what_is_to_be_sealed_anew_is_asked_for_and_held(
    server: Upstream,
    outbox: MemoryOutbox,
    started: Started,
    reply: Reply,
    told: tuple[str, int],
) -> None:
    asked: list[tuple[Batch, str]] = []
    server.script.append(reply)
    outbox.append(sealed(1))
    (first,) = outbox.entries
    uplink = started(
        server.url, outbox, reissue=lambda batch, why: asked.append((batch, why))
    )
    assert flush(uplink)
    assert asked == [(first, told[0])]
    assert outbox.done() == []
    outbox.replace_by(first, [])
    outbox.append(sealed(2), sealed(3))
    assert flush(uplink)
    assert bodies(server)[0] == sealed(1)
    assert sorted(bodies(server)[1:]) == [sealed(2), sealed(3)]
    assert uplink.state().reissued == 1
    kinds = [kind for kind, _, _ in started.told.events]
    assert kinds == ["identity-conflict"] * told[1]


def test_many_conflicts_are_told_of_once(
    server: Upstream, outbox: MemoryOutbox, started: Started
) -> None:
    server.script.extend([Reply(409, body=errors("identity-conflict"))] * 5)
    outbox.append(*[sealed(seq) for seq in range(1, 6)])
    uplink = started(server.url, outbox)
    assert flush(uplink)
    assert uplink.state().reissued == 5
    assert [kind for kind, _, _ in started.told.events] == ["identity-conflict"]


def test_a_stop_sends_what_is_pending(
    server: Upstream, outbox: MemoryOutbox, started: Started
) -> None:
    held = threading.Event()
    server.script.append(Reply(held=held))
    outbox.append(*[sealed(seq) for seq in range(1, 13)])
    uplink = started(server.url, outbox, draw=1.0)
    server.wait_for(1)
    held.set()
    uplink.stop(5)
    assert len(outbox.done()) == 12


def test_a_stop_tries_at_once_what_waited(
    server: Upstream, outbox: MemoryOutbox, started: Started
) -> None:
    server.script.append(Reply(503, {"Retry-After": "600"}))
    outbox.append(sealed(1))
    uplink = started(server.url, outbox)
    reach(uplink, "waiting")
    uplink.stop(5)
    assert len(outbox.done()) == 1


def test_a_stop_gives_up_at_its_deadline(
    server: Upstream, outbox: MemoryOutbox, started: Started
) -> None:
    held = threading.Event()
    server.script.append(Reply(held=held))
    outbox.append(sealed(1))
    uplink = started(server.url, outbox)
    server.wait_for(1)
    uplink.stop(0.05)
    assert ended(uplink)
    assert outbox.done() == []
    held.set()


def test_a_stop_does_not_wait_for_a_pause_to_end(
    server: Upstream, outbox: MemoryOutbox, started: Started
) -> None:
    server.script.extend([Reply(403)] * 3)
    outbox.append(sealed(1))
    uplink = started(server.url, outbox, draw=1.0)
    reach(uplink, "paused")
    uplink.stop(60)
    assert ended(uplink)
    assert outbox.done() == []


def test_a_stop_before_the_start_does_nothing(
    server: Upstream, outbox: MemoryOutbox
) -> None:
    uplink_to(server.url, outbox).stop(5)
    assert not server.requests


class Failing(MemoryOutbox):
    """Fails twice before it works."""

    failures = 2

    def newest(self, uplink: str) -> list[StoredBatch]:
        self.fail()
        return super().newest(uplink)

    def fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise JournalError("journal: disk I/O error")


def test_a_failing_journal_does_not_end_a_lane(
    server: Upstream, started: Started, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Failing()
    outbox.append(sealed(1))
    with caplog.at_level(logging.ERROR):
        assert flush(started(server.url, outbox))
        server.wait_for(1)
    assert len(outbox.done()) == 1
    assert "disk I/O error" in caplog.text


def test_a_stop_does_not_wait_for_a_journal_that_fails(
    server: Upstream, started: Started
) -> None:
    outbox = Failing()
    outbox.failures = 10**9
    uplink = started(server.url, outbox, draw=1.0)
    uplink.stop(60)
    assert ended(uplink)


def test_an_acknowledgement_that_cannot_be_noted_is_tried_again(
    server: Upstream, started: Started
) -> None:
    class Full(Failing):
        def newest(self, uplink: str) -> list[StoredBatch]:
            return MemoryOutbox.newest(self, uplink)

        def acknowledge(self, uplink: str, batch: Batch) -> None:
            self.fail()
            super().acknowledge(uplink, batch)

    outbox = Full()
    outbox.append(sealed(1))
    uplink = started(server.url, outbox)
    server.wait_for(3)
    assert flush(uplink)
    assert len(outbox.done()) == 1
    assert bodies(server) == [sealed(1)] * 3


def test_two_uplinks_have_their_own_memory(
    server: Upstream, outbox: MemoryOutbox, started: Started
) -> None:
    outbox.append(sealed(1))
    uplink = started(server.url, outbox)
    other = started(UplinkSettings(id="other", url=server.url), outbox)
    assert flush(uplink)
    assert flush(other)
    assert len(outbox.done("main")) == len(outbox.done("other")) == 1
