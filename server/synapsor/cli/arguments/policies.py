"""The arguments of stopping, starting, testing and drafting policies that approve."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from pathlib import Path
from typing import Any

from synapsor.cli.arguments.base import command, signer

_AGO = re.compile(r"([1-9][0-9]{0,3})([dw])", re.ASCII)
_MOST_DAYS = 3660


def add(commands: Any) -> None:
    """Add what is done with policies."""
    policy = command(
        commands,
        "policy",
        "Automatic approval: stop it, start it again, see how it stands, test a policy or draft one.",
    )
    actions = policy.add_subparsers(metavar="ACTION", required=True, dest="action")
    for action, text in (
        ("stop", "Stop automatic approval, and what policies approved and is not applied yet."),
        ("start", "Let automatic approval run again."),
        ("status", "Whether automatic approval runs, what each policy approved today, and which limits are near."),
    ):
        switch = command(actions, action, text, module="policy")
        if action != "status":
            switch.add_argument("--reason", default="", help="recorded with the switch")
            signer(switch)
    test = command(
        actions,
        "test",
        "Decide past proposals again under policies that need not be activated; nothing is recorded, and no source is asked.",
        module="policy_test",
    )
    test.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="CONTRACT-FILE",
        help="the candidates (default: the project's files as they are now)",
    )
    test.add_argument("--capability", metavar="NAME", help="only proposals of this one")
    _since(test)
    draft = command(
        actions,
        "draft",
        "Print a policy that would approve what people approved, and what else it would have approved; no file is changed.",
        module="policy_draft",
    )
    draft.add_argument(
        "handles",
        nargs="+",
        metavar="HANDLE",
        help="approved proposals of one capability, or handles that lead to them",
    )
    draft.add_argument("--name", metavar="NAME", help="what the policy is called (default: after the capability)")
    _since(draft)


def _since(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since",
        type=since,
        default="90d",
        metavar="TIME",
        help="how far back: days (90d), weeks (12w) or a day (2026-08-31)",
    )


def since(text: str) -> dt.timedelta | dt.date:
    """Return how long ago, or the day, from which on proposals are decided again."""
    if ago := _AGO.fullmatch(text):
        days = int(ago[1]) * (7 if ago[2] == "w" else 1)
        if days <= _MOST_DAYS:
            return dt.timedelta(days=days)
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"90d, 12w or a day such as 2026-08-31; at most {_MOST_DAYS} days") from None
