"""One frame on its way over a wire: which of its bytes have arrived by when."""

#: Bytes reach the reader in portions of about this time, as with USB adapters.
PORTION_NS = 1_000_000


class Transmission:
    """*frame* sent from ``start_ns`` on, each byte taking ``character_ns``.

    Deadlines count from the start, so a late call delays nothing after it.
    """

    def __init__(self, frame: bytes, start_ns: int, character_ns: int) -> None:
        self._frame = frame
        self._start_ns = start_ns
        self._character_ns = character_ns
        self._portion = max(1, PORTION_NS // character_ns) if character_ns else 0
        self._taken = 0

    @property
    def done(self) -> bool:
        """Whether all bytes were taken."""
        return self._taken == len(self._frame)

    @property
    def end_ns(self) -> int:
        """When the last byte has arrived."""
        return self._start_ns + len(self._frame) * self._character_ns

    def next_ns(self) -> int:
        """Return when the next portion has arrived."""
        portion = min(self._taken + self._portion, len(self._frame))
        return self._start_ns + portion * self._character_ns

    def take(self, now_ns: int) -> bytes:
        """Return the bytes that have arrived since the last call."""
        arrived = len(self._frame)
        if self._character_ns:
            passed = (now_ns - self._start_ns) // self._character_ns
            arrived = min(arrived, passed)
        data = self._frame[self._taken : arrived]
        self._taken = max(self._taken, arrived)
        return data
