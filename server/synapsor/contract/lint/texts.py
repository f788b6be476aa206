"""Lints of what a model reads: a text describes; it gives no orders, carries no links, and promises what the capability does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from synapsor.contract.capability import Capability, ProposeCapability, alias
from synapsor.contract.deciding import together_with
from synapsor.contract.document import Path, Positions
from synapsor.contract.lint import words
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.errors import Problem

FEW_WORDS: Final = 4


def text_lints(contract: Contract, tools: Collection[str], at: Positions) -> Iterator[Problem]:
    """Yield what a model should not read; `tools` are the names of all capabilities that it may see."""
    for name, table in contract.tables.items():
        for path, text in _of_columns(("tables", name, "columns"), table):
            yield from _orders(path, text, at)
    for name, capability in contract.capabilities.items():
        here: Path = ("capabilities", name)
        for path, text in _of_capability(here, capability):
            yield from _orders(path, text, at)
            # What an agent must ask for as well may be named, and `check` keeps the name from going stale.
            yield from _other_tools(path, text, set(tools) - {name, *together_with(contract, name)}, at)
        yield from _promises(here, capability, at)


def _of_columns(path: Path, table: Table) -> Iterator[tuple[Path, str]]:
    for name, rule in table.allowed.items():
        for key, text in (("description", rule.description), ("unit", rule.unit)):
            if text:
                yield (*path, name, key), text


def _of_capability(path: Path, capability: Capability) -> Iterator[tuple[Path, str]]:
    yield (*path, "description"), capability.description
    for name, argument in capability.arguments.items():
        if argument.description:
            yield (*path, "arguments", name, "description"), argument.description


def _orders(path: Path, text: str, at: Positions) -> Iterator[Problem]:
    if found := words.ORDERS.search(text):
        message = f"“{found[0]}” tells the model what to do."
        yield at.at_value(path, "LNT401", message, "Describe what it is, and leave the choice to the model's user.")
    if found := words.MARKUP.search(text):
        message = f"“{found[0]}” is an address or markup, which a client may follow or draw."
        yield at.at_value(path, "LNT402", message, "Write plain words.")


def _other_tools(path: Path, text: str, others: Collection[str], at: Positions) -> Iterator[Problem]:
    for tool in sorted(others):
        named = [tool, alias(tool), tool.partition(".")[2]]
        called = next((n for n in named if "_" in n and re.search(rf"(?<!\w){re.escape(n)}(?!\w)", text)), "")
        if called:
            message = f"“{called}” is another tool, and a text that names it goes stale or steers the model."
            yield at.at_value(path, "LNT403", message, "Say what this one is for.")
            return


def _promises(path: Path, capability: Capability, at: Positions) -> Iterator[Problem]:
    text, here = capability.description.strip(), (*path, "description")
    if len(text.split()) < FEW_WORDS:
        yield at.at_value(here, "LNT404", "A model chooses by it, and it says little.", "Say what it is for, and when.")
    if isinstance(capability, ProposeCapability):
        if words.LOOKS.match(text):
            yield at.at_value(
                here, "LNT406", "It proposes a change, and the text only looks.", "Say what is asked for."
            )
        elif not words.ASKS.search(text):
            message = "The text does not say that a person decides, so a model takes it for done."
            yield at.at_value(here, "LNT407", message, "Begin it with “Ask for …”.")
    elif found := words.CHANGES.search(text):
        message = f"It only reads, and the text says “{found[0].split()[-1]}”."
        yield at.at_value(here, "LNT406", message, "Say what is read.")
