"""Journals as tests want them."""

from collections.abc import Iterable
from pathlib import Path

from zerometer.agent.journal import Journal, StoredBatch
from zerometer.core.site import STREAMS, JournalSettings

#: More than any test fills.
LARGE = 1 << 28
#: More batches than any test seals.
ALL = 10**6


def open_journal(
    folder: Path,
    max_bytes: int = LARGE,
    uplinks: Iterable[str] | None = None,
    *,
    hardware: bytes = b"",
    wall_ns: int = 0,
) -> Journal:
    """Open a journal that leaves nothing to others; *uplinks* want all streams.

    By its clock nothing ever is old.
    """
    return Journal.open(
        folder,
        JournalSettings(max_bytes=max_bytes, min_free_bytes=0),
        uplinks=None if uplinks is None else dict.fromkeys(uplinks, STREAMS),
        hardware=hardware,
        wall_ns=lambda: wall_ns,
    )


def unsent(journal: Journal, uplink: str = "up") -> list[StoredBatch]:
    """Return all that *uplink* has not acknowledged, in order."""
    return journal.oldest(uplink, ALL)
