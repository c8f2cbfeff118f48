"""Which code an address leads to, and what is said when there is none."""

import sys
import time

import pytest
from harness.batches import SOURCE

from zerometer.agent.uplink.http import HttpSender
from zerometer.agent.uplink.schemes import MODULES, open_sender, time_check
from zerometer.config.site_uplinks import SCHEMES
from zerometer.core.errors import ConfigError
from zerometer.core.site import LIVE_ONLY, UplinkSettings


def test_what_a_site_file_may_name_is_what_there_is() -> None:
    assert set(SCHEMES) == {*MODULES, *LIVE_ONLY}


def test_what_is_encrypted_waits_for_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme, its_keys in SCHEMES.items():
        check = time_check(UplinkSettings(id="a", url=f"{scheme}://host/"))
        assert check()
        with monkeypatch.context() as unset:
            unset.setattr(time, "time_ns", lambda: 86_400 * 10**9)
            assert check() is ("ca" not in its_keys)


def test_an_address_opens_its_sender() -> None:
    settings = UplinkSettings(id="a", url="https://host/v1/batches")
    assert isinstance(open_sender(settings, SOURCE), HttpSender)


def test_a_scheme_nobody_speaks() -> None:
    with pytest.raises(ConfigError, match='uplink "old": url: scheme "gopher" is not'):
        open_sender(UplinkSettings(id="old", url="gopher://host/"), SOURCE)


def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finder that finds nothing stands for a machine without it."""

    class Absent:
        def find_spec(self, name: str, path: object, target: object = None) -> None:
            if name == "zerometer.agent.uplink.mqtt":
                raise ModuleNotFoundError("No module named 'paho'", name="paho")

    monkeypatch.delitem(sys.modules, "zerometer.agent.uplink.mqtt", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    with pytest.raises(ConfigError) as failure:
        open_sender(UplinkSettings(id="a", url="mqtt://host"), SOURCE)
    assert str(failure.value).endswith(
        'scheme "mqtt" needs paho, which is not installed: '
        'pip install "zerometer[mqtt]"'
    )
