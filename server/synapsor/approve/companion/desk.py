"""What a person does through prompts: look at the queue, at one proposal, at what was refused, and decide by a code of their own.

A prompt comes from a client program, which may say anything. So nothing is decided without a code that only the person can make, for this
very digest; it has to have been shown here before, in full, to the same person.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.approve.inbox import behind
from synapsor.approve.look import look
from synapsor.approve.view import Card
from synapsor.config import Mode
from synapsor.core.moment import stamp
from synapsor.core.presets import RejectCode
from synapsor.core.proposal import Status
from synapsor.core.review import may_decide
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator, Verdict
from synapsor.errors import ConfigError, DecisionRefused, IntegrityError, UsageError
from synapsor.flow.reason import check_reason
from synapsor.flow.review import approve, may_ask, proposal_of, reject
from synapsor.flow.signing import Signer, vouched_login
from synapsor.ports import Clock, ProposalRecord, ReviewLedger

LOGIN_LASTS = dt.timedelta(minutes=2)
"""How long a login by code speaks for the person: for the one decision that the code is for."""

MOST_SHOWN = 4096
"""How many digests a server remembers as shown; the oldest are forgotten, and are shown again."""

CLIENT = "the approval server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits for a person.

    Attributes:
        mine: what they may decide on, those that expire first before the others.
        others: how many more wait for somebody else.
        replaced: handles of those whose contract was replaced since, so that nobody can approve them.
        operators: who is trusted now, by whose approvals it is told how many count.
    """

    mine: tuple[ProposalRecord, ...]
    others: int
    replaced: frozenset[str]
    operators: Mapping[str, Operator]


@dataclass(frozen=True, kw_only=True)
class ApprovalDesk:
    """The companion's way to the ledger.

    Attributes:
        operators: asks who is trusted now, with what their codes are verified by.
        modes: how far up the ladder each source is.
        voucher, key: the entry and the key with which this server says whose code it saw.
        narrowed: returns an operator with the roles that this very request leaves them.
    """

    ledger: ReviewLedger
    operators: Callable[[], Mapping[str, Operator]]
    modes: Mapping[str, Mode]
    voucher: str
    key: Ed25519PrivateKey = field(repr=False)
    clock: Clock
    narrowed: Callable[[Operator], Operator] = lambda operator: operator
    _shown: dict[tuple[str, str], None] = field(default_factory=dict)

    async def queue(self, person: str, *, limit: int = 100) -> Queue:
        """Return what waits for a person.

        Raises:
            UsageError: nobody of this name is trusted.
        """
        operator, now = self.person(person), stamp(self.clock.now())
        operators = self.operators()
        records = await self.ledger.first_to_expire(now=now, limit=limit)
        mine = tuple(record for record in records if _may(record, operator, now))
        return Queue(
            mine=mine, others=len(records) - len(mine), replaced=await behind(self.ledger, mine), operators=operators
        )

    async def review(self, person: str, handle: str) -> Card:
        """Return the card of a proposal, and remember that this person was shown its digest.

        Raises:
            UsageError: there is no such proposal, or nobody of this name is trusted.
        """
        self.person(person)
        card = await self._card(handle)
        if card.whole and not card.tampered:
            self._shown.pop((person, card.digest), None)
            self._shown[person, card.digest] = None
            while len(self._shown) > MOST_SHOWN:
                self._shown.pop(next(iter(self._shown)))
        return card

    async def decide(
        self, person: str, handle: str, verdict: Verdict, *, code: str, reason: str, preset: RejectCode | None
    ) -> ProposalRecord:
        """Decide in a person's name by the code that they made for this very proposal; what is refused is recorded.

        Raises:
            DecisionRefused: the code is not theirs, not for this digest or not of now, or the decision is not to be taken here or by them.
            IntegrityError: the record does not hold.
            UsageError: there is no such proposal, or a rejection has no reason.
        """
        check_reason(verdict, reason)
        operator = self.person(person)
        record = await proposal_of(self.ledger, handle)
        proposal, now = record.proposal, self.clock.now()
        card = await self._card(proposal.id)
        if card.tampered:
            raise IntegrityError("The evidence is not what the proposal was made from.", fix="Run `synapsor verify`.")
        approves = verdict == "approve"
        operators = self.operators()
        await may_ask(self.ledger, record, operator, now=now, operators=operators if approves else None)
        await self._check_shown(operator, record, card)
        signer = self._signer(operator, code, now)
        if not approves:
            return await reject(
                self.ledger,
                proposal.id,
                digest=card.digest,
                signer=signer,
                now=now,
                reason=reason,
                code=preset,
                operators=operators,
            )
        mode = self.modes.get(proposal.source)
        if mode is None:
            raise ConfigError("The proposal's source is not configured here.", fix="Add it under `sources:`.")
        return await approve(
            self.ledger,
            proposal.id,
            digest=card.digest,
            signer=signer,
            now=now,
            mode=mode,
            reason=reason,
            operators=operators,
        )

    async def handles(self, person: str, typed: str, *, limit: int) -> list[str]:
        """Return the handles of proposals that this person may decide on and that begin as was typed."""
        queue = await self.queue(person)
        return [r.proposal.id for r in queue.mine if r.proposal.id.startswith(typed)][:limit]

    def person(self, name: str) -> Operator:
        """Return who a name is.

        Raises:
            UsageError: nobody of this name is trusted.
        """
        operator = self.operators().get(name)
        if operator is None or operator.revoked:
            raise UsageError("Nobody of this name is trusted here.", fix="See `synapsor operator list`.")
        return self.narrowed(operator)

    async def _card(self, handle: str) -> Card:
        record = await proposal_of(self.ledger, handle)
        return await look(self.ledger, record, operators=self.operators(), now=self.clock.now())

    async def _check_shown(self, operator: Operator, record: ProposalRecord, card: Card) -> None:
        refused: DecisionRefused | None = None
        proposal = record.proposal
        if not card.whole or proposal.hidden & set(proposal.changed):
            refused = DecisionRefused(
                "not_fully_shown",
                "It cannot be shown in full here, and nobody decides on what they have not seen.",
                fix="Decide in the console or with `synapsor approve`.",
            )
        elif (operator.name, card.digest) not in self._shown:
            refused = DecisionRefused(
                "not_shown",
                "It was not shown to you here, or is another one by now.",
                fix="Run `review_proposal` first.",
            )
        if refused is not None:
            await self.ledger.refused_decision(proposal.id, operator.name, refused.rule, stamp(self.clock.now()))
            raise refused

    def _signer(self, operator: Operator, code: str, now: dt.datetime) -> Signer:
        voucher = self.operators().get(self.voucher)
        if voucher is None:
            raise ConfigError(
                f"{self.voucher} is not trusted here to say who decided.",
                fix=f"Add it with `synapsor operator add {self.voucher} --role login_voucher`.",
            )
        session = Ed25519PrivateKey.generate()
        login = vouched_login(
            operator,
            voucher=voucher,
            key=self.key,
            method="code",
            roles=operator.roles,
            ledger=self.ledger.id,
            session=public_text(session),
            client=CLIENT,
            now=now,
            lasts=LOGIN_LASTS,
        )
        return Signer(operator=operator, key=session, login=login, code=code)


def _may(record: ProposalRecord, operator: Operator, now: str) -> bool:
    try:
        may_decide(record.proposal, operator, now=now)
    except DecisionRefused:
        return False
    return record.status is Status.REVIEW_REQUIRED
