"""What a disk may hold after the power failed, from what a process did to its files.

What an fsync covered is there. Of later writes each 512-byte sector may hold any of
its versions; of changes to a folder that no fsync of the folder followed, any may be
missing. That is all that POSIX promises, and less than real file systems keep.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.recorded_calls import Call

SECTOR = 512
#: What a memory card may garble around a write that power interrupts.
BLOCK = 4096
FOLDER = -1

#: How what is not on the disk yet arrives: all of it, nothing, some writes, each
#: sector by itself, all up to one that is torn, or with its last block garbled.
WAYS = ("all", "nothing", "some", "sectors", "torn", "garbled")


@dataclass
class _File:
    """A file: what is on the disk for certain, and what was done since."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.durable, change)
        self.pending.clear()

    def drawn(self, way: str, chance: random.Random) -> bytes:
        """Return what may be found after a cut."""
        if way == "nothing":
            return bytes(self.durable)
        if way == "sectors":
            return self._by_sector(chance)
        content = bytearray(self.durable)
        for change in self._arrived(way, chance):
            _apply(content, change)
        if way == "garbled" and self.pending:
            self._garble(content, chance)
        return bytes(content)

    def _arrived(
        self, way: str, chance: random.Random
    ) -> list[tuple[int, bytes | None]]:
        if way == "all":
            return self.pending
        if way == "some":
            share = chance.random()
            kept = [c for c in self.pending if chance.random() < share]
            chance.shuffle(kept)
            return kept
        kept = self.pending[: chance.randrange(len(self.pending) + 1)]
        if kept and kept[-1][1] is not None:
            offset, data = kept[-1]
            first = SECTOR - offset % SECTOR
            ends = [0, *range(first, len(data), SECTOR)]
            kept[-1] = offset, data[: chance.choice(ends)]
        return kept

    def _by_sector(self, chance: random.Random) -> bytes:
        """Let each sector be as it was at any moment since the sync."""
        versions = [bytes(self.durable)]
        content = bytearray(self.durable)
        for change in self.pending:
            _apply(content, change)
            versions.append(bytes(content))
        size = len(chance.choice(versions))
        result = bytearray()
        for at in range(0, size, SECTOR):
            found = {version[at : at + SECTOR] for version in versions}
            result += chance.choice(sorted(found)).ljust(SECTOR, b"\0")
        return bytes(result[:size])

    def _garble(self, content: bytearray, chance: random.Random) -> None:
        offset, data = chance.choice(self.pending)
        if data is not None and offset < len(content):
            start = offset - offset % BLOCK
            end = min(start + BLOCK, len(content))
            content[start:end] = chance.randbytes(end - start)


def _apply(content: bytearray, change: tuple[int, bytes | None]) -> None:
    """Write (offset, data), or truncate (size, None)."""
    offset, data = change
    if len(content) < offset:
        content += bytes(offset - len(content))
    if data is None:
        del content[offset:]
    else:
        content[offset : offset + len(data)] = data


@dataclass
class _Folder:
    """Names of a folder: file each, or FOLDER; None where a name went."""

    durable: dict[str, int] = field(default_factory=dict)
    pending: list[dict[str, int | None]] = field(default_factory=list)

    def names(self, kept: Sequence[bool]) -> dict[str, int]:
        names: dict[str, int | None] = dict(self.durable)
        for change, is_kept in zip(self.pending, kept, strict=True):
            if is_kept:
                names |= change
        return {name: file for name, file in names.items() if file is not None}

    def names_now(self) -> dict[str, int]:
        return self.names([True] * len(self.pending))

    def sync(self) -> None:
        self.durable = self.names_now()
        self.pending.clear()


class Disk:
    """A folder as its processes saw it, and as it may be found after a cut."""

    def __init__(self, root: Path, before: Mapping[Path, bytes]) -> None:
        """*before* are the files, by path below *root*, when the recording began."""
        self.root = root
        self._files: list[_File] = []
        # Inodes are used again: what is found after a cut may be of an earlier file.
        self._numbers: dict[int, int] = {}
        self._folders: dict[Path, _Folder] = {root: _Folder()}
        self._paths: dict[int, Path] = {}
        for path, content in before.items():
            self._put(root / path, content)

    def take(self, call: Call) -> None:
        """Let a call have happened."""
        if call.kind == "O":
            self._open(call)
        elif call.kind == "W":
            self._file(call).pending.append((call.number, call.data))
        elif call.kind == "T":
            self._file(call).pending.append((call.number, None))
        elif call.kind == "S":
            self._sync(call)
        elif call.kind == "U":
            self._change(call.paths[0].parent, {call.paths[0].name: None})
        elif call.kind == "M":
            self._change(call.paths[0].parent, {call.paths[0].name: FOLDER})
            self._folders[call.paths[0]] = _Folder()
        elif call.kind == "R":
            old, new = call.paths
            folder = self._folders[old.parent]
            file = folder.names_now()[old.name]
            assert old.parent == new.parent, "renamed into another folder"
            self._change(old.parent, {old.name: None, new.name: file})

    def as_seen(self) -> dict[Path, bytes]:
        """Return the files as the processes left them."""
        return dict(self._drawn("all", random.Random(0), drop_names=False))

    def image(self, way: str, chance: random.Random) -> dict[Path, bytes]:
        """Return the files, by path below the root, as a cut may leave them."""
        return dict(self._drawn(way, chance, drop_names=way != "all"))

    def _open(self, call: Call) -> None:
        path = call.paths[0]
        if path in self._folders:
            self._paths[call.file] = path
            return
        self._paths.pop(call.file, None)
        if call.number:
            self._numbers[call.file] = len(self._files)
            self._files.append(_File())
            self._change(path.parent, {path.name: self._numbers[call.file]})
        elif call.file not in self._numbers and path.parent in self._folders:
            file = self._folders[path.parent].names_now().get(path.name)
            if file is not None:
                self._numbers[call.file] = file

    def _put(self, path: Path, content: bytes) -> None:
        """Let a file be there, durably, in a folder of the root."""
        if path.parent not in self._folders:
            self._folders[path.parent] = _Folder()
            self._folders[self.root].durable[path.parent.name] = FOLDER
        self._folders[path.parent].durable[path.name] = len(self._files)
        self._files.append(_File(bytearray(content)))

    def _file(self, call: Call) -> _File:
        return self._files[self._numbers[call.file]]

    def _sync(self, call: Call) -> None:
        if call.file in self._paths:
            self._folders[self._paths[call.file]].sync()
        else:
            self._file(call).sync()

    def _change(self, folder: Path, change: dict[str, int | None]) -> None:
        if folder in self._folders:
            self._folders[folder].pending.append(change)

    def _drawn(
        self, way: str, chance: random.Random, *, drop_names: bool
    ) -> Iterator[tuple[Path, bytes]]:
        folders = [self.root]
        while folders:
            path = folders.pop()
            folder = self._folders[path]
            share = chance.random() if drop_names else 1.0
            kept = [chance.random() < share for _ in folder.pending]
            for name, file in sorted(folder.names(kept).items()):
                if file == FOLDER:
                    folders.append(path / name)
                else:
                    content = self._files[file].drawn(way, chance)
                    yield (path / name).relative_to(self.root), content
