"""`synapsor undo`: an operator asks for an applied change to be undone; what is filed is a proposal that other people decide on."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from synapsor import runtime
from synapsor.approve.card.terms import terms_behind
from synapsor.cli.refused_acts import signer_for
from synapsor.cli.terminal import answer, interrupt_at_once, paragraph
from synapsor.config import load_config
from synapsor.core.records import to_body
from synapsor.core.restore import Since
from synapsor.core.words import many
from synapsor.errors import DecisionRefused, Refusal
from synapsor.flow.acting import Acting
from synapsor.flow.decider import Named, Unknown
from synapsor.flow.filing import Filing, served_for
from synapsor.flow.named import proposal_of
from synapsor.flow.signing import Signer
from synapsor.flow.undo import UNDOING, undo
from synapsor.ports import ProposalRecord


def run(arguments: Namespace) -> int:
    """File the undo and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        record = await proposal_of(ledger, arguments.handle)
        filed = await _filed(arguments, project, record)
        terms = await terms_behind(ledger, filed.proposal, project.operators())
    _tell(arguments, filed, terms.since)
    return 0


async def _filed(arguments: Namespace, project: runtime.Project, record: ProposalRecord) -> ProposalRecord:
    """File it; what the contract refuses is a refusal like any other here."""
    ledger, now, operators = await project.ledger(), project.clock.now(), project.operators()
    one = operators.get(arguments.operator or "")
    acting = Acting(who=Named(operator=one) if one else Unknown(), operators=operators, now=now)
    try:
        served = await served_for(ledger, record, acting, UNDOING, activated=project.activated)
        operator, unlock = await signer_for(
            arguments, project, (record.proposal.id,), operators, role=record.proposal.role
        )
        asking = Filing(
            record=record,
            served=served,
            operator=operator,
            operators=project.operators,
            unlock=lambda: Signer(operator=operator, key=unlock()),
            reason=arguments.reason,
            now=now,
        )
        return await undo(ledger, asking)
    except Refusal as refused:
        raise DecisionRefused.by(refused) from refused


def _tell(arguments: Namespace, filed: ProposalRecord, since: Sequence[Since]) -> None:
    proposal = filed.proposal
    assert proposal.undoes is not None  # noqa: S101  # that is what was asked for
    document: dict[str, Any] = {
        "proposal": proposal.id,
        "status": filed.status.value,
        "digest": proposal.digest,
        "undoes": to_body(proposal.undoes),
        "needs": {"role": proposal.role, "people": proposal.quorum},
        "expires_at": proposal.expires_at,
        "moved_on": [{"row": at, **to_body(one)} for at, one in enumerate(since, 1) if one != Since()],
    }
    moved = len(document["moved_on"])
    people = "Another person" if proposal.quorum == 1 else f"{proposal.quorum} other people"
    text = (
        f"{proposal.id} would undo {proposal.undoes.proposal}; nothing has changed yet.\n"
        + (f"{many(moved, 'row has', 'rows have')} moved on since; what others have set stays.\n" if moved else "")
        + f"{people} with the role {proposal.role} decide{'s' if proposal.quorum == 1 else ''}: `synapsor approve {proposal.id}`"
    )
    answer(arguments, "undo", document, paragraph(text))
