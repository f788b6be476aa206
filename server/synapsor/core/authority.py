"""Whether a proposal is inside a contract: asked again by the worker, from the activated contract and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from synapsor.contract.arguments import compile_arguments
from synapsor.contract.model import Contract, ProposeCapability, Table, constant, is_argument
from synapsor.contract.tokens import to_token
from synapsor.core.proposal import Proposal, change_set
from synapsor.core.writeback import target
from synapsor.errors import Refusal
from synapsor.values import ColumnType, Token, ValueUnfit


def table_for(proposal: Proposal, contract: Contract) -> tuple[Table | None, str]:
    """Return the mapping that a proposal may write, or None and the stable word for why it may not."""
    capability = contract.capabilities.get(proposal.capability)
    if not isinstance(capability, ProposeCapability):
        return None, "capability_gone"
    table = contract.table_of(capability)
    wrong = (
        (proposal.role != capability.approval.role, "role_changed"),
        (proposal.source != table.source, "source_changed"),
        (proposal.relation != str(target(table)), "relation_changed"),
        (proposal.tenant_column != table.tenant_column, "tenant_changed"),
        (table.tenant_column is not None and proposal.tenant is None, "tenant_missing"),
        (tuple(name for name, _ in proposal.key) != (table.key,), "key_changed"),
        (not proposal.changes or set(proposal.changes) != set(capability.set), "columns_changed"),
        ({name for name, _ in proposal.columns} != set(table.allowed), "columns_changed"),
        (set(proposal.before) != set(table.allowed), "columns_changed"),
        (proposal.moves != table.moves, "guards_changed"),
    )
    why = next((word for is_wrong, word in wrong if is_wrong), "") or _unlike_reviewed(proposal, capability, table)
    return (None, why) if why else (table, "")


def _unlike_reviewed(proposal: Proposal, capability: ProposeCapability, table: Table) -> str:
    """Return how the row and the change differ from what the capability makes of these arguments, or ""."""
    try:
        arguments = compile_arguments(capability).check(proposal.arguments)
        made = change_set(capability, table, arguments, proposal.before)
        value = capability.where[table.key]
        key = arguments[str(value)[1:]] if is_argument(value) else constant(value)
        asked = {table.key: to_token(key, table.columns[table.key])}
    except (Refusal, ValueUnfit, KeyError, ArithmeticError):
        return "outside_contract"
    if (set(made.guards), made.advances) != (set(proposal.guards), proposal.advances):
        return "guards_changed"
    alike = _alike(made.changes, proposal.changes, table) and _alike(asked, dict(proposal.key), table)
    return "" if alike else "outside_contract"


def _alike(made: Mapping[str, Token], told: Mapping[str, Token], table: Table) -> bool:
    """Compare tokens; the live column's scale, which is not in the contract, may have added zeros to a decimal."""
    return made.keys() == told.keys() and all(
        _number(made[name]) == _number(told[name])
        if table.columns[name].type is ColumnType.NUMERIC
        else made[name] == told[name]
        for name in made
    )


def _number(token: Token) -> Decimal | None:
    return None if token is None else Decimal(token)
