"""The references of the site file and the meter map name exactly the keys there are."""

import re
from pathlib import Path

import pytest

from zerometer.config import keys

DOCS = Path(__file__).parents[2] / "docs"
TITLES = {
    "Top": "",
    "A measure": "a measure",
    "A factor": "a factor",
    "An allocation": "an allocation",
}


def documented(name: str) -> dict[str, tuple[str, ...]]:
    """Return the first column of each table by the heading above it."""
    found: dict[str, tuple[str, ...]] = {}
    heading = ""
    for line in (DOCS / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
            heading = TITLES.get(title, title)
        elif match := re.match(r"\| `(\w+)` \| .", line):
            found[heading] = (*found.get(heading, ()), match[1])
    return found


@pytest.mark.parametrize(
    ("name", "accepted"),
    [("site-file.md", keys.SITE_FILE), ("meter-map.md", keys.MAP_FILE)],
)
def test_documented_keys_are_the_accepted_ones(
    name: str, accepted: dict[str, tuple[str, ...]]
) -> None:
    assert documented(name) == accepted
