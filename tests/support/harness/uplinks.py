"""Uplinks for tests: what waits is tried at once, events are kept in a list."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.batches import SOURCE

from zerometer.agent.clock import read_boottime_ns
from zerometer.agent.uplink.base import Outbox
from zerometer.agent.uplink.schemes import open_sender
from zerometer.agent.uplink.worker import Reissue, Uplink
from zerometer.core.site import UplinkSettings


@dataclass
class Told:
    """Events that were told of: kind, subject, text."""

    events: list[tuple[str, str, str]] = field(default_factory=list)

    def __call__(self, kind: str, subject: str, text: str) -> None:
        self.events.append((kind, subject, text))


def uplink_to(
    where: str | UplinkSettings,
    outbox: Outbox,
    *,
    event: Callable[[str, str, str], None] = lambda *_: None,
    reissue: Reissue = lambda *_: None,
    clock: Callable[[], int] = read_boottime_ns,
    draw: float = 0.0,
    **options: Any,
) -> Uplink:
    """Return an uplink to an address, called "main" unless its settings say more."""
    if isinstance(where, str):
        where = UplinkSettings(id="main", url=where)
    return Uplink(
        where,
        outbox,
        open_sender(where, SOURCE),
        event=event,
        reissue=reissue,
        clock=clock,
        draw=lambda: draw,
        **options,
    )
