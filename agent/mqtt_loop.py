"""The thread of an MQTT connection, which sleeps until there is something to do.

paho-mqtt brings one of its own, but that wakes every second, and waits by select(),
which knows no descriptors above 1023: a receiver of a large fleet has more.
"""

import select
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

from paho.mqtt.client import Client

#: How often it is looked whether the broker is to be asked if it is there.
LOOK_MS = 5_000


class MqttLoop:
    """Reads and writes for *client* from its connection to its loss."""

    def __init__(self, client: Client, on_end: Callable[[], object]) -> None:
        """*on_end* is called once the connection is gone, in this thread."""
        self._client = client
        self._on_end = on_end
        # Only while this is set does paho leave it to us to write.
        client.on_socket_register_write = lambda *_: None
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin, once the client has a socket."""
        self._thread.start()

    def wake(self) -> None:
        """Write what the client was just given; callable from any thread."""
        with suppress(OSError):  # full: it will wake anyway; closed: nobody is there
            self._near.send(b"\0")

    def end(self) -> None:
        """Return when the thread has ended, or never began."""
        if self._thread.ident is not None:
            self._thread.join()
        self._near.close()
        self._far.close()

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            self._on_end()

    def _serve(self) -> None:
        poller = select.poll()
        poller.register(self._far, select.POLLIN)
        while (sock := self._client.socket()) is not None:
            writes = select.POLLOUT if self._client.want_write() else 0
            poller.register(sock.fileno(), select.POLLIN | writes)
            # What TLS has read ahead, the kernel does not know of.
            ahead = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
            events = dict(poller.poll(0 if ahead else LOOK_MS))
            if self._far.fileno() in events:
                self._far.recv(4096)
            if ahead or events.get(sock.fileno(), 0) & ~select.POLLOUT:
                self._client.loop_read()
            self._client.loop_write()
            self._client.loop_misc()
