"""The other ends of a broker: a listener, and a receiver that answers by a script."""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from zerometer.agent.batch import peek

#: Longer than a message takes on a busy machine.
PATIENCE_S = 10.0


class Listener:
    """A client that has subscribed to a filter and keeps what comes."""

    def __init__(self, port: int, topics: str) -> None:
        self.came: queue.Queue[MQTTMessage] = queue.Queue()
        self.then: Callable[[MQTTMessage], object] = self.came.put
        ready = threading.Event()
        self.client = Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5
        )
        self.client.on_connect = lambda client, *_: client.subscribe(topics, qos=1)
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.on_message = lambda _client, _data, message: self.then(message)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert ready.wait(PATIENCE_S)

    def next(self) -> MQTTMessage:
        """Return the next message that comes."""
        return self.came.get(timeout=PATIENCE_S)

    def until(self, topic: str, payload: bytes) -> MQTTMessage:
        """Return the message that is this one; leave out all before it."""
        while True:
            message = self.next()
            if (message.topic, message.payload) == (topic, payload):
                return message

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def listening(port: int, topics: str) -> Iterator[Listener]:
    """Listen to a filter of topics."""
    listener = Listener(port, topics)
    try:
        yield listener
    finally:
        listener.close()


def receipt(data: bytes, **changes: Any) -> bytes:
    """Return what a receiver answers to the batch *data* that it has committed."""
    header = peek(data)
    document = {
        "status": "stored",
        "source": header.source.hex(),
        "epoch": header.epoch.hex(),
        "stream": header.stream,
        "seq": header.seq,
        "samples": header.samples,
        "resend": [],
        "hash": sha256(data).hexdigest(),
    }
    return json.dumps(document | changes).encode()


@contextmanager
def answering(
    port: int, answer: Callable[[bytes], list[bytes]]
) -> Iterator[list[MQTTMessage]]:
    """Answer each batch on its source's ack topic; yield what came."""
    came: list[MQTTMessage] = []

    def serve(message: MQTTMessage) -> None:
        came.append(message)
        topic = message.topic.partition("/batch/")[0] + "/ack"
        for document in answer(message.payload):
            listener.client.publish(topic, document, qos=1)

    with listening(port, "zerometer/1/+/batch/+") as listener:
        listener.then = serve
        yield came
