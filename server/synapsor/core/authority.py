"""Whether a proposal is inside a contract: asked again by the worker, from the activated contract and from nothing else."""

from __future__ import annotations

from synapsor.contract.model import Contract, ProposeCapability, Table
from synapsor.core.proposal import Proposal
from synapsor.core.writeback import target


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
        (not _guarded(proposal, table), "guards_changed"),
    )
    why = next((word for is_wrong, word in wrong if is_wrong), "")
    return (None, why) if why else (table, "")


def _guarded(proposal: Proposal, table: Table) -> bool:
    fixed = {table.key, table.tenant_column}
    if table.version == "whole_row":
        return proposal.advances is None and set(proposal.guards) == set(table.allowed) - fixed
    return (
        table.version is not None
        and proposal.advances == table.version
        and {table.version, *proposal.changes} <= set(proposal.guards)
    )
