"""Journals in words, for people."""

from collections.abc import Iterator, Sequence
from typing import Any

from zerometer.agent.journal_tools.chain import Proof
from zerometer.agent.journal_tools.prune import Doomed
from zerometer.core.iso_time import format_time

NS_PER_MS = 1_000_000
Json = dict[str, Any]


def info_lines(info: Json) -> Iterator[str]:
    """Yield lines that tell what ``describe`` found."""
    yield (
        f"journal {info['folder']}: format {info['format']}, {_mb(info['bytes'])} in "
        f"{info['files']} files"
    )
    yield f"gateway {info['source']}, epoch {info['epoch']}"
    for text in info["damaged"]:
        yield f"damaged: {text}"
    yield ""
    head = ("stream", "files", "MB", "batches", "sealed", "from", "to", "epochs")
    yield from _table(
        head,
        [
            (
                s["stream"], s["files"], f"{s['bytes'] / 1e6:.1f}", s["batches"],
                s["sealed_batches"], time_of(s["t0_ms"]), time_of(s["t1_ms"]),
                len(s["epochs"]),
            )
            for s in info["streams"]
        ],
    )  # fmt: skip
    yield from _part(("uplink", "stream", "acknowledged", "pending"), info["uplinks"])
    yield from _part(
        ("gap in", "epoch", "first", "last", "reason", "declared"),
        [{**gap, "gap in": gap["stream"]} for gap in info["gaps"]],
    )
    yield from _part(
        ("quarantine", "stream", "epoch", "seq", "time", "code", "message"),
        [
            {**q, "quarantine": q["uplink"], "time": time_of(q["time_ms"])}
            for q in info["quarantine"]
        ],
    )


def proof_lines(proof: Proof) -> Iterator[str]:
    """Yield what was proved of a series, and what is wrong with it."""
    series = f"{proof.stream}: epoch {proof.epoch} of {proof.source}"
    gaps = sum(gap.last - gap.first + 1 for gap in proof.declared)
    told = f", {gaps} declared as gaps" if gaps else ""
    if proof.batches:
        yield (
            f"{series}: {proof.batches} batches, {proof.first} to {proof.last}{told}, "
            f"{time_of(proof.t0_ms)} to {time_of(proof.t1_ms)}: "
            f"{'not whole' if proof.findings else 'proved'}"
        )
    else:
        yield f"{series}: no batches{told}"
    for finding in proof.findings:
        yield f"  {finding.kind}: {finding.text}"


def doomed_line(file: Doomed) -> str:
    """Return in words which file goes."""
    entry = file.entry
    lacked = (
        f", {file.wanted} batches not acknowledged by {', '.join(file.uplinks)}"
        if file.wanted
        else ""
    )
    return (
        f"{file.stream}-{entry.number:06d}: {entry.last - entry.first + 1} batches, "
        f"{time_of(entry.t0_ms)} to {time_of(entry.t1_ms)}, {_mb(entry.bytes)}{lacked}"
    )


def time_of(time_ms: int | None) -> str:
    """Return a time as ISO 8601, or a dash."""
    return "-" if time_ms is None else format_time(time_ms * NS_PER_MS)


def _part(head: Sequence[str], rows: Sequence[Json]) -> Iterator[str]:
    """Yield a table of what *rows* have under the names in *head*, if any."""
    if rows:
        yield ""
        yield from _table(head, [[_shown(row[name]) for name in head] for row in rows])


def _shown(value: object) -> object:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    texts = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for cells in texts:
        yield "  ".join(map(str.ljust, cells, widths)).rstrip()


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
