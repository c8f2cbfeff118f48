"""The page of operations lists the kinds of events that the code knows."""

import json
import re
from typing import get_args

from harness.markdown import ROOT, inline, page, rows, section

from zerometer.agent.balance_watch import FAULTS
from zerometer.core.notes import NOTE_TEXTS
from zerometer.drivers.notices import NoticeKind


def kinds_in_the_code() -> set[str]:
    """Return every kind of event that the agent can tell of."""
    said = {
        kind
        for path in (ROOT / "agent").rglob("*.py")
        for kind in re.findall(
            r'_(?:event|trouble)\(\s*"([\w-]+)"', path.read_text(encoding="utf-8")
        )
    }
    assert {"journal", "clock-step"} <= said, "events are said in another way now"
    return said | set(NOTE_TEXTS) | set(FAULTS) | set(get_args(NoticeKind))


def test_documented_kinds_are_those_in_the_code() -> None:
    table = rows(section(page("docs/operations.md"), "## Events"))
    documented = [inline(row[0])[0] for row in table]
    assert len(documented) == len(set(documented))
    assert set(documented) == kinds_in_the_code()


def test_the_page_has_a_word_for_each_kind() -> None:
    for language in ("zh", "en"):
        path = ROOT / "agent" / "page" / "static" / "i18n" / f"{language}.json"
        catalogue = json.loads(path.read_text(encoding="utf-8"))
        words = {key.removeprefix("event.") for key in catalogue if "event." in key}
        assert words == kinds_in_the_code()
