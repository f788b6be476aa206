"""Who acts in a visit: the session's key in its person's name, as that person is trusted now and not as they were when they logged in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from synapsor.approve.console.visit import Visit
from synapsor.core.statements import Operator, Verdict
from synapsor.errors import DecisionRefused
from synapsor.flow.acting import Acting, Verb
from synapsor.flow.objection import Intent, objection, recorded_objection
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule


def signer_of(visit: Visit, operators: Mapping[str, Operator]) -> Signer:
    """Return what signs for the person who visits, with the one-time code that they sent.

    Raises:
        DecisionRefused: by rule `unverified` or `login_invalid`.
    """
    if visit.session.signer is None:
        raise DecisionRefused(
            Rule.UNVERIFIED,
            "Nobody has proven who you are, so you only look.",
            fix="Log in with your key to decide.",
        )
    if visit.session.name not in operators:
        raise DecisionRefused(Rule.LOGIN_INVALID, "You are not trusted here any more.", fix="Log in again.")
    return replace(visit.session.signer, code=visit.sent("code").strip())


def acting_of(visit: Visit, operators: Mapping[str, Operator]) -> Acting:
    """Return that the person who visits is about to act.

    Raises:
        DecisionRefused: as for `signer_of`.
    """
    return Acting(who=signer_of(visit, operators), operators=operators, now=visit.now)


def objection_as(visit: Visit, role: str) -> DecisionRefused | None:
    """Return why the person who visits does not act in a role, where that is upon no proposal; None where nothing is against it."""
    try:
        acting_of(visit, visit.room.operators()).check_role(role, ledger=visit.room.ledger.id)
    except DecisionRefused as refused:
        return refused
    return None


def objection_to(visit: Visit, record: ProposalRecord, verb: Verb) -> DecisionRefused | None:
    """Return what is on record against it that the person who visits does so, or None; doing it asks again."""
    try:
        acting_of(visit, visit.room.operators()).check(record, verb, ledger=visit.room.ledger.id)
    except DecisionRefused as refused:
        return refused
    return None


def may_here(visit: Visit, record: ProposalRecord, verb: Verb) -> bool:
    """Tell whether nothing that is on record is against it that the person who visits does so."""
    return objection_to(visit, record, verb) is None


def intent_of(visit: Visit, operators: Mapping[str, Operator], verdict: Verdict = "approve") -> Intent:
    """Return that the person who visits means to decide so.

    Raises:
        DecisionRefused: as for `signer_of`.
    """
    return Intent(verdict=verdict, who=signer_of(visit, operators), operators=operators, now=visit.now)


async def objection_here(
    visit: Visit, record: ProposalRecord, operators: Mapping[str, Operator], verdict: Verdict = "approve"
) -> DecisionRefused | None:
    """Return why the person who visits does not decide so on a proposal, or None; deciding asks again."""
    try:
        intent = intent_of(visit, operators, verdict)
    except DecisionRefused as nobody:
        return nobody
    return await objection(visit.room.ledger, record, intent)


def listed_objection(visit: Visit, record: ProposalRecord, operators: Mapping[str, Operator]) -> DecisionRefused | None:
    """Return why the person who visits does not approve a proposal, as far as a list of many tells."""
    try:
        intent = intent_of(visit, operators)
    except DecisionRefused as nobody:
        return nobody
    return recorded_objection(record, intent, ledger=visit.room.ledger.id)
