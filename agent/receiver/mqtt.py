"""Batches that come in over MQTT 5; needs the extra ``zerometer[mqtt]``.

Any number of receivers share one subscription: the broker gives each batch to one of
them. It has our PUBACK only after the batch is committed and answered; see
docs/receiver.md.
"""

import asyncio
import json
import logging
import re
import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from uuid import uuid4

from paho.mqtt.client import MQTTMessage

from zerometer.agent.mqtt_link import Link, LinkError
from zerometer.agent.receiver.desk import MAX_WAITING, Desk
from zerometer.agent.receiver.errors import ForgedSourceError
from zerometer.agent.receiver.model import Sender
from zerometer.agent.receiver.reply import Document, answer, refusal
from zerometer.agent.uplink.backoff import Backoff
from zerometer.agent.uplink.mqtt import ROOT, broker_of
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

log = logging.getLogger(__name__)

BATCHES = f"$share/zerometer/{ROOT}/+/batch/+"
#: Batches in hand, at most: half of those that may wait at the desk, so that other
#: ways in are not shut. The broker is told, and not read from beyond: mosquitto
#: 2.0.11 does not always keep to it.
IN_FLIGHT = MAX_WAITING // 2
#: Bytes of one packet; gateways seal at a thirtieth of it. The broker keeps to it.
MAX_PACKET = 2 << 20
#: What one step towards the broker may take, and the longest wait between two tries.
STEP_S = 5.0
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 10.0
SOURCE = re.compile(r"[0-9a-f]{32}")


def open_intake(url: str, desk: Desk, settings: UplinkSettings) -> "MqttIntake":
    """Return the intake from the broker at *url*; nothing is connected yet."""
    return MqttIntake(desk, replace(settings, url=url))


class MqttIntake:
    """Brings a broker's batches to a desk, and the answers back."""

    def __init__(self, desk: Desk, settings: UplinkSettings) -> None:
        self._desk = desk
        self._settings = settings
        # Of its own: a broker disconnects who comes with the name of another.
        self._client_id = f"zerometer-receiver-{uuid4().hex[:12]}"
        self._room = threading.Semaphore(IN_FLIGHT)
        self._arrived: deque[tuple[Link, MQTTMessage]] = deque()
        self._serving: set[asyncio.Task[None]] = set()
        self._trouble = ""
        self._stopping = False

    async def start(self) -> None:
        """Connect; ConfigError when that can never work, else it is tried for ever."""
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()  # the link is lost, or we stop
        link = await self._linked()
        self._keeper = asyncio.create_task(self._keep(link))

    async def stop(self) -> None:
        """Take no more, answer what is in progress, disconnect."""
        self._stopping = True
        if self._serving:
            await asyncio.wait(self._serving)
        self._news.set()
        await self._keeper

    async def _keep(self, link: Link | None) -> None:
        """Stay connected: again and again, until we stop."""
        backoff = Backoff(FIRST_WAIT_S, cap_s=LONGEST_WAIT_S)
        while not self._stopping:
            if link is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), backoff.next_s())
                with suppress(ConfigError):  # told by now; the file may come back
                    link = await self._linked()
            elif link.lost:
                self._tell(link.lost)
                await asyncio.to_thread(link.close)
                link = None
            else:
                backoff.reset()
                await self._news.wait()
            self._news.clear()
        if link is not None:
            await asyncio.to_thread(link.close)

    async def _linked(self) -> Link | None:
        """Return a link that brings batches; None when there is none to be had."""
        try:
            link = await asyncio.to_thread(self._open)
        except LinkError as error:
            self._tell(str(error))
            return None
        except ConfigError as error:
            self._tell(str(error))
            raise
        self._tell("")
        return link

    def _open(self) -> Link:
        def arrived(message: MQTTMessage) -> None:
            self._room.acquire()
            self._arrived.append((link, message))
            if len(self._arrived) == 1:  # else it is known that there are some
                self._loop.call_soon_threadsafe(self._serve_arrived)

        link = Link(
            broker_of(self._settings, self._client_id),
            on_message=arrived,
            on_lost=lambda _: self._loop.call_soon_threadsafe(self._news.set),
            receive_maximum=IN_FLIGHT,
            max_packet=MAX_PACKET,
            manual_ack=True,
        )
        link.open(STEP_S)
        try:
            link.subscribe(BATCHES, STEP_S)
        except LinkError:
            link.close()
            raise
        return link

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.warning("%s: %s; tries again", self._settings.url, trouble)
        elif self._trouble and not trouble:
            log.info("%s: takes batches again", self._settings.url)
        self._trouble = trouble

    def _serve_arrived(self) -> None:
        while self._arrived:
            link, message = self._arrived.popleft()
            if self._stopping:
                self._room.release()  # without a PUBACK: somebody else may have it
                continue
            task = asyncio.create_task(self._serve(link, message))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    async def _serve(self, link: Link, message: MQTTMessage) -> None:
        """Have a batch taken, answer its sender, then let the broker forget it."""
        try:
            source, data = message.topic.split("/")[2], bytes(message.payload)
            document = await self._answer(source, data)
            document["hash"] = sha256(data).hexdigest()
            link.publish(f"{ROOT}/{source}/ack", json.dumps(document).encode())
        except Exception:
            # Its sender tries again; a message for ever in flight would block others.
            log.exception("%s: a batch was not answered", self._settings.url)
        finally:
            link.acknowledge(message)
            self._room.release()

    async def _answer(self, source: str, data: bytes) -> Document:
        if not SOURCE.fullmatch(source):
            told = ForgedSourceError("topic: expected a source in 32 hex digits")
            return refusal(told, data)
        _, document = await answer(
            self._desk, data, Sender(source=bytes.fromhex(source))
        )
        return document
