"""Lines of comma-separated readings to columns of times and values."""

from array import array

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memchr, memcmp, memcpy

from zerometer.core._fields cimport (
    FAULT_BACKWARDS,
    FAULT_FIELDS,
    FAULT_INFINITE,
    FAULT_LATE,
    FAULT_NAIVE,
    FAULT_NONE,
    FAULT_NUMBER,
    FAULT_QUOTES,
    FAULT_RANGE,
    FAULT_TIME,
    FAULT_UNKNOWN,
    Fault,
    Field,
    blank,
    moment,
    number,
)
from zerometer.core.errors import UsageError

cdef enum:
    MAX_COLUMNS = 64     # of a line
    CAPACITY = 1 << 18   # rows that are gathered before they are taken out
    LONGEST_TIME = 40    # bytes of a time that is remembered

FIELDS = FAULT_FIELDS
QUOTES = FAULT_QUOTES
TIME = FAULT_TIME
NAIVE = FAULT_NAIVE
RANGE = FAULT_RANGE
UNKNOWN = FAULT_UNKNOWN
NUMBER = FAULT_NUMBER
INFINITE = FAULT_INFINITE
BACKWARDS = FAULT_BACKWARDS
LATE = FAULT_LATE


cdef struct Slot:
    Py_ssize_t name        # where its name begins in the names
    Py_ssize_t size        # bytes of the name
    int64_t last_ns        # time of its last row
    int64_t rows           # rows with a value that are gathered now
    int64_t missing        # rows without a value, ever
    int64_t repeated       # rows of a time that was there already, ever


@cython.final
cdef class LineParser:
    cdef int columns       # of each line
    cdef int[4] place      # of time, meter, point, value among them
    cdef bytes names       # of all slots, one after the other
    cdef Slot* slots
    cdef Py_ssize_t count
    cdef int32_t* table    # open addressing: slot + 1 by hash, 0 is free
    cdef uint32_t mask
    cdef int64_t* times
    cdef double* values
    cdef int32_t* owners
    cdef Py_ssize_t rows
    cdef char[LONGEST_TIME] memory  # the last time as it was written
    cdef Py_ssize_t memory_size
    cdef int64_t memory_ns
    cdef readonly int64_t earliest_ns
    cdef readonly int64_t latest_ns
    cdef public int64_t floor_ns

    def __cinit__(self, points, places, int columns):
        cdef uint32_t size = 4
        while size < 4 * len(points):
            size *= 2
        self.mask = size - 1
        self.table = <int32_t*>PyMem_Calloc(size, sizeof(int32_t))
        self.slots = <Slot*>PyMem_Calloc(len(points) + 1, sizeof(Slot))
        self.times = <int64_t*>PyMem_Calloc(CAPACITY, sizeof(int64_t))
        self.values = <double*>PyMem_Calloc(CAPACITY, sizeof(double))
        self.owners = <int32_t*>PyMem_Calloc(CAPACITY, sizeof(int32_t))
        if (
            self.table == NULL or self.slots == NULL or self.times == NULL
            or self.values == NULL or self.owners == NULL
        ):
            raise MemoryError

    def __init__(
        self, points: list[tuple[str, str]], places: tuple[int, ...], columns: int
    ) -> None:
        if not 4 <= columns <= MAX_COLUMNS or len(places) != 4:
            raise UsageError(f"lines: columns - {columns} - 4 to {MAX_COLUMNS}")
        self.columns = columns
        for i, place in enumerate(places):
            if not 0 <= place < columns:
                raise UsageError(f"lines: place - {place} - below {columns}")
            self.place[i] = place
        self.names = b"".join(b",".join(map(str.encode, point)) for point in points)
        self.floor_ns = self.latest_ns = -1
        self.earliest_ns = -1
        for point in points:
            self._add(b",".join(map(str.encode, point)))

    def __dealloc__(self):
        PyMem_Free(self.table)
        PyMem_Free(self.slots)
        PyMem_Free(self.times)
        PyMem_Free(self.values)
        PyMem_Free(self.owners)

    cdef void _add(self, bytes name) except *:
        cdef Slot* slot = &self.slots[self.count]
        cdef const char* text = name
        cdef uint32_t found = hashed(START_OF_HASH, text, len(name)) & self.mask
        if self.count:
            slot.name = self.slots[self.count - 1].name
            slot.name += self.slots[self.count - 1].size
        slot.size = len(name)
        slot.last_ns = -1
        self.count += 1
        while self.table[found]:
            found = (found + 1) & self.mask
        self.table[found] = <int32_t>self.count

    def parse(self, bytes data, Py_ssize_t at) -> tuple[int, int, int]:
        cdef const char* start = data
        cdef const char* end = start + len(data)
        cdef const char* now = start + at
        cdef const char* names = self.names
        cdef Py_ssize_t lines = 0
        cdef Fault fault = FAULT_NONE
        if not 0 <= at <= len(data) or not data.endswith(b"\n"):
            raise UsageError("lines: data - do not end with a line")
        self.memory_size = 0
        with nogil:
            while now < end and self.rows < CAPACITY:
                fault = self._line(&now, end, names)
                if fault:
                    break
                lines += 1
        return now - start, lines, fault

    cdef Fault _line(
        self, const char** now, const char* end, const char* names
    ) noexcept nogil:
        """Gather the line at *now* and go on to the next; stay where it has a fault."""
        cdef Field[MAX_COLUMNS] fields
        cdef const char* after = now[0]
        cdef int64_t time_ns = 0
        cdef double value = 0
        cdef int32_t slot
        cdef Fault fault
        cdef int found = split(&after, end, fields, self.columns)
        if found < 0:
            return FAULT_QUOTES
        if found == 1 and fields[0].size == 0:
            now[0] = after
            return FAULT_NONE
        if found != self.columns:
            return FAULT_FIELDS
        fault = self._time(fields[self.place[0]], &time_ns)
        if fault:
            return fault
        slot = self._find(fields[self.place[1]], fields[self.place[2]], names)
        if slot < 0:
            return FAULT_UNKNOWN
        if fields[self.place[3]].size:
            fault = number(fields[self.place[3]], &value)
            if fault:
                return fault
        if time_ns < self.slots[slot].last_ns:
            return FAULT_BACKWARDS
        if time_ns < self.floor_ns:
            return FAULT_LATE
        self._gather(slot, time_ns, value, fields[self.place[3]].size > 0)
        now[0] = after
        return FAULT_NONE

    cdef void _gather(
        self, int32_t slot, int64_t time_ns, double value, bint present
    ) noexcept nogil:
        cdef Slot* its = &self.slots[slot]
        if self.earliest_ns < 0 or time_ns < self.earliest_ns:
            self.earliest_ns = time_ns
        if time_ns > self.latest_ns:
            self.latest_ns = time_ns
        if not present:
            its.missing += 1
        elif time_ns == its.last_ns:
            its.repeated += 1
        else:
            its.last_ns = time_ns
            its.rows += 1
            self.times[self.rows] = time_ns
            self.values[self.rows] = value
            self.owners[self.rows] = slot
            self.rows += 1

    cdef Fault _time(self, Field text, int64_t* time_ns) noexcept nogil:
        """Read a time; the same text as before is the same time."""
        cdef Fault fault
        if text.size and text.size == self.memory_size and memcmp(
            text.at, self.memory, text.size
        ) == 0:
            time_ns[0] = self.memory_ns
            return FAULT_NONE
        fault = moment(text, time_ns)
        if not fault and text.size <= LONGEST_TIME:
            memcpy(self.memory, text.at, text.size)
            self.memory_size = text.size
            self.memory_ns = time_ns[0]
        return fault

    cdef int32_t _find(
        self, Field meter, Field point, const char* names
    ) noexcept nogil:
        cdef uint32_t key = hashed(START_OF_HASH, meter.at, meter.size)
        cdef const char* name
        cdef int32_t slot
        key = hashed(hashed(key, b",", 1), point.at, point.size) & self.mask
        while self.table[key]:
            slot = self.table[key] - 1
            name = names + self.slots[slot].name
            if (
                self.slots[slot].size == meter.size + 1 + point.size
                and memcmp(name, meter.at, meter.size) == 0
                and name[meter.size] == b","
                and memcmp(name + meter.size + 1, point.at, point.size) == 0
            ):
                return slot
            key = (key + 1) & self.mask
        return -1

    @property
    def waiting(self) -> int:
        return self.rows

    def take(self) -> list[tuple[int, object, object]]:
        cdef int64_t[::1] times
        cdef double[::1] values
        cdef Py_ssize_t row, at, i
        times_all = array("q", bytes(8 * self.rows))
        values_all = array("d", bytes(8 * self.rows))
        ends = array("q", bytes(8 * (self.count + 1)))
        cdef int64_t[::1] end = ends
        for i in range(self.count):
            end[i + 1] = end[i] + self.slots[i].rows
        if self.rows:
            times, values = times_all, values_all
            with nogil:
                for row in range(self.rows):
                    at = end[self.owners[row]]
                    end[self.owners[row]] = at + 1
                    times[at] = self.times[row]
                    values[at] = self.values[row]
        columns = []
        for i in range(self.count):
            if self.slots[i].rows:
                start = ends[i] - self.slots[i].rows
                columns.append((i, times_all[start:ends[i]], values_all[start:ends[i]]))
            self.slots[i].rows = 0
        self.rows = 0
        return columns

    def missing(self, Py_ssize_t slot) -> int:
        self._check(slot)
        return self.slots[slot].missing

    def repeated(self, Py_ssize_t slot) -> int:
        self._check(slot)
        return self.slots[slot].repeated

    cdef void _check(self, Py_ssize_t slot) except *:
        if not 0 <= slot < self.count:
            raise UsageError(f"lines: slot - {slot} - below {self.count}")


