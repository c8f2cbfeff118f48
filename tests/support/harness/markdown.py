"""What the pages of the repository say, cut so that code can be compared with it."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

#: A fenced block: its language, its lines.
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.M | re.S)
_INLINE = re.compile(r"`([^`\n]+)`")
#: Where one command of a shell's line ends; what follows < and > is a file.
_ENDS = set("|&;<>()")


def page(name: str) -> str:
    """Return the text of a page, by its path in the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def pages() -> list[str]:
    """Return the paths of all pages but the changelog, which speaks of the past."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    names = sorted(str(path.relative_to(ROOT)) for path in found)
    return [name for name in names if name != "CHANGELOG.md"]


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks in a language."""
    return [body for found, body in _FENCE.findall(text) if found == language]


def inline(text: str) -> list[str]:
    """Return what stands between single backticks, outside of fenced blocks."""
    return _INLINE.findall(_FENCE.sub("", text))


def section(text: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of its rank."""
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"no heading {heading!r}"
    rank = heading.partition(" ")[0]
    return re.split(rf"^#{{1,{len(rank)}}} ", rest, maxsplit=1, flags=re.M)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of all rows of tables, without heads and rulers."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            continue
        if re.fullmatch(r"[|\s:-]*---[|\s:-]*", line):
            found.pop()  # the row before was the head
            continue
        cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
        found.append([cell.strip() for cell in cells])
    return found


def command_lines(text: str) -> Iterator[str]:
    """Yield the lines of shell blocks, continued lines joined, comments taken off."""
    for body in (*blocks(text, "sh"), *blocks(text, "console")):
        for line in body.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line.removeprefix("$ "), posix=False)
            lexer.whitespace_split = True
            if words := list(lexer):
                yield " ".join(words)


def zerometer_commands(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of ``zerometer``, in blocks and in lines."""
    for line in (*command_lines(text), *inline(text)):
        if "zerometer " in line:
            yield from _calls(line)


def _calls(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    call: list[str] = []
    for word in [*lexer, ";"]:
        if not set(word) <= _ENDS:
            call.append(word)
            continue
        if call and call[0] == "sudo":
            call = call[1:]
        if call and call[0].rpartition("/")[2] == "zerometer":
            yield call[1:]
        call = []
