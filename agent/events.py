"""What happened that someone may want to know: kept, forwarded and shown."""

import logging
from collections import deque
from dataclasses import dataclass

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
    """Collects events until they are recorded; remembers the last ones."""

    def __init__(self) -> None:
        self.recent: deque[Event] = deque(maxlen=KEPT)
        self._new: deque[Event] = deque()

    def add(self, time_ms: int, kind: str, subject: str, text: str) -> None:
        """Note an event; callable from any thread."""
        event = Event(time_ms, kind, subject, text)
        log.warning("%s: %s: %s", kind, subject, text)
        self.recent.append(event)
        self._new.append(event)

    def take(self) -> list[Event]:
        """Return the events since the last call."""
        events = []
        while self._new:
            events.append(self._new.popleft())
        return events
