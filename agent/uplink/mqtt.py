"""Batches over MQTT 5; needs the extra ``zerometer[mqtt]``.

A PUBACK is the broker's word that it has the message, or has handed it on. A batch is
accepted when the receiver says so, on the source's ``ack`` topic; see docs/uplinks.md.
"""

import json
import threading
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import MQTTMessage
from paho.mqtt.reasoncodes import ReasonCode

from zerometer.agent.mqtt_link import Broker, Link, LinkError, Will, wait_until_sent
from zerometer.agent.uplink.answers import MAX_ANSWER, TAKEN, judge_reply
from zerometer.agent.uplink.base import Answer, Batch, Outcome
from zerometer.agent.uplink.live import LiveMeter, LivePicture
from zerometer.agent.uplink.secrets import PasswordFile
from zerometer.agent.uplink.tls import client_context
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

PORTS = {"mqtt": 1883, "mqtts": 8883, "sparkplug": 1883, "sparkplugs": 8883}
ROOT = "zerometer/1"
#: What the retained ``state`` says: the will, and what takes it back.
OFFLINE, ONLINE = b'{"online":false}', b'{"online":true}'
#: Bytes of a PUBLISH beside topic and payload (MQTT 5, 3.3): fixed header, length of
#: the topic, packet id and length of no properties.
PUBLISH_BYTES = 10
#: Batches whose answer is remembered when it comes after all.
MAX_ASKED = 16
#: PUBACK reasons (MQTT 5, 3.4.2.1) with a meaning of their own here.
NOBODY_SUBSCRIBED = 0x10
PACKET_TOO_LARGE = 0x95
#: Those that stay until somebody changes something: not authorized, topic name
#: invalid, payload format invalid.
LASTING = frozenset({0x87, 0x90, 0x99})


#: Source, epoch, stream and number, as an answer names them.
Identity = list[str | int]


def broker_of(settings: UplinkSettings, client_id: str) -> Broker:
    """Return the broker that *settings* name; ConfigError when a file cannot be used.

    Secrets and certificates are read now: they may be renewed while we run.
    """
    url = urlsplit(settings.url)
    password = settings.password_file
    encrypted = PORTS[url.scheme] == PORTS["mqtts"]
    return Broker(
        host=url.hostname or "",
        port=url.port or PORTS[url.scheme],
        client_id=client_id,
        user=settings.user,
        password=PasswordFile(password).read() if password else "",
        tls=client_context(settings.ca, settings.cert, settings.key)
        if encrypted
        else None,
    )


def open_sender(settings: UplinkSettings, source: bytes) -> "MqttSender":
    """Return who publishes the batches of *source*; nothing is connected yet."""
    return MqttSender(settings, source)


