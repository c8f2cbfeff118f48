"""The receiver behind a real broker, asked by a client that is not ours."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from harness.batches import SOURCE
from harness.broker import Mosquitto, mosquitto
from harness.mqtt_ends import PATIENCE_S, Listener, listening, receipt
from harness.outbox import stored
from harness.receiver_process import ReceiverProcess
from harness.receiving import Receiving, receiving
from harness.sealed_batches import sealed

from zerometer.agent.receiver import mqtt
from zerometer.agent.receiver.server import Receiver
from zerometer.agent.uplink.base import Outcome
from zerometer.agent.uplink.mqtt import MqttSender, open_sender
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

ROOT = f"zerometer/1/{SOURCE.hex()}"
BATCH, ACK = f"{ROOT}/batch/readings", f"{ROOT}/ack"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path, ["allow_anonymous true"]) as running:
        yield running


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "received.sqlite"


def at(broker: Mosquitto, **changes: Any) -> UplinkSettings:
    return UplinkSettings(id="any", url=f"mqtt://127.0.0.1:{broker.port}", **changes)


@pytest.fixture
def receiver(broker: Mosquitto, database: Path) -> Iterator[Receiving]:
    with receiving(database, [at(broker)]) as running:
        yield running


@pytest.fixture
def acks(broker: Mosquitto) -> Iterator[Listener]:
    with listening(broker.port, "zerometer/1/+/ack") as listener:
        yield listener


@contextmanager
def sending(broker: Mosquitto) -> Iterator[MqttSender]:
    sender = open_sender(at(broker), SOURCE)
    try:
        yield sender
    finally:
        sender.close()


def count(database: Path, table: str) -> int:
    with closing(sqlite3.connect(database)) as connection:
        (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(number)


def test_a_batch_is_committed_before_the_answer(
    receiver: Receiving, acks: Listener, database: Path
) -> None:
    acks.client.publish(BATCH, sealed(1), qos=1)
    message = acks.next()
    assert count(database, "sample") == 3
    assert message.topic == ACK
    assert not message.retain
    assert json.loads(message.payload) == json.loads(receipt(sealed(1)))
    acks.client.publish(BATCH, sealed(1), qos=1)
    assert json.loads(acks.next().payload)["status"] == "duplicate"
    assert (count(database, "batch"), count(database, "sample")) == (1, 3)


@pytest.mark.parametrize(
    ("topic", "data", "code"),
    [
        (BATCH, b"", "truncated"),
        (BATCH, b"hello", "surplus-bytes"),
        (BATCH, sealed(1)[:-1], "truncated"),
        (BATCH, bytes(1 << 20), "surplus-bytes"),
        (f"zerometer/1/{bytes(16).hex()}/batch/readings", sealed(1), "forged-source"),
        ("zerometer/1/nobody/batch/readings", sealed(1), "forged-source"),
        ("zerometer/1//batch/", b"", "forged-source"),
    ],
    ids=range(7),
)
def test_what_is_refused_is_told_by_name_and_does_not_matter_to_others(
    receiver: Receiving, acks: Listener, topic: str, data: bytes, code: str
) -> None:
    acks.client.publish(topic, data, qos=1)
    message = acks.next()
    assert message.topic == topic.partition("/batch/")[0] + "/ack"
    document = json.loads(message.payload)
    assert (document["error"], document["hash"]) == (code, sha256(data).hexdigest())
    acks.client.publish(BATCH, sealed(1), qos=1)
    assert json.loads(acks.next().payload)["status"] == "stored"


def test_what_is_too_large_never_reaches_it(
    receiver: Receiving, acks: Listener, database: Path
) -> None:
    acks.client.publish(BATCH, bytes(mqtt.MAX_PACKET), qos=1)
    acks.client.publish(BATCH, sealed(1), qos=1)
    assert json.loads(acks.next().payload)["status"] == "stored"


def test_the_broker_may_forget_a_batch_only_once_it_is_committed(
    receiver: Receiving, acks: Listener, broker: Mosquitto
) -> None:
    """More than may be in flight: the rest waits in the broker."""
    with receiver.held():
        for seq in range(1, mqtt.IN_FLIGHT + 21):
            acks.client.publish(BATCH, sealed(seq), qos=1)
        receiver.until_waiting(mqtt.IN_FLIGHT)
    answers = [json.loads(acks.next().payload) for _ in range(mqtt.IN_FLIGHT + 20)]
    assert {answer["status"] for answer in answers} == {"stored"}
    assert {answer["seq"] for answer in answers} == set(range(1, mqtt.IN_FLIGHT + 21))


def test_a_store_that_is_busy_asks_to_come_back(
    receiver: Receiving, acks: Listener, database: Path
) -> None:
    assert receiver.desk(
        lambda store: store._database.connection.execute("PRAGMA busy_timeout=1")
    )
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        acks.client.publish(BATCH, sealed(1), qos=1)
        document = json.loads(acks.next().payload)
    assert (document["error"], document["retry_after_s"]) == ("store-busy", 5)


def test_from_end_to_end(
    receiver: Receiving, broker: Mosquitto, database: Path
) -> None:
    with sending(broker) as sender:
        for seq in (1, 2, 3, 2):
            answer = sender.send(stored(sealed(seq)), 5)
            assert answer.outcome is Outcome.ACCEPTED
        assert (count(database, "batch"), count(database, "sample")) == (3, 9)
        answer = sender.send(stored(sealed(3, site="another")), 5)
        assert answer.outcome is Outcome.CONFLICT


def until_accepted(sender: MqttSender, data: bytes) -> None:
    """Send again and again, as an uplink does."""
    end = monotonic() + PATIENCE_S
    while (answer := sender.send(stored(data), 5)).outcome is not Outcome.ACCEPTED:
        assert answer.outcome is Outcome.RETRY
        assert monotonic() < end, answer.reason
        threading.Event().wait(0.02)


def test_a_broker_that_is_killed_and_comes_back(
    receiver: Receiving, broker: Mosquitto, database: Path
) -> None:
    with sending(broker) as sender:
        assert sender.send(stored(sealed(1)), 5).outcome is Outcome.ACCEPTED
        broker.kill()
        assert sender.send(stored(sealed(2)), 5).outcome is Outcome.RETRY
        broker.start()
        until_accepted(sender, sealed(2))
    assert count(database, "batch") == 2


def test_a_broker_that_is_not_there_yet(broker: Mosquitto, database: Path) -> None:
    broker.stop()
    with receiving(database, [at(broker)]), sending(broker) as sender:
        assert sender.send(stored(sealed(1)), 5).outcome is Outcome.RETRY
        broker.start()
        until_accepted(sender, sealed(1))


def test_a_secret_that_is_not_there(broker: Mosquitto, database: Path) -> None:
    settings = at(broker, user="receiver", password_file="/nowhere/password")
    with (
        pytest.raises(ConfigError, match="password file /nowhere/password: No such"),
        receiving(database, [settings]),
    ):
        pass


#: A receiver that is killed when it has committed a batch and is about to answer.
KILLED = """
import asyncio, os, signal, sys
from zerometer.agent.mqtt_link import Link
from zerometer.agent.receiver.server import Receiver
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

