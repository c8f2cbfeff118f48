"""Takes batches from NATS JetStream, side by side with any number of receivers."""

import asyncio
import logging
from contextlib import suppress

from nats.errors import ConnectionClosedError
from nats.errors import Error as NatsError

from zerometer.agent.nats_link import Server, close, connect, parse_url, words
from zerometer.agent.receiver.desk import Desk
from zerometer.agent.receiver.nats_crew import Crew, prepare
from zerometer.agent.uplink.secrets import PasswordFile, TokenFile
from zerometer.agent.uplink.tls import client_context
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

log = logging.getLogger(__name__)

#: Between two tries to connect.
RECONNECT_S = 2.0
#: To connect, and for each answer of the server afterwards.
TIMEOUT_S = 10.0


def open_intake(url: str, desk: Desk, settings: UplinkSettings) -> "NatsIntake":
    """Return the intake at *url*, not yet started; ConfigError when it cannot be."""
    return NatsIntake(url, desk, settings)


class NatsIntake:
    """Takes batches to *desk*; belongs to one event loop."""

    def __init__(self, url: str, desk: Desk, settings: UplinkSettings) -> None:
        self._address = url
        self._url, self._secure = parse_url(url, f"--from {url}")
        self._desk = desk
        self._settings = settings
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()  # the connection is lost, or we stop
        self._running: asyncio.Task[None] | None = None
        self._trouble = ""  # what was logged last

    async def start(self) -> None:
        """Begin; a server that cannot be reached is tried again and again.

        ConfigError when secrets or certificates cannot be used.
        """
        self._server()
        self._stopping.clear()
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Take no more, answer what is in progress, disconnect."""
        self._stopping.set()
        self._idle.set()
        if self._running is not None:
            await self._running
            self._running = None

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._serve()
            except (OSError, NatsError, ConfigError) as error:
                self._tell(f"{words(error)} at {self._address}")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), RECONNECT_S)

    async def _serve(self) -> None:
        """Take batches over one connection, until it is lost or we stop."""
        self._idle.clear()
        async with asyncio.timeout(TIMEOUT_S):
            client = await connect(
                self._server(),
                on_error=lambda error: self._tell(words(error)),
                on_lost=self._idle.set,
            )
        try:
            await prepare(client.jetstream(timeout=TIMEOUT_S))
            self._trouble = ""
            log.info("receiver: takes batches from %s", self._address)
            if not self._stopping.is_set():
                await Crew(self._desk, client).work(self._idle)
            if not self._stopping.is_set():
                raise ConnectionClosedError
        finally:
            await close(client)

    def _server(self) -> Server:
        settings = self._settings
        token, password = settings.token_file, settings.password_file
        return Server(
            url=self._url,
            name="zerometer receiver",
            token=TokenFile(token).read() if token else "",
            user=settings.user,
            password=PasswordFile(password).read() if password else "",
            tls=client_context(settings.ca, settings.cert, settings.key)
            if self._secure
            else None,
        )

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning("receiver: %s; tries again", trouble)
