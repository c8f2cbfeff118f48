"""Hands the journal what is not durable yet, one commit after the other."""

from collections.abc import Callable
from concurrent.futures import Future, wait

from zerometer.agent.journal import Commit, Journal
from zerometer.core.errors import JournalError


class Commits:
    """Commits are spaced, and never two at once.

    *following* returns the next commit, the same again until *done* is told that it
    is durable; *trouble* is told why one is not.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        spacing_ns: int,
        following: Callable[[], Commit],
        done: Callable[[Commit], None],
        trouble: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._spacing_ns = spacing_ns
        self._following = following
        self._done = done
        self._trouble = trouble
        self._next_at_ns = 0
        self._pending: tuple[Commit, Future[None]] | None = None
        self._failed = False

    def tick(self, boottime_ns: int) -> None:
        """See what became of the last commit; begin the next one when it is time."""
        self.settle()
        if boottime_ns >= self._next_at_ns and self._pending is None:
            self._begin(boottime_ns)

    def flush(self, boottime_ns: int) -> None:
        """Make everything durable; JournalError when that fails."""
        if self._pending is not None:
            wait([self._pending[1]])
            self.settle()
        again = True
        while again:
            again = self._failed  # then it is the one before
            self._begin(boottime_ns).result()
            self.settle()

    def settle(self) -> None:
        """See what became of the last commit, if that is known."""
        if self._pending is None or not self._pending[1].done():
            return
        commit, future = self._pending
        self._pending = None
        error = future.exception()
        if error is None:
            if self._failed:  # meanwhile there is more
                self._next_at_ns = 0
            self._failed = False
            self._done(commit)
        elif isinstance(error, JournalError):
            self._failed = True
            self._trouble(str(error))
        else:
            raise error

    def _begin(self, boottime_ns: int) -> Future[None]:
        commit = self._following()
        future = self._journal.append(commit)
        self._pending = commit, future
        self._next_at_ns = boottime_ns + self._spacing_ns
        return future
