"""One connection to an MQTT 5 broker, from CONNECT to its loss; needs paho-mqtt.

A link that was lost is not repaired: whoever wants another opens a new one. So
nothing that an old connection queued is sent on a new one.
"""

import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from zerometer.agent.mqtt_loop import MqttLoop
from zerometer.agent.uplink.tls import is_refusal
from zerometer.core.errors import UpstreamError

KEEPALIVE_S = 30
#: How long a broker may take to let go of a link that is closed.
CLOSE_S = 1.0
#: MQTT 5, 3.2.2.3.6 and 2.2.2: no packet is larger.
ANY_PACKET = 268_435_455
#: MQTT 5, 3.1.2.11.3: messages in flight to us unless we say otherwise.
ANY_IN_FLIGHT = 65_535
#: Our messages in flight. A broker may allow fewer than it likes, and paho-mqtt does
#: not look at what it says: 10 is the least that one in wide use allows (HiveMQ).
OUR_IN_FLIGHT = 10
#: MQTT 5, 3.14.2.1: disconnect, and publish the will all the same.
WITH_WILL = 0x04
#: CONNACK reasons that pass by themselves (3.2.2.2): server unavailable, server
#: busy, quota exceeded, connection rate exceeded.
PASSING = frozenset({0x88, 0x89, 0x97, 0x9F})


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where a broker is, and as whom to come; ``tls`` None: not encrypted."""

    host: str
    port: int
    client_id: str
    user: str = ""
    password: str = ""
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes when a link is lost."""

    topic: str
    payload: bytes
    retain: bool = False


class LinkError(UpstreamError):
    """A link cannot be had now, or is lost."""


class LinkRefusedError(LinkError):
    """A link cannot be had until somebody changes something, here or there."""

    retryable = False


