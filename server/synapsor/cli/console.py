"""`synapsor console`: the web page where people decide. It holds the ledger and no source's credential but the reader's, to look again."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from functools import partial
from typing import TYPE_CHECKING

import anyio.to_thread

from synapsor import runtime
from synapsor.cli.silence import silence
from synapsor.cli.terminal import note
from synapsor.config import Config, load_config
from synapsor.errors import UsageError
from synapsor.web.loop import run as run_loop

if TYPE_CHECKING:
    from synapsor.approve.console.login import LoginMethod
    from synapsor.approve.console.needs import Held
    from synapsor.approve.console.room import Given


def run(arguments: Namespace) -> int:
    """Serve until a signal comes, and return 0."""
    if arguments.json:
        raise UsageError("console serves pages, so --json has no meaning here.", fix="Leave it out.")
    run_loop(_console(load_config(arguments.config), arguments.listen))
    return 0


async def _console(config: Config, listen: str | None) -> None:
    from synapsor.approve.console.listen import serve_console
    from synapsor.approve.console.room import Given
    from synapsor.approve.console.way import way_of
    from synapsor.looking import SourceLooks

    way = way_of(config.console, listen)
    async with runtime.open_project(config) as project:
        given = Given(
            ledger=await project.ledger(),
            clock=project.clock,
            operators=project.deciders,
            config=config.console,
            way=way,
            profile=config.profile,
            modes=config.modes,
            receiptless=config.receiptless,
            automatic=config.automatic_approval,
            looks=SourceLooks(project=project, client="console"),
            activated=project.activated,
            contracts=project.contracts_now,
            verify=partial(_verified, config),
            silence=silence(config, project.clock),
            policies=tuple(config.policies),
        )
        if config.console.development_identity is not None:
            note("anybody who reaches it may look around without a login: `development_identity` is set")
        methods = _methods(config, project, given)
        await serve_console(
            given, methods=methods, ready=lambda port: note(f"open {way.scheme}://{_name(way.host)}:{port}")
        )


def _methods(config: Config, project: runtime.Project, given: Given) -> tuple[LoginMethod, ...]:
    """Return the ways to log in besides one's own key."""
    if config.oidc is None or config.oidc.redirect_uri is None or config.voucher_key is None:
        return ()
    from synapsor.approve.console.oidc_login import oidc_method
    from synapsor.approve.identity.keys import load_key
    from synapsor.approve.identity.voucher import voucher_of

    voucher = voucher_of(load_key(config.voucher_key), project.operators())
    return (oidc_method(config.oidc, voucher=voucher, ledger=given.ledger, clock=given.clock),)


def _name(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def _verified(config: Config) -> Held:
    """Walk over the ledger on a thread and a connection of its own: a large one takes a while, and pages are asked for meanwhile."""
    return await anyio.to_thread.run_sync(lambda: asyncio.run(_walk(config)))


async def _walk(config: Config) -> Held:
    from synapsor.approve.console.needs import Held

    async with runtime.open_project(config) as project:
        report = await project.verify()
    broken = f"{report.first_bad[0]}: {report.first_bad[1]}" if report.first_bad else ""
    return Held(events=report.events, checkpoints=report.checkpoints, head=report.head, broken=broken)
