"""A bound on what an uplink sends, over both of its lanes."""

from zerometer.agent.uplink.state import Lane

#: What goes with a batch: headers, the answer, and what a network adds to both.
OVERHEAD_BYTES = 1000
#: Of the bound, the backlog takes no more, so that live batches find room.
BACKLOG_SHARE = 0.8


class Throttle:
    """Tells when the next batch may go.

    A batch goes as a whole and is paid for afterwards: over any time, both lanes
    together send no more than the bound allows and one batch of each lane. Live
    batches wait for each other only; what they take, the backlog pays.
    """

    def __init__(self, max_bytes_per_s: int) -> None:
        """*max_bytes_per_s* 0: no bound."""
        self._rate = max_bytes_per_s
        # When each has paid for what it sent; "all" for what both sent.
        self._paid_ns = {"live": 0, "backlog": 0, "all": 0}

    def free_ns(self, lane: Lane) -> int:
        """Return when *lane* may send; what is past is now."""
        if lane == "live":
            return self._paid_ns["live"]
        return max(self._paid_ns["backlog"], self._paid_ns["all"])

    def sent(self, lane: Lane, size: int, now_ns: int) -> None:
        """Note that a batch of *size* bytes goes."""
        if self._rate:
            share = BACKLOG_SHARE if lane == "backlog" else 1.0
            self._pay(lane, size, now_ns, self._rate * share)
            self._pay("all", size, now_ns, self._rate)

    def _pay(self, who: str, size: int, now_ns: int, rate: float) -> None:
        cost_ns = (size + OVERHEAD_BYTES) * 1e9 / rate
        self._paid_ns[who] = max(self._paid_ns[who], now_ns) + int(cost_ns)
