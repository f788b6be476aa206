"""Decide on proposals that are alike: each is signed by itself, over its own digest, and what becomes of one says nothing of another.

A batch is exactly the proposals and digests that were shown. One that arrives afterwards is not in it, and one that is another by now is
refused by itself. How many are alike is found by `core.alike`; what may not be decided on among others is in no cluster.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from synapsor.core.alike import Cluster, clusters
from synapsor.core.moment import stamp
from synapsor.core.proposal import Status
from synapsor.errors import DecisionRefused, LedgerFailure, SynapsorError, UsageError, rule_of
from synapsor.flow.decide import Deciding, Listed, decide
from synapsor.flow.reason import check_reason
from synapsor.ports import ProposalRecord, ReviewLedger
from synapsor.refusals import Rule
from synapsor.values import digest

MOST: Final = 100
"""How many proposals are decided on in one sitting."""
UNTRIED: Final = "It was not tried: the ledger failed at one before it. Nothing of it is recorded."
"""What is said of those for which nobody waits any more."""
_LOOKED_AT: Final = 500
"""How many open proposals are looked at for those that are alike, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EachOutcome:
    """What came of the decision on one proposal.

    Attributes:
        status: where it stands now, as far as that is known.
        rule: by which the decision was refused, or what failed; None where it is recorded.
        words: why, in a sentence; "" where it is recorded.
    """

    proposal: str
    status: Status | None
    rule: str | None = None
    words: str = ""

    @property
    def ok(self) -> bool:
        """Whether the decision is recorded."""
        return self.rule is None


async def open_clusters(
    ledger: ReviewLedger, *, now: dt.datetime, capability: str | None = None
) -> tuple[Cluster, ...]:
    """Return the open proposals that are alike, of one capability or of all."""
    records = await ledger.inbox(status=Status.REVIEW_REQUIRED, limit=_LOOKED_AT)
    wanted = (r for r in records if capability is None or r.proposal.capability == capability)
    return clusters(wanted, now=stamp(now))


async def cluster_named(ledger: ReviewLedger, name: str, *, now: dt.datetime) -> Cluster:
    """Return a cluster by its name.

    Raises:
        UsageError: there is none.
    """
    found = next((one for one in await open_clusters(ledger, now=now) if one.id == name), None)
    if found is None:
        raise UsageError("There is no such cluster of open proposals.", fix="See `synapsor batch`.")
    return found


def picked(cluster: Cluster, *, excepted: Sequence[str] = (), only: Sequence[str] = ()) -> tuple[ProposalRecord, ...]:
    """Return the proposals of a cluster that are meant: all but the excepted ones, or only these.

    Raises:
        UsageError: a handle is not of the cluster, nothing is left, or more than are decided on at once.
    """
    known = {record.proposal.id: record for record in cluster.records}
    for handle in (*excepted, *only):
        if handle not in known:
            raise UsageError(
                "This proposal is not of the cluster.", fix="See `synapsor batch`, and `synapsor show` of it."
            )
    meant = tuple(r for name, r in known.items() if name not in excepted and (not only or name in only))
    if not meant:
        raise UsageError("Nothing is left to decide on.", fix="Except fewer of them.")
    return meant[:MOST]


def digest_over(shown: Sequence[Listed]) -> str:
    """Return the digest over all that was shown: of each proposal its handle and its digest."""
    return digest("batch", [[one.proposal, one.digest] for one in sorted(shown, key=lambda one: one.proposal)])


async def decide_each(
    ledger: ReviewLedger,
    deciding: Deciding,
    shown: Sequence[Listed],
    *,
    over: str,
    left_out: Mapping[str, EachOutcome] = MappingProxyType({}),
) -> tuple[EachOutcome, ...]:
    """Decide on each proposal that was shown but those that are left out, and return what came of each.

    `over` is the digest that the person saw over all of them. What a decision on one fails by ends none of the others,
    but where the ledger itself fails, the rest is not tried.

    Raises:
        DecisionRefused: `over` is of another batch, or one is named twice (`digest_differs`); nothing is decided then.
        UsageError: the reason is missing or cannot be recorded.
    """
    check_reason(deciding.verdict, deciding.reason)
    if digest_over(shown) != over or len({one.proposal for one in shown}) != len(shown):
        raise DecisionRefused(
            Rule.DIGEST_DIFFERS,
            "These are not the proposals that the digest is over.",
            fix="Look at them again with `synapsor batch`.",
        )
    outcomes: list[EachOutcome] = []
    failed: LedgerFailure | None = None
    for one in shown:
        try:
            done = left_out.get(one.proposal) or (
                _untried(one, failed) if failed else await _decided(ledger, deciding, one)
            )
        except LedgerFailure as fails:
            failed = fails
            done = await _refused(ledger, one.proposal, fails)
        outcomes.append(done)
    return tuple(outcomes)


def _untried(one: Listed, failed: LedgerFailure) -> EachOutcome:
    return EachOutcome(proposal=one.proposal, status=None, rule=failed.rule, words=UNTRIED)


async def _decided(ledger: ReviewLedger, deciding: Deciding, one: Listed) -> EachOutcome:
    """Decide on one proposal, and return what came of it.

    Raises:
        LedgerFailure: the ledger fails, and would at the next one as well.
    """
    try:
        decided = await decide(ledger, deciding, one)
    except SynapsorError as error:
        if isinstance(error, LedgerFailure) and not error.of_one_record:
            raise
        return await _refused(ledger, one.proposal, error)
    return EachOutcome(proposal=one.proposal, status=decided.status)


async def _refused(ledger: ReviewLedger, proposal: str, error: SynapsorError) -> EachOutcome:
    try:
        record = await ledger.proposal(proposal)
    except SynapsorError:
        record = None
    return EachOutcome(
        proposal=proposal,
        status=record.status if record else None,
        rule=rule_of(error),
        words=f"{error.message} {error.fix}".strip(),
    )
