"""Automatic approval in the ledger: a policy's limits are counted and its decision recorded in one transaction, or it is left to a person.

A stop that is recorded before the decision prevents it: the switch is looked at in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from synapsor.contract.approval import PerDay
from synapsor.core.policy import Deferral, Near, PolicyUse, held_of, tripped
from synapsor.core.records import from_body, to_body
from synapsor.core.statements import SignedDecision, SignedSwitch
from synapsor.core.writeback import Job
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger import decisions
from synapsor.ledger.chain import Book, event
from synapsor.ledger.connection import Transaction
from synapsor.ledger.kinds import SWITCH, USE, loads, record


async def approve(
    book: Book,
    ledger: str,
    signed: SignedDecision,
    job: Job | None,
    *,
    use: PolicyUse,
    limits: Sequence[PerDay],
    switch: str | None,
) -> Deferral | tuple[Near, ...]:
    """Record a policy's approval and what it uses up, and return the limits that are nearly used up by it; or record that a limit leaves
    the proposal to a person, and return that.

    Raises:
        DecisionRefused: somebody decided meanwhile, or the switch is not the one that was looked at (`decided_meanwhile`).
        IntegrityError: the decision or the job is about something else.
    """
    decision = signed.decision
    newest = await newest_switch(book.tx)
    if (newest.switch.id if newest else None) != switch:
        raise DecisionRefused("decided_meanwhile", "Automatic approval was stopped or started meanwhile.", exit_code=3)
    if decision.policy is None or (use.proposal, use.decision) != (decision.proposal, decision.id):
        raise IntegrityError("The use does not follow from the decision.")
    near: list[Near] = []
    for limit in limits:
        deferral, almost = tripped(limit, use, held_of(await _uses(book.tx, use, limit)))
        if deferral is not None:
            await defer(book, decision.proposal, deferral, decision.at)
            return deferral
        near += almost
    await decisions.decide(book, ledger, signed, job, counted={decision.proposal: ()}, complete=True)
    facts = {"policy": use.policy, "near": [to_body(one) for one in near]}
    kind = "policy_near_limit" if near else "policy_used"
    await book.append(event(kind, use.proposal, use.at, (record(USE, use.id, to_body(use)),), facts))
    return tuple(near)


async def defer(book: Book, proposal_id: str, deferral: Deferral, at: str) -> None:
    """Record that a policy leaves a proposal to a person, and why."""
    await book.append(event("policy_deferred", proposal_id, at, facts=to_body(deferral)))


async def waiting(tx: Transaction, now: str, sources: Sequence[str], limit: int) -> tuple[str, ...]:
    """Return the proposals of these sources that a policy may look at, oldest first in each."""
    found = [await tx.all("for_policies", source=source, now=now, limit=limit) for source in sources]
    return tuple(row["id"] for rows in found for row in rows)


async def newest_switch(tx: Transaction, *, since: int = 0) -> SignedSwitch | None:
    """Return the newest switch as it was signed; one was thrown with the event `since`, so that there is that one or a newer one.

    Raises:
        IntegrityError: it was taken away, or cannot be read.
    """
    row = await tx.one("newest_switch")
    if (row["seq"] if row else 0) < since:
        raise IntegrityError("The newest switch of automatic approval was taken away.")
    if row is None:
        return None
    return from_body(SignedSwitch, loads(row["body"]))


async def throw(book: Book, signed: SignedSwitch) -> None:
    """Record a switch."""
    made = signed.switch
    entry = record(SWITCH, made.id, to_body(signed))
    await book.append(event(f"policies_{made.state}", made.id, made.at, (entry,)), checkpoint=True)


async def uses(tx: Transaction, policy: str, day: str) -> tuple[PolicyUse, ...]:
    """Return what a policy has approved in a day."""
    rows = await tx.all("uses_of_day", policy=policy, day=day, of="policy", counted="")
    return tuple(from_body(PolicyUse, loads(row["body"])) for row in rows)


async def _uses(tx: Transaction, use: PolicyUse, limit: PerDay) -> tuple[PolicyUse, ...]:
    rows = await tx.all("uses_of_day", policy=use.policy, day=use.day, of=limit.of, counted=use.counted(limit.of))
    return tuple(from_body(PolicyUse, loads(row["body"])) for row in rows)
