"""People decide, and the process in which they do is killed: what was told stands, nothing is doubled, nothing is half."""

import asyncio
import json
import resource
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    closing,
    nullcontext,
    suppress,
)
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.core.proposal import Status
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.errors import DecisionRefused
from synapsor.flow.batch import digest_over, open_clusters
from synapsor.flow.decide import Listed
from tests.attack.desk import approval
from tests.attack.shop import Shop, reopened
from tests.chaos.deciders import (
    KILLED,
    answered,
    approves,
    command,
    console,
    decides,
    ended,
    environment,
    noted,
    serving,
)
from tests.chaos.dying import KEPT, POINTS
from tests.companion import TOKEN, Companion, said, write_companion
from tests.console import write_office
from tests.databases import Database
from tests.projects import leo_approves, opened
from tests.servers.process import free_port

pytestmark = pytest.mark.chaos

DECIDED = (Status.APPROVED, 1, True)
OPEN = (Status.REVIEW_REQUIRED, 0, False)


@pytest_asyncio.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with reopened(write_office(tmp_path)) as found:
        yield found
        assert (await found.ledger.verify()).first_bad is None


async def stands(shop: Shop, proposal: dict[str, Any]) -> tuple[Status, int, bool]:
    """Return where a proposal stands, how many decisions it has, and whether it has a job."""
    record = await shop.record(proposal["id"])
    return record.status, len(record.decisions), record.job is not None


# Where the console dies: over one proposal, or over the third of a batch; and how many of them stand decided then.
STRIKES = (
    ("decision.signed", 1, 0),
    ("decision.committed", 1, 1),
    ("decision.written:3", 5, 2),
    ("decision.recorded:3", 5, 3),
)


@pytest.mark.timeout(300)
@pytest.mark.requirement("decide:survives-kill", "console:over-told")
async def test_a_console_that_is_killed_while_somebody_decides_has_decided_each_whole_or_not_at_all(shop: Shop) -> None:
    asked = {point: [await noted(shop, n, point) for n in range(count)] for point, count, _ in STRIKES}
    for point, count, kept in STRIKES:
        with console(shop, point) as (hall, process):
            async with hall.client() as client:
                word = await hall.login(client)
                assert await answered(client, *form_of(asked[point], word)) is None
                assert await ended(process) == KILLED
                before, port = dict(client.cookies), hall.port
        assert await tally(shop, asked[point]) == {DECIDED: kept, OPEN: count - kept}, point
    with console(shop, port=port) as (hall, _):
        async with hall.client() as client:
            client.cookies.update(before)
            await _is_told_that_it_is_over(client, asked["decision.signed"][0], word)
            word = await hall.login(client)
            for point, count, kept in STRIKES:
                again = await client.post((form := form_of(asked[point], word))[0], data=form[1])
                if count == 1:
                    assert (again.status_code, "already_decided" in again.text) == (
                        (409, True) if kept else (303, False)
                    )
                else:
                    assert again.text.count("The worker applies it.") == count - kept
                    assert again.text.count("The proposal is approved") == kept
                assert await tally(shop, asked[point]) == {DECIDED: count, OPEN: 0}


def form_of(asked: list[dict[str, Any]], word: str) -> tuple[str, Mapping[str, Any]]:
    """Return the form that approves one proposal, or several together."""
    if len(asked) == 1:
        return f"/proposals/{asked[0]['id']}/approve", approval(word, asked[0]["digest"])
    return "/batch/approve", {"csrf": word, "pick": [f"{one['id']} {one['digest']}" for one in asked], "seen": "yes"}


async def tally(shop: Shop, asked: list[dict[str, Any]]) -> dict[tuple[Status, int, bool], int]:
    """Return how many are decided whole, and how many not at all; any other way to stand is half."""
    return {DECIDED: 0, OPEN: 0} | Counter([await stands(shop, one) for one in asked])


async def _is_told_that_it_is_over(client: Any, one: dict[str, Any], word: str) -> None:
    """The page of a session that died with its console leads to the login and back, and what it sends is not done."""
    looked = await client.get(f"/proposals/{one['id']}")
    assert (looked.status_code, looked.headers["location"]) == (
        303,
        f"/login?next=%2Fproposals%2F{one['id']}&over=yes",
    )
    page = await client.get(looked.headers["location"])
    assert "Your session is over: it ended," in page.text
    assert "or the console was started again." in page.text
    assert f'name="next" value="/proposals/{one["id"]}"' in page.text
    sent = await client.post(f"/proposals/{one['id']}/approve", data=approval(word, one["digest"]))
    assert (sent.status_code, sent.headers["location"]) == (
        303,
        f"/login?next=%2Fproposals%2F{one['id']}&over=unsent",
    )
    assert "nothing was signed" in (await client.get(sent.headers["location"])).text
    assert (await client.get("/events")).status_code == 401


