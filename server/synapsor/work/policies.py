"""Policies at work: what waits for one is looked at before the next job is taken, by a key that is trusted now."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass, field

from synapsor.contract.approvals import POLICY_SIGNER
from synapsor.core.moment import stamp
from synapsor.core.policy import COUNT, Deferral, Near
from synapsor.core.trust import ProgramKey
from synapsor.errors import LedgerFailure, place
from synapsor.flow.automatic import approve_by_policy
from synapsor.work.authority import Workbench

log = logging.getLogger("synapsor.worker")

AT_A_TIME = 50
"""How many proposals of a source policies look at before the next job is taken."""


@dataclass(kw_only=True)
class Policies:
    """Approves by policy with one key; where that is off nothing is done."""

    bench: Workbench
    _untrusted: bool = field(default=False, init=False, repr=False)

    async def approve(self, now: dt.datetime) -> None:
        """Let policies look at what waits for them; that they cannot keeps nobody's approved change from being applied."""
        signer = self.bench.automatic
        if signer is None or not self._may_sign(signer):
            return
        try:
            waiting = await self.bench.ledger.policies.waiting(
                now=stamp(now), sources=tuple(self.bench.targets), limit=AT_A_TIME
            )
            for proposal in waiting:
                await self._look(proposal, signer, now)
        except LedgerFailure:
            log.exception("no policy decides now", extra={"action": "policies_failed"})

    async def _look(self, proposal: str, signer: ProgramKey, now: dt.datetime) -> None:
        """Let a policy look at one proposal. One that cannot be looked at is left to people: it would be the next again, and again.

        Raises:
            LedgerFailure: it is the ledger that fails, and not this record of it.
        """
        operators = self.bench.operators()
        try:
            came = await approve_by_policy(self.bench.ledger, proposal, signer=signer, operators=operators, now=now)
        except LedgerFailure as failed:
            if not failed.of_one_record:
                raise
            broke = failed.rule
        except Exception as error:  # noqa: BLE001  # one proposal must not keep the others from being applied
            broke = place(error)
        else:
            _warn(proposal, came)
            return
        log.error("policy broke: %s", broke, extra={"action": "policy_broke", "proposal": proposal})  # no values
        await self.bench.ledger.policies.defer(proposal, Deferral(policy="", why="unreadable"), at=stamp(now))

    def _may_sign(self, signer: ProgramKey) -> bool:
        """Tell whether the policy key is trusted now; when it is not any more, and when it is again, is said once."""
        trusted = signer.is_trusted(self.bench.operators(), POLICY_SIGNER)
        name = signer.operator.name
        if not trusted and not self._untrusted:
            told = "the policy key of %s is not trusted any more: nothing is approved by policy (see `synapsor policy status`)"
            log.warning(told, name, extra={"action": "policy_key_untrusted", "operator": name})
        elif trusted and self._untrusted:
            log.warning(
                "the policy key of %s is trusted again", name, extra={"action": "policy_key_trusted", "operator": name}
            )
        self._untrusted = not trusted
        return trusted


def _warn(proposal: str, came: Deferral | tuple[Near, ...] | None) -> None:
    """Say that a limit of a policy is nearly used up, or is; by how much is the ledger's to tell, for it may be a row's own value."""
    full = [came] if isinstance(came, Deferral) and came.why == "limit" else []
    near = came if isinstance(came, tuple) else ()
    told = [
        ("policy_limit_reached", "has no room for this proposal", limit.what, limit.of, limit.limit) for limit in full
    ]
    told += [("policy_near_limit", "is nearly used up", limit.what, limit.of, limit.limit) for limit in near]
    for action, said, what, of, most in told:
        each = "" if of == "policy" else f" for one {of}"
        much = f"{most} {'approval' if most == '1' else 'approvals'}" if what == COUNT else f"{most} of {what}"
        extra = {"action": action, "proposal": proposal}
        log.warning("%s: a policy's limit of %s a day%s %s", proposal, much, each, said, extra=extra)
