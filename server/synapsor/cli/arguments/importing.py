"""The arguments of translating a public contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synapsor.cli.arguments.base import command


def add(commands: Any) -> None:
    """Add the translation of a public contract."""
    taken = command(
        commands,
        "import",
        "Translate a public contract (JSON, spec_version 0.1) into a contract that a reviewer can read.",
        module="importing",
    )
    taken.add_argument("file", type=Path, metavar="FILE", help="the public contract")
    taken.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="NAME",
        help="the source whose catalogue has the columns' types (default: the only one there is); THEIRS=NAME where the contract names several",
    )
    taken.add_argument(
        "--types", type=Path, metavar="TYPES", help="a types file instead of a catalogue (default: the one beside FILE)"
    )
    taken.add_argument("--name", metavar="NAME", help="the contract's name (default: the one that it has)")
    taken.add_argument("--out", type=Path, metavar="FILE", help="write it to a new file instead of standard output")
    taken.add_argument("--write-types", type=Path, metavar="FILE", help="write the types that were used to a new file")
