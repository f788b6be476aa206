"""Whether a proposal may be applied as things stand: under the contract that it was made under, which must be activated, and as it was made.

Whoever shows it, approves it by policy or applies it asks here, so that nobody is told anything else than what the worker goes by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.digest import recorded
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.core.amend import verify_amendment
from synapsor.core.authority import table_for
from synapsor.core.hidden import Keeper
from synapsor.core.outcome import Why
from synapsor.core.presenter import opened
from synapsor.core.proposal import Proposal, Status
from synapsor.core.review import verify_activation, verify_undo
from synapsor.core.statements import Operator
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ports import Activated, AgentLedger
from synapsor.refusals import Rule

MENDABLE = frozenset(
    {Why.ACTIVATION_INVALID, Why.UNDO_NOT_ASKED, Why.HIDDEN_UNREADABLE, Why.ORIGINAL_MISSING},
)
"""Why a proposal may not be applied although its contract may stand: people, keys or records are missing, and may come back.

Of any other `Why`, the contract would have to become another one; nobody is asked to sign for that.
"""

_AGAIN = {
    Why.CONTRACT_NOT_ACTIVE: "Ask the agent to propose it again, or extend it under the contract as it is now with `synapsor extend`."
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """A proposal that may be applied as things stand, and by what.

    Attributes:
        proposal: opened: its hidden values are as the database had them.
        original: the change that an undo takes back, opened; None of what is no undo. That it was applied, only the source's receipt proves.
    """

    proposal: Proposal
    contract: Contract
    capability: ProposeCapability
    table: Table
    original: Proposal | None


async def permitted(proposal: Proposal, ledger: AgentLedger, operators: Mapping[str, Operator]) -> Permitted | Why:
    """Return what a proposal may be applied by, or why it may not be; whether anybody approved it is another question."""
    contract = await contract_behind(proposal, ledger, operators)
    if isinstance(contract, Why):
        return contract
    if not await _is_amended(proposal, ledger, operators):
        return Why.AMENDMENT_INVALID
    original = await _original_of(proposal, ledger, operators)
    if isinstance(original, Why):
        return original
    try:
        keeper = Keeper.of(ledger.secret)
        whole, original = opened(proposal, keeper), opened(original, keeper) if original else None
    except IntegrityError:
        return Why.HIDDEN_UNREADABLE
    table = table_for(whole, contract, original)
    if isinstance(table, Why):
        return table
    capability = contract.capabilities[proposal.capability]
    assert isinstance(capability, ProposeCapability)  # noqa: S101  # `table_for` refuses every other
    return Permitted(proposal=whole, contract=contract, capability=capability, table=table, original=original)


async def check_applicable(proposal: Proposal, ledger: AgentLedger, operators: Mapping[str, Operator]) -> None:
    """Refuse to approve what the worker would not apply, unless that may be mended; what may be is a warning on the card.

    Raises:
        DecisionRefused: by rule `would_not_apply`.
    """
    found = await permitted(proposal, ledger, operators)
    if isinstance(found, Why) and found not in MENDABLE:
        again = (
            "Ask for the undo again." if proposal.undoes else _AGAIN.get(found, "Ask the agent to propose it again.")
        )
        raise DecisionRefused(
            Rule.WOULD_NOT_APPLY,
            f"The worker would not apply it: {found.meaning}",
            fix=f"{again} This one can be rejected.",
        )


async def reviewed_capability(proposal: Proposal, ledger: AgentLedger) -> ProposeCapability | None:
    """Return the capability that a proposal was made by, from the body that its contract's digest names; None where that is not active.

    Who activated it is not asked: the digest alone says what was reviewed.

    Raises:
        IntegrityError: what is recorded under the digest is not of it.
    """
    active = await ledger.active_contract_by_digest(proposal.contract)
    if active is None:
        return None
    contract, found_digest = recorded(active.body)
    if found_digest != proposal.contract:
        raise IntegrityError("The recorded contract is not the one that its digest names.")
    found = contract.capabilities.get(proposal.capability)
    return found if isinstance(found, ProposeCapability) else None


async def is_behind(proposal: Proposal, ledger: AgentLedger) -> bool:
    """Tell whether another version of its contract is the active one by now, so that it would not be applied."""
    try:
        return await ledger.active_contract_by_digest(proposal.contract) is None
    except IntegrityError:
        return True  # whoever looks at the proposal itself is told why


async def contract_behind(proposal: Proposal, ledger: AgentLedger, operators: Mapping[str, Operator]) -> Contract | Why:
    """Return the contract that a proposal was made under, proven to be activated by a trusted reviewer, or why there is none."""
    try:
        active = await ledger.active_contract_by_digest(proposal.contract)
    except IntegrityError:
        return Why.ACTIVATION_INVALID
    if active is None:
        return Why.CONTRACT_NOT_ACTIVE
    return proven(active, ledger.id, operators)


def proven(active: Activated, ledger: str, operators: Mapping[str, Operator]) -> Contract | Why:
    """Return the contract of an active version, proven to be activated by a reviewer who is trusted now, or why it does not count."""
    try:
        contract, digest = recorded(active.body)
        verify_activation(
            active.activation, active.signature, operators, ledger=ledger, contract=contract.contract, digest=digest
        )
    except IntegrityError:
        return Why.ACTIVATION_INVALID
    return contract


async def _is_amended(proposal: Proposal, ledger: AgentLedger, operators: Mapping[str, Operator]) -> bool:
    """Tell whether each amendment that led to a proposal was made by a trusted person, back to what the agent asked for.

    It ends: each proof wants the one before to be one amendment nearer to the request.
    """
    while proposal.amends is not None:
        record = await ledger.proposal(proposal.amends.proposal)
        if record is None or record.status is not Status.SUPERSEDED:
            return False
        try:
            verify_amendment(proposal, record.proposal, operators)
        except (IntegrityError, DecisionRefused):
            return False
        proposal = record.proposal
    return True


async def _original_of(
    proposal: Proposal, ledger: AgentLedger, operators: Mapping[str, Operator]
) -> Proposal | Why | None:
    """Return the change that an undo is about, as the ledger has it, and None of what is no undo; or why there is nothing to undo by it."""
    if proposal.undoes is None:
        return None
    try:
        verify_undo(proposal, operators)
    except (IntegrityError, DecisionRefused):
        return Why.UNDO_NOT_ASKED
    record = await ledger.proposal(proposal.undoes.proposal)
    if record is None or (record.proposal.digest, record.proposal.ledger) != (proposal.undoes.digest, ledger.id):
        return Why.ORIGINAL_MISSING
    return record.proposal
