"""What every chaos test does beside its nemesis: file requests, have them approved, read where they stand."""

import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import anyio

from synapsor.errors import LedgerFailure
from synapsor.flow.desk import Desk
from synapsor.ports import ProposalRecord
from synapsor.runtime import Project
from tests.chaos.changes import Request
from tests.chaos.history import Asked
from tests.projects import ProjectFiles, leo_approves

_GONE = {"not_found", "out_of_bounds"}
"""What a storm may answer to a request: the rows were removed meanwhile."""


_NOT_NOW = {"source_unavailable", "timeout", "evidence_unavailable"}
"""What may be asked again: the source or the ledger cannot be had. On SQLite a killed worker leaves what only the next one can roll back,
and holds up others while it is paused."""
PATIENCE = 900.0
"""Seconds after which whatever keeps the source or the ledger away is a failure of its own."""


async def file_request(
    files: ProjectFiles,
    desk: Desk,
    project: Project,
    request: Request,
    *,
    approved: bool = True,
    refused: Counter[str] | None = None,
) -> dict[str, Asked]:
    """Return what was asked for by the handles of the proposals that were filed, and approved if they are to be; nothing where rows
    are not there any more. Of what stands or falls together all are filed before the first is approved.
    What was `refused` for the moment is counted.
    """
    refused = Counter() if refused is None else refused
    filed: dict[str, Asked] = {}
    digests: dict[str, str] = {}
    for each in (request, *request.others):
        proposal = await _answered(desk, each, refused)
        if proposal is None:
            return filed
        filed[proposal["id"]], digests[proposal["id"]] = each.asked, proposal["digest"]
    for proposal_id, digest in digests.items() if approved else ():
        await approved_by_leo(files, project, proposal_id, digest, refused)
    return filed


async def _answered(desk: Desk, request: Request, refused: Counter[str]) -> dict[str, Any] | None:
    """Ask until there is an answer, and return the proposal; None where the rows are gone."""
    with anyio.fail_after(PATIENCE):
        for wait in _again():
            answer = await desk.call(request.capability, request.arguments, request.session)
            if answer["ok"]:
                proposal: dict[str, Any] = answer["proposal"]
                return proposal
            if answer["error"]["code"] in _GONE:
                return None
            assert answer["error"]["code"] in _NOT_NOW, answer["error"]
            assert answer["error"]["retryable"], answer["error"]
            refused[answer["error"]["code"]] += 1
            await wait()
    raise AssertionError


async def approved_by_leo(
    files: ProjectFiles, project: Project, proposal_id: str, digest: str, refused: Counter[str]
) -> None:
    """Let leo approve a proposal, again and again while the ledger fails: what is said not to be recorded may be said once more."""
    with anyio.fail_after(PATIENCE):
        for wait in _again():
            try:
                await leo_approves(files, project, proposal_id, digest)
            except LedgerFailure as failed:
                refused[failed.rule] += 1
                await wait()
            else:
                return


def _again() -> Iterator[Callable[[], Awaitable[None]]]:
    """Return for each try how to wait for the next one, a little longer each time."""

    async def wait(seconds: float) -> None:
        with anyio.move_on_after(seconds):
            await anyio.Event().wait()

    for tries in itertools.count():
        yield partial(wait, min(0.005 * 2**tries, 0.2))


async def record_of(project: Project, proposal_id: str) -> ProposalRecord:
    """Return a proposal's record, as soon as the ledger can be read."""
    with anyio.fail_after(PATIENCE):
        for wait in _again():
            try:
                record = await (await project.ledger()).proposal(proposal_id)
            except LedgerFailure:
                await wait()
            else:
                break
    assert record is not None
    return record
