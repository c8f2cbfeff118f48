"""What goes into the journal and what comes out, as plain types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from zerometer.agent.batch import Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBatch:
    """A batch that will not change; ``seq`` follows the stream's last one.

    ``gaps`` are those that its header declares, of ``Journal.gaps``.
    """

    stream: str
    seq: int
    data: bytes
    t0_ms: int
    t1_ms: int
    samples: int
    gaps: tuple[Gap, ...] = ()


@dataclass(slots=True, kw_only=True)
class Commit:
    """What becomes durable together, or not at all.

    ``number`` grows by one with each new commit: one that the journal has already is
    done, so that a commit whose end is not known can be appended again; 0: not to
    be repeated. ``state`` replaces the accounting state. ``sealed`` batches go in,
    in this order, and the segments of their streams go out. Then ``segments``
    (stream, data) are added: rows of open batches. ``lost`` are the numbers (stream,
    seq) between the sealed batches that were given up before they could be written;
    they become gaps, and so do ``reissued`` batches (stream, position), whose
    content is sealed anew. ``shares`` (start, data) are quarter hours that can be
    restated, new or anew; those that begin before ``shares_from_ns`` go.
    """

    number: int = 0
    state: bytes
    segments: list[tuple[str, bytes]] = field(default_factory=list)
    sealed: list[SealedBatch] = field(default_factory=list)
    lost: frozenset[tuple[str, int]] = frozenset()
    reissued: list[tuple[str, int]] = field(default_factory=list)
    shares: list[tuple[int, bytes]] = field(default_factory=list)
    shares_from_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Where a start goes on.

    ``number`` is that of the last commit. ``segments`` (stream, data) are those of
    the open batches, oldest first. ``next_seq`` and ``last_hash`` (batch_hash of the
    last batch) are by stream; a stream that is not there begins with 1 and has no
    last batch.
    """

    number: int
    state: bytes | None
    segments: list[tuple[str, bytes]]
    next_seq: dict[str, int]
    last_hash: dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """A batch as it stands in the journal.

    (``stream``, ``position``) is its place in this journal: positions count the
    stream's batches through all epochs. (source, ``epoch``, ``stream``, ``seq``) is
    its identity: ``seq`` begins with 1 in a new epoch.
    """

    stream: str
    position: int
    epoch: bytes
    seq: int
    data: bytes
    samples: int
    t1_ms: int


class KnownBatch(Protocol):
    """A batch that was handed out, as it comes back."""

    @property
    def stream(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def epoch(self) -> bytes: ...
    @property
    def seq(self) -> int: ...
    @property
    def data(self) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkInfo:
    """How far an uplink is: kept batches that it acknowledged, and those it has not."""

    acknowledged: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamInfo:
    """What is kept of a stream, and from when to when (UTC); None: nothing."""

    bytes: int = 0
    files: int = 0
    batches: int = 0
    t0_ms: int | None = None
    t1_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalInfo:
    """The journal at one moment.

    ``bytes`` are those of its files, ``batches`` are kept in it; ``sealed_*``
    count since the journal began, ``evicted`` and ``damaged`` are batches that
    were lost to no uplink's acknowledgement, ``quarantined`` those that a receiver
    will never take; ``commits`` counts since it was opened. ``free_bytes`` are those
    of its file system. ``last_commit_ms`` is UTC; ``last_error`` is empty while
    commits work.
    """

    bytes: int = 0
    max_bytes: int = 0
    free_bytes: int = 0
    batches: int = 0
    sealed_batches: int = 0
    sealed_samples: int = 0
    evicted: int = 0
    damaged: int = 0
    quarantined: int = 0
    commits: int = 0
    streams: Mapping[str, StreamInfo] = field(default_factory=dict)
    uplinks: Mapping[str, UplinkInfo] = field(default_factory=dict)
    last_commit_ms: int | None = None
    last_error: str = ""
