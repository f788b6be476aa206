"""MySQL and MariaDB connections that cannot be talked into clear text or a second statement, and are reset after a borrower.

aiomysql alone goes on without TLS when the server (or somebody on the way) says it has none, always asks for multi-statements, and
hands on whatever session state the last borrower left.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from aiomysql.connection import Connection
from pymysql.constants import CLIENT
from pymysql.err import Error as MysqlError
from pymysql.err import OperationalError

from synapsor.errors import ConfigError, Failure, SourceFailure
from synapsor.sources.mysql_failures import NO_TLS, PLAINTEXT_PASSWORD, failure_of, is_answer
from synapsor.sql.statement import RawRow, Statement
from synapsor.values import lone_surrogate

Role: TypeAlias = Literal["read", "write"]

CONNECT_SECONDS = 5.0
SIDE_SECONDS = 3.0
"""For what is done beside a call: resetting, rolling back, killing, closing."""
GRACE_SECONDS = 0.5
"""How much longer than the server's own limit the client waits, so that the server is the one to stop a statement."""
IDLE_SECONDS = 30
"""A transaction that the worker leaves idle for longer is ended by the server."""

_SENDS_PASSWORD = frozenset({b"mysql_clear_password", b"mysql_old_password"})
_BEGIN_READ = b"START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT"
_RESET_CONNECTION = 0x1F  # COM_RESET_CONNECTION, which PyMySQL has no name for
# NO_BACKSLASH_ESCAPES, ANSI_QUOTES and PIPES_AS_CONCAT stay out: the client's escaping and the compiled SQL rely on it.
_SQL_MODE = "STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to connect and as whom; nothing of it is ever shown."""

    host: str = field(repr=False)
    port: int = field(repr=False)
    user: str = field(repr=False)
    password: str = field(repr=False)
    database: str = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> Address:
        """Return the address that `mysql://user:password@host:port/database` names; special characters are percent-encoded.

        Raises:
            ConfigError: it is no such URL; the message does not repeat any of it.
        """
        try:
            parts = urlsplit(url)
            port, host, user = parts.port or 3306, parts.hostname, unquote(parts.username or "")
            plain = (
                parts.scheme in {"mysql", "mariadb"}
                and not parts.query
                and not parts.fragment
                and "/" not in parts.path[1:]
            )
        except ValueError:
            plain = False
        if not plain or not host or not user:
            raise ConfigError(
                "A source's address is not of the form mysql://user:password@host:port/database.",
                fix="Percent-encode special characters in the password (`#` is %23, `/` is %2F, `@` is %40); TLS is set by `tls:`.",
            )
        return cls(
            host=host, port=port, user=user, password=unquote(parts.password or ""), database=unquote(parts.path[1:])
        )


class GuardedConnection(Connection):  # type: ignore[misc]  # aiomysql ships no types
    """A connection that speaks one statement at a time, and TLS or nothing when TLS was asked for."""

    async def _request_authentication(self) -> None:
        if self._ssl_context and not self.server_capabilities & CLIENT.SSL:
            raise OperationalError(NO_TLS, "the server offers no TLS")
        self.client_flag &= ~(CLIENT.MULTI_STATEMENTS | CLIENT.LOCAL_FILES)
        await super()._request_authentication()
        if self._ssl_context and self._writer.get_extra_info("cipher") is None:
            raise OperationalError(NO_TLS, "the session is not encrypted")

    def abort(self) -> None:
        """Close at once, without sending what is still in the buffer; a polite end of TLS would wait for a busy server."""
        if self._writer:
            self._writer.transport.abort()
        self.close()

    def _close_on_cancel(self) -> None:
        self.abort()
        super()._close_on_cancel()

    async def _process_auth(self, plugin_name: bytes, auth_packet: Any) -> Any:
        if plugin_name in _SENDS_PASSWORD and not self._secure:
            raise OperationalError(PLAINTEXT_PASSWORD, "the server asked for a password in clear text")
        return await super()._process_auth(plugin_name, auth_packet)


