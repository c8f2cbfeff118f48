"""Which database belongs to ``--to``."""

from collections.abc import Callable
from pathlib import Path

from zerometer.agent.receiver.store import Store
from zerometer.core.errors import ConfigError

#: The extra of each scheme that needs more than the base.
EXTRAS = {
    "sqlite": "",
    "duckdb": "duckdb",
    "postgresql": "postgres",
    "postgres": "postgres",
}


def store_opener(target: str) -> Callable[[], Store]:
    """Return what opens the store at *target*: a file name, or a URL.

    ConfigError when the scheme is not known, or what it needs is not installed.
    """
    scheme, colon, rest = target.partition(":")
    if not colon or scheme not in EXTRAS:
        if rest.startswith("//"):
            raise ConfigError(
                f'--to {target}: scheme "{scheme}" is not one of sqlite, duckdb, '
                "postgresql; for SQLite, a file name is enough"
            )
        scheme, rest = "sqlite", target
    try:
        return _opener(scheme, target, rest)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--to {target}: needs {error.name}, which is not installed; "
            f'pip install "zerometer[{EXTRAS[scheme]}]"'
        ) from error


def _opener(scheme: str, target: str, rest: str) -> Callable[[], Store]:
    if scheme == "sqlite":
        from zerometer.agent.receiver.sqlite_store import open_sqlite

        return lambda: open_sqlite(Path(rest))
    if scheme == "duckdb":
        from zerometer.agent.receiver.duckdb_store import open_duckdb

        return lambda: open_duckdb(Path(rest))
    from zerometer.agent.receiver.postgres_store import open_postgres

    return lambda: open_postgres(target)
