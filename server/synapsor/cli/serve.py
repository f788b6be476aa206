"""`synapsor serve`: what a model reaches. It resolves read credentials only and can neither decide nor apply."""

from __future__ import annotations

import logging
import os
from argparse import Namespace
from collections.abc import Iterable

from synapsor import __version__, handles, runtime
from synapsor.cli.address import address
from synapsor.cli.collector import collect_as_usual
from synapsor.cli.terminal import note
from synapsor.config import Config, load_config, session_values
from synapsor.core.facts import Finding
from synapsor.errors import ConfigError, UsageError
from synapsor.mcp_models import models_on_demand
from synapsor.serve.identity import Bearer, StaticSession, TokenBook, TokenSession
from synapsor.web.loop import run as run_loop

log = logging.getLogger("synapsor")


def run(arguments: Namespace) -> int:
    """Serve until the client leaves or a signal comes, and return 0."""
    if arguments.json:
        raise UsageError("serve speaks MCP on stdout, so --json has no meaning here.", fix="Leave it out.")
    config = load_config(arguments.config)
    if arguments.http:
        run_loop(_http(config, *address(arguments.http, option="--http", example="127.0.0.1:8765")))
    else:
        run_loop(_stdio(config))
    return 0


async def _stdio(config: Config) -> None:
    if not config.session:
        raise ConfigError(
            "There is no session to serve over stdio in.",
            fix="Add `session:` with the tenant and the user to synapsor.yaml.",
        )
    async with runtime.open_project(config) as project:
        session = StaticSession(values=session_values(config.session), run=handles.new("run"))
        desk = await project.desk()
        _warn(project.unmet_sessions({"`session:`": config.session}))
        with models_on_demand():  # heavy: the MCP SDK
            from synapsor.serve.server import build_server
            from synapsor.serve.stdio import serve_stdio

        server = build_server(desk, session, names=config.names, version=__version__, console=config.console_url)
        collect_as_usual()
        if os.isatty(0):
            note("waits for an MCP client on standard input, which starts this command itself; Ctrl-C ends it")
        await serve_stdio(server)


async def _http(config: Config, host: str, port: int) -> None:
    tokens = TokenBook(
        Bearer(name=t.name, sha256=t.sha256, values=session_values(t.session)) for t in config.http.tokens
    )
    async with runtime.open_project(config) as project:
        desk = await project.desk()
        _warn(project.unmet_sessions(runtime.token_sessions(config)))
        with models_on_demand():  # heavy: the MCP SDK and uvicorn
            from synapsor.serve.http import serve_http
            from synapsor.serve.server import build_server

        server = build_server(desk, TokenSession(), names=config.names, version=__version__, console=config.console_url)
        collect_as_usual()
        await serve_http(
            server, host=host, port=port, tokens=tokens, ready=lambda taken: note(f"serving on {host}:{taken}")
        )


def _warn(findings: Iterable[Finding]) -> None:
    for finding in findings:
        log.warning("%s: %s", finding.rule, finding.message, extra={"action": "session"})
