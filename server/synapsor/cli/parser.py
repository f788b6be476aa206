"""The parser of every command: built for each start, so it imports nothing of the product."""

from __future__ import annotations

import argparse
import difflib
import re
from functools import cache
from typing import NoReturn

from synapsor.cli.arguments import (
    amending,
    authoring,
    contracts,
    deciding,
    importing,
    looking,
    operators,
    policies,
    rest,
    serving,
    steering,
)
from synapsor.cli.arguments.base import with_globals

EXIT_CODES = """\
exit codes:
  0 ok   1 finding or rejection   2 usage or configuration   3 stale or conflict
  4 source or ledger unavailable   5 integrity or authority invalid
  6 unsupported   130 interrupted
"""


class Parser(argparse.ArgumentParser):
    """A parser that names the nearest word when one is mistyped."""

    def error(self, message: str) -> NoReturn:
        """Print the message and end with 2."""
        if typed := _UNKNOWN.search(message):
            known = [str(word) for action in self._actions for word in action.choices or ()]
            if close := difflib.get_close_matches(typed[1], known, n=1):
                message = f"{message}; did you mean `{close[0]}`?"
        for action in self._actions:
            if action.choices and message.endswith(f"required: {action.metavar}"):
                message = f"{message}, one of {', '.join(map(str, action.choices))}"
        super().error(message)


_UNKNOWN = re.compile(r"invalid choice: '([^']*)'")


@cache
def build_parser() -> argparse.ArgumentParser:
    """Return the parser; `module` in its result names the file of the command."""
    parser = Parser(
        prog="synapsor",
        description="The boundary between an LLM agent and your database:\nthe agent asks, a person decides, a worker applies.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    with_globals(parser, top=True)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for part in (
        serving,
        authoring,
        contracts,
        importing,
        deciding,
        amending,
        policies,
        steering,
        operators,
        looking,
        rest,
    ):
        part.add(commands)
    return parser
