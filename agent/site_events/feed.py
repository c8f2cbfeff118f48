"""What is new among a site's events, tick by tick."""

from pathlib import Path

from zerometer.agent.site_events.store import EventStore
from zerometer.config.events import as_text, potentials, read_events
from zerometer.core.direct import emitted_kg
from zerometer.core.event import SiteEvent
from zerometer.core.site import Site


def told(event: SiteEvent, site: Site) -> str:
    """Return an event in words, with what it emits."""
    said = as_text(event)
    words = [event.kind, "at", said["time"]]
    words += [said[n] for n in ("quantity", "unit") if n in said]
    words += [f"after {said['final']}"] if "final" in said else []
    words += ["for good"] * event.permanent
    kg = emitted_kg(event, potentials(site))
    emits = [] if kg is None else [f"emits {kg:g} kg CO2e"]
    return ", ".join(
        [" ".join(words), *emits, *(said[n] for n in ("text", "evidence") if n in said)]
    )


class EventFeed:
    """Follows the events of a site; belongs to one thread.

    ``last`` is the number of the last event that was handed out; set it to what a
    state had, to go on from there.
    """

    def __init__(self, site: Site) -> None:
        """Open the site's events.

        Raise JournalError when they cannot be had.
        """
        self._store = EventStore(Path(site.journal.path))
        self._changed = True
        self.last = 0

    def take_file(self, site: Site, now_ns: int) -> int:
        """Add what is new in the site's events file; return how much that was.

        Raise problems.FileError when the file does not hold.
        """
        if not site.events:
            return 0
        events = read_events(Path(site.events), site)
        return sum(n is not None for n in self._store.add(events, now_ns))

    def new(self) -> list[SiteEvent]:
        """Return the events that were added since the last call; cheap if none.

        Raise JournalError when they cannot be read; the next call has them then.
        """
        changed = self._store.changed()
        if not (changed or self._changed):
            return []
        self._changed = True
        found = self._store.after(self.last)
        self._changed = False
        self.last = max((number for number, _ in found), default=self.last)
        return [event for _, event in found]

    def close(self) -> None:
        """Close the file."""
        self._store.close()
