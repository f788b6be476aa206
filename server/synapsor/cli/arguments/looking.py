"""The arguments of looking at what was recorded and at what is safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synapsor.cli.arguments.base import command, handle, signer


def add(commands: Any) -> None:
    """Add what looks at the record."""
    replay = command(
        commands, "replay", "What was asked, seen, decided and done, every digest recomputed; touches no source."
    )
    handle(replay)
    reveal = command(commands, "reveal", "Look behind a token of a hidden column; who, what and why is recorded.")
    reveal.add_argument(
        "subject", metavar="TOKEN|EVIDENCE", help="a token as the model saw it, or evidence by its handle"
    )
    reveal.add_argument(
        "--column", metavar="COLUMN", help="which column of the evidence (default: the only one with tokens)"
    )
    reveal.add_argument("--reason", required=True, metavar="TEXT", help="why; it is recorded")
    signer(reveal)
    verify = command(commands, "verify", "Verify the ledger from its first event to its last.")
    verify.add_argument(
        "--head", metavar="SEQ:HASH", help="a head that was kept elsewhere; finds a tail that was cut off"
    )
    doctor = command(
        commands,
        "doctor",
        "Prove that the credentials and schemas are safe to use, and that the identity provider, the channels, the console and the companion are as configured.",
    )
    doctor.add_argument(
        "--approvals", type=Path, metavar="FILE", help="the companion's file (default: approvals.yaml of the project)"
    )
