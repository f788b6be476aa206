"""What a person does through prompts: look at the queue, at one proposal, at what was refused, and decide by a code of their own.

A prompt comes from a client program, which may say anything. So nothing is decided without a code that only the person can make, for this
very digest; it has to have been shown here before to the same person, and to be approved, in full.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.approve.card.card import card_of
from synapsor.approve.card.looks import Looks
from synapsor.approve.card.now import with_now
from synapsor.approve.card.outline import behind
from synapsor.approve.card.shown import unseen
from synapsor.approve.card.view import Card
from synapsor.approve.identity.voucher import vouch
from synapsor.approve.refused_words import Tried, refused_of
from synapsor.config import Mode
from synapsor.contract.approvals import WRITEBACK_OPERATOR
from synapsor.core.moment import stamp
from synapsor.core.overview import Waiting
from synapsor.core.presets import RejectCode
from synapsor.core.proposal import Status
from synapsor.core.review import may_act_as
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator, Verdict
from synapsor.core.trust import ProgramKey
from synapsor.errors import DecisionRefused, IntegrityError, UsageError
from synapsor.flow.acting import Acting
from synapsor.flow.chain import check_chain
from synapsor.flow.decide import Deciding, Listed, decide
from synapsor.flow.decider import Named
from synapsor.flow.named import proposal_of
from synapsor.flow.objection import Intent, may_ask, objection, recorded_objection
from synapsor.flow.permitted import reviewed_capability
from synapsor.flow.reason import check_reason
from synapsor.flow.refused import recording
from synapsor.flow.resting import Rest, resting
from synapsor.flow.signing import SessionKey, Signer
from synapsor.flow.steering import steering
from synapsor.ports import Clock, ProposalRecord, ReviewLedger
from synapsor.refusals import Rule

LOGIN_LASTS = dt.timedelta(minutes=2)
"""How long a login by code speaks for the person: for the one decision that the code is for."""

MOST_SHOWN = 4096
"""How many digests a server remembers as shown; the oldest are forgotten, and are shown again."""

CLIENT = "the approval server"
ELSEWHERE = frozenset(
    {Rule.NO_CODES, Rule.NOT_BY_PROMPT, Rule.NOT_FULLY_SHOWN, Rule.COVERED, Rule.NOT_LOOKED_AT, Rule.TOO_MANY_CODES}
)
"""By which rules a decision is refused here that the console or a terminal may take."""
_FIXES = dict.fromkeys(
    (Rule.NOT_FULLY_SHOWN, Rule.COVERED), "Decide in the console or with `synapsor approve`, or reject it."
)
_MOST_PAST = 500
_PASSED = 3
"""How many times as many as are shown may be looked through, where a person may not decide on each."""


class Overview(Protocol):
    """What is asked of the whole record at once; `ledger.overview` answers."""

    async def waiting_for(self, roles: Sequence[str], *, names: Sequence[str], now: str, limit: int) -> Waiting:
        """Return what waits for whom has these roles and goes by these names, those that expire first before the others."""
        ...


class CompanionLedger(ReviewLedger, Protocol):
    """A ledger in which is decided, and whose whole record is asked what waits."""

    @property
    def overview(self) -> Overview:
        """What is asked of the whole record."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits for a person.

    Attributes:
        mine: what they may decide on, those that expire first before the others.
        more: whether more may wait for them than these.
        others: how many wait beside these; all of them for somebody else, unless there are `more`.
        replaced: handles of those whose contract was replaced since, so that nobody can approve them.
        apart: handles of those that are not decided through a prompt.
        operators: who is trusted now, by whose approvals it is told how many count.
    """

    mine: tuple[ProposalRecord, ...]
    more: bool
    others: int
    replaced: frozenset[str]
    apart: tuple[str, ...]
    operators: Mapping[str, Operator]


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Why a person does not approve a proposal here; `rejects` says that they may reject it here all the same."""

    refused: DecisionRefused
    rejects: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What became of a proposal.

    Attributes:
        tried: the newest attempts to decide on it that were refused, newest first, and `earlier` how many came before them.
        against: why this person cannot approve it here, or None where they can, or nothing is left to decide.
    """

    card: Card
    tried: tuple[Tried, ...]
    earlier: int
    against: Against | None


@dataclass(frozen=True, kw_only=True)
class ApprovalDesk:
    """The companion's way to the ledger.

    Attributes:
        operators: asks who is trusted now, with what their codes are verified by.
        modes: how far up the ladder each source is.
        receiptless: the sources that keep no receipts.
        looks: looks at the sources, or None where this server has no credential to do it with.
        voucher: the key with which this server says whose code it saw.
        narrowed: returns an operator with the roles that this very request leaves them.
    """

    ledger: CompanionLedger
    operators: Callable[[], Mapping[str, Operator]]
    modes: Mapping[str, Mode]
    looks: Looks | None = None
    voucher: ProgramKey
    clock: Clock
    receiptless: frozenset[str] = frozenset()
    narrowed: Callable[[Operator], Operator] = lambda operator: operator
    _shown: dict[tuple[str, str], None] = field(default_factory=dict)

    async def queue(self, person: str, *, limit: int = 100) -> Queue:
        """Return what waits for a person.

        Raises:
            DecisionRefused: the ledger was altered (`ledger_altered`).
            UsageError: nobody of this name is trusted.
        """
        await check_chain(self.ledger)
        operator, operators, now = self.person(person), self.operators(), self.clock.now()
        within = _PASSED * limit
        waits = await self.ledger.overview.waiting_for(
            operator.roles, names=operator.names(), now=stamp(now), limit=within + 1
        )
        decides = Intent(verdict="reject", who=Named(operator=operator), operators=operators, now=now)
        mine, left = await self._theirs(waits.ids[:within], decides, limit=limit)
        return Queue(
            mine=mine,
            more=left or len(waits.ids) > within,
            others=waits.of - len(mine),
            replaced=await behind(self.ledger, mine),
            apart=tuple(record.proposal.id for record in mine if not record.proposal.by_prompt),
            operators=operators,
        )

    async def _theirs(
        self, ids: Sequence[str], decides: Intent, *, limit: int
    ) -> tuple[tuple[ProposalRecord, ...], bool]:
        """Return the first of these that a person may decide on, so many at most, and whether some were not looked at."""
        found: list[ProposalRecord] = []
        for at, handle in enumerate(ids):
            if len(found) == limit:
                return tuple(found), at < len(ids)
            try:
                record = await self.ledger.proposal(handle)
            except IntegrityError:  # whoever asks for it by its handle is told
                continue
            if record is not None and recorded_objection(record, decides, ledger=self.ledger.id) is None:
                found.append(record)
        return tuple(found), False

    async def past(self, person: str, handle: str) -> Past:
        """Return the card of a proposal as it is on record, who was refused to decide on it, and why it is not decided here.

        Raises:
            UsageError: there is no such proposal, or nobody of this name is trusted.
        """
        operator = self.person(person)
        record = await proposal_of(self.ledger, handle)
        card, (tried, earlier) = await self._card(record), await refused_of(record, self.ledger)
        against = None
        if card.status == Status.REVIEW_REQUIRED.value:
            against = await self._against(operator, record, card)
        return Past(card=card, tried=tried, earlier=earlier, against=against)

    async def review(self, person: str, handle: str) -> tuple[Card, Against | None]:
        """Return the card of a proposal with its rows as they are now, and why it is not approved here; remember that it was shown.

        Raises:
            UsageError: there is no such proposal, or nobody of this name is trusted.
        """
        operator = self.person(person)
        record = await proposal_of(self.ledger, handle)
        card = await self._card(record)
        theirs = self._intent("reject", operator, by_prompt=False)
        if self.looks is not None and recorded_objection(record, theirs, ledger=self.ledger.id) is None:
            seen = await self.looks.now(record.proposal, who=operator.name)
            card = with_now(card, record.proposal, seen, now=self.clock.now())
        against = await self._against(operator, record, card)
        self._shown.pop((person, card.digest), None)
        self._shown[person, card.digest] = None
        while len(self._shown) > MOST_SHOWN:
            self._shown.pop(next(iter(self._shown)))
        return card, against

    async def decide(
        self, person: str, handle: str, verdict: Verdict, *, code: str, reason: str, preset: RejectCode | None
    ) -> ProposalRecord:
        """Decide in a person's name by the code that they made for this very proposal; what is refused is recorded.

        Raises:
            DecisionRefused: the code is not theirs, not for this digest or not of now, or the decision is not to be taken here or by them.
            IntegrityError: the record does not hold.
            UsageError: there is no such proposal, or a rejection has no reason.
        """
        if verdict == "reject" and not reason.strip():
            raise UsageError("A rejection needs a reason.", fix="Give this prompt a reason; the agent is told.")
        check_reason(verdict, reason)
        operator = self.person(person)
        record = await proposal_of(self.ledger, handle)
        proposal, now = record.proposal, self.clock.now()
        card = await self._card(record)
        await may_ask(self.ledger, record, self._intent(verdict, operator))
        async with recording(self.ledger, proposal.id, operator.name, now):
            await self._check_here(operator, record, card, verdict)
            signer = self._signer(operator, code, now)
        deciding = Deciding(
            verdict=verdict,
            signer=signer,
            clock=self.clock,
            modes=self.modes,
            operators=self.operators,
            reason=reason,
            preset=preset,
            look_again=partial(self.looks.again, who=operator.name) if self.looks is not None else None,
        )
        return await decide(self.ledger, deciding, Listed(proposal=proposal.id, digest=card.digest))

    async def rests(self, person: str) -> tuple[tuple[Rest, ...], DecisionRefused | None]:
        """Return how each source that is written to stands, and why this person does not pause it; None where they may, elsewhere.

        Raises:
            UsageError: nobody of this name is trusted.
        """
        operator, operators = self.person(person), self.operators()
        written = tuple(name for name, mode in self.modes.items() if mode == "writeback")
        found = await resting(self.ledger, written, operators)
        try:
            may_act_as(operator, WRITEBACK_OPERATOR)
        except DecisionRefused as refused:
            return found, refused
        return found, None

    async def cancelable(self, person: str, handle: str) -> tuple[ProposalRecord, DecisionRefused | None]:
        """Return a proposal, and why this person does not cancel it; None where they may, elsewhere.

        Raises:
            UsageError: there is no such proposal, or nobody of this name is trusted.
        """
        who = Named(operator=self.person(person))
        record = await proposal_of(self.ledger, handle)
        acting = Acting(who=who, operators=self.operators(), now=self.clock.now())
        try:
            acting.check(record, steering("cancel", who), ledger=self.ledger.id)
        except DecisionRefused as refused:
            return record, refused
        return record, None

    async def handles(self, person: str, typed: str, *, limit: int, past: bool = False) -> list[str]:
        """Return the handles that begin as was typed: of what this person may decide on, or of the `past` that is of their role."""
        if past:
            roles, newest = self.person(person).roles, await self.ledger.inbox(status=None, limit=_MOST_PAST)
            records = tuple(record for record in newest if record.proposal.role in roles)
        else:
            records = (await self.queue(person)).mine
        return [r.proposal.id for r in records if r.proposal.id.startswith(typed)][:limit]

    def person(self, name: str) -> Operator:
        """Return who a name is.

        Raises:
            UsageError: nobody of this name is trusted.
        """
        operator = self.operators().get(name)
        if operator is None or operator.revoked:
            raise UsageError("Nobody of this name is trusted here.", fix="See `synapsor operator list`.")
        return self.narrowed(operator)

    async def _card(self, record: ProposalRecord) -> Card:
        return await card_of(
            self.ledger, record, operators=self.operators(), now=self.clock.now(), receiptless=self.receiptless
        )

    async def _check_here(self, operator: Operator, record: ProposalRecord, card: Card, verdict: Verdict) -> None:
        refused = unseen(card, record.proposal, verdict, fixes=_FIXES)
        if refused is None and (operator.name, card.digest) not in self._shown:
            refused = DecisionRefused(
                Rule.NOT_SHOWN,
                "It was not shown to you here, or is another one by now.",
                fix="Run `review_proposal` first.",
            )
        if refused is None and verdict == "approve":
            refused = await self._not_looked_at(record)
        if refused is not None:
            raise refused

    def _intent(self, verdict: Verdict, operator: Operator, *, by_prompt: bool = True) -> Intent:
        """Return that a person means to decide so, here or elsewhere."""
        who = Named(operator=operator, by_prompt=by_prompt)
        return Intent(verdict=verdict, who=who, operators=self.operators(), now=self.clock.now())

    async def _against(self, operator: Operator, record: ProposalRecord, card: Card) -> Against | None:
        """Return why a person does not approve a proposal here, or None."""
        refused = await objection(self.ledger, record, self._intent("approve", operator))
        refused = refused or unseen(card, record.proposal, "approve", fixes=_FIXES) or await self._not_looked_at(record)
        if refused is None:
            return None
        rejects = await objection(self.ledger, record, self._intent("reject", operator)) is None
        return Against(refused=refused, rejects=rejects)

    async def _not_looked_at(self, record: ProposalRecord) -> DecisionRefused | None:
        """Return that the contract wants the rows looked at and this server cannot, or None."""
        if self.looks is not None:
            return None
        capability = await reviewed_capability(record.proposal, self.ledger)
        if capability is None or not capability.approval.fresh:
            return None
        return DecisionRefused(
            Rule.NOT_LOOKED_AT,
            "Its contract wants every row looked at just before an approval, and this server has no credential to look with.",
            fix="Approve it in the console or with `synapsor approve`; or add `read:` to approvals.yaml.",
        )

    def _signer(self, operator: Operator, code: str, now: dt.datetime) -> Signer:
        key, operators = Ed25519PrivateKey.generate(), self.operators()
        session = SessionKey(key=public_text(key), ledger=self.ledger.id, client=CLIENT, lasts=LOGIN_LASTS)
        login = vouch(
            self.voucher, operator, session, method="code", roles=operator.roles, operators=operators, now=now
        )
        return Signer(operator=operator, key=key, login=login, code=code)
