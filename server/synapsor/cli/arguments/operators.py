"""The arguments of saying whose keys are trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synapsor.cli.arguments.base import command, count


def add(commands: Any) -> None:
    """Add who is trusted."""
    operator = command(commands, "operator", "The people whose keys this project trusts.")
    actions = operator.add_subparsers(metavar="ACTION", required=True, dest="action")
    _add(actions)
    _change(actions)
    _key(actions)
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
    refused = command(
        actions,
        "refused",
        "List who was not let in by a login or a token, or was refused a decision, newest first.",
        module="refused_logins",
    )
    refused.add_argument("--limit", type=count, metavar="N", help="how many; 50 without it")
    revoke = command(actions, "revoke", "Stop trusting an operator's key.", module="operator")
    revoke.add_argument("name")


def _add(actions: Any) -> None:
    add = command(
        actions,
        "add",
        "Make a key and trust it, or trust the public key or the login of somebody else.",
        module="operator",
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
    add.add_argument(
        "--login",
        nargs=2,
        metavar=("ISSUER", "SUBJECT"),
        help="trust whom the identity provider calls this; makes no key, unless --key or --public-key is given too",
    )
    add.add_argument("--public-key", metavar="BASE64", help="trust this public key and make none")
    add.add_argument(
        "--no-passphrase", action="store_true", help="do not ask for a passphrase; the key file alone decides"
    )


def _key(actions: Any) -> None:
    key = command(
        actions, "key", "Make a key of one's own without a project, for somebody else to trust.", module="own_key"
    )
    key.add_argument("name")
    key.add_argument("--key", type=Path, metavar="FILE", help="where the new private key goes")
    key.add_argument(
        "--no-passphrase", action="store_true", help="do not ask for a passphrase; the key file alone decides"
    )


def _change(actions: Any) -> None:
    change = command(
        actions,
        "change",
        "Give an operator other roles, principals or another login; the key and the name stay.",
        module="operator",
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
    change.add_argument(
        "--login",
        nargs=2,
        metavar=("ISSUER", "SUBJECT"),
        help="trust whom the identity provider calls this, instead of any other login before",
    )
    change.add_argument("--no-login", action="store_true", help="the person logs in with no provider any more")
    change.add_argument("--no-principal", action="store_true", help="no session principal is this person any more")
