"""The library of meter maps: those shipped, and a site's own beside its file."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from zerometer.config.document import read_document
from zerometer.config.map_file import parse_map
from zerometer.config.problems import Problems
from zerometer.core.meter_map import MeterMap

SHIPPED = Path(__file__).parent / "maps"


@dataclass
class MapLibrary:
    """Maps by id. One in the folder *own* is used instead of a shipped one.

    A file whose name begins with an underscore is no map but a form to copy.
    """

    problems: Problems
    own: Path | None = None
    _read: dict[str, MeterMap] = field(default_factory=dict)

    @cached_property
    def _files(self) -> dict[str, Path]:
        folders = [SHIPPED] if self.own is None else [SHIPPED, self.own]
        return {
            path.stem: path
            for folder in folders
            for path in sorted(folder.glob("*.toml"))
            if not path.stem.startswith("_")
        }

    def names(self) -> tuple[str, ...]:
        """Return the ids of all maps."""
        return tuple(self._files)

    def sold_as(self, name: str) -> tuple[str, ...]:
        """Return the ids of maps of which *name* is another name, but for spelling."""
        aside = MapLibrary(Problems(), self.own)
        maps = [(map_id, aside.find(map_id)) for map_id in self.names()]
        return tuple(
            map_id
            for map_id, found in maps
            if found and _spelt(name) in map(_spelt, found.also)
        )

    def find(self, map_id: str) -> MeterMap | None:
        """Return the map called *map_id*.

        None when there is none or its file cannot be read. What is wrong with
        it was collected.
        """
        if map_id not in self._read and map_id in self._files:
            document = read_document(self._files[map_id], self.problems)
            if document is None:
                return None
            self._read[map_id] = parse_map(document, self.problems)
        return self._read.get(map_id)


def _spelt(name: str) -> str:
    """Return the letters and digits of *name*."""
    return "".join(filter(str.isalnum, name)).lower()


def shipped_map(map_id: str) -> MeterMap:
    """Return the shipped map called *map_id*; KeyError when there is none."""
    problems = Problems()
    found = MapLibrary(problems).find(map_id)
    problems.check()
    if found is None:
        raise KeyError(map_id)
    return found
