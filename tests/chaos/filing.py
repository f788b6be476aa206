"""What every chaos test does beside its nemesis: file requests, have them approved, read where they stand."""

from typing import Any

import anyio

from synapsor.flow.desk import Desk
from synapsor.ports import ProposalRecord
from synapsor.runtime import Project
from tests.chaos.changes import Request
from tests.chaos.history import Asked
from tests.projects import ProjectFiles, leo_approves

_GONE = {"not_found", "out_of_bounds"}
"""What a storm may answer to a request: the rows were removed meanwhile."""


async def file_request(
    files: ProjectFiles, desk: Desk, project: Project, request: Request, *, approved: bool = True
) -> dict[str, Asked]:
    """Return what was asked for by the handles of the proposals that were filed, and approved if they are to be; nothing where rows
    are not there any more. Of what stands or falls together all are filed before the first is approved.
    """
    filed: dict[str, Asked] = {}
    digests: dict[str, str] = {}
    for each in (request, *request.others):
        proposal = await _answered(desk, each)
        if proposal is None:
            return filed
        filed[proposal["id"]], digests[proposal["id"]] = each.asked, proposal["digest"]
    for proposal_id, digest in digests.items() if approved else ():
        await leo_approves(files, project, proposal_id, digest)
    return filed


async def _answered(desk: Desk, request: Request) -> dict[str, Any] | None:
    with anyio.fail_after(120):  # whatever keeps the source away for so long is a failure of its own
        while not (answer := await desk.call(request.capability, request.arguments, request.session))["ok"]:
            if answer["error"]["code"] in _GONE:
                return None
            # On SQLite a killed worker leaves what only the next one can roll back, and holds up others while it is paused.
            assert answer["error"]["code"] in {"source_unavailable", "timeout"}, answer["error"]
    proposal: dict[str, Any] = answer["proposal"]
    return proposal


async def record_of(project: Project, proposal_id: str) -> ProposalRecord:
    """Return a proposal's record."""
    record = await (await project.ledger()).proposal(proposal_id)
    assert record is not None
    return record
