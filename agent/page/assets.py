"""The page's own files, read once: a request never names a path on the disk."""

from functools import cache
from hashlib import blake2b
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
_MEDIA_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "json": "application/json",
    "svg": "image/svg+xml",
}


@cache
def assets() -> dict[str, bytes]:
    """Return the content of every file under ``static/``, by relative name."""
    return {
        path.relative_to(STATIC).as_posix(): path.read_bytes()
        for path in STATIC.rglob("*")
        if path.is_file()
    }


async def serve_index(request: Request) -> Response:
    """Answer ``/``."""
    return _answer(request, "index.html")


async def serve_asset(request: Request) -> Response:
    """Answer ``/static/<name>``."""
    return _answer(request, request.path_params["name"])


def _answer(request: Request, name: str) -> Response:
    content = assets().get(name)
    if content is None:
        raise HTTPException(404)
    tag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    # Browsers keep the files, but ask each time: an update must never mix versions.
    headers = {"Cache-Control": "no-cache", "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    media_type = _MEDIA_TYPES[name.rpartition(".")[2]]
    return Response(content, headers=headers, media_type=media_type)
