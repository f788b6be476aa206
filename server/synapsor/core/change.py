"""What a proposal capability makes of the rows and of who asks: each member's exact change, inside every bound, or a refusal.

The worker makes it again from the activated contract, so nothing in here may depend on more than the proposal itself holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from typing import Any

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Bound, Computed, Operation, Range, SetTo, in_item
from synapsor.contract.conditions import Scalar, constant, is_argument
from synapsor.contract.guards import guards_of
from synapsor.contract.mapping import ColumnRule, Table
from synapsor.contract.paths import rule_at
from synapsor.contract.tokens import to_token
from synapsor.core.matching import satisfies
from synapsor.core.moment import parse
from synapsor.core.proposal import Member
from synapsor.errors import Code, Refusal
from synapsor.values import ColumnType, Token, ValueUnfit

Item = Mapping[str, Any]
_NO_ITEM: Item = {}
_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow])
"""A rounded number could be inside a bound that the true one breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a change is made of beside the rows: the checked arguments, who asks, when, and under which handle."""

    arguments: Mapping[str, Any]
    tenant: Token
    principal: str
    proposal: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What a proposal capability makes of the current rows and the request."""

    members: tuple[Member, ...]
    guards: tuple[str, ...]
    advances: str | None
    own: tuple[str, ...]


def change_set(
    capability: ProposeCapability, table: Table, request: Request, rows: Sequence[Mapping[str, Token]]
) -> ChangeSet:
    """Return the change of the current rows; of an insert there are none.

    Raises:
        Refusal: a row is not what the capability is about, a value does not fit its column, a bound is broken, or nothing would change.
    """
    _keep_to(capability, table, request, rows)
    if capability.operation is Operation.INSERT:
        members = [_inserted(capability, table, request, item) for item in _items(capability, request)]
    else:
        members = [_changed(capability, table, request, row) for row in rows]
    members.sort(key=lambda member: [_place(table.columns[name].type, token) for name, token in member.key])
    _hold_together(capability, members)
    for member in members:
        for name, bound in capability.bounds.items():
            _hold(name, bound, member.before.get(name), member.after.get(name))
        for name, steps in capability.transitions.items():
            before = member.before[name]
            if before is None or member.changes[name] not in steps.get(before, ()):
                raise Refusal(Code.OUT_OF_BOUNDS, f"{name}: not a reviewed step.")
    # Of a hidden column not even that it has this value already is told: a model could try one after the other.
    hides = any(table.columns[name].show is not None for name in capability.set)
    if capability.operation is Operation.UPDATE and not hides and all(m.before == m.after for m in members):
        raise Refusal(Code.NOTHING_TO_CHANGE)
    guards, advances = guards_of(capability, table)
    own = tuple(n for n, v in capability.set.items() if isinstance(v, Computed) and v.from_ in {"now", "proposal"})
    return ChangeSet(members=tuple(members), guards=guards, advances=advances, own=own)


def _keep_to(
    capability: ProposeCapability, table: Table, request: Request, rows: Sequence[Mapping[str, Token]]
) -> None:
    """Refuse rows that are not those which the capability asks for, as far as their tokens tell."""
    try:
        alike = all(
            satisfies(row, capability.where, table.columns, request.arguments)
            and satisfies(row, table.only, table.columns, {})
            for row in rows
        )
    except ValueUnfit as unfit:
        raise Refusal(Code.INVALID_ARGUMENTS, f"{unfit}.") from None
    if not alike:
        raise Refusal(Code.NOT_FOUND)


def require(
    capability: ProposeCapability, table: Table, tables: Mapping[str, Table], members: Iterable[Member]
) -> None:
    """Hold the rows, with what they depend on, to what the capability requires of them before the change.

    Raises:
        Refusal: one of them is otherwise.
    """
    rules = {path: rule for path in capability.requires if (rule := rule_at(path, table, tables)) is not None}
    for member in members:
        row = {**member.before, **member.depends}
        for path, said in capability.requires.items():
            if not satisfies(row, {path: said}, rules, {}):
                raise Refusal(Code.NOT_AS_REQUIRED, f"{path}: not as is required.")


