"""All who are shown the latest values of a site."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

from zerometer.agent.clock import Clock
from zerometer.agent.latest import Latest
from zerometer.agent.uplink.base import Sender
from zerometer.agent.uplink.live import LiveMeter, LivePicture, LiveSink, LiveThread
from zerometer.agent.uplink.schemes import open_sink, time_check
from zerometer.core.site import Site


class LiveShow:
    """Each of the site's live uplinks, in a thread of its own."""

    def __init__(
        self,
        site: Site,
        senders: Mapping[str, Sender],
        latest: Latest,
        clock: Clock,
        event: Callable[[str, str, str], object],
    ) -> None:
        """*senders* are those of the uplinks that take batches, by id.

        *event* is told, by kind, subject and text, when somebody must act.
        ConfigError when what one needs is not installed.
        """
        self._latest = latest
        self._clock = clock
        self._threads: list[LiveThread] = []
        for settings in site.live:
            part = partial(
                LiveThread,
                settings.id,
                period_ns=settings.live_ns,
                timeout_s=settings.timeout_s,
                time_is_known=time_check(settings),
            )
            if settings.takes_batches:  # its uplink tells of troubles, and closes it
                shared = cast(LiveSink, senders[settings.id])
                self._threads.append(part(sink=shared))
            else:
                own = open_sink(settings)
                self._threads.append(part(sink=own, end=own.close, event=event))

    def start(self) -> None:
        """Begin to show."""
        for thread in self._threads:
            thread.start()

    def tick(self, boottime_ns: int) -> None:
        """Show the latest values to those for whom it is time; never waits."""
        for thread in self._threads:
            thread.offer(boottime_ns, self._picture)

    def stop(self) -> None:
        """Show no more."""
        for thread in self._threads:
            thread.stop()

    def _picture(self) -> LivePicture:
        now_ns = self._clock.wall_ns(self._clock.boottime_ns())
        states = self._latest.meters.values()
        meters = [LiveMeter.of(state, self._clock.wall_ns) for state in states]
        return LivePicture(now_ns // 1_000_000, meters)
