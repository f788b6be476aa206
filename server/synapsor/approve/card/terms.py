"""What the reviewed contract says of the columns of a proposal: what their numbers count, and the bounds they must keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from synapsor.contract.deciding import approves, risky
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.contract.plainly import bounds_of, effects_of, totals_of
from synapsor.core.outcome import Why
from synapsor.core.proposal import Proposal
from synapsor.core.restore import Since, since
from synapsor.core.statements import Operator
from synapsor.core.undo import why_final
from synapsor.core.writeback import left_by
from synapsor.flow.permitted import contract_behind, permitted
from synapsor.ports import AgentLedger
from synapsor.values import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A contract's words on a proposal.

    Attributes:
        units: what a number counts, by column.
        bounds: in plain words, by column; of the changed columns, and of those that `bounds` names.
        totals: the bounds on the sums of a set, in plain words, by column.
        effects: what a delete is known to do beside.
        risk: what made it as risky as it is; "" where nothing did.
        policy: what the policy that it names approves without a person; "" where it names none.
        final: why it cannot be undone once it is applied, in words; "" when it can, and None when nobody knows.
        refusal: why the worker would not apply it as things stand, or None.
        since: of an undo, what others have done to each of its rows since the change.
    """

    units: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, str] = field(default_factory=dict)
    totals: Mapping[str, str] = field(default_factory=dict)
    effects: tuple[str, ...] = ()
    risk: str = ""
    policy: str = ""
    final: str | None = None
    refusal: Why | None = None
    since: tuple[Since, ...] = ()


async def terms_behind(ledger: AgentLedger, proposal: Proposal, operators: Mapping[str, Operator]) -> Terms:
    """Return the terms of the contract that a proposal was made under, which must be the one that is activated."""
    found = await permitted(proposal, ledger, operators)
    if isinstance(found, Why):
        return Terms(refusal=found)
    capability, table = found.capability, found.table
    units = _units(table)
    final = why_final(proposal, capability)
    if found.original is not None:  # what a change must keep to, an undo need not
        left = await _left(ledger, found.original)
        return Terms(units=units, final=final, since=since(found.proposal, found.original, left))
    policy = found.contract.policies.get(proposal.policy or "")
    return Terms(
        units=units,
        final=final,
        bounds=bounds_of(capability, table, proposal.changed),
        totals=totals_of(capability, table),
        effects=effects_of(capability),
        risk=risky(capability, proposal.risk),
        policy=approves(policy) if policy is not None else "",
    )


async def _left(ledger: AgentLedger, original: Proposal) -> tuple[Mapping[str, Token], ...]:
    """Return the rows as the worker left them; none where nobody recorded that."""
    record = await ledger.proposal(original.id)
    return left_by(record.receipts, original) if record is not None else ()


async def units_behind(
    ledger: AgentLedger, proposals: Iterable[Proposal], operators: Mapping[str, Operator]
) -> Mapping[str, Mapping[str, str]]:
    """Return what the numbers of each proposal count, by its handle; nothing where its contract is not the one that is activated."""
    contracts: dict[str, Contract | Why] = {}
    units: dict[str, Mapping[str, str]] = {}
    for proposal in proposals:
        if proposal.contract not in contracts:
            contracts[proposal.contract] = await contract_behind(proposal, ledger, operators)
        contract = contracts[proposal.contract]
        capability = None if isinstance(contract, Why) else contract.capabilities.get(proposal.capability)
        units[proposal.id] = (
            {} if isinstance(contract, Why) or capability is None else _units(contract.table_of(capability))
        )
    return units


def _units(table: Table) -> Mapping[str, str]:
    return {name: rule.unit for name, rule in table.allowed.items() if rule.unit}
