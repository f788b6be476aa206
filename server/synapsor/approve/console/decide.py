"""Deciding on one proposal: the digest that was on the page is the digest that is signed, by the session's key, in the person's name.

What is certain to be refused is refused before anything is signed, and recorded like every other attempt.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.proposal import TYPED, looked_at, proposal_page
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page, refusal
from synapsor.core.presets import REJECT_WORDS, known_code
from synapsor.core.proposal import Status
from synapsor.core.statements import Operator
from synapsor.errors import ConfigError, DecisionRefused, IntegrityError, SynapsorError, UsageError
from synapsor.flow.ask import ask
from synapsor.flow.review import approve, may_ask, proposal_of, reject
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord

_MEND = frozenset({"code_missing", "wrong_code", "not_confirmed", "no_codes", "too_many_codes", "stale_row"})
"""What the same page can be asked again for."""


def routes(room: Room) -> Iterable[Route]:
    """Return the forms."""
    yield page(room, "/proposals/{handle}/approve", _approve, posts=True)
    yield page(room, "/proposals/{handle}/reject", _reject, posts=True)
    yield page(room, "/proposals/{handle}/ask", _ask, posts=True)


async def _approve(visit: Visit) -> Response:
    record = await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))
    try:
        decided = await approve_one(visit, record, digest=visit.sent("digest"))
    except (DecisionRefused, UsageError) as error:
        return await _again(visit, record, error)
    return _onward(visit, told(decided, "approved"))


async def _reject(visit: Visit) -> Response:
    record = await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))
    try:
        decided = await reject_one(visit, record, digest=visit.sent("digest"), reason=reason_of(visit))
    except (DecisionRefused, UsageError) as error:
        return await _again(visit, record, error)
    return _onward(visit, told(decided, "rejected"))


async def _ask(visit: Visit) -> Response:
    record = await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))
    operators = visit.room.operators()
    try:
        await ask(
            visit.room.ledger,
            record,
            text=visit.sent("question").strip(),
            signer=_signer(visit, operators),
            now=visit.room.now(),
            operators=operators,
        )
    except (DecisionRefused, UsageError) as error:
        return await _again(visit, record, error)
    visit.session.flash = (record.proposal.id, "waits for the agent's answer.")
    return visit.lead(f"/proposals/{record.proposal.id}")


async def approve_one(visit: Visit, record: ProposalRecord, *, digest: str, confirmed: bool = False) -> ProposalRecord:
    """Approve a proposal in this session's name; `confirmed` where another page has asked already.

    Raises:
        DecisionRefused, IntegrityError, UsageError: as `flow.review.approve`.
    """
    operators = visit.room.operators()
    signer = _signer(visit, operators)
    mode = visit.room.given.modes.get(record.proposal.source)
    if mode is None:
        raise ConfigError("The proposal's source is not configured here.", fix="Add it under `sources:`.")
    await may_ask(visit.room.ledger, record, signer.operator, now=visit.now, operators=operators)
    looked = await looked_at(visit, record, operators)
    if looked.card.tampered:
        raise IntegrityError("The evidence is not what the proposal was made from.")
    if looked.against is not None:
        raise looked.against
    if not confirmed:
        _check_confirmed(visit, record.proposal.digest, types=looked.types)
    live = await visit.room.given.looks.again(record.proposal, who=signer.operator.name)
    return await approve(
        visit.room.ledger,
        record.proposal.id,
        digest=digest,
        signer=signer,
        now=visit.room.now(),
        mode=mode,
        reason=visit.sent("reason") if not confirmed else "",
        operators=operators,
        live=live,
        stale_anyway=visit.sent("stale") == "yes" and not confirmed,
    )


async def reject_one(visit: Visit, record: ProposalRecord, *, digest: str, reason: str) -> ProposalRecord:
    """Reject a proposal in this session's name.

    Raises:
        DecisionRefused, IntegrityError, UsageError: as `flow.review.reject`.
    """
    operators = visit.room.operators()
    signer = _signer(visit, operators)
    await may_ask(visit.room.ledger, record, signer.operator, now=visit.now)
    return await reject(
        visit.room.ledger,
        record.proposal.id,
        digest=digest,
        signer=signer,
        now=visit.room.now(),
        reason=reason,
        code=known_code(visit.sent("preset")),
        operators=operators,
    )


def reason_of(visit: Visit) -> str:
    """Return why something is rejected: in the person's own words, or else in those that they chose."""
    code = known_code(visit.sent("preset"))
    return visit.sent("reason").strip() or (REJECT_WORDS[code] if code else "")


def told(decided: ProposalRecord, verb: str) -> tuple[str, ...]:
    """Return what the next page says of a decision."""
    proposal = decided.proposal.id
    if decided.status is Status.REVIEW_REQUIRED:
        return (proposal, f"is {verb} by you, and waits for more.")
    if decided.job is not None:
        return (proposal, f"is {verb}. The worker applies it.")
    return (proposal, f"is {verb}.")


def _signer(visit: Visit, operators: Mapping[str, Operator]) -> Signer:
    if visit.session.signer is None:
        raise DecisionRefused("unverified", "Nobody has proven who you are.", fix="Log in with your key.", exit_code=5)
    # As the person is trusted now, and not as they were when they logged in.
    person = operators.get(visit.session.name)
    if person is None:
        raise DecisionRefused("login_invalid", "You are not trusted here any more.", fix="Log in again.", exit_code=5)
    return replace(visit.session.signer, operator=person, code=visit.sent("code").strip())


def _check_confirmed(visit: Visit, digest: str, *, types: bool) -> None:
    """Check that the person has said that they mean this one."""
    start = digest.removeprefix("sha256:")[:TYPED]
    typed = visit.sent("typed").strip().lower()
    if types and not secrets.compare_digest(typed.encode(), start.encode()):
        raise DecisionRefused(
            "not_confirmed",
            f"These are not the first {TYPED} characters of the digest; nothing was signed.",
            fix="Read it again, and type what it shows.",
        )
    if not types and visit.sent("seen") != "yes":
        raise DecisionRefused("not_confirmed", "Tick that you have read it; nothing was signed.", fix="Read it again.")


async def _again(visit: Visit, record: ProposalRecord, error: SynapsorError) -> Response:
    """Show the proposal again with what is to be mended; whatever else was refused has a page of its own."""
    if isinstance(error, UsageError) or (isinstance(error, DecisionRefused) and error.rule in _MEND):
        return await proposal_page(
            visit, record, trouble=f"{error.message} {error.fix}".strip(), status=HTTPStatus.UNPROCESSABLE_ENTITY
        )
    return await refusal(visit, error)


def _onward(visit: Visit, words: tuple[str, ...]) -> Response:
    visit.session.flash = words
    return visit.lead(visit.sent("onward") or "/")
