"""A disk that fails as it is told, under processes that are started so."""

import errno
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent

#: What fails of a disk, and how: kind of call (see failing_disk.c) and errno.
FAULTS = {
    "full": ("write", errno.ENOSPC),
    "read-only": ("change", errno.EROFS),
    "no write": ("write", errno.EIO),
    "no flush": ("sync", errno.EIO),
}


class FailingDisk:
    """Files below a folder that fail from ``fail`` to ``heal``. Needs gcc."""

    def __init__(self, folder: Path, *, under: Path) -> None:
        """*folder* is where it works, *under* what fails."""
        self._control = folder / "failing"
        library = folder / "failing_disk.so"
        subprocess.run(
            [
                "gcc", "-O1", "-shared", "-fPIC", "-o", str(library),
                str(HERE / "failing_disk.c"), "-ldl",
            ],
            check=True,
        )  # fmt: skip
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAIL_UNDER": str(under),
            "FAIL_AS": str(self._control),
        }

    def fail(self, fault: str) -> None:
        """Let it fail in one of the ways of FAULTS."""
        kind, number = FAULTS[fault]
        fresh = self._control.with_suffix(".new")
        fresh.write_text(f"{kind} {number}")
        fresh.replace(self._control)

    def heal(self) -> None:
        """Let it work again."""
        self._control.unlink()
