"""What feeds share that are asked over HTTP."""

from collections.abc import Callable

from zerometer.agent.factors.http_json import JsonClient


class Polled:
    """A feed that says something only when it is asked."""

    def __init__(self, client: JsonClient) -> None:
        self._client = client

    def start(self, wake: Callable[[], None]) -> None:
        """Nothing is listened to."""

    def abort(self) -> None:
        """Cut the connection under a request in progress, which is the last one."""
        self._client.abort()

    def close(self) -> None:
        """No connection is kept."""
