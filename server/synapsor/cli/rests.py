"""What keeps a worker from coming to a change: told beside whatever a person has just asked it to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synapsor.cli.terminal import note
from synapsor.flow.resting import holding, resting

if TYPE_CHECKING:
    from argparse import Namespace

    from synapsor.core.kept import ProposalRecord
    from synapsor.runtime import Project


async def note_rests(arguments: Namespace, project: Project, record: ProposalRecord) -> None:
    """Tell, beside the answer, that the source of a proposal rests, by whom, why and what lets it go on; nothing where it does not."""
    source = record.proposal.source
    if arguments.json:
        return
    for one in holding(await resting(await project.ledger(), (source,), project.operators()), source):
        note(f"No worker comes to it: {one.told}.")
