"""The numbers of series: found once, then remembered table by table."""

from array import array
from collections.abc import Sequence

from zerometer.agent.receiver.rows import Layout, SeriesTable
from zerometer.agent.receiver.store import Database

#: Tables remembered; a factory's gateway has a hundred.
MAX_TABLES = 200_000

_FIND = """
SELECT id, name, unit, exponent FROM series
WHERE source = ? AND kind = ? AND subject = ? AND "group" = ?
"""
_ADD = """
INSERT INTO series (source, kind, subject, "group", name, unit, exponent, divisor)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""

_Key = tuple[int, str, Layout]


class SeriesBook:
    """Ids of the series of tables; rows of ``series`` are never deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[_Key, array[int]] = {}
        self._fresh: dict[_Key, array[int]] = {}
        # Gateways with the same meters share one layout in memory.
        self._layouts: dict[Layout, Layout] = {}

    def ids(self, source: int, table: SeriesTable) -> "Sequence[int]":
        """Return the ids of the columns of *table*, within a transaction."""
        key = (source, table.name, self._layouts.get(table.layout, table.layout))
        ids = self._known.get(key) or self._fresh.get(key)
        if ids is None:
            ids = self._fresh[key] = self._find(source, table)
        return ids

    def keep(self) -> None:
        """Remember what was found in a transaction that is committed."""
        for (source, name, layout), ids in self._fresh.items():
            if len(self._known) >= MAX_TABLES:
                self._known.clear()
                self._layouts.clear()
            shared = self._layouts.setdefault(layout, layout)
            self._known[source, name, shared] = ids
        self._fresh = {}

    def drop(self) -> None:
        """Forget what was found in a transaction that was undone."""
        self._fresh = {}

    def _find(self, source: int, table: SeriesTable) -> "array[int]":
        place = (source, *(*table.name.split("/", 2), "", "")[:3])
        known = self._there(place)
        new = [column for column in table.layout if column not in known]
        if new:
            self._database.execute_many(
                _ADD, [(*place, *column, 10.0 ** -column[2]) for column in new]
            )
            known = self._there(place)
        return array("q", [known[column] for column in table.layout])

    def _there(self, place: tuple[object, ...]) -> dict[tuple[str, str, int], int]:
        rows = self._database.execute(_FIND, place)
        return {(name, unit, exponent): number for number, name, unit, exponent in rows}
