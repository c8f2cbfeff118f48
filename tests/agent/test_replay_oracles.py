"""Worked numbers through the command: a site file and readings in, JSON out.

A case is a folder: ``site.toml``, ``readings.csv``, maybe ``factors.csv``, and
``expected.json``: the options, how close numbers come (``relative``), a part of the
output, and which kinds of flags there are.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from harness.replays import differences, kinds, replay

CASES = Path(__file__).parent / "cases" / "replay"


def replayed(case: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is expected of a case and what comes out."""
    folder = CASES / case
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    options = list(expected["options"])
    if (folder / "factors.csv").exists():
        options += ["--factors", folder / "factors.csv"]
    return expected, replay(folder / "site.toml", folder / "readings.csv", *options)


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case: str) -> None:
    expected, found = replayed(case)
    assert differences(expected["output"], found, expected["relative"]) == []
    assert {kind for kind, _ in kinds(found)} == set(expected["flags"])
