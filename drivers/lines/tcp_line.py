"""Modbus RTU over TCP: a serial line behind a device server."""

from zerometer.core.errors import LineError
from zerometer.core.points import LineSettings
from zerometer.drivers._exchange import Exchange
from zerometer.drivers.lines.connection import DEAF_AFTER_NS, connect, hang_up

#: Some servers hand over what came from the line before anybody was connected: the
#: silence that says that it is over, and for how long it is waited for.
_STALE_NS = 100_000_000
_STALE_CAP_NS = 500_000_000


class TcpLine:
    """The connected device server at *host*, and the transactions behind it.

    *port* names it in errors, *settings* is the line behind it. LineError when it
    cannot be connected to.
    """

    def __init__(
        self, port: str, host: str, tcp_port: int, settings: LineSettings
    ) -> None:
        self.deaf_after_ns = DEAF_AFTER_NS
        self._connection = connect(port, host, tcp_port)
        self.master = Exchange(
            self._connection.fileno(), settings.character_ns, settings.silence_ns
        )
        if self.master.drain(_STALE_NS, _STALE_CAP_NS) < 0:
            self.close()
            raise LineError(
                f"port {port}: closed by the device; are all its connections taken?"
            )

    def close(self) -> None:
        """Disconnect; may be called again."""
        hang_up(self._connection)
