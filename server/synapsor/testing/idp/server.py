"""The provider for tests on the network: HTTPS on a loopback address, with a page on which a test or a browser picks who logs in."""

from __future__ import annotations

import gzip
import html
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from synapsor.testing.idp.provider import AUTHORIZE, DISCOVERY, JWKS, TOKEN, Break, FakeIdp, Rejected

_HUGE = 3 * 1_048_576


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files of the server's certificate and its private key; tests make them with trustme."""

    chain: Path
    key: Path


@asynccontextmanager
async def serve_idp(
    idp: FakeIdp, *, certificate: Certificate | None, host: str = "127.0.0.1"
) -> AsyncIterator[FakeIdp]:
    """Serve the provider on a free port, and tell it its issuer; without a certificate, over plain HTTP."""
    listener = socket.create_server((host, 0), backlog=64)
    port = listener.getsockname()[1]
    idp.issuer = f"{'https' if certificate else 'http'}://localhost:{port}"
    config = uvicorn.Config(
        app_of(idp),
        ssl_certfile=certificate.chain if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    async with anyio.create_task_group() as group:
        group.start_soon(_run, server, listener)
        await server.up.wait()
        try:
            yield idp
        finally:
            server.should_exit = server.force_exit = True


class _Server(uvicorn.Server):
    """A server that says when it listens, and leaves signals to the test."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # uvicorn's is a generator
        return nullcontext()


async def _run(server: _Server, listener: socket.socket) -> None:
    with listener:
        await server.serve(sockets=[listener])


def app_of(idp: FakeIdp) -> Starlette:
    """Return the provider's pages."""

    async def discovery(_: Request) -> Response:
        return JSONResponse(idp.discovery())

    async def keys(_: Request) -> Response:
        return JSONResponse(idp.key_set())

    async def authorize(request: Request) -> Response:
        query = dict(request.query_params)
        try:
            client = idp.ask(query)
        except Rejected as rejected:
            return PlainTextResponse(str(rejected), status_code=400)
        return HTMLResponse(_page(client.id, sorted(idp.people)))

    async def consent(request: Request) -> Response:
        query = dict(request.query_params)
        form = await request.form()
        try:
            answer = idp.consent(query, str(form.get("person", "")))
        except Rejected as rejected:
            return PlainTextResponse(str(rejected), status_code=400)
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(answer)}", status_code=303)

    async def token(request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            return JSONResponse(idp.exchange(form, request.headers.get("authorization", "")))
        except Rejected as rejected:
            return JSONResponse({"error": str(rejected)}, status_code=400)

    return Starlette(
        routes=[
            Route(DISCOVERY, _breakable(idp, discovery), methods=["GET"]),
            Route(JWKS, _breakable(idp, keys), methods=["GET"]),
            Route(AUTHORIZE, authorize, methods=["GET"]),
            Route(AUTHORIZE, consent, methods=["POST"]),
            Route(TOKEN, _breakable(idp, token), methods=["POST"]),
        ]
    )


def _page(client: str, people: list[str]) -> str:
    buttons = "".join(
        f'<button name="person" value="{html.escape(person)}">{html.escape(person)}</button>' for person in people
    )
    return (
        '<!doctype html><html lang="en"><title>Log in</title><h1>Log in to '
        f'{html.escape(client)}</h1><form method="post">{buttons}<button name="person" value="">Nobody</button></form>'
    )


Page = Callable[[Request], Awaitable[Response]]


def _breakable(idp: FakeIdp, page: Page) -> Page:
    async def asked(request: Request) -> Response:
        path = request.url.path
        idp.visits[path] += 1
        broken = idp.broken.get(path)
        return await page(request) if broken is None else await _break(broken, await page(request))

    return asked


async def _break(how: Break, answer: Response) -> Response:
    body = bytes(answer.body)
    kind = "application/json"
    if how is Break.SILENT:
        await anyio.sleep_forever()
    if how is Break.DRIBBLE:
        return StreamingResponse(_never_whole(), media_type=kind)
    answers: dict[Break, Callable[[], Response]] = {
        Break.GARBAGE: lambda: PlainTextResponse("<html>not what was asked for"),
        Break.HUGE: lambda: Response(body[:-1] + b" " * _HUGE + body[-1:], media_type=kind),
        Break.REDIRECT: lambda: RedirectResponse("https://localhost/elsewhere", status_code=302),
        Break.ERROR: lambda: Response(body, status_code=500, media_type=kind),
        Break.COMPRESSED: lambda: Response(gzip.compress(body), headers={"content-encoding": "gzip"}, media_type=kind),
        Break.CALLED_COMPRESSED: lambda: Response(body, headers={"content-encoding": "br"}, media_type=kind),
    }
    return answers[how]()


async def _never_whole() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await anyio.sleep(0.02)
