"""From the registers of one reply to values in a column.

A plan is built once per block of registers and then decodes each reply, or many at
once, in one call. Numbers have 1, 2 or 4 registers; their order is named by what
stands on the wire when ABCD is the most significant byte first:

    ABCD  as it is        BADC  bytes swapped in each register
    CDAB  registers in reverse order        DCBA  both: all bytes reversed

Iskra's types have an exponent of ten in the most significant byte: of an unsigned
number (t5) or a signed one (t6); in t7 that byte is all ones where the low register,
in ten thousandths, is negative.
"""

cimport cython
from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.bytearray cimport PyByteArray_AsString
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport NAN, fabs, isfinite
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from zerometer.core._fields cimport EXACT_POWER, power_of_ten

from zerometer.core.errors import UsageError

cdef enum:
    MEASURED = 0  # numbers of zerometer.core.points.Quality
    MISSING = 6

cdef enum Type:
    BIT, UNSIGNED, SIGNED, F32, F64, BCD, T5, T6, T7

cdef enum Form:
    NUMBER, ABSOLUTE, POWER_FACTOR, POWER_OF_TEN

cdef enum:
    SWAP_BYTES = 1
    REVERSE_WORDS = 2

cdef struct Part:
    int32_t at            # first byte in the data; for a bit, its number
    int32_t marker        # the first of its markers
    int32_t markers       # how many there are
    int8_t type
    int8_t size           # bytes
    int8_t flip           # byte i of the number stands at i ^ flip
    int8_t left           # an integer is shifted left by so many bits of 64,
    int8_t right          # and then right by so many, which leaves those that count
    double scale

cdef struct Field:
    int32_t parts         # how many numbers are added
    int32_t sign          # the bit of the data that negates their sum, or -1
    int32_t code          # the first of its codes, and of what they mean
    int32_t codes         # how many there are
    int8_t form
    double times
    double offset

# Each type's code and bytes.
_SIZES = {
    "bit": (BIT, 1),
    "u16": (UNSIGNED, 2),
    "i16": (SIGNED, 2),
    "u32": (UNSIGNED, 4),
    "i32": (SIGNED, 4),
    "f32": (F32, 4),
    "u64": (UNSIGNED, 8),
    "i64": (SIGNED, 8),
    "f64": (F64, 8),
    "bcd16": (BCD, 2),
    "bcd32": (BCD, 4),
    "bcd64": (BCD, 8),
    "t5": (T5, 4),
    "t6": (T6, 4),
    "t7": (T7, 4),
}
_ORDERS = {
    "ABCD": 0,
    "BADC": SWAP_BYTES,
    "CDAB": REVERSE_WORDS,
    "DCBA": SWAP_BYTES | REVERSE_WORDS,
}
_FORMS = {
    "number": NUMBER,
    "absolute": ABSOLUTE,
    "4q_fp_pf": POWER_FACTOR,
    "pow10": POWER_OF_TEN,
}
# The last register that an address can name; no reply has as many bits.
_MAX_PLACE = 65_535


cdef inline uint64_t raw_bits(const Part* part, const uint8_t* data) noexcept nogil:
    cdef uint64_t raw = 0
    cdef int i
    if part.type == BIT:
        return data[part.at >> 3] >> (part.at & 7) & 1
    for i in range(part.size):
        raw = raw << 8 | data[part.at + (i ^ part.flip)]
    return raw


cdef double digits(uint64_t raw) noexcept nogil:
    """Return the number whose decimal digits are the nibbles; NaN when one is none."""
    cdef uint64_t value = 0
    cdef uint64_t ten = 1
    while raw:
        if raw & 15 > 9:
            return NAN
        value += (raw & 15) * ten
        ten *= 10
        raw >>= 4
    return <double>value


