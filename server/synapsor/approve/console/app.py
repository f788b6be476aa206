"""The console put together: every page behind the one guard, and what runs beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from synapsor.approve.console import (
    assets,
    batch,
    candidates,
    charts,
    contracts,
    decide,
    doubt,
    draft,
    edit,
    history,
    inbox,
    jobs,
    live,
    login,
    people,
    proposal,
    record,
    reveal,
    settings,
    shadow,
    worker,
)
from synapsor.approve.console.guard import Guard
from synapsor.approve.console.key_login import KeyLogin
from synapsor.approve.console.login import LoginMethod
from synapsor.approve.console.pulse import Pulse
from synapsor.approve.console.rendering import render
from synapsor.approve.console.room import Given, Room, TrustUnreadable
from synapsor.approve.console.sessions import Sessions
from synapsor.approve.console.verifying import Verifying
from synapsor.approve.console.visit import browser_of, proof_of, trust_unreadable
from synapsor.approve.identity.attempts import Attempts
from synapsor.web.seats import Seats

MOST_STREAMS: Final = 64
MOST_STREAMS_OF_ONE: Final = 12
_PAGES = (
    inbox,
    proposal,
    decide,
    edit,
    reveal,
    batch,
    draft,
    history,
    contracts,
    worker,
    jobs,
    doubt,
    shadow,
    charts,
    candidates,
    record,
    people,
    settings,
    live,
)


def console_app(given: Given, methods: Iterable[LoginMethod] = ()) -> Starlette:
    """Return the application; `methods` are further ways to log in, besides one's own key."""
    attempts = Attempts(ledger=given.ledger, clock=given.clock, door="console")
    ways = (KeyLogin(attempts), *methods)
    room = _room_of(given, ways, attempts)
    routes = [Route("/healthz", _healthz, methods=["GET"]), *assets.routes()]
    for part in _PAGES:
        routes += part.routes(room)
    routes += login.routes(room, ways)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            room.verifying.within(tasks)
            tasks.start_soon(room.pulse.run)
            yield
            tasks.cancel_scope.cancel()

    async def missing(request: Request, _: Exception) -> Response:
        try:
            return await _missing(request, room)
        except TrustUnreadable as error:
            return await trust_unreadable(request, room, error)

    async def untrusted(request: Request, error: Exception) -> Response:
        return await trust_unreadable(request, room, error)

    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, way=given.way, cookie="synapsor-session")],
        lifespan=lifespan,
        exception_handlers={404: missing, 405: missing, TrustUnreadable: untrusted},
    )
    app.router.redirect_slashes = False
    app.state.room = room
    return app


def _room_of(given: Given, ways: Iterable[LoginMethod], attempts: Attempts) -> Room:
    sessions = Sessions(
        ledger=given.ledger.id,
        idle=dt.timedelta(minutes=given.config.sessions.idle_minutes),
        lasts=dt.timedelta(hours=given.config.sessions.hours),
    )
    return Room(
        given=given,
        sessions=sessions,
        pulse=Pulse(given.ledger),
        seats=Seats(most=MOST_STREAMS, most_of_one=MOST_STREAMS_OF_ONE),
        verifying=Verifying(given.verify, given.clock),
        attempts=attempts,
        offers=tuple(method.offered for method in ways),
    )


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _missing(request: Request, room: Room) -> Response:
    now = room.now()
    session = room.sessions.find(
        proof_of(request, room), browser=browser_of(request), now=now, operators=room.operators()
    )
    if session is None:
        return PlainTextResponse("There is nothing here.\n", status_code=HTTPStatus.NOT_FOUND)
    return await render(
        request,
        room,
        "refused.html",
        session=session,
        now=now,
        status=HTTPStatus.NOT_FOUND,
        message="There is no such page.",
        fix="Go back to the inbox.",
        rule="",
    )
