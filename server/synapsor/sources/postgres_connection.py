"""Postgres connections: an address that is never shown, TLS that is verified, and sessions whose every setting is pinned.

Constant texts go through the simple protocol; whatever binds a value goes through the extended one, which takes one statement.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg

from synapsor.errors import ConfigError, Failure, SourceFailure
from synapsor.sources.postgres_failures import failure_of
from synapsor.sources.tls import Tls, is_loopback
from synapsor.sql.statement import RawRow, Statement

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

CONNECT_SECONDS = 5.0
SIDE_SECONDS = 3.0
"""For what is done beside a call: rolling back, resetting, closing."""
GRACE_SECONDS = 0.5
"""How much longer than the server's own limit the client waits, so that the server is the one to stop a statement."""
READ_IDLE_MS = 5_000
WRITE_IDLE_MS = 30_000
"""A transaction that is left idle for longer is ended by the server: it would hold up others for as long as this process is stuck."""

_PINS = {
    "application_name": "synapsor",
    # pg_temp is searched first unless it is named: nothing of ours may ever be found in it.
    "search_path": "pg_catalog, pg_temp",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "client_encoding": "UTF8",
    "row_security": "on",
    "statement_timeout": "60000",
    "lock_timeout": "60000",
    # A statement whose client is gone (kill -9, a cut network) ends on the server, too.
    "client_connection_check_interval": "1000",
}
READ_PINS: Mapping[str, str] = {
    **_PINS,
    "default_transaction_read_only": "on",
    "idle_in_transaction_session_timeout": str(READ_IDLE_MS),
}
WRITE_PINS: Mapping[str, str] = {
    **_PINS,
    "default_transaction_read_only": "off",
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": str(WRITE_IDLE_MS),
}

