"""Who is measured, in which configurations, and who is not."""

from dataclasses import dataclass

from bench.peers import gateways, libraries
from bench.peers.agent import agent
from bench.peers.collectd import collectd
from bench.peers.libraries import Prepare


@dataclass(frozen=True, slots=True)
class Setting:
    """A peer in one configuration.

    ``blocks`` tells whether it reads blocks, or each value by itself. ``own``
    tells that it keeps the time-out, tries and pauses that it comes with.
    ``shown`` is its line in the short table; ``counts`` is a loop of the bench's,
    which can be asked for the number of its transactions.
    """

    peer: str
    text: str
    prepare: Prepare
    blocks: bool = True
    own: bool = False
    shown: bool = True
    counts: bool = False


def _both(
    peer: str, prepare: Prepare, own: str, best: str, *, counts: bool = False
) -> tuple[Setting, Setting]:
    default = Setting(
        peer, f"default: {own}", prepare, blocks=False, own=True, shown=False
    )
    return default, Setting(peer, f"best: {best}", prepare, counts=counts)


OURS = "Zerometer"
SETTINGS = (
    Setting(
        OURS, "its bus loop, as it comes", libraries.zerometer, own=True, counts=True
    ),
    Setting(
        f"{OURS} agent",
        "the whole process, as it comes: reads, journals, forwards, shows",
        agent,
        own=True,
    ),
    *_both(
        "libmodbus 3.1",
        libraries.libmodbus,
        "a value per request, time-out 0.5 s",
        "our blocks, time-out 0.3 s, flushed after an error",
        counts=True,
    ),
    *_both(
        "pymodbus 3.16.1 async",
        libraries.library("pymodbus"),
        "a value per request, time-out 3 s, 3 retries",
        "our blocks, time-out 0.3 s, no retries",
        counts=True,
    ),
    *_both(
        "minimalmodbus 2.1.1",
        libraries.library("minimalmodbus"),
        "a value per request, time-out 0.05 s",
        "our blocks, time-out 0.3 s",
        counts=True,
    ),
    *_both(
        "uModbus 1.0.4",
        libraries.library("umodbus"),
        "a value per request, time-out 1 s as in its manual",
        "our blocks, time-out 0.3 s, flushed after an error",
        counts=True,
    ),
    *_both(
        "thingsboard-gateway 3.8.5",
        gateways.thingsboard,
        "a value per request, time-out 35 s and 3 retries as in its example",
        "our blocks as ranges, time-out 0.3 s, no retries",
    ),
    *_both(
        "modpoll 1.6.0",
        gateways.modpoll,
        "a value per request, pauses of 0.5 s, time-out 3 s",
        "our blocks, no pauses, time-out 0.3 s",
    ),
    *_both(
        "modbus2mqtt 0.73",
        gateways.modbus2mqtt,
        "a value per request, time-out 1 s, pauses of 10 ms",
        "our blocks, time-out 0.3 s, pauses of 1 ms",
    ),
    Setting(
        "collectd 5.12",
        "a value per request: it knows no blocks and no time-out",
        collectd,
        blocks=False,
        own=True,
    ),
)

#: Programs that read meters too, and why they are not here.
NOT_MEASURED = {
    "Telegraf": "no package for Python or Debian 12",
    "mbmd": "no package for Python or Debian 12; knows only the meters it has built in",
    "evcc": "no package for Python or Debian 12",
    "neuron": "no package for Python or Debian 12",
    "OpenEMS": "no package for Python or Debian 12; needs a Java runtime",
    "Home Assistant": "its component runs only inside the whole of it; uses pymodbus",
    "emonhub": "is installed from its sources; uses minimalmodbus",
    "mbpoll": "a tool for one meter; is libmodbus",
}
