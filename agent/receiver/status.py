"""What the receiver holds, and which numbers of each stream it waits for."""

from typing import Any

from zerometer.agent.receiver.schema import SCHEMA_VERSION
from zerometer.agent.receiver.store import Store
from zerometer.core.number_spans import Intervals, Span, count

#: Missing ranges shown per stream; ``missing`` counts them all.
MAX_RANGES = 100

_RUNS = """
SELECT source.uuid AS source, epoch, stream, min(seq) AS first, max(seq) AS last
FROM (
    SELECT source, epoch, stream, seq,
           seq - row_number() OVER (PARTITION BY source, epoch, stream ORDER BY seq)
               AS run
    FROM batch
) AS numbered
JOIN source ON source.id = numbered.source
GROUP BY source.uuid, epoch, stream, run
"""

_GAPS = """
SELECT DISTINCT source.uuid AS source, epoch, stream, first, last
FROM gap
JOIN batch ON batch.id = gap.batch
JOIN source ON source.id = batch.source
"""


def read_status(store: Store) -> dict[str, Any]:
    """Return counts, and per stream what is there, declared lost, and missing."""
    (totals,) = store.query(
        "SELECT count(*) AS batches, coalesce(sum(samples), 0) AS samples, "
        "(SELECT count(*) FROM source) AS sources FROM batch"
    )
    gaps = store.query(_GAPS)
    streams: dict[tuple[str, str, str], tuple[list[Span], list[Span]]] = {}
    for part, rows in enumerate((store.query(_RUNS), gaps)):
        for row in rows:
            key = (row["source"], row["epoch"], row["stream"])
            ranges = streams.setdefault(key, ([], []))
            ranges[part].append((row["first"], row["last"]))
    return {
        "schema": SCHEMA_VERSION,
        **dict(totals),
        "gaps": len(gaps),
        "streams": [
            {"source": source, "epoch": epoch, "stream": stream, **_continuity(*ranges)}
            for (source, epoch, stream), ranges in sorted(streams.items())
        ],
    }


def _continuity(present: list[Span], gaps: list[Span]) -> dict[str, Any]:
    """Tell what of a stream is there up to its last batch; *gaps* may repeat."""
    last = max(last for _, last in present)
    absent = count(Intervals(present).absent(1, last))
    missing = list(Intervals([*present, *gaps]).absent(1, last))
    return {
        "batches": count(present),
        "last": last,
        "declared": absent - count(missing),
        "missing": count(missing),
        "missing_ranges": missing[:MAX_RANGES],
    }
