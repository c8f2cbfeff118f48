"""The locator finds every key and value of any TOML document where it stands."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from zerometer.config.locator import KeyPath, Lines, locate

SCALARS = st.sampled_from(
    [
        "1",
        "-2.5e3",
        "true",
        "inf",
        "0x1F",
        "1979-05-27T07:32:00Z",
        "1979-05-27 07:32:00",
        '"plain"',
        r'"quote \" and \\ slash"',
        '"# no comment, ] } = {"',
        "'literal \\'",
        '""',
        "''",
        '"""one\n[two]\nkey = "x" """',
        '"""ends with quotes"""""',
        r'"""escaped \""" inside"""',
        "'''raw\n# text\n'''",
        "''''quoted''''",
        '"厂 é"',
    ]
)
BARE_KEYS = st.text("abcXYZ019_-", min_size=1, max_size=4)
QUOTED_KEYS = st.sampled_from(
    ['"a b"', "'c.d'", '"e\\"f"', '"="', '"#"', "''", '"厂"', '"\\u0041"']
)
KEYS = BARE_KEYS | QUOTED_KEYS
BLANKS = st.sampled_from(["", " ", "\t", "  "])
BREAKS = st.sampled_from(["", " ", "\n", "  # comment ] }\n", "\n\n\t"])


def name_of(key: str) -> str:
    return next(iter(tomllib.loads(f"{key} = 0")))


@dataclass
class Writer:
    """Writes TOML and notes where each key and value begins."""

    draw: Any
    text: str = ""
    keys: dict[KeyPath, int] = field(default_factory=dict)
    values: dict[KeyPath, int] = field(default_factory=dict)

    def key(self, base: KeyPath, taken: set[str], *, dotted: bool) -> KeyPath | None:
        """Write a new key, maybe a dotted one; None when the name is taken."""
        parts = [self.draw(KEYS) for _ in range(self.draw(st.integers(1, 2)))]
        parts = parts if dotted else parts[:1]
        names = [name_of(part) for part in parts]
        if names[0] in taken:
            return None
        taken.add(names[0])
        path = base
        for index, part in enumerate(parts):
            if index:
                self.text += self.draw(BLANKS) + "." + self.draw(BLANKS)
            path = (*path, names[index])
            self.keys[path] = len(self.text)
            self.text += part
        return path

    def pair(self, base: KeyPath, taken: set[str], depth: int) -> None:
        path = self.key(base, taken, dotted=True)
        if path is None:
            path = (*base, name := f"free{len(self.text)}")
            taken.add(name)
            self.keys[path] = len(self.text)
            self.text += name
        self.text += self.draw(BLANKS) + "=" + self.draw(BLANKS)
        self.value(path, depth)

    def value(self, path: KeyPath, depth: int) -> None:
        self.values[path] = len(self.text)
        kind = self.draw(st.sampled_from(["scalar", "array", "table"]))
        if kind == "scalar" or depth == 0:
            self.text += self.draw(SCALARS)
        elif kind == "array":
            self.array(path, depth - 1)
        else:
            self.inline_table(path, depth - 1)

    def array(self, path: KeyPath, depth: int) -> None:
        self.text += "["
        count = self.draw(st.integers(0, 3))
        for index in range(count):
            self.text += self.draw(BREAKS)
            self.value((*path, index), depth)
            self.text += self.draw(BREAKS)
            if index < count - 1 or self.draw(st.booleans()):
                self.text += ","
        self.text += self.draw(BREAKS) + "]"

    def inline_table(self, path: KeyPath, depth: int) -> None:
        self.text += "{"
        taken: set[str] = set()
        for index in range(self.draw(st.integers(0, 3))):
            self.text += (", " if index else "") + self.draw(BLANKS)
            self.pair(path, taken, depth)
        self.text += self.draw(BLANKS) + "}"

    def pairs(self, base: KeyPath) -> None:
        taken: set[str] = set()
        for _ in range(self.draw(st.integers(0, 3))):
            self.text += self.draw(st.sampled_from(["", "\n", "# note\n", "  "]))
            self.pair(base, taken, 2)
            self.text += self.draw(st.sampled_from(["\n", " # note = 1\n"]))

    def header(self, path: KeyPath, parts: list[str], brackets: int) -> None:
        start = len(self.text)
        self.text += "[" * brackets + self.draw(BLANKS)
        for index, part in enumerate(parts):
            self.text += ("." if index else "") + self.draw(BLANKS)
            here = len(self.text)
            self.text += part + self.draw(BLANKS)
        self.keys[path] = here
        self.values[path] = start
        self.text += "]" * brackets + self.draw(st.sampled_from(["\n", " # [x]\n"]))


@st.composite
def documents(draw: Any) -> Writer:
    writer = Writer(draw)
    writer.pairs(())
    for table in range(draw(st.integers(0, 2))):
        name = f"table{table}"
        writer.header((name, "sub"), [name, '"sub"'], 1)
        writer.pairs((name, "sub"))
    for index in range(draw(st.integers(0, 3))):
        writer.header(("list", index), ["list"], 2)
        writer.pairs(("list", index))
        if draw(st.booleans()):
            writer.header(("list", index, "inner"), ["list", "inner"], 1)
            writer.pairs(("list", index, "inner"))
        for deep in range(draw(st.integers(0, 2))):
            writer.header(("list", index, "deep", deep), ["list", "deep"], 2)
            writer.pairs(("list", index, "deep", deep))
    return writer


def paths_of(value: Any, base: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the path of everything inside a parsed document."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield (*base, key)
        yield from paths_of(inner, (*base, key))


@given(documents())
def test_every_key_and_value_is_where_it_was_written(written: Writer) -> None:
    spots = locate(written.text)
    for path, offset in written.keys.items():
        assert spots[path].key == offset, path
    for path, offset in written.values.items():
        assert spots[path].value == offset, path


@given(documents())
def test_everything_that_tomllib_finds_is_located(written: Writer) -> None:
    spots = locate(written.text)
    assert set(paths_of(tomllib.loads(written.text))) <= set(spots)


@given(st.text("ab\n", max_size=30))
def test_lines_and_columns_count_from_one(text: str) -> None:
    lines = Lines(text)
    for offset in range(len(text) + 1):
        before = text[:offset]
        line = before.count("\n") + 1
        column = offset - (before.rfind("\n") + 1) + 1
        assert lines.place(offset) == (line, column)
