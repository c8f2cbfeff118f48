"""Ties the demo's parts to the demo: what it starts ends with it, whatever ends it."""

import ctypes
import os
import signal
from collections.abc import Callable

#: From <linux/prctl.h>.
PR_SET_PDEATHSIG = 1
#: What ends the demo: a closed terminal, Ctrl-C, a service manager.
STOPS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

_LIBC = ctypes.CDLL(None)


def heed_stops() -> set[signal.Signals]:
    """Let each of STOPS raise KeyboardInterrupt; return those that do.

    One that is ignored stays so: ``nohup`` asked for it.
    """
    heeded = {n for n in STOPS if signal.getsignal(n) is not signal.SIG_IGN}
    for number in heeded:
        signal.signal(number, signal.default_int_handler)
    return heeded


def follow_parent() -> Callable[[], None]:
    """Return what a child calls before ``exec`` to be told to stop when we die.

    Even a demo that is killed then leaves nothing behind.
    """
    parent = os.getpid()

    def follow() -> None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)  # it died before we could ask

    return follow
