"""A CSV file that somebody writes again and again; read when it has changed."""

from collections.abc import Callable
from pathlib import Path

from zerometer.agent.factors.feed import FeedError, Said
from zerometer.agent.factors.table import read_factor_csv
from zerometer.core.errors import ConfigError
from zerometer.core.site import FeedSettings


class WatchedCsv:
    """Takes the lines of its series; a file may have lines of others as well."""

    def __init__(self, settings: FeedSettings) -> None:
        self._path = Path(settings.path)
        self._series = settings.series
        self._seen: tuple[int, int] | None = None

    def start(self, wake: Callable[[], None]) -> None:
        """Nothing is listened to."""

    def poll(self, now_ns: int) -> Said:
        """Return what the file says, nothing if it has not changed."""
        try:
            status = self._path.stat()
            if self._seen == (status.st_mtime_ns, status.st_size):
                return Said()
            table = read_factor_csv(self._path, now_ns)
        except OSError as error:
            raise FeedError(f"{self._path}: {error.strerror}") from error
        except ConfigError as error:
            raise FeedError(str(error)) from error
        rows = [row for row in table.rows if row.series == self._series]
        if not rows and not table.bad:
            raise FeedError(f"{self._path}: no line of the series {self._series}")
        self._seen = status.st_mtime_ns, status.st_size
        return Said(rows, table.bad)

    def abort(self) -> None:
        """Reading a file takes no time worth mentioning."""

    def close(self) -> None:
        """The file is not kept open."""
