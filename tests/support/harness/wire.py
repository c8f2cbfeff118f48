"""The bare end of a line: write bytes, see what comes back."""

import os
import select
import tty


def converse(port: str, data: bytes, expected: int, patience_s: float = 1.0) -> bytes:
    """Write *data*, return what comes until *expected* bytes or *patience_s*."""
    descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(descriptor)
        os.write(descriptor, data)
        got = b""
        while len(got) < expected:
            if not select.select([descriptor], [], [], patience_s)[0]:
                break
            got += os.read(descriptor, 512)
        return got
    finally:
        os.close(descriptor)
