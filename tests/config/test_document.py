"""Reading a TOML file: encodings, syntax, and nothing but located problems."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import zerometer.config
from zerometer.config.document import MAX_BYTES, Document, read_document
from zerometer.config.problems import FileError, Problems
from zerometer.config.site import load_site

DEMO = (Path(zerometer.config.__file__).parent / "sites" / "demo.toml").read_text(
    encoding="utf-8"
)


def read(path: Path, raw: bytes) -> Document | str:
    """Return the document, or the problem that it is refused with."""
    path.write_bytes(raw)
    problems = Problems()
    document = read_document(path, problems)
    if document is not None:
        problems.check()
        return document
    with pytest.raises(FileError) as caught:
        problems.check()
    (problem,) = caught.value.problems
    return str(problem).removeprefix(str(path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "site.toml"


def test_a_byte_order_mark_is_no_part_of_the_text(path: Path) -> None:
    document = read(path, b"\xef\xbb\xbfkey = 1")
    assert isinstance(document, Document)
    assert document.place(("key",), of_key=True) == (1, 1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name = “厂”", ':1:8: TOML: “ is a full-width character: use "'),
        ('name = "厂”\n', ':1:10: TOML: ” is a full-width character: use "'),
        ("a = 1\n［site］", ":2:1: TOML: ［ is a full-width character: use ["),
        ('id ＝ "x"', ":1:4: TOML: ＝ is a full-width character: use ="),
        ("a = [1， 2]", ":1:7: TOML: ， is a full-width character: use ,"),
        ('a： "x"', ":1:2: TOML: ： is a full-width character: use :"),
    ],
)
def test_signs_of_an_input_method_are_named(
    path: Path, text: str, problem: str
) -> None:
    assert read(path, text.encode()) == problem


def test_a_text_may_hold_any_sign(path: Path) -> None:
    assert "full-width" not in str(read(path, 'name = "“厂”，一：二" x'.encode()))
    assert isinstance(read(path, 'name = "“厂”" # 一，二'.encode()), Document)


def test_windows_line_ends(path: Path) -> None:
    document = read(path, b"a = 1\r\n\r\nb = '''x\r\ny'''\r\nc = 2\r\n")
    assert isinstance(document, Document)
    assert document.place(("c",)) == (5, 5)


def test_a_key_that_is_absent_is_at_its_table(path: Path) -> None:
    document = read(path, b"a = 1\n[t]\nb = 2\n")
    assert isinstance(document, Document)
    assert document.place(("t", "c")) == (2, 1)
    assert document.place(("t", "b")) == (3, 5)
    assert document.place(("u",)) == (1, 1)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"a = 1\nb = \xff", ":2:5: is not UTF-8; save the file as UTF-8"),
        (b"\xfe\xff\0a", ": is UTF-16; save the file as UTF-8"),
        (b"a = 1\na = 2", ":2:6: TOML: Cannot overwrite a value"),
        (b"a = [1,", ":1:8: TOML: Invalid value"),
        (b"a = " + b"[" * 100_000, ": TOML: nested too deeply"),
        (b"a = " + b"[" * 480 + b"]" * 480, ": TOML: nested too deeply"),
        (b"#" * (MAX_BYTES + 1), f": is longer than {MAX_BYTES} bytes"),
    ],
    ids=["encoding", "utf-16", "twice", "end", "deep", "almost", "long"],
)
def test_what_is_refused(path: Path, raw: bytes, problem: str) -> None:
    assert read(path, raw) == problem


def test_a_number_beyond_what_python_reads(path: Path) -> None:
    assert str(read(path, b"a = " + b"9" * 5000)).startswith(": TOML: ")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    problems = Problems()
    assert read_document(tmp_path, problems) is None
    with pytest.raises(FileError, match="cannot be read: Is a directory"):
        problems.check()


VALUES = st.sampled_from(
    [
        "1", "-1", "0", "1.5", "nan", "inf", "-inf", "true", '""', '"x"', '"a:b"',
        '"meter:"', "[]", "[1, 2]", "[[1], {}]", "{}", "{ a = 1 }",
        "{ meter = 1, times = [] }", '{ lv = "incomer" }', "1979-05-27", "07:32:00",
        "1" + "0" * 400, '"1e9999 GB"', '"9999999999999999d"', "[nan, 1]", '"tcp://["',
        '{ location = "x", market = 1 }', '{ volume = { from = 1, times = "x" } }',
        "{ energy = 1, x = 2 }", '"http://[x"', '"http://h:99999"', '"\\u0000"',
    ]
)  # fmt: skip


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=60,
)
@given(st.lists(st.tuples(st.integers(0, 200), VALUES), min_size=1, max_size=6))
def test_values_of_any_kind_are_at_worst_located_problems(
    path: Path, changes: list[tuple[int, str]]
) -> None:
    lines = DEMO.splitlines()
    for number, value in changes:
        index = number % len(lines)
        key, equals, _ = lines[index].partition("=")
        if equals:
            lines[index] = f"{key}= {value}"
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        load_site(path)
    except FileError as error:
        assert all(problem.line for problem in error.problems)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=60,
)
@given(
    st.integers(0, len(DEMO)),
    st.integers(0, 40),
    st.text("[]{}=\".#'\n, a1", max_size=6),
)
def test_broken_text_is_at_worst_a_problem(
    path: Path, start: int, length: int, text: str
) -> None:
    broken = DEMO[:start] + text + DEMO[start + length :]
    path.write_text(broken, encoding="utf-8")
    try:
        load_site(path)
    except FileError as error:
        assert error.problems
