"""The line of a bus as its loop uses it: opened again when lost, drained when late."""

import os
from collections.abc import Callable
from typing import NamedTuple

from zerometer.core.errors import LineError
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.lines.line import Line, Master

#: Between two attempts to open the port, at first and at most. Who plugs an adapter
#: in again wants to see it work; an attempt costs next to nothing.
FIRST_RETRY_NS = 500_000_000
LONGEST_RETRY_NS = 1_500_000_000

#: A line that was opened anew because nothing answered is suspected again after
#: twice the time, at most this long: maybe all its units are just switched off.
LONGEST_DEAF_NS = 1_000_000_000_000

#: How late a reply may be: what is assumed, and what is believed.
ASSUMED_LATENESS_NS = 500_000_000
LONGEST_LATENESS_NS = 5_000_000_000

#: A drain looks so often whether the loop is to stop.
DRAIN_PIECE_NS = 250_000_000

#: Silence that ends a reply which came, but corrupted.
GARBAGE_SILENCE_NS = 20_000_000


class Work(NamedTuple):
    """What was done on a line: transactions, the time in them and in draining.

    ``wakes`` is how often the thread was put to sleep meanwhile, ``discarded`` how
    many bytes were thrown away as stale or late.
    """

    transactions: int
    busy_ns: int
    wakes: int
    discarded: int


class Port:
    """Transactions on the line that *open_line* opens, as long as it can be opened.

    *stopping* tells whether nobody wants them any more.
    """

    def __init__(
        self, open_line: Callable[[], Line], stopping: Callable[[], bool]
    ) -> None:
        self._open_line = open_line
        self._stopping = stopping
        self._line: Line | None = None
        #: The transactions of the open line; None while there is none.
        self.exchange: Master | None = None
        self._retry_spacing_ns = FIRST_RETRY_NS
        # When the first request left that nothing has answered since, and why the
        # line is closed for it.
        self._unanswered_ns = 0
        self._deaf_times = 0
        self._deaf = ""
        self._lateness_ns = ASSUMED_LATENESS_NS
        #: When opening is worth another attempt.
        self.retry_ns = 0
        self._before = Work(0, 0, 0, 0)

    @property
    def work(self) -> Work:
        """What was done over all the time, on whatever line was open."""
        exchange = self.exchange
        if exchange is None:
            return self._before
        before = self._before
        return Work(
            before.transactions + exchange.transactions,
            before.busy_ns + exchange.busy_ns,
            before.wakes + exchange.wakes,
            before.discarded + exchange.discarded,
        )

    def open(self, now_ns: int) -> None:
        """Open the line; LineError when it cannot be, to be tried at ``retry_ns``."""
        try:
            line = self._open_line()
        except LineError:
            self._postpone(now_ns)
            raise
        self._line = line
        self.exchange = line.master
        self._unanswered_ns = 0
        self._deaf = ""

    def close(self) -> None:
        """Give the line back; an open descriptor would rename a replugged adapter."""
        if self.exchange is not None:
            self._before = self.work
            self.exchange = None
        if self._line is not None:
            self._line.close()
            self._line = None

    def lose(self, now_ns: int) -> str:
        """Close the line that is gone; return why it is."""
        number = self.exchange.error if self.exchange is not None else 0
        if self.exchange is not None and self.exchange.heard_ns:
            self._retry_spacing_ns = FIRST_RETRY_NS
        self.close()
        self._postpone(now_ns)
        if self._deaf:
            return self._deaf
        return os.strerror(number).lower() if number else "hung up"

    def drain(
        self, exchange: Master, failed: Transaction, corrupted: bool
    ) -> tuple[bool, int]:
        """Discard what still comes after a *failed* transaction, before the next one.

        Return whether the line is still there, and how late the last byte was, as a
        turnaround; 0 if none came. After a *corrupted* reply, nothing late is
        expected. A line on which nothing has answered for too long is given up.
        """
        if self._is_deaf(exchange, failed):
            return False, 0
        silence_ns = GARBAGE_SILENCE_NS if corrupted else self._lateness_ns
        if exchange.pairs_replies:
            silence_ns = LONGEST_LATENESS_NS  # it knows for itself what it waits for
        last_ns = self._drained(exchange, silence_ns, 2 * silence_ns)
        late_ns = failed.latency_ns + last_ns if last_ns > 0 else 0
        if not corrupted:
            self._expect_late(late_ns)
        return last_ns >= 0, late_ns

    def _expect_late(self, late_ns: int) -> None:
        """Drain for as long as a reply was late, and less each time that none is.

        What comes later all the same is told by the proof that each unit must give.
        """
        less_ns = (self._lateness_ns - ASSUMED_LATENESS_NS) // 8
        believed_ns = min(late_ns, LONGEST_LATENESS_NS)
        self._lateness_ns = max(self._lateness_ns - less_ns, believed_ns)

    def _drained(self, exchange: Master, silence_ns: int, cap_ns: int) -> int:
        """Drain *exchange* piece by piece: who stops does not wait for the silence."""
        passed_ns = last_ns = 0
        while passed_ns < min(last_ns + silence_ns, cap_ns) and not self._stopping():
            piece_ns = min(last_ns + silence_ns, cap_ns) - passed_ns
            piece_ns = min(piece_ns, DRAIN_PIECE_NS)
            came_ns = exchange.drain(piece_ns, piece_ns)
            if came_ns < 0:
                return came_ns
            if came_ns:
                last_ns = passed_ns + came_ns
            # What came late in a piece may have prolonged it.
            passed_ns += max(piece_ns, came_ns)
        return last_ns

    def _is_deaf(self, exchange: Master, failed: Transaction) -> bool:
        """Tell whether the line is suspected: a lost peer may show in no other way."""
        if exchange.heard_ns > self._unanswered_ns or not self._unanswered_ns:
            if exchange.heard_ns:
                self._deaf_times = 0
            self._unanswered_ns = failed.done_ns
        allowed_ns = self._line.deaf_after_ns if self._line is not None else 0
        allowed_ns = min(allowed_ns << self._deaf_times, LONGEST_DEAF_NS)
        silent_ns = failed.done_ns - self._unanswered_ns
        if not allowed_ns or silent_ns < allowed_ns:
            return False
        self._deaf_times += 1
        self._deaf = (
            f"nothing has answered for {silent_ns // 1_000_000_000} s; connects anew"
        )
        return True

    def _postpone(self, now_ns: int) -> None:
        self.retry_ns = now_ns + self._retry_spacing_ns
        self._retry_spacing_ns = min(2 * self._retry_spacing_ns, LONGEST_RETRY_NS)
