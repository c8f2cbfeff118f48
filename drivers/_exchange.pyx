"""Modbus RTU requests and their judged replies on a descriptor, without the GIL.

The thread sleeps through the time in which the reply cannot be complete, so that a
good transaction costs at most three wake-ups however many chunks the driver makes
of it: the silence before the request, the early end of the reply, its last bytes.
Transactions run in series: what the caller does with replies has long left the
processor's caches after a sleep, so it is done for several of them at once.
"""

cimport cython
from libc.errno cimport EAGAIN, EINTR, EIO, errno
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcmp, memcpy, memmove
from posix.time cimport CLOCK_MONOTONIC
from posix.unistd cimport write

from zerometer.core._frame cimport (
    EXCEPTION, EXCEPTION_LENGTH, GOOD, MAX_FRAME, REQUEST_LENGTH, is_read_request,
    reply_length,
)
from zerometer.drivers._descriptor cimport (
    GONE, POLLIN, POLLOUT, READY, SILENT, clock_ns, read_there, sleep_to, wait_until,
    wake_on_time,
)
from zerometer.drivers._turn cimport (
    PAUSE_NS, TIMEOUT, Turn, finish, length_of, patience_ns, verdict_on,
)

from zerometer.core.errors import UsageError


cdef enum:
    # Outcomes beside the verdicts of core.
    LOST = 8
    COLLISION = 9
    # Whether what is sent comes back: adapters that cannot mute their receiver.
    UNKNOWN = 0
    ABSENT = 1
    PRESENT = 2
    # Units of a serial line; 0 would be the broadcast.
    LAST_UNIT = 247
    # Transactions in a series, at most.
    SLOTS = 16
    # Nanoseconds between two looks at a line that babbles while it is drained.
    DRAIN_STEP_NS = 8_000_000
    # Up to so many nanoseconds, a timer costs more than being woken by what comes.
    NAP_NS = 200_000
    # How often stale input may postpone a request by another silence.
    SETTLE_ATTEMPTS = 4


# Nanoseconds that anything here may be told to take: sums of them do not overflow.
cdef int64_t LONGEST_NS = 3_600_000_000_000

#: Transactions in a series, at most.
MAX_SERIES = SLOTS


@cython.final
cdef class Transaction:
    """A read *request*, and what came of it when it was run last.

    *width* is how many registers the unit returns for one address. UsageError when
    *request* is no read, or its reply would be too long.
    """

    cdef Turn turn

    def __cinit__(self, bytes request not None, int width=1):
        cdef const uint8_t* frame = request
        if len(request) != REQUEST_LENGTH or not is_read_request(frame):
            raise UsageError(
                f"request: {request.hex(' ')} is not a read request of 8 bytes"
            )
        memcpy(self.turn.request, frame, REQUEST_LENGTH)
        self.turn.width = width
        self.turn.wanted = reply_length(frame, width)
        if not EXCEPTION_LENGTH < self.turn.wanted <= MAX_FRAME:
            raise UsageError(
                f"request: width: {width} makes replies of {self.turn.wanted} bytes, "
                f"at most {MAX_FRAME} are"
            )

    def conclude(
        self, bytes reply not None, int64_t sent_ns, int64_t character_ns, bint lost
    ) -> None:
        """Take *reply* for what came after the request, which left at *sent_ns*.

        For lines that ask in another way than by an Exchange: it is a frame as on a
        serial line, judged as there, or empty: nothing came in time or, *lost*, the
        port is gone. *sent_ns* is the monotonic clock, *character_ns* the time of one
        byte on the wire.
        """
        cdef Py_ssize_t received = min(len(reply), MAX_FRAME)
        cdef const uint8_t* bytes_of = reply
        memcpy(self.turn.buffer, bytes_of, received)
        self.turn.received = received
        self.turn.outcome = LOST if lost else TIMEOUT
        if received and not lost:
            self.turn.outcome = verdict_on(&self.turn)
        self.turn.overslept = False
        finish(&self.turn, sent_ns, character_ns)

    def expect(self, int64_t turnaround_ns, int64_t timeout_ns) -> None:
        """Say when the reply may come.

        The unit is expected to answer no sooner than *turnaround_ns* after the
        request, and is given up when not a byte came *timeout_ns* after the reply
        could have been complete. Before it is told, both are 0.
        """
        if not (0 <= turnaround_ns <= LONGEST_NS and 0 <= timeout_ns <= LONGEST_NS):
            raise UsageError(
                f"request: turnaround and time-out: {turnaround_ns} and {timeout_ns} "
                "are not times in ns"
            )
        self.turn.turnaround_ns = turnaround_ns
        self.turn.timeout_ns = timeout_ns

    @property
    def request(self) -> bytes:
        """The request."""
        return self.turn.request[:REQUEST_LENGTH]

    @property
    def timeout_ns(self) -> int:
        """The time-out that it was told."""
        return self.turn.timeout_ns

    @property
    def outcome(self) -> int:
        """The Outcome."""
        return self.turn.outcome

    @property
    def received(self) -> int:
        """How many bytes came after the request."""
        return self.turn.received

    @property
    def end_ns(self) -> int:
        """Boot-time clock when the reply was there, or was given up."""
        return self.turn.end_ns

    @property
    def done_ns(self) -> int:
        """Monotonic clock at that time."""
        return self.turn.done_ns

    @property
    def latency_ns(self) -> int:
        """What the bytes of request and reply do not explain: the turnaround."""
        return self.turn.latency_ns

    @property
    def overslept(self) -> bool:
        """The reply was complete at the first look: latency_ns is an upper bound."""
        return self.turn.overslept

    def reply(self) -> bytes:
        """Return all the bytes that came after the request."""
        return self.turn.buffer[:self.turn.received]

    def data(self) -> bytes:
        """Return the register or bit bytes of the reply, which was GOOD."""
        if self.turn.received < EXCEPTION_LENGTH:
            return b""
        return self.turn.buffer[3:self.turn.received - 2]


