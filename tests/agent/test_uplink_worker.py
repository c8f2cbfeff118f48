"""An uplink's thread: in order, nothing skipped, asleep when there is nothing to do."""

import logging
import threading
from collections.abc import Iterator

import pytest
from harness.flushing import flush
from harness.outbox import MemoryOutbox
from harness.sealed_batches import sealed
from harness.upstream import Reply, Upstream, upstream

from zerometer.agent.uplink.http import HttpSender
from zerometer.agent.uplink.schemes import open_uplink
from zerometer.agent.uplink.worker import PAUSE_FIRST_S, Uplink, UplinkState
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


class Ended:
    """Uplinks that are stopped when the test ends."""

    def __init__(self) -> None:
        self.uplinks: list[Uplink] = []

    def __call__(
        self, server: Upstream, outbox: MemoryOutbox, draw: float = 0.0
    ) -> Uplink:
        uplink = Uplink(
            "main",
            outbox,
            HttpSender(server.url),
            clock=lambda: NOW_NS,
            draw=lambda: draw,
        )
        self.uplinks.append(uplink)
        uplink.start()
        return uplink


@pytest.fixture
def started() -> Iterator[Ended]:
    ended = Ended()
    yield ended
    for uplink in ended.uplinks:
        uplink.stop(0)


def reach(uplink: Uplink, state: str) -> UplinkState:
    """Return the uplink's state as soon as it is *state*."""
    with uplink._changed:
        assert uplink._changed.wait_for(lambda: uplink._state.state == state, 5)
        return uplink._state


def bodies(server: Upstream) -> list[bytes]:
    return [request.body for request in server.requests]


def test_everything_is_sent_in_order(
    server: Upstream, outbox: MemoryOutbox, started: Ended
) -> None:
    batches = [sealed(seq) for seq in range(1, 21)]
    outbox.append(*batches[:15])
    uplink = started(server, outbox)
    assert flush(uplink)
    outbox.append(*batches[15:])
    assert flush(uplink)
    assert bodies(server) == batches
    state = uplink.state()
    assert (state.id, state.url, state.state) == ("main", server.url, "idle")
    assert (state.sent_batches, state.sent_samples) == (20, 60)
    assert (state.last_error, state.last_ack_ns) == ("", NOW_NS)
    assert state.next_retry_ns is None


def test_what_becomes_durable_is_sent_at_once(
    server: Upstream, outbox: MemoryOutbox, started: Ended
) -> None:
    uplink = started(server, outbox)
    assert flush(uplink)
    outbox.append(sealed(1))
    server.wait_for(1)


def test_an_idle_uplink_does_not_look_at_the_journal(
    server: Upstream,
    outbox: MemoryOutbox,
    started: Ended,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float | None] = []
    wait = threading.Condition.wait

    def count(self: threading.Condition, timeout: float | None = None) -> bool:
        if threading.current_thread().name == "uplink-main":
            waits.append(timeout)
        return wait(self, timeout)

    monkeypatch.setattr(threading.Condition, "wait", count)
    uplink = started(server, outbox)
    assert flush(uplink)
    assert set(waits) == {None}


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
        Reply(400, body=b'{"error": "bad-crc", "message": ""}'),
        Reply(413),
    ],
)
def test_the_same_batch_again_until_it_is_accepted(
    server: Upstream, outbox: MemoryOutbox, started: Ended, reply: Reply
) -> None:
    server.script.extend([reply] * 3)
    outbox.append(sealed(1), sealed(2))
    uplink = started(server, outbox)
    server.wait_for(5)
    assert flush(uplink)
    assert bodies(server) == [sealed(1)] * 4 + [sealed(2)]
    assert uplink.state().sent_batches == 2
    assert uplink.state().last_error == ""


