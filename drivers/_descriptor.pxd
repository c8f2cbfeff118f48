# A descriptor that does not block: what is there, and sleeping until something comes.
# Only the transactions use it; functions of a header are compiled into their kernel.

from libc.errno cimport EAGAIN, EINTR, EIO, errno
from libc.stdint cimport int64_t, uint8_t
from posix.time cimport (
    CLOCK_MONOTONIC, TIMER_ABSTIME, clock_gettime, clock_nanosleep, timespec,
)
from posix.unistd cimport read


cdef extern from "<poll.h>" nogil:
    enum: POLLIN
    enum: POLLOUT
    struct pollfd:
        int fd
        short events
        short revents
    int ppoll(pollfd* fds, unsigned int count, const timespec* wait, const void* mask)


cdef enum:
    # Answers of wait_until.
    SILENT = 0
    READY = 1
    GONE = 2


cdef inline int64_t clock_ns(int clock) noexcept nogil:
    cdef timespec time
    clock_gettime(clock, &time)
    return <int64_t>time.tv_sec * 1_000_000_000 + time.tv_nsec


# Read what is there: how many bytes, or -1 for a lost port; error is then its errno,
# or as it was for an end of file.
cdef inline Py_ssize_t read_there(
    int fd, uint8_t* into, Py_ssize_t size, int* error
) noexcept nogil:
    cdef Py_ssize_t count
    while True:
        count = read(fd, into, size)
        if count > 0:
            return count
        if count == 0:
            return -1
        if errno == EAGAIN:
            return 0
        if errno != EINTR:
            error[0] = errno
            return -1


# Sleep until event, a hang-up or the deadline (monotonic clock): READY, GONE, SILENT.
cdef inline int wait_until(
    int fd, short event, int64_t deadline_ns, int* error, int64_t* wakes
) noexcept nogil:
    cdef pollfd watch
    cdef timespec wait
    cdef int64_t left
    cdef int count
    watch.fd = fd
    watch.events = event
    while True:
        left = deadline_ns - clock_ns(CLOCK_MONOTONIC)
        if left <= 0:
            return SILENT
        wait.tv_sec = left // 1_000_000_000
        wait.tv_nsec = left % 1_000_000_000
        wakes[0] += 1
        count = ppoll(&watch, 1, &wait, NULL)
        if count == 0:
            return SILENT
        if count > 0:
            # What came before a hang-up is still worth reading.
            if watch.revents & event:
                return READY
            error[0] = EIO
            return GONE
        if errno != EINTR:
            error[0] = errno
            return GONE


cdef inline void sleep_to(int64_t due_ns, int64_t* wakes) noexcept nogil:
    cdef timespec due
    if due_ns <= clock_ns(CLOCK_MONOTONIC):
        return
    due.tv_sec = due_ns // 1_000_000_000
    due.tv_nsec = due_ns % 1_000_000_000
    wakes[0] += 1
    while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR:
        pass
