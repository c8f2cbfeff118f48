"""Dated events as text: rows of a file, options of a command, fields of a request."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, cast, get_args

from zerometer.config.csv_rows import CsvError, read_rows
from zerometer.config.factor_library import warming_potential
from zerometer.config.problems import Problem, Problems, near
from zerometer.config.table import shown
from zerometer.core.direct import METHANE_CORRECTION, OF_WHAT, Potential, mass_kg
from zerometer.core.event import EventKind, SiteEvent
from zerometer.core.iso_time import format_time, parse_time
from zerometer.core.site import Site

KINDS: tuple[EventKind, ...] = get_args(EventKind)
#: What can be said of an event; the first three must be.
COLUMNS = (
    "time", "kind", "subject", "quantity", "unit", "final", "permanent", "text",
    "evidence",
)  # fmt: skip
REQUIRED = COLUMNS[:3]
#: A text of more characters is no name and no remark.
LONGEST = 1000
#: Control characters, and halves of characters.
NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
#: The year 2200: beyond it, somebody stated something else than seconds.
LATEST_S = 7_258_118_400
#: Quantities beyond this are slips of the pen.
LARGEST = 1e15


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field of an event."""

    column: str
    message: str


@dataclass(slots=True)
class _Reader:
    """Reads one event and collects what is wrong with it."""

    values: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)

    def fault(self, column: str, message: str) -> None:
        self.faults.append(Fault(column, message))

    def text(self, column: str) -> str:
        value = self.values.get(column, "").strip()
        if len(value) > LONGEST:
            self.fault(column, f"is longer than {LONGEST} characters")
        if NO_TEXT.search(value):
            self.fault(column, f"{shown(value[:20])} has characters of no text")
        return value[:LONGEST]

    def number(self, column: str) -> float | None:
        value = self.text(column)
        if not value:
            return None
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not abs(number) <= LARGEST:
            self.fault(column, f"{shown(value)} is not a number")
            return None
        return number

    def flag(self, column: str) -> bool:
        value = self.text(column).lower()
        if value not in ("", "true", "false"):
            self.fault(column, f"{shown(value)} is not true or false")
        return value == "true"

    def time_ns(self) -> int:
        value = self.text("time")
        found = time_ns(value) if value else 0
        if found is None:
            self.fault(
                "time",
                f"{shown(value)} is not a time with its offset such as "
                "2026-03-01T08:00:00+08:00, nor a number of seconds since 1970",
            )
        return found or 0


