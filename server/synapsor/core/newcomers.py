"""Rows that match the filter of a set now and are none of its members: they stay as they are, and are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from synapsor.contract.arguments import compile_arguments
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import MOST_MEMBERS
from synapsor.contract.mapping import Table
from synapsor.core.links import column_of
from synapsor.core.plan import ReadPlan
from synapsor.core.proposal import Proposal
from synapsor.core.question import plan_read, question_of
from synapsor.core.scope import Scope
from synapsor.core.writeback import target
from synapsor.values import Token


def match_plan(
    proposal: Proposal, capability: ProposeCapability, table: Table, natives: Mapping[str, str]
) -> ReadPlan | None:
    """Return the worker's look for the keys that match a set now, or None where none is asked for; at most as many more as a set may have.

    An undo is about the rows of a change that was made, and not about a filter.
    """
    if capability.members is None or proposal.undoes is not None:
        return None
    question = question_of(capability, table, natives)
    shape = replace(
        question.shape,
        relation=target(table),
        columns=tuple(column_of(table, name, natives) for name in table.key),
        rows=len(proposal.members) + MOST_MEMBERS,
        bare=True,
    )
    arguments = compile_arguments(capability).check(proposal.arguments)
    scope = Scope(tenant=proposal.tenant, principal=proposal.principal)
    return plan_read(replace(question, shape=shape), scope, arguments)


def count_newcomers(proposal: Proposal, keys: Iterable[tuple[Token, ...]]) -> int:
    """Return how many of these keys are none of a member."""
    members = {tuple(token for _, token in member.key) for member in proposal.members}
    return sum(key not in members for key in keys)
