"""The arguments of what a reviewer can do beside deciding on one proposal: ask, edit, extend, and decide on many that are alike."""

from __future__ import annotations

from typing import Any

from synapsor.cli.arguments.base import command, handle, preset, signer


def add(commands: Any) -> None:
    """Add them."""
    shadow = command(
        commands,
        "shadow",
        "Have the worker measure a change before anybody approves it: it carries it out and rolls it back.",
    )
    handle(shadow, latest="`latest` (the newest that can be measured)")
    signer(shadow)
    question = command(commands, "question", "Ask the agent about a proposal; it stays in review.")
    handle(question)
    question.add_argument("--text", required=True, help="what you want to know; the agent reads it")
    signer(question)
    edit = command(
        commands, "edit", "Change arguments of a proposal; another person decides on what comes of it.", module="amend"
    )
    handle(edit)
    edit.add_argument(
        "--arg",
        action="append",
        required=True,
        metavar="NAME=TEXT",
        help="one argument's new value; NAME:=JSON for numbers and lists",
    )
    extend = command(
        commands, "extend", "Give a proposal as much time as a new one has, under fresh guards.", module="amend"
    )
    handle(extend)
    for kind, amend in (("edit", edit), ("extend", extend)):
        amend.add_argument("--reason", required=True, metavar="TEXT", help="why; the agent and who decides see it")
        amend.add_argument("--full", action="store_true", help="show long values in full")
        signer(amend)
        amend.set_defaults(kind=kind)
    _batch(commands)


def _batch(commands: Any) -> None:
    batch = command(commands, "batch", "Decide on open proposals that are alike, each signed by itself.")
    batch.add_argument("--capability", metavar="NAME", help="those of one capability only")
    batch.set_defaults(action="list")
    actions = batch.add_subparsers(metavar="ACTION", dest="action")
    for verdict, text in (
        ("approve", "Approve the proposals of one cluster, but those that are excepted."),
        ("reject", "Reject the proposals of one cluster, but those that are excepted."),
    ):
        decide = command(actions, verdict, text, module="batch")
        decide.add_argument("cluster", metavar="CLUSTER", help="a cluster, as `synapsor batch` names it")
        chosen = decide.add_mutually_exclusive_group()
        chosen.add_argument("--except", nargs="+", default=[], metavar="HANDLE", dest="excepted", help="not these")
        chosen.add_argument("--only", nargs="+", default=[], metavar="HANDLE", help="these and no others")
        decide.add_argument("--full", action="store_true", help="show long values in full")
        decide.add_argument(
            "--digest",
            metavar="SHA256",
            help="the digest over all that you have seen; needed where there is no terminal to ask on",
        )
        decide.add_argument("--reason", default="", help="recorded with each decision")
        if verdict == "reject":
            preset(decide)
        signer(decide)
