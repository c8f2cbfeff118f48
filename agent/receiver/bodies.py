"""Bodies of requests as they come in: whole in time, or given up."""

import asyncio
from collections.abc import AsyncIterator

from starlette.exceptions import HTTPException
from starlette.requests import Request

#: Bytes of one batch; gateways seal at a hundredth of it.
MAX_BODY = 8 << 20
#: Time for a body, whatever its size: 64 KiB need 9 kbit/s.
BODY_S = 60.0
#: Bytes of all bodies that are not whole yet; beyond, the one that began first goes.
MAX_READING = 64 << 20


class Bodies:
    """Reads the bodies of all requests."""

    def __init__(self) -> None:
        self._reading: dict[asyncio.Timeout, int] = {}

    async def read(self, request: Request) -> bytes:
        """Return the body; HTTPException 408, 413 or 415 when there is none to have."""
        if request.headers.get("content-encoding", "identity") != "identity":
            raise HTTPException(415, "content-encoding: allowed is identity")
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > MAX_BODY:
            raise _too_large()
        try:
            async with asyncio.timeout(BODY_S) as deadline:
                return await self._read(request.stream(), deadline)
        except TimeoutError:
            raise HTTPException(
                408, f"batch: was not whole in {BODY_S:.0f} s", {"Connection": "close"}
            ) from None

    async def _read(
        self, chunks: AsyncIterator[bytes], deadline: asyncio.Timeout
    ) -> bytes:
        body = bytearray()
        try:
            async for chunk in chunks:
                body += chunk
                if len(body) > MAX_BODY:
                    raise _too_large()
                self._reading[deadline] = len(body)
                self._make_room()
            return bytes(body)
        finally:
            self._reading.pop(deadline, None)

    def _make_room(self) -> None:
        """Give up those that began first while too much is held."""
        while sum(self._reading.values()) > MAX_READING:
            oldest = next(iter(self._reading))
            del self._reading[oldest]
            oldest.reschedule(0)


def _too_large() -> HTTPException:
    return HTTPException(413, f"batch: allowed are {MAX_BODY} bytes")
