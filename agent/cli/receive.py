"""``zerometer receive``: the other side of an uplink, with a database."""

import argparse
import asyncio
import signal

from zerometer.agent.cli.common import Subparsers
from zerometer.core.site import UplinkSettings

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
        "--host", default="127.0.0.1", help="address to listen on (%(default)s)"
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=8481,
        help="port; 0 takes a free one (%(default)s)",
    )
    parser.add_argument(
        "--from",
        dest="brokers",
        action="append",
        default=[],
        metavar="URL",
        help="take them from a broker, too: mqtt://HOST, nats://HOST; may be repeated",
    )
    parser.set_defaults(run=run)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port}: allowed are 0 to 65535")
    return port


def run(arguments: argparse.Namespace) -> int:
    """Receive until a signal comes; return the exit code."""
    brokers = [UplinkSettings(id="receiver", url=url) for url in arguments.brokers]
    asyncio.run(_receive(arguments.to, arguments.host, arguments.port, brokers))
    return 0


async def _receive(
    to: str, host: str, port: int, brokers: list[UplinkSettings]
) -> None:
    # Only this command needs it: what the agent imports, it keeps in memory.
    from zerometer.agent.receiver.server import Receiver

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    receiver = Receiver(to, host, port, brokers)
    port = await receiver.start()
    try:
        shown = f"[{host}]" if ":" in host else host
        print(f"http://{shown}:{port}/v1/batches", flush=True)
        await stopped.wait()
    finally:
        await receiver.stop()
