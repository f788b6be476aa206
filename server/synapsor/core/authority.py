"""Whether a proposal is inside a contract: asked again by the worker, from the activated contract and from nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from synapsor.contract.arguments import compile_arguments
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.deciding import evidence_for, together_with
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.contract.names import names_of
from synapsor.core.change import Request, change_set, require
from synapsor.core.deciding import Need, need_of, need_of_people, need_of_undo, reason_of
from synapsor.core.depends import held_hops
from synapsor.core.moment import parse
from synapsor.core.outcome import Why
from synapsor.core.proposal import Proposal
from synapsor.core.restore import is_inverse
from synapsor.core.undo import Inverse, inverse_of
from synapsor.core.writeback import target
from synapsor.errors import Refusal
from synapsor.values import ColumnType, Token, ValueUnfit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """What a proposal has to be, by the activated contract: of a change as it is asked for, or of the undo of one."""

    operation: str
    key: tuple[str, ...]
    sets: frozenset[str]
    depends: frozenset[str]
    need: Need
    reason: str | None
    workflow: str | None
    evidence: tuple[str, ...]
    together: tuple[str, ...]
    executor: str | None
    named: tuple[tuple[str, ...], ...]


def table_for(proposal: Proposal, contract: Contract, original: Proposal | None = None) -> Table | Why:
    """Return the mapping that a proposal may write, or why it may not; of an undo, `original` is the change that it takes back."""
    capability = contract.capabilities.get(proposal.capability)
    if not isinstance(capability, ProposeCapability):
        return Why.CAPABILITY_GONE
    table = contract.table_of(capability)
    if proposal.undoes is not None and proposal.amends is not None:
        return Why.NOT_THE_INVERSE  # nobody edits an undo
    if proposal.undoes is None:
        form = _asked_for(proposal, capability, table, contract)
        why = _unlike_mapping(proposal, form, table) or _unlike_reviewed(proposal, capability, table, contract)
        return why or _decided_otherwise(proposal, form) or table
    if original is None:
        return Why.ORIGINAL_MISSING
    inverse = inverse_of(original, capability, table)
    if isinstance(inverse, Why):
        return inverse
    form = _taken_back(proposal, original, inverse, capability, contract)
    why = _unlike_mapping(proposal, form, table)
    why = why or (None if is_inverse(proposal, original, inverse, capability, table) else Why.NOT_THE_INVERSE)
    return why or _decided_otherwise(proposal, form) or table


def _asked_for(proposal: Proposal, capability: ProposeCapability, table: Table, contract: Contract) -> _Form:
    reason = reason_of(capability, proposal.arguments)
    needs = need_of if proposal.amends is None else need_of_people
    return _Form(
        operation=capability.operation,
        key=capability.dedup if proposal.inserts else table.key,
        sets=frozenset(capability.set),
        depends=frozenset(path for hop in held_hops(capability, contract) for path in hop.paths),
        need=needs(capability, proposal.rows, reason),
        reason=reason,
        workflow=contract.workflow_of(proposal.capability),
        evidence=evidence_for(contract, proposal.capability),
        together=together_with(contract, proposal.capability),
        executor=capability.executor,
        named=names_of(contract, table),
    )


def _taken_back(
    proposal: Proposal, original: Proposal, inverse: Inverse, capability: ProposeCapability, contract: Contract
) -> _Form:
    reason, table = original.reason_code, contract.table_of(capability)
    return _Form(
        operation=inverse.operation,
        key=table.key,
        sets=frozenset(capability.set if inverse.operation is Operation.UPDATE else ()),
        depends=frozenset(),
        need=need_of_undo(capability, proposal.rows, original.rows, reason),
        reason=reason,
        workflow=None,
        evidence=(),
        together=(),
        executor=capability.executor,
        named=names_of(contract, table),
    )


def _unlike_mapping(proposal: Proposal, form: _Form, table: Table) -> Why | None:
    """Return how the proposal's place, rows and columns are not those of the mapping, or None."""
    allowed, members = set(table.allowed), proposal.members
    wrong = (
        (proposal.source != table.source, Why.SOURCE_CHANGED),
        (proposal.relation != str(target(table)), Why.RELATION_CHANGED),
        (proposal.tenant_column != table.tenant_column, Why.TENANT_CHANGED),
        (proposal.principal_column != table.principal, Why.PRINCIPAL_CHANGED),
        (table.tenant_column is not None and proposal.tenant is None, Why.TENANT_MISSING),
        (proposal.operation != form.operation, Why.OPERATION_CHANGED),
        (proposal.executor != form.executor, Why.EXECUTOR_CHANGED),
        (any(tuple(name for name, _ in m.key) != form.key for m in members), Why.KEY_CHANGED),
        (proposal.named != form.named, Why.KEY_CHANGED),
        (any(set(m.changes) != form.sets for m in members), Why.COLUMNS_CHANGED),
        ({name for name, _ in proposal.columns} != allowed, Why.COLUMNS_CHANGED),
        (any(set(m.before) != (set() if proposal.inserts else allowed) for m in members), Why.COLUMNS_CHANGED),
        (
            any(set(m.hidden) != (set() if proposal.inserts else set(table.hidden)) for m in members),
            Why.COLUMNS_CHANGED,
        ),
        (any(m.before.get(n, t) != t for m in members for n, t in proposal.scope), Why.OUTSIDE_CONTRACT),
        (any(set(m.depends) != form.depends for m in members), Why.GUARDS_CHANGED),
        (proposal.moves != table.moves, Why.GUARDS_CHANGED),
    )
    return next((why for is_wrong, why in wrong if is_wrong), None)


