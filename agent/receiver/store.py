"""What commits batches, whatever the database is."""

from array import array
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from zerometer.agent.batch import Header
from zerometer.agent.receiver.model import Incoming, Receipt
from zerometer.agent.receiver.rows import SampleColumn
from zerometer.core.errors import ZerometerError


class Store(Protocol):
    """Holds batches and their rows; opened and used by one thread."""

    def holds(self, header: Header, digest: bytes, received_ms: int) -> bool:
        """Tell whether the batch is committed.

        IdentityConflictError when another one is, under the same identity; it is
        remembered who offered it. StoreBusyError or StoreError when nobody can tell.
        """
        ...

    def commit(self, batches: Sequence[Incoming]) -> list[Receipt | ZerometerError]:
        """Commit *batches* in one transaction; return what came of each.

        One that cannot be committed does not keep the others from it.
        """
        ...

    def query(
        self, sql: str, parameters: Sequence[object] = ()
    ) -> list[dict[str, Any]]:
        """Return all rows that *sql*, with a ``?`` per parameter, selects."""
        ...

    def close(self) -> None:
        """Let go of the database; everything acknowledged is in it."""
        ...


class Database(Protocol):
    """A connection to one of the databases, with its ways of the same things.

    SQL has a ``?`` per parameter. All methods raise StoreBusyError or StoreError.
    """

    #: Columns that hold a sample's value.
    value_columns: str

    def check(self) -> None:
        """Raise StoreGoneError when what is committed would not be found again."""
        ...

    def prepare(self, times: "array[int]") -> None:
        """Make room for samples of *times*, which are not empty."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Commit at the end, or undo all after an exception."""
        ...

    def lock_source(self, source: int) -> None:
        """Keep other receivers from this source until the transaction ends."""
        ...

    def execute(
        self, sql: str, parameters: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows."""
        ...

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each of *rows*."""
        ...

    def insert_samples(self, columns: Sequence[tuple[int, SampleColumn]]) -> None:
        """Insert samples by series; one that is there stays."""
        ...

    def insert_superseded(
        self,
        columns: Sequence[tuple[int, SampleColumn]],
        revision: int,
        batch: int,
    ) -> None:
        """Insert samples by series that another revision stands for."""
        ...

    def query(self, sql: str, parameters: Sequence[object]) -> list[dict[str, Any]]:
        """Return all rows as mappings."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...
