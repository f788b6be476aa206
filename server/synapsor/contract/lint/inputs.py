"""Lints of arguments and proposals: described, of a sensible length, and money within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from synapsor.contract.capability import Capability, ProposeCapability
from synapsor.contract.document import Path, Positions
from synapsor.contract.lint import words
from synapsor.contract.mapping import ColumnRule, Table
from synapsor.errors import Problem

LONG_TEXT: Final = 2000
MANY_VALUES: Final = 50
LONG_HOURS: Final = 14 * 24


def input_lints(path: Path, capability: Capability, table: Table, at: Positions) -> Iterator[Problem]:
    """Yield what a model is left to guess, or may send too much of."""
    for name, argument in capability.arguments.items():
        here = (*path, "arguments", name)
        if not argument.description:
            yield at.at_key(here, "LNT501", f"`{name}` is not described.", "Add a `description` with an example.")
        if (argument.max_length or 0) > LONG_TEXT:
            message = f"{argument.max_length} characters are more than a person reads before deciding."
            yield at.at_value((*here, "max_length"), "LNT502", message, f"Lower it to {LONG_TEXT}.")
        if (argument.many or 0) > MANY_VALUES:
            message = f"{argument.many} values at once make a list of its own."
            yield at.at_value((*here, "many"), "LNT503", message, f"Lower it to {MANY_VALUES}.")
    if isinstance(capability, ProposeCapability):
        yield from _proposal(path, capability, table, at)
        yield from _notified(path, capability, table, at)


def _proposal(path: Path, capability: ProposeCapability, table: Table, at: Positions) -> Iterator[Problem]:
    for column in capability.set:
        rule = table.columns[column]
        if words.money(column, rule) and column not in capability.bounds and not _closed(rule):
            message = f"`{column}` looks like money, and may be changed by any amount."
            fix = f"Add `bounds: {{{column}: …}}`, of the value before or after, or of the change."
            yield at.at_key((*path, "set", column), "LNT601", message, fix)
    if capability.approval.expires_hours > LONG_HOURS:
        message = f"A proposal waits for {capability.approval.expires_hours} hours."
        fix = f"Lower it to {LONG_HOURS}."
        yield at.at_value((*path, "approval", "expires_hours"), "LNT602", message, fix)
    if capability.approval.fresh and capability.approval.policy:
        message = f"Before the policy {capability.approval.policy} approves, nobody looks at the rows as `fresh` asks of people."
        fix = "Remove `policy`, or `fresh`: the worker's guards hold either way."
        yield at.at_value((*path, "approval", "fresh"), "LNT603", message, fix)


def _notified(path: Path, capability: ProposeCapability, table: Table, at: Positions) -> Iterator[Problem]:
    for index, column in enumerate(capability.notify):
        rule = table.columns[column]
        if words.personal(column, rule) or words.free_text(column, rule):
            looks = "looks personal" if words.personal(column, rule) else "holds what anybody wrote"
            message = f"`{column}` {looks}, and a notification would carry it out."
            yield at.at_value(
                (*path, "notify", index), "LNT604", message, "Remove it; the link leads to the whole change."
            )


def _closed(rule: ColumnRule) -> bool:
    return rule.minimum is not None and rule.maximum is not None
