"""Our sender towards a NATS server, and what a receiver would answer it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from harness.batches import EPOCH, SOURCE
from harness.nats_peer import NatsPeer
from harness.sealed_batches import sealed
from nats.aio.msg import Msg

from zerometer.agent.uplink.base import Answer
from zerometer.agent.uplink.nats import NatsSender
from zerometer.core.site import UplinkSettings

WHO = SOURCE.hex()


@dataclass(frozen=True)
class Sent:
    """A batch as the journal hands it out."""

    seq: int
    data: bytes
    stream: str = "readings"
    position: int = 1
    epoch: bytes = EPOCH
    samples: int = 3
    t1_ms: int = 0


def batch(seq: int = 1) -> Sent:
    """Return batch *seq*."""
    return Sent(seq, sealed(seq))


def stored(seq: int = 1, **changes: Any) -> dict[str, Any]:
    """Return how a receiver answers batch *seq*."""
    return {
        "status": "stored",
        "source": WHO,
        "epoch": EPOCH.hex(),
        "stream": "readings",
        "seq": seq,
        **changes,
    }


def sender_to(url: str, **settings: Any) -> NatsSender:
    """Return a sender that has not connected yet."""
    return NatsSender(UplinkSettings(id="main", url=url, **settings), SOURCE)


def answered(
    pool: ThreadPoolExecutor, sender: NatsSender, peer: NatsPeer, document: Any
) -> tuple[Answer, Msg]:
    """Send a batch that a receiver answers with *document*."""
    sending = pool.submit(sender.send, batch(), 4)
    message = peer.take()
    peer.answer(WHO, document, message.headers)
    peer.acknowledge(message)
    return sending.result(), message
