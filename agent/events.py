"""What happened that someone may want to know: kept, forwarded and shown."""

import logging
from collections import deque
from dataclasses import dataclass
from threading import Lock

log = logging.getLogger("zerometer")

#: The page shows the last ones; all of them go upstream.
KEPT = 50


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

    def take(self) -> list[Event]:
        """Return the events since the last call."""
        with self._lock:
            events, self._new = self._new, []
        return events
