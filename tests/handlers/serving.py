"""Serve an application on loopback, and the shop's project with an executor that leads there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn

from synapsor.handler.entries import NAME as ENTRIES
from synapsor.handler.entries import create_table as create_outbox
from synapsor.handler.receipts import create_table
from tests.attack.shop import Shop, open_shop
from tests.databases import Database, execute
from tests.handlers.invoices import SECRET, Invoices, url_of
from tests.projects import ROOT

POLICY = (
    (ROOT / "policies" / "billing.yaml")
    .read_text(encoding="utf-8")
    .replace(
        "    approval: {role: billing_lead, expires_hours: 72}\n",
        "    executor: app\n    approval: {role: billing_lead, expires_hours: 72}\n",
    )
)
_RECEIPTS = "synapsor_handled"


@asynccontextmanager
async def served(app: Any, *, tls: Mapping[str, Any] | None = None) -> AsyncIterator[int]:
    """Serve an ASGI application in this loop, and yield its port."""
    config = uvicorn.Config(app, log_level="error", lifespan="off", **(tls or {}))
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listening])
        going = asyncio.create_task(server.main_loop())
        try:
            yield int(listening.getsockname()[1])
        finally:
            server.should_exit = True
            await going
            await server.shutdown(sockets=[listening])


def configured(url: str, *, name: str = "app", **more: str) -> dict[str, str]:
    """Return how the configuration of a project is changed so that its contract's executor is at an address."""
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    executor = f"executors: {{{name}: {{kind: http, url: '{url}', secret: '${{file:secrets/handler}}'{extra}}}}}\n"
    return {"session: {tenant_id": f"{executor}session: {{tenant_id", "profile: production": "profile: development"}


@asynccontextmanager
async def handled_shop(
    root: Path, database: Database, url: str, *, policy: str = POLICY, **more: str
) -> AsyncIterator[Shop]:
    """Open the shop with a contract whose changes an application at an address carries out."""
    (root / "secrets").mkdir(parents=True, mode=0o700)
    secret = root / "secrets" / "handler"
    secret.touch(mode=0o600)
    secret.write_text(SECRET, encoding="utf-8")
    async with open_shop(root, database, policy=policy, config=configured(url, **more)) as shop:
        yield shop


def prepare(database: Database) -> None:
    """Make the application's tables anew."""
    for name, create in ((_RECEIPTS, create_table), (ENTRIES, create_outbox)):
        place = f"{database.schema}.{name}" if database.engine == "postgres" else name
        execute(database, f"DROP TABLE IF EXISTS {place};\n{create(database.engine, place)}")


def invoices(database: Database, **more: Any) -> Invoices:
    """Return the application over a shop."""
    prepare(database)
    schema = database.schema if database.engine == "postgres" else None
    return Invoices(url_of(database), schema=schema, database=database, **more)
