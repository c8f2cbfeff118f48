"""What the buses learnt of their meters, kept over restarts beside the journal.

Nothing but time depends on it: a file that is damaged, or of a newer version, is
told of and begun anew.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from zerometer.core.planner import Hole
from zerometer.core.site import Meter
from zerometer.drivers.memory import UnitMemory

log = logging.getLogger("zerometer")

NAME = "meters.json"
FORMAT = 1

#: How often it is looked whether there is something to write.
WRITE_SPACING_NS = 60_000_000_000

#: A turnaround is worth writing when it is off by more than this part.
_SIGNIFICANT = 0.25


class BusMemory:
    """The memories of *meters*, in the file NAME of *folder*.

    A meter that got another unit number or another map is a new one. ``notice`` says
    what was wrong with the file; empty if nothing was.
    """

    def __init__(self, folder: Path, meters: Iterable[Meter]) -> None:
        self._path = folder / NAME
        self._keys = {meter.id: _key(meter) for meter in meters}
        self._written: dict[str, UnitMemory] = {}
        self._next_ns = 0
        self.notice = ""
        try:
            self._written = self._read()
        except FileNotFoundError:
            pass
        except OSError as error:
            self.notice = f"{self._path}: {error.strerror}"
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.notice = f"{self._path}: damaged"
        if self.notice:
            self.notice += ": what was learnt of the meters is learnt again"

    @property
    def memories(self) -> Mapping[str, UnitMemory]:
        """What is known, by meter."""
        return self._written

    def keep(self, learnt: Callable[[], dict[str, UnitMemory]], now_ns: int) -> None:
        """Write what *learnt* returns if it changed; look every WRITE_SPACING_NS."""
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + WRITE_SPACING_NS
        memories = learnt()
        if self._changed(memories):
            self.write(memories)

    def write(self, memories: Mapping[str, UnitMemory]) -> None:
        """Write *memories*, whole or not at all; where that fails, it is said."""
        text = json.dumps(
            {"format": FORMAT, "meters": [
                {"key": self._keys[meter], **_values(memory)}
                for meter, memory in sorted(memories.items())
            ]},
            ensure_ascii=False,
            indent=1,
        )  # fmt: skip
        draft = self._path.with_name(f"{NAME}.new")
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            log.warning("meters: %s: not written: %s", self._path, error.strerror)
            return
        self._written = dict(memories)

    def _changed(self, memories: Mapping[str, UnitMemory]) -> bool:
        if memories.keys() != self._written.keys():
            return True
        return any(
            _differs(memory, self._written[meter]) for meter, memory in memories.items()
        )

    def _read(self) -> dict[str, UnitMemory]:
        content: Any = json.loads(self._path.read_text(encoding="utf-8"))
        version = content["format"]
        if version != FORMAT:
            self.notice = f"{self._path}: format {version}, this version reads {FORMAT}"
            return {}
        meters = {tuple(key): meter for meter, key in self._keys.items()}
        return {
            meters[tuple(entry["key"])]: _memory(entry)
            for entry in content["meters"]
            if tuple(entry["key"]) in meters
        }


def _key(meter: Meter) -> list[str | int]:
    """Return what makes a meter on its bus another one when it changes."""
    reading = repr((meter.map.points, meter.map.limits))
    digest = hashlib.sha256(reading.encode()).hexdigest()
    return [meter.id, meter.bus, meter.unit, meter.map.id, digest[:16]]


def _values(memory: UnitMemory) -> dict[str, Any]:
    return {
        "turnaround_ns": memory.turnaround_ns,
        "max_registers": memory.max_registers,
        "holes": memory.holes,
        "refused": memory.refused,
        "serial": memory.serial,
    }


def _memory(entry: Mapping[str, Any]) -> UnitMemory:
    """Return what *entry* says; ValueError or TypeError when it is no memory."""
    turnaround_ns, registers = entry["turnaround_ns"], entry["max_registers"]
    holes = tuple(Hole(*map(_number, hole)) for hole in entry["holes"])
    if any(hole.start >= hole.end for hole in holes):
        raise ValueError("a hole without addresses")
    return UnitMemory(
        turnaround_ns=min(_number(turnaround_ns), 10_000_000_000),
        max_registers=_number(registers),
        holes=holes,
        refused=tuple(map(_text, entry["refused"])),
        serial=_text(entry["serial"]),
    )


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r} is no number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _differs(memory: UnitMemory, written: UnitMemory) -> bool:
    near = abs(memory.turnaround_ns - written.turnaround_ns) <= (
        _SIGNIFICANT * written.turnaround_ns
    )
    learnt = (memory.max_registers, memory.holes, memory.refused, memory.serial)
    return not near or learnt != (
        written.max_registers, written.holes, written.refused, written.serial,
    )  # fmt: skip
