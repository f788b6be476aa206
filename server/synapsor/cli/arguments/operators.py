"""The arguments of saying whose keys are trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synapsor.cli.arguments.base import command


def add(commands: Any) -> None:
    """Add who is trusted."""
    operator = command(commands, "operator", "The people whose keys this project trusts.")
    actions = operator.add_subparsers(metavar="ACTION", required=True, dest="action")
    add = command(
        actions, "add", "Make a key and trust it, or trust the public key of somebody else.", module="operator"
    )
    add.add_argument("name")
    add.add_argument(
        "--role", action="append", required=True, metavar="ROLE", help="what they may decide; may be given again"
    )
    add.add_argument(
        "--principal",
        action="append",
        default=[],
        metavar="NAME",
        help="a session principal that is this person; may be given again",
    )
    add.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="where the new private key goes; its public half is written beside it, as NAME.pub",
    )
    add.add_argument("--public-key", metavar="BASE64", help="trust this public key and make none")
    add.add_argument(
        "--no-passphrase", action="store_true", help="do not ask for a passphrase; the key file alone decides"
    )
    change = command(
        actions, "change", "Give an operator other roles or principals; the key and the name stay.", module="operator"
    )
    change.add_argument("name")
    change.add_argument(
        "--role",
        action="append",
        default=[],
        metavar="ROLE",
        help="what they may decide from now on, instead of all before; may be given again",
    )
    change.add_argument(
        "--principal",
        action="append",
        default=[],
        metavar="NAME",
        help="a session principal that is this person, instead of all before; may be given again",
    )
    change.add_argument("--no-principal", action="store_true", help="no session principal is this person any more")
    command(actions, "list", "List the operators.", module="operator")
    codes = command(actions, "codes", "Give an operator new one-time codes.", module="operator")
    codes.add_argument("name")
    codes.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help="where the person keeps what `synapsor code` makes codes with (default: ~/.config/synapsor/keys/NAME.code)",
    )
    codes.add_argument("--no-passphrase", action="store_true", help="do not ask for a passphrase for that file")
    revoke = command(actions, "revoke", "Stop trusting an operator's key.", module="operator")
    revoke.add_argument("name")
