"""What a bus loop needs of the line it works on."""

from typing import Protocol

from zerometer.drivers._exchange import Transaction


class Master(Protocol):
    """Runs the transactions of one line, for one thread."""

    @property
    def pairs_replies(self) -> bool:
        """Whether a reply names its request, so that a late one does no harm."""

    @property
    def error(self) -> int:
        """The errno that lost the port; 0 is an end of file."""

    @property
    def transactions(self) -> int:
        """How many transactions were run."""

    @property
    def busy_ns(self) -> int:
        """Time spent in them and in draining."""

    @property
    def wakes(self) -> int:
        """How often the thread was put to sleep meanwhile, as far as is known."""

    @property
    def discarded(self) -> int:
        """Bytes thrown away as stale or late."""

    @property
    def heard_ns(self) -> int:
        """Monotonic clock when the last transaction ended that anything answered."""

    def run(self, series: list[Transaction]) -> int:
        """Run *series* up to the first that is not GOOD; return how many were run."""

    def drain(self, silence_ns: int, cap_ns: int) -> int:
        """Discard what comes until nothing came for *silence_ns*, up to *cap_ns*.

        Return after how many ns the last byte came, 0 if none came, -1 if the port
        is lost.
        """


class Line(Protocol):
    """An open line, and who asks on it."""

    @property
    def master(self) -> Master:
        """Runs its transactions."""

    @property
    def deaf_after_ns(self) -> int:
        """For how long nothing may answer before the line is opened anew; 0: ever."""

    def close(self) -> None:
        """Give the port back; may be called again."""
