"""Ways for batches to come in, beside HTTP: which module serves which scheme."""

from importlib import import_module
from typing import Protocol

from zerometer.agent.receiver.desk import Desk
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

#: Imported only when named: each needs a client library, the extra of its name.
MODULES = {"mqtt": "mqtt", "mqtts": "mqtt", "nats": "nats", "nats+tls": "nats"}


class Intake(Protocol):
    """Takes batches from a broker to the desk; used in one running event loop."""

    async def start(self) -> None:
        """Connect and begin; ConfigError when it can never work.

        A broker that cannot be reached now is tried again, here and later.
        """
        ...

    async def stop(self) -> None:
        """Take no more, answer what is in progress, disconnect."""
        ...


def open_intake(url: str, desk: Desk, settings: UplinkSettings) -> Intake:
    """Return the intake at *url*, not yet started; ConfigError when it cannot be.

    *settings* say by what broker and receiver know each other: user, secrets and
    certificates, in the same words as for the uplinks on the broker's other side.
    Every intake answers with ``reply.answer``.
    """
    scheme = url.partition(":")[0]
    if scheme not in MODULES:
        known = ", ".join(MODULES)
        raise ConfigError(f'--from {url}: scheme "{scheme}" is not one of {known}')
    name = MODULES[scheme]
    try:
        module = import_module(f"zerometer.agent.receiver.{name}")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--from {url}: needs {error.name}, which is not installed: "
            f'pip install "zerometer[{name}]"'
        ) from error
    intake: Intake = module.open_intake(url, desk, settings)
    return intake
