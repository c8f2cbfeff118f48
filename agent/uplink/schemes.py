"""Which way of sending belongs to the scheme of an uplink's address."""

from zerometer.agent.uplink.base import Outbox
from zerometer.agent.uplink.worker import Uplink
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings


def open_uplink(settings: UplinkSettings, outbox: Outbox) -> Uplink:
    """Return the uplink that *settings* describe, not yet started.

    ConfigError when the address or its scheme cannot be used.
    """
    scheme = settings.url.partition(":")[0]
    if scheme not in {"http", "https"}:
        raise ConfigError(
            f'uplink "{settings.id}": url: scheme "{scheme}" is not one of http, https'
        )
    from zerometer.agent.uplink.http import HttpSender

    sender = HttpSender(settings.url, settings.token_file)
    return Uplink(settings.id, outbox, sender, timeout_s=settings.timeout_s)
