"""Batches through a real broker, to receivers that are not ours."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.batches import SOURCE
from harness.broker import broker, mosquitto
from harness.mqtt_ends import answering, listening, receipt
from harness.outbox import stored
from harness.sealed_batches import sealed
from paho.mqtt import publish

from zerometer.agent.journal.model import StoredBatch
from zerometer.agent.uplink.base import Answer, Outcome
from zerometer.agent.uplink.live import LiveMeter, LivePicture
from zerometer.agent.uplink.mqtt import MqttSender, open_sender
from zerometer.core.site import UplinkSettings

#: One more than the descriptors of select().
CROWD = 1025
ROOT = f"zerometer/1/{SOURCE.hex()}"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with broker(tmp_path_factory.mktemp("broker")) as port:
        yield port


def settings(port: int, **changes: Any) -> UplinkSettings:
    url = f"mqtt://127.0.0.1:{port}"
    return replace(UplinkSettings(id="cloud", url=url), **changes)


@pytest.fixture
def sender(port: int) -> Iterator[MqttSender]:
    made = open_sender(settings(port), SOURCE)
    made.show(LivePicture(0, []), 5)  # connects
    yield made
    made.close()


def entry(seq: int = 1, stream: str = "readings") -> StoredBatch:
    return stored(sealed(seq, stream=stream))


def test_a_batch_that_a_receiver_has_stored(port: int, sender: MqttSender) -> None:
    with answering(port, lambda data: [receipt(data)]) as came:
        assert sender.send(entry(7), 5) == Answer(Outcome.ACCEPTED)
    (message,) = came
    assert message.topic == f"{ROOT}/batch/readings"
    assert message.payload == sealed(7)
    assert message.qos == 1
    assert not message.retain


def test_nobody_subscribed_is_tried_again(sender: MqttSender, port: int) -> None:
    answer = sender.send(entry(), 5)
    assert answer == Answer(
        Outcome.RETRY, f"mqtt://127.0.0.1:{port}: no receiver is subscribed"
    )


def test_a_puback_alone_is_no_acknowledgement(port: int, sender: MqttSender) -> None:
    with answering(port, lambda data: []) as came:
        answer = sender.send(entry(), 1)
        assert len(came) == 1
    assert answer.outcome is Outcome.RETRY
    assert "no receiver answers" in answer.reason


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 2},
        {"epoch": bytes(8).hex()},
        {"stream": "ledger"},
        {"source": bytes(16).hex()},
        {"hash": bytes(32).hex()},
        {"hash": None},
        {"hash": []},
    ],
    ids=str,
)
def test_an_answer_to_another_batch_does_not_acknowledge_ours(
    port: int, sender: MqttSender, change: dict[str, Any]
) -> None:
    with answering(port, lambda data: [receipt(data, **change)]):
        assert sender.send(entry(), 0.3).outcome is Outcome.RETRY
    with answering(port, lambda data: [receipt(data, **change), receipt(data)]):
        assert sender.send(entry(), 5).outcome is Outcome.ACCEPTED


def test_an_answer_that_comes_late_counts(port: int, sender: MqttSender) -> None:
    late: list[bytes] = []

    def hesitating(data: bytes) -> list[bytes]:
        late.append(receipt(data))
        return late if len(late) == 2 else []

    with answering(port, hesitating) as came:
        assert sender.send(entry(1), 1).outcome is Outcome.RETRY
        assert sender.send(entry(2), 5).outcome is Outcome.ACCEPTED
        assert sender.send(entry(1), 5).outcome is Outcome.ACCEPTED
        assert [message.payload for message in came] == [sealed(1), sealed(2)]
        assert sender.send(entry(1), 0.3).outcome is Outcome.RETRY
        assert len(came) == 3


@pytest.mark.parametrize("rubbish", [b"", b"\xff", b"[" * 60_000, b"[]", b'{"a":1}'])
def test_rubbish_on_the_topic_of_answers_is_passed_over(
    port: int, sender: MqttSender, rubbish: bytes
) -> None:
    with answering(port, lambda data: [rubbish, receipt(data)]):
        assert sender.send(entry(), 5).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("store-busy", Outcome.RETRY),
        ("identity-conflict", Outcome.CONFLICT),
        ("bad-crc", Outcome.REJECTED),
        ("too-large", Outcome.TOO_LARGE),
        ("forged-source", Outcome.PAUSE),
    ],
)
def test_a_receiver_that_refuses(
    port: int, sender: MqttSender, code: str, outcome: Outcome
) -> None:
    def refuse(data: bytes) -> list[bytes]:
        digest = json.loads(receipt(data))["hash"]
        document = {"error": code, "message": "why", "hash": digest}
        if code == "store-busy":
            document["retry_after_s"] = 7
        return [json.dumps(document).encode()]

    with answering(port, refuse):
        answer = sender.send(entry(), 5)
    assert (answer.outcome, answer.code) == (outcome, code)
    assert answer.reason == f"{code} why"
    assert answer.retry_after_s == (7 if code == "store-busy" else 0)


def test_two_lanes_may_be_answered_in_any_order(port: int, sender: MqttSender) -> None:
    first = []

    def swapped(data: bytes) -> list[bytes]:
        first.append(data)
        return [receipt(data) for data in reversed(first)] if len(first) == 2 else []

    with answering(port, swapped), ThreadPoolExecutor(2) as lanes:
        batches = [entry(1), entry(2, "ledger")]
        answers = lanes.map(lambda batch: sender.send(batch, 5), batches)
        assert [answer.outcome for answer in answers] == [Outcome.ACCEPTED] * 2


def test_a_broker_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    with mosquitto(tmp_path, ["allow_anonymous true"]) as running:
        sender = open_sender(settings(running.port), SOURCE)
        with answering(running.port, lambda data: [receipt(data)]):
            assert sender.send(entry(1), 5).outcome is Outcome.ACCEPTED
        held: list[Answer] = []
        with answering(running.port, lambda data: []) as came:
            lane = threading.Thread(
                target=lambda: held.append(sender.send(entry(2), 10))
            )
            lane.start()
            while not came:
                pass
            running.kill()
            lane.join()
            assert held[0].outcome is Outcome.RETRY
            assert "connection lost" in held[0].reason
        gone = sender.send(entry(2), 5)
        assert gone.outcome is Outcome.RETRY
        assert "no broker answers (connection refused)" in gone.reason
        running.start()
        with answering(running.port, lambda data: [receipt(data)]) as came:
            assert sender.send(entry(2), 5).outcome is Outcome.ACCEPTED
            assert [message.payload for message in came] == [sealed(2)]
        sender.close()


def test_a_broker_that_does_not_answer_is_given_up() -> None:
    """One that listens, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = open_sender(settings(server.getsockname()[1]), SOURCE)
        answer = sender.send(entry(), 0.2)
        assert answer.outcome is Outcome.RETRY
        assert "the broker does not answer" in answer.reason
        sender.close()


