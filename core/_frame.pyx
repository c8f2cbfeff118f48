"""Modbus RTU frames: the CRC, read requests, and the judgement of replies.

Only the functions that read (1 to 4) have an encoder. Sources: Modbus application
protocol V1.1b3, 6.1 to 6.4 and 7; Modbus over serial line V1.02, 2.5.1 and 6.2.2.
"""

from libc.stdint cimport uint8_t, uint16_t

from zerometer.core.errors import UsageError

cdef uint16_t[256] CRC_TABLE


cdef void fill_crc_table() noexcept nogil:
    cdef uint16_t value
    cdef int byte, _
    for byte in range(256):
        value = <uint16_t>byte
        for _ in range(8):
            if value & 1:
                # x16 + x15 + x2 + 1, lowest bit first.
                value = <uint16_t>((value >> 1) ^ 0xA001)
            else:
                value = value >> 1
        CRC_TABLE[byte] = value


fill_crc_table()


cdef uint16_t checksum(const uint8_t* data, Py_ssize_t size) noexcept nogil:
    cdef uint16_t value = 0xFFFF
    cdef Py_ssize_t i
    for i in range(size):
        value = <uint16_t>((value >> 8) ^ CRC_TABLE[(value ^ data[i]) & 0xFF])
    return value


cdef inline int word(const uint8_t* data) noexcept nogil:
    return data[0] << 8 | data[1]


cdef bint is_read_request(const uint8_t* request) noexcept nogil:
    cdef int count = word(request + 4)
    return (
        1 <= request[1] <= 4
        and 1 <= count <= (2000 if request[1] <= 2 else 125)
        and word(request + 2) + count <= 65_536
        and checksum(request, REQUEST_LENGTH) == 0
    )


cdef inline int data_bytes(const uint8_t* request) noexcept nogil:
    cdef int count = word(request + 4)
    if request[1] <= 2:
        return (count + 7) // 8
    return 2 * count


cdef Py_ssize_t reply_length(const uint8_t* request) noexcept nogil:
    return 5 + data_bytes(request)


cdef int judge_reply(
    const uint8_t* request, const uint8_t* reply, Py_ssize_t size
) noexcept nogil:
    cdef Py_ssize_t announced
    cdef uint16_t crc
    cdef bint refused
    if size < EXCEPTION_LENGTH:
        return INCOMPLETE
    refused = (reply[1] & 0x80) != 0
    announced = EXCEPTION_LENGTH if refused else 5 + reply[2]
    if size < announced:
        return INCOMPLETE
    # The CRC covers all the bytes, not the announced ones: else a corrupted header
    # could announce a part of the frame, and the CRC would guarantee nothing.
    crc = checksum(reply, size - 2)
    if reply[size - 2] != (crc & 0xFF) or reply[size - 1] != (crc >> 8):
        return WRONG_CRC
    if reply[0] != request[0]:
        return WRONG_UNIT
    if (reply[1] & 0x7F) != request[1]:
        return WRONG_FUNCTION
    if size != announced:
        return WRONG_COUNT
    if refused:
        return EXCEPTION
    if reply[2] != data_bytes(request):
        return WRONG_COUNT
    return GOOD


def crc16(bytes data not None) -> int:
    """Return the CRC of *data*; on the wire its low byte comes first."""
    return checksum(data, len(data))


def read_request(unit: int, function: int, address: int, count: int) -> bytes:
    """Return the request for *count* registers (or bits) from *address*.

    *unit* is 0 to 255 (on a serial line 1 to 247), *function* 1 to 4, *count* up to
    125 registers or 2000 bits, *address* the zero-based one; UsageError for anything
    else.
    """
    cdef uint8_t[8] frame
    cdef uint16_t crc
    if not 0 <= unit <= 255:
        raise UsageError(f"request: unit: {unit} is not within 0 to 255")
    if not 1 <= function <= 4:
        raise UsageError(f"request: function: {function} is not within 1 to 4")
    largest = 2000 if function <= 2 else 125
    if not 1 <= count <= largest:
        raise UsageError(f"request: count: {count} is not within 1 to {largest}")
    if not 0 <= address <= 65_536 - count:
        raise UsageError(
            f"request: address: {address} with count {count} is not within 0 to 65535"
        )
    frame[0] = unit
    frame[1] = function
    frame[2] = address >> 8
    frame[3] = address & 0xFF
    frame[4] = count >> 8
    frame[5] = count & 0xFF
    crc = checksum(frame, 6)
    frame[6] = crc & 0xFF
    frame[7] = crc >> 8
    return frame[:8]


cdef const uint8_t* checked_request(bytes request) except NULL:
    cdef const uint8_t* data = request
    if len(request) != REQUEST_LENGTH or not is_read_request(data):
        raise UsageError(
            f"request: {request.hex(' ')} is not a read request of 8 bytes"
        )
    return data


def expected_length(bytes request not None) -> int:
    """Return how many bytes the reply that grants *request* has.

    UsageError when *request* is not a read request.
    """
    return reply_length(checked_request(request))


def judge(bytes request not None, bytes reply not None) -> int:
    """Return the Verdict on the bytes that came after a read *request*.

    Corrupted bytes are INCOMPLETE or WRONG_CRC, never anything else. UsageError
    when *request* is not a read request.
    """
    return judge_reply(checked_request(request), reply, len(reply))


def exception_code(bytes reply not None) -> int:
    """Return the code in a reply that was judged to be an EXCEPTION.

    UsageError when *reply* has not the form of one.
    """
    cdef const uint8_t* data = reply
    if len(reply) != EXCEPTION_LENGTH or not data[1] & 0x80:
        raise UsageError(f"reply: {reply.hex(' ')} is not an exception of 5 bytes")
    return data[2]
