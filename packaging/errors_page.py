"""Write docs/errors.md from the error classes; run it when one was added or changed.

usage: python packaging/errors_page.py
"""

import importlib
import pkgutil
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

from zerometer.core.errors import ZerometerError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
PARTS = ("core", "config", "drivers", "agent")

HEAD = """\
# Errors and exit codes

Written by `packaging/errors_page.py` from the classes; a test compares them.

An error that was foreseen is one message on standard error, without a traceback, in
the order *where - what - value - what is allowed*. Its class says whose fault it is.

## Exit codes

They do not change between versions.

| code | means |
|---|---|
| 0 | done; also when the reader of our output went away, or a signal ended what runs \
until one comes: `run`, `receive`, `simulate`, `demo` |
| 1 | not foreseen: a traceback says where; or a part of `zerometer demo` failed |
| 2 | the command line is wrong |
| 4 | a port or its wires |
| 5 | bytes or readings that are not what they claim to be |
| 6 | the journal of a gateway, or the database of a receiver |
| 7 | a receiver cannot be reached or refuses; nothing answers `zerometer status` |
| 78 | the site file, a meter map, a token file, or an address to listen on |
| 130 | Ctrl-C in any other command, or before one of those runs |
"""

CLASSES = """\

## Classes

*Retryable*: the same may succeed later without any change.

| class | is a | exit code | retryable | means |
|---|---|---|---|---|
"""

CODES = """\

## Codes

What is wrong with a batch, or why a receiver does not take it, has a word on the wire:
`error` in its answer ([receiver.md](receiver.md)). These words do not change.

| code | class | is a | exit code | retryable | means |
|---|---|---|---|---|---|
"""


def classes() -> list[type[ZerometerError]]:
    """Return all classes of errors in the package, bases first, then by name."""
    for part in PARTS:
        package = importlib.import_module(f"zerometer.{part}")
        for module in pkgutil.walk_packages(package.__path__, f"zerometer.{part}."):
            importlib.import_module(module.name)
    found = {c for c in _below(ZerometerError) if c.__module__.startswith("zerometer.")}
    return sorted(found, key=lambda c: (len(c.__mro__), c.__module__, c.__qualname__))


def _below(base: type[ZerometerError]) -> Iterator[type[ZerometerError]]:
    yield base
    for subclass in base.__subclasses__():
        yield from _below(subclass)


def page() -> str:
    """Return the page as it should be."""
    found = classes()
    plain = [_row(c) for c in found if not hasattr(c, "code")]
    coded = sorted(f"| `{c.code}` {_row(c)}" for c in found if hasattr(c, "code"))
    return "".join([HEAD, CLASSES, *plain, CODES, *coded])


def _row(error: type[ZerometerError]) -> str:
    base = error.__bases__[0]
    kind = "" if base is Exception else f"`{base.__name__}`"
    retryable = "yes" if error.retryable else "no"
    first = cleandoc(error.__doc__ or "").split("\n\n")[0]
    means = " ".join(first.split()).replace("``", "`").rstrip(".")
    return (
        f"| `{error.__name__}` | {kind} | {error.exit_code} | {retryable} | {means} |\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
