"""Batches into a receiver's store, without its network and its queue."""

from zerometer.agent.batch import batch_hash, decode, peek
from zerometer.agent.receiver.model import Incoming, Receipt
from zerometer.agent.receiver.store import Store
from zerometer.core.errors import ZerometerError

#: When they come, unless said otherwise: 1970-01-01T04:43:20Z
RECEIVED_MS = 17_000_000


def take(store: Store, data: bytes, received_ms: int = RECEIVED_MS) -> Receipt:
    """Commit one batch alone; raise what it is refused with."""
    header, digest = peek(data), batch_hash(data)
    if store.holds(header, digest, received_ms):
        return Receipt(header, "duplicate")
    (outcome,) = store.commit([Incoming(decode(data), digest, received_ms)])
    if isinstance(outcome, ZerometerError):
        raise outcome
    return outcome
