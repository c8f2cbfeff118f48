"""What happened that someone may want to know: kept, forwarded and shown."""

import logging
from collections import deque
from dataclasses import dataclass, replace
from threading import Lock

log = logging.getLogger("zerometer")

#: The page shows the last ones; all of them go upstream.
KEPT = 50
#: A trouble that lasts is told again after this time.
REPEAT_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Event:
    """One event: when (Unix ms, UTC), of which kind, about what, in words."""

    time_ms: int
    kind: str
    subject: str
    text: str


class EventLog:
    """Collects events until they are recorded; remembers the last ones.

    All methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._recent: deque[Event] = deque(maxlen=KEPT)
        self._new: list[Event] = []
        self._told_ms: dict[tuple[str, str, str], int] = {}

    def add(self, time_ms: int, kind: str, subject: str, text: str) -> None:
        """Note an event."""
        log.warning("%s: %s: %s", kind, subject, text)
        event = Event(time_ms, kind, subject, text)
        with self._lock:
            self._recent.append(event)
            self._new.append(event)

    @property
    def recent(self) -> list[Event]:
        """The last events, oldest first."""
        with self._lock:
            return list(self._recent)

    def add_standing(
        self, time_ms: int, kind: str, subject: str, text: str, detail: str = ""
    ) -> None:
        """Note a trouble that may last: once, and again after REPEAT_MS.

        *detail* tells apart troubles of one kind of one subject.
        """
        key = kind, subject, detail
        with self._lock:
            told_ms = self._told_ms.get(key)
            if told_ms is not None and 0 <= time_ms - told_ms < REPEAT_MS:
                return
            self._told_ms[key] = time_ms
        self.add(time_ms, kind, subject, text)

    def over(self, kind: str, subject: str, detail: str = "") -> None:
        """Note that a trouble is over: the next one is told at once."""
        with self._lock:
            self._told_ms.pop((kind, subject, detail), None)

    def rebase(self, step_ms: int) -> None:
        """Date events anew that were not taken yet: their clock was wrong."""
        with self._lock:
            moved = {
                id(event): replace(event, time_ms=event.time_ms + step_ms)
                for event in self._new
            }
            recent = [moved.get(id(event), event) for event in self._recent]
            self._recent = deque(recent, maxlen=KEPT)
            self._new = list(moved.values())

    def take(self) -> list[Event]:
        """Return the events since the last call."""
        with self._lock:
            events, self._new = self._new, []
        return events
