"""What a stopped agent saw last, beside its journal, for ``zerometer status``."""

import json
from pathlib import Path
from typing import Any

NAME = "last-status.json"


def write_last(folder: Path, snapshot: dict[str, Any]) -> None:
    """Leave *snapshot* in the journal's folder, whole or not at all."""
    draft = folder / f"{NAME}.new"
    draft.write_text(json.dumps(snapshot, ensure_ascii=False), encoding="utf-8")
    draft.replace(folder / NAME)


def read_last(folder: Path) -> dict[str, Any] | None:
    """Return what was left, None when there is nothing that can be read."""
    try:
        text = (folder / NAME).read_text(encoding="utf-8")
        snapshot: dict[str, Any] = json.loads(text)
    except (OSError, ValueError):
        return None
    return snapshot
