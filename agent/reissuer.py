"""Seals anew what receivers did not take as it was, in the thread of the ticks."""

from collections.abc import Callable

from zerometer.agent.batch import decode
from zerometer.agent.commits import Commits
from zerometer.agent.journal import Journal
from zerometer.agent.recorder import Recorder
from zerometer.agent.reissue import Reason, Reissues, halves
from zerometer.agent.uplink.base import Batch
from zerometer.core.errors import FormatError, JournalError

#: Batches that are sealed anew at a tick, and the fewest values to seal after.
PER_TICK = 4
SMALLEST = 100
#: An epoch that could not begin is tried again after this time.
AGAIN_NS = 60_000_000_000
#: No receiver knows an epoch that was begun just now: one that meets a conflict in it
#: as well waits, each time twice as long, as new ones do not help.
LONGEST_NS = 86_400_000_000_000


class Reissuer:
    """Serves *reissues*.

    *began* is told of a new epoch, *event* (kind, subject, text) of what was done.
    """

    def __init__(
        self,
        reissues: Reissues,
        journal: Journal,
        recorder: Recorder,
        commits: Commits,
        *,
        began: Callable[[bytes], None],
        event: Callable[[str, str, str], None],
    ) -> None:
        self._reissues = reissues
        self._journal = journal
        self._recorder = recorder
        self._commits = commits
        self._began = began
        self._event = event
        self._begin_at_ns = 0
        self._wait_ns = AGAIN_NS // 2

    def tick(self, boottime_ns: int) -> None:
        """Serve some of what is asked for; what fails is tried again later."""
        asked = self._reissues.waiting()
        ours = self._journal.epoch
        others = [
            (batch, why)
            for batch, why in asked
            if why != "conflict" or batch.epoch != ours
        ]
        if len(others) < len(asked) and not self._begins_epoch(boottime_ns):
            asked = others
        for batch, why in asked[:PER_TICK]:
            self._reissues.served(batch)
            self._serve(batch, why)

    def _begins_epoch(self, boottime_ns: int) -> bool:
        """Begin an epoch if none was tried lately; tell whether one began."""
        quiet_ns = boottime_ns - self._begin_at_ns
        if quiet_ns < 0:
            return False
        try:
            self._begin_epoch(boottime_ns)
        except JournalError as error:
            self._begin_at_ns = boottime_ns + AGAIN_NS
            self._event("journal", "journal", f"no new epoch: {error}")
            return False
        longer_ns = AGAIN_NS if quiet_ns > LONGEST_NS else 2 * self._wait_ns
        self._wait_ns = min(longer_ns, LONGEST_NS)
        self._begin_at_ns = boottime_ns + self._wait_ns
        return True

    def _begin_epoch(self, boottime_ns: int) -> None:
        """Number batches anew; JournalError when that cannot be made durable."""
        self._recorder.seal_all()
        self._commits.flush(boottime_ns)
        epoch = self._journal.begin_epoch("identity-conflict").result()
        self._recorder.begin_epoch(epoch)
        self._began(epoch)
        self._event(
            "epoch",
            "journal",
            "a receiver has other batches of this gateway: its journal was copied or "
            "restored; goes on in an epoch of its own. See that only one copy runs",
        )

    def _serve(self, batch: Batch, why: Reason) -> None:
        try:
            content = decode(batch.data)
        except FormatError as error:
            self._event("journal", "journal", f"{batch.stream}/{batch.seq}: {error}")
            return
        parts = [content.tables]
        if why == "too-large":
            parts = halves(content.tables)
            if len(parts) == 1:
                text = f"batch {batch.seq}: a row is more than a receiver takes"
                self._event("too-large", batch.stream, text)
                return
            most = max(content.header.samples // 2, SMALLEST)
            self._recorder.seal_samples = min(self._recorder.seal_samples, most)
            self._event(
                "too-large",
                batch.stream,
                f"batch {batch.seq} ({len(batch.data)} bytes) is more than a receiver "
                f"takes: comes in {len(parts)} parts; batches have at most "
                f"{self._recorder.seal_samples} values from now on",
            )
        self._recorder.reissue(batch.position, content.header, parts)