def counted_again(capability: ProposeCapability, table: Table, token: Token) -> Token:
    """Return what follows a value of the column that every change of the capability counts up.

    Raises:
        Refusal: there is nothing to count from, or the column takes no more.
    """
    name = str(capability.advances)
    value = capability.set[name]
    assert isinstance(value, Computed)  # noqa: S101  # check.py refuses every other
    nobody = Request(arguments={}, tenant=None, principal="", proposal="", at="")  # a fixed amount asks nobody
    return _counted(name, value, table.columns[name], nobody, token)


def _place(kind: ColumnType, token: Token) -> tuple[bool, Decimal, str]:
    """Return where a part of a key stands among others of its column: a number by its value, all else by its text."""
    text = token or ""
    number = Decimal(text) if text and kind in {ColumnType.INTEGER, ColumnType.NUMERIC} else Decimal()
    return token is not None, Decimal() if number.is_nan() else number, text


def too_many_rows() -> Refusal:
    """Return the refusal of a set that is larger than the contract allows; how large it may be is not told."""
    return Refusal(
        Code.OUT_OF_BOUNDS,
        "There are more rows than one proposal may change.",
        fix="Narrow it: give arguments that fewer rows answer to, and propose for the others apart.",
    )


def _hold_together(capability: ProposeCapability, members: Sequence[Member]) -> None:
    most = capability.members.at_most if capability.members else len(members) if capability.items else 1
    if len(members) > most:
        raise too_many_rows()
    if not members:
        raise Refusal(Code.NOT_FOUND)
    if len({member.key for member in members}) != len(members):
        raise Refusal(Code.INVALID_ARGUMENTS, "Two of the rows are the same one.")
    for name, bound in (capability.members.totals if capability.members else {}).items():
        total = totals_of(members, name)
        for which, limits in (("before", bound.before), ("after", bound.after), ("change", bound.change)):
            _within(name, f"total {which}", limits, total[which])


def totals_of(members: Iterable[Member], name: str) -> dict[str, Token]:
    """Return the exact sums of a column before, after and of the change; None where a value is missing or no number.

    Raises:
        Refusal: a sum has too many digits to be exact.
    """
    sums: dict[str, Token] = {}
    pairs = [(member.before.get(name), member.after.get(name)) for member in members]
    with localcontext(_EXACT):
        for which, tokens in (("before", [b for b, _ in pairs]), ("after", [a for _, a in pairs])):
            try:
                sums[which] = (
                    None if None in tokens else format(sum((_number(t or "") for t in tokens), Decimal()), "f")
                )
            except ArithmeticError:
                raise Refusal(Code.OUT_OF_BOUNDS, f"{name} (total {which}).") from None
    before, after = sums["before"], sums["after"]
    sums["change"] = None if before is None or after is None else _difference(name, before, after)
    return sums


def _changed(capability: ProposeCapability, table: Table, request: Request, row: Mapping[str, Token]) -> Member:
    key = tuple((name, token) for name in table.key if (token := row[name]) is not None)
    if len(key) != len(table.key):
        raise Refusal(Code.SCHEMA_DRIFT)
    changes = {
        name: _value(name, value, table.columns[name], request, _NO_ITEM, row) for name, value in capability.set.items()
    }
    return Member(key=key, before=dict(row), changes=changes)


def _inserted(capability: ProposeCapability, table: Table, request: Request, item: Item) -> Member:
    changes = {
        name: _value(name, value, table.columns[name], request, item, {}) for name, value in capability.set.items()
    }
    scope = {table.tenant_column: request.tenant, table.principal: request.principal}
    key = []
    for name in capability.dedup:
        token = scope[name] if name in table.scope else changes[name]
        if token is None:
            raise Refusal(Code.INVALID_ARGUMENTS, f"{name}: a value is needed.")
        key.append((name, token))
    return Member(key=tuple(key), before={}, changes=changes)