class MqttSender:
    """Publishes batches and waits for the receiver's answers; shows live values."""

    def __init__(self, settings: UplinkSettings, source: bytes) -> None:
        url = urlsplit(settings.url)
        self.address = f"{url.scheme}://{url.netloc}"
        self._settings = settings
        self._source = source.hex()
        self._topic = f"{ROOT}/{self._source}"
        self._link: Link | None = None
        self._linking = threading.Lock()  # held while a link is opened
        # What has been published, by its hash: identity, and the answer to come.
        self._asked: dict[str, tuple[Identity, Future[Answer]]] = {}
        self._aborted = False
        self._shown: dict[str, bytes] = {}  # the live values that this link brought

    def send(self, batch: Batch, timeout_s: float) -> Answer:
        """Publish *batch*; each step on the network may take *timeout_s*."""
        topic = f"{self._topic}/batch/{batch.stream}"
        try:
            link = self._linked(timeout_s)
        except ConfigError as error:
            return Answer(Outcome.PAUSE, str(error))
        except LinkError as error:
            outcome = Outcome.RETRY if error.retryable else Outcome.PAUSE
            return self._said(outcome, str(error))
        largest = link.broker_max_packet
        if PUBLISH_BYTES + len(topic) + len(batch.data) > largest:
            return self._said(Outcome.TOO_LARGE, f"takes {largest} bytes at most")
        digest = sha256(batch.data).hexdigest()
        if late := self._late_answer(digest):
            return late
        answer: Future[Answer] = Future()
        identity: Identity = [self._source, batch.epoch.hex(), batch.stream, batch.seq]
        self._asked[digest] = identity, answer
        puback = link.publish(topic, batch.data)
        puback.add_done_callback(lambda said: self._judge_puback(said, answer))
        try:
            told = answer.result(timeout_s)
        except TimeoutError:
            return self._give_up(puback, link)
        self._asked.pop(digest, None)
        return told

    def show(self, picture: LivePicture, timeout_s: float) -> None:
        """Publish what has changed of the latest values, retained.

        UpstreamError or ConfigError when there is no connection, or no room in it.
        """
        link, last = self._linked(timeout_s), None
        for meter in picture.meters:
            document = _packed(_live(meter))
            if self._shown.get(meter.id) != document:
                topic = f"{self._topic}/live/{meter.id}"
                last = link.publish(topic, document, qos=0, retain=True)
                self._shown[meter.id] = document
        wait_until_sent(last, timeout_s)

    def abort(self) -> None:
        """Cut the connection under all sends, which are the last ones."""
        self._aborted = True
        if self._link is not None:
            self._link.cut()

    def close(self) -> None:
        """Disconnect, as one who will be away: the broker publishes the will."""
        with self._linking:
            if self._link is not None:
                self._link.close(with_will=True)
                self._link = None

    def _linked(self, timeout_s: float) -> Link:
        """Return the connection; a new one when there is none, or it is lost."""
        with self._linking:
            if self._link is not None:
                if not self._link.lost:
                    return self._link
                self._link.close()
                self._link = None
            if self._aborted:
                raise LinkError("stopped")
            name = f"zerometer-{self._source}-{self._settings.id}"
            link = Link(
                broker_of(self._settings, name),
                will=Will(f"{self._topic}/state", OFFLINE, retain=True),
                on_message=self._take_answer,
                on_lost=self._fail_all,
            )
            link.open(timeout_s)
            try:
                link.subscribe(f"{self._topic}/ack", timeout_s)
                link.publish(f"{self._topic}/state", ONLINE, retain=True)
            except LinkError:
                link.close()
                raise
            self._link, self._shown = link, {}
            return link

    def _late_answer(self, digest: str) -> Answer | None:
        """Return that a batch was accepted after we had given up waiting."""
        while len(self._asked) > MAX_ASKED:
            self._asked.pop(next(iter(self._asked)))
        _, answer = self._asked.pop(digest, ([], None))
        if answer is None or not answer.done():
            return None
        return answer.result() if answer.result().outcome is Outcome.ACCEPTED else None

    def _give_up(self, puback: Future[ReasonCode], link: Link) -> Answer:
        if puback.done():
            return self._said(Outcome.RETRY, "no receiver answers (timed out)")
        # Whatever it sends from now on would be about a message that is given up.
        link.cut()
        return self._said(Outcome.RETRY, "the broker does not answer (timed out)")

    def _judge_puback(self, puback: Future[ReasonCode], answer: Future[Answer]) -> None:
        if error := puback.exception():
            _settle(answer, self._said(Outcome.RETRY, str(error)))
            return
        reason = puback.result()
        if reason.value == NOBODY_SUBSCRIBED:
            _settle(answer, self._said(Outcome.RETRY, "no receiver is subscribed"))
        elif reason.value == PACKET_TOO_LARGE:
            _settle(answer, self._said(Outcome.TOO_LARGE, str(reason)))
        elif reason.is_failure:
            outcome = Outcome.PAUSE if reason.value in LASTING else Outcome.RETRY
            _settle(answer, self._said(outcome, f"the broker refuses: {reason}"))

    def _take_answer(self, message: MQTTMessage) -> None:
        """Give a receiver's answer to the batch that it names."""
        try:
            document = json.loads(message.payload[:MAX_ANSWER])
            identity, answer = self._asked[document["hash"]]
        except (ValueError, RecursionError, LookupError, TypeError):
            return
        named = [document.get(name) for name in ("source", "epoch", "stream", "seq")]
        if named == identity or document.get("status") not in TAKEN:
            _settle(answer, judge_reply(document))

    def _fail_all(self, reason: str) -> None:
        for _, answer in list(self._asked.values()):
            _settle(answer, self._said(Outcome.RETRY, reason))

    def _said(self, outcome: Outcome, reason: str) -> Answer:
        return Answer(outcome, f"{self.address}: {reason}")


def _live(meter: LiveMeter) -> dict[str, Any]:
    return {
        "t_ms": meter.time_ms,
        "quality": meter.quality,
        "values": {
            point: {"value": value, "unit": unit}
            for point, (value, unit) in meter.values.items()
        },
    }


def _packed(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _settle(answer: Future[Answer], value: Answer) -> None:
    with suppress(InvalidStateError):
        answer.set_result(value)
