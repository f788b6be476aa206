"""The administrator's own session with each Postgres database, kept open between the scripts and queries of the tests.

A new session costs far more than most scripts: a process, a password, an empty catalogue cache. A kept one is handed on only as good
as new: outside a transaction, everything of a session discarded, and still answered by its server.
"""

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import asyncpg

_T = TypeVar("_T")
Session: TypeAlias = "asyncpg.Connection[Any]"

_idle: dict[str, Session] = {}  # touched by the one loop alone


def ask(url: str, work: Callable[[Session], Awaitable[_T]]) -> _T:
    """Return what comes of the work in a session of that url; callers with and without a running loop may call."""
    return asyncio.run_coroutine_threadsafe(_ask(url, work), _loop()).result()


async def _ask(url: str, work: Callable[[Session], Awaitable[_T]]) -> _T:
    session = await _take(url)
    try:
        found = await work(session)
        if session.is_in_transaction():
            await session.close()  # which rolls back, as it would if nothing were kept
        else:
            await session.execute("DISCARD ALL")
            # Two callers at once have a session each, and one of them is kept.
            if (other := _idle.pop(url, None)) is not None:
                await other.close()
            _idle[url] = session
    except BaseException:
        session.terminate()
        raise
    return found


async def _take(url: str) -> Session:
    session = _idle.pop(url, None)
    if session is not None and not session.is_closed():
        try:
            await session.execute("SELECT")
        except (
            OSError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        ):  # the server was stopped, or the database dropped; or it is being said so just now
            session.terminate()
        else:
            return session
    # Without the cache: a table may be another by the next query.
    return await asyncpg.connect(url, ssl=False, statement_cache_size=0)


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="administrator", daemon=True).start()
    return loop
