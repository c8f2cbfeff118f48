"""What the parts of the receiver tell each other, as plain types."""

from dataclasses import dataclass
from typing import Literal

from zerometer.agent.batch import Batch, Header, Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What a transport knows of who brings a batch.

    ``source`` is the one that the broker's topic or subject names; the broker's own
    rules say who may write there. ``token`` is a bearer token; ``fingerprint``
    (SHA-256, hexadecimal) and ``name`` (CN) are of the client's certificate, which
    the transport has checked.
    """

    source: bytes | None = None
    token: str | None = None
    fingerprint: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A batch that has been opened and is to be committed."""

    batch: Batch
    digest: bytes
    received_ms: int

    @property
    def header(self) -> Header:
        """The batch's header."""
        return self.batch.header


@dataclass(frozen=True, slots=True)
class Receipt:
    """A batch is committed: now, or it was before.

    ``resend`` are numbers that its sender should send again.
    """

    header: Header
    status: Literal["stored", "duplicate"]
    resend: tuple[Missing, ...] = ()
