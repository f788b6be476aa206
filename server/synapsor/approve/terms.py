"""What the reviewed contract says of the columns of a proposal: what their numbers count, and the bounds they must keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.model import Contract
from synapsor.contract.plainly import bounds_of, effects_of, totals_of
from synapsor.core.authority import table_for
from synapsor.core.hidden import Keeper
from synapsor.core.outcome import Why
from synapsor.core.presenter import opened
from synapsor.core.proposal import Proposal
from synapsor.core.review import Operator
from synapsor.core.undo import why_final
from synapsor.errors import IntegrityError
from synapsor.flow.original import original_of
from synapsor.flow.review import contract_behind
from synapsor.ports import AgentLedger
from synapsor.values import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A contract's words on a proposal.

    Attributes:
        units: what a number counts, by column.
        bounds: in plain words, by column; of the changed columns, and of those that `bounds` names.
        totals: the bounds on the sums of a set, in plain words, by column.
        effects: what a delete is known to do beside.
        final: why it cannot be undone once it is applied, in words; "" when it can, and None when nobody knows.
        refusal: why the worker would not apply it as things stand, or None.
    """

    units: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, str] = field(default_factory=dict)
    totals: Mapping[str, str] = field(default_factory=dict)
    effects: tuple[str, ...] = ()
    final: str | None = None
    refusal: Why | None = None


async def terms_behind(ledger: AgentLedger, proposal: Proposal, operators: Mapping[str, Operator]) -> Terms:
    """Return the terms of the contract that a proposal was made under, which must be the one that is activated."""
    contract = await contract_behind(proposal, ledger, operators)
    if isinstance(contract, Why):
        return Terms(refusal=contract)
    original = await original_of(proposal, ledger, operators)
    if isinstance(original, Why):
        return Terms(refusal=original)
    try:
        return terms_of(opened(proposal, Keeper.of(ledger.secret)), contract, original)
    except IntegrityError:
        return Terms(refusal=Why.HIDDEN_UNREADABLE)


def terms_of(proposal: Proposal, contract: Contract, original: Proposal | None = None) -> Terms:
    """Return what this contract says of a proposal that is opened; of an undo, `original` is the change that it takes back."""
    table = table_for(proposal, contract, original)
    if isinstance(table, Why):
        return Terms(refusal=table)
    capability = contract.capabilities[proposal.capability]
    assert isinstance(capability, ProposeCapability)  # noqa: S101  # `table_for` refuses every other
    units = {name: rule.unit for name, rule in table.allowed.items() if rule.unit}
    final = why_final(proposal, capability)
    if original is not None:  # what a change must keep to, an undo need not
        return Terms(units=units, final=final)
    return Terms(
        units=units,
        final=final,
        bounds=bounds_of(capability, table, proposal.changed),
        totals=totals_of(capability, table),
        effects=effects_of(capability),
    )


async def unproven(ledger: AgentLedger, proposal: Proposal) -> tuple[str, ...]:
    """Return the handles of earlier evidence that a proposal rests on and that is not what it names."""
    found = [(handle, told, await ledger.evidence(handle)) for _, handle, told in proposal.rests_on]
    return tuple(handle for handle, told, body in found if body is None or digest("evidence", body) != told)