@cython.final
cdef class Exchange:
    """The transactions of one line, for one thread.

    *fd* must not block and must report a lost port as end of file or as an error;
    it stays the caller's. *character_ns* is the time of one byte on the wire,
    *silence_ns* the silence that separates frames.
    """

    cdef int fd
    cdef int64_t character_ns
    cdef int64_t silence_ns
    # Monotonic time from which on a request may be sent.
    cdef int64_t quiet_ns
    # Where bytes go that belong to no transaction.
    cdef uint8_t[MAX_FRAME] waste
    # The errno that lost the port; 0 is an end of file.
    cdef readonly int error
    # How many transactions were run.
    cdef readonly int64_t transactions
    # Nanoseconds spent in them and in draining.
    cdef readonly int64_t busy_ns
    # How often the thread was put to sleep meanwhile.
    cdef readonly int64_t wakes
    # Bytes thrown away as stale or late.
    cdef readonly int64_t discarded
    # Monotonic clock when the last transaction ended that anything answered.
    cdef readonly int64_t heard_ns
    # UNKNOWN, ABSENT or PRESENT.
    cdef int echo

    def __cinit__(self, int fd, int64_t character_ns, int64_t silence_ns):
        if (fd < 0 or not 0 < character_ns <= LONGEST_NS
                or not 0 <= silence_ns <= LONGEST_NS):
            raise UsageError(
                f"exchange: descriptor, character and silence: {fd}, {character_ns}, "
                f"{silence_ns} are not a descriptor and two times in ns"
            )
        self.fd = fd
        wake_on_time()
        self.character_ns = character_ns
        self.silence_ns = silence_ns

    @property
    def pairs_replies(self) -> bool:
        """False: a reply names no request; one that is late passes for another."""
        return False

    @property
    def echoes(self) -> bool:
        """Whether what is sent comes back, as far as is known."""
        return self.echo == PRESENT

    def run(self, list series not None) -> int:
        """Run the transactions in *series*, in order; return how many were run.

        It ends with the first whose outcome is not GOOD. UsageError when there is
        none, more than MAX_SERIES, or one for a unit that no serial line has;
        TypeError when one is no Transaction.
        """
        cdef Turn* turns[SLOTS]
        # Nobody must take a transaction away while the GIL is released.
        cdef tuple held = tuple(series)
        cdef Transaction transaction
        cdef Py_ssize_t count = len(held)
        cdef Py_ssize_t place, ran
        if not 1 <= count <= SLOTS:
            raise UsageError(
                f"series: {count} transactions are not 1 to {SLOTS} transactions"
            )
        for place in range(count):
            transaction = <Transaction?>held[place]
            if not 1 <= transaction.turn.request[0] <= LAST_UNIT:
                raise UsageError(
                    f"series: unit: {transaction.turn.request[0]} is not within 1 to "
                    f"{LAST_UNIT}, the units of a serial line"
                )
            turns[place] = &transaction.turn
        with nogil:
            ran = self.run_series(turns, count)
        return ran

    def drain(self, int64_t silence_ns, int64_t cap_ns) -> int:
        """Discard input until none came for *silence_ns*, at most for *cap_ns*.

        Return after how many nanoseconds the last byte came, 0 if none came at all,
        -1 if the port is lost.
        """
        cdef int64_t start, last
        silence_ns = min(silence_ns, LONGEST_NS)
        cap_ns = min(cap_ns, LONGEST_NS)
        with nogil:
            start = clock_ns(CLOCK_MONOTONIC)
            last = self.discard_until_silent(start, silence_ns, cap_ns)
            self.busy_ns += clock_ns(CLOCK_MONOTONIC) - start
        return last

    cdef Py_ssize_t run_series(self, Turn** turns, Py_ssize_t count) noexcept nogil:
        cdef int64_t start = clock_ns(CLOCK_MONOTONIC)
        cdef Py_ssize_t ran = 0
        while ran < count:
            self.transact(turns[ran])
            ran += 1
            if turns[ran - 1].outcome != GOOD:
                break
        self.transactions += ran
        self.busy_ns += turns[ran - 1].done_ns - start
        return ran

    cdef void transact(self, Turn* turn) noexcept nogil:
        cdef int64_t wire_ns = (REQUEST_LENGTH + turn.wanted) * self.character_ns
        cdef int64_t sent_ns, deadline_ns
        self.error = 0
        turn.received = 0
        turn.outcome = self.settle()
        sent_ns = clock_ns(CLOCK_MONOTONIC)
        deadline_ns = sent_ns + wire_ns + turn.timeout_ns
        if turn.outcome != LOST:
            turn.outcome = self.send(turn.request, deadline_ns)
        if turn.outcome != LOST:
            turn.outcome = self.receive(
                turn,
                sent_ns + wire_ns + min(turn.turnaround_ns, turn.timeout_ns),
                deadline_ns,
            )
        finish(turn, sent_ns, self.character_ns)
        if turn.received:
            self.heard_ns = turn.done_ns
        self.quiet_ns = turn.done_ns + self.silence_ns

    cdef int settle(self) noexcept nogil:
        """Wait until the line was silent for long enough and no stale input is left."""
        cdef Py_ssize_t came
        cdef int _
        for _ in range(SETTLE_ATTEMPTS):
            self.sleep_until(self.quiet_ns)
            came = self.take(self.waste, MAX_FRAME)
            if came < 0:
                return LOST
            if came == 0:
                break
            self.discarded += came
            self.quiet_ns = clock_ns(CLOCK_MONOTONIC) + self.silence_ns
        return READY

    cdef int send(self, const uint8_t* request, int64_t deadline_ns) noexcept nogil:
        cdef Py_ssize_t sent = 0
        cdef Py_ssize_t count
        while sent < REQUEST_LENGTH:
            count = write(self.fd, request + sent, REQUEST_LENGTH - sent)
            if count > 0:
                sent += count
            elif count == 0 or errno == EAGAIN:
                # A line that takes no eight bytes in this time takes none at all.
                if self.wait_for(POLLOUT, deadline_ns) != READY:
                    self.error = EIO
                    return LOST
            elif errno != EINTR:
                self.error = errno
                return LOST
        return READY

    cdef int receive(
        self, Turn* turn, int64_t earliest_ns, int64_t timeout_ns
    ) noexcept nogil:
        """Return what became of *turn*; *timeout_ns* is when it is given up."""
        cdef int64_t deadline_ns = timeout_ns
        # By then all is there of a reply that began in time. Who sends byte by byte,
        # each just before the patience with him ends, must not hold up the others.
        cdef int64_t limit_ns = (
            timeout_ns + turn.wanted * self.character_ns + PAUSE_NS
        )
        cdef Py_ssize_t came, missing
        # Whether the request itself came back, and was taken from the buffer.
        cdef bint stripped = False
        cdef int64_t now
        cdef int state
        turn.overslept = earliest_ns - clock_ns(CLOCK_MONOTONIC) > NAP_NS
        if turn.overslept:
            self.sleep_until(earliest_ns)
        elif self.wait_for(POLLIN, deadline_ns) == GONE:
            return LOST
        while True:
            came = self.take(turn.buffer + turn.received, MAX_FRAME - turn.received)
            if came < 0:
                return LOST
            if came > 0:
                turn.received += came
                missing = self.missing_of(turn, &stripped)
                if missing <= 0:
                    return self.judged(turn, stripped)
                now = clock_ns(CLOCK_MONOTONIC)
                turn.overslept = False
                # Of a reply that has not begun nothing can be said yet.
                if turn.received:
                    deadline_ns = min(
                        limit_ns,
                        patience_ns(turn, now, timeout_ns)
                        + missing * self.character_ns,
                    )
                # The last byte is due between one character earlier and then: half
                # a character is slept over at most, and a poll waits for the rest.
                if missing > 1 and turn.received and now < limit_ns:
                    self.sleep_until(
                        now + missing * self.character_ns - self.character_ns // 2
                    )
                    continue
            turn.overslept = False
            state = self.wait_for(POLLIN, deadline_ns)
            if state == GONE:
                return LOST
            if state == SILENT:
                if turn.received == 0:
                    return TIMEOUT
                return self.judged(turn, stripped)

    cdef Py_ssize_t missing_of(self, Turn* turn, bint* stripped) noexcept nogil:
        """Take the echo off, when it is whole; return how many bytes are to come.

        A reply that is right differs from its request in the third byte, its byte
        count, unless that is the high byte of the address. Only then is an echo
        believed by what was seen before; a reply that is taken for one while nothing
        is known becomes a time-out, never a value.
        """
        cdef const uint8_t* request = turn.request
        cdef bint differs = request[2] != turn.wanted - EXCEPTION_LENGTH
        cdef Py_ssize_t length = min(turn.received, REQUEST_LENGTH)
        if (not stripped[0] and (differs or self.echo != ABSENT)
                and memcmp(turn.buffer, request, length) == 0):
            if length < REQUEST_LENGTH:
                # The first two bytes tell nothing: sleep no longer than a reply takes.
                if self.echo != PRESENT and (length <= 2 or not differs):
                    return max(turn.wanted - length, 1)
                return REQUEST_LENGTH - length + turn.wanted
            stripped[0] = True
            self.echo = PRESENT
            turn.received -= REQUEST_LENGTH
            memmove(turn.buffer, turn.buffer + REQUEST_LENGTH, turn.received)
        return length_of(turn) - turn.received

    cdef int judged(self, Turn* turn, bint stripped) noexcept nogil:
        """Return the outcome by what came, without its echo if it was *stripped*."""
        cdef int outcome = verdict_on(turn)
        if stripped:
            return outcome
        # The CRC is right: a reply that no echo precedes, whatever was before.
        if outcome == GOOD or outcome == EXCEPTION or outcome == TIMEOUT:
            self.echo = ABSENT
        elif self.echo == PRESENT:
            return COLLISION
        return outcome

    cdef Py_ssize_t take(self, uint8_t* into, Py_ssize_t size) noexcept nogil:
        return read_there(self.fd, into, size, &self.error)

    cdef int wait_for(self, short event, int64_t deadline_ns) noexcept nogil:
        return wait_until(self.fd, event, deadline_ns, &self.error, &self.wakes)

    cdef void sleep_until(self, int64_t due_ns) noexcept nogil:
        sleep_to(due_ns, &self.wakes)

    cdef int64_t discard_until_silent(
        self, int64_t start, int64_t silence_ns, int64_t cap_ns
    ) noexcept nogil:
        cdef int64_t last = start
        cdef Py_ssize_t came
        cdef int state = READY
        while state == READY and last - start < cap_ns:
            came = self.take(self.waste, MAX_FRAME)
            if came < 0:
                return -1
            if came > 0:
                self.discarded += came
                last = clock_ns(CLOCK_MONOTONIC)
                self.sleep_until(last + DRAIN_STEP_NS)
            else:
                state = self.wait_for(POLLIN, min(last + silence_ns, start + cap_ns))
        return -1 if state == GONE else last - start
