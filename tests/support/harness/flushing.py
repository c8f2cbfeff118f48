"""Waits until an uplink has sent everything."""

from zerometer.agent.uplink.worker import Uplink


def flush(uplink: Uplink, timeout_s: float = 5.0) -> bool:
    """Try what waits at once; return whether all was sent within *timeout_s*."""
    with uplink._changed:
        uplink._dispatch.wake()
        uplink._dispatch._patience.hurry(uplink._clock())
        uplink._changed.notify_all()
        return uplink._changed.wait_for(lambda: is_idle(uplink), timeout_s)


def is_idle(uplink: Uplink) -> bool:
    """Tell whether there is nothing to send and nothing on its way."""
    dispatch = uplink._dispatch
    return (
        set(dispatch.state.lanes.values()) == {"idle"}
        and not any(dispatch._news.values())
        and not dispatch._flying
    )
