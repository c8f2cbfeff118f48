"""What goes into the journal and what comes out, as plain types."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBatch:
    """A batch that will not change; ``seq`` follows the stream's last one."""

    stream: str
    seq: int
    data: bytes
    t0_ms: int
    t1_ms: int
    samples: int


@dataclass(slots=True, kw_only=True)
class Commit:
    """What becomes durable together, or not at all.

    ``state`` replaces the accounting state. ``sealed`` batches go in, in this
    order, and the segments of their streams go out. Then ``segments`` (stream,
    data) are added: rows of open batches. ``lost`` are the numbers (stream, seq)
    between the sealed batches that were given up before they could be written;
    they become gaps. ``shares`` (start, data) are quarter hours that can be restated,
    new or anew; those that begin before ``shares_from_ns`` go.
    """

    state: bytes
    segments: list[tuple[str, bytes]] = field(default_factory=list)
    sealed: list[SealedBatch] = field(default_factory=list)
    lost: frozenset[tuple[str, int]] = frozenset()
    shares: list[tuple[int, bytes]] = field(default_factory=list)
    shares_from_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Where a start goes on.

    ``segments`` (stream, data) are those of the open batches, oldest first.
    ``next_seq`` and ``last_hash`` (batch_hash of the last batch) are by stream;
    a stream that is not there begins with 1 and has no last batch.
    """

    state: bytes | None
    segments: list[tuple[str, bytes]]
    next_seq: dict[str, int]
    last_hash: dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """A batch as it stands in the journal; ``id`` counts over all streams."""

    id: int
    stream: str
    seq: int
    data: bytes
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkInfo:
    """How far an uplink is: batches up to its cursor, and kept batches after it."""

    acknowledged: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalInfo:
    """The journal at one moment.

    ``bytes`` are in use in the file, ``batches`` are kept in it; ``sealed_*``
    count since the journal began, ``evicted`` and ``damaged`` are batches that
    were lost to no uplink's acknowledgement, and ``commits`` counts since it was
    opened. ``last_commit_ms`` is UTC; ``last_error`` is empty while commits work.
    """

    bytes: int = 0
    max_bytes: int = 0
    batches: int = 0
    sealed_batches: int = 0
    sealed_samples: int = 0
    evicted: int = 0
    damaged: int = 0
    commits: int = 0
    uplinks: Mapping[str, UplinkInfo] = field(default_factory=dict)
    last_commit_ms: int | None = None
    last_error: str = ""
