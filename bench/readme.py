"""The figures that the READMEs show: what stands between the marks of a comparison.

``python -m bench.readme`` shows the budgets of the newest results.
"""

from collections.abc import Sequence
from pathlib import Path

from bench.budget import HEAD

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
#: Results that end with a table of budgets, in the order in which they are shown.
BUDGETS = (
    "poll", "bus", "wrong", "scale", "accounting", "wire", "card", "drain", "outage",
    "fleet",
)  # fmt: skip


def put(name: str, text: str) -> None:
    """Let both READMEs show *text* between the marks called *name*."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    for path in READMES:
        before, rest = path.read_text(encoding="utf-8").split(begin)
        after = rest.split(end)[1]
        page = f"{before}{begin}\n\n{text}\n\n{end}{after}"
        path.write_text(page, encoding="utf-8")


def budgets(names: Sequence[str] = BUDGETS) -> str:
    """Return the budgets of the results of that name, as one table."""
    rows: list[str] = []
    for name in names:
        text = (RESULTS / f"{name}.md").read_text(encoding="utf-8")
        rows += text.strip().partition(HEAD)[2].strip().splitlines()[1:]
    return "\n".join([HEAD, "|---|---|---|---|", *rows])


if __name__ == "__main__":
    put("bench", budgets())
