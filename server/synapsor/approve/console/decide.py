"""Deciding on one proposal: the digest that was on the page is the digest that is signed, by the session's key, in the person's name.

What is certain to be refused is refused before anything is signed, and recorded like every other attempt.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.acting import signer_of
from synapsor.approve.console.draft import draft_path, may_be_drafted
from synapsor.approve.console.entries import row_of
from synapsor.approve.console.proposal import TYPED, looked_at, proposal_page
from synapsor.approve.console.reveal import back, uncovered
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page, refusal
from synapsor.core.presets import in_words, known_code
from synapsor.core.proposal import Status
from synapsor.core.statements import Verdict
from synapsor.errors import DecisionRefused, SynapsorError, UsageError
from synapsor.flow.ask import ask
from synapsor.flow.decide import Deciding, Listed, decide
from synapsor.flow.named import proposal_of
from synapsor.flow.refused import recording
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule

_MEND = frozenset(
    {Rule.CODE_MISSING, Rule.WRONG_CODE, Rule.NOT_CONFIRMED, Rule.NO_CODES, Rule.TOO_MANY_CODES, Rule.STALE_ROW}
)
"""What the same page can be asked again for."""


def routes(room: Room) -> Iterable[Route]:
    """Return the forms."""
    yield page(room, "/proposals/{handle}/approve", _approve, posts=True)
    yield page(room, "/proposals/{handle}/reject", _reject, posts=True)
    yield page(room, "/proposals/{handle}/ask", _ask, posts=True)
    for verb in ("approve", "reject", "ask"):
        yield page(room, f"/proposals/{{handle}}/{verb}", back)


async def _approve(visit: Visit) -> Response:
    record = await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))
    try:
        decided = await _approved(visit, record)
    except (DecisionRefused, UsageError) as error:
        return await again(visit, record, error, seen=record.proposal.digest in visit.session.uncovered)
    visit.session.uncovered.discard(decided.proposal.digest)
    draft = (draft_path(decided.proposal.id),) if may_be_drafted(decided) else ()
    return _onward(visit, (*told(decided, "approved"), *draft))


async def _reject(visit: Visit) -> Response:
    record = await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))
    try:
        decided = await decide(visit.room.ledger, deciding_of(visit, "reject"), _listed(visit, record))
    except (DecisionRefused, UsageError) as error:
        return await again(visit, record, error)
    return _onward(visit, told(decided, "rejected"))


async def _ask(visit: Visit) -> Response:
    record = await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))
    operators = visit.room.operators()
    try:
        await ask(
            visit.room.ledger,
            record,
            text=visit.sent("question").strip(),
            signer=signer_of(visit, operators),
            now=visit.room.now(),
            operators=operators,
        )
    except (DecisionRefused, UsageError) as error:
        return await again(visit, record, error)
    visit.session.flash = (record.proposal.id, "waits for the agent's answer.")
    return visit.lead(f"/proposals/{record.proposal.id}")


async def _approved(visit: Visit, record: ProposalRecord) -> ProposalRecord:
    """Approve a proposal in this session's name.

    Raises:
        DecisionRefused, IntegrityError, UsageError: as `flow.decide.decide`.
    """
    deciding = deciding_of(visit, "approve", reason=visit.sent("reason"), stale_anyway=visit.sent("stale") == "yes")
    seen = record.proposal.digest in visit.session.uncovered
    looked = await looked_at(visit, record, visit.room.operators(), uncovered=seen)
    if looked.against is not None:
        async with recording(visit.room.ledger, record.proposal.id, deciding.signer.name, visit.now):
            raise looked.against
    check_confirmed(visit, record.shown, types=looked.types)
    return await decide(visit.room.ledger, deciding, _listed(visit, record))


def deciding_of(visit: Visit, verdict: Verdict, *, reason: str = "", stale_anyway: bool = False) -> Deciding:
    """Return what this session's person decides; a rejection is for the reason that they sent.

    Raises:
        DecisionRefused: nobody has proven who this is.
    """
    given, rejects = visit.room.given, verdict == "reject"
    signer = signer_of(visit, visit.room.operators())
    return Deciding(
        verdict=verdict,
        signer=signer,
        clock=given.clock,
        modes=given.modes,
        operators=visit.room.operators,
        reason=reason_of(visit) if rejects else reason,
        preset=known_code(visit.sent("preset")) if rejects else None,
        look_again=partial(given.looks.again, who=signer.operator.name),
        stale_anyway=stale_anyway,
    )


def _listed(visit: Visit, record: ProposalRecord) -> Listed:
    return Listed(proposal=record.proposal.id, digest=visit.sent("digest"))


def reason_of(visit: Visit) -> str:
    """Return why something is rejected: in the person's own words, or else in those that they chose."""
    return in_words(visit.sent("preset"), visit.sent("reason"))


def told(decided: ProposalRecord, verb: str) -> tuple[str, ...]:
    """Return what the next page says of a decision."""
    proposal, row = decided.proposal.id, row_of(decided.proposal)
    if decided.status is Status.REVIEW_REQUIRED:
        return (proposal, f"({row}) is {verb} by you, and waits for more.")
    if decided.job is not None:
        return (proposal, f"({row}) is {verb}. The worker applies it.")
    return (proposal, f"({row}) is {verb}.")


def check_confirmed(visit: Visit, digest: str, *, types: bool) -> None:
    """Check that the person has said that they mean this one.

    Raises:
        DecisionRefused: by rule `not_confirmed`.
    """
    whole = digest.removeprefix("sha256:")
    typed = visit.sent("typed").strip().lower().removeprefix("sha256:")
    if types and not (len(typed) >= TYPED and whole.startswith(typed)):
        raise DecisionRefused(
            Rule.NOT_CONFIRMED,
            f"These are not the first {TYPED} characters of the digest; nothing was signed.",
            fix="Read it again, and type what it shows.",
        )
    if not types and visit.sent("seen") != "yes":
        raise DecisionRefused(
            Rule.NOT_CONFIRMED, "Tick that you have read it; nothing was signed.", fix="Read it again."
        )


async def again(visit: Visit, record: ProposalRecord, error: SynapsorError, *, seen: bool = False) -> Response:
    """Show the proposal again with what is to be mended; whatever else was refused has a page of its own."""
    if isinstance(error, UsageError) or (isinstance(error, DecisionRefused) and error.rule in _MEND):
        # What a person saw uncovered they see uncovered again, and that is another look on record.
        return await proposal_page(
            visit,
            record,
            trouble=f"{error.message} {error.fix}".strip(),
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            whole=await uncovered(visit, record, shown=record.shown) if seen else None,
        )
    return await refusal(visit, error)


def _onward(visit: Visit, words: tuple[str, ...]) -> Response:
    visit.session.flash = words
    return visit.lead(visit.sent("onward") or "/")
