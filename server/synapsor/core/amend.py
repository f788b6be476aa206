"""When a proposal may stand in the place of another one: a trusted person put it there, for the same rows and the same requester.

An edit has other arguments and a new digest, and is for somebody else to decide on; an extension has the same arguments. Whoever files
one checks it, and the worker checks the whole lineage again, back to what the agent asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from synapsor.core.login import spoken_by, verify_login
from synapsor.core.proposal import Proposal
from synapsor.core.review import may_amend, may_date
from synapsor.core.statements import Amendment, Operator
from synapsor.errors import IntegrityError

MOST_DEPTH: Final = 8
"""How often a request may be edited or extended in all."""


def depth_of(proposal: Proposal) -> int:
    """Return how many amendments a proposal is away from what the agent asked for."""
    return proposal.amends.depth if proposal.amends else 0


def amendment_of(proposal: Proposal) -> Amendment:
    """Return what the operator signs who put a proposal in the place of another one."""
    amends = proposal.amends
    assert amends is not None  # noqa: S101  # only those are asked about
    return Amendment(
        id=proposal.id,
        ledger=proposal.ledger,
        content=replace(proposal, amends=replace(amends, signature="")).digest,
        proposal=amends.proposal,
        digest=amends.digest,
        operator=amends.operator,
        role=proposal.role,
        at=proposal.at,
    )


def verify_amendment(proposal: Proposal, original: Proposal, operators: Mapping[str, Operator]) -> None:
    """Prove that a trusted person who may decide on both put a proposal in the place of the original, and changed nothing but they say.

    Raises:
        IntegrityError: the person is not trusted, did not sign it, or it is no amendment of that one.
        DecisionRefused: the person may not decide on one of them.
    """
    amends = proposal.amends
    operator = operators.get(amends.operator) if amends else None
    if amends is None or operator is None:
        raise IntegrityError("The proposal was amended by nobody who is trusted here.")
    if not spoken_by(amendment_of(proposal), amends.signature, amends.login, operators):
        raise IntegrityError("The signature under the amendment does not hold.")
    if not may_date(original, proposal.at, amends.login):
        raise IntegrityError("The amendment is of a moment before there was anything to amend.")
    if amends.login is not None:
        verify_login(amends.login, operators, ledger=proposal.ledger)
        if original.role not in amends.login.login.roles:
            raise IntegrityError("The login does not carry the role of what was amended.")
    may_amend(original, operator, now=proposal.at)
    may_amend(proposal, operator, now=proposal.at)
    if not follows(proposal, original):
        raise IntegrityError("The proposal is no amendment of the one that it names.")


def follows(proposal: Proposal, original: Proposal) -> bool:
    """Tell whether a proposal is what an operator may put in the place of the original."""
    amends = proposal.amends
    return (
        amends is not None
        and (amends.proposal, amends.digest) == (original.id, original.digest)
        and amends.depth == depth_of(original) + 1 <= MOST_DEPTH
        and amends.editors == editors_after(original, amends.operator, edits=amends.kind == "edit")
        and amends.arguments == edited(proposal, original)
        and bool(amends.arguments) is (amends.kind == "edit")
        and _whose(proposal) == _whose(original)
        and same_rows(proposal, original)
        and not (original.undoes or original.group_of)
    )


def editors_after(original: Proposal, operator: str, *, edits: bool) -> tuple[str, ...]:
    """Return who has edited, once this operator has amended the original."""
    before = original.amends.editors if original.amends else ()
    return tuple(dict.fromkeys((*before, operator))) if edits else before


def same_rows(one: Proposal, other: Proposal) -> bool:
    """Tell whether two proposals name the same rows, but for what each makes of itself."""
    return [_key(one, m.key) for m in one.members] == [_key(other, m.key) for m in other.members]


def edited(proposal: Proposal, original: Proposal) -> tuple[str, ...]:
    """Return the arguments that are others than the original's."""
    names = dict.fromkeys((*original.arguments, *proposal.arguments))
    return tuple(n for n in names if _at(proposal.arguments, n) != _at(original.arguments, n))


def _at(arguments: Mapping[str, Any], name: str) -> list[Any]:
    return [arguments[name]] if name in arguments else []


def _key(proposal: Proposal, key: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return [(name, token) for name, token in key if name not in proposal.own]


def _whose(proposal: Proposal) -> tuple[object, ...]:
    """Return what stays the requester's, whoever amends the proposal."""
    return (
        proposal.ledger,
        proposal.capability,
        proposal.operation,
        proposal.tenant,
        proposal.principal,
        proposal.client,
        proposal.workflow,
        proposal.run,
        proposal.rests_on,
        proposal.undoes,
        proposal.group_of,
    )
