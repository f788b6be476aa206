"""The one door of the console: every request passes here before any page sees it, and every answer leaves with the same headers.

Who may speak, for which host, from which page, how much and for how long is checked in this order. What changes something comes from
a page of this very origin, and its body is read whole before anything is done.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Final

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from synapsor.approve.console.places import within
from synapsor.approve.console.way import Way
from synapsor.errors import place
from synapsor.web.limits import BodyTooLarge, Disconnected, Limits, read_body, replay

log = logging.getLogger("synapsor.console")

LIMITS: Final = Limits(body=262_144, body_s=15.0, request_s=60.0, send_s=60.0, header_bytes=16_384, connections=256)
STREAMS: Final = frozenset({"/events", "/login/events"})
"""What stays open: events for a page that is open."""
MACHINES: Final = frozenset({"/login/key"})
"""What `synapsor login` posts to, which is no browser."""
_PORT = re.compile(r"(?::[0-9]{1,5})?\Z")
_ONCE = frozenset(
    {b"host", b"origin", b"cookie", b"content-length", b"content-type", b"sec-fetch-site", b"sec-fetch-mode"}
)
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types synapsor"
)
HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": _POLICY,
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_TOO_LONG = "The request took too long. What you sent may have been done all the same: look at the proposal again."
_FOR_A_YEAR = ("strict-transport-security", "max-age=31536000")
_BOUNCE = (
    b'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Synapsor</title>'
    b'<meta http-equiv="refresh" content="0"></head><body><p><a href="">Go on to Synapsor</a></p></body></html>'
)


class _Refused(Exception):
    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, way: Way, cookie: str, limits: Limits = LIMITS) -> None:
        self._app = app
        self._way = way
        self._cookie = cookie.encode()
        self._limits = limits
        self._headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        if way.secure:
            self._headers.append((_FOR_A_YEAR[0].encode(), _FOR_A_YEAR[1].encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        answer = _Answer(send, self._headers)
        try:
            await self._admit(within(scope), receive, answer)
        except _Refused as refused:
            await answer.tell(refused.status, str(refused))
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001  # nothing that a page raises may reach a browser
            # The traceback may quote row values, so only its type and place are logged.
            log.error("request failed: %s", place(error), extra={"action": "request_failed"})  # noqa: TRY400  # see above
            await answer.tell(500, "This failed inside the console. Its log names the place.")

    async def _admit(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        headers = _single_headers(scope)
        self._check_peer(scope, headers)
        host = self._check_host(headers)
        if scope["method"] in {"GET", "HEAD"}:
            if self._is_from_elsewhere(scope, headers):
                await answer.bounce()
                return
            if scope["path"] in STREAMS:
                await self._app(scope, receive, answer)
                return
            body = b""
        elif scope["method"] == "POST":
            self._check_origin(scope, headers, host)
            body = await self._body(scope, receive)
        else:
            raise _Refused(405, "This method is not for here.")
        with anyio.move_on_after(self._limits.request_s) as limit:
            await self._app(scope, replay(body, receive), answer)
        if limit.cancelled_caught:
            raise _Refused(504, _TOO_LONG if scope["method"] == "POST" else "The request took too long.")

    def _check_peer(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        client = scope.get("client")
        if not self._way.trusts(client[0] if client else ""):
            raise _Refused(403, "This console is asked through its proxy.")
        if self._way.proxies and headers.get(b"x-forwarded-proto") != b"https":
            raise _Refused(403, "The proxy does not say that it was asked by https.")

    def _check_host(self, headers: Mapping[bytes, bytes]) -> str:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if not any(host.startswith(known) and _PORT.match(host[len(known) :]) for known in self._way.hosts):
            raise _Refused(421, "This console is not reached under that name; see `console: hosts:` in synapsor.yaml.")
        return host

    def _is_from_elsewhere(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        """Tell whether another site's page leads here. A link may: then the browser comes again by itself, with its cookie; no part of a page may."""
        if headers.get(b"sec-fetch-site", b"none") not in {b"cross-site", b"same-site"}:
            return False
        if headers.get(b"sec-fetch-mode") != b"navigate" or scope["path"] in STREAMS:
            raise _Refused(403, "No other page asks here.")
        return self._cookie not in headers.get(b"cookie", b"")

    def _check_origin(self, scope: Scope, headers: Mapping[bytes, bytes], host: str) -> None:
        """Refuse what another page has sent. A browser says where a form is from; what is no browser sends no cookie either."""
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        if scope["path"] in MACHINES and origin is None and site is None and b"cookie" not in headers:
            return
        own = f"{self._way.scheme}://{host}".encode()
        if origin is None or origin.lower() != own or site not in {None, b"same-origin"}:
            raise _Refused(403, "This came from another page.")

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        try:
            with anyio.fail_after(self._limits.body_s):
                return await read_body(scope, receive, self._limits.body, lambda _: None)
        except TimeoutError:
            raise _Refused(408, "The request took too long to arrive.") from None
        except BodyTooLarge:
            raise _Refused(413, "The request is too large.") from None


class _Answer:
    """The way back to the browser: it adds the headers, and knows whether an answer has begun."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers
        self._begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            given = list(message.get("headers", ()))
            kept = [] if any(name == b"cache-control" for name, _ in given) else [(b"cache-control", b"no-store")]
            message = {**message, "headers": [*given, *kept, *self._headers]}
        await self._send(message)

    async def tell(self, status: int, words: str) -> None:
        """Answer in plain words, unless another answer has begun."""
        if not self._begun:
            await self._whole(status, b"text/plain; charset=utf-8", words.encode() + b"\n")

    async def bounce(self) -> None:
        """Let the browser come again from here."""
        await self._whole(200, b"text/html; charset=utf-8", _BOUNCE)

    async def _whole(self, status: int, kind: bytes, body: bytes) -> None:
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body})


def _single_headers(scope: Scope) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in found and name in _ONCE:
            raise _Refused(400, "A header appears twice.")
        found[name] = value
    return found
