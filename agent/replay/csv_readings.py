"""Readings from a CSV file: time, meter, point and value in any order of columns.

The file is read in pieces, so that its size does not matter. The rows of a point
come in the order of their times; points may follow each other in any way, as long
as no row is of a time that has been accounted for already.
"""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from zerometer.agent.replay.blocks import Block, Count
from zerometer.agent.replay.csv_problems import problem
from zerometer.agent.replay.errors import MOST_PROBLEMS, readings_error
from zerometer.agent.replay.points import Points
from zerometer.core._lines import LineParser
from zerometer.core.errors import UsageError
from zerometer.core.metering import Column

COLUMNS = ("time", "meter", "point", "value")
PIECE_BYTES = 4 << 20
#: A line that is longer is none of readings.
LONGEST_LINE = 1 << 16

BookedNs = Callable[[], int | None]


class CsvReadings:
    """The readings of a CSV file, see ``Readings``."""

    def __init__(self, path: Path, points: Points) -> None:
        self._path = path
        self._points = points
        self._names: list[str] = []
        self._line = 1
        self._problems: list[str] = []
        self.count = Count()
        self.warnings: list[str] = []

    def blocks(self, booked_ns: BookedNs) -> Iterator[Block]:
        """Yield the readings in blocks until the first problem; raise with all."""
        try:
            with self._path.open("rb") as file:
                yield from self._read(file, booked_ns)
        except OSError as error:
            raise UsageError(f"{self._path}: {error.strerror}") from error
        if self._problems:
            raise readings_error(self._problems)

    def _read(self, file: BinaryIO, booked_ns: BookedNs) -> Iterator[Block]:
        places = self._places(file.readline(LONGEST_LINE))
        if places is None:
            return
        parser = LineParser(self._points.known, places, len(self._names))
        for piece in self._pieces(file):
            at = 0
            while at < len(piece):
                parser.floor_ns = -1 if (booked := booked_ns()) is None else booked
                at, lines, fault = parser.parse(piece, at)
                self._line += lines
                if fault:
                    at = self._tell(piece, at, fault)
                if self._problems:
                    parser.take()
                elif parser.waiting:
                    yield self._block(parser)
                if len(self._problems) >= MOST_PROBLEMS:
                    return
        for slot, key in enumerate(self._points.known):
            self.count.missing += parser.missing(slot)
            if key in self._points.used and parser.repeated(slot):
                self.count.repeated[key] = parser.repeated(slot)

    def _pieces(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the file in pieces that end with a line."""
        rest = b""
        while piece := file.read(PIECE_BYTES):
            cut = piece.rfind(b"\n") + 1
            if cut:
                yield rest + piece[:cut]
                rest = piece[cut:]
            else:
                rest += piece
            if len(rest) > LONGEST_LINE:
                self._problems.append(
                    f"{self._path}:{self._line + 1}: line: is longer than "
                    f"{LONGEST_LINE} bytes: this is no CSV file of readings"
                )
                return
        if rest:
            yield rest + b"\n"

    def _places(self, first: bytes) -> tuple[int, ...] | None:
        """Return where the columns are, by the header *first*; None when not there.

        Further columns are left alone, and told.
        """
        text = first.decode("utf-8-sig", "backslashreplace").replace("\0", "")
        header = next(csv.reader([text]), [])
        self._names = [name.strip().lower() for name in header]
        wrong = [name for name in COLUMNS if self._names.count(name) != 1]
        if wrong:
            said = "is" if len(wrong) == 1 else "are"
            hint = "; they are separated by commas" if ";" in text else ""
            hint = "; the file is in UTF-8" if b"\0" in first else hint
            self._problems.append(
                f"{self._path}:1: columns: {', '.join(wrong)} {said} not there once: "
                f"the first line names {', '.join(COLUMNS)}, in any order{hint}"
            )
            return None
        others = [repr(name) for name in self._names if name not in COLUMNS]
        if others:
            self.warnings.append(f"{self._path}:1: not used: {', '.join(others)}")
        return tuple(self._names.index(name) for name in COLUMNS)

    def _block(self, parser: LineParser) -> Block:
        columns = []
        for slot, times, values in parser.take():
            meter, point = self._points.known[slot]
            if (meter, point) not in self._points.used:
                self.count.skipped += len(values)
            else:
                self.count.used += len(values)
                columns.append(Column(meter, point, times, values))
        return Block(columns, parser.latest_ns)

    def _tell(self, piece: bytes, at: int, fault: int) -> int:
        """Note what is wrong with the line at *at*; return where the next begins."""
        self._line += 1
        after = piece.index(b"\n", at) + 1
        line = piece[at : after - 1].decode("utf-8", "backslashreplace")
        told = problem(line.strip(), self._names, fault, self._points)
        self._problems.append(f"{self._path}:{self._line}: {told}")
        return after
