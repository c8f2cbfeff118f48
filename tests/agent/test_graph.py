"""``zerometer graph``: the picture is whole, and nothing in it lies on top of else."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from harness.browser import CHROMIUM, Browser, browser
from harness.large_graph import large_site

import zerometer.config
from zerometer.agent.cli.main import main
from zerometer.agent.graph.heights import _apart
from zerometer.agent.graph.layers import is_lane, layout
from zerometer.agent.graph.order import arrange, crossings
from zerometer.agent.graph.parts import arrows, boxes
from zerometer.agent.graph.svg import draw
from zerometer.agent.graph.text import fitted, width
from zerometer.config.site import load_site
from zerometer.core.errors import UsageError
from zerometer.core.site import Site

DEMO = Path(zerometer.config.__file__).parent / "sites" / "demo.toml"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Site]:
    large = tmp_path_factory.mktemp("large") / "site.toml"
    large.write_text(large_site(), encoding="utf-8")
    return {"demo": load_site(DEMO).site, "large": load_site(large).site}


BOTH = pytest.mark.parametrize("name", ["demo", "large"])


@BOTH
def test_every_part_and_every_flow_is_in_it(sites: dict[str, Site], name: str) -> None:
    site = sites[name]
    root = ElementTree.fromstring(draw(site))
    drawn = {group.get("id") for group in root.iter(f"{SVG}g")} - {None}
    assert drawn == {
        *(f"source.{s.id}" for s in site.sources),
        *(f"fuel.{p.id}.{f.carrier}" for p in site.processes for f in p.fuels),
        *(f"pool.{p.id}" for p in site.pools),
        *(f"process.{p.id}" for p in site.processes),
        *(f"storage.{s.id}" for s in site.storages),
        *(f"sink.{s.id}" for s in site.sinks),
    }
    flows = [g for g in root.iter(f"{SVG}g") if g.get("class") == "flow"]
    assert sorted((g.get("data-from"), g.get("data-to")) for g in flows) == sorted(
        [
            *((f"source.{s.id}", f"pool.{s.pool}") for s in site.sources),
            *(
                (f"fuel.{p.id}.{f.carrier}", f"process.{p.id}")
                for p in site.processes
                for f in p.fuels
            ),
            *(
                (f"pool.{pool}", f"process.{p.id}")
                for p in site.processes
                for pool in p.takes
            ),
            *(
                (f"process.{p.id}", f"pool.{pool}")
                for p in site.processes
                for pool in p.gives
            ),
            *((f"pool.{s.pool}", f"storage.{s.id}") for s in site.storages),
            *((f"pool.{s.pool}", f"sink.{s.id}") for s in site.sinks),
        ]
    )


def test_names_units_and_carriers_are_readable(sites: dict[str, Site]) -> None:
    texts = {text.text for text in ElementTree.fromstring(draw(sites["demo"])).iter()}
    assert {
        "示范工厂 Demo factory", "grid", "进线 Incomer", "热 heat · GJ",
        "锅炉 boiler", "line-1", "一号线 Line 1", "其余 remainder",
        "source.grid → pool.lv: incomer:active_energy_import (kWh)",
    } <= texts  # fmt: skip


def test_boxes_stand_from_left_to_right_and_loops_go_back(
    sites: dict[str, Site],
) -> None:
    site = sites["large"]
    plan = layout(list(boxes(site)), list(arrows(site)))
    column = {slot: n for n, slots in enumerate(plan.columns) for slot in slots}
    back = 0
    for arrow, is_back in zip(arrows(site), plan.back, strict=True):
        assert (column[arrow.tail] >= column[arrow.head]) == is_back
        back += is_back
    assert back == 1
    for box in boxes(site):
        if box.shape in ("source", "fuel"):
            assert column[box.id] == 0
        elif box.shape == "sink":
            assert column[box.id] == len(plan.columns) - 1
        elif box.shape == "pool":
            assert column[box.id] % 2 == 1


def test_sorting_the_columns_leaves_few_crossings(sites: dict[str, Site]) -> None:
    site = sites["large"]
    plan = layout(list(boxes(site)), list(arrows(site)))
    before = crossings(plan)
    slots = [sorted(column) for column in plan.columns]
    arrange(plan)
    assert [sorted(column) for column in plan.columns] == slots
    assert crossings(plan) * 20 < before
    assert any(is_lane(slot) for column in plan.columns for slot in column)


def test_slots_are_as_near_as_they_can_be() -> None:
    assert _apart([0, 100], [1, 1], [10]) == [0, 100]
    assert _apart([50, 50], [1, 1], [10]) == [45, 55]
    assert _apart([50, 50], [3, 1], [8]) == [48, 56]
    assert _apart([90, 0, 95], [1, 1, 1], [10, 10]) == pytest.approx([40, 50, 95])


def test_the_picture_is_the_same_each_time() -> None:
    command = f"""