_END = "ROLLBACK"
_FORGET = "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL"
AHEAD_SECONDS = 0.05
"""How much earlier than its call a read's transaction may have begun, which is the age of `now()` in it."""
_TLS_MODES = frozenset({"require", "verify-ca", "verify-full"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to connect and as whom; nothing of it is ever shown.

    Attributes:
        sslmode: `disable`, one that asks for TLS, or "" where the URL does not say.
    """

    host: str = field(repr=False)
    port: int = field(repr=False)
    user: str = field(repr=False)
    password: str = field(repr=False)
    database: str = field(repr=False)
    sslmode: str = ""

    @classmethod
    def parse(cls, url: str) -> Address:
        """Return the address that `postgresql://user:password@host:port/database` names.

        Raises:
            ConfigError: it is no such URL; the message does not repeat any of it.
        """
        found: Address | None = None
        with suppress(ValueError):  # its text quotes parts of the URL
            found = cls._parse(url)
        if found is None:
            raise ConfigError(
                "A source's address is not of the form postgresql://user:password@host:port/database?sslmode=verify-full.",
                fix="Percent-encode special characters in the password (`#` is %23, `/` is %2F, `@` is %40, `[` is %5B).",
            )
        return found

    @classmethod
    def _parse(cls, url: str) -> Address:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        host = parts.hostname or options.pop("host", "")
        sslmode = options.pop("sslmode", "")
        database = unquote(parts.path[1:])
        plain = (
            parts.scheme in {"postgres", "postgresql"}
            and not options
            and not parts.fragment
            and "/" not in parts.path[1:]
        )
        if not (plain and host and parts.username and database and sslmode in {"", "disable", *_TLS_MODES}):
            raise ValueError
        return cls(
            host=unquote(host),
            port=parts.port or 5432,
            user=unquote(parts.username),
            password=unquote(parts.password or ""),
            database=database,
            sslmode=sslmode,
        )

    @property
    def local(self) -> bool:
        """Whether what is sent there stays on this machine."""
        return self.host.startswith("/") or is_loopback(self.host)

    def context(self, tls: Tls) -> ssl.SSLContext | None:
        """Return the verifying TLS context to connect with, or None where clear text may be spoken on the loopback.

        Raises:
            ConfigError: the URL asks for clear text over a network, or the authority's certificate cannot be read.
        """
        if self.host.startswith("/"):
            return None
        if self.sslmode == "disable":
            if tls.required or not self.local:
                raise ConfigError(
                    "A source's address says sslmode=disable, but TLS is required.", fix="Use sslmode=verify-full."
                )
            return None
        return Tls(ca=tls.ca, required=tls.required or self.sslmode in _TLS_MODES).context(self.host)


class Session:
    """One connection and its pinned state; used by one borrower at a time.

    A busy reader's next transaction is begun with the reset after the last one, in the same round trip. It has no snapshot and no lock
    until its statement comes, and is ended again when none comes soon.

    Attributes:
        busy: a statement was sent and its answer has not been read to the end. After a cancellation it stays so: a cancel request
            that came too late would strike whoever used the session next.
        used: it has served a borrower before, so it may have died of age.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._next = ""
        self._ahead = ""
        self._ahead_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self.busy = False
        self.used = False

    @property
    def alive(self) -> bool:
        """Whether it is open and every answer has been read to its end; whoever begins waits for the end of what was begun ahead."""
        return self._ending is not None or not (self.busy or self._connection.is_closed())

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what one driver call returns.

        Raises:
            SourceFailure: by kind.
        """
        self.busy = True
        try:
            result = await work
        except Exception as error:  # noqa: BLE001  # a broken stream raises anything; none of it may pass
            # An error of the server's own ends the answer; a deadline or a broken stream does not.
            self.busy = not isinstance(error, asyncpg.PostgresError | asyncpg.DataError)
            failure = failure_of(error)
        else:
            self.busy = False
            return result
        # Raised out here, so that the driver's text does not hang on as the context of the failure.
        raise failure

    async def begin(self, text: str, seconds: float, *, again: bool = False) -> None:
        """Open a transaction with a constant text, unless it was begun ahead; `again` says that the next may well be the same."""
        if self._ending is not None:
            await asyncio.wait({self._ending})
        ahead, self._ahead = self._ahead, ""
        self._next = text if again else ""
        if ahead == text and self._loop.time() - self._ahead_since < AHEAD_SECONDS:
            return
        # The simple protocol takes all of it in one round trip.
        await self.run(self._connection.execute(f"{_END}; {text}" if ahead else text, timeout=seconds))

    async def fetch(self, statement: Statement, seconds: float) -> Sequence[RawRow]:
        """Return a statement's rows."""
        rows: list[Any] = await self.run(self._connection.fetch(statement.text, *statement.params, timeout=seconds))
        return rows

    async def execute(self, statement: Statement, seconds: float) -> int:
        """Run a statement that binds something and return the number of rows it matched."""
        # Without a parameter the driver would fall back to the protocol that takes several statements.
        assert statement.params  # noqa: S101  # every compiled statement binds its key
        status: str = await self.run(self._connection.execute(statement.text, *statement.params, timeout=seconds))
        return int(status.rpartition(" ")[2])

    async def command(self, text: str, seconds: float) -> str:
        """Run a constant command and return its tag."""
        tag: str = await self.run(self._connection.execute(text, timeout=seconds))
        return tag

    async def reset(self) -> None:
        """End any transaction and forget all session state.

        Raises:
            SourceFailure: it cannot be used again.
        """
        if not self._next:
            # The server says itself whether a transaction is open; of the end of none it would warn after every commit.
            ends = f"{_END}; " if self._connection.is_in_transaction() else ""
            await self.command(f"{ends}{_FORGET}", SIDE_SECONDS)
        else:
            await self.command(f"{_END}; BEGIN; {_FORGET}; COMMIT; {self._next}", SIDE_SECONDS)
            self._ahead, self._ahead_since = self._next, self._loop.time()
            if self._timer is None:
                self._timer = self._loop.call_later(AHEAD_SECONDS, self._unused)
        self.used = True

    def _unused(self) -> None:
        """End a transaction that was begun ahead and that nobody came for; nothing may idle in one."""
        self._timer = None
        if self._ahead:
            left = self._ahead_since + AHEAD_SECONDS - self._loop.time()
            if left > 0:
                self._timer = self._loop.call_later(left, self._unused)
            else:
                self._ahead = ""
                self._ending = self._loop.create_task(self._end())

    async def _end(self) -> None:
        try:
            with suppress(SourceFailure):
                await self.command(_END, SIDE_SECONDS)
        finally:
            self._ending = None

    async def close(self) -> None:
        """Stop what runs, roll back and close; never raises."""
        if self._timer is not None:
            self._timer.cancel()
        if self._ending is not None:
            await asyncio.wait({self._ending})
        with suppress(Exception):
            if not self._connection.is_closed():
                # Waits for the end of a canceled statement first, and frees its locks before the caller goes on.
                await self._connection.execute(_END, timeout=SIDE_SECONDS)
        with suppress(Exception):
            await self._connection.close(timeout=SIDE_SECONDS)
        self._connection.terminate()


class PostgresDialer:
    """Opens sessions to one address with one set of pins."""

    def __init__(self, address: Address, tls: Tls, pins: Mapping[str, str]) -> None:
        self._address = address
        self._context = address.context(tls)
        self._pins = dict(pins)

    async def connect(self) -> Session:
        """Return a new session.

        Raises:
            SourceFailure: by kind.
        """
        address = self._address
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await asyncpg.connect(
                    host=address.host,
                    port=address.port,
                    user=address.user,
                    password=address.password,
                    database=address.database,
                    ssl=self._context or False,
                    server_settings=self._pins,
                    statement_cache_size=512,
                    max_cached_statement_lifetime=0,
                    max_cacheable_statement_size=0,
                )
        except TimeoutError:
            failure = SourceFailure(Failure.UNAVAILABLE, state="connect")
        except Exception as error:  # noqa: BLE001  # as in Session.run()
            failure = failure_of(error)
        else:
            return Session(connection)
        raise failure

    async def stop(self, session: Session) -> None:
        """End a session's statement: the driver sends the cancel request, closing waits for its effect."""
        await session.close()


@lru_cache(maxsize=256)
def begin_read(time_ms: int) -> str:
    """Return the text that opens a read; it is made of one integer and constants."""
    return (
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
        f"SET LOCAL statement_timeout = {int(time_ms)}; SET LOCAL lock_timeout = {int(time_ms)}"
    )


@lru_cache(maxsize=256)
def begin_write(time_ms: int) -> str:
    """Return the text that opens a write; it is made of one integer and constants."""
    return (
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on; "
        f"SET LOCAL statement_timeout = {int(time_ms)}; SET LOCAL lock_timeout = {int(time_ms)}"
    )
