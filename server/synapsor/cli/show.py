"""`synapsor show`: the review card of a proposal, or the record of any other handle."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Any

from synapsor import runtime
from synapsor.approve.card.beside import OPEN
from synapsor.approve.card.card import card_of
from synapsor.approve.card.looks import Look
from synapsor.approve.card.now import with_now
from synapsor.approve.terminal.card import render
from synapsor.cli.rests import note_rests
from synapsor.cli.terminal import answer, as_json, coloured, note, width
from synapsor.config import load_config
from synapsor.core.blast import blast_body
from synapsor.core.live import live_body
from synapsor.core.moment import stamp
from synapsor.core.proposal import Status, as_of, undo_key
from synapsor.core.records import to_body
from synapsor.errors import UsageError
from synapsor.flow.replay import proposal_named
from synapsor.ports import ProposalRecord


def run(arguments: Namespace) -> int:
    """Show it and return 0."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Namespace) -> int:
    async with runtime.open_project(load_config(arguments.config)) as project:
        ledger = await project.ledger()
        found = await ledger.find(arguments.handle)
        if found is None:
            raise UsageError("There is no such record.", fix="See `synapsor inbox --all`.")
        proposal_id = found["body"]["id"] if found["kind"] == "proposal" else proposal_named(found["body"])
        record = await ledger.proposal(proposal_id) if proposal_id else None
        if record is None:
            answer(
                arguments, "record", {"kind": found["kind"], "body": found["body"]}, as_json(found["body"], indent=2)
            )
            return 0
        operators, now = project.deciders(), project.clock.now()
        undos = await ledger.asked_before(undo_key(record.proposal.id, record.proposal.digest))
        shown = await card_of(
            ledger, record, operators=operators, now=now, full=arguments.full, receiptless=project.config.receiptless
        )
        seen = await _look(project, record) if arguments.live else None
        if seen is not None:
            shown = with_now(shown, record.proposal, seen, now=project.clock.now())
        elif arguments.live:
            note(f"The source is not looked at: the proposal {record.status.stands}.")
        if record.job is not None and record.status in OPEN:
            await note_rests(arguments, project, record)
        bodies = (live_body(seen.live), blast_body(seen.blast)) if seen else (None, None)
        source = dict(zip(("live", "blast"), bodies, strict=True)) if arguments.live else {}
    document = {
        **record_body(record),
        "expired": as_of(stamp(now), record.status, record.proposal) is Status.EXPIRED,
        "approvals": {"have": shown.quorum.have, "need": shown.quorum.need},
        "undos": [{"proposal": undo.proposal.id, "status": undo.status.value} for undo in undos],
        "warnings": list(shown.warnings),
        "card": to_body(shown),
        **source,
    }
    answer(
        arguments,
        "proposal",
        document,
        render(shown, colour=coloured(arguments), width=width(), evidence=arguments.evidence),
        ok=not shown.tampered,
    )
    return 5 if shown.tampered else 0


async def _look(project: runtime.Project, record: ProposalRecord) -> Look | None:
    """Return a look at the source, while anything may still come of the proposal: what came of it is told by its receipt."""
    if record.status not in OPEN:
        return None
    from synapsor.looking import SourceLooks  # heavy: the SQL compiler

    return await SourceLooks(project=project, client="show").now(record.proposal, who="?")


def record_body(record: ProposalRecord) -> dict[str, Any]:
    """Return a proposal with everything that happened to it, as JSON data."""
    return {
        "proposal": to_body(record.proposal),
        "digest": record.shown,
        "status": record.status.value,
        "decisions": [{**to_body(s.decision), "signature": s.signature} for s in record.decisions],
        "questions": [to_body(one) for one in record.exchanges],
        "job": to_body(record.job) if record.job else None,
        "instructions": [{**to_body(s.instruction), "signature": s.signature} for s in record.instructions],
        "receipts": [r.told for r in record.receipts],
        "resolution": to_body(record.resolution) if record.resolution else None,
        "group": [
            {"proposal": o.proposal.id, "capability": o.proposal.capability, "status": o.status.value}
            for o in record.group
        ],
    }
