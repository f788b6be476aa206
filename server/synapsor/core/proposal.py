"""A write proposal: the exact rows as they are, the exact change, the guards, and the digest that an approval is about.

One row is a set of one: every rule is over `members`, and the digest covers each of them in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from synapsor.contract.approval import Level
from synapsor.contract.changes import Operation
from synapsor.core.measure import Images, images
from synapsor.core.moment import Instant
from synapsor.core.records import to_body
from synapsor.core.statements import SignedLogin
from synapsor.errors import IntegrityError
from synapsor.values import SAFE_INTEGER, ColumnType, Json, Token, digest


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

    @property
    def stands(self) -> str:
        """How a proposal stands, as the end of a sentence about it."""
        return _STANDS[self]


_S = Status
_STANDS: Mapping[Status, str] = {
    _S.REVIEW_REQUIRED: "waits for review",
    _S.APPROVED: "is approved",
    _S.REJECTED: "is rejected",
    _S.EXPIRED: "has expired",
    _S.CANCELED: "is canceled",
    _S.SUPERSEDED: "is superseded",
    _S.APPLIED: "is applied",
    _S.CONFLICT: "ended in a conflict",
    _S.FAILED: "has failed",
    _S.RECONCILIATION_REQUIRED: "needs a person to look at its source",
}
TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    _S.REVIEW_REQUIRED: frozenset({_S.APPROVED, _S.REJECTED, _S.EXPIRED, _S.CANCELED, _S.SUPERSEDED}),
    _S.APPROVED: frozenset({_S.APPLIED, _S.CONFLICT, _S.FAILED, _S.CANCELED, _S.RECONCILIATION_REQUIRED}),
    _S.RECONCILIATION_REQUIRED: frozenset({_S.APPLIED, _S.FAILED}),
}
"""Every allowed step; a status that is no key here is terminal."""

OPEN = frozenset(TRANSITIONS)
"""Where a proposal stands that has not reached its end."""


def stepped(status: Status | None, facts: Mapping[str, Any]) -> Status:
    """Return where a proposal stands after an event that tells of a step; before the first one it stands nowhere.

    Raises:
        IntegrityError: there is no such step.
    """
    origin, target = facts.get("origin"), facts.get("target")
    allowed = {Status.REVIEW_REQUIRED} if status is None else TRANSITIONS.get(status, frozenset())
    if origin != (status.value if status else None) or target not in {each.value for each in allowed}:
        raise IntegrityError("A proposal took a step that there is not.")
    return Status(target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One row of a proposal, frozen.

    Attributes:
        key: the columns that name it, and their tokens: the table's key, or for a row that is to be, its `dedup` columns.
        before: tokens of every mapped, allowed column as read from the source, the key and tenant among them, hidden ones sealed;
            nothing for an insert.
        changes: tokens of the columns that are set, after the change; nothing for a delete.
        hidden: what a model saw of the columns that are not shown as they are.
        depends: tokens of the columns of related rows that must be as they were, by their paths.
    """

    key: tuple[tuple[str, str], ...]
    before: dict[str, Token]
    changes: dict[str, Token]
    hidden: dict[str, Token] = field(default_factory=dict)
    depends: dict[str, Token] = field(default_factory=dict)

    @property
    def after(self) -> dict[str, Token]:
        """The row with the overlay of changes."""
        return {**self.before, **self.changes}

    @property
    def row(self) -> dict[str, Token]:
        """What is known of the row: as it is, or for an insert as it is to be."""
        return self.before or self.changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """The applied change that a proposal takes back, and how an operator asked for that.

    Attributes:
        digest: of that change's proposal.
        principal: whose rows they are, as that change had it; the one who asks for the undo is the proposal's own principal.
        depth: 1 for an undo, 2 for an undo of an undo, and so on.
        signature: the operator's, over all that is asked.
    """

    proposal: str
    digest: str
    principal: str
    depth: int
    reason: str
    signature: str


