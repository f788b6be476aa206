"""`synapsor receipts`: the table that a source's owner makes for them, and the newest ones in the ledger."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Sequence

from synapsor import runtime
from synapsor.approve.terminal.drawing import entry
from synapsor.cli.credentials import WRITER, role_of
from synapsor.cli.terminal import answer, note, width
from synapsor.config import Config, load_config
from synapsor.core.plain import visible
from synapsor.core.plan import Relation
from synapsor.core.words import many
from synapsor.core.writeback import Done, Receipt
from synapsor.errors import UsageError
from synapsor.values import ValueUnfit

_NEWEST = 50
_NOT_OF = {"ddl": ("limit",), "list": ("source", "role")}
"""Options that mean nothing to an action."""


def run(arguments: Namespace) -> int:
    """Print the script or the list, and return 0."""
    if strange := [name for name in _NOT_OF[arguments.action] if getattr(arguments, name) is not None]:
        raise UsageError(f"`receipts {arguments.action}` has no --{strange[0]}.", fix="Leave it out.")
    config = load_config(arguments.config)
    if arguments.source and arguments.source not in config.sources:
        raise UsageError("There is no such source.", fix=f"Known here: {', '.join(config.sources)}.")
    if arguments.action == "ddl":
        _ddl(arguments, config)
    else:
        asyncio.run(_list(arguments, config))
    return 0


def _ddl(arguments: Namespace, config: Config) -> None:
    from synapsor.sql.receipts import receipts_ddl  # heavy: the SQL compiler

    chosen = {n: s for n, s in config.sources.items() if s.receipts_table and arguments.source in {None, n}}
    if not chosen:
        raise UsageError(
            "No source names its receipts.", fix="Add `receipts: schema.table` to the source in synapsor.yaml."
        )
    scripts: dict[str, str] = {}
    try:
        for name, source in chosen.items():
            role = arguments.role or role_of(source.write)
            script = receipts_ddl(Relation.parse(str(source.receipts_table)), source.dialect, worker=role or WRITER)
            if role is None and source.has_roles:
                guess = f"the role {WRITER} is a guess; name the worker's own with --role NAME"
                script = f"-- Look first: {guess}.\n{script}"
                note(f"synapsor: source {name}: {guess}")
            scripts[name] = script
    except ValueUnfit:
        raise UsageError("The role's name is not plain.", fix="Letters, digits and underscores.") from None
    answer(
        arguments,
        "receipts_ddl",
        {"scripts": scripts},
        "\n".join(f"-- source {name}\n{script}" for name, script in scripts.items()),
    )


def _told(receipt: Receipt) -> tuple[str, list[str]]:
    why = f", {receipt.code}" if receipt.code not in ("", receipt.outcome) else ""
    moved = f" ({', '.join(receipt.moved)})" if receipt.moved else ""
    body = [visible(f"{receipt.proposal}, at {receipt.at} by {receipt.worker}")]
    if receipt.members:
        body.append(visible(f"{many(receipt.rows_affected, 'row')} {receipt.members[0].done}: {_row(receipt.members)}"))
    if receipt.newcomers:
        body.append(
            f"{many(receipt.newcomers, 'more row matches', 'more rows match')} now, and nothing was done to them"
        )
    return visible(f"{receipt.id}  {receipt.outcome}{why}{moved}"), body


def _row(members: Sequence[Done]) -> str:
    """Return the one row by its key, and of several where all of them are told."""
    if len(members) > 1:
        return "see `synapsor show` of it"
    return ", ".join(f"{name} {token}" for name, token in members[0].key.items())


async def _list(arguments: Namespace, config: Config) -> None:
    async with runtime.open_project(config) as project:
        receipts = await (await project.ledger()).receipts(limit=arguments.limit or _NEWEST)
    lines = [line for r in receipts for line in entry(*_told(r), width=width())]
    answer(
        arguments,
        "receipts",
        {"receipts": [r.told for r in receipts]},
        "\n".join(lines) or "Nothing has been applied yet.",
    )
