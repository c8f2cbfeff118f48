"""What pages name is there: files, tests, constants, kinds of events."""

import ast
import re
from importlib import import_module

import pytest
from harness.markdown import ROOT, command_lines, inline, page, pages, rows

from zerometer.agent.state_rows.tables import TABLES

FOLDERS = "agent|bench|config|core|docs|drivers|packaging|tests"
PATH = re.compile(rf"(?:{FOLDERS})/[\w./*-]*|\.ci/\w+")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", pages())
def test_paths_in_pages_exist(name: str) -> None:
    words = [word for word in inline(page(name)) if PATH.fullmatch(word)]
    words = [word for word in words if word not in TABLES]
    assert [word for word in words if not any(ROOT.glob(word.rstrip("/")))] == []


@pytest.mark.parametrize("name", pages())
def test_links_in_pages_lead_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    targets = [t for t in LINK.findall(page(name)) if "://" not in t]
    assert [target for target in targets if not (folder / target).exists()] == []


def test_the_architecture_names_each_room() -> None:
    text = page("docs/architecture.md")
    modules = [
        path.relative_to(ROOT).as_posix()
        for folder in ("agent", "core", "drivers")
        for path in (ROOT / folder).iterdir()
        if path.suffix in {".py", ".pyx"} and path.name != "__init__.py"
    ]
    rooms = [f"agent/{path.parent.name}/" for path in ROOT.glob("agent/*/__init__.py")]
    assert [name for name in sorted(modules + rooms) if f"`{name}" not in text] == []


def test_make_targets_in_pages_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", page("Makefile"), re.M))
    named = {
        target
        for name in pages()
        for line in (*inline(page(name)), *command_lines(page(name)))
        if line.startswith("make ")
        for target in line.split()[1:]
    }
    assert named
    assert named - targets == set()


def test_pages_named_in_the_sources_exist() -> None:
    named = {
        found
        for part in ("agent", "bench", "config", "core", "drivers", "packaging")
        for path in (ROOT / part).rglob("*.*")
        if path.suffix in {".py", ".pyx", ".pyi", ".pxd", ".toml", ".sh"}
        for found in re.findall(r"docs/[\w.-]+\w", path.read_text(encoding="utf-8"))
    }
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_tests_named_in_pages_exist() -> None:
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    named = {
        word
        for name in pages()
        for word in inline(page(name))
        if re.fullmatch(r"test_\w+", word)
    }
    assert named
    assert named - there == set()


def test_every_rule_of_the_accounting_names_its_test() -> None:
    """In a table whose last column is called test, that names at least one."""
    lacking, is_rules = [], False
    for line in page("docs/accounting.md").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|"):
            is_rules = False
        elif cells[-1] == "test":
            is_rules = True
        elif is_rules and "---" not in line and "`test_" not in cells[-1]:
            lacking.append(line)
    assert lacking == []


def constants() -> list[tuple[str, str, str]]:
    """Return module, name and value of the constants that pages state."""
    return [
        (inline(row[0])[0], inline(row[1])[0], row[2])
        for name in pages()
        for row in rows(page(name))
        if re.fullmatch(r"`(agent|core|config|drivers)/[\w/]+\.py`", row[0])
        and re.fullmatch(r"`[A-Z0-9_]+`", row[1])
    ]


@pytest.mark.parametrize(("path", "name", "value"), constants())
def test_constants_have_the_stated_value(path: str, name: str, value: str) -> None:
    module = path.removesuffix(".py").replace("/", ".")
    assert getattr(import_module(f"zerometer.{module}"), name) == ast.literal_eval(
        value
    )
