"""``zerometer certificates``."""

import csv
from pathlib import Path

import pytest

from zerometer.agent.cli.main import main
from zerometer.core.errors import ConfigError

HEAD = "id,kind,source,start,end,quantity,unit,factor,technology,plant\n"
LINES = (
    "GEC-1,certificate,grid,2026-01,,120,MWh,0,wind,wind-7\n"
    ",generation,,2026-01-01T00:00Z,2026-01-01T01:00Z,3.5,MWh,,,wind-7\n"
)


@pytest.fixture
def site(demo_file: Path) -> str:
    return str(demo_file)


def test_what_is_imported_is_listed_and_can_be_imported_again(
    site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gec.csv"
    file.write_text(HEAD + LINES, encoding="utf-8")
    assert main(["certificates", "import", site, str(file)]) == 0
    assert capsys.readouterr().out == "2 new, 0 known before\n"
    assert main(["certificates", "list", site]) == 0
    listed = capsys.readouterr().out
    first, second = csv.DictReader(listed.splitlines())
    assert (first["id"], first["start"]) == ("GEC-1", "2025-12-31T16:00:00Z")
    assert (first["quantity"], first["unit"]) == ("120000.0", "kWh")
    assert (second["kind"], second["plant"]) == ("generation", "wind-7")
    file.write_text(listed, encoding="utf-8")
    assert main(["certificates", "import", site, str(file)]) == 0
    assert capsys.readouterr().out == "0 new, 2 known before\n"


def test_a_site_without_the_view_is_warned(
    site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gec.csv"
    file.write_text(HEAD + LINES, encoding="utf-8")
    text = Path(site).read_text(encoding="utf-8")
    views = '[site]\nviews = ["physical", "location"]'
    Path(site).write_text(text.replace("[site]", views), encoding="utf-8")
    main(["certificates", "import", site, str(file)])
    assert "they have no effect" in capsys.readouterr().err


def test_what_is_wrong_is_told(
    site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gec.csv"
    file.write_text(HEAD + LINES.replace("grid", "gird"), encoding="utf-8")
    assert main(["certificates", "import", site, str(file)]) == ConfigError.exit_code
    said = capsys.readouterr().err
    assert f"{file}:2: source: no source 'gird'" in said
    assert main(["certificates", "list", site]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
