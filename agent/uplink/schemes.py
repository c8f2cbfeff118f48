"""Which way of sending belongs to the scheme of an uplink's address."""

import time
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from zerometer.agent.clock import EPOCH_NS
from zerometer.agent.uplink.base import Sender
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

if TYPE_CHECKING:
    from zerometer.agent.uplink.sparkplug import SparkplugSink

#: The module of each scheme; each has ``open_sender(settings, source)``.
MODULES = {
    "http": "http",
    "https": "http",
    "mqtt": "mqtt",
    "mqtts": "mqtt",
    "nats": "nats",
    "nats+tls": "nats",
    "file": "file",
}
#: What to install for a module that needs a library of its own.
EXTRAS = {"mqtt": "mqtt", "nats": "nats", "sparkplug": "mqtt"}
#: Schemes whose connection is encrypted: they need to know what time it is.
ENCRYPTED = frozenset({"https", "mqtts", "nats+tls", "sparkplugs"})


def open_sender(settings: UplinkSettings, source: bytes) -> Sender:
    """Return who sends as *settings* say, for the gateway *source* (16 bytes).

    Nothing is connected yet. ConfigError when the address or its scheme cannot be
    used, or what it needs is not installed. Only what is asked for is imported.
    """
    scheme = settings.url.partition(":")[0]
    name = MODULES.get(scheme)
    if name is None:
        raise ConfigError(
            f'uplink "{settings.id}": url: scheme "{scheme}" is not one of '
            f"{', '.join(MODULES)}"
        )
    opener: Callable[[UplinkSettings, bytes], Sender]
    opener = _module(name, settings).open_sender
    return opener(settings, source)


def open_sink(settings: UplinkSettings) -> "SparkplugSink":
    """Return who is shown the latest values and takes no batches.

    ConfigError when what it needs is not installed.
    """
    sink: SparkplugSink = _module("sparkplug", settings).open_sink(settings)
    return sink


def _module(name: str, settings: UplinkSettings) -> ModuleType:
    try:
        return import_module(f"zerometer.agent.uplink.{name}")
    except ModuleNotFoundError as error:
        if name not in EXTRAS or (error.name or "").startswith("zerometer"):
            raise
        scheme = settings.url.partition(":")[0]
        raise ConfigError(
            f'uplink "{settings.id}": url: scheme "{scheme}" needs {error.name}, '
            f'which is not installed: pip install "zerometer[{EXTRAS[name]}]"'
        ) from error


def time_check(settings: UplinkSettings) -> Callable[[], bool]:
    """Return what tells whether it may be connected, as far as time matters.

    Certificates are valid from one day to another: encryption waits for a clock that
    is set. Metering never does.
    """
    if settings.url.partition(":")[0] not in ENCRYPTED:
        return lambda: True
    return lambda: time.time_ns() >= EPOCH_NS
