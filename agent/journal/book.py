"""What the journal knows without looking at its files, and how the main file has it.

It stands in the main file's table ``part``, each part replaced as a whole. What
changes between commits (cursors, losses that were found) is written with the next.
"""

from collections.abc import Mapping

import msgpack

from zerometer.agent.journal.cursors import Cursors
from zerometer.agent.journal.schema import DamagedError
from zerometer.agent.journal.stream_book import StreamBook

CURSORS = "cursors"
NUMBER = "number"
_STREAM = "stream:"


class Book:
    """Streams by name, cursors, the last commit's number and the epoch.

    ``dirty`` are the parts that the main file does not have as they are here.
    """

    def __init__(self, epoch: bytes, cursors: Cursors) -> None:
        self.epoch = epoch
        self.cursors = cursors
        self.number = 0
        self.streams: dict[str, StreamBook] = {}
        self.dirty: set[str] = set()

    def load(self, parts: Mapping[str, bytes]) -> None:
        """Take up what stands in the main file, but for the cursors."""
        self.number = msgpack.unpackb(parts.get(NUMBER, b"\0"))
        self.streams = {
            name.removeprefix(_STREAM): StreamBook.unpack(data)
            for name, data in parts.items()
            if name.startswith(_STREAM)
        }
        for name, stream in self.streams.items():
            if not stream.bases or stream.bases[-1][0] != self.epoch:
                raise DamagedError(f"stream {name!r} is of another epoch")
        self.dirty.clear()

    def stream(self, name: str) -> StreamBook:
        """Return a stream, to be changed if it is marked."""
        if name not in self.streams:
            self.streams[name] = StreamBook(bases=[(self.epoch, 0)])
        return self.streams[name]

    def mark(self, stream: str) -> None:
        """Let *stream* be written with the next commit."""
        self.dirty.add(_STREAM + stream)

    def unwritten(self, draft: Mapping[str, StreamBook]) -> dict[str, bytes]:
        """Return the parts to be written, with the streams in *draft* as there."""
        streams = {**self.streams, **draft}
        names = {_STREAM + name for name in draft} | self.dirty
        parts = {
            name: streams[name.removeprefix(_STREAM)].pack()
            for name in names
            if name.startswith(_STREAM)
        }
        if CURSORS in self.dirty:
            parts[CURSORS] = self.cursors.pack()
        return parts

    def all_parts(self) -> dict[str, bytes]:
        """Return every part."""
        parts = {_STREAM + name: book.pack() for name, book in self.streams.items()}
        parts[CURSORS] = self.cursors.pack()
        parts[NUMBER] = msgpack.packb(self.number)
        return parts

    def written(self, draft: Mapping[str, StreamBook]) -> None:
        """Note that all of it is durable, the streams as in *draft*."""
        self.streams.update(draft)
        self.dirty.clear()

    def next_ordinal(self) -> int:
        """Return the number of the next batch over all streams."""
        return sum(stream.position for stream in self.streams.values()) + 1
