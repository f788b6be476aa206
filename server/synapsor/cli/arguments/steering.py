"""The arguments of steering the worker: what it has in hand, what rests, and what becomes of a job."""

from __future__ import annotations

from typing import Any

from synapsor.cli.arguments.base import command, count, handle, signer

_VERBS = (
    ("requeue", "Have a job that was given up tried again; its attempts begin anew."),
    ("discard", "Cancel a job that was given up, and its proposal with it."),
)


def add(commands: Any) -> None:
    """Add what is done with jobs."""
    jobs = command(
        commands, "jobs", "What waits to be applied: list it, and say what becomes of a job that was given up."
    )
    actions = jobs.add_subparsers(metavar="ACTION", required=True, dest="action")
    listed = command(
        actions,
        "list",
        "List jobs: who has them in hand, what was put off and until when, what was given up.",
        module="jobs",
    )
    which = listed.add_mutually_exclusive_group()
    which.add_argument("--open", action="store_true", help="those that are not done (the default)")
    which.add_argument("--dead", action="store_true", help="those that were given up")
    which.add_argument("--all", action="store_true", help="the newest that are done as well")
    listed.add_argument("--limit", type=count, default=50, metavar="N", help="how many; 50 without it")
    handle(command(actions, "show", "Show how a job stands, and what was said of it.", module="jobs"))
    for verb, text in _VERBS:
        _instruct(command(actions, verb, text, module="steer"), verb)
    cancel = command(
        commands,
        "cancel",
        "Cancel an approved change that is not applied yet, and its whole group; the source's receipt decides.",
        module="steer",
    )
    _instruct(cancel, "cancel")


def _instruct(parser: Any, verb: str) -> None:
    handle(parser)
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; it stays on record")
    signer(parser)
    parser.set_defaults(verb=verb)


def add_pauses(worker: Any) -> None:
    """Add what is done with the worker as a whole."""
    actions = worker.add_subparsers(metavar="ACTION", dest="action")
    for action, text in (
        ("pause", "Have workers take no new job, of one source or of all; what they have in hand they finish."),
        ("resume", "Let workers take jobs again."),
        ("status", "Which sources rest, since when and why, and what waits."),
    ):
        parser = command(actions, action, text, module="pause")
        if action != "status":
            parser.add_argument("--source", metavar="NAME", help="only this source (default: all of them)")
            parser.add_argument("--reason", required=True, metavar="TEXT", help="why; it stays on record")
            signer(parser)
