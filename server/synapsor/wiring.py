"""Which adapter speaks to which engine; nothing else of the house knows their names.

Each of the two credentials is resolved in exactly one function here, when it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from synapsor.config import Engine, ExecutorConfig, HttpExecutor, SourceConfig
from synapsor.errors import ConfigError
from synapsor.ports import Clock, ReadSource, WriteSource
from synapsor.secrets import SecretRef, resolve

if TYPE_CHECKING:
    from synapsor.handler_ports import Handler


def open_reader(name: str, wired: SourceConfig) -> ReadSource:
    """Return a source through its read credential; the one place where that credential is resolved."""
    source: ReadSource = _opened(_adapters(wired.engine)[0], name, wired, wired.read, wired.pool.size)
    return source


def open_writer(name: str, wired: SourceConfig) -> WriteSource:
    """Return a source through the worker's credential, with a connection for each lane and one to measure by; the one place where that
    credential is resolved.
    """
    assert wired.write is not None  # noqa: S101  # whoever asks has looked
    size = max(wired.pool.size, wired.at_once) + 1
    source: WriteSource = _opened(_adapters(wired.engine)[1], name, wired, wired.write, size)
    return source


def open_handler(name: str, wired: ExecutorConfig, clock: Clock) -> Handler:
    """Return an application's handler; the one place where its secrets are resolved."""
    secret, seconds = resolve(wired.secret), wired.timeout_ms / 1000
    if isinstance(wired, HttpExecutor):
        from synapsor.executors.http import HttpHandler

        return HttpHandler(
            name=name,
            url=wired.url,
            secret=secret,
            seconds=seconds,
            clock=clock,
            accepted_seconds=wired.accepted_hours * 3600,
            ca=wired.ca,
        )
    from synapsor.executors.command import CommandHandler

    environment = {variable: resolve(ref) for variable, ref in wired.environment.items()}
    return CommandHandler(
        name=name,
        run=wired.run,
        secret=secret,
        seconds=seconds,
        clock=clock,
        environment=environment,
        accepted_seconds=wired.accepted_hours * 3600,
    )


def _opened(adapter: Callable[..., Any], name: str, wired: SourceConfig, ref: SecretRef, size: int) -> Any:
    refused: ConfigError
    try:
        return adapter(**_way_in(name, wired, ref), pool_size=size)
    except ConfigError as error:
        refused = error
    # Without the frames it comes from: their locals hold the address, and some crash reporters print locals.
    raise refused.with_traceback(None)


def _adapters(engine: Engine) -> tuple[Callable[..., ReadSource], Callable[..., WriteSource]]:
    if engine == "postgres":
        from synapsor.sources.postgres import PostgresReadSource, PostgresWriteSource

        return PostgresReadSource, PostgresWriteSource
    if engine == "sqlite":
        from synapsor.sources.sqlite import SqliteReadSource, SqliteWriteSource

        return SqliteReadSource, SqliteWriteSource
    from synapsor.sources.mysql import MysqlReadSource, MysqlWriteSource

    return MysqlReadSource, MysqlWriteSource


def _way_in(name: str, wired: SourceConfig, ref: SecretRef) -> dict[str, Any]:
    common = {
        "name": name,
        "url": resolve(ref).reveal(),
        "pool_wait_ms": wired.pool.wait_ms,
    }
    if wired.engine == "sqlite":
        return {**common, "schema": wired.schema_ or "main"}
    from synapsor.sources.tls import Tls

    return {**common, "tls": Tls(ca=wired.tls.ca if wired.tls else None, required=wired.tls is not None)}