from pathlib import Path
from zerometer.agent.graph.svg import draw
from zerometer.config.site import load_site
print(draw(load_site(Path({str(DEMO)!r})).site), end="")
"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", command],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] == draw(load_site(DEMO).site).encode()


def test_names_that_xml_would_trip_over(tmp_path: Path) -> None:
    text = DEMO.read_text(encoding="utf-8")
    path = tmp_path / "site.toml"
    name = 'name = "<A&B> \\u0001\\u0085 工厂"'
    path.write_text(text.replace('name = "示范工厂 Demo factory"', name), "utf-8")
    root = ElementTree.fromstring(draw(load_site(path).site))
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert titles[0] == "<A&B>    工厂 (demo-factory)"


def test_text_that_is_too_long_is_cut() -> None:
    assert fitted("line-1", 13, 100) == "line-1"
    cut = fitted("一二三四五六七八九十", 10, 55)
    assert cut == "一二三四…"
    assert width(cut, 10) <= 55


def test_the_documented_picture_is_that_of_the_demo(sites: dict[str, Site]) -> None:
    documented = Path(__file__).parents[2] / "docs" / "demo-graph.svg"
    assert documented.read_text(encoding="utf-8") == draw(sites["demo"])


def test_it_goes_to_standard_output_or_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["graph", str(DEMO)]) == 0
    printed = capsys.readouterr().out
    path = tmp_path / "site.svg"
    assert main(["graph", str(DEMO), "--out", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == printed
    assert main(["graph", str(DEMO), "--out", str(tmp_path)]) == UsageError.exit_code
    assert "Is a directory" in capsys.readouterr().err


# Every text is within its box, no box on another, and no line through one.
OVERLAPS = """
(() => {
  const boxes = [...document.querySelectorAll('g[id]')].map(group => {
    const box = group.querySelector('rect').getBBox();
    return {id: group.id, x: box.x, y: box.y, r: box.x + box.width,
            b: box.y + box.height, group};
  });
  const found = [];
  for (const box of boxes) {
    for (const text of box.group.querySelectorAll('text')) {
      const t = text.getBBox();
      if (t.x < box.x || t.x + t.width > box.r || t.y < box.y - 1 ||
          t.y + t.height > box.b + 1) found.push([box.id, text.textContent]);
    }
    const words = [...box.group.querySelectorAll('text')].map(t => t.getBBox());
    if (words.length > 1 && words[0].y === words[1].y &&
        words[0].x + words[0].width > words[1].x) found.push([box.id, 'words']);
    for (const other of boxes) {
      if (other.id < box.id && other.x < box.r && box.x < other.r &&
          other.y < box.b && box.y < other.b) found.push([box.id, other.id]);
    }
  }
  for (const flow of document.querySelectorAll('g.flow')) {
    const line = flow.querySelector('path');
    const length = line.getTotalLength();
    for (let at = 0; at < length; at += 3) {
      const p = line.getPointAtLength(at);
      for (const box of boxes) {
        if (box.x + 1 < p.x && p.x < box.r - 1 && box.y + 1 < p.y && p.y < box.b - 1)
          found.push([flow.dataset.from, flow.dataset.to, box.id]);
      }
    }
  }
  return found;
})()
"""


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.mark.system
@pytest.mark.timeout(60)
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@BOTH
def test_nothing_lies_on_top_of_else(
    sites: dict[str, Site], name: str, tab: Browser, tmp_path: Path
) -> None:
    path = tmp_path / f"{name}.svg"
    path.write_text(draw(sites[name]), encoding="utf-8")
    tab.call("Page.navigate", url=path.as_uri())
    loaded = "document.readyState === 'complete'"
    tab.wait(f"{loaded} && document.documentElement.tagName === 'svg'")
    assert tab.evaluate("document.querySelectorAll('g[id]').length") > 10
    assert tab.evaluate(OVERLAPS) == []
