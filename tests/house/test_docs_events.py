"""The page of operations lists the kinds of events that the code knows."""

import re
from typing import get_args

from harness.markdown import ROOT, inline, page, rows, section

from zerometer.core.metering import NOTED
from zerometer.drivers.notices import NoticeKind


def test_documented_kinds_are_those_in_the_code() -> None:
    said = {
        kind
        for path in (ROOT / "agent").rglob("*.py")
        for kind in re.findall(
            r'_event(?:_once)?\(\s*"([\w-]+)"', path.read_text(encoding="utf-8")
        )
    }
    assert {"journal", "clock-step"} <= said, "events are said in another way now"
    table = rows(section(page("docs/operations.md"), "## Events"))
    documented = [inline(row[0])[0] for row in table]
    assert len(documented) == len(set(documented))
    assert set(documented) == said | set(NOTED) | set(get_args(NoticeKind))