def test_a_wrong_password_pauses(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    with broker(tmp_path, "zero", "s3cret") as port:
        for content, outcome in (("wrong", Outcome.PAUSE), ("s3cret", Outcome.RETRY)):
            secret.write_text(content)
            secret.chmod(0o600)
            told = settings(port, user="zero", password_file=str(secret))
            sender = open_sender(told, SOURCE)
            answer = sender.send(entry(), 5)
            assert answer.outcome is outcome
            assert "s3cret" not in answer.reason
            sender.close()
        secret.unlink()
        answer = sender.send(entry(), 5)
        assert answer.outcome is Outcome.PAUSE
        assert str(secret) in answer.reason


def test_what_the_broker_does_not_allow_pauses(tmp_path: Path) -> None:
    rules = tmp_path / "acl"
    rules.write_text(f"topic read {ROOT}/ack\ntopic write {ROOT}/state\n")
    lines = ["allow_anonymous true", f"acl_file {rules}"]
    with mosquitto(tmp_path, lines) as running:
        sender = open_sender(settings(running.port), SOURCE)
        answer = sender.send(entry(), 5)
        sender.close()
    assert answer.outcome is Outcome.PAUSE
    assert "the broker refuses: Not authorized" in answer.reason


def test_what_is_too_large_for_the_broker(tmp_path: Path) -> None:
    lines = ["allow_anonymous true", "max_packet_size 200"]
    with mosquitto(tmp_path, lines) as running:
        sender = open_sender(settings(running.port), SOURCE)
        answer = sender.send(entry(), 5)
        sender.close()
    assert answer.outcome is Outcome.TOO_LARGE
    assert "takes 200 bytes at most" in answer.reason


def test_abort_ends_what_is_sent(port: int, sender: MqttSender) -> None:
    answers: list[Answer] = []
    with answering(port, lambda data: []) as came:
        lane = threading.Thread(target=lambda: answers.append(sender.send(entry(), 60)))
        lane.start()
        while not came:
            pass
        sender.abort()
        lane.join(5)
    assert not lane.is_alive()
    assert answers[0].outcome is Outcome.RETRY
    assert sender.send(entry(), 5).outcome is Outcome.RETRY


def test_it_tells_whether_it_is_there(port: int) -> None:
    sender = open_sender(settings(port), SOURCE)
    with listening(port, f"{ROOT}/state") as state:
        sender.send(entry(), 5)
        state.until(f"{ROOT}/state", b'{"online":true}')
        sender.close()
        state.until(f"{ROOT}/state", b'{"online":false}')
    with listening(port, f"{ROOT}/state") as state:
        message = state.next()
        assert (message.payload, message.retain) == (b'{"online":false}', True)


@pytest.fixture
def crowded() -> Iterator[None]:
    """Have more descriptors open than select() knows."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < CROWD + 200:
        pytest.skip("needs more open files than are allowed here")
    if limit < CROWD + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (CROWD + 200, most))
    with ExitStack() as stack, Path(os.devnull).open("rb") as file:
        for _ in range(CROWD):
            stack.callback(os.close, os.dup(file.fileno()))
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))


def test_many_other_connections_do_not_matter(port: int, crowded: None) -> None:
    sender = open_sender(settings(port), SOURCE)
    sender.show(LivePicture(0, []), 5)
    assert "no receiver is subscribed" in sender.send(entry(), 5).reason
    sender.close()


KILLED = """\
import sys
from zerometer.agent.uplink.live import LivePicture
from zerometer.agent.uplink.mqtt import open_sender
from zerometer.core.site import UplinkSettings
url, source = sys.argv[1], bytes.fromhex(sys.argv[2])
sender = open_sender(UplinkSettings(id="cloud", url=url), source)
sender.show(LivePicture(0, []), 5)
sys.stdin.read()
"""


def test_one_that_is_killed_is_offline(port: int) -> None:
    url = f"mqtt://127.0.0.1:{port}"
    with (
        listening(port, f"{ROOT}/state") as state,
        subprocess.Popen(
            [sys.executable, "-c", KILLED, url, SOURCE.hex()], stdin=subprocess.PIPE
        ) as process,
    ):
        state.until(f"{ROOT}/state", b'{"online":true}')
        os.kill(process.pid, signal.SIGKILL)
        state.until(f"{ROOT}/state", b'{"online":false}')


def test_latest_values_are_retained_and_told_when_they_change(
    port: int, sender: MqttSender
) -> None:
    press = LiveMeter(
        id="press",
        time_ms=1_767_225_600_000,
        quality="measured",
        values={"power": (12.5, "kW"), "energy": (None, "kWh")},
    )
    line = replace(press, id="line", quality="missing", time_ms=None)
    sender.show(LivePicture(0, [press, line]), 5)
    sender.send(entry(), 5)  # answered when all before it has arrived
    with listening(port, f"{ROOT}/live/+") as live:
        shown = {message.topic: message for message in (live.next(), live.next())}
        message = shown[f"{ROOT}/live/press"]
        assert message.retain
        assert json.loads(message.payload) == {
            "t_ms": 1_767_225_600_000,
            "quality": "measured",
            "values": {
                "power": {"value": 12.5, "unit": "kW"},
                "energy": {"value": None, "unit": "kWh"},
            },
        }
        later = replace(line, quality="measured", time_ms=1_767_225_605_000)
        sender.show(LivePicture(0, [press, later]), 5)
        changed = live.next()
        assert changed.topic == f"{ROOT}/live/line"
        assert json.loads(changed.payload)["quality"] == "measured"
        publish.single(f"{ROOT}/live/end", b"", hostname="127.0.0.1", port=port)
        assert live.next().topic == f"{ROOT}/live/end"
