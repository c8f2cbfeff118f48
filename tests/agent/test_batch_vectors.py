"""The published vectors: current; our decoder, another and the grammar agree."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import msgpack
import pycddl
import pytest
from harness.cddl import Grammar

from zerometer.agent.batch import decode, errors, peek
from zerometer.core import column_errors
from zerometer.core.errors import FormatError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "vectors"
EXAMPLE = ROOT / "docs" / "examples" / "decode.js"
GRAMMAR = (ROOT / "docs" / "batch-format.cddl").read_text(encoding="utf-8")
VECTORS = [
    vector
    for name in ("valid", "invalid")
    for vector in json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
]
VALID = [vector for vector in VECTORS if vector["valid"]]
NODE_MODULES = ROOT / ".venv" / "node_modules"

#: What only prose says, and no grammar.
BEYOND_GRAMMAR = {
    "t1 is before t0",
    "a gap that ends before it begins",
    "rows without columns",
    "another number of rows",
    "another number of samples",
    "scale is infinite",
    "scale and exponent",
    "too many in an array",
    "two columns of one name",
    "nulls of an array",
    "site of 129 characters",
}


#: The same bytes come from the same deflate only.
SAME_ZLIB = pytest.mark.skipif(
    "ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng packs into other bytes"
)


def script(name: str) -> ModuleType:
    """Return a script that stands beside the vectors."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def make() -> ModuleType:
    """Return the script that makes the vectors."""
    return script("make")


def names(vector: dict[str, Any]) -> str:
    return str(vector["name"])


@SAME_ZLIB
def test_the_files_are_what_the_script_makes(make: ModuleType) -> None:
    for name, found in make.vectors().items():
        text = (FOLDER / name).read_text(encoding="utf-8")
        assert text == make.text(found), "run: python docs/vectors/make.py"


@pytest.mark.parametrize("vector", VECTORS, ids=names)
def test_our_decoder_agrees(vector: dict[str, Any], make: ModuleType) -> None:
    data = bytes.fromhex(vector["hex"])
    try:
        batch = decode(data)
    except FormatError as error:
        assert (error.code, False) == (vector["error"], vector["valid"])
    else:
        assert repr(make.shown(batch)) == repr(vector["decoded"])
        assert peek(data) == batch.header


@SAME_ZLIB
def test_the_page_has_the_bytes_of_a_batch() -> None:
    offsets = script("offsets")
    page = (ROOT / "docs" / "batch-format.md").read_text(encoding="utf-8")
    assert offsets.text() in page, "run: python docs/vectors/offsets.py"


def test_there_is_a_vector_for_each_error_and_no_two_of_one_name() -> None:
    codes = {
        error.code
        for module in (errors, column_errors)
        for error in vars(module).values()
        if isinstance(error, type)
        and issubclass(error, FormatError)
        and error is not FormatError
    }
    assert {vector["error"] for vector in VECTORS} - {None} == codes
    assert len({names(vector) for vector in VECTORS}) == len(VECTORS) > 100


def node(folder: Path, *vectors: dict[str, Any]) -> str:
    """Return what the example decoder says of *vectors* on which it differs."""
    if not (NODE_MODULES / "@msgpack").exists():
        pytest.skip("needs @msgpack/msgpack: packaging/node_modules.py .venv")
    program = shutil.which("node")
    assert program, "needs Node.js: packaging/system-packages.sh test"
    file = folder / "vectors.json"
    file.write_text(json.dumps(vectors), encoding="utf-8")
    script = ROOT / "tests" / "support" / "harness" / "vectors.js"
    return subprocess.run(
        [program, str(script), str(EXAMPLE), str(file)],
        env=os.environ | {"NODE_PATH": str(NODE_MODULES)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout


def test_the_example_decoder_agrees(tmp_path: Path) -> None:
    assert node(tmp_path, *VECTORS) == f"{len(VECTORS)} vectors\n"


def test_what_the_example_decoder_differs_on_is_told(tmp_path: Path) -> None:
    other = json.loads(json.dumps(VALID[3]).replace("1000.0", "1000.5"))
    wrong = VECTORS[-1] | {"error": "bad-crc"}
    said = node(tmp_path, other, wrong)
    assert names(other) in said
    assert f"{names(wrong)}: error bad-reference, not bad-crc" in said


def test_the_example_decoder_is_short() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 150


def opened(data: bytes) -> tuple[Any, Any]:
    """Return the envelope and the unpacked body."""
    outer = msgpack.unpackb(data)
    body = outer[1]
    if outer[0]["codec"] == "deflate":
        body = zlib.decompress(body, wbits=-15)
    return outer, msgpack.unpackb(body)


def test_the_grammar_is_one() -> None:
    pycddl.Schema(GRAMMAR)


def test_the_grammar_takes_every_valid_vector() -> None:
    grammar = Grammar(GRAMMAR)
    for vector in VALID:
        outer, body = opened(bytes.fromhex(vector["hex"]))
        assert grammar.fits("batch", outer), vector["name"]
        assert grammar.fits("body", body), vector["name"]


def test_the_grammar_refuses_what_it_can_tell() -> None:
    # Without what stands for encodings of later versions.
    grammar = Grammar(GRAMMAR.replace("(column / unknown-column)", "column"))
    told = 0
    for vector in VECTORS:
        data = bytes.fromhex(vector["hex"])
        if vector["error"] in ("bad-envelope", "bad-header"):
            refused = not grammar.fits("batch", msgpack.unpackb(data))
        elif vector["name"] == "msgpack that there is not":
            continue
        elif vector["error"] in ("bad-body", "bad-column"):
            refused = not grammar.fits("body", opened(data)[1])
        else:
            continue
        assert refused == (vector["name"] not in BEYOND_GRAMMAR), vector["name"]
        told += refused
    assert told > 25
