"""What must hold in every window of the ledger."""

from collections.abc import Iterable, Iterator, Mapping

from zerometer.agent.batch import Batch


def check_balance(batches: Iterable[Batch]) -> None:
    """What entered from an origin is at the places, to the last unit, everywhere."""
    for cells in window_cells(batches):
        for name, entered in cells.items():
            if name.endswith(":entered"):
                tail = ":from:" + name.removesuffix(":entered")
                got = sum(units for cell, units in cells.items() if cell.endswith(tail))
                assert got == entered, name


def window_cells(batches: Iterable[Batch]) -> Iterator[Mapping[str, int]]:
    """Yield the integers of every window row by name."""
    for batch in batches:
        for table in batch.tables:
            if table.name.startswith("ledger/"):
                names = [column.name for column in table.columns]
                for row in zip(*(c.values for c in table.columns), strict=True):
                    yield dict(zip(names, row, strict=True))
