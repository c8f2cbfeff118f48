"""What a receiver has of a gateway that has ended; only that is asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.gateway import Gateway
from harness.taking import take

from zerometer.agent.receiver.sqlite_store import open_sqlite
from zerometer.agent.receiver.store import Store


@contextmanager
def received(gateway: Gateway) -> Iterator[Store]:
    """Return the store of a receiver that has taken everything of *gateway*."""
    store = open_sqlite(gateway.folder / "received.sqlite")
    try:
        for batch in gateway.stored():
            take(store, batch.data)
        yield store
    finally:
        store.close()


def records(store: Store, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table of records, in the order of their times."""
    found = store.query(
        f"SELECT t_ms, fields FROM record WHERE \"table\" = '{table}' ORDER BY t_ms"
    )
    return [{"time": row["t_ms"], **json.loads(row["fields"])} for row in found]
