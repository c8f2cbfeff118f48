"""Where the receiver's time goes: the steps of one batch, each by itself."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from zerometer.agent.batch import batch_hash, decode
from zerometer.agent.receiver.model import Incoming
from zerometer.agent.receiver.rows import rows_of
from zerometer.agent.receiver.sqlite_store import open_sqlite

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Stage:
    """A step, and the seconds of a core that all batches took."""

    name: str
    seconds: float


def measure(batches: Sequence[bytes], folder: Path, group: int) -> list[Stage]:
    """Open, make rows of, and commit *batches*, *group* in one transaction."""
    opened, decoding_s = _timed(lambda: [decode(data) for data in batches])
    _, rows_s = _timed(lambda: [rows_of(batch) for batch in opened])
    incoming = [
        Incoming(batch, batch_hash(data), 0)
        for batch, data in zip(opened, batches, strict=True)
    ]
    with closing(open_sqlite(folder / "stages.sqlite")) as store:

        def commit() -> list[object]:
            return [
                outcome
                for start in range(0, len(incoming), group)
                for outcome in store.commit(incoming[start : start + group])
            ]

        outcomes, commit_s = _timed(commit)
        assert len(outcomes) == len(batches)
    return [
        Stage("opening the batch", decoding_s),
        Stage("making its rows", rows_s),
        Stage(f"SQLite, {group} batches a transaction", commit_s - rows_s),
    ]


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Return what *work* returns, and the seconds of a core that it took."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start
