"""What a unit does with a request that comes while it still works at another."""

from zerometer.drivers.simulator.faults.reply import Fault, Reply


def strict() -> Fault:
    """The unit answers one at a time: what comes meanwhile, it does not hear."""
    free_ns = 0

    def answer(reply: Reply) -> Reply | None:
        nonlocal free_ns
        if reply.heard_ns < free_ns:
            return None
        free_ns = reply.heard_ns + reply.delay_ns
        return reply

    return answer


def queueing() -> Fault:
    """The unit answers everything in order: it begins when it has done the last."""
    free_ns = 0

    def answer(reply: Reply) -> Reply:
        nonlocal free_ns
        free_ns = max(free_ns, reply.heard_ns) + reply.delay_ns
        return reply._replace(delay_ns=free_ns - reply.heard_ns)

    return answer