class Session:
    """One connection and its pinned state; used by one borrower at a time.

    Attributes:
        mariadb: the server is a MariaDB; its limits have other names than MySQL's.
        busy: a statement was sent and its answer has not been read to the end.
        used: it has served a borrower before, so it may have died of age.
    """

    def __init__(self, connection: Any, role: Role) -> None:
        self._connection = connection
        self._role = role
        self._time_ms = 2000
        self.mariadb = "mariadb" in connection.server_version.lower()
        self.busy = False
        self.used = False

    @property
    def alive(self) -> bool:
        """Whether it is open, in step, and not closed by the server."""
        return not (self.busy or self._connection.closed or self._connection._reader.eof_received)  # noqa: SLF001  # no public way to ask

    @property
    def id(self) -> int:
        """The server's number for this connection."""
        number: int = self._connection.thread_id()
        return number

    async def run(self, *statements: bytes, seconds: float) -> Any:
        """Run statements one after the other under one time limit; return the last one's result.

        Raises:
            SourceFailure: by kind.
        """
        failure: SourceFailure | None = None
        try:
            async with asyncio.timeout(seconds):
                for statement in statements:
                    with self._answering():
                        await self._connection.query(statement)
        except TimeoutError:
            failure = SourceFailure(Failure.TIMEOUT, state="deadline")
        except Exception as error:  # noqa: BLE001  # a broken stream raises anything; none of it may pass
            failure = failure_of(error)
        if failure is not None:
            # Raised out here, so that the driver's text does not hang on as the context of the failure.
            raise failure
        return self._connection._result  # noqa: SLF001  # a cursor would fetch warnings and print them

    @contextmanager
    def _answering(self) -> Iterator[None]:
        self.busy = True
        try:
            yield
        except MysqlError as error:
            self.busy = not is_answer(error)
            raise
        self.busy = False

    async def read(self, statement: Statement, *, time_ms: int) -> tuple[RawRow, ...]:
        """Return the rows of one READ ONLY transaction. The transaction is ended by `reset`, after the caller has its rows."""
        begun = (*self._limits(time_ms), _BEGIN_READ)
        return await self._in_time(*begun, self.render(statement), seconds=time_ms / 1000)

    async def begin_read(self, *, time_ms: int) -> None:
        """Open the transaction of a `read` without its statement."""
        await self.run(*self._limits(time_ms), _BEGIN_READ, seconds=time_ms / 1000 + GRACE_SECONDS)

    async def read_on(self, statement: Statement, *, seconds: float) -> tuple[RawRow, ...]:
        """Return the rows of a further statement in the transaction of a `read` or `begin_read`."""
        return await self._in_time(self.render(statement), seconds=seconds)

    async def _in_time(self, *statements: bytes, seconds: float) -> tuple[RawRow, ...]:
        started = time.monotonic()
        result = await self.run(*statements, seconds=seconds + GRACE_SECONDS)
        if time.monotonic() - started > seconds:
            # MariaDB ends some functions at the limit with a value and without an error; a late answer may be such a one.
            raise SourceFailure(Failure.TIMEOUT, state="late")
        return tuple(result.rows or ())

    async def begin(self, *, time_ms: int) -> None:
        """Open the worker's transaction."""
        await self.run(*self._limits(time_ms), b"START TRANSACTION READ WRITE", seconds=time_ms / 1000 + GRACE_SECONDS)

    @property
    def in_transaction(self) -> bool:
        """Whether the server says that a transaction is open."""
        return bool(self._connection.get_transaction_status())

    def render(self, statement: Statement) -> bytes:
        """Return the statement with its values as literals: aiomysql has no server-side binding.

        Raises:
            SourceFailure: a value of a type that is never compared or stored (`value`).
        """
        values = {f"p{number}": self._literal(value) for number, value in enumerate(statement.params, 1)}
        return (statement.text % values).encode()

    def _literal(self, value: Any) -> str:
        kind = type(value)
        if value is None:
            return "NULL"
        if kind is str:
            return f"'{self._connection.escape_string(_encodable(value))}'"
        if kind is int:
            return str(value)
        if kind is Decimal and value.is_finite():
            return format(value, "f")  # without an exponent, which would make it a double
        if kind is bytes:
            return f"x'{value.hex()}'"
        # Booleans and floats too: False compared with text matches every tenant, and a float is never exact.
        raise SourceFailure(Failure.VALUE, state="type")

    async def pin(self) -> None:
        """Set every part of the session state that a result or an effect depends on."""
        await self.run(_pins(self._role, mariadb=self.mariadb, time_ms=self._time_ms), seconds=SIDE_SECONDS)

    async def reset(self) -> None:
        """End any transaction, forget all session state (variables, locks, temporary tables) and pin it again."""
        failure: SourceFailure | None = None
        try:
            async with asyncio.timeout(SIDE_SECONDS):
                with self._answering():
                    await self._connection._execute_command(_RESET_CONNECTION, "")  # noqa: SLF001  # no public way
                    await self._connection._read_ok_packet()  # noqa: SLF001  # as above
        except Exception as error:  # noqa: BLE001  # as in run()
            failure = failure_of(error)
        if failure is not None:
            raise failure
        await self.pin()
        self.used = True

    async def close(self) -> None:
        """Say goodbye and close; never raises."""
        writer = self._connection._writer  # noqa: SLF001  # to wait for the socket's own end
        with suppress(Exception):
            async with asyncio.timeout(SIDE_SECONDS):
                if self.alive:
                    await self._connection.ensure_closed()
                else:
                    self._connection.abort()
                if writer is not None:
                    await writer.wait_closed()
        self._connection.abort()

    def _limits(self, time_ms: int) -> tuple[bytes, ...]:
        if time_ms == self._time_ms:
            return ()
        self._time_ms = time_ms
        return (f"SET SESSION {_time_limits(self.mariadb, time_ms)}".encode(),)


