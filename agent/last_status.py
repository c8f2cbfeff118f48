"""What a stopped agent saw last, beside its journal, for ``zerometer status``."""

import json
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger("zerometer")

NAME = "last-status.json"


def write_last(folder: Path, snapshot: dict[str, Any]) -> None:
    """Leave *snapshot* in the journal's folder, whole or not at all.

    Nothing depends on it: where it cannot be written, that is only said.
    """
    draft = folder / f"{NAME}.new"
    try:
        draft.write_text(json.dumps(snapshot, ensure_ascii=False), encoding="utf-8")
        draft.replace(folder / NAME)
    except OSError as error:
        log.warning("status: %s: not written: %s", folder / NAME, error.strerror)


def read_last(folder: Path) -> dict[str, Any] | None:
    """Return what was left, None when there is nothing that can be read."""
    try:
        text = (folder / NAME).read_text(encoding="utf-8")
        snapshot: dict[str, Any] = json.loads(text)
    except (OSError, ValueError):
        return None
    return snapshot
