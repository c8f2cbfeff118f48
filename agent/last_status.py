"""What a stopped agent saw last, beside its journal, for ``zerometer status``."""

import json
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger("zerometer")

NAME = "last-status.json"
#: Of the snapshot in it; what another version left is not shown.
FORMAT = 3


def write_last(folder: Path, snapshot: dict[str, Any]) -> None:
    """Leave *snapshot* in the journal's folder, whole or not at all.

    Nothing depends on it: where it cannot be written, that is only said.
    """
    draft = folder / f"{NAME}.new"
    try:
        left = {"format": FORMAT, "snapshot": snapshot}
        draft.write_text(json.dumps(left, ensure_ascii=False), encoding="utf-8")
        draft.replace(folder / NAME)
    except OSError as error:
        log.warning("status: %s: not written: %s", folder / NAME, error.strerror)


def read_last(folder: Path) -> dict[str, Any] | None:
    """Return what was left, None when there is nothing that can be read."""
    try:
        left = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(left, dict) or left.get("format") != FORMAT:
        return None
    snapshot: dict[str, Any] = left["snapshot"]
    return snapshot
