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
from libc.string cimport memcpy
from posix.time cimport (
    CLOCK_BOOTTIME, CLOCK_MONOTONIC, TIMER_ABSTIME, clock_gettime, clock_nanosleep,
    timespec,
)
from posix.unistd cimport read, write

from zerometer.core._frame cimport (
    EXCEPTION_LENGTH, GOOD, MAX_FRAME, REQUEST_LENGTH, checksum, is_read_request,
    judge_reply, reply_length,
)

from zerometer.core.errors import UsageError


cdef extern from "<poll.h>" nogil:
    enum: POLLIN
    enum: POLLOUT
    struct pollfd:
        int fd
        short events
        short revents
    int ppoll(pollfd* fds, unsigned int count, const timespec* wait, const void* mask)


cdef enum:
    # Outcomes beside the verdicts of core.
    TIMEOUT = 7
    LOST = 8
    # Answers of wait_for.
    SILENT = 0
    READY = 1
    # Nanoseconds without a byte that end a frame of wrong length. Adapters hand over
    # what they received every 16 ms at the latest (FTDI's default latency timer).
    FRAME_GAP_NS = 20_000_000
    # Those that end a reply which cannot be whole, as long as the time-out has not
    # passed: device servers and busy machines pause for tens of ms within a frame.
    PAUSE_NS = 100_000_000
    # Transactions in a series, at most.
    SLOTS = 16
    # Nanoseconds between two looks at a line that babbles while it is drained.
    DRAIN_STEP_NS = 8_000_000
    # How often stale input may postpone a request by another silence.
    SETTLE_ATTEMPTS = 4


#: Transactions in a series, at most.
MAX_SERIES = SLOTS


# One transaction: what is asked, and what came of it.
cdef struct Turn:
    uint8_t[REQUEST_LENGTH] request
    # Bytes of the reply that grants it.
    Py_ssize_t wanted
    int64_t turnaround_ns
    int64_t timeout_ns
    int outcome
    # What came after the request, from its first byte on, and how much.
    uint8_t[MAX_FRAME] buffer
    Py_ssize_t received
    # When it ended: boot-time clock and monotonic clock.
    int64_t end_ns
    int64_t done_ns
    int64_t latency_ns
    bint overslept


cdef int64_t clock_ns(int clock) noexcept nogil:
    cdef timespec time
    clock_gettime(clock, &time)
    return <int64_t>time.tv_sec * 1_000_000_000 + time.tv_nsec


