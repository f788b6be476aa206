"""`synapsor undo`: an operator asks for an applied change to be undone; what is filed is a proposal that other people decide on."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from synapsor import runtime
from synapsor.cli.call import EXIT_CODES
from synapsor.cli.signer import signer
from synapsor.cli.terminal import answer, interrupt_at_once, paragraph
from synapsor.config import load_config
from synapsor.contract.load import LoadedContract
from synapsor.core.moment import stamp
from synapsor.core.posture import refuse_fatal
from synapsor.core.proposal import Proposal
from synapsor.core.records import to_body
from synapsor.core.review import may_undo
from synapsor.errors import Code, ConfigError, DecisionRefused, Refusal
from synapsor.flow.prepare import Served, Wiring, prepare
from synapsor.flow.review import proposal_of
from synapsor.flow.undo import Asking, check_applied, undo
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
    _tell(arguments, filed)
    return 0


async def _filed(arguments: Namespace, project: runtime.Project, record: ProposalRecord) -> ProposalRecord:
    """File it, and record who was refused what, as of any decision that is refused."""
    ledger, now, operators = await project.ledger(), project.clock.now(), project.operators()
    who = arguments.operator if arguments.operator in operators else "?"
    try:
        check_applied(record)
        operator, unlock = signer(arguments, operators, role=record.proposal.role)
        who = operator.name
        may_undo(operator)
        served = await activated(project, record.proposal)
        asking = Asking(
            record=record, served=served, operator=operator, unlock=unlock, reason=arguments.reason, now=now
        )
        return await undo(ledger, asking)
    except DecisionRefused as refused:
        await ledger.refused_decision(record.proposal.id, who, refused.rule, stamp(now))
        raise
    except Refusal as refused:
        code = refused.code.value
        await ledger.refused_decision(record.proposal.id, who, code, stamp(now))
        raise DecisionRefused(code, refused.message, fix=refused.fix, exit_code=EXIT_CODES.get(code, 1)) from refused


async def activated(project: runtime.Project, proposal: Proposal) -> Served:
    """Return the capability of a proposal as it is activated now, over the read credential, proven safe to read with."""
    loaded = next((c for c in project.contracts() if proposal.capability in c.contract.capabilities), None)
    if loaded is None:
        raise ConfigError(
            f"No contract of this project has the capability {proposal.capability}.", fix="Add it under `policies:`."
        )
    await _check_activated(project, loaded, proposal.capability)
    ledger = await project.ledger()
    names = sorted({table.source for table in loaded.contract.tables.values()})
    refuse_fatal([finding for name in names for finding in await project.reader_posture(name)])
    wiring = {n: Wiring(source=project.reader(n), mode=project.config.sources[n].mode) for n in names}
    ready, _ = await prepare(loaded.contract, loaded.digest, wiring, ledger.secret)
    return next(served for served in ready if served.tool.name == proposal.capability)


async def _check_activated(project: runtime.Project, loaded: LoadedContract, capability: str) -> None:
    if why := await project.why_not_activated(loaded):
        raise DecisionRefused(
            Code.NOT_ACTIVATED.value,
            f"Contract {loaded.contract.contract} does not count as activated: {why}.",
            fix="Review it and run `synapsor activate`.",
            exit_code=EXIT_CODES[Code.NOT_ACTIVATED.value],
        )
    needed = loaded.contract.tables_of(loaded.contract.capabilities[capability])
    if drifted := sorted(set(await project.drifted(loaded)) & set(needed)):
        raise DecisionRefused(
            Code.SCHEMA_DRIFT.value,
            f"Table {drifted[0]} is not as it was when the contract was activated.",
            fix="`synapsor doctor` names what changed; `synapsor activate` accepts it.",
            exit_code=EXIT_CODES[Code.SCHEMA_DRIFT.value],
        )


def _tell(arguments: Namespace, filed: ProposalRecord) -> None:
    proposal = filed.proposal
    assert proposal.undoes is not None  # noqa: S101  # that is what was asked for
    document = {
        "proposal": proposal.id,
        "status": filed.status.value,
        "digest": proposal.digest,
        "undoes": to_body(proposal.undoes),
        "needs": {"role": proposal.role, "people": proposal.quorum},
        "expires_at": proposal.expires_at,
    }
    people = "Another person" if proposal.quorum == 1 else f"{proposal.quorum} other people"
    text = (
        f"{proposal.id} would undo {proposal.undoes.proposal}; nothing has changed yet.\n"
        f"{people} with the role {proposal.role} decide{'s' if proposal.quorum == 1 else ''}: `synapsor approve {proposal.id}`"
    )
    answer(arguments, "undo", document, paragraph(text))
