"""Steering the worker: an operator of writeback, and a source that has no room."""

from collections.abc import Awaitable, Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.approve.identity.operators import add_operator, revoke_operator
from synapsor.core.instructions import JobVerb, PauseState
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator, SignedPause
from synapsor.errors import Failure, SourceFailure
from synapsor.flow.named import proposal_of
from synapsor.flow.signing import Signer
from synapsor.flow.steering import instruct
from synapsor.flow.throw import pause, throw
from synapsor.ports import ProposalRecord
from synapsor.work.pace import Pace
from tests.attack.shop import Shop

TWICE = Pace(attempts=2, backoff_seconds=0, lease_seconds=30)
"""A pace at which a job is given up after two attempts."""


def person(shop: Shop, name: str = "opal", *roles: str) -> Signer:
    """Return somebody who steers the worker, or has these roles; they are trusted from now on."""
    if name not in shop.files.operators:
        key = shop.files.keys[name] = Ed25519PrivateKey.generate()
        operator = Operator(name=name, key=public_text(key), roles=roles or ("writeback_operator",))
        shop.files.operators = add_operator(shop.files.config.operators, operator)
    return Signer(operator=shop.files.operators[name], key=shop.files.keys[name])


def revoke(shop: Shop, name: str) -> None:
    """Trust somebody no more."""
    shop.files.operators = revoke_operator(shop.files.config.operators, name)


async def say(
    shop: Shop, verb: JobVerb, handle: str, *, by: Signer | None = None, reason: str = "so"
) -> ProposalRecord:
    """Let a person say what becomes of a job."""
    signer = by or person(shop)
    record = await proposal_of(shop.ledger, handle)
    now, operators = shop.project.clock.now(), shop.project.operators()
    return await instruct(shop.ledger, verb, record, signer=signer, operators=operators, now=now, reason=reason)


async def turn(shop: Shop, state: PauseState, *, source: str = "shop", by: Signer | None = None) -> SignedPause:
    """Let a person pause a source, or let it go on."""
    signer = by or person(shop)
    now, operators = shop.project.clock.now(), shop.project.operators()
    thrown = pause(state, source=source)
    return await throw(shop.ledger, thrown, signer=signer, operators=operators, now=now, reason="the source is moved")


def at(point: str, do: Callable[[], Awaitable[Any]]) -> Callable[[str], Awaitable[None]]:
    """Return what does something, once, at a named point of the worker."""
    done: list[str] = []

    async def reached(passed: str) -> None:
        if passed == point and not done:
            done.append(passed)
            await do()

    return reached


async def busy(point: str) -> None:
    """Have no room at the beginning of every change."""
    if point == "apply.begun":
        raise SourceFailure(Failure.BUSY)


async def given_up(shop: Shop) -> str:
    """Return a waiver of which the job was given up."""
    proposal = await shop.waiver()
    assert await shop.work(reached=busy, pace=TWICE) == [("retry", "busy"), ("parked", "busy")]
    return proposal
