"""What every act of a person begins with: one order of checks for all verbs and for what asks before a passphrase is typed, and each refusal on record.

The chain comes first. Then the key: whoever has a wrong one learns nothing else. Then whether it is what they were shown, whether the
ledger agrees with itself about it, whether anything is left to do, and at last whether this person may. A verb adds its own as a `Verb`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from synapsor.core.moment import stamp
from synapsor.core.proposal import Proposal, Status
from synapsor.core.review import may_act_as
from synapsor.core.statements import Operator
from synapsor.errors import DecisionRefused
from synapsor.flow.chain import check_agrees, check_chain, proven
from synapsor.flow.decider import Decider
from synapsor.flow.refused import check_shown, recording
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.refusals import Rule


class May(Protocol):
    """Refuses a person; `core.review.may_decide` and `may_amend` are such."""

    def __call__(self, proposal: Proposal, operator: Operator, *, now: str) -> None:
        """Refuse somebody who may not do so to this proposal.

        Raises:
            DecisionRefused: they may not.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """What is done to a proposal, as far as it differs from what else is done to one.

    Attributes:
        is_open: refuses a proposal to which that is not done any more, or never.
        may: refuses a person who may not.
        by_prompt: whether a client program may do it in somebody's name.
        own_role: `may` asks for a role of its own, and whether the login carries that; it is not the one that decides on the proposal.
    """

    is_open: Callable[[ProposalRecord], None]
    may: May
    by_prompt: bool = False
    own_role: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Somebody who is about to act, as far as it is known who; `operators` are those who are trusted at that moment."""

    who: Decider
    operators: Mapping[str, Operator]
    now: dt.datetime

    def check(
        self, record: ProposalRecord, verb: Verb, *, ledger: str, shown: str | None = None, listed: bool = False
    ) -> Operator | None:
        """Refuse whatever the record tells, and return who acts; None where nobody knows. That the chain tells it so is for `check_act` to prove.

        `shown` is the digest of what the person saw, where they have named it. What is only `listed` is listed although the ledger
        contradicts itself about it: its own page tells of that.

        Raises:
            DecisionRefused: by the first of the rules that is broken, in the order of this module.
        """
        person = self._person(ledger, by_prompt=verb.by_prompt)
        check_shown(record, record.shown if shown is None else shown, ledger=ledger)
        if not listed:
            check_agrees(record)
        verb.is_open(record)
        self.check_may(record.proposal, verb, person)
        return person

    def check_may(self, proposal: Proposal, verb: Verb, person: Operator | None) -> None:
        """Refuse a person whom `check` returned, and what the way by which they act does not carry; of whom nobody knows nothing is.

        Raises:
            DecisionRefused: by a rule of the verb, or `not_by_prompt` or `role_missing`.
        """
        if person is not None:
            verb.may(proposal, person, now=stamp(self.now))
            if not verb.own_role:
                self.who.check_for(proposal)

    def check_role(self, role: str, *, ledger: str) -> Operator | None:
        """Refuse who does not act in a role, and return who acts; None where nobody knows.

        Raises:
            DecisionRefused: the key is not theirs, or they or their login do not have the role.
        """
        person = self._person(ledger, by_prompt=False)
        if person is not None:
            may_act_as(person, role)
            self.who.check_role(role)
        return person

    def _person(self, ledger: str, *, by_prompt: bool) -> Operator | None:
        person = self.who.check(self.operators, ledger=ledger, now=self.now)
        if self.who.by_prompt and not by_prompt:
            raise DecisionRefused(
                Rule.NOT_BY_PROMPT,
                "Through a prompt one decides, and does nothing else.",
                fix="Do it in the console or at a terminal.",
            )
        return person


async def check_act(
    ledger: ReviewLedger, record: ProposalRecord, acting: Acting, verb: Verb, *, shown: str | None = None
) -> tuple[ProposalRecord, Operator | None]:
    """Refuse an act upon a proposal, and return it as the chain proves it now, with who acts; None where nobody knows.

    Nothing is recorded. What was read before is what somebody saw: by its handle and digest it is found again, and by nothing else of it.

    Raises:
        DecisionRefused: by the first of the rules that is broken, in the order of this module.
    """
    current = await proven(ledger, record.proposal.id)
    seen = shown if shown is not None else record.shown
    return current, acting.check(current, verb, ledger=ledger.id, shown=seen)


@asynccontextmanager
async def acting_on(
    ledger: ReviewLedger, record: ProposalRecord, acting: Acting, verb: Verb, *, shown: str | None = None
) -> AsyncIterator[ProposalRecord]:
    """Begin an act upon a proposal, as the chain proves it now; what refuses it, now or inside, is recorded.

    Raises:
        DecisionRefused: as for `check_act`.
    """
    async with recording(ledger, record.proposal.id, acting.who.name, acting.now):
        current, _ = await check_act(ledger, record, acting, verb, shown=shown)
        yield current


async def check_act_as(ledger: ReviewLedger, acting: Acting, role: str, *, though_altered: bool = False) -> None:
    """Refuse an act that is upon no proposal, and that a role is for. Nothing is recorded.

    `though_altered` says that it is done by a ledger that was altered, too: nothing that stands in it is what it is done by.

    Raises:
        DecisionRefused: the ledger was altered, or as for `Acting.check_role`.
    """
    if not though_altered:
        await check_chain(ledger)
    acting.check_role(role, ledger=ledger.id)


@asynccontextmanager
async def acting_as(
    ledger: ReviewLedger, about: str, acting: Acting, role: str, *, though_altered: bool = False
) -> AsyncIterator[None]:
    """Begin an act that is upon no proposal; what refuses it, now or inside, is recorded of what it is `about`.

    Raises:
        DecisionRefused: as for `check_act_as`.
    """
    async with recording(ledger, about, acting.who.name, acting.now):
        await check_act_as(ledger, acting, role, though_altered=though_altered)
        yield


def check_waits(record: ProposalRecord, *, left: str = "decide") -> None:
    """Refuse a proposal that is not in review; `left` is what is not left to do then.

    Raises:
        DecisionRefused: by rule `already_decided`.
    """
    if record.status is not Status.REVIEW_REQUIRED:
        raise DecisionRefused(
            Rule.ALREADY_DECIDED, f"The proposal {record.status.stands}.", fix=f"Nothing is left to {left}."
        )
