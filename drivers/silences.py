"""What silence to a read means: a meter may have nothing to say of some addresses."""

from collections import Counter

from zerometer.drivers.holes import ReadKey, key_of
from zerometer.drivers.prepared import PreparedRead

#: A read counts as refused, or as down if it was answered once, when it was met with
#: silence so often in a row while shorter ones were answered.
SILENT_REFUSAL = 2


class Silences:
    """The reads of one unit that were met with silence."""

    def __init__(self) -> None:
        self._counts: Counter[ReadKey] = Counter()
        #: Reads that were met with silence since the unit proved itself last.
        self._unanswered: list[PreparedRead] = []

    def note(self, read: PreparedRead) -> None:
        """Note that *read* was met with silence."""
        self._unanswered.append(read)

    def answered(self, read: PreparedRead) -> None:
        """Note that *read* was answered: it begins anew."""
        if self._counts:
            self._counts.pop(key_of(read.block), None)

    def settle(self) -> list[PreparedRead]:
        """Return the reads that silence answers; the unit has proved to be there."""
        meant = []
        for read in self._unanswered:
            key = key_of(read.block)
            self._counts[key] += 1
            if self._counts[key] >= SILENT_REFUSAL:
                meant.append(read)
        self._unanswered.clear()
        return meant
