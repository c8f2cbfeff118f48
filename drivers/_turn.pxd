# One transaction as an exchange keeps it, and what is asked of it.

from libc.stdint cimport int64_t, uint8_t
from posix.time cimport CLOCK_BOOTTIME, CLOCK_MONOTONIC

from zerometer.core._frame cimport (
    EXCEPTION, EXCEPTION_LENGTH, MAX_FRAME, REQUEST_LENGTH, checksum, judge_reply,
)
from zerometer.drivers._descriptor cimport clock_ns


cdef enum:
    # An outcome beside the verdicts of core: nothing came in time.
    TIMEOUT = 7
    # Exceptions by which a gateway says that the unit is silent: its path to it is
    # not available, or it did not respond (application protocol V1.1b3, 7).
    GATEWAY_PATH = 10
    GATEWAY_TARGET = 11
    # Nanoseconds without a byte that end a frame of wrong length. Adapters hand over
    # what they received every 16 ms at the latest (FTDI's default latency timer).
    FRAME_GAP_NS = 20_000_000
    # Those that end a reply which cannot be whole, as long as the time-out has not
    # passed: device servers and busy machines pause for tens of ms within a frame.
    PAUSE_NS = 100_000_000


# One transaction: what is asked, and what came of it.
cdef struct Turn:
    uint8_t[REQUEST_LENGTH] request
    # Registers that the unit returns for each address.
    int width
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


# Judge what came; that a gateway found its unit silent is no answer of it.
cdef inline int verdict_on(const Turn* turn) noexcept nogil:
    cdef int verdict = judge_reply(
        turn.request, turn.buffer, turn.received, turn.width
    )
    if verdict == EXCEPTION and (
            turn.buffer[2] == GATEWAY_PATH or turn.buffer[2] == GATEWAY_TARGET):
        return TIMEOUT
    return verdict


# Note that *turn*, whose request left at *sent_ns*, is over now.
cdef inline void finish(
    Turn* turn, int64_t sent_ns, int64_t character_ns
) noexcept nogil:
    turn.done_ns = clock_ns(CLOCK_MONOTONIC)
    turn.end_ns = clock_ns(CLOCK_BOOTTIME)
    turn.latency_ns = (
        turn.done_ns - sent_ns - (REQUEST_LENGTH + turn.received) * character_ns
    )


# Bytes of the whole reply, judging by the bytes that are here.
cdef inline Py_ssize_t length_of(const Turn* turn) noexcept nogil:
    if (turn.received >= 2 and turn.buffer[0] == turn.request[0]
            and turn.buffer[1] == (turn.request[1] | 0x80)):
        return EXCEPTION_LENGTH
    return turn.wanted


# Until when silence does not end what came of a reply that is too short.
#
# A right CRC says that it is whole: another reply than the one that is waited for,
# which must not be mixed with it.
cdef inline int64_t patience_ns(
    const Turn* turn, int64_t now, int64_t timeout_ns
) noexcept nogil:
    cdef int64_t gap_ns = now + FRAME_GAP_NS
    if turn.received >= EXCEPTION_LENGTH and checksum(turn.buffer, turn.received) == 0:
        return gap_ns
    return max(gap_ns, min(now + PAUSE_NS, timeout_ns))
