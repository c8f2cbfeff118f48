"""Batches out of the folders that uplinks write for sites with no network."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from zerometer.agent.receiver.desk import Desk
from zerometer.agent.receiver.model import Sender
from zerometer.agent.receiver.reply import answer
from zerometer.agent.uplink.file import SUFFIX
from zerometer.core.errors import UsageError

#: Files that are handed in at once, so that they are committed together.
AT_ONCE = 16


async def take_folder(
    desk: Desk, folder: Path, tell: Callable[[str], None]
) -> Counter[str]:
    """Have *desk* take all batches below *folder*; return how many came to what.

    What is refused is told to *tell* and counted as "refused"; the file stays.
    UsageError when the folder cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"--import {folder}: is no folder")
    files = iter(sorted(folder.rglob(f"*{SUFFIX}")))
    counts: Counter[str] = Counter()

    async def work() -> None:
        for file in files:
            try:
                data = file.read_bytes()
            except OSError as error:
                raise UsageError(f"{file}: {error.strerror}") from error
            document = await _taken(desk, data)
            counts[document.get("status", "refused")] += 1
            if "error" in document:
                tell(f"{file}: {document['error']}: {document['message']}")

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return counts


async def _taken(desk: Desk, data: bytes) -> dict[str, str]:
    """Return the answer to a batch; wait while the database asks for it."""
    while True:
        _, document = await answer(desk, data, Sender())
        wait_s = document.get("retry_after_s")
        if wait_s is None:
            return document
        await asyncio.sleep(wait_s)
