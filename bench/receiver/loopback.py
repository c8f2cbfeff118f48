"""A receiver in a process of its own, and a sender in this one, over loopback HTTP."""

import http.client
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

from harness.receiver_process import ReceiverProcess

#: Live and backlog, as an uplink sends.
LANES = 2


@dataclass(frozen=True, slots=True)
class Loopback:
    """A database, samples a second, and what the receiver took for them."""

    target: str
    samples_per_s: float
    peak_mb: float


def measure(name: str, target: str, batches: Sequence[bytes], samples: int) -> Loopback:
    """Send *batches* of *samples* values; return when the last is acknowledged."""
    process = ReceiverProcess(target)
    lanes = [
        threading.Thread(target=_send, args=(process.port, batches[lane::LANES]))
        for lane in range(LANES)
    ]
    start = time.perf_counter()
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    seconds = time.perf_counter() - start
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    assert process.end(SIGTERM) == 0
    return Loopback(name, len(batches) * samples / seconds, peak_kib / 1024)


def _send(port: int, batches: Sequence[bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with closing(connection):
        for data in batches:
            connection.request("POST", "/v1/batches", data)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            assert b'"stored"' in body, body
