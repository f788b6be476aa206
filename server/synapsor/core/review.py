"""When a signature counts: a decision is one over one proposal digest, by a person who may decide on it or by a session that speaks for them.

A status column proves nothing; `verify_approval` does.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from synapsor.contract.approvals import NO_PERSON, POLICY_SIGNER, POLICY_STEWARD
from synapsor.core.kept import Activated
from synapsor.core.login import decision_holds, still_spoken_by, verify_login
from synapsor.core.moment import are_stamps, earliest, parse, stamp
from synapsor.core.onetime import meant, step_up_holds
from synapsor.core.plain import hidden
from synapsor.core.proposal import Proposal, Undone
from synapsor.core.statements import (
    Activation,
    CodeMethod,
    Decision,
    Operator,
    SignedDecision,
    SignedLogin,
    SignedResolution,
    SignedSwitch,
    Undo,
    signature_holds,
)
from synapsor.core.trust import trusted
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.refusals import Rule
from synapsor.values import digest

ACTIVATOR_ROLE = "contract_reviewer"
"""Whoever signs the activation of a contract has it."""

APPROVAL_LASTS: Final = dt.timedelta(hours=24)
"""How long an approval counts, and never longer than its proposal."""


def same_person(one: str, other: str) -> bool:
    """Tell whether two names could be one person: case, width, spaces and invisible characters do not make a difference."""
    return _skeleton(one) == _skeleton(other)


def _skeleton(name: str) -> str:
    # Once more at the end: what is not seen may have kept a letter and its accent apart.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return unicodedata.normalize("NFKC", _seen(folded))


def _seen(name: str) -> str:
    return name.translate({ord(c): None for c in set(name) if c == " " or hidden(c)})


def as_trusted(operator: Operator, operators: Mapping[str, Operator]) -> Operator:
    """Return who the project trusts now under an operator's name, with no role that the operator had not: an entry that somebody holds
    since some time is worth what the project says of it now, and what narrowed it stays.

    Raises:
        DecisionRefused: by rule `operator_revoked`.
    """
    known = operators.get(operator.name)
    if known is None:
        raise DecisionRefused(Rule.OPERATOR_REVOKED, f"{operator.name} is not trusted here any more.")
    _check_trusted(known)
    return replace(known, roles=tuple(role for role in known.roles if role in operator.roles))


def _check_trusted(operator: Operator) -> None:
    if operator.revoked:
        raise DecisionRefused(Rule.OPERATOR_REVOKED, f"The key of {operator.name} is revoked.")


def may_act_as(operator: Operator, role: str) -> None:
    """Check that this operator is trusted with a role: to sign activations, to look behind a column, to stop and start automatic approval.

    Raises:
        DecisionRefused: by rule `operator_revoked` or `role_missing`.
    """
    _check_trusted(operator)
    if role not in operator.roles:
        raise DecisionRefused(
            Rule.ROLE_MISSING,
            f"This needs the role {role}, which {operator.name} has not.",
            fix="Ask somebody who has it.",
        )


def may_undo(operator: Operator) -> None:
    """Check that this operator may ask for an undo; it is a person, and others decide.

    Raises:
        DecisionRefused: by rule `operator_revoked` or `no_person`.
    """
    _check_trusted(operator)
    _check_person(operator)


def verify_undo(proposal: Proposal, operators: Mapping[str, Operator]) -> None:
    """Prove that a trusted person asked for exactly this change to be undone, by this proposal.

    Raises:
        IntegrityError: nobody who is trusted did.
        DecisionRefused: the person may not ask for it any more.
    """
    operator = operators.get(proposal.principal)
    if proposal.undoes is None or operator is None:
        raise IntegrityError("The undo was asked for by nobody who is trusted here.")
    if not signature_holds(undo_of(proposal, proposal.undoes), proposal.undoes.signature, operator):
        raise IntegrityError("The signature under the undo does not hold.")
    may_undo(operator)


def undo_of(proposal: Proposal, undoes: Undone) -> Undo:
    """Return what the operator who asks for an undo signs."""
    return Undo(
        id=proposal.id,
        ledger=proposal.ledger,
        proposal=undoes.proposal,
        digest=undoes.digest,
        operator=proposal.principal,
        reason=undoes.reason,
        at=proposal.at,
    )


def lets_approve(newest: SignedSwitch | None, operators: Mapping[str, Operator], *, ledger: str) -> bool:
    """Tell whether the newest switch lets policies approve, as does none at all; one that nobody trusted made stops them."""
    return newest is None or (newest.switch.state == "running" and switch_holds(newest, operators, ledger=ledger))


def switch_holds(signed: SignedSwitch, operators: Mapping[str, Operator], *, ledger: str) -> bool:
    """Tell whether a trusted steward made this switch for this ledger."""
    operator = trusted(operators, signed.switch.operator, POLICY_STEWARD)
    return (
        operator is not None
        and (signed.switch.ledger, signed.switch.role) == (ledger, POLICY_STEWARD)
        and still_spoken_by(signed.switch, signed.signature, signed.login, operators)
    )


def may_decide(proposal: Proposal, operator: Operator, *, now: str) -> None:
    """Check that this operator may decide on this proposal now; the worker calls it again before it applies.

    Raises:
        DecisionRefused: by rule `operator_revoked`, `role_missing`, `no_person`, `own_request`, `own_edit` or `expired`.
    """
    may_amend(proposal, operator, now=now)
    editors = proposal.amends.editors if proposal.amends else ()
    if any(same_person(editor, name) for editor in editors for name in operator.names()):
        raise DecisionRefused(Rule.OWN_EDIT, "Nobody decides on what they have edited.", fix="Ask another person.")


def may_amend(proposal: Proposal, operator: Operator, *, now: str) -> None:
    """Check that this operator may ask about this proposal, edit or extend it now.

    Raises:
        DecisionRefused: by rule `operator_revoked`, `role_missing`, `no_person`, `own_request` or `expired`.
    """
    may_resolve(proposal, operator, now=now)
    if proposal.lapsed(now):
        raise DecisionRefused(Rule.EXPIRED, "The proposal has expired.", fix="Ask the agent to propose again.")


def may_resolve(proposal: Proposal, operator: Operator, *, now: str) -> None:  # noqa: ARG001  # what is over is resolved at any time
    """Check that this operator may say what became of this proposal.

    Raises:
        DecisionRefused: by rule `operator_revoked`, `role_missing`, `no_person` or `own_request`.
    """
    may_act_as(operator, proposal.role)
    _check_person(operator)
    if any(same_person(proposal.principal, name) for name in operator.names()):
        raise DecisionRefused(Rule.OWN_REQUEST, "Nobody decides on their own request.", fix="Ask another person.")


def is_resolved(
    signed: SignedResolution, proposal: Proposal, operators: Mapping[str, Operator], *, ledger: str, now: str
) -> bool:
    """Tell whether somebody who is trusted now, and may, has signed what became of exactly this proposal."""
    said = signed.resolution
    operator = operators.get(said.operator)
    if operator is None or (said.ledger, said.proposal, said.digest) != (ledger, proposal.id, proposal.digest):
        return False
    if not still_spoken_by(said, signed.signature, signed.login, operators):
        return False
    try:
        may_resolve(proposal, operator, now=now)
    except DecisionRefused:
        return False
    return said.role == proposal.role


def verify_activation(
    activation: Activation,
    signature: str,
    operators: Mapping[str, Operator],
    *,
    ledger: str,
    contract: str,
    digest: str,
) -> None:
    """Prove that a trusted reviewer activated exactly this contract in this ledger.

    Raises:
        IntegrityError: the reviewer is not trusted, the signature does not hold, or it is about something else.
    """
    operator = trusted(operators, activation.operator, ACTIVATOR_ROLE)
    if operator is None:
        raise IntegrityError("It was activated by somebody who may not do so here.")
    if not signature_holds(activation, signature, operator):
        raise IntegrityError("The signature of its activation does not hold.")
    if (activation.ledger, activation.contract, activation.digest) != (ledger, contract, digest):
        raise IntegrityError("Its activation is about another contract or another ledger.")


def doubt_of(activated: Activated, operators: Mapping[str, Operator], *, ledger: str) -> str:
    """Return why an activation on record would not count by whom is trusted now, or ""."""
    told = activated.activation
    try:
        verify_activation(
            told, activated.signature, operators, ledger=ledger, contract=told.contract, digest=told.digest
        )
    except IntegrityError as invalid:
        return invalid.message
    return ""


def verify_approval(
    signed: SignedDecision, proposal: Proposal, operators: Mapping[str, Operator], *, ledger: str, now: str
) -> None:
    """Prove that a person's signed decision approves exactly this proposal, now, in this ledger.

    Raises:
        IntegrityError: the operator is not trusted, the signature does not hold, or it is about something else.
        DecisionRefused: the person may not decide, or the approval has expired or, by rule `to_come`, not begun by this clock.
    """
    operator = _signer_of(signed, proposal, operators, ledger=ledger)
    if signed.decision.policy is not None:
        raise IntegrityError("The approval is a policy's and no person's.")
    if signed.decision.role != proposal.role:
        raise IntegrityError("The approval was given in another role.")
    _check_moment(signed, proposal)
    if signed.login is not None:
        verify_login(signed.login, operators, ledger=ledger)
    _check_code(signed, proposal, operator)
    may_decide(proposal, operator, now=now)
    if signed.decision.lapsed(now):
        raise DecisionRefused(Rule.EXPIRED, "The approval has expired.")
    # Last: whatever else is wrong with it does not pass by waiting.
    if now < counts_from(signed.decision):
        raise DecisionRefused(Rule.TO_COME, "The approval is of a moment that the clock here has not reached.")


def counts_from(decision: Decision) -> str:
    """Return the moment from which on a decision counts, by a clock that may be a little behind the one that dated it."""
    return earliest(decision.at)


def may_date(proposal: Proposal, at: str, login: SignedLogin | None) -> bool:
    """Tell whether an approval of a proposal, or what is put in its place, can be of a moment: of one before it only as far as clocks may be apart, and never by a
    session that was over when the proposal was made, for its key could else sign for what was asked since, and date it back.
    """
    return at >= earliest(proposal.at) and (login is None or proposal.at < login.login.expires_at)


def verify_policy_approval(
    signed: SignedDecision, proposal: Proposal, operators: Mapping[str, Operator], *, ledger: str, now: str
) -> None:
    """Prove that a worker's policy key approved exactly this proposal by the policy that it names, now, in this ledger.

    Whether the proposal is inside the policy is for the caller to compute again.

    Raises:
        IntegrityError: the key is not trusted for policies, the signature does not hold, or it is about something else.
        DecisionRefused: the key is revoked, or the approval has expired.
    """
    operator = _signer_of(signed, proposal, operators, ledger=ledger)
    if proposal.policy is None or signed.decision.policy != policy_digest(proposal.contract, proposal.policy):
        raise IntegrityError("The approval is of another policy.")
    if signed.decision.role != POLICY_SIGNER or signed.login is not None:
        raise IntegrityError("The approval was given in another role.")
    may_act_as(operator, POLICY_SIGNER)
    if signed.decision.lapsed(now) or proposal.lapsed(now):
        raise DecisionRefused(Rule.EXPIRED, "The approval has expired.")


def takes_code(proposal: Proposal, *, by_prompt: bool) -> CodeMethod | None:
    """Return what kind of one-time code an approval takes, or None; through a prompt it always takes one that is bound."""
    if by_prompt:
        return "bound"
    return "totp" if proposal.step_up else None


def is_by_prompt(login: SignedLogin | None) -> bool:
    """Tell whether a decision by this login comes through a prompt, from a client program that is not trusted."""
    return login is not None and login.login.method == "code"


def _check_moment(signed: SignedDecision, proposal: Proposal) -> None:
    """Check that an approval is of a moment at which there was something to approve, and lasts no longer than any may."""
    at, expires_at = signed.decision.at, signed.decision.expires_at
    if not are_stamps(at, expires_at) or not at < expires_at or not may_date(proposal, at, signed.login):
        raise IntegrityError("The approval is of a moment at which nobody can have given it.")
    if expires_at > min(proposal.expires_at, stamp(parse(at) + APPROVAL_LASTS)):
        raise IntegrityError("The approval says of itself that it lasts longer than any may.")


def _check_code(signed: SignedDecision, proposal: Proposal, operator: Operator) -> None:
    if is_by_prompt(signed.login) and not proposal.by_prompt:
        raise IntegrityError("The proposal is not to be approved through a prompt.")
    method, given = takes_code(proposal, by_prompt=is_by_prompt(signed.login)), signed.decision.step_up
    if method is None:
        return
    if given is None or given.method != method:
        raise IntegrityError("The approval lacks the one-time code that it takes.")
    about = meant(signed.decision.verdict, proposal.digest)
    if not step_up_holds(given, operator.code_secret, about, signed.decision.at):
        raise IntegrityError("The one-time code of the approval does not hold.")


def policy_digest(contract: str, policy: str) -> str:
    """Return what a policy's decision is bound to: the digest of the reviewed contract, and the policy's name in it."""
    return digest("policy", [contract, policy])


def _check_person(operator: Operator) -> None:
    if not NO_PERSON.isdisjoint(operator.roles):
        raise DecisionRefused(Rule.NO_PERSON, f"{operator.name} is a key and no person.", fix="Ask a person.")


def _signer_of(
    signed: SignedDecision, proposal: Proposal, operators: Mapping[str, Operator], *, ledger: str
) -> Operator:
    decision = signed.decision
    operator = operators.get(decision.operator)
    if operator is None:
        raise IntegrityError("The approval names an operator who is not trusted here.")
    if not decision_holds(signed, operators):
        raise IntegrityError("The approval's signature does not hold.")
    if decision.verdict != "approve":
        raise IntegrityError("The decision is not an approval.")
    if (decision.proposal, decision.digest, decision.ledger) != (proposal.id, proposal.digest, ledger):
        raise IntegrityError("The approval is about another proposal.")
    return operator
