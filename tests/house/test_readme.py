"""The READMEs say the same in both languages, and what they say works."""

import re
import tomllib
from pathlib import Path

import pytest
from harness.markdown import ROOT, blocks, command_lines, page

from zerometer.agent.cli.main import main
from zerometer.config.site import load_site

READMES = ("README.md", "README.zh-CN.md")
INSTALL = "sudo apt-get install -y"


def install_line(name: str) -> str:
    """Return the line that installs the system's packages."""
    (line,) = (ln for ln in command_lines(page(name)) if ln.startswith(INSTALL))
    return line


def sites(name: str) -> list[str]:
    return [body for body in blocks(page(name), "toml") if "format = 1" in body]


def test_headings_have_the_same_ranks() -> None:
    ranks = [re.findall(r"^(#+) ", page(name), re.M) for name in READMES]
    assert ranks[0] == ranks[1]


def test_commands_are_the_same() -> None:
    commands = [list(command_lines(page(name))) for name in READMES]
    assert commands[0] == commands[1]
    assert {"make demo", "make test"} <= set(commands[0])


def test_the_system_packages_are_those_that_make_installs() -> None:
    script = page("packaging/system-packages.sh")
    listed = re.findall(r"^(?:test_)?packages=\((.*)\)$", script, re.M)
    (printed,) = re.findall(rf'^echo "{INSTALL} (.*)" ', script, re.M)
    named = printed.replace("${packages[*]}", " ".join(listed)).split()
    for name in READMES:
        assert install_line(name).removeprefix(INSTALL).split() == named


def test_the_line_is_where_ci_takes_it_from() -> None:
    (pattern,) = re.findall(r"grep -m1 -E '([^']+)' README.md", page(".ci/run"))
    found = re.search(pattern.replace("^", "(?m:^)"), page("README.md"))
    assert found is not None
    assert install_line("README.md").startswith(found[0])


@pytest.mark.parametrize("name", READMES)
def test_the_first_site_holds(name: str, tmp_path: Path) -> None:
    (text,) = sites(name)
    assert tomllib.loads(text) == tomllib.loads(sites(READMES[0])[0])
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    assert load_site(path).warnings == ()


@pytest.mark.parametrize("name", READMES)
def test_the_replay_prints_what_is_shown(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (readings,), (shown_there,) = blocks(page(name), "csv"), blocks(page(name), "text")
    site, file = tmp_path / "site.toml", tmp_path / "readings.csv"
    site.write_text(sites(name)[0], encoding="utf-8")
    file.write_text(readings, encoding="utf-8")
    assert main(["replay", str(site), str(file)]) == 0
    assert capsys.readouterr().out == shown_there


def test_shipped_maps_are_named() -> None:
    """A map that was added is told in both."""
    for path in (ROOT / "config" / "maps").glob("[!_]*.toml"):
        model = path.stem.rpartition("-")[2].upper()
        for name in READMES:
            said = page(name).upper()
            assert model in said, f"{name}: {path.stem}"


def shown(name: str, mark: str) -> str:
    """Return what stands in a README between the marks of a comparison."""
    (text,) = re.findall(
        rf"<!-- {mark} -->\n\n(.*?)\n\n<!-- /{mark} -->", page(name), re.S
    )
    return str(text)


#: Whose budgets are shown, in this order.
RESULTS = (
    "poll", "bus", "wrong", "scale", "accounting", "wire", "card", "drain", "outage",
    "fleet",
)  # fmt: skip
#: Budgets that are known not to be met; any other one fails.
EXCEEDED = [
    "unpaced, bus loop: CPU, of pymodbus's",
    "360 points at 1 s: MB a day in write calls",
]


@pytest.mark.parametrize("name", READMES)
def test_the_figures_are_the_newest(name: str) -> None:
    """The tables of budgets are those of the last runs of the bench."""
    table = "| budget | measured | at most | |\n|---|---|---|---|"
    rows = [table]
    for result in RESULTS:
        rows.append(page(f"bench/results/{result}.md").strip().partition(table)[2])
    assert shown(name, "bench") == "".join(rows)
    over = [row.split(" | ")[0] for row in shown(name, "bench").splitlines()
            if "exceeded" in row]  # fmt: skip
    assert [row.removeprefix("| ") for row in over] == EXCEEDED


@pytest.mark.parametrize("name", READMES)
def test_the_peers_are_those_of_the_newest_run(name: str) -> None:
    """What stands between the marks is the short table of the bench's result."""
    result = page("bench/results/peers.md")
    table = result[result.index("| peer |") :].partition("\n\n")[0]
    assert shown(name, r"bench\.peers") == table
