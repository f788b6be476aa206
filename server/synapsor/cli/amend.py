"""`synapsor edit` and `synapsor extend`: a reviewer puts a proposal in the place of another one, and other people decide on it."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Final

from synapsor import runtime
from synapsor.approve.card.card import card_of
from synapsor.approve.terminal.card import render
from synapsor.cli.given import pairs
from synapsor.cli.refused_acts import signer_for
from synapsor.cli.terminal import answer, coloured, interrupt_at_once, paragraph, width
from synapsor.config import load_config
from synapsor.contract.typed import typed
from synapsor.core.records import to_body
from synapsor.errors import Code, DecisionRefused, Refusal
from synapsor.flow.acting import Acting
from synapsor.flow.amend import AMENDING, edit, extend
from synapsor.flow.decider import Named
from synapsor.flow.filing import Filing, served_for
from synapsor.flow.named import proposal_of
from synapsor.flow.reason import check_reason
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord


def run(arguments: Namespace) -> int:
    """File what takes the proposal's place and return 0."""
    return asyncio.run(_run(arguments))


_FIXES: Final = {
    Code.INVALID_ARGUMENTS: "Give what fits with `synapsor edit` and --arg NAME=TEXT; `synapsor tools` shows what the capability takes."
}
"""What a person can do where the table of codes speaks to an agent."""


async def _run(arguments: Namespace) -> int:
    check_reason(arguments.kind, arguments.reason)
    values = pairs(arguments.arg, "--arg") if arguments.kind == "edit" else {}
    interrupt_at_once()
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        record = await proposal_of(ledger, arguments.handle)
        try:
            amending = await _amending(arguments, project, record)
            if arguments.kind == "edit":
                filed = await edit(ledger, amending, typed(values, amending.served.tool.input_schema))
            else:
                filed = await extend(ledger, amending)
        except Refusal as refused:
            fix = _FIXES.get(refused.code, refused.fix)
            raise DecisionRefused(refused.code, refused.message, fix=fix) from refused
        operators, now = project.operators(), project.clock.now()
        shown = await card_of(
            ledger, filed, operators=operators, now=now, full=arguments.full, receiptless=project.config.receiptless
        )
    if not arguments.json:
        print(render(shown, colour=coloured(arguments), width=width()))
    _tell(arguments, filed)
    return 0


async def _amending(arguments: Namespace, project: runtime.Project, record: ProposalRecord) -> Filing:
    """Return who amends what; what is certain to be refused is, before the source is opened and a passphrase is typed."""
    ledger, operators, now = await project.ledger(), project.operators(), project.clock.now()
    operator, unlock = await signer_for(arguments, project, (record.proposal.id,), operators, role=record.proposal.role)
    acting = Acting(who=Named(operator=operator), operators=operators, now=now)
    served = await served_for(ledger, record, acting, AMENDING[arguments.kind], activated=project.activated)
    return Filing(
        record=record,
        served=served,
        operator=operator,
        operators=project.operators,
        unlock=lambda: Signer(operator=operator, key=unlock()),
        reason=arguments.reason,
        now=now,
    )


def _tell(arguments: Namespace, filed: ProposalRecord) -> None:
    proposal, amends = filed.proposal, filed.proposal.amends
    assert amends is not None  # noqa: S101  # that is what was filed
    document = {
        "proposal": proposal.id,
        "status": filed.status.value,
        "digest": proposal.digest,
        "amends": {name: value for name, value in to_body(amends).items() if name not in {"signature", "login"}},
        "needs": {"role": proposal.role, "people": proposal.quorum},
        "expires_at": proposal.expires_at,
    }
    people = "A person" if proposal.quorum == 1 else f"{proposal.quorum} people"
    but = f", none of them {', '.join(amends.editors)}," if amends.editors else ""
    text = (
        f"{proposal.id} has taken the place of {amends.proposal}; nothing has changed yet.\n"
        f"{people} with the role {proposal.role}{but} decide{'s' if proposal.quorum == 1 else ''} until {proposal.expires_at}: "
        f"`synapsor approve {proposal.id}`"
    )
    answer(arguments, "amendment", document, paragraph(text))
