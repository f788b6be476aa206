"""Activate: a contract reviewer's key signs that one contract digest may be served, on the databases as they are now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor import handles
from synapsor.core.moment import stamp
from synapsor.core.proposal import Status
from synapsor.core.review import may_activate
from synapsor.core.shape import shape_digest
from synapsor.core.statements import Activation, Operator
from synapsor.flow.signing import signed_by
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
    operator: Operator,
    key: Ed25519PrivateKey,
    now: dt.datetime,
) -> Activated:
    """Sign and record that this contract digest may be served on these sources.

    Raises:
        DecisionRefused: the operator may not activate contracts.
    """
    may_activate(operator)
    activation = Activation(
        id=handles.new("act"),
        ledger=ledger.id,
        contract=contract,
        digest=digest,
        sources=dict(sources),
        operator=operator.name,
        at=stamp(now),
        shapes={name: shape_digest(shape) for name, shape in metadata.get("shapes", {}).items()},
    )
    signature = signed_by(operator, key, activation)
    activated = Activated(activation=activation, signature=signature, body=body, metadata=metadata)
    await ledger.activate(activated)
    return activated