def test_a_retry_waits_as_long_as_it_is_asked_to(
    server: Upstream, outbox: MemoryOutbox, started: Ended
) -> None:
    server.script.append(Reply(503, {"Retry-After": "120"}))
    outbox.append(sealed(1))
    uplink = started(server, outbox)
    state = reach(uplink, "waiting")
    assert state.next_retry_ns == NOW_NS + 120e9
    assert len(server.requests) == 1


def test_a_pause_keeps_the_cursor_and_says_why(
    server: Upstream,
    outbox: MemoryOutbox,
    started: Ended,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.script.append(Reply(401))
    outbox.append(sealed(1), sealed(2))
    with caplog.at_level(logging.WARNING):
        uplink = started(server, outbox, draw=1.0)
        state = reach(uplink, "paused")
    assert state.last_error == "401"
    assert state.next_retry_ns == NOW_NS + PAUSE_FIRST_S * 1e9
    assert outbox.cursors == {}
    assert bodies(server) == [sealed(1)]
    assert [r.getMessage() for r in caplog.records] == ["uplink main: 401; tries again"]
    assert flush(uplink)
    assert outbox.cursors == {"main": 2}


def test_a_stop_sends_what_is_pending(
    server: Upstream, outbox: MemoryOutbox, started: Ended
) -> None:
    held = threading.Event()
    server.script.append(Reply(held=held))
    outbox.append(*[sealed(seq) for seq in range(1, 13)])
    uplink = started(server, outbox)
    server.wait_for(1)
    held.set()
    uplink.stop(5)
    assert outbox.cursors == {"main": 12}


def test_a_stop_tries_at_once_what_waited(
    server: Upstream, outbox: MemoryOutbox, started: Ended
) -> None:
    server.script.append(Reply(503, {"Retry-After": "600"}))
    outbox.append(sealed(1))
    uplink = started(server, outbox)
    reach(uplink, "waiting")
    uplink.stop(5)
    assert outbox.cursors == {"main": 1}


def test_a_stop_gives_up_at_its_deadline(
    server: Upstream, outbox: MemoryOutbox, started: Ended
) -> None:
    held = threading.Event()
    server.script.append(Reply(held=held))
    outbox.append(sealed(1))
    uplink = started(server, outbox)
    server.wait_for(1)
    uplink.stop(0.05)
    assert not uplink._thread.is_alive()
    assert outbox.cursors == {}
    held.set()


def test_a_stop_does_not_wait_for_a_pause_to_end(
    server: Upstream, outbox: MemoryOutbox, started: Ended
) -> None:
    server.script.extend([Reply(403)] * 3)
    outbox.append(sealed(1))
    uplink = started(server, outbox, draw=1.0)
    reach(uplink, "paused")
    uplink.stop(60)
    assert not uplink._thread.is_alive()
    assert outbox.cursors == {}


def test_a_stop_before_the_start_does_nothing(
    server: Upstream, outbox: MemoryOutbox
) -> None:
    Uplink("main", outbox, HttpSender(server.url)).stop(5)
    assert not server.requests


def test_a_failing_journal_does_not_end_the_thread(
    server: Upstream, started: Ended, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(MemoryOutbox):
        failures = 2

        def oldest(self, uplink: str, limit: int = 8) -> list:  # type: ignore[type-arg]
            if self.failures:
                self.failures -= 1
                raise JournalError("journal: disk I/O error")
            return super().oldest(uplink, limit)

    outbox = Failing()
    outbox.append(sealed(1))
    with caplog.at_level(logging.ERROR):
        assert flush(started(server, outbox))
        server.wait_for(1)
    assert outbox.cursors == {"main": 1}
    assert "disk I/O error" in caplog.text


def test_two_uplinks_have_a_cursor_each(
    server: Upstream, outbox: MemoryOutbox, started: Ended
) -> None:
    outbox.append(sealed(1))
    uplink = started(server, outbox)
    other = open_uplink(UplinkSettings(id="other", url=server.url), outbox)
    started.uplinks.append(other)
    other.start()
    assert flush(uplink)
    assert flush(other)
    assert outbox.cursors == {"main": 1, "other": 1}
