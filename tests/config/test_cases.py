"""Site files that are wrong, and all that is said about each.

A case is a folder: ``site.toml``, maybe ``maps``, and ``expected.txt``.
"""

from pathlib import Path

import pytest

from zerometer.config.problems import FileError
from zerometer.config.site import load_site

CASES = sorted((Path(__file__).parent / "cases").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case)
    with pytest.raises(FileError) as caught:
        load_site(Path("site.toml"))
    expected = Path("expected.txt").read_text(encoding="utf-8")
    assert str(caught.value) == expected.rstrip("\n")
    assert caught.value.exit_code == 78


def test_ten_mistakes_are_ten_located_problems(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(Path(__file__).parent / "cases" / "ten-mistakes")
    with pytest.raises(FileError) as caught:
        load_site(Path("site.toml"))
    problems = caught.value.problems
    assert len(problems) == 10
    assert len({problem.line for problem in problems}) == 10
    assert all(problem.line and problem.column for problem in problems)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        load_site(tmp_path / "site.toml")
    assert "site.toml: cannot be read: No such file or directory" in str(caught.value)
