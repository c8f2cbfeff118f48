"""The example of the page: its files, its command, its output."""

import json
import re
from pathlib import Path

import pytest
from harness.markdown import inline, rows, section
from harness.replays import SCHEMA, command, replay

from zerometer.agent.replay import flags
from zerometer.core.notes import NOTE_TEXTS

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


def named(heading: str) -> set[str]:
    """Return what the first column of the table below a heading names."""
    text = section(PAGE.read_text(encoding="utf-8"), heading)
    text = text.partition("\n### ")[0] if heading.startswith("## ") else text
    return {word for row in rows(text) for word in inline(row[0])}


def test_every_member_of_the_schema_is_described() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    members = {*schema["properties"], *schema["$defs"]["window"]["properties"]}
    assert named("## Output") == members


def test_every_kind_of_flag_is_described() -> None:
    folder = Path(flags.__file__).parent
    written = {
        kind
        for path in folder.rglob("*.py")
        for kind in re.findall(
            r'(?:"kind": |_tell\(|_flag\()"([\w-]+)"', path.read_text(encoding="utf-8")
        )
    }
    assert written
    assert named("### Flags") >= written | {*NOTE_TEXTS, *flags._TEXTS}