def _decided_otherwise(proposal: Proposal, form: _Form) -> Why | None:
    """Return how the contract asks for another decision than the proposal says, or for other evidence, or None."""
    need = form.need
    if proposal.role != need.role:
        return Why.ROLE_CHANGED
    told = (proposal.risk, proposal.quorum, proposal.policy, proposal.step_up, proposal.by_prompt, proposal.shadow)
    wanted_of = (need.risk, need.quorum, need.policy, need.step_up, need.by_prompt, need.shadow)
    if (*told, proposal.reason_code) != (*wanted_of, form.reason):
        return Why.NEED_CHANGED
    latest = parse(proposal.at) + dt.timedelta(hours=need.expires_hours)
    if parse(proposal.expires_at) > latest:
        return Why.NEED_CHANGED
    rests_on = tuple(capability for capability, _, _ in proposal.rests_on)
    wanted = (form.workflow, form.evidence, form.together)
    return None if (proposal.workflow, rests_on, proposal.group_of) == wanted else Why.WORKFLOW_CHANGED


def _unlike_reviewed(proposal: Proposal, capability: ProposeCapability, table: Table, contract: Contract) -> Why | None:
    """Return how the rows and the change differ from what the capability makes of the request, or None."""
    try:
        request = Request(
            arguments=compile_arguments(capability).check(proposal.arguments),
            tenant=proposal.tenant,
            principal=proposal.principal,
            proposal=proposal.id,
            at=proposal.at,
        )
        rows = [] if proposal.inserts else [m.before for m in proposal.members]
        made = change_set(capability, table, request, rows)
        require(capability, table, contract.tables, proposal.members)
    except (Refusal, ValueUnfit, KeyError, ArithmeticError, ValueError):
        return Why.OUTSIDE_CONTRACT
    if (set(made.guards), made.advances) != (set(proposal.guards), proposal.advances):
        return Why.GUARDS_CHANGED
    alike = len(made.members) == len(proposal.members) and all(
        same_tokens(one.changes, other.changes, table) and same_tokens(dict(one.key), dict(other.key), table)
        for one, other in zip(made.members, proposal.members, strict=True)
    )
    return None if alike and made.own == proposal.own else Why.OUTSIDE_CONTRACT


def same_tokens(made: Mapping[str, Token], told: Mapping[str, Token], table: Table) -> bool:
    """Compare tokens; the live column's scale, which is not in the contract, may have added zeros to a decimal."""
    return made.keys() == told.keys() and all(
        _number(made[name]) == _number(told[name])
        if table.columns[name].type is ColumnType.NUMERIC
        else made[name] == told[name]
        for name in made
    )


def _number(token: Token) -> Decimal | None:
    return None if token is None else Decimal(token)
