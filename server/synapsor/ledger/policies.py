"""Automatic approval in the ledger: a policy's limits are counted and its decision recorded in one transaction, or it is left to a person.

A stop that is recorded before the decision prevents it: the switch is looked at in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import orjson

from synapsor.contract.approval import PerDay
from synapsor.core.policy import Deferral, Near, PolicyUse, held_of, tripped
from synapsor.core.records import from_body, to_body
from synapsor.core.statements import SignedDecision, SignedSwitch
from synapsor.core.writeback import Job
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ledger import decisions
from synapsor.ledger.believed import NOTHING, Proven, Trust, newest_body, over
from synapsor.ledger.chain import Book, Write, event
from synapsor.ledger.connection import Connection, Transaction
from synapsor.ledger.kinds import SWITCH, USE, loads, record
from synapsor.ledger.tail import Followed, as_of_now
from synapsor.refusals import Rule
from synapsor.values import digest_bytes


class Policies:
    """What policies decide and what stops them, over any engine."""

    def __init__(self, connection: Connection, write: Write, followed: Followed) -> None:
        self._connection = connection
        self._write = write
        self._followed = followed

    async def switch(self) -> SignedSwitch | None:
        """Return the newest switch of automatic approval."""
        return await self._connection.glance(lambda tx: newest_switch(tx, self._followed.trust))

    async def throw(self, signed: SignedSwitch, *, instead_of: str | None = None) -> None:
        """Record a signed switch of automatic approval; `instead_of` names the one that must still be the newest, "" where there was none."""
        await self._write(lambda book: throw(book, self._followed.trust, signed, instead_of=instead_of))

    async def uses(self, policy: str, *, day: str) -> tuple[PolicyUse, ...]:
        """Return what a policy has approved in a day (UTC)."""
        return await self._connection.read(lambda tx: uses(tx, policy, day))

    async def waiting(self, *, now: str, sources: Sequence[str], limit: int) -> tuple[str, ...]:
        """Return the proposals in review that name a policy which has not left them to a person, oldest first in each source."""
        return await self._connection.glance(lambda tx: waiting(tx, now, sources, limit))

    async def defer(self, proposal_id: str, deferral: Deferral, *, at: str) -> None:
        """Record that a policy leaves a proposal to a person."""
        await self._write(lambda book: defer(book, proposal_id, deferral, at))

    async def approve(
        self,
        signed: SignedDecision,
        *,
        job: Job | None,
        use: PolicyUse,
        limits: Sequence[PerDay],
        switch: str | None,
    ) -> Deferral | tuple[Near, ...]:
        """Record a policy's approval within its limits, or that one of them leaves the proposal to a person."""
        return await self._write(
            lambda book: approve(book, self._followed.trust, signed, job, use=use, limits=limits, switch=switch)
        )


