"""The line of a bus as its loop uses it: opened again when lost, drained when late."""

import os
from collections.abc import Callable
from time import monotonic_ns

from zerometer.core.errors import LineError
from zerometer.drivers._exchange import Exchange
from zerometer.drivers.line import Line

#: Between two attempts to open the port, at first and at most.
FIRST_RETRY_NS = 500_000_000
LONGEST_RETRY_NS = 10_000_000_000

#: How late a reply may be: what is assumed, and what is believed.
ASSUMED_LATENESS_NS = 500_000_000
LONGEST_LATENESS_NS = 5_000_000_000

#: Silence that ends a reply which came, but corrupted.
GARBAGE_SILENCE_NS = 20_000_000


class Port:
    """Transactions on the line that *open_line* opens, as long as it can be opened."""

    def __init__(self, open_line: Callable[[], Line]) -> None:
        self._open_line = open_line
        self._line: Line | None = None
        #: The transactions of the open line; None while there is none.
        self.exchange: Exchange | None = None
        self._retry_spacing_ns = FIRST_RETRY_NS
        self._lateness_ns = ASSUMED_LATENESS_NS
        #: When opening is worth another attempt.
        self.retry_ns = 0
        #: Over all the time: transactions, time spent in them and in draining.
        self.transactions = 0
        self.busy_ns = 0
        self._wakes = 0
        self._discarded = 0

    @property
    def wakes(self) -> int:
        """How often a transaction put the thread to sleep."""
        exchange = self.exchange
        return self._wakes + (exchange.wakes if exchange else 0)

    @property
    def discarded(self) -> int:
        """Bytes that were thrown away as stale or late."""
        exchange = self.exchange
        return self._discarded + (exchange.discarded if exchange else 0)

    def open(self, now_ns: int) -> None:
        """Open the line; LineError when it cannot be, to be tried at ``retry_ns``."""
        try:
            line = self._open_line()
        except LineError:
            self._postpone(now_ns)
            raise
        settings = line.settings
        self._line = line
        self.exchange = Exchange(line.fd, settings.character_ns, settings.silence_ns)
        self._retry_spacing_ns = FIRST_RETRY_NS

    def close(self) -> None:
        """Give the line back; an open descriptor would rename a replugged adapter."""
        if self.exchange is not None:
            self._wakes += self.exchange.wakes
            self._discarded += self.exchange.discarded
            self.exchange = None
        if self._line is not None:
            self._line.close()
            self._line = None

    def lose(self, now_ns: int) -> str:
        """Close the line that is gone; return why it is."""
        number = self.exchange.error if self.exchange is not None else 0
        self.close()
        self._postpone(now_ns)
        return os.strerror(number).lower() if number else "hung up"

    def run(
        self, exchange: Exchange, request: bytes, look_ns: int, timeout_ns: int
    ) -> int:
        """Run one transaction and return its Outcome."""
        start_ns = monotonic_ns()
        outcome = exchange.run(request, look_ns, timeout_ns)
        self.transactions += 1
        self.busy_ns += monotonic_ns() - start_ns
        return outcome

    def drain(self, exchange: Exchange, corrupted: bool) -> tuple[bool, int]:
        """Discard what still comes after a failed transaction, before anyone is asked.

        Return whether the line is still there, and how late the last byte was, as a
        turnaround; 0 if none came. After a *corrupted* reply, nothing late is
        expected.
        """
        start_ns = monotonic_ns()
        silence_ns = GARBAGE_SILENCE_NS if corrupted else self._lateness_ns
        last_ns = exchange.drain(silence_ns, 2 * silence_ns)
        self.busy_ns += monotonic_ns() - start_ns
        if last_ns <= 0:
            return last_ns == 0, 0
        late_ns = exchange.latency_ns + last_ns
        if not corrupted:
            believed_ns = min(late_ns, LONGEST_LATENESS_NS)
            self._lateness_ns = max(self._lateness_ns, believed_ns)
        return True, late_ns

    def _postpone(self, now_ns: int) -> None:
        self.retry_ns = now_ns + self._retry_spacing_ns
        self._retry_spacing_ns = min(2 * self._retry_spacing_ns, LONGEST_RETRY_NS)
