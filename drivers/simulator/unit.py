"""What answers on a simulated line."""

from typing import Protocol


class Unit(Protocol):
    """What answers on a line under one unit identifier."""

    def answer(self, request: bytes, time_ns: int) -> bytes:
        """Return the reply to a request that was complete at *time_ns*.

        Both are protocol data units: without unit identifier and CRC. The time
        is that of the boot-time clock, and may be a little ahead of it.
        """
        ...