@pytest.mark.requirement("decide:survives-kill")
async def test_an_approval_at_a_terminal_that_is_killed_is_there_whole_or_not_at_all(shop: Shop) -> None:
    for point in POINTS:
        one = await noted(shop, 0, point)
        killed = await approves(shop, one, "leo", point)
        assert (killed.returncode, killed.stdout) == (KILLED, ""), killed.stderr
        assert await stands(shop, one) == (DECIDED if point in KEPT else OPEN), point
        if point in {"decision.written", "decision.recorded"}:
            with pytest.raises(DecisionRefused, match="is approved") if point in KEPT else nullcontext():
                await leo_approves(shop.files, shop.project, one["id"], one["digest"])
            assert await stands(shop, one) == DECIDED


@pytest.fixture
async def companion(tmp_path: Path, sqlite_db: Database) -> Companion:
    made = write_companion(tmp_path / "project", sqlite_db)
    async with opened(made.files):
        return made


@asynccontextmanager
async def on_its_own(companion: Companion, point: str | None, _: int) -> AsyncIterator[Client]:
    """A companion that its client has started."""
    head, *rest = dying(companion, point)
    served = companion.stdio()
    started = served.model_copy(update={"command": head, "args": rest, "env": environment(companion.files)})
    with whatever_a_client_makes_of_it(point):
        async with Client(started) as client:
            yield client


@asynccontextmanager
async def over_http(companion: Companion, point: str | None, port: int) -> AsyncIterator[Client]:
    """A companion that serves."""
    line = [*dying(companion, point), "--http", f"127.0.0.1:{port}"]
    with (
        serving(companion.files, line, "serving on ") as (_, process),
        whatever_a_client_makes_of_it(point),
    ):
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=60) as http,
            Client(streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)) as client,
        ):
            yield client
    assert process.returncode == (KILLED if point else 0)


def whatever_a_client_makes_of_it(point: str | None) -> AbstractContextManager[None]:
    """Take any failure for the end of a server that was to be killed."""
    return suppress(Exception) if point else nullcontext()


def dying(companion: Companion, point: str | None) -> list[str]:
    """Return the command line of a companion that dies at a point, or lives."""
    line = command(companion.files, point)
    return [*line[: line.index("--config")], "--config", str(companion.path), "approvals"]


# At which point of a decision a companion dies, one after the other; what it first says to the code, and what is on record afterwards.
LIVES = (
    ("decision.written", "not_shown", ("review_required", 0)),  # what the one before it has shown died with it
    ("decision.recorded", "not_shown", ("approved", 1)),
    (None, "already_decided", ("approved", 1)),
)


@pytest.mark.timeout(300)
@pytest.mark.requirement("decide:survives-kill")
@pytest.mark.parametrize("talking", [on_its_own, over_http])
async def test_a_companion_that_is_killed_over_a_code_has_used_it_up_with_the_decision_or_not_at_all(
    companion: Companion, talking: Callable[[Companion, str | None, int], AbstractAsyncContextManager[Client]]
) -> None:
    asked, port = await companion.filed(), free_port()
    for point, first, stands_then in LIVES:
        # The same code, unless a slow machine takes longer than one is of now.
        decision = {"proposal": asked["id"], "verdict": "approve", "code": companion.code(asked["digest"])}
        told = []
        async with talking(companion, point, port) as client:
            told.append(await said(client, "decide_proposal", **decision))
            await said(client, "review_proposal", proposal=asked["id"])
            with anyio.fail_after(90):
                told.append(await said(client, "decide_proposal", **decision))
        assert [first in words for words in told] == [True] * (1 if point else 2)
        assert (await companion.status(asked["id"]))[:2] == stands_then, point


