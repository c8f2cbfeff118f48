"""The page's files: offline, no markup from data, every text in both languages."""

import json
import re

import pytest

from zerometer.agent.page.assets import assets

#: Words that come from the snapshot; the others of a family may stay unused.
FAMILIES = {"bus-state", "carrier", "error", "event", "factor-status", "flag", "kind",
            "point", "quality", "uplink-state", "view"}  # fmt: skip
TEXTS = {name: data.decode() for name, data in assets().items()}
SOURCES = {
    name: text for name, text in TEXTS.items() if name.endswith((".js", ".html"))
}


def _catalogue(language: str) -> dict[str, str]:
    catalogue: dict[str, str] = json.loads(TEXTS[f"i18n/{language}.json"])
    return catalogue


def _used() -> set[str]:
    calls = re.compile(r'\bt\(\s*"([^"]+)"|data-i18n(?:-label)?="([^"]+)"')
    return {a or b for text in SOURCES.values() for a, b in calls.findall(text)}


def test_catalogues_have_equal_keys() -> None:
    assert _catalogue("zh").keys() == _catalogue("en").keys()


def test_catalogues_have_equal_placeholders() -> None:
    english = _catalogue("en")
    for key, text in _catalogue("zh").items():
        assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", english[key]), key


def test_every_key_is_known_and_used() -> None:
    plain = {key for key in _catalogue("en") if key.split(".")[0] not in FAMILIES}
    assert _used() == plain


def test_every_family_is_used_and_has_words() -> None:
    asked = set(re.findall(r'\bword\("([^"]+)"', " ".join(SOURCES.values())))
    assert asked == FAMILIES
    assert {key.split(".")[0] for key in _catalogue("en")} >= FAMILIES


def test_keys_are_always_literal() -> None:
    """Else the tests above would not see them."""
    for name, text in SOURCES.items():
        if name != "i18n.js":
            assert not re.findall(r'\b(?:t|word)\((?!")', text), name


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_nothing_is_loaded_from_elsewhere(name: str) -> None:
    text = TEXTS[name].replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|url\(|@import|[\"'(]//", text)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_no_markup_is_made_from_text(name: str) -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment"
        r"|document\.write|\beval\(|new Function|\bstyle=|<[^>]*\son\w+="
    )
    assert not re.search(forbidden, SOURCES[name])


def test_index_loads_what_exists() -> None:
    loaded = re.findall(r'(?:src|href)="/static/([^"]+)"', TEXTS["index.html"])
    modules = [
        (name, found)
        for name, text in SOURCES.items()
        for found in re.findall(r'from "\./([^"]+)"', text)
    ]
    assert set(loaded) <= set(TEXTS)
    assert {found for _, found in modules} <= set(TEXTS)
    scripts = {name for name in TEXTS if name.endswith(".js")}
    assert {found for _, found in modules} | {"main.js"} == scripts


def test_elements_that_scripts_ask_for_exist() -> None:
    ids = set(re.findall(r'\bid="([^"]+)"', TEXTS["index.html"]))
    asked = re.compile(r'(?:byId|getElementById)\("([^"]+)"\)')
    wanted = {name for text in SOURCES.values() for name in asked.findall(text)}
    assert wanted <= ids


def test_files_stay_small() -> None:
    """The whole page is sent over a field laptop's cable and read by people."""
    assert sum(len(data) for data in assets().values()) < 100_000
    lines = {name: text.count("\n") for name, text in TEXTS.items()}
    # A dictionary has a line for each word, and no other.
    most = {name: 250 if name.startswith("i18n/") else 200 for name in lines}
    assert all(lines[name] < most[name] for name in lines)