cdef double exponential(int8_t type, uint64_t raw) noexcept nogil:
    """Return the number that an Iskra type stands for."""
    cdef double value
    if type == T7:
        value = (raw & 0xFFFF) / 10_000.0
        return -value if raw >> 24 == 0xFF else value
    if type == T6:
        value = <double>(<int64_t>(raw << 40) >> 40)
    else:
        value = <double>(raw & 0xFFFFFF)
    # Ten to a positive power is exact up to a limit; to a negative one it is not.
    cdef int power = <int>(raw >> 24)
    if power > 127:
        power = 256 - power
        return value / power_of_ten(power) if power <= EXACT_POWER else NAN
    return value * power_of_ten(power) if power <= EXACT_POWER else NAN


cdef inline double number(const Part* part, uint64_t raw) noexcept nogil:
    cdef uint32_t half
    cdef float single
    cdef double value
    if part.type == F32:
        half = <uint32_t>raw
        memcpy(&single, &half, sizeof(single))
        return single
    if part.type == F64:
        memcpy(&value, &raw, sizeof(value))
        return value
    if part.type == SIGNED:
        return <double>(<int64_t>(raw << part.left) >> part.right)
    if part.type <= UNSIGNED:
        return <double>(raw << part.left >> part.right)
    if part.type == BCD:
        return digits(raw)
    return exponential(part.type, raw)


cdef inline double scaled(
    const Part* part, const uint64_t* markers, const uint8_t* data
) noexcept nogil:
    """Return a number times its scale; NaN when its bits are one of its markers."""
    cdef uint64_t raw = raw_bits(part, data)
    cdef int32_t k
    for k in range(part.markers):
        if markers[part.marker + k] == raw:
            return NAN
    return number(part, raw) * part.scale


cdef double scale_of(double power) noexcept nogil:
    """Return ten to a whole power; NaN where it is none that a meter can mean."""
    if not -EXACT_POWER <= power <= EXACT_POWER or power != <int>power:
        return NAN
    if power < 0:
        return 1.0 / power_of_ten(-<int>power)
    return power_of_ten(<int>power)


cdef double formed(int8_t form, double value) noexcept nogil:
    if form == ABSOLUTE:
        return fabs(value)
    if form == POWER_OF_TEN:
        return scale_of(value)
    # The magnitude above 1 says that the power factor is leading.
    if value > 1.0:
        return 2.0 - value
    if value < -1.0:
        return -2.0 - value
    return value


cdef double meaning(const double* codes, int32_t count, double value) noexcept nogil:
    cdef int32_t k
    for k in range(count):
        if codes[2 * k] == value:
            return codes[2 * k + 1]
    return NAN


cdef inline double field_value(
    const Field* field,
    const Part* part,
    const uint64_t* markers,
    const double* codes,
    const uint8_t* data,
) noexcept nogil:
    """Return what a field says whose first part is *part*; not finite if missing."""
    cdef double value = scaled(part, markers, data)
    cdef int32_t k
    for k in range(1, field.parts):
        value += scaled(part + k, markers, data)
    if field.sign >= 0 and data[field.sign >> 3] >> (field.sign & 7) & 1:
        value = -value
    value = value * field.times + field.offset
    if field.codes:
        value = meaning(codes + 2 * field.code, field.codes, value)
    if field.form != NUMBER:
        value = formed(field.form, value)
    return value


cdef inline void put(double value, double* to, uint8_t* quality) noexcept nogil:
    if isfinite(value):
        to[0] = value
        quality[0] = MEASURED
    else:
        to[0] = NAN
        quality[0] = MISSING


cdef void decode_fields(
    const Field* fields,
    Py_ssize_t count,
    const Part* part,
    const uint64_t* markers,
    const double* codes,
    const uint8_t* data,
    Py_ssize_t size,
    Py_ssize_t replies,
    double* values,
    uint8_t* qualities,
) noexcept nogil:
    """Decode *replies*, each *size* bytes after the one before, column by column."""
    cdef const uint8_t* reply
    cdef Py_ssize_t i, _
    for i in range(count):
        reply = data
        for _ in range(replies):
            put(field_value(&fields[i], part, markers, codes, reply), values, qualities)
            reply += size
            values += 1
            qualities += 1
        part += fields[i].parts


