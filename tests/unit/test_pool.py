"""The pool of a source, with sessions that do as they are told."""

import asyncio

import pytest

from synapsor.sources.pool import Pool

pytestmark = pytest.mark.requirement("source:pool-clean")


class _Session:
    alive = True
    busy = False

    def __init__(self, reset: Exception | None = None) -> None:
        self.closed = False
        self._reset = reset

    async def reset(self) -> None:
        if self._reset is not None:
            raise self._reset

    async def close(self) -> None:
        self.closed = True


class _Dialer:
    def __init__(self, *sessions: _Session) -> None:
        self._sessions = list(sessions)

    async def connect(self) -> _Session:
        return self._sessions.pop(0)

    async def stop(self, session: _Session) -> None:
        raise AssertionError(f"{session} is not busy")


async def test_a_session_that_comes_back_after_the_end_is_closed() -> None:
    late = _Session()
    pool = Pool(_Dialer(late), size=1, wait_ms=10)
    taken = await pool.acquire()
    await pool.aclose()
    pool.release(taken)
    await pool.tidied()
    assert late.closed


async def test_a_session_whose_reset_fails_in_whatever_way_is_closed_and_its_place_is_free() -> None:
    broken, whole = _Session(RuntimeError("unforeseen")), _Session()
    pool = Pool(_Dialer(broken, whole), size=1, wait_ms=10)
    pool.release(await pool.acquire())
    await pool.tidied()
    assert broken.closed
    assert await pool.acquire() is whole


async def test_who_comes_while_a_session_is_made_clean_gets_that_one_and_no_other_is_opened() -> None:
    only = _Session()
    pool = Pool(_Dialer(only), size=2, wait_ms=10)
    pool.release(await pool.acquire())
    assert await pool.acquire() is only


async def test_a_session_whose_reset_hangs_keeps_nobody_from_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synapsor.sources.pool.TIDY_SECONDS", 0)
    hangs, other = _Session(), _Session()
    answered = asyncio.Event()
    monkeypatch.setattr(hangs, "reset", answered.wait)
    pool = Pool(_Dialer(hangs, other), size=2, wait_ms=10)
    pool.release(await pool.acquire())
    assert await pool.acquire() is other
    answered.set()
    await pool.tidied()


async def test_who_asks_for_a_fresh_session_gets_none_that_has_served_before() -> None:
    used, new = _Session(), _Session()
    pool = Pool(_Dialer(used, new), size=2, wait_ms=10)
    pool.release(await pool.acquire())
    assert await pool.acquire(fresh=True) is new


async def test_when_one_was_outdated_the_idle_ones_are_closed_too() -> None:
    used, other, new = _Session(), _Session(), _Session()
    pool = Pool(_Dialer(used, other, new), size=3, wait_ms=10)
    for taken in [await pool.acquire(), await pool.acquire()]:
        pool.release(taken)
    await pool.tidied()
    assert await pool.acquire(fresh=True) is new
    await pool.tidied()
    assert (used.closed, other.closed) == (True, True)
