"""The example of the page: its files, its command, its output."""

import re
from pathlib import Path

import pytest
from harness.replays import command, replay

PAGE = Path(__file__).resolve().parents[2] / "docs" / "replay.md"


def block(language: str) -> str:
    """Return the block of the section "Example" in a language."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## Example\n")[2]
    found = re.search(rf"```{language}\n(.*?)```", section, re.S)
    assert found
    return found[1]


def test_the_example_prints_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site.toml").write_text(block("toml"), encoding="utf-8")
    Path("readings.csv").write_text(block("csv"), encoding="utf-8")
    (line,) = block("sh").splitlines()
    words = line.removeprefix("zerometer replay ").split()
    code, out, messages = command(*words)
    assert (code, messages) == (0, "")
    assert out == block("text")
    assert replay(*words)["sinks"]["b"]["emissions_kg"]["location"] == pytest.approx(60)
