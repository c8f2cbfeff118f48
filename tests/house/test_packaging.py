"""The lists that packaging needs must agree with the tree."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("agent", "config", "core", "drivers")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def tracked() -> list[str]:
    """Return the files of the repository, or skip where there is none."""
    if shutil.which("git") is None:
        pytest.skip("needs the command git")
    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [name for name in listing.stdout.splitlines() if (ROOT / name).exists()]


def test_every_package_is_listed() -> None:
    found = {
        "zerometer." + ".".join(path.parent.relative_to(ROOT).parts)
        for part in PARTS
        for path in (ROOT / part).rglob("__init__.py")
    }
    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == found


def test_every_part_says_that_it_is_typed() -> None:
    assert all((ROOT / part / "py.typed").exists() for part in PARTS)


def test_every_data_file_is_packed() -> None:
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]
    packed = {ROOT / part / "py.typed" for part in PARTS}
    for package, globs in patterns.items():
        folder = ROOT.joinpath(*package.split(".")[1:])
        if package != "*":
            packed |= {p for glob in globs for p in folder.glob(glob)}
            packed |= {p for glob in globs for p in folder.glob(f"{glob}/*")}
    data = {
        ROOT / name
        for name in tracked()
        if name.split("/")[0] in PARTS
        and not name.endswith((".py", ".pyi", ".pyx", ".pxd"))
    }
    assert data <= packed, f"not packed: {sorted(data - packed)}"


def test_no_file_is_longer_than_500_lines() -> None:
    lengths = {
        name: (ROOT / name).read_text().count("\n")
        for name in tracked()
        if name.endswith((".py", ".pyx", ".pyi", ".js", ".css", ".html"))
    }
    assert not {name: n for name, n in lengths.items() if n > 500}
    ordered = sorted(lengths.values())
    assert ordered[len(ordered) // 2] < 150
