"""What can be said of the bytes that came after a request."""

from enum import IntEnum


class Verdict(IntEnum):
    """The outcome of judging a reply; the numbers are those of the kernels.

    ``INCOMPLETE``: fewer bytes than the header announces. ``WRONG_CRC``: enough
    bytes, but corrupted. All others presuppose a good CRC: ``WRONG_UNIT``,
    ``WRONG_FUNCTION`` and ``WRONG_COUNT`` answer another request than ours;
    ``EXCEPTION`` is the unit's refusal of ours.
    """

    GOOD = 0
    INCOMPLETE = 1
    WRONG_CRC = 2
    WRONG_UNIT = 3
    WRONG_FUNCTION = 4
    WRONG_COUNT = 5
    EXCEPTION = 6
