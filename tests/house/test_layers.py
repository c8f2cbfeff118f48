"""What import-linter cannot see: kernels, and names that must not exist."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = {"agent", "config", "core", "drivers"}
#: What the kernels of a part may cimport or import of ours.
ALLOWED = {
    "core": {"zerometer.core"},
    "drivers": {"zerometer.core", "zerometer.drivers"},
}


@pytest.mark.parametrize(
    "kernel",
    sorted(p for p in ROOT.glob("*/_*.p[yx][xd]") if p.parent.name in PARTS),
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_kernels_reach_down_only(kernel: Path) -> None:
    ours = re.findall(r"\bzerometer\.\w+", kernel.read_text())
    assert set(ours) <= ALLOWED[kernel.parent.name]


def test_kernels_stand_where_they_may() -> None:
    kernels = {
        p.relative_to(ROOT) for part in PARTS for p in (ROOT / part).rglob("*.pyx")
    }
    outside_core = {str(k) for k in kernels if k.parts[0] != "core"}
    assert outside_core == {"drivers/_exchange.pyx"}


@pytest.mark.parametrize("name", sorted(PARTS))
def test_no_part_is_importable_at_top_level(name: str) -> None:
    assert name not in sys.modules
    assert importlib.util.find_spec(name) is None
