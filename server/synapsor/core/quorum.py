"""A quorum: how many different people approve one proposal digest, as things stand now.

One person counts once, with whatever key and under whatever name; who is not trusted any more does not count at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from synapsor.core.moment import is_stamp
from synapsor.core.proposal import Proposal
from synapsor.core.review import counts_from, may_date, same_person, verify_approval
from synapsor.core.statements import Operator, SignedDecision, SignedLogin
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.refusals import Rule


def counted(
    signed: Iterable[SignedDecision],
    proposal: Proposal,
    operators: Mapping[str, Operator],
    *,
    ledger: str,
    now: str,
) -> tuple[SignedDecision, ...]:
    """Return the approvals that count now, one for each person, those that last longest first."""
    found: list[SignedDecision] = []
    for one in sorted(signed, key=lambda s: s.decision.expires_at, reverse=True):
        try:
            verify_approval(one, proposal, operators, ledger=ledger, now=now)
        except (IntegrityError, DecisionRefused):
            continue
        if not any(one_person(_of(one, operators), _of(other, operators)) for other in found):
            found.append(one)
    return tuple(found)


def to_come(
    signed: Iterable[SignedDecision],
    proposal: Proposal,
    operators: Mapping[str, Operator],
    *,
    ledger: str,
    now: str,
) -> tuple[SignedDecision, ...]:
    """Return the approvals that count as soon as the clock here reaches their moment."""
    early = [one for one in signed if is_stamp(one.decision.at) and now < counts_from(one.decision)]
    return tuple(
        one for one in early if counted((one,), proposal, operators, ledger=ledger, now=counts_from(one.decision))
    )


def check_clock(
    proposal: Proposal,
    earlier: Iterable[SignedDecision],
    operators: Mapping[str, Operator],
    *,
    ledger: str,
    now: str,
    login: SignedLogin | None,
) -> None:
    """Check that an approval or amendment of this moment counts where it is verified, and that the `earlier` approvals are of the past.

    By a clock that was set back it would count for nobody, even when the clock is right again; or it would not be counted together
    with one that is of a moment to come, and nobody could complete the quorum.

    Raises:
        DecisionRefused: by rule `clock_behind`.
    """
    if may_date(proposal, now, login) and not to_come(earlier, proposal, operators, ledger=ledger, now=now):
        return
    raise DecisionRefused(
        Rule.CLOCK_BEHIND,
        "The clock of this machine stands before the moment of the proposal, or of an approval of it.",
        fix="Set the clock right, and do it again. Nothing was signed.",
    )


def one_person(one: Operator, other: Operator) -> bool:
    """Tell whether two entries could be one person: by a name, a principal or the key."""
    names = [(a, b) for a in one.names() for b in other.names()]
    return (one.key is not None and one.key == other.key) or any(same_person(a, b) for a, b in names)


def may_count(operator: Operator, earlier: Iterable[SignedDecision], operators: Mapping[str, Operator]) -> None:
    """Check that nobody who could be this person is among those whose approval counts already.

    Raises:
        DecisionRefused: by rule `already_counted` or `same_person`.
    """
    for signed in earlier:
        other = _of(signed, operators)
        if other.name == operator.name:
            raise _already_counted(operator.name)
        if one_person(operator, other):
            raise DecisionRefused(
                Rule.SAME_PERSON,
                f"{operator.name} and {other.name}, who has approved it, could be one person.",
                fix="Ask another person.",
            )


def _already_counted(name: str) -> DecisionRefused:
    return DecisionRefused(Rule.ALREADY_COUNTED, f"{name} has approved it already.", fix="Ask another person.")


def _of(signed: SignedDecision, operators: Mapping[str, Operator]) -> Operator:
    return operators[signed.decision.operator]
