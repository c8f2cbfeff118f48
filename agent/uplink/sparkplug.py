"""Latest values as a Sparkplug B edge node, for SCADA; needs ``zerometer[mqtt]``.

Nobody says whether what was published has been stored, so no batch goes this way.
The node is as in Eclipse Sparkplug 3.0.0: a device for each meter that answers.
"""

import threading
from concurrent.futures import Future
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import MQTTMessage
from paho.mqtt.reasoncodes import ReasonCode

from zerometer.agent.mqtt_link import Link, LinkError, Will, wait_until_sent
from zerometer.agent.uplink.live import LiveMeter, LivePicture
from zerometer.agent.uplink.mqtt import broker_of
from zerometer.agent.uplink.sparkplug_payload import (
    REBIRTH,
    Metric,
    asks_for_rebirth,
    payload,
)
from zerometer.core.site import UplinkSettings

#: How many numbers ``seq`` and ``bdSeq`` have before they start over (6.4.7, 6.4.27).
ROUND = 256
#: A command has a metric or two; what is larger is none.
MAX_COMMAND = 65_536


def open_sink(settings: UplinkSettings) -> "SparkplugSink":
    """Return the node at ``sparkplug://HOST/GROUP/NODE``; nothing is connected yet."""
    return SparkplugSink(settings)


class SparkplugSink:
    """An edge node; what it has said since its birth is what hosts know of it."""

    def __init__(self, settings: UplinkSettings) -> None:
        url = urlsplit(settings.url)
        self.address = f"{url.scheme}://{url.netloc}{url.path}"
        self._settings = settings
        self._group, self._node = map(unquote, url.path.strip("/").split("/"))
        self._link: Link | None = None
        self._births = -1  # bdSeq: counts the connections
        self._seq = 0
        self._aliases: dict[tuple[str, str], int] = {}
        self._told: dict[str, LiveMeter] = {}
        self._now_ms = 0
        self._last: Future[ReasonCode] | None = None  # of what was published
        # Held while anything is published: a host may ask for a rebirth at any time.
        self._lock = threading.Lock()

    def show(self, picture: LivePicture, timeout_s: float) -> None:
        """Tell what has changed; who does not answer any more has died.

        UpstreamError or ConfigError when there is no connection, or no room in it.
        """
        link = self._linked(picture.time_ms, timeout_s)
        with self._lock:
            self._now_ms = picture.time_ms
            for meter in picture.meters:
                known = self._told.get(meter.id)
                if meter.time_ms is None or meter.quality == "missing":
                    if self._told.pop(meter.id, None):
                        self._publish(link, "DDEATH", meter.id, [])
                    continue
                if known is None:
                    self._publish(link, "DBIRTH", meter.id, self._birth(meter))
                elif changes := self._changes(known, meter):
                    self._publish(link, "DDATA", meter.id, changes)
                self._told[meter.id] = meter
        wait_until_sent(self._last, timeout_s)

    def close(self) -> None:
        """Disconnect; the broker publishes the death, as it does for a lost link."""
        with self._lock:
            link, self._link = self._link, None
        if link is not None:
            link.close(with_will=True)

    def _linked(self, now_ms: int, timeout_s: float) -> Link:
        """Return the connection; a new one, and a birth, when there is none."""
        if self._link is not None:
            if not self._link.lost:
                return self._link
            self._link.close()
            self._link = None
        self._births = (self._births + 1) % ROUND
        death = payload(now_ms, [self._bd_seq(now_ms)])
        link = Link(
            broker_of(self._settings, f"{self._group}-{self._node}"),
            will=Will(self._topic("NDEATH"), death),
            on_message=self._take_command,
        )
        link.open(timeout_s)
        try:
            link.subscribe(self._topic("NCMD"), timeout_s)
        except LinkError:
            link.close()
            raise
        with self._lock:
            self._told, self._now_ms = {}, now_ms
            self._bear(link)
            self._link = link
        return link

    def _bear(self, link: Link) -> None:
        """Publish the birth of the node and of each device that it has told of."""
        self._seq = 0
        rebirth = Metric(name=REBIRTH, time_ms=self._now_ms, value=False)
        self._publish(link, "NBIRTH", "", [self._bd_seq(self._now_ms), rebirth])
        for meter in self._told.values():
            self._publish(link, "DBIRTH", meter.id, self._birth(meter))

    def _take_command(self, message: MQTTMessage) -> None:
        """Give birth again if a host asks for it; called in the link's thread."""
        try:
            asked = asks_for_rebirth(bytes(message.payload[:MAX_COMMAND]))
        except ValueError:
            return
        with self._lock:
            if asked and self._link is not None:
                self._bear(self._link)

    def _birth(self, meter: LiveMeter) -> list[Metric]:
        return [
            Metric(
                name=point,
                alias=self._alias(meter.id, point),
                time_ms=meter.time_ms or 0,
                value=value,
                unit=unit,
            )
            for point, (value, unit) in meter.values.items()
        ]

    def _changes(self, known: LiveMeter, meter: LiveMeter) -> list[Metric]:
        return [
            Metric(
                alias=self._alias(meter.id, point),
                time_ms=meter.time_ms or 0,
                value=value,
            )
            for point, (value, _) in meter.values.items()
            if known.values[point][0] != value
        ]

    def _alias(self, meter: str, point: str) -> int:
        """Return the number of a point, of its own in all of the node."""
        return self._aliases.setdefault((meter, point), len(self._aliases) + 1)

    def _bd_seq(self, now_ms: int) -> Metric:
        return Metric(name="bdSeq", time_ms=now_ms, value=self._births)

    def _publish(
        self, link: Link, kind: str, device: str, metrics: list[Metric]
    ) -> None:
        data = payload(self._now_ms, metrics, self._seq)
        self._seq = (self._seq + 1) % ROUND
        self._last = link.publish(self._topic(kind, device), data, qos=0)

    def _topic(self, kind: str, device: str = "") -> str:
        topic = f"spBv1.0/{self._group}/{kind}/{self._node}"
        return f"{topic}/{device}" if device else topic
