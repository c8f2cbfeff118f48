"""From the registers of one reply to values in a column.

A plan is built once per block of registers and then decodes each reply in one
call. Integers and floats have 1, 2 or 4 registers; their order is named by what
stands on the wire when ABCD is the most significant byte first:

    ABCD  as it is        BADC  bytes swapped in each register
    CDAB  registers in reverse order        DCBA  both: all bytes reversed
"""

cimport cython
from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.bytearray cimport PyByteArray_AsString
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport NAN, isfinite
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from zerometer.core.errors import UsageError

cdef enum:
    MEASURED = 0  # numbers of zerometer.core.points.Quality
    MISSING = 6

cdef enum Type:
    BIT, U16, I16, U32, I32, F32, U64, I64, F64

cdef enum:
    SWAP_BYTES = 1
    REVERSE_WORDS = 2

cdef struct Field:
    int32_t at            # first byte in the data; for a bit, its number
    int32_t marker        # the first of its markers
    int32_t markers       # how many there are
    int8_t type
    int8_t size           # bytes
    int8_t flip           # byte i of the value stands at i ^ flip
    double scale
    double offset

# Each type's code and bytes.
_SIZES = {
    "bit": (BIT, 1),
    "u16": (U16, 2),
    "i16": (I16, 2),
    "u32": (U32, 4),
    "i32": (I32, 4),
    "f32": (F32, 4),
    "u64": (U64, 8),
    "i64": (I64, 8),
    "f64": (F64, 8),
}
_ORDERS = {
    "ABCD": 0,
    "BADC": SWAP_BYTES,
    "CDAB": REVERSE_WORDS,
    "DCBA": SWAP_BYTES | REVERSE_WORDS,
}
# The last register that an address can name; no reply has as many bits.
_MAX_PLACE = 65_535


cdef inline uint64_t raw_bits(const Field* field, const uint8_t* data) noexcept nogil:
    cdef uint64_t raw = 0
    cdef int i
    if field.type == BIT:
        return data[field.at >> 3] >> (field.at & 7) & 1
    for i in range(field.size):
        raw = raw << 8 | data[field.at + (i ^ field.flip)]
    return raw


cdef inline double number(int8_t type, uint64_t raw) noexcept nogil:
    cdef uint32_t half
    cdef float single
    cdef double value
    if type == F32:
        half = <uint32_t>raw
        memcpy(&single, &half, sizeof(single))
        return single
    if type == F64:
        memcpy(&value, &raw, sizeof(value))
        return value
    if type == I16:
        return <int16_t><uint16_t>raw
    if type == I32:
        return <int32_t><uint32_t>raw
    if type == I64:
        return <double><int64_t>raw
    return <double>raw


cdef void decode_fields(
    const Field* fields,
    Py_ssize_t count,
    const uint64_t* markers,
    const uint8_t* data,
    double* values,
    uint8_t* qualities,
) noexcept nogil:
    cdef const Field* field
    cdef uint64_t raw
    cdef double value
    cdef Py_ssize_t i
    cdef int32_t k
    for i in range(count):
        field = &fields[i]
        raw = raw_bits(field, data)
        value = number(field.type, raw) * field.scale + field.offset
        for k in range(field.markers):
            if markers[field.marker + k] == raw:
                value = NAN
        if isfinite(value):
            values[i] = value
            qualities[i] = MEASURED
        else:
            values[i] = NAN
            qualities[i] = MISSING


