"""A broker of MQTT for the peers that have no other way out, and its listener."""

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bench.bus.plant import value
from bench.peers.environments import PeerError, program
from bench.peers.job import Came

#: Takes a topic and what was published there: unit, address and value of each.
Reader = Callable[[str, str], Iterable[tuple[int, int, float]]]

_HOST = "127.0.0.1"
_START_S = 10.0


class Listener:
    """Compares all that is published."""

    def __init__(self, lines: Iterable[str], reader: Reader) -> None:
        self._lines = lines
        self._reader = reader
        self._right = self._wrong = 0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def came(self) -> Came:
        """Return what was published so far."""
        return Came(self._right, self._wrong)

    def _listen(self) -> None:
        for line in self._lines:
            topic, _, payload = line.strip().partition(" ")
            for unit, address, number in self._reader(topic, payload):
                if number == value(unit, address):
                    self._right += 1
                else:
                    self._wrong += 1


@contextlib.contextmanager
def broker(folder: Path, reader: Reader) -> Iterator[tuple[int, Listener]]:
    """Run a broker meanwhile: its port on this machine, and what listens there."""
    port = _free_port()
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} {_HOST}\nallow_anonymous true\npersistence false\n"
        "max_queued_messages 0\n",
        encoding="utf-8",
    )
    serve = [program("mosquitto"), "-c", str(settings)]
    listen = [program("mosquitto_sub"), "-h", _HOST, "-p", str(port), "-v", "-t", "#"]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        )
        stack.callback(server.kill)
        _wait(port, server)
        client = stack.enter_context(
            subprocess.Popen(
                listen, stdout=subprocess.PIPE, text=True, errors="replace"
            )
        )
        stack.callback(client.kill)
        assert client.stdout is not None
        yield port, Listener(client.stdout, reader)


def publish(port: int, topic: str, payload: str) -> None:
    """Publish at the broker on *port*."""
    command = [program("mosquitto_pub"), "-h", _HOST, "-p", str(port)]
    subprocess.run([*command, "-t", topic, "-m", payload], check=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _wait(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection((_HOST, port), 1):
            return
        if server.poll() is not None or time.monotonic() > deadline:
            raise PeerError("mosquitto does not listen")
        time.sleep(0.05)