class Link:
    """A connection; what it calls is called in a thread of its own, and must not wait.

    Callable from any thread.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        will: Will | None = None,
        on_message: Callable[[MQTTMessage], None] | None = None,
        on_lost: Callable[[str], object] = str,
        receive_maximum: int = ANY_IN_FLIGHT,
        max_packet: int = ANY_PACKET,
        manual_ack: bool = False,
    ) -> None:
        """*receive_maximum* and *max_packet* (bytes) bound what the broker may send.

        With *manual_ack*, messages are acknowledged by ``acknowledge`` alone.
        """
        #: Why the link is lost; empty while it is not.
        self.lost = ""
        #: Bytes of the largest packet that the broker takes.
        self.broker_max_packet = ANY_PACKET
        self._broker = broker
        self._limits = (receive_maximum, max_packet)
        self._on_message = on_message
        self._on_lost = on_lost
        self._connack: Future[ReasonCode] = Future()
        # By packet id; whoever comes first, asker or answer, puts it there.
        self._answers: dict[int, Future[ReasonCode]] = {}
        self._lock = threading.Lock()  # never held while paho is called
        self._gone = threading.Event()
        self._client = self._make_client(will, manual_ack)
        self._loop = MqttLoop(self._client, lambda: self._lose("connection lost"))

    def open(self, timeout_s: float) -> None:
        """Connect; each step may take *timeout_s*. LinkError when it cannot be."""
        broker, client = self._broker, self._client
        client.connect_timeout = timeout_s
        try:
            client.connect(
                broker.host,
                broker.port,
                KEEPALIVE_S,
                clean_start=True,
                properties=self._connect_properties(),
            )
        except OSError as error:
            self._loop.end()
            kind = LinkRefusedError if is_refusal(error) else LinkError
            raise kind(f"no broker answers ({_words(error)})") from error
        self._loop.start()
        try:
            reason = _result(self._connack, timeout_s)
            if reason.is_failure:
                kind = LinkError if reason.value in PASSING else LinkRefusedError
                raise kind(f"the broker refuses: {reason}")
        except BaseException:
            self.close()
            raise

    def subscribe(self, topic: str, timeout_s: float) -> None:
        """Subscribe with QoS 1; LinkRefusedError when that is not granted."""
        mid = self._client.subscribe(topic, qos=1)[1]
        self._loop.wake()
        reason = _result(self._asked(mid), timeout_s)
        if reason.is_failure:
            raise LinkRefusedError(f"{topic}: the broker refuses: {reason}")

    def publish(
        self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False
    ) -> Future[ReasonCode]:
        """Send a message; the future has the PUBACK's reason, or LinkError."""
        mid = self._client.publish(topic, payload, qos, retain).mid
        self._loop.wake()
        return self._asked(mid)

    def acknowledge(self, message: MQTTMessage) -> None:
        """Send the PUBACK of *message*, which came by this link."""
        self._client.ack(message.mid, message.qos)
        self._loop.wake()

    def cut(self) -> None:
        """Lose the link now, without a word to the broker."""
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self, *, with_will: bool = False) -> None:
        """Let go; *with_will*: the broker publishes the will, as for a lost link."""
        code = ReasonCode(PacketTypes.DISCONNECT, identifier=WITH_WILL)
        self._client.disconnect(code if with_will else None)
        self._loop.wake()
        if not self.lost and not self._gone.wait(CLOSE_S):
            self.cut()
        self._loop.end()
        self._lose("closed")

    def _make_client(self, will: Will | None, manual_ack: bool) -> Client:
        broker = self._broker
        client = Client(
            CallbackAPIVersion.VERSION2,
            broker.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=manual_ack,
        )
        client.max_inflight_messages = OUR_IN_FLIGHT
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_publish = self._published
        client.on_message = self._came
        if broker.user:
            client.username_pw_set(broker.user, broker.password or None)
        if broker.tls is not None:
            client.tls_set_context(broker.tls)
        if will is not None:
            client.will_set(will.topic, will.payload, 1, will.retain)
        return client

    def _connect_properties(self) -> Any:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.ReceiveMaximum, properties.MaximumPacketSize = self._limits
        return properties

    def _asked(self, mid: int | None) -> Future[ReasonCode]:
        """Return the future answer to packet *mid*; None: it could not be sent."""
        if mid is None:
            answer: Future[ReasonCode] = Future()
        else:
            answer = self._answer(mid)
            answer.add_done_callback(lambda _: self._answers.pop(mid, None))
        if self.lost or mid is None:
            _fail(answer, self.lost or "not connected")
        return answer

    def _answer(self, mid: int) -> Future[ReasonCode]:
        with self._lock:
            return self._answers.setdefault(mid, Future())

    def _lose(self, reason: str) -> None:
        with self._lock:
            if self.lost:
                return
            self.lost = reason
            waiting = [self._connack, *self._answers.values()]
        for answer in waiting:
            _fail(answer, reason)
        self._gone.set()
        self._on_lost(reason)

    # What follows is called by the client, in its thread.

    def _connected(self, _client: Client, _data: Any, *details: Any) -> None:
        reason, properties = details[1:3]
        self.broker_max_packet = getattr(properties, "MaximumPacketSize", ANY_PACKET)
        self._connack.set_result(reason)

    def _subscribed(self, _client: Client, _data: Any, *details: Any) -> None:
        mid, reasons = details[:2]
        self._answer(mid).set_result(reasons[0])

    def _published(self, _client: Client, _data: Any, *details: Any) -> None:
        mid, reason = details[:2]
        self._answer(mid).set_result(reason)

    def _came(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if self._on_message is not None:
            self._on_message(message)

    def _disconnected(self, _client: Client, _data: Any, *details: Any) -> None:
        self._lose(f"connection lost: {details[1]}")


def wait_until_sent(message: Future[ReasonCode] | None, timeout_s: float) -> None:
    """Return when the network has *message*; LinkError when it has no room for it."""
    if message is not None:
        _result(message, timeout_s)


def _fail(answer: Future[ReasonCode], reason: str) -> None:
    with suppress(InvalidStateError):
        answer.set_exception(LinkError(reason))


def _result(answer: Future[ReasonCode], timeout_s: float) -> ReasonCode:
    try:
        return answer.result(timeout_s)
    except TimeoutError as error:
        raise LinkError("the broker does not answer (timed out)") from error


def _words(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLError):
        return str(error)
    return (error.strerror or str(error)).lower()