@cython.final
cdef class DecodePlan:
    """Where the values of one block stand, and what they mean.

    Each field is (parts, sign, offset, codes, form). Each of its parts is (place in
    registers, type, order, scale, bits, markers): a number, of which the *bits* from
    the lowest to the highest count, or all if None; a part of type "bit" counts its
    place in bits. The value is ``sum(number * scale) * times + offset``, the sum
    negated where *sign*, (place in registers, bit), is set; *codes* are pairs of
    numbers and what they mean; *form* is as in a Point.

    A value is missing when the bits of one of its parts are one of the part's
    *markers* (integers, signed or not), when it is none of the codes, or when it is
    not finite. UsageError when a field makes no sense.
    """

    cdef Field* fields        # owned
    cdef Part* parts          # owned: those of all fields, one after the other
    cdef uint64_t* markers    # owned: those of all parts, one after the other
    cdef double* codes        # owned: pairs, those of all fields
    cdef Py_ssize_t count     # of fields
    cdef Py_ssize_t needed    # bytes of data, at least

    def __cinit__(self, fields not None):
        cdef Field* field
        cdef int32_t code = 0
        cdef Py_ssize_t i
        fields = tuple(fields)
        parts = [part for field_ in fields for part in field_[0]]
        self.count = len(fields)
        self.fields = <Field*>PyMem_Calloc(self.count or 1, sizeof(Field))
        self.parts = <Part*>PyMem_Calloc(len(parts) or 1, sizeof(Part))
        self.markers = <uint64_t*>PyMem_Calloc(
            sum([len(part[5]) for part in parts]) or 1, sizeof(uint64_t)
        )
        self.codes = <double*>PyMem_Calloc(
            2 * sum([len(field_[3]) for field_ in fields]) or 1, sizeof(double)
        )
        if (self.fields == NULL or self.parts == NULL or self.markers == NULL
                or self.codes == NULL):
            raise MemoryError  # pragma: no cover
        self.set_parts(parts)
        for i in range(self.count):
            own, sign, offset, codes, form = fields[i]
            if form not in _FORMS:
                raise UsageError(f"field: form: {form!r} is none of {list(_FORMS)}")
            if not own:
                raise UsageError("field: parts: there is none")
            field = &self.fields[i]
            field.parts = len(own)
            field.times = 1.0
            field.offset = offset
            field.form = _FORMS[form]
            field.sign = self.sign_place(sign)
            field.code = code
            field.codes = len(codes)
            for raw, value in codes:
                self.codes[2 * code] = raw
                self.codes[2 * code + 1] = value
                code += 1

    def __dealloc__(self):
        PyMem_Free(self.fields)
        PyMem_Free(self.parts)
        PyMem_Free(self.markers)
        PyMem_Free(self.codes)

    cdef int set_parts(self, list parts) except -1:
        cdef Part* part
        cdef int32_t marker = 0
        cdef Py_ssize_t i
        for i in range(len(parts)):
            place, type_, order, scale, bits, markers = parts[i]
            part = &self.parts[i]
            self.set_layout(part, place, type_, order)
            set_bits(part, bits)
            part.scale = scale
            part.marker = marker
            part.markers = len(markers)
            width = 8 * part.size
            for value in markers:
                if not -(1 << (width - 1)) <= value < 1 << width:
                    raise UsageError(f"field: marker: {value} has over {width} bits")
                self.markers[marker] = value & ((1 << width) - 1)
                marker += 1
        return 0

    cdef int set_layout(self, Part* part, place, type_, order) except -1:
        """Fill in where the bytes of a number stand and in which order."""
        if type_ not in _SIZES:
            raise UsageError(f"field: type: {type_!r} is none of {', '.join(_SIZES)}")
        if order not in _ORDERS:
            raise UsageError(f"field: order: {order!r} is none of {', '.join(_ORDERS)}")
        if not 0 <= place <= _MAX_PLACE:
            raise UsageError(f"field: place: {place} is not within 0 to {_MAX_PLACE}")
        part.type, part.size = _SIZES[type_]
        if part.type == BIT:
            part.at = place
            self.needed = max(self.needed, part.at // 8 + 1)
            return 0
        part.at = 2 * place
        if _ORDERS[order] & SWAP_BYTES:
            part.flip |= 1
        if _ORDERS[order] & REVERSE_WORDS:
            part.flip |= part.size - 2
        self.needed = max(self.needed, part.at + part.size)
        return 0

    cdef int sign_place(self, sign) except -2:
        """Return the bit of the data that *sign* names, -1 for none."""
        if sign is None:
            return -1
        place, bit = sign
        if not (0 <= place <= _MAX_PLACE and 0 <= bit <= 15):
            raise UsageError(f"field: sign: {sign} is no register and a bit of it")
        self.needed = max(self.needed, 2 * place + 2)
        # The high byte of the register stands first.
        return 8 * (2 * place + 1 - bit // 8) + bit % 8

    def set_times(self, Py_ssize_t index, double times) -> None:
        """Multiply field *index* by *times* from now on; it was 1.

        NaN makes the field missing. UsageError when there is no such field.
        """
        if not 0 <= index < self.count:
            raise UsageError(f"field: index: {index} is not within {self.count} fields")
        self.fields[index].times = times

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
        if len(data) < self.needed:
            raise UsageError(
                f"decode: data: {len(data)} bytes, the plan needs {self.needed}"
            )
        self.fill(data, len(data), 1, values, qualities, at)

    def decode_block(
        self,
        bytes data not None,
        Py_ssize_t size,
        values not None,
        bytearray qualities not None,
    ) -> None:
        """Decode many replies, each of *size* bytes, that follow each other in *data*.

        Fills ``values`` and ``qualities`` as ``decode`` does, but column by column:
        the value of field i in reply k has the index ``i * replies + k``.
        UsageError when *data* are not whole replies, or anything is too short.
        """
        if size < max(self.needed, 1) or len(data) % size:
            raise UsageError(
                f"decode: data: {len(data)} bytes are not whole replies of {size}, "
                f"of which the plan needs {self.needed}"
            )
        self.fill(data, size, len(data) // size, values, qualities, 0)

    cdef int fill(
        self,
        bytes data,
        Py_ssize_t size,
        Py_ssize_t replies,
        values,
        bytearray qualities,
        Py_ssize_t at,
    ) except -1:
        cdef Py_buffer column
        # By hand: a typed memoryview costs more than all the rest of this call.
        PyObject_GetBuffer(values, &column, PyBUF_FORMAT | PyBUF_WRITABLE)
        try:
            if column.format[0] != c"d" or column.format[1] != 0:
                raise UsageError("decode: values: not an array of doubles")
            room = min(column.len // <Py_ssize_t>sizeof(double), len(qualities))
            if not 0 <= at <= room - self.count * replies:
                raise UsageError(
                    f"decode: columns: {self.count} fields from index {at} do not fit"
                )
            decode_fields(
                self.fields,
                self.count,
                self.parts,
                self.markers,
                self.codes,
                data,
                size,
                replies,
                <double*>column.buf + at,
                <uint8_t*>PyByteArray_AsString(qualities) + at,
            )
        finally:
            PyBuffer_Release(&column)
        return 0


cdef int set_bits(Part* part, bits) except -1:
    """Fill in which bits of an integer count: those from the lowest to the highest."""
    size = 8 * part.size
    low, high = (0, size - 1) if bits is None else bits
    if bits is not None and part.type not in (UNSIGNED, SIGNED):
        raise UsageError(f"field: bits: {bits}: only integers have them")
    if not 0 <= low <= high < size:
        raise UsageError(f"field: bits: {bits} are not within 0 to {size - 1}")
    part.left = 63 - high
    part.right = 63 - high + low
    return 0