Link.publish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)

async def receive():
    broker = UplinkSettings(id="receiver", url=sys.argv[1])
    await Receiver(sys.argv[2], "127.0.0.1", 0, [broker]).start()
    print("started", flush=True)
    await asyncio.Event().wait()

asyncio.run(receive())
"""


def test_one_killed_between_commit_and_answer(
    broker: Mosquitto, database: Path, acks: Listener
) -> None:
    """The next one answers that it has it."""
    command = [sys.executable, "-c", KILLED, at(broker).url, str(database)]
    with (
        sending(broker) as sender,
        subprocess.Popen(command, stdout=subprocess.PIPE) as killed,
    ):
        assert killed.stdout is not None
        assert killed.stdout.readline()
        assert sender.send(stored(sealed(1)), 0.5).outcome is Outcome.RETRY
        assert killed.wait(PATIENCE_S) == -signal.SIGKILL
        assert count(database, "batch") == 1
        with receiving(database, [at(broker)]):
            until_accepted(sender, sealed(1))
    assert json.loads(acks.next().payload)["status"] == "duplicate"
    assert (count(database, "batch"), count(database, "sample")) == (1, 3)


def test_two_share_the_batches_and_one_takes_over(
    broker: Mosquitto, tmp_path: Path, acks: Listener
) -> None:
    databases = [tmp_path / "one.sqlite", tmp_path / "two.sqlite"]
    with receiving(databases[0], [at(broker)]):
        with receiving(databases[1], [at(broker)]):
            for seq in range(1, 41):
                acks.client.publish(BATCH, sealed(seq), qos=1)
            answers = [json.loads(acks.next().payload) for _ in range(40)]
            assert {answer["status"] for answer in answers} == {"stored"}
            shares = [count(database, "batch") for database in databases]
            assert sum(shares) == 40
            assert min(shares) > 0
        with sending(broker) as sender:
            assert sender.send(stored(sealed(41)), 5).outcome is Outcome.ACCEPTED
    assert count(databases[0], "batch") == shares[0] + 1


def test_what_one_has_not_committed_goes_to_another_when_it_is_killed(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """As soon as its sender tries again: mosquitto forgets it with its receiver."""
    databases = [tmp_path / "one.sqlite", tmp_path / "two.sqlite"]
    killed = ReceiverProcess(databases[0], 0, "--from", at(broker).url)
    with (
        closing(sqlite3.connect(databases[0], isolation_level=None)) as other,
        sending(broker) as sender,
    ):
        other.execute("BEGIN IMMEDIATE")
        assert sender.send(stored(sealed(1)), 0.5).outcome is Outcome.RETRY
        with receiving(databases[1], [at(broker)]):
            killed.end(signal.SIGKILL)
            until_accepted(sender, sealed(1))
    assert [count(database, "batch") for database in databases] == [0, 1]


def test_without_the_extra_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "zerometer.agent.receiver.mqtt")
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    settings = UplinkSettings(id="any", url="mqtt://localhost")
    with pytest.raises(ConfigError, match=r'install "zerometer\[mqtt\]"'):
        Receiver("/nowhere", "127.0.0.1", 0, [settings])