def _encodable(text: str) -> str:
    # The driver would smuggle a lone surrogate through as a raw byte.
    if lone_surrogate(text):
        raise SourceFailure(Failure.VALUE, state="encoding")
    return text


def _time_limits(mariadb: bool, time_ms: int) -> str:
    seconds = -(-time_ms // 1000)
    statement = f"max_statement_time={time_ms / 1000}" if mariadb else f"max_execution_time={time_ms}"
    return f"{statement}, lock_wait_timeout={seconds}, innodb_lock_wait_timeout={seconds}"


def _pins(role: Role, *, mariadb: bool, time_ms: int) -> bytes:
    read = role == "read"
    prefix = "tx" if mariadb else "transaction"
    pins = [
        f"sql_mode='{_SQL_MODE}'",
        "time_zone='+00:00'",
        "character_set_client=utf8mb4",
        "character_set_results=utf8mb4",
        "collation_connection=utf8mb4_bin",
        "sql_auto_is_null=0",
        "sql_select_limit=18446744073709551615",
        "completion_type=NO_CHAIN",
        f"{prefix}_isolation='{'REPEATABLE-READ' if read else 'READ-COMMITTED'}'",
        f"{prefix}_read_only={int(read)}",
        f"autocommit={int(read)}",
        "foreign_key_checks=1",
        "unique_checks=1",
        _time_limits(mariadb, time_ms),
    ]
    if mariadb:
        pins.append("check_constraint_checks=1")
    if not read:
        pins.append(f"{'idle_transaction_timeout' if mariadb else 'wait_timeout'}={IDLE_SECONDS}")
    return f"SET SESSION {', '.join(pins)}".encode()


class MysqlDialer:
    """Opens sessions to one address, and a second one beside a statement that must be stopped."""

    def __init__(self, address: Address, context: ssl.SSLContext | None, role: Role) -> None:
        self._address = address
        self._context = context
        self._role: Role = role

    async def connect(self, *, pinned: bool = True) -> Session:
        """Return a new session.

        Raises:
            SourceFailure: by kind.
        """
        connection = GuardedConnection(
            host=self._address.host,
            port=self._address.port,
            user=self._address.user,
            # The driver encodes passwords as latin-1; this makes it send the UTF-8 that other clients send.
            password=self._address.password.encode().decode("latin-1"),
            db=self._address.database or None,
            charset="utf8mb4",
            conv={},  # every cell stays the server's own text; the reviewed types read it
            client_flag=CLIENT.FOUND_ROWS,
            autocommit=None,
            ssl=self._context,
            # No timeout of the driver's own: its wait_for() can swallow a cancellation on Python 3.11.
            connect_timeout=None,
            program_name="synapsor",
        )
        failure: SourceFailure | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection._connect()  # noqa: SLF001  # aiomysql.connect() cannot make a subclass
                session = Session(connection, self._role)
                if pinned:
                    await session.pin()
                return session
        except SourceFailure as error:
            failure = error
        except TimeoutError:
            failure = SourceFailure(Failure.UNAVAILABLE, state="connect")
        except Exception as error:  # noqa: BLE001  # as in Session.run()
            failure = failure_of(error)
        except BaseException:
            connection.abort()
            raise
        connection.abort()
        raise failure

    async def stop(self, session: Session) -> None:
        """End a session's statement and the session on the server, from a connection of its own; best effort."""
        # KILL CONNECTION, not QUERY: a statement still on its way to the server would arrive after a KILL QUERY and run.
        with suppress(SourceFailure, TimeoutError):
            async with asyncio.timeout(SIDE_SECONDS):
                side = await self.connect(pinned=False)
                try:
                    await side.run(f"KILL CONNECTION {session.id}".encode(), seconds=SIDE_SECONDS)
                finally:
                    await side.close()
