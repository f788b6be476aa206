"""A write proposal: one row's exact before, the exact change, the guards, and the digest that an approval is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from enum import StrEnum
from functools import cached_property
from typing import Any

from synapsor.contract.approval import Level
from synapsor.contract.capability import Bound, ProposeCapability, Range
from synapsor.contract.conditions import constant, is_argument
from synapsor.contract.mapping import Table
from synapsor.contract.tokens import to_token
from synapsor.core.measure import Images, images
from synapsor.core.records import to_body
from synapsor.errors import Code, Refusal
from synapsor.values import SAFE_INTEGER, Json, Token, ValueUnfit, digest


class Status(StrEnum):
    """Where a proposal stands; the ledger's schema holds the same transitions."""

    REVIEW_REQUIRED = "review_required"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELED = "canceled"
    SUPERSEDED = "superseded"
    APPLIED = "applied"
    CONFLICT = "conflict"
    FAILED = "failed"
    RECONCILIATION_REQUIRED = "reconciliation_required"


_S = Status
TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    _S.REVIEW_REQUIRED: frozenset({_S.APPROVED, _S.REJECTED, _S.EXPIRED, _S.CANCELED, _S.SUPERSEDED}),
    _S.APPROVED: frozenset({_S.APPLIED, _S.CONFLICT, _S.FAILED, _S.RECONCILIATION_REQUIRED}),
}
"""Every allowed step; a status that is no key here is terminal."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """An immutable proposal. Every field is covered by `digest`.

    Attributes:
        before: tokens of every mapped, allowed column as read from the source, the key and tenant among them.
        changes: tokens of the changed columns after the change.
        guards: columns that must still hold their `before` token when the change is applied.
        advances: the version column that must have moved after the change, or None for a whole-row guard.
        moves: columns that the database itself changes with every update.
        arguments: what the model sent, kept to be shown as untrusted text.
        request: the idempotency key: the same request has the same one.
        nonce: makes two otherwise equal proposals different.
        quorum: how many different people must approve it.
        risk: as the contract's rule computes it from the rows and the reason code.
        reason_code: why, in one word of the contract's list.
        policy: the policy that may approve it without a person, where the project allows that.
        workflow: the workflow that it was made in, and `run` the connection in which its reads were made.
        rests_on: what was read before in the same run: capability, evidence handle and evidence digest of each.
    """

    id: str
    branch: str
    at: str
    expires_at: str
    nonce: str
    ledger: str
    capability: str
    contract: str
    tenant: Token
    principal: str
    client: str
    source: str
    relation: str
    tenant_column: str | None
    principal_column: str | None
    key: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]
    before: dict[str, Token]
    changes: dict[str, Token]
    guards: tuple[str, ...]
    advances: str | None
    moves: tuple[str, ...]
    arguments: dict[str, Any]
    evidence: str
    evidence_digest: str
    request: str
    role: str
    quorum: int = 1
    risk: Level = "low"
    reason_code: str | None = None
    policy: str | None = None
    workflow: str | None = None
    run: str | None = None
    rests_on: tuple[tuple[str, str, str], ...] = ()

    @cached_property
    def digest(self) -> str:
        """What an approval signs."""
        return digest("proposal", to_body(self))

    @property
    def scope(self) -> tuple[tuple[str, Token], ...]:
        """The columns that the session decides, and what they must hold."""
        pairs = ((self.tenant_column, self.tenant), (self.principal_column, self.principal))
        return tuple((name, token) for name, token in pairs if name is not None)

    @property
    def rows(self) -> tuple[Images, ...]:
        """Each row that it changes, column by column before and after: what conditions are over."""
        return images(self.before, self.changes)

    @property
    def after(self) -> dict[str, Token]:
        """The review branch's row: the base row with the overlay of changes."""
        return {**self.before, **self.changes}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What a proposal capability makes of the current row and the arguments."""

    before: dict[str, Token]
    changes: dict[str, Token]
    guards: tuple[str, ...]
    advances: str | None


def change_set(
    capability: ProposeCapability, table: Table, arguments: Mapping[str, Any], before: dict[str, Token]
) -> ChangeSet:
    """Return the change on the current row.

    Raises:
        Refusal: a value does not fit its column, a bound is broken, or nothing would change.
    """
    changes: dict[str, Token] = {}
    for name, value in capability.set.items():
        raw = arguments.get(str(value)[1:]) if is_argument(value) else constant(value)
        try:
            changes[name] = to_token(raw, table.columns[name])
        except ValueUnfit as unfit:
            raise Refusal(Code.INVALID_ARGUMENTS, f"{name}: {unfit}.") from None
    for name, bound in capability.bounds.items():
        _hold(name, bound, before[name], changes.get(name, before[name]))
    if all(before[name] == token for name, token in changes.items()):
        raise Refusal(Code.NOTHING_TO_CHANGE)
    guards, advances = guards_of(table, changes, before)
    return ChangeSet(before=before, changes=changes, guards=guards, advances=advances)


def guards_of(table: Table, changes: Iterable[str], before: Iterable[str]) -> tuple[tuple[str, ...], str | None]:
    """Return the columns that must still hold what they held, and the version column that must have moved."""
    fixed = {*table.key, *table.scope}
    if table.version == "whole_row":
        return tuple(n for n in before if n not in fixed), None
    assert table.version is not None  # noqa: S101  # check.py refuses a proposal on a mapping without a version
    return tuple(n for n in dict.fromkeys((table.version, *changes, *table.only)) if n not in fixed), table.version


def _hold(name: str, bound: Bound, before: Token, after: Token) -> None:
    _within(name, "before", bound.before, before)
    _within(name, "after", bound.after, after)
    if bound.change is not None:
        if before is None or after is None:
            raise Refusal(Code.OUT_OF_BOUNDS, f"{name}: no value to compare.")
        _within(name, "change", bound.change, _difference(name, before, after))


def _difference(name: str, before: str, after: str) -> str:
    """Return the exact difference: a rounded one could be inside a bound that the true one breaks."""
    try:
        with localcontext(Context(prec=400, traps=[Inexact, InvalidOperation, Overflow])):
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
    if number.is_nan() or not ((low is None or number >= low) and (high is None or number <= high)):
        raise Refusal(Code.OUT_OF_BOUNDS, f"{name} ({which}).")


def _number(token: str) -> Decimal:
    return Decimal(token)


def request_key(capability: str, contract: str, tenant: Token, principal: str, arguments: Mapping[str, Any]) -> str:
    """Return the idempotency key of a proposal request."""
    exact = {name: [type(value).__name__, exact_json(value)] for name, value in arguments.items()}
    return digest("request", [capability, contract, tenant, principal, exact])


def exact_json(value: Any) -> Json:
    """Return a checked scalar in a form that canonical JSON keeps: floats and integers beyond 2^53 as text."""
    if type(value) is float or (type(value) is int and not -SAFE_INTEGER <= value <= SAFE_INTEGER):
        return repr(value)
    scalar: Json = value
    return scalar
