"""The arguments of looking at proposals and deciding on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synapsor.cli.arguments.base import command, count, handle, preset, signer


def add(commands: Any) -> None:
    """Add what a person looks at and decides with."""
    inbox = command(
        commands, "inbox", "What waits for a decision: a board for the keyboard on a terminal, and a list otherwise."
    )
    inbox.add_argument("--all", action="store_true", help="decided ones too; always a list")
    inbox.add_argument("--list", action="store_true", help="a list, on a terminal as well")
    signer(inbox)
    inbox.add_argument("--limit", type=count, default=50, metavar="N", help="how many in a list; 50 without it")
    show = command(commands, "show", "Show a proposal: who asked, what would change, under which guards.")
    handle(show)
    show.add_argument("--full", action="store_true", help="cut nothing")
    show.add_argument(
        "--live",
        action="store_true",
        help="look at the source as well: the rows as they are now, and what the change touches beside them",
    )
    show.add_argument("--evidence", action="store_true", help="show the rows that the agent read, too")
    for verdict, text in (
        ("approve", "Approve one exact change with your key."),
        ("reject", "Reject a proposal with your key and a reason."),
    ):
        decide = command(commands, verdict, text, module="decide")
        handle(decide)
        signer(decide)
        decide.add_argument("--full", action="store_true", help="show long values in full")
        decide.add_argument(
            "--digest", metavar="SHA256", help="the digest you have seen; needed where there is no terminal to ask on"
        )
        decide.add_argument(
            "--reason",
            default="",
            help="recorded with the decision" + ("; told to the agent" if verdict == "reject" else ""),
        )
        if verdict == "approve":
            decide.add_argument(
                "--stale-anyway",
                action="store_true",
                help="approve although a row is not as it was, so that the worker would not apply it as things stand",
            )
            decide.add_argument(
                "--code", metavar="DIGITS", help="the one-time code of your authenticator, where the approval takes one"
            )
        else:
            preset(decide)
        decide.set_defaults(verdict=verdict)
    code = command(
        commands,
        "code",
        "Show the one-time code with which you decide on a proposal through a prompt of the approval server.",
    )
    code.add_argument(
        "handle",
        nargs="?",
        default="",
        metavar="HANDLE",
        help="the proposal that you were shown, or any handle that leads to it; `latest` names none",
    )
    code.add_argument("--reject", action="store_true", help="a code to reject with; without it, one to approve with")
    code.add_argument("--operator", metavar="NAME", help="who you are (default: the one whose codes you have)")
    code.add_argument(
        "--file", type=Path, metavar="FILE", help="your codes (default: ~/.config/synapsor/keys/NAME.code)"
    )
    code.add_argument("--digest", metavar="SHA256", help="the full digest, where the ledger is not at hand")
    login = command(commands, "login", "Let a console that shows you a code speak for you, for some hours.")
    login.add_argument("url", metavar="URL", help="the console's address")
    login.add_argument("challenge", metavar="CODE", help="the code that its page shows")
    login.add_argument("--yes", action="store_true", help="do not ask")
    signer(login)
    undo = command(commands, "undo", "Ask for an applied change to be undone; other people decide on it.")
    handle(undo)
    undo.add_argument("--reason", required=True, metavar="TEXT", help="why; those who decide see it")
    signer(undo)
    _reconcile(commands)


def _reconcile(commands: Any) -> None:
    reconcile = command(commands, "reconcile", "What nobody knows the end of: list it, look at its rows, resolve it.")
    actions = reconcile.add_subparsers(metavar="ACTION", required=True, dest="action")
    listed = command(actions, "list", "List what waits for a person to resolve it.", module="reconcile")
    listed.add_argument("--limit", type=count, default=50, metavar="N", help="how many; 50 without it")
    inspect = command(
        actions,
        "inspect",
        "Look at the rows with the read credential: as proposed, as before, gone, or something else.",
        module="reconcile",
    )
    handle(inspect)
    resolve = command(
        actions, "resolve", "Say what became of it, and sign that; a group is resolved whole.", module="reconcile"
    )
    resolve.add_argument("handle", metavar="HANDLE", help="a proposal, or any handle that leads to one")
    resolve.add_argument(
        "--as", dest="verdict", required=True, choices=("applied", "not-applied"), help="what became of it"
    )
    resolve.add_argument("--reason", required=True, metavar="TEXT", help="how you know; it stays on record")
    resolve.add_argument(
        "--contrary", action="store_true", help="say so although the rows speak against it, or cannot be looked at"
    )
    resolve.add_argument(
        "--unasked",
        action="store_true",
        help="let it count at once, without the application being asked to give it up: it may do it yet",
    )
    signer(resolve)
