"""Throw what goes on by itself: a person signs that it stops, or that it runs again, and it stays so until another is signed.

There are two such things: policies that approve, and workers that take jobs. What was altered keeps nobody from stopping one of them.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypedDict, TypeVar

from synapsor import handles
from synapsor.contract.approvals import POLICY_STEWARD, WRITEBACK_OPERATOR
from synapsor.core.instructions import Pause, PauseState
from synapsor.core.moment import stamp
from synapsor.core.statements import Operator, SignedPause, SignedSwitch, Switch, SwitchState
from synapsor.flow.acting import Acting, acting_as
from synapsor.flow.reason import Act, check_reason
from synapsor.flow.refused import POLICIES, WORKER
from synapsor.flow.signing import Signer
from synapsor.ports import ReviewLedger

S = TypeVar("S")


class Terms(TypedDict):
    """What each such statement says, whatever it is about."""

    id: str
    ledger: str
    operator: str
    at: str
    reason: str
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who throws it, when and why; nothing has refused them."""

    ledger: str
    signer: Signer
    operators: Mapping[str, Operator]
    now: dt.datetime
    reason: str

    def terms(self, kind: str) -> Terms:
        """Return them as a new statement has them, under a handle of this kind."""
        return Terms(
            id=handles.new(kind),
            ledger=self.ledger,
            operator=self.signer.name,
            at=stamp(self.now),
            reason=self.reason,
            nonce=secrets.token_hex(16),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Throw(Generic[S]):
    """What is thrown, and to which state.

    Attributes:
        about: what its refused attempts are recorded of.
        role: who may.
        act: what a reason is given for.
        stops: it stops what goes on; else it lets it run again.
        record: has the ledger keep what the person signs of it, and returns that.
    """

    about: str
    role: str
    act: Act
    stops: bool
    record: Callable[[ReviewLedger, Hand], Awaitable[S]]


def switch(state: SwitchState, *, instead_of: str | None = None) -> Throw[SignedSwitch]:
    """Return that automatic approval stops or runs; whoever works looks at it before each decision and before each apply.

    `instead_of` is the switch that the person saw, "" for none; whoever starts what somebody else has stopped since is refused.
    """

    async def record(ledger: ReviewLedger, hand: Hand) -> SignedSwitch:
        signer = hand.signer
        made = Switch(state=state, role=POLICY_STEWARD, **hand.terms("swi"))
        signed = SignedSwitch(switch=made, signature=signer.speak(made, hand.operators), login=signer.login)
        await ledger.policies.throw(signed, instead_of=instead_of)
        return signed

    return Throw(about=POLICIES, role=POLICY_STEWARD, act="switch", stops=state == "stopped", record=record)


def pause(state: PauseState, *, source: str, instead_of: str | None = None) -> Throw[SignedPause]:
    """Return that a source, or all ("" for `source`), is paused or runs; no worker takes a job of it by what stood before.

    `instead_of` is the pause that the person saw there, "" for none; whoever lets go on what somebody else has paused since is refused.
    """

    async def record(ledger: ReviewLedger, hand: Hand) -> SignedPause:
        signer = hand.signer
        made = Pause(state=state, source=source, role=WRITEBACK_OPERATOR, **hand.terms("pau"))
        signed = SignedPause(pause=made, signature=signer.speak(made, hand.operators), login=signer.login)
        await ledger.steering.pause(signed, instead_of=instead_of)
        return signed

    return Throw(about=WORKER, role=WRITEBACK_OPERATOR, act="pause", stops=state == "paused", record=record)


def throwing(ledger: ReviewLedger, thrown: Throw[S], acting: Acting) -> AbstractAsyncContextManager[None]:
    """Begin to throw it, and record what refuses it.

    Raises:
        DecisionRefused: they may not, or it would run again by a ledger that was altered.
    """
    return acting_as(ledger, thrown.about, acting, thrown.role, though_altered=thrown.stops)


async def throw(
    ledger: ReviewLedger,
    thrown: Throw[S],
    *,
    signer: Signer,
    operators: Mapping[str, Operator],
    now: dt.datetime,
    reason: str,
) -> S:
    """Throw it, and return what was signed.

    Raises:
        DecisionRefused: as for `throwing`, or it is not the operator's key.
        UsageError: the reason is missing where one is needed, or cannot be recorded.
    """
    check_reason(thrown.act, reason)
    async with throwing(ledger, thrown, Acting(who=signer, operators=operators, now=now)):
        hand = Hand(ledger=ledger.id, signer=signer, operators=operators, now=now, reason=reason)
        return await thrown.record(ledger, hand)
