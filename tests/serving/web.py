"""The HTTP transports around a desk, in this process, on a free port, with two tokens."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import httpx2

from synapsor.serve.http import serve_http
from synapsor.serve.identity import Bearer, TokenBook, TokenSession, TokenVerifier, hash_token
from synapsor.serve.server import build_server
from synapsor.web.limits import Limits
from tests.serving.desk import FakeDesk

ALICE = "alice-" + "a" * 40
BOB = "bob-" + "b" * 40


def bearers(alice_tenant: str = "acme") -> Iterable[Bearer]:
    return (
        Bearer(name="alice", sha256=hash_token(ALICE), values={"tenant_id": alice_tenant, "user": "alice"}),
        Bearer(name="bob", sha256=hash_token(BOB), values={"tenant_id": "globex", "user": "bob"}),
    )


def header(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@dataclass(frozen=True, kw_only=True)
class Web:
    desk: FakeDesk
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, token: str | None = ALICE, **headers: str) -> httpx2.AsyncClient:
        given = {**(header(token) if token else {}), **headers}
        return httpx2.AsyncClient(base_url=self.url, headers=given, timeout=60, trust_env=False)


@asynccontextmanager
async def web(
    *, tokens: TokenVerifier | None = None, limits: Limits | None = None, grace_s: int = 5
) -> AsyncIterator[Web]:
    """Serve a fake desk, and end in an orderly way."""
    desk = FakeDesk()
    server = build_server(desk, TokenSession(), names="dotted", version="0")
    stop, started = anyio.Event(), anyio.Event()
    port = 0

    def ready(found: int) -> None:
        nonlocal port
        port = found
        started.set()

    async def serve() -> None:
        await serve_http(
            server,
            port=0,
            tokens=tokens or TokenBook(bearers()),
            limits=limits,
            grace_s=grace_s,
            ready=ready,
            stop=stop,
        )

    async with anyio.create_task_group() as group:
        group.start_soon(serve)
        await started.wait()
        try:
            yield Web(desk=desk, port=port)
        finally:
            desk.go_on.set()
            stop.set()
