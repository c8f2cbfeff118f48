"""The journal: what was sealed and what was accounted, durable in its folder."""

from zerometer.agent.journal.journal import Journal
from zerometer.agent.journal.model import (
    Commit,
    JournalInfo,
    Resume,
    SealedBatch,
    StoredBatch,
    StreamInfo,
    UplinkInfo,
)

__all__ = [
    "Commit",
    "Journal",
    "JournalInfo",
    "Resume",
    "SealedBatch",
    "StoredBatch",
    "StreamInfo",
    "UplinkInfo",
]
