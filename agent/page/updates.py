"""Tells the open streams that a tick happened, and when to end."""

import asyncio


class Client:
    """One open stream; what it has not seen yet is at most one tick."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self._open = True

    async def tick(self) -> bool:
        """Wait for the next tick; False when the stream is to end.

        Ticks that happen while the client is busy count as one.
        """
        await self._news.wait()
        self._news.clear()
        return self._open

    def wake(self) -> None:
        """Let ``tick`` return."""
        self._news.set()

    def end(self) -> None:
        """Let ``tick`` return False from now on."""
        self._open = False
        self._news.set()


class Updates:
    """Fans ticks out to at most *max_clients* streams.

    Belongs to one event loop. Sleeps when nothing is published.
    """

    def __init__(self, max_clients: int = 16) -> None:
        self._max_clients = max_clients
        self._clients: set[Client] = set()
        self._closed = False
        self._ticks = 0

    @property
    def ticks(self) -> int:
        """Ticks that were published so far."""
        return self._ticks

    @property
    def clients(self) -> int:
        """Streams that are open now."""
        return len(self._clients)

    def publish(self) -> None:
        """Say that the snapshot changed."""
        self._ticks += 1
        for client in self._clients:
            client.wake()

    def join(self) -> Client | None:
        """Admit a stream; None when there are too many, or after ``close``."""
        if self._closed or len(self._clients) >= self._max_clients:
            return None
        client = Client()
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        """Forget a stream that *join* admitted."""
        self._clients.discard(client)

    def close(self) -> None:
        """End all streams and admit no more."""
        self._closed = True
        for client in self._clients:
            client.end()
