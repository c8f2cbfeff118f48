"""Whether the kernel takes its wall clock for right.

NTP and PTP services tell the kernel how far the clock may be off; when nobody has
told it, or not for hours, it says so (adjtimex(2): TIME_ERROR while STA_UNSYNC).
"""

import ctypes
from collections.abc import Callable

#: More than a struct timex has on any architecture; zeros ask and change nothing.
_TIMEX_BYTES = 512
#: include/uapi/linux/timex.h: the clock is not synchronised.
_TIME_ERROR = 5


def kernel_synchronisation() -> Callable[[], bool]:
    """Return what tells whether somebody keeps the kernel's wall clock right.

    Where the kernel refuses to tell, it counts as not synchronised.
    """
    adjtimex = ctypes.CDLL(None).adjtimex
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)

    def synchronised() -> bool:
        ctypes.memset(timex, 0, _TIMEX_BYTES)
        state: int = adjtimex(timex)
        return 0 <= state < _TIME_ERROR

    return synchronised
