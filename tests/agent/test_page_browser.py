"""The page in a real browser: what a reader sees, and what it must never do."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.browser import CHROMIUM, Browser, browser
from harness.served_page import Served, with_page

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(60),
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
]

LAPTOP, PHONE = (1280, 900), (360, 740)
UNCUT = (
    "[...document.querySelectorAll('.tile .note')]"
    ".every(note => note.scrollWidth <= note.clientWidth)"
)
EXAMPLE = Path(__file__).with_name("page_snapshot.json")
ROOT = "document.documentElement"
TEXT = "(document.body?.innerText ?? '')"


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def snapshot() -> dict[str, Any]:
    example: dict[str, Any] = json.loads(EXAMPLE.read_text())
    return example


def look(
    snapshot: dict[str, Any], see: Callable[[Served, str], None], ticking: bool = False
) -> None:
    """Serve *snapshot* and call *see* with the address, beside the server's loop."""

    async def scenario(page: Served) -> None:
        page.snapshot = snapshot
        seeing = asyncio.create_task(
            asyncio.to_thread(see, page, f"http://127.0.0.1:{page.port}/")
        )
        while ticking and not seeing.done():
            page.updates.publish()
            await asyncio.sleep(0.05)
        await seeing

    with_page(scenario)


@pytest.mark.parametrize("size", [LAPTOP, PHONE])
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-CN", ["实时能流", "天然气", "无应答", "串口恢复", "示范工厂"]),
        ("en-GB", ["Energy flow, now", "Natural gas", "no answer", "Port is back"]),
        ("fr-FR", ["Energy flow, now"]),
    ],
)
def test_it_shows_the_site(
    tab: Browser,
    snapshot: dict[str, Any],
    language: str,
    words: list[str],
    size: tuple[int, int],
) -> None:
    def see(_: Served, address: str) -> None:
        tab.leave()
        tab.show(address, language, size)
        shown = tab.evaluate(TEXT)
        assert [word for word in words if word not in shown] == []
        assert "± 5.4\u202f%" in shown
        assert "undefined" not in shown
        assert "NaN" not in shown
        assert tab.evaluate(f"{ROOT}.scrollWidth == {ROOT}.clientWidth")
        if size == PHONE:
            assert tab.evaluate(UNCUT)
        assert tab.complaints == []

    look(snapshot, see)


def test_no_throughput_is_not_zero(tab: Browser, snapshot: dict[str, Any]) -> None:
    for pool in snapshot["pools"]:
        pool |= {"inflow": 0.0, "outflow": 0.0}
        pool["factor"] = dict.fromkeys(pool["factor"])

    def see(_: Served, address: str) -> None:
        tab.show(address, "en-GB", LAPTOP)
        factors = tab.evaluate(
            "[...document.querySelectorAll('.card dd')].map(dd => dd.innerText)"
        )
        assert factors == ["0\u202fkW", "0\u202fkW", *["not defined"] * 2] + [
            text
            for unit in ("Nm³/h", "GJ/h")
            for text in (f"0\u202f{unit}", f"0\u202f{unit}", *["not defined"] * 2)
        ]

    look(snapshot, see)


def test_a_site_that_has_read_nothing_yet(
    tab: Browser, snapshot: dict[str, Any]
) -> None:
    empty = _without_numbers(snapshot)
    empty["time_ms"] = snapshot["time_ms"]
    empty |= {"windows": [], "events": [], "uplinks": []}
    empty["totals_today"] = {"emissions_kg": {"physical": 0.0, "location": 0.0}}

    def see(_: Served, address: str) -> None:
        tab.leave()
        tab.show(address, "en-GB", LAPTOP)
        # The last minute, the day, and the drawing of minutes.
        assert tab.evaluate(TEXT).count("no minute closed yet") == 3
        assert "NaN" not in tab.evaluate("document.body.innerHTML")
        assert tab.complaints == []

    look(empty, see)


def _without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_numbers(inner) for inner in value]
    return None if isinstance(value, float) else value


def test_a_bus_that_has_too_much_to_do_says_so(
    tab: Browser, snapshot: dict[str, Any]
) -> None:
    warning = "Too much to read: each meter is read less often."

    def see(_: Served, address: str) -> None:
        tab.show(address, "en-GB", LAPTOP)
        card = tab.evaluate("document.getElementById('buses').innerText")
        kinds = "time-out 63, exception 7, garbage 4, cut short 2, wrong CRC 1"
        assert f"Errors: {kinds}" in card
        assert "118\u202fms" in card
        assert (warning in card) is snapshot["buses"][0]["overloaded"]
        assert ("overloaded: 1" in tab.evaluate(TEXT)) is (warning in card)

    look(snapshot, see)
    snapshot["buses"][0]["overloaded"] = True
    look(snapshot, see)


