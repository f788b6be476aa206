"""The review card: all that a decision is about, on one screen of a terminal.

It is made from the digest-covered proposal itself and never from a summary; the agent's own words come last and are marked. A card
that had to cut something says so, and nobody approves what they have not seen in full.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from synapsor.approve.decided import decisions, outcome
from synapsor.approve.drawing import Card, Line
from synapsor.approve.terms import Terms
from synapsor.core.change import totals_of
from synapsor.core.group import missing
from synapsor.core.moment import parse, stamp
from synapsor.core.plain import Shown, shown, span
from synapsor.core.policy import deferral_words
from synapsor.core.presenter import covered
from synapsor.core.proposal import Member, Proposal, Status, as_of
from synapsor.core.quorum import counted
from synapsor.core.statements import Operator, SignedDecision
from synapsor.errors import Refusal
from synapsor.ports import ProposalRecord
from synapsor.values import ColumnType, Token, digest

_BARE = frozenset(
    {
        ColumnType.INTEGER,
        ColumnType.NUMERIC,
        ColumnType.FLOAT,
        ColumnType.BOOLEAN,
        ColumnType.DATE,
        ColumnType.TIME,
        ColumnType.TIMESTAMP,
        ColumnType.TIMESTAMPTZ,
        ColumnType.UUID,
    }
)
_OPEN = (Status.REVIEW_REQUIRED, Status.APPROVED)
_COUNTED = frozenset({ColumnType.INTEGER.value, ColumnType.NUMERIC.value})


def card(
    record: ProposalRecord,
    *,
    evidence: Mapping[str, Any] | None,
    terms: Terms,
    now: dt.datetime,
    full: bool = False,
    operators: Mapping[str, Operator] = MappingProxyType({}),
    unproven: Collection[str] = (),
    whole: Proposal | None = None,
    undos: Sequence[ProposalRecord] = (),
) -> Card:
    """Return the card of a proposal as it stands; `terms` are those of the contract that it was made under.

    Approvals count as far as `operators` trusts them; `unproven` are handles of earlier evidence that is not what the proposal names.
    `undos` are the proposals that would undo it, or did. `whole` is the proposal with its hidden values, for who decides; of a column that it does not change they stay covered.
    """
    signed, proposal = record.proposal, _uncovered(record.proposal, whole)
    told = frozenset(signed.changed) if whole else frozenset()
    approvals = counted(record.decisions, signed, operators, ledger=signed.ledger, now=stamp(now))
    maker = _Maker(terms, full=full, covered=frozenset(signed.hidden) - told)
    lines = [
        *maker.head(record, now),
        *decisions(record, operators, now),
        *outcome(record, now),
        *maker.undone(undos, now),
        *(line for at, member in enumerate(proposal.members, 1) for line in maker.member(proposal, member, at)),
        *maker.totals(proposal),
        *maker.rest(signed, evidence, now),
        *maker.group(record, operators, now),
        *maker.needs(record, approvals),
        *maker.undo(record, undos, now),
        *maker.end(signed),
    ]
    # Both are recorded in one transaction, so evidence that is not there was taken away.
    tampered = evidence is None or digest("evidence", evidence) != signed.evidence_digest or bool(unproven)
    warnings = tuple(_warnings(record, evidence, terms, now, tampered=tampered))
    return Card(
        proposal=signed.id,
        digest=signed.digest,
        lines=tuple(lines),
        whole=maker.whole,
        warnings=warnings,
        tampered=tampered,
    )


def _uncovered(proposal: Proposal, whole: Proposal | None) -> Proposal:
    seen = covered(proposal)
    if whole is None:
        return seen
    members = tuple(
        replace(member, before={**member.before, **{n: open_.before[n] for n in open_.hidden if n in open_.changes}})
        for member, open_ in zip(seen.members, whole.members, strict=True)
    )
    return replace(seen, members=members)


class _Maker:
    def __init__(self, terms: Terms, *, full: bool, covered: frozenset[str]) -> None:
        self.terms = terms
        self.covered = covered
        self.full = full
        self.whole = True

    def head(self, record: ProposalRecord, now: dt.datetime) -> Iterator[Line]:
        proposal = record.proposal
        status = as_of(stamp(now), record.status, proposal)
        yield Line(f"Proposal {self._plain(proposal.id)} {status.stands}", "", "title")
        if proposal.undoes is not None:
            yield Line("undoes", f"{self._plain(proposal.undoes.proposal)}, which was applied", "warning")
            yield Line("because", self._seen(shown(proposal.undoes.reason, full=self.full, quoted=True)))
        yield Line("capability", self._plain(proposal.capability))
        yield Line("asked by", f"{self._plain(proposal.principal)}, through {self._plain(proposal.client)}")
        yield Line("asked", f"{self._plain(proposal.at)} ({span(now - parse(proposal.at))} ago)")
        left = "EXPIRED" if proposal.lapsed(stamp(now)) else f"in {span(parse(proposal.expires_at) - now)}"
        yield Line("expires", f"{self._plain(proposal.expires_at)} ({left})")
        yield Line("target", f"{self._plain(proposal.source)}: {self._plain(proposal.relation)}")
        yield Line("operation", self._plain(proposal.operation))
        tenant = (
            f"{self._plain(proposal.tenant_column)} = {self._value(proposal, proposal.tenant_column, proposal.tenant)}"
            if proposal.tenant_column
            else "single tenant"
        )
        if len(proposal.members) == 1:
            (member,) = proposal.members
            # A row that is to be added may be told apart by its tenant, too; once is enough.
            names = self._key(proposal, member)
            yield Line("row", names if proposal.tenant_column in dict(member.key) else f"{names}, {tenant}")
        else:
            yield Line("rows", f"{len(proposal.members)}, {tenant}: all of them or none, and no other row")

    def undone(self, undos: Sequence[ProposalRecord], now: dt.datetime) -> Iterator[Line]:
        for undo in undos:
            status = as_of(stamp(now), undo.status, undo.proposal)
            yield Line("undo of it", f"{self._plain(undo.proposal.id)} {status.stands}", "warning")

    def member(self, proposal: Proposal, member: Member, at: int) -> Iterator[Line]:
        of = len(proposal.members)
        heading = "Change" if of == 1 else f"Row {at} of {of}"
        yield Line(heading, "", "title")
        if of > 1:
            yield Line("row", self._key(proposal, member))
        yield from self._change(proposal, member)
        if proposal.guards or member.depends:
            yield from self._guards(proposal, member, heading="Guards" if of == 1 else "")

    def _key(self, proposal: Proposal, member: Member) -> str:
        pairs = (f"{self._plain(name)} = {self._value(proposal, name, token)}" for name, token in member.key)
        return " and ".join(pairs)

    def _change(self, proposal: Proposal, member: Member) -> Iterator[Line]:
        if proposal.deletes:
            yield from (Line(self._plain(n), self._before(proposal, member, n), "old") for n in member.before)
            yield Line("  →", "the row is removed", "warning")
            yield from (Line("", f"and {self._plain(words)}", "warning") for words in self.terms.effects)
            return
        for name, after in member.changes.items():
            yield from self._changed(proposal, name, member, after)
        if proposal.inserts:
            yield Line("  →", "the row is added; what else it holds is the database's to fill", "new")
            return
        bound = [n for n in self.terms.bounds if n not in member.changes]
        for name in bound:
            yield Line(self._plain(name), self._before(proposal, member, name) + " (as it is)", "quiet")
            yield from self._bounds(name)
        same = [n for n in member.before if n not in member.changes and n not in bound]
        free = {proposal.advances, *proposal.moves}
        if self.full:
            for name in same:
                word = "moved by the database" if name in free else "unchanged"
                yield Line(self._plain(name), f"{self._before(proposal, member, name)} ({word})", "quiet")
        elif same := [n for n in same if n not in free]:
            yield Line(f"{len(same)} unchanged", self._plain(", ".join(same)), "quiet")

    def _changed(self, proposal: Proposal, name: str, member: Member, after: Token) -> Iterator[Line]:
        label, before = self._plain(name), member.before.get(name)
        if proposal.inserts:
            yield Line(label, self._value(proposal, name, after), "new")
            yield from self._bounds(name)
            return
        is_known = before is None or name not in self.covered
        if before == after and is_known:
            yield Line(label, self._before(proposal, member, name) + " (as it is)", "quiet")
            yield from self._bounds(name)
            return
        yield Line(label, self._before(proposal, member, name), "old")
        yield Line("  →", self._value(proposal, name, after), "new")
        if (
            is_known
            and before is not None
            and after is not None
            and unicodedata.normalize("NFKC", before) == unicodedata.normalize("NFKC", after)
        ):
            yield Line("", "the two look alike and differ in their characters", "warning")
        yield from self._bounds(name)

    def totals(self, proposal: Proposal) -> Iterator[Line]:
        """Yield what the numbers of several rows come to: of the changed columns, and of those that totals are reviewed of."""
        kinds = dict(proposal.columns)
        named = [n for n in dict.fromkeys((*self.terms.totals, *proposal.changed)) if kinds.get(n) in _COUNTED]
        if not proposal.members[1:] or not named:
            return
        yield Line("Totals", "", "title")
        for name in named:
            try:
                sums = totals_of(proposal.members, name)
            except Refusal:
                sums = dict.fromkeys(("before", "after", "change"))
            told = {n: self._value(proposal, name, t) if t is not None else "not known" for n, t in sums.items()}
            text = (
                told["after"]
                if proposal.inserts
                else f"{told['before']} → {told['after']} (difference {told['change']})"
            )
            yield Line(self._plain(name), told["before"] if proposal.deletes else text)
            if words := self.terms.totals.get(name):
                yield Line("", f"bounds: {self._plain(words)}", "quiet")

    def _bounds(self, name: str) -> Iterator[Line]:
        if words := self.terms.bounds.get(name):
            yield Line("", f"bounds: {self._plain(words)}", "quiet")

    def _guards(self, proposal: Proposal, member: Member, *, heading: str) -> Iterator[Line]:
        if heading:
            yield Line(heading, "", "title")
        held = [f"{self._plain(name)} = {self._before(proposal, member, name)}" for name in proposal.guards]
        held += [
            f"{self._plain(path)} = {self._value(proposal, path, token)}" for path, token in member.depends.items()
        ]
        yield from (Line("" if at else "must still be", words) for at, words in enumerate(held))
        if proposal.advances:
            yield Line("must move", self._plain(proposal.advances))
        if proposal.moves and not proposal.deletes:
            yield Line(
                "may move", f"{self._plain(', '.join(proposal.moves))}: the database changes it with every update"
            )

    def rest(self, proposal: Proposal, evidence: Mapping[str, Any] | None, now: dt.datetime) -> Iterator[Line]:
        seen = f", seen {span(now - parse(str(evidence['at'])))} ago" if evidence else ""
        yield Line("evidence", f"{self._plain(proposal.evidence)}{seen}")
        for capability, handle, _ in proposal.rests_on:
            yield Line("", f"{self._plain(handle)}, read before by {self._plain(capability)}")
        if proposal.workflow:
            yield Line("workflow", f"{self._plain(proposal.workflow)}, run {self._plain(proposal.run or '?')}")
        yield Line("contract", self._plain(proposal.contract))

    def group(self, record: ProposalRecord, operators: Mapping[str, Operator], now: dt.datetime) -> Iterator[Line]:
        """Yield what stands or falls with the proposal, and how far each of it has come."""
        if record.proposal.group_id is None:
            return
        yield Line("together", "all of these are applied in one transaction with it, or none")
        for other in record.group:
            yield Line(
                "",
                f"{self._plain(other.proposal.id)}, {self._plain(other.proposal.capability)}: {_come(other, operators, now)}",
            )
            yield from (
                Line("", f"  {self._beside(other.proposal, member)}", "quiet") for member in other.proposal.members
            )
        for name in missing(record.proposal, [other.proposal for other in record.group]):
            yield Line("", f"{self._plain(name)}: not proposed yet", "warning")

    def _beside(self, proposal: Proposal, member: Member) -> str:
        """Return what another proposal of the group does to a row, in one line; its own card tells it in full."""
        key = " and ".join(f"{self._plain(name)} = {self._side(proposal, token, name)}" for name, token in member.key)
        if proposal.deletes:
            return f"{key}: the row is removed"
        told = [
            f"{self._plain(name)} {self._side(proposal, member.before.get(name), name)} → {self._side(proposal, after, name)}"
            for name, after in member.changes.items()
        ]
        return f"{key}: {', '.join(told)}"

    def _side(self, proposal: Proposal, token: Token, name: str) -> str:
        if name in proposal.hidden:
            return "(hidden)"
        return self._token(proposal, name, token)

    def needs(self, record: ProposalRecord, approvals: Sequence[SignedDecision]) -> Iterator[Line]:
        proposal = record.proposal
        role, asker = self._plain(proposal.role), self._plain(proposal.principal)
        if proposal.reason_code is not None:
            yield Line("reason code", self._plain(proposal.reason_code))
        yield Line("risk", self._plain(proposal.risk), "plain" if proposal.risk == "low" else "warning")
        if proposal.quorum == 1:
            yield Line("needs", f"the role {role}, and another person than {asker}")
        else:
            yield Line("needs", f"{proposal.quorum} different people with the role {role}, none of them {asker}")
        if proposal.quorum > 1 or proposal.group_id:
            names = ", ".join(self._plain(signed.decision.operator) for signed in approvals)
            yield Line("approved by", f"{len(approvals)}/{proposal.quorum}" + (f": {names}" if names else ""))
        if proposal.policy:
            yield Line("policy", self._plain(proposal.policy) + self._deferred(record))

    def undo(self, record: ProposalRecord, undos: Sequence[ProposalRecord], now: dt.datetime) -> Iterator[Line]:
        """Yield whether it can be undone; nothing where nothing was or will be applied, or where an undo of it stands."""
        status = as_of(stamp(now), record.status, record.proposal)
        stands = (*_OPEN, Status.APPLIED)
        undone = any(as_of(stamp(now), undo.status, undo.proposal) in stands for undo in undos)
        if self.terms.final is None or status not in stands or undone:
            return
        once = "once it is applied" if status in _OPEN else ""
        if self.terms.final:
            words = " ".join(filter(None, ("cannot be undone", once)))
            yield Line("undo", f"{words}: {self._plain(self.terms.final)}", "warning")
        else:
            words = " ".join(filter(None, ("can be undone", once)))
            yield Line("undo", f"{words}, if other people approve that as well")

    def _deferred(self, record: ProposalRecord) -> str:
        if any(signed.decision.policy for signed in record.decisions):
            return " approved it"
        told = [event["facts"] for event in record.events if event["kind"] == "policy_deferred"]
        return f" left it to a person: {self._plain(deferral_words(told[-1]))}" if told else ""

    def end(self, proposal: Proposal) -> Iterator[Line]:
        yield Line("digest", proposal.digest, "title")
        if proposal.undoes is not None:
            return
        yield Line("What the agent sent (untrusted, believe none of it)", "", "warning")
        for name, value in proposal.arguments.items():
            text = (
                self._seen(shown(value, full=self.full, quoted=True))
                if isinstance(value, str)
                else self._plain(str(value))
            )
            yield Line(self._plain(name), text)

    def _before(self, proposal: Proposal, member: Member, name: str) -> str:
        """Return what a column holds; of a hidden one what the model saw, unless the decision is about it."""
        token = member.before[name]
        if name in self.covered and token is not None:
            return f"{self._plain(token)} (hidden)"
        return self._value(proposal, name, token)

    def _value(self, proposal: Proposal, name: str, token: Token) -> str:
        value, unit = self._token(proposal, name, token), self.terms.units.get(name)
        return f"{value} {self._plain(unit)}" if unit and token is not None else value

    def _token(self, proposal: Proposal, name: str, token: Token) -> str:
        """Return a value in quotes where it is text, so that no text can look like what is told beside it."""
        if token is None:
            return "NULL"
        kind = next((ColumnType(kind) for column, kind in proposal.columns if column == name), ColumnType.TEXT)
        return self._seen(shown(token, full=self.full, quoted=kind not in _BARE))

    def _plain(self, text: str) -> str:
        return self._seen(shown(text, full=self.full))

    def _seen(self, part: Shown) -> str:
        self.whole = self.whole and part.whole
        return part.text


def _come(record: ProposalRecord, operators: Mapping[str, Operator], now: dt.datetime) -> str:
    """Return how far another proposal of the group has come; it is decided on by itself, on its own card."""
    proposal, status = record.proposal, as_of(stamp(now), record.status, record.proposal)
    if status is not Status.REVIEW_REQUIRED:
        return status.value.replace("_", " ")
    have = len(counted(record.decisions, proposal, operators, ledger=proposal.ledger, now=stamp(now)))
    return f"approved by {have}/{proposal.quorum}"


def _warnings(
    record: ProposalRecord, evidence: Mapping[str, Any] | None, terms: Terms, now: dt.datetime, *, tampered: bool
) -> Iterator[str]:
    if tampered and evidence is not None:
        yield "the evidence is not what the proposal was made from; do not decide, run `synapsor verify`"
    if evidence is None:
        yield "the evidence is not in this ledger; do not decide, run `synapsor verify`"
    if record.status is not Status.REVIEW_REQUIRED:
        yield f"nothing is left to decide: the proposal {record.status.stands}"
    elif as_of(stamp(now), record.status, record.proposal) is Status.EXPIRED:
        yield "the proposal has expired"
    if terms.refusal and record.status in _OPEN:
        yield f"the worker would not apply it: {terms.refusal.meaning}"
