"""What a bus reports beside readings: troubles and their ends, in words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

NoticeKind = Literal[
    "timeout", "garbage", "late", "echo", "exception", "ratio", "down", "up",
    "port-lost", "port-back", "overload", "identity", "setup", "absent",
    "twins",
]  # fmt: skip

#: A trouble that comes and goes is reported at most this often.
REPEAT_NS = 60_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BusNotice:
    """Something that people should know; ``meter`` is empty if it concerns the bus.

    ``time_ns`` is the boot-time clock.
    """

    kind: NoticeKind
    bus: str
    meter: str
    text: str
    time_ns: int


class Notices:
    """Hands notices on, each trouble once until it has ended.

    *boot_ns* returns the boot-time clock.
    """

    def __init__(
        self,
        bus: str,
        notify: Callable[[BusNotice], None],
        boot_ns: Callable[[], int],
    ) -> None:
        self._bus = bus
        self._notify = notify
        self._boot_ns = boot_ns
        #: By meter: the kind and detail of each trouble that stands.
        self._standing: dict[str, set[tuple[str, str]]] = {}
        self._last_ns: dict[tuple[str, str, str], int] = {}

    def say(self, kind: NoticeKind, meter: str, text: str) -> None:
        """Hand on a notice of something that happens once."""
        self._notify(
            BusNotice(
                kind=kind,
                bus=self._bus,
                meter=meter,
                text=text,
                time_ns=self._boot_ns(),
            )
        )

    def trouble(
        self, kind: NoticeKind, meter: str, text: str, detail: str = ""
    ) -> None:
        """Hand on a trouble unless it stands already or was reported just now.

        *detail* tells apart troubles of one kind at one meter.
        """
        standing = self._standing.setdefault(meter, set())
        if (kind, detail) in standing:
            return
        standing.add((kind, detail))
        key = (meter, kind, detail)
        now_ns = self._boot_ns()
        last_ns = self._last_ns.get(key)
        if last_ns is not None and now_ns - last_ns < REPEAT_NS:
            return
        self._last_ns[key] = now_ns
        self.say(kind, meter, text)

    def stands(self, meter: str) -> bool:
        """Whether any trouble of *meter* stands."""
        return meter in self._standing

    def ended(self, meter: str, detail: str = "") -> None:
        """Note that *meter*'s troubles with that *detail* are over."""
        left = {key for key in self._standing.pop(meter, ()) if key[1] != detail}
        if left:
            self._standing[meter] = left
