"""The review card as data: all that a decision is about, told once, for every place where a person may look at it.

Nothing in here decides how it is drawn. What came from a model, a database or a person is a `Text`, harmless already and marked where
it was cut; a plain `str` is one of Synapsor's own words. Rows, guards and changes are those that the digest covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from synapsor.approve.card.cells import Action, DoneRow, Field, Moment, Row, Total, Value
from synapsor.approve.card.now_view import Now
from synapsor.core.plain import Text
from synapsor.core.proposal import AmendKind

VERSION: Final = 1
"""Of the structure, as `--json` gives it: a new number when something in it is renamed, removed or means something else."""

Proof = Literal["proven", "missing", "altered", "recorded"]
Verdict = Literal["approved", "deferred", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What it is about.

    Attributes:
        tenant: the column and the tenant, or None where the relation has one tenant only.
        tenant_in_key: the key of every row names the tenant, too.
        advances, moves: the version column that must move with the change, and the columns that the database may change with it.
        executor: the application that carries it out, or None where the worker does.
    """

    source: Text
    relation: Text
    operation: Text
    action: Action
    tenant: Field | None
    tenant_in_key: bool
    advances: Text | None
    moves: tuple[Text, ...]
    executor: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks, when and by what; nobody decides on what they asked for."""

    by: Text
    client: Text
    at: Moment
    capability: Text
    contract: Text
    workflow: Text | None
    run: Text | None
    reason_code: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """What the agent sent, untrusted; `quoted` as in a value."""

    name: Text
    text: Text
    quoted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A column of rows that were read; `hidden` is how it was shown to the model, where that was not as it is."""

    name: Text
    kind: str
    hidden: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows that were read.

    Attributes:
        name, more: of a list that came along with a row, None for the rows themselves; how many rows the evidence holds beyond these.
        cut_by: the limit that cut them when they were read, so that there may be others; None when they were all.
    """

    name: Text | None
    columns: tuple[Heading, ...]
    rows: tuple[tuple[Value, ...], ...]
    more: int = 0
    cut_by: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One read by the agent.

    Attributes:
        own: it is what the proposal itself was made from, and else a read before it in the same run.
        proof: whether the ledger holds it as the proposal names it; `recorded` is in the ledger, and the proposal does not name it.
        at: when it was read; None, and no rows, where it is not in the ledger as it was.
    """

    handle: Text
    own: bool
    proof: Proof
    capability: Text
    at: Moment | None
    rows: tuple[Rows, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """How many different people must approve, and who has: only approvals that count now, and nobody twice."""

    role: Text
    have: int
    need: int
    by: tuple[Text, ...]
    not_by: Text
    with_code: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLimit:
    """A limit of a policy's day that a proposal would break.

    Attributes:
        of: what is counted by itself: `policy`, `tenant`, `principal` or `object`.
        observed: what the day held when the policy looked, `proposed` what this would add, `most` the limit.
    """

    what: Text
    of: Text
    observed: Value
    proposed: Value
    most: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVerdict:
    """What the reviewed policy says: `open` while no worker has looked, and else that it approved or left it to a person, and why.

    Attributes:
        why: the rule, in one word; `words` in plain ones, and `limit` where it is a limit.
        approves: what the policy approves without a person, in plain words.
        stopped: a person has stopped automatic approval, so that none is asked.
    """

    name: Text
    verdict: Verdict
    why: Text | None = None
    words: Text | None = None
    limit: PolicyLimit | None = None
    approves: Text | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideRow:
    """What another proposal does to a row, in short: `changes` are name, before and after."""

    key: tuple[Field, ...]
    removed: bool
    changes: tuple[tuple[Text, Value, Value], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Another proposal of the same group, which is decided on by itself."""

    proposal: Text
    capability: Text
    status: str
    have: int
    need: int
    rows: tuple[BesideRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What is applied in one transaction with it, or not at all; `missing` are capabilities that nothing was proposed by yet."""

    others: tuple[Beside, ...]
    missing: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another open proposal about one of the rows.

    Attributes:
        keys: the rows in common.
        columns: the columns that both change.
        removes: it removes them.
    """

    proposal: Text
    capability: Text
    status: str
    stands: str
    by: Text
    at: Moment
    expires: Moment
    keys: tuple[tuple[Field, ...], ...]
    columns: tuple[Text, ...]
    removes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """The other open proposals about the same rows; `more` says that there are others, which are not told."""

    told: tuple[Rival, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision on record.

    Attributes:
        policy: the policy that made it, with the key of `by`; None for a person.
        session: by what session it was signed, and who vouched for it; None where the key of `by` itself signed.
        preset: of a rejection, why in one word; None where none was chosen.
        doubt: why nothing proves it, or None.
    """

    verdict: str
    by: Text
    role: Text
    policy: Text | None
    session: Text | None
    at: Moment
    preset: Text | None
    reason: Text | None
    doubt: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What an attempt to apply it came to: a receipt, with what its code means in plain words."""

    outcome: Text
    code: Text | None
    moved: tuple[Text, ...]
    meaning: str
    receipt: Text
    worker: Text
    at: Moment
    rows: tuple[DoneRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """That it ended before anybody could approve it; `because` is the proposal that it fell with, `by` the one that took its place."""

    how: Text
    because: Text | None
    by: Text | None
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """An argument that a reviewer changed: what the agent sent, and what it is now; None where it was or is not given."""

    name: Text
    before: Argument | None
    after: Argument | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Amends:
    """The proposal whose place it takes, and what a reviewer has changed of what the agent asked for.

    Attributes:
        kind: `edit` or `extend`.
        editors: everybody who edited it; none of them decides.
        edited: against what the agent sent, over all amendments.
    """

    kind: AmendKind
    proposal: Text
    by: Text
    reason: Text
    editors: tuple[Text, ...]
    edited: tuple[Edited, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What a person asked the agent, and what that answered, untrusted.

    Attributes:
        doubt: why nothing proves who asked, or None.
        answer: None where there is none so far, or, where it is `over`, never was: what it was asked about is not in review any more.
    """

    id: Text
    by: Text
    at: Moment
    text: Text
    doubt: Text | None
    answer: Text | None
    answered: Moment | None
    over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoes:
    """The applied change that it takes back, and why the one who asks says that should be."""

    proposal: Text
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoneBy:
    """A proposal that would undo it, or did."""

    proposal: Text
    status: str
    stands: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoable:
    """Whether it can be undone, `once_applied` where it is not yet; and else why not."""

    can: bool
    once_applied: bool
    why: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a person sees before they decide.

    Attributes:
        full: everything was asked for, so nothing is cut.
        proposal: the handle as it is recorded, and `handle` the same for the eye.
        digest: recomputed from the proposal that is shown.
        status: as it is at `made`: what waits past its time has expired. `stands` says it as the end of a sentence.
        whole: nothing of what is decided on was cut; nobody approves while this is false.
        tampered: it is not what it was made from, or the ledger contradicts itself about it; nobody approves it.
        warnings: what speaks against deciding.
        lapsed: its time is over, whatever else it is.
        totals: of several rows.
        rests_on: the evidence that the proposal names, that of the proposal itself first.
        also_read: what else was read in the same run before it, by the same person, newest first; `also_more` where there is more.
        risk: by the contract's rule, and `risk_because` which part of it made it so.
        policy: the one that could have approved it; None where a person decides on every such change.
        ends: what ended it, `decided` and `attempts` what became of it, `waits_for` the job that is not done.
        steered: what people have said is to become of that job, and `held` what keeps it from being done, or what came too late.
        now: a look at the source as it is, where one was asked for.
        amends: of one that a reviewer edited or extended, what that was.
        sent: the agent's own words, untrusted, as it sent them; of an undo there are none, since a person asked for it.
        questions: what people asked the agent and what it answered, of the proposals whose place it takes as well.
    """

    version: int = VERSION
    made: str
    full: bool
    proposal: str
    handle: Text
    digest: str
    status: str
    stands: str
    whole: bool
    tampered: bool
    warnings: tuple[str, ...]
    asked: Asked
    expires: Moment
    lapsed: bool
    target: Target
    rows: tuple[Row, ...]
    totals: tuple[Total, ...]
    rests_on: tuple[Evidence, ...]
    also_read: tuple[Evidence, ...]
    also_more: bool
    risk: Text
    risk_because: Text | None
    quorum: Quorum
    policy: PolicyVerdict | None
    group: Group | None
    rivals: Rivals
    decided: tuple[Decided, ...]
    attempts: tuple[Attempt, ...]
    waits_for: Text | None
    steered: tuple[Text, ...]
    held: Text | None
    ends: tuple[Ended, ...]
    undoes: Undoes | None
    undone_by: tuple[UndoneBy, ...]
    undo: Undoable | None
    amends: Amends | None
    sent: tuple[Argument, ...]
    questions: tuple[Talk, ...]
    now: Now | None = None
