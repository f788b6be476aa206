"""Who is refused for the moment asks again, and who has heard nothing does, too: one proposal of a request stands, and one decision on it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import pytest_asyncio

from synapsor.core.proposal import Status
from synapsor.errors import LedgerFailure
from synapsor.flow.desk import Desk
from synapsor.ledger import sqlite as engine
from tests.chaos.changes import ASK, Request
from tests.chaos.filing import record_of
from tests.chaos.recorder import gathered
from tests.chaos.stepped import Stepped, stepped
from tests.chaos.test_ledger_troubles import TROUBLES
from tests.databases import Database
from tests.projects import leo_approves

pytestmark = [pytest.mark.chaos, pytest.mark.requirement("ledger:asked-again")]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for the ledger here."""
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)


@pytest_asyncio.fixture
async def at(tmp_path: Path, sqlite_db: Database) -> AsyncIterator[Stepped]:
    """A project with rows to change; it is about the ledger, so one engine is enough here."""
    async with stepped(tmp_path, sqlite_db, []) as found:
        yield found


async def asked(desk: Desk, request: Request) -> dict[str, Any]:
    """Return what is answered to a request."""
    return await desk.call(request.capability, request.arguments, request.session)


async def approved(at: Stepped, proposal: dict[str, Any]) -> None:
    """Let leo approve."""
    await leo_approves(at.files, at.project, proposal["id"], proposal["digest"])


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("kind", ["one", "group"])
async def test_what_a_failing_ledger_refuses_is_not_on_record_and_is_recorded_once_when_it_is_asked_again(
    at: Stepped, trouble: str, kind: str
) -> None:
    desk = await at.project.desk()
    request = ASK[kind]("acme", "group", "x")
    wanted = {}
    for each in (request, *request.others):
        async with TROUBLES[trouble](at):
            answer = await asked(desk, each)
            assert (answer["error"]["code"], answer["error"]["retryable"]) == ("evidence_unavailable", True)
        proposal = (await asked(desk, each))["proposal"]
        assert (await asked(desk, each))["proposal"]["id"] == proposal["id"]
        wanted[proposal["id"]] = each.asked
        at.asked |= wanted
    for handle in wanted:
        proposal = {"id": handle, "digest": (await record_of(at.project, handle)).proposal.digest}
        async with TROUBLES[trouble](at):
            try:
                await approved(at, proposal)
            except LedgerFailure:
                failed = True
            else:
                failed = False
        # Some records fit into what the log of a full ledger has already.
        assert failed or trouble == "full"
        assert len((await record_of(at.project, handle)).decisions) == (0 if failed else 1)
        if failed:
            await approved(at, proposal)
        assert len((await record_of(at.project, handle)).decisions) == 1
    assert {r.status for r in await at.settled(list(wanted))} == {Status.APPLIED}
    await at.judge()


@pytest.mark.parametrize("kind", ["one", "group"])
async def test_a_request_that_is_made_by_many_at_once_is_one_proposal(at: Stepped, kind: str) -> None:
    desk = await at.project.desk()
    request = ASK[kind]("acme", "group", "x")
    for each in (request, *request.others):
        answers: list[dict[str, Any]] = []

        async def once(each: Request = each, answers: list[dict[str, Any]] = answers) -> None:
            answers.append(await asked(desk, each))

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(once)
        (handle,) = {answer["proposal"]["id"] for answer in answers}
        at.asked[handle] = each.asked
    assert (await gathered(at.files, at.project, at.asked)).strangers == []


async def test_a_request_whose_call_is_given_up_at_any_moment_is_one_proposal_when_it_is_made_again(
    at: Stepped,
) -> None:
    desk = await at.project.desk()
    for turns in range(0, 600, 15):
        request = ASK["one"]("acme", "group", f"x {turns}")
        async with anyio.create_task_group() as group:
            group.start_soon(asked, desk, request)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        at.asked[(await asked(desk, request))["proposal"]["id"]] = request.asked
    assert (await gathered(at.files, at.project, at.asked)).strangers == []
