"""`synapsor approvals`: the companion approval server, whose prompts a person runs as slash commands in their own client."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from synapsor import __version__, runtime
from synapsor.approve.identity.voucher import named_voucher
from synapsor.cli.address import address
from synapsor.cli.collector import collect_as_usual
from synapsor.cli.terminal import note
from synapsor.config import OidcConfig, load_config
from synapsor.config.approvals import FILE_NAME, ApprovalsConfig, load_approvals, looking_with
from synapsor.errors import ConfigError, UsageError
from synapsor.mcp_models import models_on_demand

if TYPE_CHECKING:
    from synapsor.approve.companion.desk import ApprovalDesk


def run(arguments: Namespace) -> int:
    """Serve until the client leaves or a signal comes, and return 0."""
    if arguments.json:
        raise UsageError("approvals speaks MCP on stdout, so --json has no meaning here.", fix="Leave it out.")
    asyncio.run(_run(load_approvals(arguments.config or Path(FILE_NAME)), arguments.http))
    return 0


async def _run(config: ApprovalsConfig, http: str | None) -> None:
    wiring = load_config(config.project)
    async with runtime.open_project(looking_with(wiring, config) if config.read else wiring) as project:
        from synapsor.approve.companion.desk import ApprovalDesk
        from synapsor.looking import SourceLooks

        voucher = named_voucher(config.voucher.operator, config.voucher.key, project.deciders())
        desk = ApprovalDesk(
            ledger=await project.ledger(),
            operators=project.deciders,
            modes=project.config.modes,
            receiptless=project.config.receiptless,
            looks=SourceLooks(project=project, client="approvals") if config.read else None,
            voucher=voucher,
            clock=project.clock,
        )
        console = project.config.console_url
        if http:
            host, port = address(http, option="--http", example="127.0.0.1:8766")
            await _http(desk, config, project.config.oidc, host=host, port=port, console=console)
            return
        if config.operator is None:
            raise ConfigError("Nobody is named whose prompts these are.", fix="Add `operator: NAME` to approvals.yaml.")
        person = desk.person(config.operator).name
        await _stdio(desk, person, console)


async def _http(
    desk: ApprovalDesk, config: ApprovalsConfig, oidc: OidcConfig | None, *, host: str, port: int, console: str | None
) -> None:
    with models_on_demand():  # heavy: the MCP SDK and uvicorn
        from synapsor.approve.companion.bearers import in_token_roles, provider_tokens
        from synapsor.approve.companion.http import Tokens, resource_at, serve_http, whose_token
        from synapsor.approve.companion.server import build_companion

    by_provider = oidc if oidc is not None and oidc.audience is not None else None
    if not config.tokens and by_provider is None:
        raise ConfigError(
            "There is no token of anybody.",
            fix="Add `tokens:` to approvals.yaml, or `oidc: {audience: …}` to the project's file.",
        )
    resource = resource_at(host, port)
    static = Tokens({token.sha256: token.operator for token in config.tokens}, resource=resource)
    desk = replace(desk, narrowed=in_token_roles)
    server = build_companion(desk, whose_token, version=__version__, console=console)
    collect_as_usual()
    await serve_http(
        server,
        host=host,
        port=port,
        verifier=provider_tokens(static, by_provider, desk, resource=resource) if by_provider else static,
        issuer=by_provider.issuer if by_provider else None,
        ready=lambda _: note(f"serving on {host}:{port}"),
    )


async def _stdio(desk: ApprovalDesk, person: str, console: str | None) -> None:
    with models_on_demand():  # heavy: the MCP SDK
        from mcp.server.stdio import stdio_server

        from synapsor.approve.companion.malformed import WellFormed
        from synapsor.approve.companion.server import build_companion

    server = build_companion(desk, lambda: person, version=__version__, console=console)
    collect_as_usual()
    if os.isatty(0):
        note("waits for an MCP client on standard input, which starts this command itself; Ctrl-C ends it")
    async with stdio_server() as (reads, writes):
        await server.run(WellFormed(reads, writes), writes, server.create_initialization_options())
