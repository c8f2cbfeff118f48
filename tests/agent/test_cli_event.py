"""Events by command."""

from pathlib import Path

import pytest

from zerometer.agent.cli.main import main


@pytest.fixture
def site(demo_file: Path) -> str:
    return str(demo_file)


def test_what_is_added_is_listed(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    leak = [
        "event", "add", site, "--time", "2026-03-01T08:00:00+08:00",
        "--kind", "refrigerant", "--subject", "R-410A", "--quantity", "2.5",
        "--unit", "kg", "--text", "加注, chiller", "--evidence", "invoice 7",
    ]  # fmt: skip
    assert main(leak) == 0
    assert main(leak) == 0
    assert main(["event", "add", site, "--kind", "note", "--subject", "x"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "event 1 added", "it was there already", "event 2 added",
    ]  # fmt: skip
    assert main(["event", "list", site]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed[:2] == [
        "time,kind,subject,quantity,unit,final,permanent,text,evidence",
        '2026-03-01T00:00:00Z,refrigerant,R-410A,2.5,kg,,,"加注, chiller",invoice 7',
    ]
    assert len(listed) == 3


def test_what_cannot_be_is_refused_whole(
    site: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ["event", "add", site, "--kind", "capture", "--subject", "kiln",
             "--permanent"]  # fmt: skip
    assert main(wrong) == 2
    said = capsys.readouterr().err
    assert 'event: --subject: "kiln" is not known' in said
    assert "event: --quantity: must be stated" in said
    assert main(["event", "list", site]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert [path.name for path in Path(site).parent.iterdir()] == ["site.toml"]
