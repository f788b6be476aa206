"""File what a person makes of a proposal on record, as an edit, more time or an undo: who, over which capability, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from synapsor import handles
from synapsor.core.evidence import Call
from synapsor.core.moment import stamp
from synapsor.core.statements import Operator
from synapsor.flow.acting import Acting, Verb, acting_on
from synapsor.flow.decider import Named
from synapsor.flow.prepare import Served
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord, ReviewLedger


@dataclass(frozen=True, kw_only=True)
class Filing:
    """Who makes something of which proposal, and why.

    Attributes:
        served: the capability of the activated contract, over the read credential.
        operators: asks who is trusted now.
        unlock: returns who signs; a person may be asked for a passphrase, so it comes when nothing else can refuse any more.
        client: the program through which the person does it, for the audit.
        shown: the digest that the person was shown, where they name one: of what was put beside it since nothing is made.
    """

    record: ProposalRecord
    served: Served
    operator: Operator
    operators: Callable[[], Mapping[str, Operator]]
    unlock: Callable[[], Signer]
    reason: str
    now: dt.datetime
    client: str = "cli"
    shown: str | None = None

    @property
    def acting(self) -> Acting:
        """Who acts, only named: their key is unlocked when nothing else can refuse any more."""
        return Acting(who=Named(operator=self.operator), operators=self.operators(), now=self.now)

    def call(self) -> Call:
        """Return the head of what is recorded of what they see: their own look, at rows of the requester's tenant."""
        proposal = self.record.proposal
        return Call(
            id=handles.new("aud"),
            at=stamp(self.now),
            capability=proposal.capability,
            contract=self.served.contract,
            tenant=proposal.tenant,
            principal=self.operator.name,
            client=self.client,
        )


async def served_for(
    ledger: ReviewLedger,
    record: ProposalRecord,
    acting: Acting,
    verb: Verb,
    *,
    activated: Callable[[str], Awaitable[Served]],
) -> Served:
    """Return the capability to file by; what is certain to be refused is, and recorded, before a source is opened or a passphrase typed.

    Raises:
        DecisionRefused: as for the verb.
        Refusal: the capability is not activated as it was reviewed.
    """
    async with acting_on(ledger, record, acting, verb) as current:
        return await activated(current.proposal.capability)
