"""What docs/uplinks.md says of a broker's rules, tried out with certificates."""

import queue
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from harness.authority import Authority
from harness.batches import SOURCE
from harness.broker import Mosquitto, mosquitto
from harness.markdown import blocks, page, section
from harness.outbox import stored
from harness.receiving import receiving
from harness.sealed_batches import sealed

from zerometer.agent.mqtt_link import Link
from zerometer.agent.uplink.base import Outcome
from zerometer.agent.uplink.live import LiveMeter, LivePicture
from zerometer.agent.uplink.mqtt import broker_of, open_sender
from zerometer.core.site import UplinkSettings

ROOT = "zerometer/1"
OTHER = bytes(16)
#: PUBACK of what the broker does not allow (MQTT 5, 3.4.2.1).
NOT_AUTHORIZED = 0x87


@dataclass
class Site:
    """A broker set up as the page says, and certificates for it."""

    broker: Mosquitto
    authority: Authority

    def settings(self, name: str) -> UplinkSettings:
        """Return how one of this name comes to the broker."""
        cert, key = self.authority.issue(name)
        return UplinkSettings(
            id=name,
            url=f"mqtts://127.0.0.1:{self.broker.port}",
            ca=str(self.authority.ca),
            cert=str(cert),
            key=str(key),
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("broker")
    authority = Authority(folder)
    cert, key = authority.issue("server")
    told = section(page("docs/uplinks.md"), "### The broker")
    (folder / "acl").write_text(*blocks(told, "text"))
    here = {"cafile": authority.ca, "certfile": cert, "keyfile": key}
    here["acl_file"] = folder / "acl"
    lines = []
    for line in blocks(told, "ini")[0].splitlines():
        word, value = line.split()
        if word != "listener":  # its port is the test's own
            lines.append(f"{word} {here.get(word, value)}")
    with mosquitto(folder, lines) as running:
        yield Site(running, authority)


def test_a_gateway_and_a_receiver_get_through(site: Site, tmp_path: Path) -> None:
    broker = site.settings("receiver")
    with receiving(tmp_path / "received.sqlite", [broker]):
        sender = open_sender(site.settings(SOURCE.hex()), SOURCE)
        assert sender.send(stored(sealed(1)), 5).outcome is Outcome.ACCEPTED
        values = {"power": (1.0, "kW")}
        meter = LiveMeter(id="press", time_ms=1, quality="measured", values=values)
        sender.show(LivePicture(1, [meter]), 5)
        sender.close()


def allowed(site: Site, name: str, topic: str) -> bool:
    """Tell whether the broker takes a message on *topic* from this one."""
    link = Link(broker_of(site.settings(name), f"test-{name}"))
    link.open(5)
    try:
        return link.publish(topic, b"").result(5).value != NOT_AUTHORIZED
    finally:
        link.close()


@pytest.mark.parametrize("part", ["batch/ledger", "state", "live/press"])
def test_a_gateway_publishes_as_itself_alone(site: Site, part: str) -> None:
    name = SOURCE.hex()
    assert allowed(site, name, f"{ROOT}/{name}/{part}")
    assert not allowed(site, name, f"{ROOT}/{OTHER.hex()}/{part}")
    assert not allowed(site, name, f"{ROOT}/{name}/ack")


def test_a_gateway_reads_what_is_meant_for_it_alone(site: Site) -> None:
    """mosquitto lets it subscribe to everything, and brings it what it may read."""
    came: queue.Queue[str] = queue.Queue()
    reader = Link(
        broker_of(site.settings(SOURCE.hex()), "test-reader"),
        on_message=lambda message: came.put(message.topic),
    )
    receiver = Link(broker_of(site.settings("receiver"), "test-receiver"))
    other = Link(broker_of(site.settings(OTHER.hex()), "test-other"))
    with ExitStack() as stack:
        for link in (reader, receiver, other):
            link.open(5)
            stack.callback(link.close)
        reader.subscribe("zerometer/#", 5)
        batch = other.publish(f"{ROOT}/{OTHER.hex()}/batch/ledger", b"")
        assert not batch.result(5).is_failure
        for source in (OTHER, SOURCE):
            receiver.publish(f"{ROOT}/{source.hex()}/ack", b"").result(5)
        assert came.get(timeout=5) == f"{ROOT}/{SOURCE.hex()}/ack"
        assert came.empty()


# Of a handshake that is refused, paho leaves it to Python to close the socket.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nobody_comes_without_a_certificate_of_the_authority(
    site: Site, tmp_path: Path
) -> None:
    known = site.settings(SOURCE.hex())
    stranger = Authority(tmp_path, "stranger")
    cert, key = stranger.issue(SOURCE.hex())
    ca = str(stranger.ca)
    for changes in (
        {"cert": "", "key": ""},
        {"cert": str(cert), "key": str(key)},
        {"ca": ca},
    ):
        sender = open_sender(replace(known, **changes), SOURCE)
        answer = sender.send(stored(sealed(1)), 5)
        # Our own refusal is known to last; of the broker's, TLS 1.3 hardly tells.
        refused = "ca" in changes
        assert answer.outcome is (Outcome.PAUSE if refused else Outcome.RETRY), answer
        sender.close()
