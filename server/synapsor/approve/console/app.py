"""The console put together: every page behind the one guard, and what runs beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from synapsor.approve.console import (
    assets,
    batch,
    charts,
    contracts,
    decide,
    history,
    inbox,
    live,
    login,
    people,
    proposal,
    record,
    settings,
    work,
)
from synapsor.approve.console.guard import Guard
from synapsor.approve.console.key_login import KeyLogin
from synapsor.approve.console.rendering import render
from synapsor.approve.console.room import Given, Room
from synapsor.approve.console.sessions import Sessions
from synapsor.approve.console.verifying import Verifying
from synapsor.approve.console.visit import browser_of, cookie_name, cookie_of

_PAGES = (inbox, proposal, decide, batch, history, contracts, work, charts, record, people, settings, live, login)


def console_app(given: Given) -> Starlette:
    """Return the application."""
    room = room_of(given)
    routes = [Route("/healthz", _healthz, methods=["GET"]), *assets.routes()]
    for part in _PAGES:
        routes += part.routes(room)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            room.verifying.within(tasks)
            tasks.start_soon(room.pulse.run)
            yield
            tasks.cancel_scope.cancel()

    async def missing(request: Request, _: Exception) -> Response:
        return await _missing(request, room)

    cookie = cookie_name(secure=given.way.secure)
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, way=given.way, cookie=cookie)],
        lifespan=lifespan,
        exception_handlers={404: missing, 405: missing},
    )
    app.router.redirect_slashes = False
    app.state.room = room
    return app


def room_of(given: Given) -> Room:
    """Return what the pages have at hand."""
    sessions = Sessions(
        ledger=given.ledger.id,
        idle=dt.timedelta(minutes=given.config.sessions.idle_minutes),
        lasts=dt.timedelta(hours=given.config.sessions.hours),
    )
    methods = (KeyLogin(), *given.methods)
    return Room(
        given=given,
        sessions=sessions,
        pulse=live.Pulse(given.ledger),
        verifying=Verifying(given.verify, given.clock),
        methods={method.offered.path: method for method in methods},
    )


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _missing(request: Request, room: Room) -> Response:
    now = room.now()
    session = room.sessions.find(
        cookie_of(request, room), browser=browser_of(request), now=now, operators=room.operators()
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
