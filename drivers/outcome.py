"""How a transaction on a line can end."""

from enum import IntEnum


class Outcome(IntEnum):
    """How a ``Transaction`` ended: the verdict on the reply, or why there is none.

    Up to ``EXCEPTION`` the members are those of ``core.verdict.Verdict``.
    ``TIMEOUT``: not one byte came in time, or a gateway said so of the unit.
    ``LOST``: the port is gone. ``COLLISION``: on a line that echoes, another came
    back than was sent.
    """

    GOOD = 0
    INCOMPLETE = 1
    WRONG_CRC = 2
    WRONG_UNIT = 3
    WRONG_FUNCTION = 4
    WRONG_COUNT = 5
    EXCEPTION = 6
    TIMEOUT = 7
    LOST = 8
    COLLISION = 9
