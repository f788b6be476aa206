"""Activate: a contract reviewer's key signs that one contract digest may be served, on the databases as they are now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from synapsor import handles
from synapsor.core.moment import stamp
from synapsor.core.proposal import Status
from synapsor.core.review import ACTIVATOR_ROLE
from synapsor.core.shape import shape_digest
from synapsor.core.statements import Activation, Operator
from synapsor.flow.acting import Acting, acting_as
from synapsor.flow.signing import Signer, signed_by
from synapsor.ports import Activated, ReviewLedger

MOST_COUNTED = 1000


async def left_behind(ledger: ReviewLedger, digest: str, *, now: dt.datetime) -> int:
    """Return how many proposals wait for a decision or the worker under this version, of the newest ones; no other version applies them."""
    waiting = [
        record.proposal
        for status in (Status.REVIEW_REQUIRED, Status.APPROVED)
        for record in await ledger.inbox(status=status, limit=MOST_COUNTED)
    ]
    return sum(proposal.contract == digest and not proposal.lapsed(stamp(now)) for proposal in waiting)


async def activate(
    ledger: ReviewLedger,
    *,
    contract: str,
    digest: str,
    body: Mapping[str, Any],
    sources: Mapping[str, str],
    metadata: Mapping[str, Any],
    signer: Signer,
    operators: Mapping[str, Operator],
    now: dt.datetime,
) -> Activated:
    """Sign and record that this contract digest may be served on these sources; a refusal is recorded of the contract.

    What is signed is the digest that the person read, so a ledger that was altered keeps nobody from it.

    Raises:
        DecisionRefused: the operator may not activate contracts, or it is not their key.
    """
    acting = Acting(who=signer, operators=operators, now=now)
    async with acting_as(ledger, contract, acting, ACTIVATOR_ROLE, though_altered=True):
        activation = Activation(
            id=handles.new("act"),
            ledger=ledger.id,
            contract=contract,
            digest=digest,
            sources=dict(sources),
            operator=signer.name,
            at=stamp(now),
            shapes={name: shape_digest(shape) for name, shape in metadata.get("shapes", {}).items()},
        )
        signature = signed_by(operators[signer.name], signer.key, activation)
        activated = Activated(activation=activation, signature=signature, body=body, metadata=metadata)
        await ledger.activate(activated)
        return activated
