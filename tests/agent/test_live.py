"""Latest values: when they are shown, and that nobody waits for it."""

import logging
import queue
import threading
from collections.abc import Iterator
from math import inf

import pytest
from harness.sites import reading, small_site

from zerometer.agent.latest import Latest
from zerometer.agent.uplink.live import LiveMeter, LivePicture, LiveThread
from zerometer.core.errors import ConfigError, UpstreamError, ZerometerError

S = 10**9
PATIENCE_S = 5.0


class Screen:
    """Shows pictures in memory; fails, or is held up, when told to."""

    def __init__(self) -> None:
        self.shown: queue.Queue[LivePicture] = queue.Queue()
        self.trouble: ZerometerError | None = None
        self.free = threading.Event()
        self.free.set()

    def show(self, picture: LivePicture, timeout_s: float) -> None:
        assert timeout_s == 3.0
        self.free.wait(PATIENCE_S)
        self.shown.put(picture)
        if self.trouble:
            raise self.trouble


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def thread(screen: Screen) -> Iterator[LiveThread]:
    thread = LiveThread("hall", screen, 5 * S, 3.0, draw=lambda: 1.0)
    thread.start()
    yield thread
    screen.free.set()
    thread.stop()


def offer(thread: LiveThread, now_ns: int) -> bool:
    """Offer a picture of this time; tell whether it was wanted."""
    taken = []

    def take() -> LivePicture:
        taken.append(now_ns)
        return LivePicture(now_ns, [])

    thread.offer(now_ns, take)
    return bool(taken)


def until_idle(thread: LiveThread) -> None:
    """Return when nothing is being shown."""
    with thread._changed:
        assert thread._changed.wait_for(lambda: not thread._busy, PATIENCE_S)


def test_a_picture_is_taken_once_in_a_period(
    thread: LiveThread, screen: Screen
) -> None:
    wanted = []
    for now_ns in range(0, 12 * S, S):
        if offer(thread, now_ns):
            wanted.append(now_ns)
            assert screen.shown.get(timeout=PATIENCE_S).time_ms == now_ns
            until_idle(thread)
    assert wanted == [0, 5 * S, 10 * S]


def test_nobody_waits_for_a_slow_one(thread: LiveThread, screen: Screen) -> None:
    screen.free.clear()
    assert offer(thread, 0)
    assert not offer(thread, 100 * S)
    screen.free.set()
    until_idle(thread)
    assert offer(thread, 101 * S)
    assert [screen.shown.get(timeout=PATIENCE_S).time_ms for _ in range(2)] == [
        0,
        101 * S,
    ]


def test_failures_are_told_once_and_waited_for_longer_and_longer(
    thread: LiveThread, screen: Screen, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = []
    with caplog.at_level(logging.WARNING):
        for now_ns in range(0, 40 * S, S):
            gone = UpstreamError("nobody there")
            screen.trouble = gone if now_ns < 20 * S else None
            if offer(thread, now_ns):
                wanted.append(now_ns // S)
                until_idle(thread)
    # Beside the period of 5 s: 1 s, 2 s and 4 s; then none again.
    assert wanted == [0, 6, 13, 22, 27, 32, 37]
    assert [record.getMessage() for record in caplog.records] == [
        "uplink hall: live values: nobody there"
    ]


def test_what_somebody_must_look_at_is_an_event(screen: Screen) -> None:
    events: list[tuple[str, str, str]] = []
    thread = LiveThread(
        "hall", screen, S, 3.0, event=lambda *event: events.append(event), draw=float
    )
    thread.start()
    troubles: list[ZerometerError | None] = [
        None, UpstreamError("nobody there"), ConfigError("no secret"),
        ConfigError("no secret"), UpstreamError("nobody there"), None, None,
    ]  # fmt: skip
    for second, screen.trouble in enumerate(troubles):
        assert offer(thread, second * S)
        until_idle(thread)
    thread.stop()
    assert events == [
        ("uplink-paused", "hall", "no secret"),
        ("uplink-back", "hall", "live values are shown again"),
    ]


def test_a_picture_of_a_meter() -> None:
    site = small_site()
    latest = Latest(site.meters)
    meter_id = site.meters[0].id
    state = latest.meters[meter_id]

    def wall_ns(boottime_ns: int) -> int:
        return boottime_ns + 1000 * S

    before = LiveMeter.of(state, wall_ns)
    assert (before.id, before.time_ms, before.quality) == (meter_id, None, "missing")
    assert {value for value, _ in before.values.values()} == {None}
    point = state.meter.points[0].point
    latest.read(reading(site, meter_id, 5 * S, **{point.name: 7.5}))
    after = LiveMeter.of(state, wall_ns)
    assert (after.time_ms, after.quality) == (1_005_000, "measured")
    assert after.values[point.name] == (7.5, point.unit)
    latest.read(reading(site, meter_id, 6 * S, **{point.name: inf}))
    assert LiveMeter.of(state, wall_ns).values[point.name] == (None, point.unit)


def test_nothing_is_shown_before_the_time_is_known(screen: Screen) -> None:
    known: list[int] = []
    ended = threading.Event()
    thread = LiveThread(
        "hall", screen, S, 3.0, time_is_known=lambda: bool(known), end=ended.set
    )
    thread.start()
    assert not offer(thread, 0)
    known.append(1)
    assert offer(thread, 0)
    until_idle(thread)
    thread.stop()
    assert ended.is_set()


def test_it_ends_without_having_begun(screen: Screen) -> None:
    LiveThread("hall", screen, 5 * S, 3.0).stop()
