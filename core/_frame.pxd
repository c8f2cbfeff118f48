from libc.stdint cimport uint8_t, uint16_t

cdef enum:
    MAX_FRAME = 256       # bytes of the longest frame on a serial line
    REQUEST_LENGTH = 8    # bytes of every read request
    EXCEPTION_LENGTH = 5  # bytes of every exception reply

cdef enum Verdict:
    GOOD = 0
    INCOMPLETE = 1
    WRONG_CRC = 2
    WRONG_UNIT = 3
    WRONG_FUNCTION = 4
    WRONG_COUNT = 5
    EXCEPTION = 6

# The CRC of size bytes as a number; on the wire its low byte comes first.
cdef uint16_t checksum(const uint8_t* data, Py_ssize_t size) noexcept nogil

# Whether REQUEST_LENGTH bytes are what read_request could have built.
cdef bint is_read_request(const uint8_t* request) noexcept nogil

# Bytes of the reply that grants a read request of REQUEST_LENGTH bytes, of a unit that
# returns width registers for each address.
cdef Py_ssize_t reply_length(const uint8_t* request, int width) noexcept nogil

# The Verdict on the size bytes that came after a read request.
cdef int judge_reply(
    const uint8_t* request, const uint8_t* reply, Py_ssize_t size, int width
) noexcept nogil
