"""Sends batches over NATS JetStream, and waits for a receiver's answer."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import APIError, NoStreamResponseError

from zerometer.agent.nats_link import (
    Server,
    connect,
    inbox_prefix,
    is_lasting,
    parse_url,
    words,
)
from zerometer.agent.uplink.base import Answer, Batch, Outcome
from zerometer.agent.uplink.nats_courier import Courier
from zerometer.agent.uplink.secrets import PasswordFile, TokenFile
from zerometer.agent.uplink.tls import client_context
from zerometer.core.errors import ConfigError
from zerometer.core.site import UplinkSettings

#: JetStream's own number for a message above the stream's limit.
MESSAGE_TOO_LARGE = 10054


def open_sender(settings: UplinkSettings, source: bytes) -> "NatsSender":
    """Return the sender of the gateway *source*; ConfigError when it cannot be."""
    return NatsSender(settings, source)


class NatsSender:
    """Publishes batches; its event loop runs in a thread of its own, once needed."""

    def __init__(self, settings: UplinkSettings, source: bytes) -> None:
        """Open nothing yet; ConfigError for an address that cannot be used."""
        self._settings = settings
        self._source = source.hex()
        self._url, self._secure = parse_url(settings.url, f'uplink "{settings.id}"')
        self.address = settings.url
        self._token = TokenFile(settings.token_file) if settings.token_file else None
        self._password = (
            PasswordFile(settings.password_file) if settings.password_file else None
        )
        self._lock = threading.Lock()
        self._thread: _Thread | None = None
        self._sends: set[Future[Answer]] = set()
        self._aborted = False

    def send(self, batch: Batch, timeout_s: float) -> Answer:
        """Publish *batch* and wait for its answer; each may take *timeout_s*."""
        with self._lock:
            if self._aborted:
                return Answer(Outcome.RETRY, "stopped")
            if self._thread is None:
                self._thread = _Thread(Courier(self._source, self._connect))
            future = self._thread.deliver(batch, timeout_s)
            self._sends.add(future)
        try:
            return future.result()
        except CancelledError:
            return Answer(Outcome.RETRY, "stopped")
        except (OSError, NatsError, ConfigError) as error:
            return _judge_failure(error, self.address)
        finally:
            with self._lock:
                self._sends.discard(future)

    def abort(self) -> None:
        """End the sends in progress, which are the last ones."""
        with self._lock:
            self._aborted = True
            for future in self._sends:
                future.cancel()

    def close(self) -> None:
        """Close the connection; the next ``send`` opens another."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.end()

    async def _connect(
        self, on_error: Callable[[Exception], None], on_lost: Callable[[], None]
    ) -> Client:
        settings = self._settings
        server = Server(
            url=self._url,
            name=f"zerometer {self._source}",
            token=self._token.read() if self._token else "",
            user=settings.user,
            password=self._password.read() if self._password else "",
            tls=client_context(settings.ca, settings.cert, settings.key)
            if self._secure
            else None,
        )
        return await connect(
            server,
            on_error=on_error,
            on_lost=on_lost,
            inbox=inbox_prefix(self._source),
        )


class _Thread:
    """An event loop with a courier in it."""

    def __init__(self, courier: Courier) -> None:
        self._courier = courier
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="uplink-nats", daemon=True
        )
        self._thread.start()

    def deliver(self, batch: Batch, timeout_s: float) -> Future[Answer]:
        delivery = self._courier.deliver(batch, timeout_s)
        return asyncio.run_coroutine_threadsafe(delivery, self._loop)

    def end(self) -> None:
        closing = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        closing.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        await self._courier.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


def _judge_failure(error: Exception, address: str) -> Answer:
    """Judge a batch that the server did not take: what is refused, stays refused."""
    if isinstance(error, APIError) and error.err_code == MESSAGE_TOO_LARGE:
        return Answer(Outcome.TOO_LARGE, f"the stream at {address}: {words(error)}")
    if isinstance(error, NoStreamResponseError):
        return Answer(
            Outcome.RETRY, f"no stream takes batches at {address}; start a receiver"
        )
    outcome = Outcome.PAUSE if is_lasting(error) else Outcome.RETRY
    return Answer(outcome, f"{words(error)} at {address}")
