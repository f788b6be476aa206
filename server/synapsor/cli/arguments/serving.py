"""The arguments of what serves a model and of what applies."""

from __future__ import annotations

from typing import Any

from synapsor.cli.arguments.base import command, lanes
from synapsor.cli.arguments.steering import add_pauses


def add(commands: Any) -> None:
    """Add the commands that go on until they are stopped."""
    serve = command(commands, "serve", "Serve reviewed capabilities to a model over MCP; stdio unless --http is given.")
    serve.add_argument("--http", metavar="HOST:PORT", help="serve Streamable HTTP and SSE instead of stdio")
    console = command(
        commands, "console", "Serve the web console, where people look at proposals and decide in a browser."
    )
    console.add_argument(
        "--listen", metavar="HOST:PORT", help="where to listen (default: `console:` of synapsor.yaml, 127.0.0.1:8750)"
    )
    worker = command(commands, "worker", "Apply approved proposals, each exactly once.")
    worker.add_argument("--once", action="store_true", help="work on one job and end")
    worker.add_argument("--drain", action="store_true", help="end when nothing is due")
    worker.add_argument("--name", help="the worker's name in receipts")
    worker.add_argument(
        "--lanes",
        type=lanes,
        metavar="N",
        help="how many changes of each source are applied at the same time (default: its `lanes` in synapsor.yaml, 4)",
    )
    worker.add_argument(
        "--supervised",
        action="store_true",
        help="apply only what both `supervised:` of synapsor.yaml and the contract allow for a worker that nobody watches",
    )
    add_pauses(worker)
    approvals = command(
        commands,
        "approvals",
        "Serve prompts by which a person reviews and decides in their own MCP client; --config names its approvals.yaml.",
    )
    approvals.add_argument("--http", metavar="HOST:PORT", help="serve Streamable HTTP instead of stdio")
    _notifier(commands)


def _notifier(commands: Any) -> None:
    notifier = command(commands, "notifier", "Tell people and programs what happens to proposals; it decides nothing.")
    notifier.add_argument(
        "--once", action="store_true", help="tell what is due now and end; 1 when something did not arrive"
    )
    notifier.add_argument(
        "--dry-run", action="store_true", help="print what would be sent now, and send and record nothing"
    )
    notifier.add_argument(
        "--since",
        type=int,
        metavar="EVENT",
        help="at the first start: tell what happened after this event of the ledger (default: its last)",
    )
    actions = notifier.add_subparsers(metavar="ACTION", dest="action")
    command(
        actions,
        "status",
        "Whether a notifier is at work, and what waits to be told; 1 when none is, or messages were given up.",
        module="notifier_status",
    )
    dead = command(
        actions, "dead", "Messages that were given up: list them, try them again or throw them away.", module="dead"
    )
    dead.add_argument("verb", choices=["list", "requeue", "discard"])
    dead.add_argument("messages", nargs="*", metavar="MESSAGE", help="their ids, or `all` (requeue and discard)")
