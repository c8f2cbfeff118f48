"""What keeps results the same on every machine and every CPython."""

import ast
import re
from pathlib import Path

CORE = Path(__file__).resolve().parents[2] / "core"
#: Of C's mathematics: what IEEE 754 rounds in one way only, and no number at all.
EXACT = {
    "NAN", "INFINITY", "fabs", "floor", "frexp", "isfinite", "isfinite as is_finite",
    "ldexp", "rint", "signbit", "sqrt",
}  # fmt: skip
#: The same of Python's; fsum rounds once, while sum differs from CPython 3.12 on.
EXACT_IN_PYTHON = {"fsum", "inf", "isfinite", "isnan", "nan", "prod", "sqrt"}
#: Flags and half widths only: no amount depends on it.
INEXACT = {"reconcile.py": {"erfc", "exp", "gamma", "hypot", "pow"}}
#: Sums of integers, which are exact.
WHOLE = {
    "sum(durations_ns)",
    "sum(unseen)",
    "sum((last - first + 1 for first, last in spans))",
}


def test_kernels_take_from_c_only_what_rounds_in_one_way() -> None:
    found = set()
    for kernel in sorted(CORE.glob("_*.p[yx][xd]")):
        for names in re.findall(r"libc\.math cimport (.+)", kernel.read_text()):
            found |= set(names.split(", "))
    assert found <= EXACT
    assert found


def doubtful(path: Path) -> list[str]:
    """Return the arithmetic of a module that another machine may round otherwise."""
    allowed = EXACT_IN_PYTHON | INEXACT.get(path.name, set())
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        text = ast.unparse(node)
        match node:
            case ast.ImportFrom(module="math", names=names):
                found += [n.name for n in names if n.name not in allowed]
            case ast.Import(names=[ast.alias(name="math")]):
                found.append(text)
            case ast.Call(func=ast.Name(id="sum")) if text not in WHOLE:
                found.append(text)
            case ast.BinOp(left=ast.Constant(float()), op=ast.Pow()):
                found.append(text)
    return found


def test_python_rounds_in_one_way() -> None:
    found = {path.name: doubtful(path) for path in sorted(CORE.glob("*.py"))}
    assert {name: what for name, what in found.items() if what} == {}


def test_no_compiler_flag_lets_arithmetic_be_rearranged() -> None:
    setup = (CORE.parent / "setup.py").read_text()
    assert "-ffp-contract=off" in setup
    assert "fast-math" not in setup
    assert "-Ofast" not in setup