@cython.final
cdef class DecodePlan:
    """Where the values of one block stand, and what they mean.

    Each field is (offset in registers, type, order, scale, offset, markers); a
    field of type "bit" counts its place in bits. A value is ``raw * scale +
    offset``; it is missing when its bits are one of the *markers* (integers,
    signed or not) or when the result is not finite. UsageError when a field makes
    no sense.
    """

    cdef Field* fields        # owned
    cdef uint64_t* markers    # owned: those of all fields, one after the other
    cdef Py_ssize_t count     # of fields
    cdef Py_ssize_t needed    # bytes of data, at least

    def __cinit__(self, fields not None):
        cdef Py_ssize_t i
        cdef int32_t marker = 0
        fields = tuple(fields)
        self.count = len(fields)
        self.fields = <Field*>PyMem_Calloc(self.count or 1, sizeof(Field))
        self.markers = <uint64_t*>PyMem_Calloc(
            sum([len(field[5]) for field in fields]) or 1, sizeof(uint64_t)
        )
        if self.fields == NULL or self.markers == NULL:
            raise MemoryError  # pragma: no cover
        for i in range(self.count):
            place, type_, order, scale, offset, markers = fields[i]
            self.set_layout(&self.fields[i], place, type_, order)
            self.fields[i].scale = scale
            self.fields[i].offset = offset
            self.fields[i].marker = marker
            self.fields[i].markers = len(markers)
            bits = 8 * self.fields[i].size
            for value in markers:
                if not -(1 << (bits - 1)) <= value < 1 << bits:
                    raise UsageError(f"field: marker: {value} has over {bits} bits")
                self.markers[marker] = value & ((1 << bits) - 1)
                marker += 1

    def __dealloc__(self):
        PyMem_Free(self.fields)
        PyMem_Free(self.markers)

    cdef int set_layout(self, Field* field, place, type_, order) except -1:
        """Fill in where the bytes of a value stand and in which order."""
        if type_ not in _SIZES:
            raise UsageError(f"field: type: {type_!r} is none of {', '.join(_SIZES)}")
        if order not in _ORDERS:
            raise UsageError(f"field: order: {order!r} is none of {', '.join(_ORDERS)}")
        if not 0 <= place <= _MAX_PLACE:
            raise UsageError(f"field: place: {place} is not within 0 to {_MAX_PLACE}")
        field.type, field.size = _SIZES[type_]
        if field.type == BIT:
            field.at = place
            self.needed = max(self.needed, field.at // 8 + 1)
            return 0
        field.at = 2 * place
        if _ORDERS[order] & SWAP_BYTES:
            field.flip |= 1
        if _ORDERS[order] & REVERSE_WORDS:
            field.flip |= field.size - 2
        self.needed = max(self.needed, field.at + field.size)
        return 0

    def set_scale(self, Py_ssize_t index, double scale) -> None:
        """Multiply the raw values of field *index* by *scale* from now on.

        NaN makes the field missing. UsageError when there is no such field.
        """
        if not 0 <= index < self.count:
            raise UsageError(f"field: index: {index} is not within {self.count} fields")
        self.fields[index].scale = scale

    def decode(
        self,
        bytes data not None,
        values not None,
        bytearray qualities not None,
        Py_ssize_t at=0,
    ) -> None:
        """Decode the *data* of one reply: its registers, without frame.

        Fills ``values`` (an array of doubles; NaN where missing) and ``qualities``
        (MEASURED or MISSING) from index *at* on, in the order of the fields.
        UsageError when any of them is too short, or ``values`` are not doubles.
        """
        cdef Py_buffer column
        if len(data) < self.needed:
            raise UsageError(
                f"decode: data: {len(data)} bytes, the plan needs {self.needed}"
            )
        # By hand: a typed memoryview costs more than all the rest of this call.
        PyObject_GetBuffer(values, &column, PyBUF_FORMAT | PyBUF_WRITABLE)
        try:
            if column.format[0] != c"d" or column.format[1] != 0:
                raise UsageError("decode: values: not an array of doubles")
            room = min(column.len // <Py_ssize_t>sizeof(double), len(qualities))
            if not 0 <= at <= room - self.count:
                raise UsageError(
                    f"decode: columns: {self.count} fields from index {at} do not fit"
                )
            decode_fields(
                self.fields,
                self.count,
                self.markers,
                data,
                <double*>column.buf + at,
                <uint8_t*>PyByteArray_AsString(qualities) + at,
            )
        finally:
            PyBuffer_Release(&column)
