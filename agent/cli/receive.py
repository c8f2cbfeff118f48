"""``zerometer receive``: the other side of an uplink, with a database."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zerometer.agent.cli.common import Subparsers
from zerometer.core.errors import FormatError
from zerometer.core.site import UplinkSettings

if TYPE_CHECKING:
    from zerometer.agent.receiver.server import Receiver

EXAMPLE = """\
example:
  zerometer receive --to factory.sqlite
  sqlite3 factory.sqlite "SELECT time, meter, point, value, unit FROM reading LIMIT 9"
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command to *subparsers*."""
    parser = subparsers.add_parser(
        "receive",
        help="take batches from gateways into a database",
        description=(
            "Take batches over HTTP and from brokers, commit each with its rows in one "
            "transaction, then acknowledge it. Prints the address that belongs into a "
            "site's [[uplink]] once it listens; stops on SIGTERM or Ctrl-C."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--to",
        required=True,
        metavar="TARGET",
        help=(
            "the database: a file for SQLite, made when it is not there; or "
            "sqlite:FILE, duckdb:FILE, postgresql://HOST/NAME"
        ),
    )
    parser.add_argument(
        "--import",
        dest="folder",
        type=Path,
        metavar="FOLDER",
        help="take the batches that file uplinks wrote below FOLDER, then end",
    )
    _add_door(parser)
    _add_brokers(parser)
    parser.set_defaults(run=run)


def _add_door(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (%(default)s)"
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=8481,
        help="port; 0 takes a free one (%(default)s)",
    )
    parser.add_argument(
        "--sources", type=Path, metavar="FILE", help="who may send; needed for others"
    )
    for name, meaning in (
        ("--tls-cert", "certificate of this receiver, PEM; the port then speaks TLS"),
        ("--tls-key", "its key"),
        ("--client-ca", "who vouches for senders' certificates, which each must have"),
    ):
        parser.add_argument(name, default="", metavar="FILE", help=meaning)


def _add_brokers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="brokers",
        action="append",
        default=[],
        metavar="URL",
        help="take them from a broker, too: mqtt://HOST, nats://HOST; may be repeated",
    )
    parser.add_argument("--user", default="", help="user at the brokers")
    for name, meaning in (
        ("--password-file", "that user's password"),
        ("--token-file", "a token for the brokers"),
        ("--ca", "who vouches for the brokers' certificates, PEM"),
        ("--cert", "our certificate for the brokers, PEM"),
        ("--key", "its key"),
    ):
        parser.add_argument(name, default="", metavar="FILE", help=meaning)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port}: allowed are 0 to 65535")
    return port


def run(arguments: argparse.Namespace) -> int:
    """Receive until a signal comes; return the exit code."""
    if arguments.folder is not None:
        return asyncio.run(_import(arguments.to, arguments.folder))
    # Only this command needs it: what the agent imports, it keeps in memory.
    from zerometer.agent.receiver.server import Admission, Receiver

    admission = Admission(
        sources=arguments.sources,
        cert=arguments.tls_cert,
        key=arguments.tls_key,
        client_ca=arguments.client_ca,
    )
    brokers = [
        UplinkSettings(
            id="receiver",
            url=url,
            user=arguments.user,
            password_file=arguments.password_file,
            token_file=arguments.token_file,
            ca=arguments.ca,
            cert=arguments.cert,
            key=arguments.key,
        )
        for url in arguments.brokers
    ]
    receiver = Receiver(
        arguments.to, arguments.host, arguments.port, brokers, admission
    )
    scheme = "https" if admission.cert else "http"
    asyncio.run(_receive(receiver, scheme, arguments.host))
    return 0


async def _import(to: str, folder: Path) -> int:
    from zerometer.agent.receiver.desk import Desk
    from zerometer.agent.receiver.folder import take_folder
    from zerometer.agent.receiver.stores import store_opener

    desk = Desk(store_opener(to))
    await desk.open()
    try:
        counts = await take_folder(
            desk, folder, lambda line: print(line, file=sys.stderr)
        )
    finally:
        await desk.close()
    for status in ("stored", "duplicate", "refused"):
        print(f"{status}: {counts[status]}")
    return FormatError.exit_code if counts["refused"] else 0


async def _receive(receiver: "Receiver", scheme: str, host: str) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    port = await receiver.start()
    try:
        shown = f"[{host}]" if ":" in host else host
        print(f"{scheme}://{shown}:{port}/v1/batches", flush=True)
        await stopped.wait()
    finally:
        await receiver.stop()
