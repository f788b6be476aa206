"""The rules of deciding: a risk, a policy and an approval say what can be told from a proposal alone, and nothing weaker for more risk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from synapsor.contract.approval import LEVELS, REASON_CODE, Case, Span, levels
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.columns import column_problems, listed_once
from synapsor.contract.document import Path, Positions
from synapsor.contract.mapping import ColumnRule, Table
from synapsor.contract.rules import suggest
from synapsor.contract.tables import NUMBERS
from synapsor.errors import Problem
from synapsor.values import ColumnType

POLICY_SIGNER: Final = "policy_signer"
"""The role of the key that a worker signs policy decisions with; no person has it."""

POLICY_STEWARD: Final = "policy_steward"
"""The role of a person who may stop and start automatic approval."""

WRITEBACK_OPERATOR: Final = "writeback_operator"
"""The role of a person who steers the worker: pauses and resumes it, cancels a job, and requeues or discards one that was given up."""

LOGIN_VOUCHER: Final = "login_voucher"
"""The role of the key with which a console says who logged in with an identity provider; no person has it."""

CODE_VOUCHER: Final = "code_voucher"
"""The role of the key with which an approval server says whose one-time code it saw; no person has it."""

NO_PERSON: Final = frozenset({POLICY_SIGNER, LOGIN_VOUCHER, CODE_VOUCHER})
"""Roles of keys that are no person's; an entry with one of them has nothing else."""


def approval_problems(path: Path, capability: ProposeCapability, table: Table, at: Positions) -> Iterator[Problem]:
    """Yield what is wrong with the reason code, the risk and the approval of a capability."""
    yield from _reason(path, capability, at)
    codes = reason_codes(capability)
    for level, entry in levels(capability.risk).items():
        for name, said in entry.items():
            here: Path = (*path, "risk", level, name)
            if isinstance(said, tuple):
                yield from _codes(here, name, said, codes, at)
            else:
                yield from case_problems(here, name, said, capability, table, at)
    yield from _levels(path, capability, at)


def reason_codes(capability: ProposeCapability) -> tuple[str, ...]:
    """Return the reason codes that a capability's argument allows."""
    argument = capability.arguments.get(capability.reason_argument or "")
    return (argument.one_of or ()) if argument else ()


def _reason(path: Path, capability: ProposeCapability, at: Positions) -> Iterator[Problem]:
    name = capability.reason_argument
    if name is None:
        return
    argument = capability.arguments.get(name)
    if argument is None:
        fix = suggest(name, capability.arguments) or "Declare it under `arguments`."
        yield at.at_value((*path, REASON_CODE), "SYN401", f"`${name}` is not declared.", fix)
    elif argument.type != "string" or argument.one_of is None or argument.optional or argument.many is not None:
        fix = f"Declare `{name}: {{type: string, one_of: […]}}`."
        yield at.at_value((*path, REASON_CODE), "SYN361", f"`${name}` does not say why in one word of a list.", fix)


def _codes(here: Path, name: str, listed: tuple[str, ...], known: tuple[str, ...], at: Positions) -> Iterator[Problem]:
    if name != REASON_CODE:
        fix = f"Write `{name}: {{before: {{one_of: […]}}}}`."
        yield at.at_value(here, "SYN362", f"A list stands for `{REASON_CODE}`, and not for a column.", fix)
        return
    yield from listed_once(here, listed, at)
    yield from code_problems(here, listed, known, at)


def code_problems(here: Path, listed: tuple[str, ...], known: tuple[str, ...], at: Positions) -> Iterator[Problem]:
    """Yield each listed reason code that the capability does not know."""
    for index, code in enumerate(listed):
        if code not in known:
            fix = suggest(code, known) or "Give the capability a `reason_code` that allows it."
            yield at.at_value((*here, index), "SYN365", f"`{code}` is no reason code of the capability.", fix)


def case_problems(
    here: Path, column: str, case: Case, capability: ProposeCapability, table: Table, at: Positions
) -> Iterator[Problem]:
    """Yield what is wrong with the conditions on one column."""
    found = list(column_problems(here, column, table, at))
    yield from found
    if found:
        return
    said = {name: span for name in Case.model_fields if (span := getattr(case, name)) is not None}
    if not said:
        yield at.at_key(here, "SYN363", "The condition says nothing.", "Add `before`, `after` or `change`.")
    for name, span in said.items():
        yield from _span((*here, name), column, span, table.columns[column], at)
        if name != "before" and column not in capability.set:
            message = f"`{column}` is not set, so nothing can be said of it afterwards."
            yield at.at_key((*here, name), "SYN364", message, "Write `before`, or remove it.")


def _span(here: Path, column: str, span: Span, rule: ColumnRule, at: Positions) -> Iterator[Problem]:
    ranged = span.at_least is not None or span.at_most is not None
    if not ranged and span.one_of is None:
        yield at.at_key(here, "SYN363", "The condition says nothing.", "Add `at_least`, `at_most` or `one_of`.")
    if span.at_least is not None and span.at_most is not None and span.at_least > span.at_most:
        yield at.at_value((*here, "at_least"), "SYN363", "`at_least` is above `at_most`.", "Exchange them.")
    if ranged and rule.type not in NUMBERS:
        fix = "Write `one_of`." if rule.type is ColumnType.TEXT else "Remove it."
        yield at.at_key(here, "SYN362", f"`{column}` is {rule.type.value}, which has no range.", fix)
    if span.one_of is not None:
        yield from listed_once((*here, "one_of"), span.one_of, at)
        if rule.type is not ColumnType.TEXT or here[-1] == "change":
            yield at.at_key(
                (*here, "one_of"), "SYN362", "A list is compared with a text, before or after.", "Remove it."
            )


def _levels(path: Path, capability: ProposeCapability, at: Positions) -> Iterator[Problem]:
    approval, named = capability.approval, levels(capability.risk)
    here: Path = (*path, "approval")
    for place, role in (((*here, "role"), approval.role), *_other_roles(here, capability)):
        if role in {*NO_PERSON, POLICY_STEWARD, WRITEBACK_OPERATOR}:
            yield at.at_value(place, "SYN368", f"`{role}` decides on no proposal.", "Name a role of people.")
    for level in LEVELS[1:]:
        other = approval.high if level == "high" else approval.medium
        if other is None:
            continue
        if level not in named:
            fix = f"Add `risk: {{{level}: …}}`, or remove it."
            yield at.at_key((*here, level), "SYN366", f"Nothing is of {level} risk.", fix)
        if not other.model_dump(exclude_none=True):
            yield at.at_key((*here, level), "SYN366", "It says nothing.", "Add `role`, `quorum` or `expires_hours`.")
    asked = [approval.at(level).people for level in LEVELS if level == "low" or level in named]
    if asked != sorted(asked):
        yield at.at_key(here, "SYN367", "A higher risk asks for fewer people.", "Raise its `quorum`.")


def _other_roles(here: Path, capability: ProposeCapability) -> Iterator[tuple[Path, str]]:
    stricter: Mapping[str, object] = {"high": capability.approval.high, "medium": capability.approval.medium}
    for level, other in stricter.items():
        role = getattr(other, "role", None)
        if role is not None:
            yield (*here, level, "role"), role
