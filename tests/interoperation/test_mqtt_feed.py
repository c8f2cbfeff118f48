"""Factors out of a topic of a real broker."""

import gc
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.broker import broker
from harness.certificates import self_signed
from paho.mqtt import publish

from zerometer.agent.factors import mqtt
from zerometer.agent.factors.feed import Said
from zerometer.agent.factors.forms import open_feed
from zerometer.agent.factors.keeper import FactorKeeper
from zerometer.agent.factors.mqtt import MqttFeed
from zerometer.core.errors import ConfigError
from zerometer.core.iso_time import parse_time
from zerometer.core.site import FeedSettings

NOW = parse_time("2026-03-01T10:20:00Z")
TOPIC = "plant/factors/cn"
ROW = {
    "t0": "2026-03-01T10:00:00+00:00", "t1": "2026-03-01T10:15:00+00:00",
    "value": 581.3, "unit": "g/kWh", "status": "preliminary",
}  # fmt: skip


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with broker(tmp_path_factory.mktemp("broker")) as port:
        yield port


def settings(port: int, token_file: str = "") -> FeedSettings:
    return FeedSettings(
        id="cn-mqtt",
        series="cn",
        form="mqtt",
        url=f"mqtt://127.0.0.1:{port}/{TOPIC}",
        token_file=token_file,
    )


@contextmanager
def listening(feed: MqttFeed) -> Iterator[Callable[[], Said]]:
    """Start *feed*; yield what waits for it to wake us, and polls it."""
    woken = threading.Event()

    def awaited() -> Said:
        assert woken.wait(10)
        woken.clear()
        return feed.poll(NOW)

    feed.start(woken.set)
    try:
        yield awaited
    finally:
        feed.close()


def until(feed: MqttFeed, trouble: str) -> None:
    """Wait until the feed's trouble begins with this; empty: has none."""
    for _ in range(1000):
        said = feed.poll(NOW).trouble.partition(": ")[2]
        if said.startswith(trouble) and bool(said) == bool(trouble):
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{said!r}, not {trouble!r}")


def send(port: int, payload: Any, **how: Any) -> None:
    data = payload if isinstance(payload, bytes) else json.dumps(payload)
    publish.single(TOPIC, data, qos=1, hostname="127.0.0.1", port=port, **how)


@pytest.fixture
def feed(port: int) -> MqttFeed:
    made = open_feed(settings(port))
    assert isinstance(made, MqttFeed)
    return made


def test_a_message_is_a_row(port: int, feed: MqttFeed) -> None:
    with listening(feed) as awaited:
        until(feed, "")
        send(port, ROW)
        (row,) = awaited().rows
        assert (row.series, row.unit, row.status) == ("cn", "kg/kWh", "preliminary")
        assert row.value == pytest.approx(0.5813, rel=1e-15)
        assert row.t0_ns == parse_time("2026-03-01T10:00Z")
        assert (row.published_ns, row.fetched_ns) == (NOW, NOW)
        assert feed.poll(NOW) == Said()


def test_a_message_is_many_rows(port: int, feed: MqttFeed) -> None:
    later = {**ROW, "t0": ROW["t1"], "t1": "2026-03-01T10:30Z", "value": None}
    with listening(feed) as awaited:
        until(feed, "")
        send(port, [ROW, later, {**ROW, "value": 9999}])
        said = awaited()
        assert len(said.rows) == 1
        assert [bad.reason for bad in said.bad] == [
            "value: 9.999 kg/kWh is not within 0 to 2"
        ]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\xff\x00", "is not JSON"),
        (b"[" * 60_000, "is not JSON"),
        (b"", "is not JSON"),
        (b" " * (mqtt.MAX_PAYLOAD + 1), "larger than 65536 bytes"),
        (7, "is not an object"),
        ({**ROW, "colour": 1}, "'colour' is not known"),
        ({**ROW, "series": "de"}, "'series' is not known"),
        ({"value": 1, "unit": "kg/kWh"}, "t0: '' is not an ISO 8601 time"),
        ({**ROW, "value": [1]}, "value: '[1]' is not a number"),
    ],
    ids=str,
)
def test_rubbish_is_set_aside(
    port: int, feed: MqttFeed, payload: Any, reason: str
) -> None:
    with listening(feed) as awaited:
        until(feed, "")
        send(port, payload)
        said = awaited()
        assert said.rows == []
        assert [bad.reason for bad in said.bad] == [reason]
        assert len(said.bad[0].text) < 300


