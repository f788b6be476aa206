"""The arguments of what an author of contracts uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synapsor.cli.arguments.base import command


def add(commands: Any) -> None:
    """Add what an author of contracts uses; none of it signs anything."""
    check = command(commands, "check", "Check configuration and contracts; no database is needed.")
    check.add_argument("files", nargs="*", type=Path, metavar="FILE", help="contracts (default: those of the project)")
    lint = command(
        commands,
        "lint",
        "Find matters of taste and risk in contracts, beside what `check` refuses; no database is needed.",
    )
    lint.add_argument("files", nargs="*", type=Path, metavar="FILE", help="contracts (default: those of the project)")
    lint.add_argument("--strict", action="store_true", help="warnings, too, end with 1; errors always do, notes never")
    lint.add_argument("--sarif", action="store_true", help="one SARIF 2.1.0 document on stdout")
    explain = command(
        commands, "explain", "Tell in plain words what a capability reads or asks for, whose rows, and who decides."
    )
    explain.add_argument("capabilities", nargs="*", metavar="CAPABILITY", help="names (default: all of the project)")
    explain.add_argument("--sql", action="store_true", help="the statements that its source is sent, too")
    explain.add_argument(
        "--plan",
        action="store_true",
        help="how its source would run the read, too: cost, rows, and whether an index serves it; asks the live source",
    )
    diff = command(
        commands, "diff", "Tell whether authority grows from one version of a contract to another; exits with 1 if so."
    )
    diff.add_argument(
        "before",
        metavar="A",
        help="a contract file, a digest or the handle of an activation; or alone, a contract whose active version is compared with its file",
    )
    diff.add_argument("after", nargs="?", metavar="B", help="the version that A is compared with")
    test = command(commands, "test", "Run the cases beside a contract, over a database in memory.", module="cases")
    test.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="cases (default: policies/x.test.yaml beside policies/x.yaml)",
    )
    test.add_argument("--name", default="", metavar="TEXT", help="only cases with this in their name")
    test.add_argument("--junit", type=Path, metavar="FILE", help="write the outcomes as JUnit XML, too")
