"""Whatever a site file says, it is a site or a list of problems."""

import json
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zerometer.config.problems import FileError
from zerometer.config.site import load_site
from zerometer.core.network import Network

#: A site that says all that can be said, once.
WHOLE = tomllib.loads(
    Path(__file__).with_name("whole_site.toml").read_text(encoding="utf-8")
)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in inner:
        yield (*place, key)
        if isinstance(item, dict | list):
            yield from places(item, (*place, key))


PLACES = list(places(WHOLE))


def at(document: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        document = document[key]
    return document


def toml(value: Any) -> str:
    """Return a value as TOML; floats and numbers as JSON writes them."""
    if isinstance(value, dict):
        members = (f"{json.dumps(key)} = {toml(item)}" for key, item in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


VALUES = st.one_of(
    st.sampled_from(PLACES).map(lambda place: deepcopy(at(WHOLE, place))),
    st.sampled_from([{}, [], "", " ", "m", "m:", ":", "lv", True, [[]], {"": 0}]),
    st.integers(-2, 400),
    st.floats(-1.0, 1e19, allow_nan=False),
)


def test_the_whole_site_is_one() -> None:
    path = Path(__file__).with_name("whole_site.toml")
    loaded = load_site(path)
    assert loaded.warnings == ()
    assert loaded.site.processes[0].allocation["market"].method == "exergy"


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(place=st.sampled_from(PLACES), value=st.none() | VALUES)
def test_one_change_gives_a_site_or_problems(
    tmp_path: Path, place: tuple[Any, ...], value: Any
) -> None:
    document = deepcopy(WHOLE)
    outer = at(document, place[:-1])
    if value is None:
        del outer[place[-1]]
    else:
        outer[place[-1]] = value
    path = tmp_path / "site.toml"
    lines = (f"{json.dumps(key)} = {toml(item)}" for key, item in document.items())
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        site = load_site(path).site
    except FileError as error:
        assert error.problems
    else:
        assert len(Network(site).pools) == len(site.pools)
