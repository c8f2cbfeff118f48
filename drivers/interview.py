"""What a unit is asked before its readings are trusted, and what came of it.

Met for the first time, back after being down, or on a port that was away: whatever
answers now may be another meter, or set up otherwise.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from zerometer.core.meter_map import MeterMap
from zerometer.core.points import Point
from zerometer.drivers import identity, sunspec
from zerometer.drivers.notices import NoticeKind
from zerometer.drivers.questions import REFUSED, Dialogue, Question
from zerometer.drivers.sunspec import Models

#: A unit that is not the right one is asked again after so long, then twice as long
#: each time, up to the longest.
FIRST_AGAIN_NS = 1_000_000_000
LONGEST_AGAIN_NS = 60_000_000_000

#: A question that is met with silence so often, while others are not, is refused.
PATIENCE = 3

_BY_TURNS = (
    "two serial numbers answer by turns: two meters seem to have this unit identifier"
)


@dataclass(slots=True)
class Findings:
    """What an interview found: ``trusted`` if the unit is the right one.

    Of ``points`` some may be ``absent``, as indices. By what they are about,
    ``identity`` and ``settings`` tell what is wrong, if anything; ``happened`` what
    happened since the last interview, and ``twins`` that it happened before.
    """

    points: tuple[Point, ...]
    absent: frozenset[int] = frozenset()
    trusted: bool = False
    identity: str = ""
    settings: list[str] = field(default_factory=list)
    happened: str = ""
    twins: bool = False

    def troubles(self) -> list[tuple[NoticeKind, str, str]]:
        """Return kind, detail, and what to say of each trouble; empty if it is over.

        What was not asked is not known: then nothing is said of it.
        """
        told: list[tuple[NoticeKind, str, str]] = [
            ("identity", "identity", self.identity)
        ]
        if not self.trusted:
            return told
        names = ", ".join(self.points[index].name for index in sorted(self.absent))
        absent = (
            f"the device has no SunSpec model with {names}: not read" if names else ""
        )
        return [
            *told,
            ("absent", "absent", absent),
            ("twins", "serial", _BY_TURNS if self.twins else ""),
            *(
                ("setup", f"setting {number}", text)
                for number, text in enumerate(self.settings)
            ),
        ]


class Interview:
    """The interview of one unit, again and again.

    Its *points* are those that are polled; *serial* is the serial number that the
    site file states, and *known* the one that it had when it was met last.
    """

    def __init__(
        self, meter_map: MeterMap, points: Sequence[Point], serial: str, known: str
    ) -> None:
        self._map = meter_map
        self._points = tuple(points)
        self._stated = serial
        self._bases = list(meter_map.sunspec)
        #: The serial number that it told last; empty if it told none.
        self.serial = known
        self._serial_before = ""
        #: When a unit that is not the right one is asked again.
        self.again_ns = 0
        self._spacing_ns = FIRST_AGAIN_NS
        #: Whether it said anything since it was silent last.
        self.heard = True
        self._silences: Counter[Question] = Counter()
        self._nowhere = 0
        self.findings: Findings | None = None
        self.question: Question
        self._dialogue: Dialogue[Findings]
        self.restart()

    @staticmethod
    def wanted(meter_map: MeterMap) -> bool:
        """Whether meters of this map have anything to be asked."""
        return bool(
            meter_map.identity
            or meter_map.sunspec
            or meter_map.checks
            or meter_map.variants
        )

    def restart(self) -> None:
        """Begin with the first question again."""
        self.findings = None
        self._dialogue = self._run()
        self.question = next(self._dialogue)

    def answer(self, data: bytes) -> None:
        """Take the answer to the question; then there is another one, or findings."""
        self.heard = True
        self._nowhere = 0
        self._silences.pop(self.question, None)
        self._go_on(data)

    def silence(self) -> bool:
        """Take silence for an answer; return whether it is a fault of the unit.

        Where it may have nothing it may say nothing. A unit that says nothing
        anywhere else has nothing there if it answers other requests meanwhile.
        """
        if self.question.elsewhere:
            self._nowhere += 1
            self._go_on(None)
            return self._nowhere >= len(self._bases)
        self._silences[self.question] += self.heard
        self.heard = False
        if self._silences[self.question] < PATIENCE:
            return True
        self._go_on(REFUSED)
        return False

    def _go_on(self, data: bytes | None) -> None:
        try:
            self.question = self._dialogue.send(data)
        except StopIteration as end:
            self.findings = end.value

    def postpone(self, now_ns: int) -> None:
        """Ask again, after a while that grows."""
        self.again_ns = now_ns + self._spacing_ns
        self._spacing_ns = min(2 * self._spacing_ns, LONGEST_AGAIN_NS)
        self.restart()

    def _run(self) -> Dialogue[Findings]:
        limits = self._map.limits
        findings = Findings(self._points)
        models: Models = {}
        if self._map.sunspec:
            found = yield from sunspec.walk(self._bases)
            if found is None:
                findings.identity = sunspec.NOWHERE.format(
                    ", ".join(map(str, self._map.sunspec))
                )
                return findings
            models = found
        if self._map.identity:
            model = yield from identity.examine(self._map.identity, limits)
            if not model.right:
                findings.identity = model.text
                return findings
        if not (yield from self._is_the_one(models, findings)):
            return findings
        variant = yield from identity.variant_of(self._map)
        points = list(self._points)
        if variant:
            points = identity.varied(points, self._map, variant)
        standing = [sunspec.placed(point, models) for point in points]
        findings.points = tuple(
            there or point for there, point in zip(standing, points, strict=True)
        )
        findings.absent = frozenset(i for i, p in enumerate(standing) if p is None)
        for check in self._map.checks:
            findings.settings.append((yield from identity.setting(check, limits)))
        findings.trusted = True
        self._spacing_ns = FIRST_AGAIN_NS
        return findings

    def _is_the_one(self, models: Models, findings: Findings) -> Dialogue[bool]:
        """Tell by the serial number whether the right meter answers."""
        limits = self._map.limits
        if self._map.identity and self._map.identity.serial:
            register = self._map.identity.serial
            serial = yield from identity.serial_number(register, limits)
        elif models:
            serial = yield from sunspec.serial_number(models, limits)
        else:
            return True
        one = identity.compared(self._stated, serial)
        findings.identity = one.text
        if not one.right:
            return False
        if serial and self.serial not in ("", serial):
            findings.happened = (
                f"another meter answers: serial number {self.serial}, now {serial}; if "
                "it was replaced, its counters begin anew"
            )
            findings.twins = serial == self._serial_before
            self._serial_before = self.serial
        self.serial = serial or self.serial
        return True
