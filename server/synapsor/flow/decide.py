"""Decide on a proposal as it was shown: the one way that a terminal, the board, the console, the companion and a batch share.

Each of them shows, asks and confirms in its own manner. Whether the decision may be taken, on which rows, and that a refusal is recorded
is settled here, so that no surface is more lenient than another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from synapsor.config import Mode
from synapsor.core.live import Live
from synapsor.core.presets import RejectCode
from synapsor.core.proposal import Proposal
from synapsor.core.statements import Operator, Verdict
from synapsor.errors import ConfigError, UsageError
from synapsor.flow.review import approve, may_ask, reject
from synapsor.flow.signing import Signer
from synapsor.ports import Clock, ProposalRecord, ReviewLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A proposal as it was shown: what a decision on it is over."""

    proposal: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Deciding:
    """What a person decides, and as whom.

    Attributes:
        modes: how far up the ladder each source is, by its name.
        operators: asks who is trusted now; whoever was, when they were asked, may have been revoked since.
        preset: of a rejection, why in one word.
        look_again: looks how the rows of a proposal stand, just before it is approved.
        stale_anyway: approve rows that are not as they were.
    """

    verdict: Verdict
    signer: Signer
    clock: Clock
    modes: Mapping[str, Mode]
    operators: Callable[[], Mapping[str, Operator]]
    reason: str = ""
    preset: RejectCode | None = None
    look_again: Callable[[Proposal], Awaitable[Live | None]] | None = None
    stale_anyway: bool = False


async def decide(ledger: ReviewLedger, deciding: Deciding, shown: Listed) -> ProposalRecord:
    """Decide so on one proposal, and return it as it stands then. Nobody's rows are looked at for whom may not decide.

    Raises:
        ConfigError: the proposal's source is not configured here.
        DecisionRefused, IntegrityError, UsageError: as `flow.review.approve` and `reject`.
    """
    if deciding.verdict == "reject":
        return await reject(
            ledger,
            shown.proposal,
            digest=shown.digest,
            signer=deciding.signer,
            now=deciding.clock.now(),
            reason=deciding.reason,
            code=deciding.preset,
            operators=deciding.operators(),
        )
    record = await ledger.proposal(shown.proposal)
    if record is None:
        raise UsageError("There is no such proposal.", fix="See `synapsor inbox`.")
    mode = deciding.modes.get(record.proposal.source)
    if mode is None:
        raise ConfigError("The proposal's source is not configured here.", fix="Add it under `sources:`.")
    operator, now = deciding.signer.operator, deciding.clock.now()
    await may_ask(ledger, record, operator, verdict="approve", now=now, operators=deciding.operators())
    live = await deciding.look_again(record.proposal) if deciding.look_again is not None else None
    return await approve(
        ledger,
        shown.proposal,
        digest=shown.digest,
        signer=deciding.signer,
        now=deciding.clock.now(),
        mode=mode,
        reason=deciding.reason,
        operators=deciding.operators(),
        live=live,
        stale_anyway=deciding.stale_anyway,
    )
