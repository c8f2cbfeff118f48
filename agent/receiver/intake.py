"""Bytes in, a committed batch out: the receiver without its network."""

from dataclasses import dataclass
from typing import Literal

from zerometer.agent.batch import Header, batch_hash, decode, peek
from zerometer.agent.receiver.store import Store


@dataclass(frozen=True, slots=True)
class Receipt:
    """A batch is committed: now, or it was before."""

    header: Header
    status: Literal["stored", "duplicate"]


def take(store: Store, data: bytes) -> Receipt:
    """Check *data* and commit it; when this returns, it is on the disk.

    Raises FormatError when the bytes are no batch, IdentityConflictError when
    another batch has its identity, StoreBusyError or StoreError when it cannot be
    written. Then nothing of it is stored. A duplicate is known by its header: its
    body is not unpacked again.
    """
    header = peek(data)
    digest = batch_hash(data)
    if store.holds(header, digest):
        return Receipt(header, "duplicate")
    stored = store.commit(decode(data), digest)
    return Receipt(header, "stored" if stored else "duplicate")
