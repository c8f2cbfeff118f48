"""One Modbus RTU request and its judged reply on a descriptor, without the GIL.

The thread sleeps through the time in which the reply cannot be complete, so that a
good transaction costs at most three wake-ups however many chunks the driver makes
of it: the silence before the request, the early end of the reply, its last bytes.
"""

cimport cython
from libc.errno cimport EAGAIN, EINTR, EIO, errno
from libc.stdint cimport int64_t, uint8_t
from posix.time cimport (
    CLOCK_BOOTTIME, CLOCK_MONOTONIC, TIMER_ABSTIME, clock_gettime, clock_nanosleep,
    timespec,
)
from posix.unistd cimport read, write

from zerometer.core._frame cimport (
    EXCEPTION_LENGTH, MAX_FRAME, REQUEST_LENGTH, judge_reply, reply_length,
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
    # Nanoseconds between two looks at a line that babbles while it is drained.
    DRAIN_STEP_NS = 8_000_000
    # How often stale input may postpone a request by another silence.
    SETTLE_ATTEMPTS = 4


cdef int64_t clock_ns(int clock) noexcept nogil:
    cdef timespec time
    clock_gettime(clock, &time)
    return <int64_t>time.tv_sec * 1_000_000_000 + time.tv_nsec


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
    # What came after the latest request, from its first byte on.
    cdef uint8_t[MAX_FRAME] buffer
    # Bytes of it.
    cdef readonly Py_ssize_t received
    # Boot-time clock when the latest transaction ended.
    cdef readonly int64_t end_ns
    # From the first byte sent to the end of the latest transaction.
    cdef readonly int64_t duration_ns
    # What of that the bytes of request and reply do not explain: the turnaround.
    cdef readonly int64_t latency_ns
    # The reply was complete at the first look: latency_ns is an upper bound only.
    cdef readonly bint overslept
    # The errno that lost the port; 0 is an end of file.
    cdef readonly int error
    # How often the thread was put to sleep, over all transactions.
    cdef readonly int64_t wakes
    # Bytes thrown away as stale or late, over all transactions.
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

    def run(
        self, bytes request not None, int64_t turnaround_ns, int64_t timeout_ns
    ) -> int:
        """Send a read *request*; return the Outcome once its reply is judged.

        The unit is expected to answer no sooner than *turnaround_ns* after the
        request, and is given up when not a byte came *timeout_ns* after the reply
        could have been complete. UsageError when *request* is none.
        """
        cdef const uint8_t* frame = request
        cdef int outcome
        if (len(request) != REQUEST_LENGTH or not 1 <= frame[1] <= 4
                or reply_length(frame) > MAX_FRAME):
            raise UsageError(
                f"request: {request.hex(' ')} is not a read request of 8 bytes"
            )
        if turnaround_ns < 0 or timeout_ns < 0:
            raise UsageError(
                f"request: turnaround and time-out: {turnaround_ns} and {timeout_ns} "
                "are not times in ns"
            )
        with nogil:
            outcome = self.transact(frame, turnaround_ns, timeout_ns)
        return outcome

    def drain(self, int64_t silence_ns, int64_t cap_ns) -> int:
        """Discard input until none came for *silence_ns*, at most for *cap_ns*.

        Return after how many nanoseconds the last byte came, 0 if none came at all,
        -1 if the port is lost.
        """
        cdef int64_t last
        with nogil:
            last = self.discard_until_silent(silence_ns, cap_ns)
        return last

    def reply(self) -> bytes:
        """Return all the bytes that came after the latest request."""
        return self.buffer[:self.received]

    def data(self) -> bytes:
        """Return the register or bit bytes of the latest reply, which was GOOD."""
        if self.received < EXCEPTION_LENGTH:
            return b""
        return self.buffer[3:self.received - 2]

    cdef int transact(
        self, const uint8_t* request, int64_t turnaround_ns, int64_t timeout_ns
    ) noexcept nogil:
        cdef Py_ssize_t wanted = reply_length(request)
        cdef int64_t sent_ns, earliest_ns, wire_ns, now
        cdef int outcome
        self.error = 0
        outcome = self.settle()
        sent_ns = clock_ns(CLOCK_MONOTONIC)
        wire_ns = (REQUEST_LENGTH + wanted) * self.character_ns
        if outcome != LOST:
            outcome = self.send(request, sent_ns + wire_ns + timeout_ns)
        if outcome != LOST:
            earliest_ns = sent_ns + wire_ns + min(turnaround_ns, timeout_ns)
            outcome = self.receive(request, wanted, earliest_ns,
                                   sent_ns + wire_ns + timeout_ns)
        now = clock_ns(CLOCK_MONOTONIC)
        self.end_ns = clock_ns(CLOCK_BOOTTIME)
        self.duration_ns = now - sent_ns
        self.latency_ns = (
            self.duration_ns - (REQUEST_LENGTH + self.received) * self.character_ns
        )
        self.quiet_ns = now + self.silence_ns
        return outcome

    cdef int settle(self) noexcept nogil:
        """Wait until the line was silent for long enough and no stale input is left."""
        cdef Py_ssize_t came
        cdef int _
        for _ in range(SETTLE_ATTEMPTS):
            self.sleep_until(self.quiet_ns)
            self.received = 0
            came = self.take()
            if came < 0:
                return LOST
            if came == 0:
                break
            self.discarded += came
            self.quiet_ns = clock_ns(CLOCK_MONOTONIC) + self.silence_ns
        self.received = 0
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
        self, const uint8_t* request, Py_ssize_t wanted, int64_t earliest_ns,
        int64_t deadline_ns,
    ) noexcept nogil:
        cdef Py_ssize_t came, missing
        cdef int64_t now
        cdef int state
        self.overslept = True
        self.sleep_until(earliest_ns)
        while True:
            came = self.take()
            if came < 0:
                return LOST
            if came > 0:
                missing = self.length_of(request, wanted) - self.received
                if missing <= 0:
                    return judge_reply(request, self.buffer, self.received)
                now = clock_ns(CLOCK_MONOTONIC)
                deadline_ns = now + FRAME_GAP_NS + missing * self.character_ns
                self.overslept = False
                # The last byte is due between one character earlier and then: half
                # a character is slept over at most, and a poll waits for the rest.
                if missing > 1:
                    self.sleep_until(
                        now + missing * self.character_ns - self.character_ns // 2
                    )
                    continue
            self.overslept = False
            state = self.wait_for(POLLIN, deadline_ns)
            if state == LOST:
                return LOST
            if state == SILENT:
                if self.received == 0:
                    return TIMEOUT
                return judge_reply(request, self.buffer, self.received)

    cdef Py_ssize_t length_of(
        self, const uint8_t* request, Py_ssize_t wanted
    ) noexcept nogil:
        """Bytes of the whole reply, judging by the bytes that are here."""
        if (self.received >= 2 and self.buffer[0] == request[0]
                and self.buffer[1] == (request[1] | 0x80)):
            return EXCEPTION_LENGTH
        return wanted

    cdef Py_ssize_t take(self) noexcept nogil:
        """Read what is there behind what came so far: bytes, or -1 for a lost port."""
        cdef Py_ssize_t count
        while True:
            count = read(self.fd, self.buffer + self.received,
                         MAX_FRAME - self.received)
            if count > 0:
                self.received += count
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
        self, int64_t silence_ns, int64_t cap_ns
    ) noexcept nogil:
        cdef int64_t start = clock_ns(CLOCK_MONOTONIC)
        cdef int64_t last = start
        cdef Py_ssize_t came
        cdef int state = READY
        while state == READY and last - start < cap_ns:
            self.received = 0
            came = self.take()
            if came < 0:
                last = start - 1
                break
            if came > 0:
                self.discarded += came
                last = clock_ns(CLOCK_MONOTONIC)
                self.sleep_until(last + DRAIN_STEP_NS)
            else:
                state = self.wait_for(POLLIN, min(last + silence_ns, start + cap_ns))
        if state == LOST:
            last = start - 1
        self.received = 0
        return last - start
