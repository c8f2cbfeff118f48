"""A TOML file as values, with the place of each."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zerometer.config.locator import KeyPath, Lines, Spot, locate
from zerometer.config.problems import Problem, Problems

_AT = re.compile(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$")
#: What an input method writes instead of TOML's own signs.
_MEANT = dict(zip("“”＂‘’＇，＝［］｛｝：．＃", "\"\"\"''',=[]{}:.#", strict=True))
_FULL_WIDTH = re.compile(f"[{''.join(_MEANT)}]")
#: Where any sign may stand: texts and comments.
_TEXTS = re.compile(r""""[^"]*"|'[^']*'|#.*""")
#: A site file is written by people; what is longer was not.
MAX_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML document; ``file`` is how its path is shown to people."""

    file: str
    raw: bytes
    values: dict[str, Any]
    spots: dict[KeyPath, Spot]
    lines: Lines

    def place(self, path: KeyPath, *, of_key: bool = False) -> tuple[int, int]:
        """Return line and column of the value at *path*, or of its key.

        What is not in the text is where the nearest table around it begins.
        """
        while path and path not in self.spots:
            path, of_key = path[:-1], False
        if not path:
            return 1, 1
        spot = self.spots[path]
        return self.lines.place(spot.key if of_key else spot.value)


class _UnreadableError(Exception):
    """The file as a whole cannot be read; with the place where that shows."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def read_document(path: Path, problems: Problems) -> Document | None:
    """Read the TOML file at *path*; None when a problem was added instead."""
    try:
        return _read(path)
    except _UnreadableError as why:
        problem = Problem(str(path), why.line, why.column, "", "", str(why))
        problems.error(problem)
        return None


def _read(path: Path) -> Document:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _UnreadableError(f"cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise _UnreadableError(f"is longer than {MAX_BYTES} bytes")
    text = _decoded(raw)
    try:
        values, spots = tomllib.loads(text), locate(text)
    except RecursionError:
        raise _UnreadableError("TOML: nested too deeply") from None
    except ValueError as error:
        raise _syntax_error(text, str(error)) from None
    return Document(str(path), raw, values, spots, Lines(text))


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _UnreadableError("is UTF-16; save the file as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _end(raw[: error.start].decode("utf-8-sig"))
        raise _UnreadableError(
            "is not UTF-8; save the file as UTF-8", line, column
        ) from None
    return text.replace("\r\n", "\n")


def _syntax_error(text: str, message: str) -> _UnreadableError:
    match = _AT.match(message)
    if match is None:
        return _UnreadableError(f"TOML: {message}")
    if match[2] is None:
        return _UnreadableError(f"TOML: {match[1]}", *_end(text))
    line, column = int(match[2]), int(match[3])
    # The parser stumbles over one where it stands, or later in its line.
    full_width = _FULL_WIDTH.search(_TEXTS.sub(_blanks, text.split("\n")[line - 1]))
    if full_width is None:
        return _UnreadableError(f"TOML: {match[1]}", line, column)
    sign = full_width[0]
    return _UnreadableError(
        f"TOML: {sign} is a full-width character: use {_MEANT[sign]}",
        line,
        full_width.start() + 1,
    )


def _blanks(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _end(text: str) -> tuple[int, int]:
    return Lines(text).place(len(text))