def test_what_is_retained_comes_at_once(port: int, feed: MqttFeed) -> None:
    send(port, ROW, retain=True)
    try:
        with listening(feed) as awaited:
            assert len(awaited().rows) == 1
    finally:
        publish.single(TOPIC, b"", hostname="127.0.0.1", port=port, retain=True)


def test_too_many_messages_push_out_the_oldest(
    port: int, feed: MqttFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(feed):
        until(feed, "")
        count = mqtt.MAX_WAITING + 10
        values = [{**ROW, "value": number} for number in range(count)]
        messages = [(TOPIC, json.dumps(value), 1, False) for value in values]
        messages.append((TOPIC, json.dumps({**ROW, "value": 999}), 1, False))
        publish.multiple(messages, hostname="127.0.0.1", port=port)
        for _ in range(1000):
            if b"999" in feed._waiting[-1]:
                break
            threading.Event().wait(0.01)
        rows = feed.poll(NOW).rows
        assert len(rows) == mqtt.MAX_WAITING
        assert rows[-1].value == pytest.approx(0.999, rel=1e-15)


def test_a_broker_that_wants_a_password(tmp_path: Path) -> None:
    token = tmp_path / "token"
    with broker(tmp_path, "zero", "s3cret:x") as port:
        for content, trouble in (
            ("zero:wrong", "refused: Not auth"),
            ("zero:s3cret:x", ""),
        ):
            token.write_text(content)
            token.chmod(0o600)
            feed = MqttFeed(settings(port, str(token)))
            with listening(feed):
                until(feed, trouble)
        token.unlink()
        feed = MqttFeed(settings(port, str(token)))
        with listening(feed):
            assert "token file" in feed.poll(NOW).trouble


# Of a handshake that is refused, paho leaves it to Python to close the socket.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_speaks_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a certificate, somebody must vouch for it: here SSL_CERT_FILE."""
    certificate = self_signed(tmp_path)
    with broker(tmp_path, certificate=certificate) as port:
        url = f"mqtts://127.0.0.1:{port}/{TOPIC}"
        feed = MqttFeed(replace(settings(port), url=url))
        with listening(feed):
            until(feed, "no broker answers")
        del feed
        gc.collect()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        feed = MqttFeed(replace(settings(port), url=url))
        with listening(feed):
            until(feed, "")


def test_a_message_is_kept_as_it_comes(port: int, tmp_path: Path) -> None:
    """Long before the feed's period has passed."""
    feed = MqttFeed(settings(port))
    keeper = FactorKeeper(
        tmp_path, {settings(port): feed}, lambda *_: None, wall_ns=lambda boot_ns: NOW
    )
    keeper.begin(None, 0)
    keeper.start()
    try:
        until(feed, "")
        send(port, ROW)
        for _ in range(1000):
            if rows := keeper.take():
                break
            threading.Event().wait(0.01)
        assert [row.status for row in rows] == ["preliminary"]
    finally:
        keeper.stop()
    assert not keeper._thread.is_alive()


def test_a_broker_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    with broker(tmp_path) as port:
        feed = MqttFeed(settings(port))
        feed.start(lambda: None)
        until(feed, "")
    try:
        until(feed, "connection lost")
        until(feed, "no broker answers")
        assert feed.poll(NOW).rows == []
    finally:
        feed.close()


def test_nobody_there_is_told_and_does_not_hold_up_the_end() -> None:
    feed = MqttFeed(settings(1))
    with listening(feed):
        until(feed, "no broker answers")


def test_without_the_extra_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "paho.mqtt.client", None)
    with pytest.raises(ConfigError, match=r"pip install 'zerometer\[mqtt\]'"):
        open_feed(settings(1))
