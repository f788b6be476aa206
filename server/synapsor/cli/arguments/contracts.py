"""The arguments of activating, listing and calling what a contract has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synapsor.cli.arguments.base import command, count, signer, tokens


def add(commands: Any) -> None:
    """Add what is done with contracts that are written, and with what they do."""
    activate = command(commands, "activate", "Sign that the contracts as they are now may be served.")
    activate.add_argument("contracts", nargs="*", metavar="CONTRACT", help="names (default: all of the project)")
    activate.add_argument("--yes", action="store_true", help="do not ask")
    signer(activate)
    rollback = command(commands, "rollback", "Activate a version of a contract again that was activated earlier.")
    rollback.add_argument("contract", metavar="CONTRACT")
    rollback.add_argument(
        "--to",
        metavar="VERSION",
        help="its digest, or the handle of one of its activations (default: the version that was active before this one)",
    )
    rollback.add_argument("--yes", action="store_true", help="do not ask")
    signer(rollback)
    history = command(commands, "history", "List the activations of a contract, newest first.")
    history.add_argument("contract", metavar="CONTRACT")
    history.add_argument("--limit", type=count, default=50, metavar="N", help="how many; 50 without it")
    history.add_argument(
        "--body", metavar="VERSION", help="print one version instead, as JSON that is a contract file as well"
    )
    tools = command(
        commands, "tools", "What the model sees of each capability, and what it costs; no database is needed."
    )
    tools.add_argument(
        "capabilities", nargs="*", metavar="CAPABILITY", help="show these in full (default: list the cost of all)"
    )
    tools.add_argument("--budget", type=tokens, metavar="TOKENS", help="end with 1 when all tools together cost more")
    schema = command(commands, "schema", "Print the JSON Schema of a contract, for editors.")
    schema.add_argument("--cases", action="store_true", help="the schema of a file of cases instead")
    schema.add_argument("--write", type=Path, metavar="FILE", help="write it to a file instead")
    call = command(commands, "call", "Call a capability as a model would, and print the envelope.")
    call.add_argument("capability")
    call.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="NAME=TEXT",
        help="one argument; NAME:=JSON for numbers and booleans",
    )
    call.add_argument("--args-json", metavar="JSON", help="all arguments as one JSON object")
    call.add_argument(
        "--as",
        dest="session",
        action="append",
        default=[],
        metavar="NAME=TEXT,…",
        help="session values instead of the configured ones",
    )
    _for_owners(commands)


def _for_owners(commands: Any) -> None:
    """Add what the owner of a source runs, and what is in it then."""
    grants = command(
        commands,
        "grants",
        "Print the SQL by which a source's owner makes the credentials that contracts need, and no more.",
    )
    grants.add_argument("--source", metavar="NAME", help="of this source alone")
    grants.add_argument(
        "--for", dest="whom", choices=["reader", "writer", "receipts"], help="one of the three alone; all without it"
    )
    grants.add_argument(
        "--role",
        metavar="NAME",
        help="the role (needs --for); without it, the user of the URL where that is known here, "
        "or else the guess `synapsor_reader` or `synapsor_writer`, which the script then says",
    )
    grants.add_argument(
        "--host",
        metavar="HOST",
        help="where the role connects from, a part of its name on MariaDB and MySQL; `%%` without it. "
        "From any other than this machine it must use TLS",
    )
    receipts = command(commands, "receipts", "The receipts of what was applied.")
    receipts.add_argument(
        "action",
        choices=["ddl", "list"],
        help="ddl: the table that the owner of a source makes; list: the newest receipts",
    )
    receipts.add_argument("--source", metavar="NAME", help="the table of this source alone (ddl)")
    receipts.add_argument(
        "--role",
        metavar="NAME",
        help="the worker's role in the source (ddl); without it, the user of the write URL where that is known here, "
        "or else the guess `synapsor_writer`, which the script then says",
    )
    receipts.add_argument("--limit", type=count, metavar="N", help="how many (list); 50 without it")
