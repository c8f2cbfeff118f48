"""Factor rows out of an MQTT topic; needs the extra ``zerometer[mqtt]``.

A message is one JSON object, or a list of them, with the names of the CSV form:
``t0``, ``t1``, ``value``, ``unit``, and what that may have beside them.
"""

import json
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zerometer.agent.factors.feed import Said
from zerometer.agent.factors.json_rows import collect, shown
from zerometer.agent.factors.table import OPTIONAL, Bad, row_of
from zerometer.agent.uplink.secrets import TokenFile
from zerometer.core.errors import ConfigError
from zerometer.core.factor import FactorRow
from zerometer.core.site import FeedSettings

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage

PORTS = {"mqtt": 1883, "mqtts": 8883}
KEEPALIVE_S = 60
#: A day in quarters has less.
MAX_PAYLOAD = 65_536
#: What comes faster than it is taken pushes out the oldest.
MAX_WAITING = 64
#: Waits between two tries to connect: the first, and the longest.
RECONNECT_S = (1, 300)
NAMES = ("t0", "t1", "value", "unit", *OPTIONAL)


class MqttFeed:
    """Listens to a topic; messages wait until they are taken."""

    def __init__(self, settings: FeedSettings) -> None:
        """ConfigError when the extra is not installed."""
        self._settings = settings
        self._token = TokenFile(settings.token_file) if settings.token_file else None
        self._waiting: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._lock = threading.Lock()
        self._trouble = "not connected yet"
        self._wake: Callable[[], None] = lambda: None
        self._client = self._make_client()

    def start(self, wake: Callable[[], None]) -> None:
        """Connect, and again whenever that is lost, in a thread of the client's."""
        self._wake = wake
        url = urlsplit(self._settings.url)
        if self._token is not None:
            try:
                user, _, password = self._token.read().partition(":")
            except ConfigError as error:
                self._trouble = str(error)
                return
            self._client.username_pw_set(user, password or None)
        port = url.port or PORTS[url.scheme]
        self._client.connect_async(url.hostname or "", port, KEEPALIVE_S)
        self._client.loop_start()

    def poll(self, now_ns: int) -> Said:
        """Return the rows of the messages that came since the last call."""
        said = Said()
        while self._waiting:
            one = self._said(self._waiting.popleft(), now_ns)
            said.rows += one.rows
            said.bad += one.bad
        with self._lock:
            said.trouble = self._trouble and f"{self._address}: {self._trouble}"
        return said

    def abort(self) -> None:
        """Nothing is waited for."""

    def close(self) -> None:
        """Disconnect and end the client's thread."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def _address(self) -> str:
        url = urlsplit(self._settings.url)
        return f"{url.scheme}://{url.netloc}{url.path}"

    def _make_client(self) -> "Client":
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise ConfigError(
                f'feed "{self._settings.id}": form mqtt needs paho-mqtt: '
                "pip install 'zerometer[mqtt]'"
            ) from error
        client = Client(CallbackAPIVersion.VERSION2)
        client.on_connect = self._connected
        client.on_connect_fail = self._failed
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._message
        client.reconnect_delay_set(*RECONNECT_S)
        if urlsplit(self._settings.url).scheme == "mqtts":
            client.tls_set()
        return client

    # What follows is called by the client, in its thread.

    def _connected(self, client: "Client", *details: Any) -> None:
        reason = details[2]
        if reason.is_failure:
            self._note(f"refused: {reason}")
        else:
            topic = urlsplit(self._settings.url).path.removeprefix("/")
            client.subscribe(topic, qos=1)

    def _subscribed(self, _client: "Client", *details: Any) -> None:
        refused = [str(reason) for reason in details[2] if reason.is_failure]
        self._note(f"refused: {refused[0]}" if refused else "")

    def _failed(self, *_: Any) -> None:
        self._note("no broker answers")

    def _disconnected(self, _client: "Client", *details: Any) -> None:
        with self._lock:
            # Why it was refused says more than that it ended.
            self._trouble = self._trouble or f"connection lost: {details[2]}"

    def _message(self, _client: "Client", _data: Any, message: "MQTTMessage") -> None:
        # One byte more tells that it was too long.
        self._waiting.append(bytes(message.payload[: MAX_PAYLOAD + 1]))
        self._wake()

    def _note(self, trouble: str) -> None:
        with self._lock:
            self._trouble = trouble

    def _said(self, payload: bytes, now_ns: int) -> Said:
        where = self._settings.id
        if len(payload) > MAX_PAYLOAD:
            return Said(bad=[Bad(where, "", f"larger than {MAX_PAYLOAD} bytes")])
        try:
            told = json.loads(payload)
        except (ValueError, RecursionError):
            return Said(bad=[Bad(where, shown(payload), "is not JSON")])

        def rows_of(part: dict[str, Any]) -> list[FactorRow]:
            for name in part:
                if name not in NAMES:
                    raise ValueError(f"{shown(name)} is not known")
            cells = {k: "" if v is None else str(v) for k, v in part.items()}
            missing = {"t0": "", "t1": "", "value": "", "unit": ""}
            row = row_of({**missing, **cells, "series": self._settings.series}, now_ns)
            return [row] if row else []

        parts = told if isinstance(told, list) else [told]
        return collect(parts, where, rows_of)
