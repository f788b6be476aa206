"""The companion approval server: its own file, key, tokens and credentials, apart from everything that serves the agent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synapsor.approve.identity.voucher import named_voucher
from synapsor.config.approvals import FILE_NAME, ApprovalsConfig, load_approvals, looking_with
from synapsor.core.facts import Finding
from synapsor.errors import ConfigError, UsageError
from synapsor.examine.codes import NO_PROMPTS
from synapsor.examine.secrets import looked_up, nobody, private, unchanged

if TYPE_CHECKING:
    from synapsor.config import Config
    from synapsor.runtime import Project

_CLIENTS: Final = (".mcp.json", "mcp.json", ".cursor/mcp.json", ".vscode/mcp.json", "claude_desktop_config.json")


def of_companion(project: Project, path: Path | None) -> list[Finding]:
    """Return what is wrong with the companion of a file, or of the project's own where it has one."""
    config = project.config
    file = path or config.root / FILE_NAME
    if path is None and not file.exists():
        return []
    try:
        approvals = load_approvals(file)
    except ConfigError as wrong:
        return [Finding(rule="approvals_unreadable", message=wrong.message, fix=wrong.fix)]
    return [
        *unchanged(file, "companion's configuration"),
        *private(approvals.voucher.key, "companion's key"),
        *_trusted(project, approvals),
        *_apart(config, approvals),
        *_clients(config.root),
        *_looks(config, approvals),
    ]


def _trusted(project: Project, approvals: ApprovalsConfig) -> Iterator[Finding]:
    operators = project.operators()
    named = {approvals.operator, *(token.operator for token in approvals.tokens)} - {None}
    for name in sorted(name for name in named if name and (name not in operators or operators[name].revoked)):
        message = f"{name} of approvals.yaml is trusted by nobody here, so that their prompts give nothing."
        yield Finding(rule="companion_nobody", message=message, fix="See `synapsor operator list`.", fatal=False)
    if project.config.one_time_codes is None:
        yield NO_PROMPTS
    if any(finding.fatal for finding in private(approvals.voucher.key, "")) or not approvals.voucher.key.exists():
        return
    try:
        named_voucher(approvals.voucher.operator, approvals.voucher.key, operators, ask=nobody)
    except UsageError:
        return  # a person at a terminal starts it
    except ConfigError as wrong:
        yield Finding(rule="voucher_untrusted", message=wrong.message, fix=wrong.fix)


def _apart(config: Config, approvals: ApprovalsConfig) -> Iterator[Finding]:
    if approvals.project.parent != config.root:
        message = "approvals.yaml is of another project than this one."
        yield Finding(rule="companion_elsewhere", message=message, fix="Run `synapsor doctor` there.", fatal=False)
    if {token.sha256 for token in approvals.tokens} & {token.sha256 for token in config.http.tokens}:
        message = "A token of the companion is a token of the agent's server, too."
        yield Finding(rule="token_shared", message=message, fix="Make one of its own with `synapsor token new`.")
    for key, whose in ((config.voucher_key, "the console's"), (config.policy_key, "the worker's")):
        if key == approvals.voucher.key:
            message = f"The companion's key is {whose}, too, so that neither can be revoked by itself."
            fix = "Give the companion a key of its own with `synapsor operator add`."
            yield Finding(rule="key_shared", message=message, fix=fix, fatal=False)


def _clients(root: Path) -> Iterator[Finding]:
    """Yield the MCP clients of the project that would start the agent's server and the companion for one and the same model."""
    for name in _CLIENTS:
        started = {word for server in _servers(root / name) for word in ("serve", "approvals") if word in server}
        if started == {"serve", "approvals"}:
            message = f"{name} starts the agent's server and the companion in one client, whose model reads the prompts of both."
            fix = "Name the companion in another client, which runs no agent."
            yield Finding(rule="companion_beside_agent", message=message, fix=fix)


def _servers(path: Path) -> Iterator[list[Any]]:
    """Yield the command lines by which a client's file starts Synapsor."""
    try:
        document = json.loads(path.read_bytes())
        servers = {**document.get("mcpServers", {}), **document.get("servers", {})}
        words = ([server.get("command"), *server.get("args", ())] for server in servers.values())
        yield from (each for each in words if any("synapsor" in str(word) for word in each))
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return  # it is no such file


def _looks(config: Config, approvals: ApprovalsConfig) -> Iterator[Finding]:
    if not approvals.read:
        return
    try:
        looking_with(config, approvals)
    except ConfigError as wrong:
        yield Finding(rule="companion_sources", message=wrong.message, fix=wrong.fix)
    for name, ref in approvals.read.items():
        if ref.scheme != "sqlite":
            yield from looked_up(ref, f"companion's credential of {name}")[1]