async def approve(
    book: Book,
    trust: Trust,
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
        DecisionRefused: somebody decided meanwhile, or the switch is not the one that was looked at (`decided_meanwhile`); the chain
            does not go on (`ledger_altered`).
        IntegrityError: the decision or the job is about something else.
    """
    decision = signed.decision
    trust = await as_of_now(book.tx, trust)
    thrown = await _switch(book.tx, trust)
    if (thrown.switch.id if thrown else None) != switch:
        raise DecisionRefused(Rule.DECIDED_MEANWHILE, "Automatic approval was stopped or started meanwhile.")
    if decision.policy is None or (use.proposal, use.decision) != (decision.proposal, decision.id):
        raise IntegrityError("The use does not follow from the decision.")
    near: list[Near] = []
    of_day = await _uses(book.tx, use, {limit.of for limit in limits}, trust.proven) if limits else ()
    if of_day is None:
        altered = Deferral(policy=use.policy.partition(".")[2], why="records_differ")
        await defer(book, decision.proposal, altered, decision.at)
        return altered
    for limit in limits:
        held = held_of(one for one in of_day if one.counted(limit.of) == use.counted(limit.of))
        deferral, almost = tripped(limit, use, held)
        if deferral is not None:
            await defer(book, decision.proposal, deferral, decision.at)
            return deferral
        near += almost
    await decisions.decide(book, trust, signed, job, counted={decision.proposal: ()}, complete=True)
    facts = {"policy": use.policy, "near": [to_body(one) for one in near]}
    kind = "policy_near_limit" if near else "policy_used"
    await book.append(event(kind, use.proposal, use.at, (record(USE, use.id, to_body(use)),), facts), checkpoint=True)
    return tuple(near)


async def defer(book: Book, proposal_id: str, deferral: Deferral, at: str) -> None:
    """Record that a policy leaves a proposal to a person, and why."""
    await book.append(event("policy_deferred", proposal_id, at, facts=to_body(deferral)))


async def waiting(tx: Transaction, now: str, sources: Sequence[str], limit: int) -> tuple[str, ...]:
    """Return the proposals of these sources that a policy may look at, oldest first in each."""
    found = [await tx.all("for_policies", source=source, now=now, limit=limit) for source in sources]
    return tuple(row["id"] for rows in found for row in rows)


async def newest_switch(tx: Transaction, trust: Trust) -> SignedSwitch | None:
    """Return the newest switch as it was signed, the one that its event tells of: no older one counts in the place of one that is gone.

    Raises:
        IntegrityError: it was taken away, is another one, or cannot be read.
    """
    row, thrown = await tx.one("newest_switch"), await tx.one("newest_thrown")
    what = "The newest switch of automatic approval"
    body = newest_body(SWITCH, row, thrown, trust, seen=trust.proven.switched, what=what)
    return from_body(SignedSwitch, body) if body is not None else None


async def throw(book: Book, trust: Trust, signed: SignedSwitch, *, instead_of: str | None) -> None:
    """Record a switch.

    Raises:
        DecisionRefused: by rule `other_switch`: somebody has stopped automatic approval, or started it, since the one that was named.
        IntegrityError: which is the newest cannot be told.
    """
    made = signed.switch
    if instead_of is not None:
        newest = await newest_switch(book.tx, trust)
        if (newest.switch.id if newest else "") != instead_of:
            raise DecisionRefused(Rule.OTHER_SWITCH)
    entry = record(SWITCH, made.id, to_body(signed))
    await book.append(event(f"policies_{made.state}", made.id, made.at, (entry,)), checkpoint=True)


async def uses(tx: Transaction, policy: str, day: str) -> tuple[PolicyUse, ...]:
    """Return what a policy has approved in a day."""
    rows = await tx.all("uses_of_day", policy=policy, day=day)
    return tuple(from_body(PolicyUse, loads(row["body"])) for row in rows)


async def _switch(tx: Transaction, trust: Trust) -> SignedSwitch | None:
    """Return the newest switch.

    Raises:
        DecisionRefused: it is gone (`ledger_altered`).
    """
    try:
        return await newest_switch(tx, trust)
    except IntegrityError as broken:
        raise DecisionRefused.altered(broken) from None


async def _uses(
    tx: Transaction, use: PolicyUse, counted: Collection[str], proven: Proven
) -> tuple[PolicyUse, ...] | None:
    """Return what the policy has approved in the day of a use, as far as it is counted together with it; None where there are other uses
    than the chain tells of: who takes some away makes no room.
    """
    bodies = [row["body"] for row in await tx.all("uses_of_day", policy=use.policy, day=use.day)]
    if over(digest_bytes(USE.name, body.encode()) for body in bodies) != proven.used.get(
        (use.policy, use.day), NOTHING
    ):
        return None
    told = [orjson.loads(body) for body in bodies]
    together = (one for one in told if any(of == "policy" or one[of] == use.counted(of) for of in counted))
    return tuple(from_body(PolicyUse, one) for one in together)
