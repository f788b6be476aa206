"""A real client waits for a real decision: over every transport and in both eras, and what a person says reaches the agent in closed words."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from synapsor.core.envelope_schema import STATUS_OUTPUT
from synapsor.core.presets import RejectCode
from synapsor.flow.signing import Signer
from synapsor.serve.http import serve_http
from synapsor.serve.identity import Bearer, TokenBook, TokenSession, hash_token
from synapsor.serve.server import build_server
from tests.databases import Database
from tests.deciding import approve, reject
from tests.projects import ProjectFiles, opened, write_project
from tests.schemas import conforms
from tests.serving.forked import forked
from tests.serving.web import ALICE, header

ERAS = ("legacy", "2026-07-28")
TRANSPORTS = ("stdio", "http", "sse")
PATIENCE = 45
WAIT = "synapsor.wait_for_decision"
WAIVER = "billing.propose_late_fee_waiver"


@asynccontextmanager
async def served(files: ProjectFiles) -> AsyncIterator[str]:
    """Serve the project over HTTP in this process; yields its address."""
    values = {"tenant_id": "acme", "user": "support_agent_17"}
    tokens = TokenBook([Bearer(name="alice", sha256=hash_token(ALICE), values=values)])
    stop, started = anyio.Event(), anyio.Event()
    ports: list[int] = []

    def ready(port: int) -> None:
        ports.append(port)
        started.set()

    async with opened(files) as project:
        server = build_server(await project.desk(), TokenSession(), names="dotted", version="0")

        async def serve() -> None:
            await serve_http(server, port=0, tokens=tokens, ready=ready, stop=stop)

        async with anyio.create_task_group() as group:
            group.start_soon(serve)
            await started.wait()
            try:
                yield f"http://127.0.0.1:{ports[0]}"
            finally:
                stop.set()


@asynccontextmanager
async def connected(files: ProjectFiles, transport: str, era: Any) -> AsyncIterator[Client]:
    """Connect a client to the project, which is served in a process of its own over stdio and in this one over HTTP."""
    if transport == "stdio":
        async with opened(files):  # activates
            pass
        command = forked(files.command("serve"))
        process = StdioServerParameters(command=command[0], args=command[1:], env=files.environment, cwd=files.root)
        async with Client(process, mode=era) as client:
            yield client
        return
    async with served(files) as url, httpx2.AsyncClient(headers=header(ALICE), trust_env=False, timeout=60) as http:
        target: Any = streamable_http_client(f"{url}/mcp", http_client=http)
        if transport == "sse":
            target = sse_client(f"{url}/sse", headers=header(ALICE))
        async with Client(target, mode=era) as client:
            yield client


async def filed(client: Client) -> dict[str, Any]:
    asked = await client.call_tool(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid next day."})
    assert asked.structured_content is not None
    proposal: dict[str, Any] = asked.structured_content["proposal"]
    assert (proposal["status"], proposal["allowed_next"], proposal["next_poll_s"]) == ("review_required", ["wait"], 15)
    return proposal


async def decided(
    files: ProjectFiles, proposal: dict[str, Any], reason: str | None = None, code: RejectCode | None = None
) -> None:
    """Let leo decide through a ledger of his own: approve, or with a reason reject."""
    async with opened(files) as project:
        leo = Signer(operator=files.operators["leo"], key=files.keys["leo"])
        ledger, now = await project.ledger(), project.clock.now()
        handle, digest = proposal["id"], proposal["digest"]
        if reason is None:
            await approve(ledger, handle, digest=digest, signer=leo, now=now)
        else:
            await reject(ledger, handle, digest=digest, signer=leo, now=now, reason=reason, preset=code)


def outcomes(files: ProjectFiles) -> list[str]:
    """Return what came of each call of the waiting tool."""
    with closing(sqlite3.connect(files.config.ledger)) as raw:
        found = raw.execute("SELECT outcome FROM query_audit WHERE capability = ? ORDER BY seq", (WAIT,))
        return [outcome for (outcome,) in found]


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db)


@pytest.mark.requirement("wait:decision")
@pytest.mark.requirement("wait:progress")
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_agent_that_waits_hears_of_a_decision_as_soon_as_a_person_has_made_it(
    files: ProjectFiles, transport: str, era: Any
) -> None:
    async with connected(files, transport, era) as client:
        proposal = await filed(client)
        told: list[tuple[float, float | None]] = []
        waiting = anyio.Event()

        async def noted(progress: float, total: float | None, message: str | None) -> None:
            assert message is not None
            told.append((progress, total))
            waiting.set()

        answers: list[Any] = []

        async def wait() -> None:
            arguments = {"proposal_id": proposal["id"], "seconds": 50}
            answers.append(await client.call_tool(WAIT, arguments, progress_callback=noted))

        with anyio.fail_after(PATIENCE):  # less than what the call would wait if it heard of nothing
            async with anyio.create_task_group() as group:
                group.start_soon(wait)
                await waiting.wait()
                await decided(files, proposal)
        answer = answers[0]
        assert answer.is_error is False
        envelope = answer.structured_content
        conforms(envelope, STATUS_OUTPUT)
        view = envelope["proposal"]
        assert (view["id"], view["status"], view["allowed_next"], view["next_poll_s"]) == (
            proposal["id"], "approved", ["wait"], 2,
        )  # fmt: skip  # one view
        assert envelope["summary"] == "The proposal is approved."
        assert {most for _, most in told} == {50}
        again = await client.call_tool(WAIT, {"proposal_id": proposal["id"]})  # at once: nothing is waited for any more
        assert again.structured_content is not None
        assert again.structured_content["proposal"] == view
    assert outcomes(files) == ["waited", "waited"]


@pytest.mark.requirement("wait:cancelable")
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_agent_that_does_not_want_to_wait_any_more_does_not(
    files: ProjectFiles, transport: str, era: Any
) -> None:
    async with connected(files, transport, era) as client:
        proposal = await filed(client)
        calling = anyio.CancelScope()

        async def stop(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001  # the client's signature
            calling.cancel()

        with anyio.fail_after(PATIENCE):
            with calling:
                await client.call_tool(WAIT, {"proposal_id": proposal["id"], "seconds": 50}, progress_callback=stop)
            while outcomes(files) != ["canceled"]:
                await anyio.lowlevel.checkpoint()
        assert (await client.call_tool("billing.inspect_invoice", {"invoice_id": "INV-3001"})).is_error is False


@pytest.mark.requirement("reject:told")
async def test_a_rejection_is_told_in_closed_words_with_the_persons_own_beside_them(files: ProjectFiles) -> None:
    async with connected(files, "stdio", "2026-07-28") as client:
        proposal = await filed(client)
        await decided(files, proposal, reason="Ask again in May.", code="odd_arguments")
        answer = await client.call_tool(WAIT, {"proposal_id": proposal["id"], "seconds": 1})
    assert answer.structured_content is not None
    conforms(answer.structured_content, STATUS_OUTPUT)
    view = answer.structured_content["proposal"]
    assert (view["status"], view["rejection"], view["allowed_next"], view["next_poll_s"]) == (
        "rejected",
        {
            "code": "odd_arguments",
            "meaning": "A value that was asked for looks wrong.",
            "comment": "Ask again in May.",
        },
        ["propose_corrected", "tell_user"],
        None,
    )


@pytest.mark.requirement("wait:decision")
async def test_a_wait_that_ends_by_its_time_says_where_the_proposal_stands(files: ProjectFiles) -> None:
    async with connected(files, "stdio", "2026-07-28") as client:
        proposal = await filed(client)
        answer = await client.call_tool(WAIT, {"proposal_id": proposal["id"], "seconds": 1})
    assert answer.structured_content is not None
    assert answer.structured_content["proposal"] == proposal
    assert answer.structured_content["summary"] == "The proposal waits for review."
