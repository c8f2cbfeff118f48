"""The receiver as a whole: a database behind a port, and behind brokers."""

import ipaddress
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from zerometer.agent.receiver.app import create_app
from zerometer.agent.receiver.connections import Connections
from zerometer.agent.receiver.desk import Desk
from zerometer.agent.receiver.intakes import open_intake
from zerometer.agent.receiver.sources import SourcesFile, anybody
from zerometer.agent.receiver.stores import store_opener
from zerometer.agent.receiver.tls import server_context
from zerometer.agent.web import WebServer
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

#: What requests in progress have to end.
GRACE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What senders over HTTP have to show.

    ``sources`` is the file of those who may send. With ``cert`` and ``key`` the port
    speaks TLS; ``client_ca`` vouches for senders' certificates, which each must then
    have.
    """

    sources: Path | None = None
    cert: str = ""
    key: str = ""
    client_ca: str = ""


class Receiver:
    """Takes batches on *host* and *port*, and from brokers, into the store *to*.

    Each of *brokers* has its address and what we are known by there. ``start`` and
    ``stop`` belong to one running event loop.
    """

    def __init__(
        self,
        to: str,
        host: str,
        port: int,
        brokers: Sequence[UplinkSettings] = (),
        admission: Admission = Admission(),
    ) -> None:
        """ConfigError when something of it cannot be."""
        _check(host, admission)
        file = SourcesFile(admission.sources) if admission.sources else None
        self.desk = Desk(
            store_opener(to), sources=(lambda: file.sources) if file else anybody
        )
        tls = None
        if admission.cert:
            tls = server_context(admission.cert, admission.key, admission.client_ca)
        self._server = WebServer(
            create_app(self.desk), host, port, protocol=Connections().protocol, tls=tls
        )
        self._intakes = [open_intake(each.url, self.desk, each) for each in brokers]

    async def start(self) -> int:
        """Open the database, then the port and the intakes; return the port.

        StoreError or ConfigError when one of them cannot be had.
        """
        async with AsyncExitStack() as opened:
            await self.desk.open()
            opened.push_async_callback(self.desk.close)
            port = await self._server.start()
            opened.push_async_callback(self._server.stop, GRACE_S)
            for intake in self._intakes:
                await intake.start()
                opened.push_async_callback(intake.stop)
            self._opened = opened.pop_all()
        return port

    async def stop(self) -> None:
        """Finish the requests in progress within a grace, then close all."""
        await self._opened.aclose()


def _check(host: str, admission: Admission) -> None:
    """Refuse a door that stands open to everybody by mistake."""
    if bool(admission.cert) != bool(admission.key) or (
        admission.client_ca and not admission.cert
    ):
        raise ConfigError(
            "receiver: --tls-cert and --tls-key need each other, and --client-ca both"
        )
    if admission.sources or admission.client_ca or _is_local(host):
        return
    raise ConfigError(
        f"receiver: --host {host}: other machines could send anything as "
        "anybody; name with --sources who may send, or give --client-ca"
    )


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
