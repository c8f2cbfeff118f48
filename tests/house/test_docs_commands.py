"""The page of commands names what the parser accepts; examples anywhere are valid."""

import argparse
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO

import pytest
from harness.markdown import inline, page, pages, rows, section
from harness.markdown import zerometer_commands as commands_in

from zerometer.agent.cli.main import COMMANDS, build_parser

PAGE = "docs/commands.md"


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Return all parsers by the heading that describes them.

    A command that is divided further has no heading, but each of its parts.
    """
    top = build_parser()
    return {"zerometer": top} | dict(leaves("zerometer", top))


def leaves(
    name: str, parser: argparse.ArgumentParser
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield the commands below a parser that are divided no further, by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                parts = list(leaves(f"{name} {word}", below))
                yield from parts or [(f"{name} {word}", below)]


def arguments(parser: argparse.ArgumentParser) -> list[str]:
    """Return a parser's arguments as the page writes them."""
    written = []
    for action in parser._actions:
        if isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)):
            continue
        value = action.metavar or action.dest.upper()
        name = " ".join(action.option_strings)
        written.append(f"{name} {value}".strip() if action.nargs != 0 else name)
    return sorted(written)


def check(call: list[str]) -> None:
    """Fail unless the parser accepts the arguments of a call."""
    try:
        with redirect_stdout(StringIO()):
            build_parser().parse_args(call)
    except SystemExit as end:
        assert end.code == 0, f"zerometer {' '.join(call)}: is not accepted"


def test_every_command_has_its_section_and_no_other() -> None:
    found = [
        line.removeprefix("## ")
        for line in page(PAGE).splitlines()
        if line.startswith("## ")
    ]
    assert found == list(parsers())
    assert {heading.split()[1] for heading in found[1:]} == set(COMMANDS)


@pytest.mark.parametrize("command", list(parsers()))
def test_documented_arguments_are_the_accepted_ones(command: str) -> None:
    # Tables below headings of their own are of other things.
    text = section(page(PAGE), f"## {command}").partition("\n### ")[0]
    documented = sorted(inline(row[0])[0] for row in rows(text))
    assert documented == arguments(parsers()[command])


@pytest.mark.parametrize("command", list(parsers())[1:])
def test_every_command_has_an_example(command: str) -> None:
    words = command.split()[1:]
    text = section(page(PAGE), f"## {command}")
    assert words in [call[: len(words)] for call in commands_in(text)]


@pytest.mark.parametrize("name", pages())
def test_examples_in_pages_are_valid(name: str) -> None:
    for call in commands_in(page(name)):
        check(call)


@pytest.mark.parametrize("command", sorted(parsers()))
def test_examples_in_the_help_are_valid(command: str) -> None:
    epilog = parsers()[command].epilog
    assert epilog, "no example"
    calls = list(commands_in(f"```sh\n{epilog.partition(':')[2]}\n```"))
    assert calls
    for call in calls:
        check(call)