def time_ns(text: str) -> int | None:
    """Return a time as Unix ns, UTC: ISO 8601 with its offset, or epoch seconds."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(LATEST_S)):
        found = int(text) * 1_000_000_000
    else:
        try:
            found = parse_time(text)
        except ValueError:
            return None
    return found if 0 <= found <= LATEST_S * 1_000_000_000 else None


def potentials(site: Site) -> Potential:
    """Return what gases warm by the report that the site has chosen."""
    report: Literal["ar5", "ar6"] = "ar5" if site.gwp == "AR5" else "ar6"

    def potential(gas: str) -> float | None:
        found = warming_potential(gas, report)
        return found.value if found else None

    return potential


def event_of(values: Mapping[str, str], site: Site) -> SiteEvent | list[Fault]:
    """Return the event that *values*, text by column, say; or all that is wrong."""
    reader = _Reader(values)
    for column in REQUIRED:
        if not values.get(column, "").strip():
            reader.fault(column, "missing")
    for name in values:
        if name not in COLUMNS:
            reader.fault(name, f"unknown{near(name, COLUMNS)}")
    kind = reader.text("kind")
    if kind and kind not in KINDS:
        reader.fault("kind", f"{shown(kind)} is not one of {', '.join(KINDS)}")
    event = SiteEvent(
        time_ns=reader.time_ns(),
        kind=cast(EventKind, kind),
        subject=reader.text("subject"),
        quantity=reader.number("quantity"),
        unit=reader.text("unit"),
        final=reader.number("final"),
        permanent=reader.flag("permanent"),
        text=reader.text("text"),
        evidence=reader.text("evidence"),
    )
    if not reader.faults:
        reader.faults.extend(_faults(event, site))
    return reader.faults or event


def _faults(event: SiteEvent, site: Site) -> Iterator[Fault]:
    """Yield what does not fit the site, or the kind of the event."""
    known = _subjects(event, site)
    if known is not None and event.subject not in known:
        hint = near(event.subject, known) or "; there is none"
        yield Fault("subject", f"{shown(event.subject)} is not known{hint}")
    yield from _misplaced(event)
    if event.kind in OF_WHAT:
        yield from _emission_faults(event)
    if event.kind == "refrigerant" and potentials(site)(event.subject) is None:
        yield Fault(
            "subject",
            f"no warming potential of {shown(event.subject)} is known; zerometer "
            "factors list --shipped has those that are",
        )
    if event.kind == "storage-anchor":
        units = [
            pool.unit
            for storage in site.storages
            for pool in site.pools
            if storage.id == event.subject and pool.id == storage.pool
        ]
        if event.quantity is None or event.quantity < 0:
            yield Fault(
                "quantity", "what the storage can give must be stated, 0 or more"
            )
        if units and event.unit not in ("", *units):
            yield Fault("unit", f"{shown(event.unit)} is not {units[0]}")
    if event.kind in ("lot-start", "lot-end") and not event.text:
        yield Fault("text", "missing: the name of the lot")


def _subjects(event: SiteEvent, site: Site) -> Collection[str] | None:
    """Return what an event of this kind can be about; None for anything."""
    if event.kind == "waste-water" and event.unit.endswith(" COD"):
        return METHANE_CORRECTION
    return {
        "meter-change": [meter.id for meter in site.meters],
        "ratio-change": [meter.id for meter in site.meters],
        "storage-anchor": [storage.id for storage in site.storages],
        "capture": [process.id for process in site.processes],
        "lot-start": [product.id for product in site.products],
        "lot-end": [product.id for product in site.products],
    }.get(event.kind)


def _misplaced(event: SiteEvent) -> Iterator[Fault]:
    """Yield what only another kind of event can say."""
    if event.final is not None and event.kind != "meter-change":
        yield Fault("final", "is for meter-change only")
    if event.permanent and event.kind != "capture":
        yield Fault("permanent", "is for capture only")


def _emission_faults(event: SiteEvent) -> Iterator[Fault]:
    if event.quantity is None or event.quantity < 0:
        yield Fault("quantity", "must be stated, 0 or more")
    substances = OF_WHAT[event.kind]
    found = mass_kg(event.quantity or 0.0, event.unit)
    if found is None or found[1] not in substances:
        allowed = " or ".join(f"kg {substance}".strip() for substance in substances)
        yield Fault("unit", f"{shown(event.unit)} is not {allowed} (or g, t)")


def as_text(event: SiteEvent) -> dict[str, str]:
    """Return an event by column, as ``event_of`` reads it; what is not said lacks."""
    values = {f.name: getattr(event, f.name) for f in fields(event)}
    texts = {"time": format_time(values.pop("time_ns"))} | {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value is not None and value is not False and value != ""
    }
    return {name: texts[name] for name in COLUMNS if name in texts}


def read_events(path: Path, site: Site) -> list[SiteEvent]:
    """Return the events of a CSV file, in its order.

    Raise problems.FileError with everything that is wrong, each with its line.
    """
    problems = Problems()
    events = []

    def fault(line: int, column: str, message: str) -> None:
        where = "event" if column else ""
        place = str(path), line, 1 if line else 0
        problems.error(Problem(*place, where, column, message))

    try:
        for row in read_rows(path, REQUIRED, COLUMNS[len(REQUIRED) :]):
            if row.fault:
                fault(row.line, "", row.fault)
                continue
            found = event_of(row.cells, site)
            if isinstance(found, SiteEvent):
                events.append(found)
            else:
                for told in found:
                    fault(row.line, told.column, told.message)
    except CsvError as error:
        fault(error.line, "", error.message)
    problems.check()
    return events