def test_a_bus_shows_what_it_does_now_not_since_its_start(
    tab: Browser, snapshot: dict[str, Any]
) -> None:
    bus = snapshot["buses"][0]

    def see(_: Served, address: str) -> None:
        tab.show(address, "en-GB", LAPTOP)
        shown = "document.getElementById('buses').innerText"
        assert "43\u202f%" in tab.evaluate(shown)
        # Too little was seen since for a share.
        bus["elapsed_s"] += 0.2
        bus["port"] = "seen again"
        tab.wait(f"{shown}.includes('seen again')")
        assert "43\u202f%" in tab.evaluate(shown)
        # Ten seconds in which it did nothing else.
        bus["elapsed_s"] += 9.8
        bus["busy_s"] += 9
        bus["transactions"] += 250
        tab.wait(f"{shown}.includes('90\u202f%')")
        assert "25.0\u202f/s" in tab.evaluate(shown)
        # Another run of the agent.
        bus.update(elapsed_s=2.0, busy_s=0.5, transactions=4)
        tab.wait(f"{shown}.includes('25\u202f%')")
        assert "2.00\u202f/s" in tab.evaluate(shown)

    look(snapshot, see, ticking=True)


def test_a_meter_says_what_it_takes_and_what_it_refuses(
    tab: Browser, snapshot: dict[str, Any]
) -> None:
    snapshot["meters"][0] |= {"lateness_s": 2.5, "state": "untrusted"}

    def see(_: Served, address: str) -> None:
        tab.show(address, "en-GB", LAPTOP)
        assert "refuses points: 1" in tab.evaluate(TEXT)
        assert "The meter refuses" not in tab.evaluate(TEXT)
        tab.evaluate("document.querySelectorAll('.opener').forEach(b => b.click())")
        shown = tab.evaluate(TEXT)
        assert "The meter refuses: Power factor" in shown
        assert "400\u202fms" in shown  # the patience with the meter that is down
        assert "2.50\u202fs" in shown
        assert "21090417" in shown
        assert shown.count("not recognised") == 1

    look(snapshot, see)


def test_names_are_text(tab: Browser, snapshot: dict[str, Any]) -> None:
    hostile = "<img src=x onerror=\"document.title='owned'\">"
    text = json.dumps(snapshot).replace("line-1", json.dumps(hostile)[1:-1])

    def see(_: Served, address: str) -> None:
        tab.show(address, "en-GB", LAPTOP)
        assert hostile in tab.evaluate(TEXT)
        assert tab.evaluate("document.querySelectorAll('[onerror]').length") == 0
        assert "owned" not in tab.evaluate("document.title")

    look(json.loads(text), see)


def test_it_follows_the_ticks(tab: Browser, snapshot: dict[str, Any]) -> None:
    def see(page: Served, address: str) -> None:
        tab.show(address, "en-GB", LAPTOP)
        page.snapshot = snapshot | {"totals_today": {"emissions_kg": {"physical": 777}}}
        tab.wait(f"{TEXT}.includes('777')")
        assert page.updates.clients == 1
        assert tab.evaluate("document.getElementById('banner').hidden") is False
        assert "clocks of this device" in tab.evaluate(TEXT)

    look(snapshot, see, ticking=True)


def test_a_broken_stream_is_told(tab: Browser, snapshot: dict[str, Any]) -> None:
    look(snapshot, lambda _, address: tab.show(address, "en-GB", LAPTOP))
    tab.evaluate("performance.now = () => 1e7")
    tab.wait("document.body.classList.contains('stale')")
    shown = tab.evaluate(TEXT)
    assert "No new data from the agent." in shown
    assert "No live data" in shown


def test_the_language_can_be_switched(tab: Browser, snapshot: dict[str, Any]) -> None:
    def see(_: Served, address: str) -> None:
        tab.show(address, "zh-CN", LAPTOP)
        tab.evaluate("document.getElementById('language').click()")
        tab.wait(f"{TEXT}.includes('Energy flow, now')")
        tab.show(address, "zh-CN", LAPTOP)
        assert "Energy flow, now" in tab.evaluate(TEXT)

    look(snapshot, see)