@pytest.mark.requirement("decide:survives-kill", "batch:each")
async def test_a_batch_that_is_killed_amid_its_proposals_has_decided_each_whole_or_not_at_all_and_the_rest_is_left(
    shop: Shop,
) -> None:
    asked = [await noted(shop, number, "alike") for number in range(5)]
    for point, kept, ended_with in (
        ("decision.written:2", 1, KILLED),
        ("decision.recorded:2", 3, KILLED),
        (None, 5, 0),
    ):
        sitting = await all_alike(shop)
        killed = await decides(shop, sitting, "leo", point)
        assert (killed.returncode, not killed.stdout) == (ended_with, point is not None), killed.stderr
        assert await tally(shop, asked) == {DECIDED: kept, OPEN: 5 - kept}, point
        if kept == 3:
            again = await decides(shop, sitting, "leo")  # the same command, of which some are decided
            assert (again.returncode, json.loads(again.stdout)["error"]["rule"]) == (3, "digest_differs")
            assert await tally(shop, asked) == {DECIDED: kept, OPEN: 5 - kept}
    assert jobs_of(shop) == 5


async def all_alike(shop: Shop) -> list[str]:
    """Return the command that approves the one batch that there is, as it is now."""
    (found,) = await open_clusters(shop.ledger, now=shop.project.clock.now())
    shown = [Listed(proposal=one.proposal.id, digest=one.proposal.digest) for one in found.records]
    return ["batch", "approve", found.id, "--digest", digest_over(shown)]


@pytest.mark.requirement("decide:ledger-fails")
async def test_an_approval_at_a_terminal_on_a_full_disk_is_refused_and_is_given_when_there_is_room(shop: Shop) -> None:
    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    one = await noted(shop, 0, "no room")
    refused = await approves(shop, one, "leo", preexec_fn=no_room)
    error = json.loads(refused.stdout)["error"]
    assert (refused.returncode, error["rule"], "Traceback" in refused.stderr) == (4, "ledger_io", False)
    assert await stands(shop, one) == OPEN
    assert (await approves(shop, one, "leo")).returncode == 0
    assert await stands(shop, one) == DECIDED


@pytest.mark.timeout(300)
@pytest.mark.requirement("decide:ledger-fails")
async def test_a_console_goes_on_without_a_new_start_after_its_disk_was_full(shop: Shop) -> None:
    one = await noted(shop, 0, "no room")
    with console(shop, started=True) as (hall, process):
        async with hall.client() as client:
            word = await hall.login(client)
            form = form_of([one], word)
            unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            refused = await client.post(form[0], data=form[1])
            assert (refused.status_code, "ledger_io" in refused.text, "Traceback" in refused.text) == (503, True, False)
            assert await stands(shop, one) == OPEN
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
            assert (await client.post(form[0], data=form[1])).status_code == 303
    assert await stands(shop, one) == DECIDED


@pytest.mark.timeout(300)
@pytest.mark.requirement("decide:at-once")
async def test_people_who_decide_at_once_in_two_consoles_and_at_a_terminal_count_once_each_and_make_one_job(
    tmp_path: Path,
) -> None:
    files = write_office(tmp_path, quorum=2)
    key = create_key(files.root / "keys" / "nia.pem", passphrase=None)
    nia = Operator(name="nia", key=public_text(key), roles=("billing_lead",))
    files.operators, files.keys["nia"] = add_operator(files.root / "operators.yaml", nia), key
    async with reopened(files) as shop:
        with console(shop) as (hall, _), console(shop) as (other, _):
            async with hall.client() as leo, other.client() as leo_too, other.client() as mia:
                words = [await hall.login(leo), await other.login(leo_too), await other.login(mia, "mia")]
                for number, person in enumerate(("leo", "nia")):
                    one = await noted(shop, number, "at once")
                    forms = [form_of([one], word) for word in words]
                    clients = zip((leo, leo_too, mia), forms, strict=True)
                    pages, at_terminal = await asyncio.gather(
                        asyncio.gather(*(client.post(form[0], data=form[1]) for client, form in clients)),
                        approves(shop, one, person),
                    )
                    record = await shop.record(one["id"])
                    names = [signed.decision.operator for signed in record.decisions]
                    assert len(names) == len(set(names)) == 2, names
                    assert (record.status, record.job is not None) == (Status.APPROVED, True)
                    said_so = [page.status_code for page in pages].count(303) + (at_terminal.returncode == 0)
                    assert said_so == 2
                    assert {page.status_code for page in pages} <= {303, 409}
                    assert at_terminal.returncode in {0, 1, 3}
        assert jobs_of(shop) == 2
        assert (await shop.ledger.verify()).first_bad is None


def jobs_of(shop: Shop) -> int:
    """Return how many jobs the ledger has, as its file says."""
    with closing(sqlite3.connect(shop.files.config.ledger)) as raw:
        (count,) = raw.execute("SELECT count(*) FROM job").fetchone()
        return int(count)
