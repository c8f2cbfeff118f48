"""What a process did to its files, call by call: recorded below libc, and read."""

import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
_HEAD = struct.Struct("<cQQI")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that succeeded.

    ``kind``: O opened (``number`` 1: made by it), W written (at ``number``),
    T truncated (to ``number``), S synced, U unlinked, M folder made, R renamed,
    N about to be sent over a network. ``file`` is the inode; ``data`` what was
    written, or the path, or two of them with a line feed between.
    """

    kind: str
    file: int
    number: int
    data: bytes

    @property
    def paths(self) -> list[Path]:
        """The paths that a call of kind O, U, M or R names."""
        return [Path(name.decode()) for name in self.data.split(b"\n")]


def recording(folder: Path, *, under: Path, to: Path) -> dict[str, str]:
    """Return the environment of a process whose calls below *under* are recorded.

    They are appended to the file *to*. Needs gcc; *folder* is where it works.
    """
    library = folder / "call_recorder.so"
    source = HERE / "call_recorder.c"
    subprocess.run(
        ["gcc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl", "-lpthread"],
        check=True,
    )
    return {
        "LD_PRELOAD": str(library),
        "RECORD_UNDER": str(under),
        "RECORD_TO": str(to),
    }


def read_calls(trace: Path) -> list[Call]:
    """Return what was recorded; a record that a kill cut off ends it."""
    data = trace.read_bytes()
    calls = []
    at = 0
    while at + _HEAD.size <= len(data):
        kind, file, number, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if at + length > len(data):
            break
        calls.append(Call(kind.decode(), file, number, data[at : at + length]))
        at += length
    return calls