@cython.final
cdef class Transaction:
    """A read *request*, and what came of it when it was run last.

    UsageError when *request* is no read.
    """

    cdef Turn turn

    def __cinit__(self, bytes request not None):
        cdef const uint8_t* frame = request
        if len(request) != REQUEST_LENGTH or not is_read_request(frame):
            raise UsageError(
                f"request: {request.hex(' ')} is not a read request of 8 bytes"
            )
        memcpy(self.turn.request, frame, REQUEST_LENGTH)
        self.turn.wanted = reply_length(frame)

    def expect(self, int64_t turnaround_ns, int64_t timeout_ns) -> None:
        """Say when the reply may come.

        The unit is expected to answer no sooner than *turnaround_ns* after the
        request, and is given up when not a byte came *timeout_ns* after the reply
        could have been complete. Before it is told, both are 0.
        """
        if turnaround_ns < 0 or timeout_ns < 0:
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

    def __cinit__(self, int fd, int64_t character_ns, int64_t silence_ns):
        if fd < 0 or character_ns <= 0 or silence_ns < 0:
            raise UsageError(
                f"exchange: descriptor, character and silence: {fd}, {character_ns}, "
                f"{silence_ns} are not a descriptor and two times in ns"
            )
        self.fd = fd
        self.character_ns = character_ns
        self.silence_ns = silence_ns

    def run(self, list series not None) -> int:
        """Run the transactions in *series*, in order; return how many were run.

        It ends with the first whose outcome is not GOOD. UsageError when there is
        none, or more than MAX_SERIES; TypeError when one is no Transaction.
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
        turn.done_ns = clock_ns(CLOCK_MONOTONIC)
        turn.end_ns = clock_ns(CLOCK_BOOTTIME)
        turn.latency_ns = (
            turn.done_ns - sent_ns
            - (REQUEST_LENGTH + turn.received) * self.character_ns
        )
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
            elif errno == EAGAIN:
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
        cdef Py_ssize_t came, missing
        cdef int64_t now
        cdef int state
        turn.overslept = True
        self.sleep_until(earliest_ns)
        while True:
            came = self.take(turn.buffer + turn.received, MAX_FRAME - turn.received)
            if came < 0:
                return LOST
            if came > 0:
                turn.received += came
                missing = length_of(turn) - turn.received
                if missing <= 0:
                    return judge_reply(turn.request, turn.buffer, turn.received)
                now = clock_ns(CLOCK_MONOTONIC)
                deadline_ns = (
                    patience_ns(turn, now, timeout_ns) + missing * self.character_ns
                )
                turn.overslept = False
                # The last byte is due between one character earlier and then: half
                # a character is slept over at most, and a poll waits for the rest.
                if missing > 1:
                    self.sleep_until(
                        now + missing * self.character_ns - self.character_ns // 2
                    )
                    continue
            turn.overslept = False
            state = self.wait_for(POLLIN, deadline_ns)
            if state == LOST:
                return LOST
            if state == SILENT:
                if turn.received == 0:
                    return TIMEOUT
                return judge_reply(turn.request, turn.buffer, turn.received)

    cdef Py_ssize_t take(self, uint8_t* into, Py_ssize_t size) noexcept nogil:
        """Read what is there: how many bytes, or -1 for a lost port."""
        cdef Py_ssize_t count
        while True:
            count = read(self.fd, into, size)
            if count > 0:
                return count
            if count == 0:
                return -1
            if errno == EAGAIN:
                return 0
            if errno != EINTR:
                self.error = errno
                return -1

    cdef int wait_for(self, short event, int64_t deadline_ns) noexcept nogil:
        """Sleep until *event*, a hang-up or the deadline: READY, LOST or SILENT."""
        cdef pollfd watch
        cdef timespec wait
        cdef int64_t left
        cdef int count
        watch.fd = self.fd
        watch.events = event
        while True:
            left = deadline_ns - clock_ns(CLOCK_MONOTONIC)
            if left <= 0:
                return SILENT
            wait.tv_sec = left // 1_000_000_000
            wait.tv_nsec = left % 1_000_000_000
            self.wakes += 1
            count = ppoll(&watch, 1, &wait, NULL)
            if count == 0:
                return SILENT
            if count > 0:
                # What came before a hang-up is still worth reading.
                if watch.revents & event:
                    return READY
                self.error = EIO
                return LOST
            if errno != EINTR:
                self.error = errno
                return LOST

    cdef void sleep_until(self, int64_t due_ns) noexcept nogil:
        cdef timespec due
        if due_ns <= clock_ns(CLOCK_MONOTONIC):
            return
        due.tv_sec = due_ns // 1_000_000_000
        due.tv_nsec = due_ns % 1_000_000_000
        self.wakes += 1
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR:
            pass

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
        return -1 if state == LOST else last - start


cdef Py_ssize_t length_of(const Turn* turn) noexcept nogil:
    """Bytes of the whole reply, judging by the bytes that are here."""
    if (turn.received >= 2 and turn.buffer[0] == turn.request[0]
            and turn.buffer[1] == (turn.request[1] | 0x80)):
        return EXCEPTION_LENGTH
    return turn.wanted


cdef int64_t patience_ns(
    const Turn* turn, int64_t now, int64_t timeout_ns
) noexcept nogil:
    """Until when silence does not end what came of a reply that is too short.

    A right CRC says that it is whole: another reply than the one that is waited
    for, which must not be mixed with it.
    """
    cdef int64_t gap_ns = now + FRAME_GAP_NS
    if turn.received >= EXCEPTION_LENGTH and checksum(turn.buffer, turn.received) == 0:
        return gap_ns
    return max(gap_ns, min(now + PAUSE_NS, timeout_ns))
