"""Brings a receiver's SQLite file of schema 1 to schema 2, within a transaction.

Schema 1 kept the row of a window that came last, not that of the highest revision;
which batch brought it is guessed: the last one that covers its time.
"""

import sqlite3
from collections.abc import Sequence

from zerometer.agent.receiver.rows import EVENTS, digest_of

_OLD_VIEWS = ("reading", "ledger", "event_log")
_NEW_TABLES = ("conflict", "booking", "superseded", "entry")
_STATEMENTS = (
    "ALTER TABLE batch ADD COLUMN boot TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE batch ADD COLUMN offset_ms INTEGER",
    "CREATE INDEX gap_batch ON gap (batch)",
    f"""
    INSERT OR IGNORE INTO entry (source, name, t_ms, digest, batch, fields)
    SELECT batch.source, '{EVENTS}', event.t_ms, digest_of(fields), batch.id, fields
    FROM event JOIN batch ON batch.id = event.batch ORDER BY event.batch, event.row
    """,
    "DROP TABLE event",
    """
    INSERT INTO booking (source, "window", t_ms, revision, batch)
    SELECT source, subject, t_ms, value, coalesce(
        (SELECT max(id) FROM batch WHERE batch.source = series.source
            AND stream <> 'readings' AND t_ms BETWEEN t0_ms AND t1_ms),
        (SELECT max(id) FROM batch WHERE batch.source = series.source)
    )
    FROM sample JOIN series ON series.id = sample.series
    WHERE kind = 'ledger' AND name = 'revision'
    """,
)


def migrate(connection: sqlite3.Connection, schema: Sequence[str]) -> None:
    """Change tables and views to those that *schema* creates."""
    connection.create_function("digest_of", 1, digest_of, deterministic=True)
    for view in _OLD_VIEWS:
        connection.execute(f"DROP VIEW {view}")
    for statement in schema:
        if any(f"CREATE TABLE {name} (" in statement for name in _NEW_TABLES):
            connection.execute(statement)
    for statement in _STATEMENTS:
        connection.execute(statement)
    for statement in schema:
        if "CREATE VIEW " in statement or "INDEX entry_time" in statement:
            connection.execute(statement)
