"""Where each key and value of a TOML text stands; tomllib does not tell.

The text must be valid TOML (tomllib has read it): the scanner follows only the
structure that carries positions and takes everything else on trust.
"""

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass

#: Keys and, for elements of arrays, indices from the top of the document.
KeyPath = tuple[str | int, ...]

_SKIP = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BLANKS = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
# A closing delimiter may be preceded by up to two quotes of the string itself.
_STRING = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*\'''',
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\n]*")


@dataclass(frozen=True, slots=True)
class Spot:
    """Offsets of a key (of its last part) and of its value in the text."""

    key: int
    value: int


def locate(text: str) -> dict[KeyPath, Spot]:
    """Return the spot of every key and array element of a valid TOML *text*.

    A table that no header names is where its first key is.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.spots


class Lines:
    """Turns offsets into lines and columns, both from 1."""

    def __init__(self, text: str) -> None:
        self._starts = [0] + [m.end() for m in re.finditer("\n", text)]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of *offset*."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.spots: dict[KeyPath, Spot] = {}
        self.counts: dict[KeyPath, int] = {}

    def document(self) -> None:
        base: KeyPath = ()
        while self._skip() < len(self.text):
            if self.text.startswith("[", self.at):
                base = self._header()
            else:
                self._pair(base)

    def _header(self) -> KeyPath:
        start = self.at
        brackets = 2 if self.text.startswith("[[", start) else 1
        self.at += brackets
        base: KeyPath = ()
        parts = self._key()
        for name, offset in parts[:-1]:
            base = self._last((*base, name))
            self.spots.setdefault(base, Spot(offset, start))
        name, offset = parts[-1]
        path = (*base, name)
        if brackets == 2:
            self.spots.setdefault(path, Spot(offset, start))
            self.counts[path] = self.counts.get(path, 0) + 1
        path = self._last(path)
        self.spots[path] = Spot(offset, start)
        self.at += brackets
        return path

    def _last(self, path: KeyPath) -> KeyPath:
        """Return *path*, and within an array of tables its newest element."""
        count = self.counts.get(path)
        return path if count is None else (*path, count - 1)

    def _pair(self, base: KeyPath) -> None:
        parts = self._key()
        self.at += 1
        self._blanks()
        path = base
        for name, offset in parts[:-1]:
            path = (*path, name)
            self.spots.setdefault(path, Spot(offset, offset))
        name, offset = parts[-1]
        path = (*path, name)
        self.spots[path] = Spot(offset, self.at)
        self._value(path)

    def _key(self) -> list[tuple[str, int]]:
        """Read a dotted key and stop at what follows it."""
        parts = []
        while True:
            self._blanks()
            match = _KEY.match(self.text, self.at)
            assert match is not None
            parts.append((_unquoted(match[0]), self.at))
            self.at = match.end()
            self._blanks()
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def _value(self, path: KeyPath) -> None:
        first = self.text[self.at]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            pattern = _STRING if first in "\"'" else _BARE
            match = pattern.match(self.text, self.at)
            assert match is not None
            self.at = match.end()

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self.text[self._skip()] != "]":
            self.spots[(*path, index)] = Spot(self.at, self.at)
            self._value((*path, index))
            self._comma()
            index += 1
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while self.text[self._skip()] != "}":
            self._pair(path)
            self._comma()
        self.at += 1

    def _comma(self) -> None:
        if self.text[self._skip()] == ",":
            self.at += 1

    def _skip(self) -> int:
        match = _SKIP.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return self.at

    def _blanks(self) -> None:
        match = _BLANKS.match(self.text, self.at)
        assert match is not None
        self.at = match.end()


def _unquoted(key: str) -> str:
    if key[0] not in "\"'":
        return key
    return next(iter(tomllib.loads(f"{key} = 0")))
