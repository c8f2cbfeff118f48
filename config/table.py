"""Reads typed values from a table of a document and reports what is wrong.

A reader method always returns a value of its type. When the file has none that
holds, a problem is collected and a placeholder returned: callers go on, so that
all problems come out at once, and nothing that was built is used in the end.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from zerometer.config import quantities
from zerometer.config.document import Document
from zerometer.config.locator import KeyPath
from zerometer.config.problems import Problem, Problems, near

#: No number in a configuration is as large; it also keeps infinity and NaN out.
LARGEST = 1e18

#: Longer lists are not shown in messages.
SHOWN = 40

_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")


def shown(value: object) -> str:
    """Return *value* as a message shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        text = "[" + ", ".join(shown(item) for item in value) + "]"
        return text if len(text) <= SHOWN else "a list"
    return str(value)


class Table:
    """One table: ``keys`` may stand in it, nothing else.

    ``where`` names the table in messages, such as ``meter "press-3"``.
    """

    def __init__(
        self,
        document: Document,
        problems: Problems,
        *,
        path: KeyPath,
        values: dict[str, Any],
        where: str,
        keys: Sequence[str] | None = None,
    ) -> None:
        self.document = document
        self.problems = problems
        self.path = path
        self.values = values
        self.where = where
        if keys is not None:
            self._check_keys(keys)

    def _check_keys(self, keys: Sequence[str]) -> None:
        for key in self.values:
            if key not in keys:
                self.error(key, f"unknown key{near(key, keys)}", of_key=True)

    def _problem(
        self, key: str, message: str, *rest: str | int, of_key: bool
    ) -> Problem:
        path = (*self._at(key), *rest) if key else self.path
        line, column = self.document.place(path, of_key=of_key)
        name = self._shown_key(key)
        for part in rest:
            name += f"[{part}]" if isinstance(part, int) else f".{part}"
        return Problem(self.document.file, line, column, self.where, name, message)

    def _at(self, key: str) -> KeyPath:
        """Return where the value of *key* stands."""
        return (*self.path, key)

    def _shown_key(self, key: str) -> str:
        return key

    def error(
        self, key: str, message: str, *rest: str | int, of_key: bool = False
    ) -> None:
        """Collect a problem at the value of *key*, or at what *rest* leads to in it."""
        self.problems.error(self._problem(key, message, *rest, of_key=of_key))

    def warn(self, key: str, message: str, *rest: str | int) -> None:
        """Collect a warning at the value of *key*, or at what *rest* leads to in it."""
        self.problems.warn(self._problem(key, message, *rest, of_key=False))

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def missing(self, key: str, hint: str = "") -> None:
        """Collect that *key* must stand here."""
        self.error(key, "missing" + (f"; {hint}" if hint else ""))

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; one that must be there may not be empty."""
        if key not in self.values:
            if default is None:
                self.missing(key)
            return default or ""
        value = self.values[key]
        if not isinstance(value, str):
            self.error(key, f"{shown(value)} is not a string")
            return ""
        if default is None and not value.strip():
            self.error(key, "is empty")
        return value

    def identifier(self, key: str) -> str:
        """Return a name by which other parts of the file speak of this one."""
        value = self.text(key)
        if value and not _ID.fullmatch(value):
            self.error(key, f"{shown(value)} {BAD_ID}")
        return value

    def choice(self, key: str, options: Sequence[str], default: str | None) -> str:
        """Return one of *options*."""
        value = self.text(key, default)
        stated = self.values.get(key)
        # Of one that must be there, it has been said that it is empty.
        said = default is None and not value.strip()
        if isinstance(stated, str) and stated not in options and not said:
            self.error(key, f"{shown(value)} is not one of {', '.join(options)}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.error(key, f"{shown(value)} is not true or false")
            return default
        return value

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number from *low* to *high*."""
        if key not in self.values:
            if default is None:
                self.missing(key)
            return low if default is None else default
        value = self.values[key]
        if not isinstance(value, int) or isinstance(value, bool):
            self.error(key, f"{shown(value)} is not a whole number")
            return low
        if not low <= value <= high:
            self.error(key, f"{value} is not within {low} to {high}")
            return low
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a finite number."""
        if key not in self.values:
            if default is None:
                self.missing(key)
            return default or 0.0
        value = self.values[key]
        if not is_number(value):
            self.error(key, f"{shown(value)} is not a number")
            return 1.0
        return float(value)

    def positive(self, key: str, default: float | None = None) -> float:
        """Return a number above zero."""
        value = self.number(key, default)
        if value <= 0.0 and key in self.values:
            self.error(key, f"{shown(self.values[key])} is not above 0")
            return 1.0
        return value

    def share(self, key: str, default: float) -> float:
        """Return a number from 0 to 1."""
        value = self.number(key, default)
        if not 0.0 <= value <= 1.0:
            self.error(key, f"{shown(self.values[key])} is not within 0 to 1")
            return default
        return value

    def numbers(self, key: str, count: int) -> tuple[float, ...] | None:
        """Return *count* numbers; None when the key is absent or wrong."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != count:
            self.error(key, f"{shown(value)} is not a list of {count} numbers")
            return None
        for index, item in enumerate(value):
            if not is_number(item):
                self.error(key, f"{shown(item)} is not a number", index)
                return None
        return tuple(float(item) for item in value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings; empty when absent."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            self.error(key, f"{shown(value)} is not a list of strings")
            return ()
        for index, item in enumerate(value):
            if not isinstance(item, str):
                self.error(key, f"{shown(item)} is not a string", index)
        return tuple(item for item in value if isinstance(item, str))

    def duration_ns(self, key: str, low: str, high: str, default_ns: int) -> int:
        """Return a duration from *low* to *high* in nanoseconds."""
        what = (quantities.DURATIONS_NS, 'a duration such as "10s"')
        return self._quantity(key, what, (low, high), default_ns)

    def size_bytes(self, key: str, low: str, high: str, default: int) -> int:
        """Return a size from *low* to *high* in bytes."""
        what = (quantities.SIZES, 'a size such as "4 GB"')
        return self._quantity(key, what, (low, high), default)

    def rate_bytes(self, key: str, low: str, high: str, default: int) -> int:
        """Return a rate from *low* to *high* in bytes a second."""
        what = (quantities.RATES, 'a rate such as "20 kB/s"')
        return self._quantity(key, what, (low, high), default)

    def _quantity(
        self,
        key: str,
        what: tuple[dict[str, int], str],
        limits: tuple[str, str],
        default: int,
    ) -> int:
        if key not in self.values:
            return default
        value = self.values[key]
        units, name = what
        number = quantities.parse(value, units) if isinstance(value, str) else None
        if number is None:
            self.error(key, f"{shown(value)} is not {name}; units: {', '.join(units)}")
            return default
        low, high = (quantities.parse(limit, units) for limit in limits)
        assert low is not None and high is not None
        if not low <= number <= high:
            self.error(key, f"{shown(value)} is not within {limits[0]} to {limits[1]}")
            return default
        return number

    def table(
        self,
        key: str,
        where: str,
        keys: Sequence[str] | None = None,
    ) -> "Table":
        """Return the table at *key*; an empty one when it is absent or no table."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            self.error(key, f"{shown(value)} is not a table")
            value = {}
        return Table(
            self.document,
            self.problems,
            path=self._at(key),
            values=value,
            where=where,
            keys=keys,
        )

    def listed(self, key: str, keys: Sequence[str]) -> Iterator["Table"]:
        """Yield the tables of ``[[key]]``, each named by its id or its number."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self.error(key, f"{shown(value)} is not a list of tables: [[{key}]]")
            return
        for index, values in enumerate(value):
            name = values.get("id")
            label = f'"{name}"' if isinstance(name, str) else str(index + 1)
            yield Table(
                self.document,
                self.problems,
                path=(*self.path, key, index),
                values=values,
                where=f"{key} {label}",
                keys=keys,
            )

    def elements(self, key: str) -> Iterator["Table"]:
        """Yield a table for each element of a list, which has it at *key*."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            self.error(key, f"{shown(value)} is not a list")
            return
        for index in range(len(value)):
            yield _Element(self, key, index)

    def named(self, key: str, keys: Sequence[str]) -> Iterator[tuple[str, "Table"]]:
        """Yield the tables of ``[key.name]`` with their names."""
        outer = self.table(key, key)
        for name, value in outer.values.items():
            if not isinstance(value, dict):
                outer.error(name, f"{shown(value)} is not a table")
                continue
            if not _ID.fullmatch(name):
                outer.error(name, f"the name {BAD_ID}", of_key=True)
            yield name, outer.table(name, f'{key} "{name}"', keys)


class _Element(Table):
    """A list's table, of which *key* is one element."""

    def __init__(self, table: Table, key: str, index: int) -> None:
        super().__init__(
            table.document,
            table.problems,
            path=table.path,
            values={key: table.values[key][index]},
            where=table.where,
        )
        self._index = index

    def _at(self, key: str) -> KeyPath:
        return (*self.path, key, self._index)

    def _shown_key(self, key: str) -> str:
        return f"{key}[{self._index}]"


#: How a message continues that found a bad identifier.
BAD_ID = (
    "is not made of lower-case letters, digits, dots, underscores and hyphens, "
    "beginning with a letter or digit"
)


def is_number(value: object) -> bool:
    """Tell whether a TOML value is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < LARGEST
