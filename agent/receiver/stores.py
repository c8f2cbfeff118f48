"""Which database belongs to ``--to``."""

from collections.abc import Callable
from pathlib import Path

from zerometer.agent.receiver.store import Store
from zerometer.core.errors import ConfigError

SCHEMES = ("sqlite", "duckdb", "postgresql", "postgres")


def store_opener(target: str) -> Callable[[], Store]:
    """Return what opens the store at *target*: a file name, or a URL.

    ConfigError when the scheme is not known, or what it needs is not installed.
    """
    scheme, colon, rest = target.partition(":")
    if not colon or scheme not in SCHEMES:
        scheme, rest = "sqlite", target
    if scheme == "sqlite":
        from zerometer.agent.receiver.sqlite_store import open_sqlite

        return lambda: open_sqlite(Path(rest))
    raise ConfigError(f"--to {target}: not yet")