cdef uint32_t START_OF_HASH = 2166136261u


cdef inline uint32_t hashed(
    uint32_t key, const char* at, Py_ssize_t size
) noexcept nogil:
    """FNV-1a (Fowler, Noll, Vo), 32 bits."""
    cdef Py_ssize_t i
    for i in range(size):
        key = (key ^ <unsigned char>at[i]) * 16777619u
    return key


cdef int split(
    const char** now, const char* end, Field* fields, int columns
) noexcept nogil:
    """Cut a line into its fields; return how many, -1 where quotes do not hold.

    One more than *columns* are counted, not kept. *now* is then the next line.
    """
    cdef const char* at = now[0]
    cdef const char* stop = <const char*>memchr(at, 10, end - at)  # line feed
    cdef const char* close
    cdef Field field
    cdef int count = 0
    now[0] = stop + 1
    if stop > at and (stop - 1)[0] == b"\r":
        stop -= 1
    while True:
        while at < stop and blank(at[0]):
            at += 1
        if at < stop and at[0] == b'"':
            close = <const char*>memchr(at + 1, 34, stop - at - 1)  # quotation mark
            if close == NULL:
                return -1
            field.at, field.size = at + 1, close - at - 1
            at = close + 1
            while at < stop and blank(at[0]):
                at += 1
            if at < stop and at[0] != b",":
                return -1
        else:
            field.at = at
            while at < stop and at[0] != b",":
                at += 1
            field.size = at - field.at
            while field.size and blank(field.at[field.size - 1]):
                field.size -= 1
        if count < columns:
            fields[count] = field
        count += 1
        if at == stop or count > columns:
            return count
        at += 1
