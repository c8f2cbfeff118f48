"""Windows come again, more complete or restated, and not always in order.

The row with the highest revision counts; of one revision, that of the highest epoch,
then of the highest number. So the tables are the same whatever the order in which
batches arrive. Rows that do not count are kept beside, as what they are: superseded.
"""

from collections import defaultdict
from collections.abc import Sequence

from zerometer.agent.batch import Header
from zerometer.agent.receiver.rows import SampleColumn, SeriesTable
from zerometer.agent.receiver.series import SeriesBook
from zerometer.agent.receiver.store import Database

_PRESENT = """
SELECT t_ms, revision, batch.epoch, batch.seq, batch.id
FROM booking JOIN batch ON batch.id = booking.batch
WHERE booking.source = ? AND "window" = ? AND t_ms BETWEEN ? AND ?
"""
_OF_WINDOW = """
t_ms = ? AND series IN (
    SELECT id FROM series WHERE source = ? AND kind = 'ledger' AND subject = ?
)
"""
_BOOK = """
INSERT INTO booking (source, "window", t_ms, revision, batch) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (source, "window", t_ms)
DO UPDATE SET revision = excluded.revision, batch = excluded.batch
"""


def book(
    database: Database,
    series: SeriesBook,
    source: int,
    batch: tuple[int, Header],
    tables: Sequence[SeriesTable],
) -> None:
    """Write the windows in *tables* of the batch with an id and a header."""
    by_name: dict[str, list[SeriesTable]] = defaultdict(list)
    for table in tables:
        if table.times:
            by_name[table.name].append(table)
    for name, parts in by_name.items():
        _Window(database, series, source, name, batch).book(parts)


class _Window:
    """The rows of one length of windows that a batch brings."""

    def __init__(
        self,
        database: Database,
        series: SeriesBook,
        source: int,
        name: str,
        batch: tuple[int, Header],
    ) -> None:
        self._database = database
        self._series = series
        self._source = source
        self._length = name.partition("/")[2]
        self._batch, self._header = batch

    def book(self, parts: Sequence[SeriesTable]) -> None:
        latest: dict[int, int] = {}
        for part in parts:
            for time, revision in zip(part.times, part.revisions, strict=True):
                latest[time] = max(revision, latest.get(time, revision))
        winners = self._make_way(latest)
        self._database.execute_many(
            _BOOK,
            [
                (self._source, self._length, time, latest[time], self._batch)
                for time in winners
            ],
        )
        for part in parts:
            self._insert(part, {time: latest[time] for time in winners})

    def _make_way(self, latest: dict[int, int]) -> list[int]:
        """Return the times at which this batch counts; set aside what is there."""
        length = (self._source, self._length)
        rows = self._database.execute(_PRESENT, (*length, min(latest), max(latest)))
        present = {time: rest for time, *rest in rows if time in latest}
        mine = (self._header.epoch.hex(), self._header.seq)
        winners = []
        for time, revision in latest.items():
            if time in present:
                held, epoch, seq, batch = present[time]
                if (revision, *mine) < (held, epoch, seq):
                    continue
                self._set_aside(time, held, batch)
            winners.append(time)
        return winners

    def _set_aside(self, time: int, revision: int, batch: int) -> None:
        values = self._database.value_columns
        which = (time, self._source, self._length)
        self._database.execute(
            f"INSERT INTO superseded (series, t_ms, revision, batch, {values}) "
            f"SELECT series, t_ms, ?, ?, {values} FROM sample WHERE {_OF_WINDOW}",
            (revision, batch, *which),
        )
        self._database.execute(f"DELETE FROM sample WHERE {_OF_WINDOW}", which)

    def _insert(self, part: SeriesTable, counting: dict[int, int]) -> None:
        ids = self._series.ids(self._source, part)
        rows = list(zip(part.times, part.revisions, strict=True))
        if all(counting.get(time) == revision for time, revision in rows):
            columns = list(zip(ids, part.columns, strict=True))
            self._database.insert_samples(columns)
            return
        for revision in sorted(set(part.revisions)):
            times = {time for time, own in rows if own == revision}
            wins = {time for time in times if counting.get(time) == revision}
            self._database.insert_samples(_only(ids, part, wins))
            self._database.insert_superseded(
                _only(ids, part, times - wins), revision, self._batch
            )


def _only(
    ids: Sequence[int], part: SeriesTable, times: set[int]
) -> list[tuple[int, SampleColumn]]:
    columns = (column.only(times) for column in part.columns)
    return list(zip(ids, columns, strict=True))
