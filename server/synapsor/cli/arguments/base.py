"""What the commands have in common: how one is added, and the options that several take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

PRESETS = ("wrong_scope", "odd_arguments", "wrong_environment", "not_needed", "needs_information", "other")
"""Those of `core.presets`, which nothing imports before the command is known."""

MOST = 500
MOST_LANES = 64
"""As in `config.sources`, which nothing imports before the command is known."""


def with_globals(parser: argparse.ArgumentParser, *, top: bool) -> None:
    """Take the global options before and after the command; the second must not undo the first by its default."""

    def default(value: Any) -> Any:
        return value if top else argparse.SUPPRESS

    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=default(None),
        help="the project's synapsor.yaml (default: found upwards)",
    )
    parser.add_argument("--json", action="store_true", default=default(False), help="one JSON document on stdout")
    parser.add_argument("--no-color", action="store_true", default=default(False), help="no colours (so does NO_COLOR)")
    parser.add_argument("--verbose", action="store_true", default=default(False), help="more log lines on stderr")


def command(commands: Any, name: str, help_text: str, *, module: str = "") -> argparse.ArgumentParser:
    """Add a command and return its parser; `module` is the file in `cli` that runs it."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help_text, description=help_text, allow_abbrev=False
    )
    with_globals(parser, top=False)
    parser.set_defaults(module=module or name)
    return parser


def handle(parser: argparse.ArgumentParser, *, latest: str = "`latest`") -> None:
    """Take a handle that leads to a proposal; `latest` says what the newest is, where that is not the newest of all."""
    parser.add_argument(
        "handle",
        nargs="?",
        default="latest",
        metavar="HANDLE",
        help=f"a proposal, {latest}, or any handle that leads to one",
    )


def signer(parser: argparse.ArgumentParser) -> None:
    """Take who signs, and where their key is."""
    parser.add_argument("--operator", metavar="NAME", help="who you are (default: the one whose key you have)")
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="your private key (default: ~/.config/synapsor/keys/NAME.pem)"
    )


def preset(parser: argparse.ArgumentParser) -> None:
    """Take why something is rejected, in one word."""
    parser.add_argument("--preset", choices=PRESETS, help="why, in one word that the agent is told")


def tokens(text: str) -> int:
    """Return a number of tokens."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("from 1")
    return number


def count(text: str) -> int:
    """Return how many of something are listed."""
    number = int(text)
    if not 1 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"from 1 to {MOST}")
    return number


def lanes(text: str) -> int:
    """Return how many lanes a source has."""
    number = int(text)
    if not 1 <= number <= MOST_LANES:
        raise argparse.ArgumentTypeError(f"from 1 to {MOST_LANES}")
    return number
