"""The review card as data: all that a decision is about, told once, for every place where a person may look at it.

Nothing in here decides how it is drawn. What came from a model, a database or a person is a `Text`, harmless already and marked where
it was cut; a plain `str` is one of Synapsor's own words. Rows, guards and changes are those that the digest covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from synapsor.approve.card.amended_view import Amends, Argument, Talk
from synapsor.approve.card.beside_view import Group, Rivals
from synapsor.approve.card.cells import Action, Field, Moment, Row, Total, Value
from synapsor.approve.card.decided_view import Attempt, Decided, Ended
from synapsor.approve.card.now_view import Now
from synapsor.approve.card.read_view import Evidence
from synapsor.approve.card.shadow_view import Shadow
from synapsor.approve.card.undo_view import Undoable, Undoes, UndoneBy
from synapsor.core.plain import Text

VERSION: Final = 1
"""Of the structure, as `--json` gives it: a new number when something in it is renamed, removed or means something else."""

RECEIPTLESS: Final = (
    "kept by the ledger alone: where the answer of its commit is lost, nobody can ask the source, it is not tried again, "
    "and a person has to say what became of it; what only a person says was applied cannot be undone"
)
"""What it means that a source keeps no receipts, for who decides."""

Verdict = Literal["approved", "deferred", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What it is about.

    Attributes:
        tenant: the column and the tenant, or None where the relation has one tenant only.
        tenant_in_key: the key of every row names the tenant, too.
        advances, moves: the version column that must move with the change, and the columns that the database may change with it.
        executor: the application that carries it out, or None where the worker does.
        receiptless: the source keeps no receipt of it, so that nobody can ask what became of it where the answer of its commit is lost.
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
    receiptless: bool


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
class Card:
    """What a person sees before they decide.

    Attributes:
        full: everything was asked for, so nothing is cut.
        proposal: the handle as it is recorded, and `handle` the same for the eye.
        digest: recomputed from the proposal that is shown, and from what was measured of it.
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
        shadow: what was measured of it; None where its contract does not ask for that.
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
    shadow: Shadow | None
    now: Now | None = None
