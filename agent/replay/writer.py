"""The output as JSON, written while the replay runs: windows first."""

import json
from typing import Any, TextIO

FORMAT = 1


class Writer:
    """Writes one JSON object; its windows are never held."""

    def __init__(self, out: TextIO, head: dict[str, Any]) -> None:
        self._out = out
        self._count = 0
        out.write(_dumps({"format": FORMAT, **head})[:-1] + ', "windows": [')

    def window(self, members: dict[str, Any]) -> None:
        """Write a window."""
        self._out.write(",\n" if self._count else "\n")
        self._out.write(_dumps(members))
        self._count += 1

    def whole(self, members: dict[str, Any]) -> None:
        """Write what is about everything, and end."""
        self._out.write("],\n" + _dumps(members)[1:] + "\n")


def _dumps(members: dict[str, Any]) -> str:
    """Return strict JSON; floats with as many digits as they need."""
    return json.dumps(members, ensure_ascii=False, allow_nan=False)
