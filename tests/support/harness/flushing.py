"""Waits until an uplink has sent everything."""

from zerometer.agent.uplink.worker import Uplink


def flush(uplink: Uplink, timeout_s: float = 5.0) -> bool:
    """Try what waits at once; return whether all was sent within *timeout_s*."""
    with uplink._changed:
        uplink._news = uplink._hurry = True
        uplink._changed.notify_all()
        return uplink._changed.wait_for(
            lambda: uplink._state.state == "idle" and not uplink._news, timeout_s
        )