AmendKind = Literal["edit", "extend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """The proposal whose place a proposal takes, and which operator saw to that.

    Attributes:
        kind: `edit` with other arguments than that one, or `extend` with the same ones and a new time.
        digest: of that proposal.
        arguments: the names of those that are others than that one's.
        editors: everybody who has edited it since the agent asked for it; none of them decides on it.
        depth: how many amendments it is away from what the agent asked for.
        signature: the operator's over the whole of this proposal, and `login` what lets a session's key speak for them.
    """

    kind: AmendKind
    proposal: str
    digest: str
    operator: str
    reason: str
    arguments: tuple[str, ...]
    editors: tuple[str, ...]
    depth: int
    signature: str
    login: SignedLogin | None = None


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """An immutable proposal. Every field is covered by `digest`.

    Attributes:
        operation: what is done to every member.
        members: the rows, in the order of their keys; none enters later.
        named: the sets of columns by which the contract names rows of the relation: keys, and the `dedup` of inserts.
        guards: columns that must still hold their `before` token when the change is applied.
        advances: the version column that must have moved after the change, or None for a whole-row guard.
        moves: columns that the database itself changes with every update.
        own: columns whose value is made of the proposal itself, so that the same request asked again has another one.
        arguments: what the model sent, kept to be shown as untrusted text.
        request: the idempotency key: the same request has the same one.
        nonce: makes two otherwise equal proposals different.
        quorum: how many different people must approve it.
        risk: as the contract's rule computes it from the rows and the reason code.
        reason_code: why, in one word of the contract's list.
        policy: the policy that may approve it without a person, where the project allows that.
        step_up: whether an approval takes a one-time code, too, and `by_prompt` whether it may come through a prompt.
        shadow: whether what is approved is measured before, by carrying it out and rolling it back.
        group_id: the group that it stands or falls with, and `group_of` the capabilities that the group has one proposal of each of.
        workflow: the workflow that it was made in, and `run` the connection in which its reads were made.
        rests_on: what was read before in the same run: capability, evidence handle and evidence digest of each.
        undoes: of an undo, the applied change that it takes back; None of every other proposal.
        amends: of one that an operator edited or extended, the proposal whose place it takes; None of every other.
        executor: who carries it out, by the contract's name for it; None for the worker itself.
    """

    id: str
    branch: str
    at: Instant
    expires_at: Instant
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
    operation: Annotated[str, frozenset(Operation).__contains__]
    members: tuple[Member, ...]
    columns: tuple[tuple[str, Annotated[str, frozenset(ColumnType).__contains__]], ...]
    guards: tuple[str, ...]
    advances: str | None
    moves: tuple[str, ...]
    own: tuple[str, ...] = ()
    named: tuple[tuple[str, ...], ...] = ()
    arguments: dict[str, Any]
    evidence: str
    evidence_digest: str
    request: str
    role: str
    quorum: int = 1
    risk: Level = "low"
    reason_code: str | None = None
    policy: str | None = None
    step_up: bool = False
    by_prompt: bool = False
    shadow: bool = False
    workflow: str | None = None
    run: str | None = None
    rests_on: tuple[tuple[str, str, str], ...] = ()
    group_id: str | None = None
    group_of: tuple[str, ...] = ()
    undoes: Undone | None = None
    amends: Amended | None = None
    executor: str | None = None

    @cached_property
    def digest(self) -> str:
        """What an approval signs."""
        return digest("proposal", to_body(self))

    def lapsed(self, now: str) -> bool:
        """Tell whether its time is over: from the moment at which it expires nothing is decided on it or made of it."""
        return now >= self.expires_at

    @property
    def scope(self) -> tuple[tuple[str, Token], ...]:
        """The columns that the session decides, and what they must hold."""
        pairs = ((self.tenant_column, self.tenant), (self.principal_column, self.owner))
        return tuple((name, token) for name, token in pairs if name is not None)

    @property
    def owner(self) -> str:
        """Whose rows they are: the one who asks, or for an undo the one who asked for the change that it takes back."""
        return self.principal if self.undoes is None else self.undoes.principal

    @property
    def rows(self) -> tuple[Images, ...]:
        """Each row that it is about, column by column before and after: what conditions are over."""
        return rows_of(self.members, gone=self.deletes)

    @property
    def changed(self) -> tuple[str, ...]:
        """The columns that are set; the same ones in every member."""
        return tuple(self.members[0].changes) if self.members else ()

    @property
    def hidden(self) -> frozenset[str]:
        """The columns that are not shown as they are; the same ones in every member."""
        return frozenset(self.members[0].hidden) if self.members else frozenset()

    @property
    def changes_hidden(self) -> bool:
        """Whether a value would change that is not shown as it is."""
        return not self.hidden.isdisjoint(self.changed)

    @property
    def inserts(self) -> bool:
        """Whether the rows are not there yet."""
        return self.operation == Operation.INSERT

    @property
    def deletes(self) -> bool:
        """Whether the rows are not to be there any more."""
        return self.operation == Operation.DELETE


def rows_of(members: Iterable[Member], *, gone: bool = False) -> tuple[Images, ...]:
    """Return the rows that a change is about, column by column before and after; nothing after a delete."""
    return tuple(images(member.before, member.changes, gone=gone) for member in members)


def as_of(now: str, status: Status, proposal: Proposal) -> Status:
    """Return a proposal's status as it is told: what waits past its time has expired, though nothing has recorded that yet."""
    return Status.EXPIRED if status is Status.REVIEW_REQUIRED and proposal.lapsed(now) else status


def request_key(
    capability: str,
    contract: str,
    tenant: Token,
    principal: str,
    arguments: Mapping[str, Any],
    *,
    run: str | None = None,
) -> str:
    """Return the idempotency key of a proposal request; `run` where the same request of another run is another one."""
    exact = {name: [type(value).__name__, exact_json(value)] for name, value in arguments.items()}
    return digest("request", [capability, contract, tenant, principal, exact, *([run] if run else [])])


def undo_key(proposal: str, digest_of: str) -> str:
    """Return the idempotency key of every undo of one proposal."""
    return digest("undo", [proposal, digest_of])


def exact_json(value: Any) -> Json:
    """Return checked data in a form that canonical JSON keeps: floats and integers beyond 2^53 as text."""
    if type(value) is list:
        return [exact_json(item) for item in value]
    if type(value) is dict:
        return {name: exact_json(item) for name, item in value.items()}
    if type(value) is float or (type(value) is int and not -SAFE_INTEGER <= value <= SAFE_INTEGER):
        return repr(value)
    scalar: Json = value
    return scalar
