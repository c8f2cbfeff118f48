"""The page of errors is the one that the classes give."""

import importlib.util
from types import ModuleType

from harness.markdown import ROOT, page, rows, section


def generator() -> ModuleType:
    path = ROOT / "packaging" / "errors_page.py"
    spec = importlib.util.spec_from_file_location("errors_page", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_classes_give() -> None:
    assert page("docs/errors.md") == generator().page(), (
        "run: python packaging/errors_page.py"
    )


def test_every_exit_code_of_a_class_is_explained() -> None:
    explained = {
        int(code) for code, _ in rows(section(page("docs/errors.md"), "## Exit codes"))
    }
    codes = {error.exit_code for error in generator().classes()}
    assert codes | {0, 130} == explained


def test_a_code_stands_for_one_class() -> None:
    codes = [e.code for e in generator().classes() if "code" in vars(e)]
    assert len(codes) == len(set(codes))
