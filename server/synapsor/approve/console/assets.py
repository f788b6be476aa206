"""The console's own files, read once: nothing of a page comes from anywhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_HERE: Final = Path(__file__).parent / "static"
_KINDS: Final = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@cache
def _read(name: str) -> tuple[bytes, str]:
    body = (_HERE / name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:20]}"'


def routes() -> Iterable[Route]:
    """Return each file under its name."""
    yield Route("/static/{name}", _file, methods=["GET"])


async def _file(request: Request) -> Response:
    name = str(request.path_params["name"])
    if name not in _KINDS:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    body, tag = _read(name)
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, media_type=_KINDS[name], headers=headers)
