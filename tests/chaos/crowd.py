"""Agents that ask for changes in a storm, and the person who approves nine tenths of them; whatever is refused for now is asked again."""

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import anyio

from synapsor.core.proposal import Status
from synapsor.errors import LedgerFailure
from synapsor.flow.desk import Desk
from synapsor.runtime import Project
from tests.chaos.changes import Request
from tests.chaos.filing import PATIENCE, approved_by_leo, file_request, record_of
from tests.chaos.history import Asked
from tests.chaos.nemesis import Tally
from tests.projects import ProjectFiles

AGENTS = 2
BACKLOG = 100
"""So many approved changes may wait before the agents do: else most would be asked for before, and settled after, the storm."""


@dataclass
class Crowd:
    """Who asks and who approves, and what came of it.

    Attributes:
        impatient: some requests are made twice at once, as by a client that has not heard the first answer.
        asked: what was asked for, by the handle of the proposal; of two of one request the one that stands is the later one.
        approved: the handles of what was approved.
    """

    files: ProjectFiles
    project: Project
    desk: Desk
    rng: random.Random
    requests: Iterator[tuple[str, Request]]
    tally: Tally
    impatient: bool
    asked: dict[str, Asked] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    approved: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    async def ask(self, count: int, seconds: float) -> None:
        """Ask until so many proposals are filed, or for so long."""
        until = anyio.current_time() + seconds
        async with anyio.create_task_group() as group:
            for _ in range(AGENTS if self.impatient else 1):
                group.start_soon(self._agent, count, until)

    async def waiting(self) -> int:
        """Return how many approved proposals wait for a worker, as far as the ledger can be read now."""
        with suppress(LedgerFailure):
            stand = await (await self.project.ledger()).statuses(self._open)
            self._open = [one for one in self._open if stand.get(one, Status.APPROVED) is Status.APPROVED]
        return len(self._open)

    async def _agent(self, count: int, until: float) -> None:
        while len(self.asked) < count and anyio.current_time() < until:
            kind, request = next(self.requests)
            self.tally.requests += 1
            will = self.rng.random() < 0.9
            if self.impatient and not request.others and self.rng.random() < 0.1:
                filed = await self._twice(request, will)
            else:
                filed = await self._once(request, will)
            self.asked |= filed
            self.kinds |= dict.fromkeys(filed, kind)
            self.approved += list(filed) if will else ()
            self._open += list(filed) if will else ()
            await self._room()

    async def _once(self, request: Request, will: bool) -> dict[str, Asked]:
        refused = self.tally.refused
        return await file_request(self.files, self.desk, self.project, request, approved=will, refused=refused)

    async def _twice(self, request: Request, will: bool) -> dict[str, Asked]:
        """Return the proposals of a request that is made twice at once; where the rows have moved meanwhile, one is in the other's place."""
        filed: dict[str, Asked] = {}

        async def once() -> None:
            filed.update(await self._once(request, will=False))

        async with anyio.create_task_group() as group:
            group.start_soon(once)
            group.start_soon(once)
        records = [await record_of(self.project, proposal) for proposal in filed]
        standing = [record.proposal for record in records if record.status is Status.REVIEW_REQUIRED]
        assert len(standing) == min(len(filed), 1), records
        for proposal in standing:
            self.tally.doubled += 1
            filed[proposal.id] = filed.pop(proposal.id)
            if will:
                await approved_by_leo(self.files, self.project, proposal.id, proposal.digest, self.tally.refused)
        return filed

    async def _room(self) -> None:
        """Wait until not too many approved changes wait for a worker."""
        if len(self._open) < BACKLOG:
            return
        with anyio.fail_after(PATIENCE):
            while await self.waiting() >= BACKLOG:
                with anyio.move_on_after(0.1):
                    await anyio.Event().wait()