def _items(capability: ProposeCapability, request: Request) -> Sequence[Item]:
    return request.arguments[capability.items[1:]] if capability.items else (_NO_ITEM,)


def _value(name: str, value: SetTo, rule: ColumnRule, request: Request, item: Item, row: Mapping[str, Token]) -> Token:
    try:
        if not isinstance(value, Computed):
            return to_token(_given(value, request, item), rule)
        if value.amount is not None:
            return _counted(name, value, rule, request, row[name])
        return _session(value, rule, request)
    except ValueUnfit as unfit:
        given = value.amount if isinstance(value, Computed) else value
        said = str(given)[1:] if is_argument(given) else name
        raise Refusal(Code.INVALID_ARGUMENTS, f"{said}: {unfit}.") from None


def _given(value: Scalar, request: Request, item: Item) -> Any:
    if field := in_item(value):
        return item[field]
    return request.arguments.get(str(value)[1:]) if is_argument(value) else constant(value)


def _counted(name: str, value: Computed, rule: ColumnRule, request: Request, before: Token) -> Token:
    """Return the value before and the amount, exactly; what has no value cannot be counted on."""
    free = rule.model_copy(update={"minimum": None, "maximum": None})
    amount = to_token(_given(value.amount, request, _NO_ITEM), free)
    if before is None or amount is None:
        raise Refusal(Code.OUT_OF_BOUNDS, f"{name}: no value to count from.")
    if _number(amount) < 0:
        raise ValueUnfit("an amount is not negative")
    try:
        with localcontext(_EXACT):
            sign = 1 if value.add is not None else -1
            result = format(_number(before) + sign * _number(amount), "f")
            return to_token(int(result) if rule.type is ColumnType.INTEGER else result, rule)
    except (ArithmeticError, ValueError, ValueUnfit):
        raise Refusal(Code.OUT_OF_BOUNDS, f"{name}: outside what the column takes.") from None


def _session(value: Computed, rule: ColumnRule, request: Request) -> Token:
    if value.from_ == "tenant":
        return request.tenant
    if value.from_ == "now":
        return _moment(request.at, rule)
    return to_token(request.principal if value.from_ == "principal" else request.proposal, rule)


def _moment(at: str, rule: ColumnRule) -> Token:
    """Return the moment of the request, to the second: what every column that keeps a moment keeps as it is."""
    moment = parse(at).replace(microsecond=0, tzinfo=None).isoformat()
    if rule.type is ColumnType.DATE:
        return to_token(moment[:10], rule)
    return to_token(moment + "Z" if rule.type is ColumnType.TIMESTAMPTZ else moment, rule)


def _hold(name: str, bound: Bound, before: Token, after: Token) -> None:
    _within(name, "before", bound.before, before)
    _within(name, "after", bound.after, after)
    if bound.change is not None:
        if before is None or after is None:
            raise Refusal(Code.OUT_OF_BOUNDS, f"{name}: no value to compare.")
        _within(name, "change", bound.change, _difference(name, before, after))


def _difference(name: str, before: str, after: str) -> str:
    """Return the exact difference."""
    try:
        with localcontext(_EXACT):
            return str(_number(after) - _number(before))
    except ArithmeticError:
        raise Refusal(Code.OUT_OF_BOUNDS, f"{name} (change).") from None


def _within(name: str, which: str, limits: Range | None, token: Token) -> None:
    if limits is None:
        return
    if token is None:
        raise Refusal(Code.OUT_OF_BOUNDS, f"{name} ({which}): no value.")
    number = _number(token)
    low, high = limits.at_least, limits.at_most
    if not number.is_finite() or not ((low is None or number >= low) and (high is None or number <= high)):
        raise Refusal(Code.OUT_OF_BOUNDS, f"{name} ({which}).")


def _number(token: str) -> Decimal:
    return Decimal(token)
