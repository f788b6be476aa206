"""Where a session is: below a path that its own browser alone knows, wherever other programs answer under the console's name.

A browser sends a cookie to every port of the host that set it, and takes two ports for one site; only the path keeps a cookie from a
listener beside the console. The path alone is nobody, and so is the cookie alone.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

PLACE: Final = "synapsor.place"
_START: Final = "/s-"
_BYTES: Final = 32
_WITHIN: Final = re.compile(r"(/s-[A-Za-z0-9_-]{43})(/.*)", re.DOTALL)


def new_place() -> str:
    """Return a place that nobody can guess."""
    return _START + secrets.token_urlsafe(_BYTES)


def place_from(secret: str) -> str:
    """Return the place that belongs to a secret, such as the state of a login that comes back by itself."""
    digest = hashlib.sha256(b"synapsor:place\0" + secret.encode("utf-8", "surrogatepass")).digest()
    return _START + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def within(scope: Scope) -> Scope:
    """Return a request as every page knows it: the place is taken out of its path, and noted beside it."""
    found = _WITHIN.fullmatch(scope["path"])
    if found is None:
        return {**scope, PLACE: ""}
    return {**scope, "path": found[2], "raw_path": found[2].encode(), PLACE: found[1]}


def place_of(request: Request) -> str:
    """Return the place of a request, "" outside of any."""
    return str(request.scope.get(PLACE, ""))
