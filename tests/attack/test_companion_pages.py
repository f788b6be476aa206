"""The companion leads to the console's page, and to nothing else; what a client program answers to that decides nothing, in either era."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.types import ElicitRequestURLParams, ElicitResult, ErrorData, GetPromptResult, PromptReference

from synapsor.approve.companion import leading
from synapsor.approve.companion.prompts import prompt
from tests.companion import POLICY, TOKEN, Companion, said, served, write_companion
from tests.databases import Database
from tests.projects import opened

ERAS = ("legacy", "2026-07-28")
TRANSPORTS = ("stdio", "http")
CONSOLE = "https://console.example:8443/review/"


@dataclass(kw_only=True)
class Answers:
    """A client program that answers whatever it is asked, and remembers it."""

    action: Any = "accept"
    asked: list[ElicitRequestURLParams] = field(default_factory=list)

    async def __call__(self, _: Any, params: Any) -> ElicitResult | ErrorData:
        """Answer."""
        assert isinstance(params, ElicitRequestURLParams)
        self.asked.append(params)
        if self.action == "error":
            return ErrorData(code=-32603, message="cannot")
        content: Any = {"approve": True, "code": "00000000"} if self.action == "accept" else None
        return ElicitResult(action=self.action, content=content)

    @property
    def addresses(self) -> list[str]:
        """The pages that were offered."""
        return [params.url for params in self.asked]


async def write(root: Path, database: Database, **settings: Any) -> Companion:
    companion = write_companion(root, database, **settings)
    config = companion.files.config_path
    config.write_text(config.read_text(encoding="utf-8") + f"console_url: {CONSOLE}\n", encoding="utf-8")
    async with opened(companion.files):  # which activates its contract
        return companion


@asynccontextmanager
async def talking(
    companion: Companion, transport: str, era: Any, answers: Answers | None = None
) -> AsyncIterator[Client]:
    callback: Any = answers
    if transport == "stdio":
        async with Client(companion.stdio(), mode=era, elicitation_callback=callback) as client:
            yield client
        return
    async with (
        served(companion) as url,
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=60) as http,
        Client(
            streamable_http_client(f"{url}/mcp", http_client=http), mode=era, elicitation_callback=callback
        ) as client,
    ):
        yield client


@pytest.mark.requirement("companion:leads", "companion:code-decides")
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_that_accepts_every_page_is_led_to_the_consoles_own_and_decides_nothing(
    tmp_path: Path, sqlite_db: Database, transport: str, era: Any
) -> None:
    companion = await write(tmp_path / "project", sqlite_db, policy=POLICY)
    asked, answers = await companion.filed(), Answers()
    page = f"https://console.example:8443/review/proposals/{asked['id']}"
    async with talking(companion, transport, era, answers) as client:
        card = await said(client, "review_proposal", proposal=asked["id"])
        assert "It is not decided through a prompt (not_by_prompt)" in card
        assert answers.asked == [], "to look leads nowhere"
        without = await said(client, "decide_proposal", proposal="latest", verdict="approve")
        code = companion.code(asked["digest"])
        refused = await said(client, "decide_proposal", proposal=asked["id"], verdict="approve", code=code)
    for told in (without, refused):
        assert told.startswith("Tell me that nothing was decided")
        assert page in told
    assert answers.addresses == [page, page]
    for params in answers.asked:
        assert code not in params.message
        assert "Paid next day" not in params.message
    assert await companion.status(asked["id"]) == ("review_required", 0, ["not_by_prompt"])


@pytest.mark.requirement("companion:leads")
async def test_who_comes_back_with_an_answer_decides_nothing_with_the_right_code_beside_it(
    tmp_path: Path, sqlite_db: Database
) -> None:
    companion = await write(tmp_path / "project", sqlite_db)
    asked, answers = await companion.filed(), Answers()
    async with talking(companion, "stdio", "2026-07-28", answers) as client:
        await said(client, "review_proposal", proposal=asked["id"])
        given = {"proposal": asked["id"], "verdict": "approve", "code": companion.code(asked["digest"])}
        answer: Any = {"console": ElicitResult(action="accept", content={"approve": True})}
        told = await client.session.get_prompt("decide_proposal", given, input_responses=answer)
        assert "nothing was decided" in str(told)
        assert await companion.status(asked["id"]) == ("review_required", 0, [])
        assert "was approved by leo" in await said(client, "decide_proposal", **given), "without one the code does"
        settled = await said(client, "decide_proposal", proposal=asked["id"], verdict="reject")
        assert settled == f"Tell me that nothing was decided here, and that {asked['id']} is approved."
    assert answers.asked == []


@pytest.mark.requirement("companion:leads")
@pytest.mark.parametrize(
    ("era", "action"),
    [
        *((era, action) for era in ERAS for action in ("decline", "none")),
        ("legacy", "error"),
    ],  # the newer SDK keeps errors
)
async def test_a_client_that_opens_no_page_is_told_its_address_and_the_command(
    tmp_path: Path, sqlite_db: Database, era: Any, action: str
) -> None:
    companion = await write(tmp_path / "project", sqlite_db)
    asked, answers = await companion.filed(), Answers(action=action)
    async with talking(companion, "stdio", era, None if action == "none" else answers) as client:
        told = await said(client, "decide_proposal", proposal=asked["id"], verdict="approve")
    assert f"`synapsor approve {asked['id']}`" in told
    assert told.endswith(f"after a login: https://console.example:8443/review/proposals/{asked['id']}")
    assert len(answers.asked) == (action != "none")


@pytest.mark.requirement("companion:leads")
async def test_a_client_that_never_answers_the_offer_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "WAIT_S", 0.05)

    async def told(ctx: ServerRequestContext[Any], _: Any) -> GetPromptResult:
        assert await leading.Console(CONSOLE).lead(ctx, "wrp_x", refused=None) is None
        return prompt("Nothing was decided.", ["told"])

    async def never(_: Any, __: Any) -> ElicitResult:
        await anyio.sleep_forever()
        raise AssertionError

    waits: Any = never

    server: Server[Any] = Server("companion", on_get_prompt=told)
    async with Client(server, mode="legacy", elicitation_callback=waits) as client:
        assert await said(client, "decide_proposal") == "told"


@pytest.mark.requirement("companion:leads")
async def test_nobody_is_led_who_is_not_trusted_or_to_what_is_not_there(tmp_path: Path, sqlite_db: Database) -> None:
    companion = await write(tmp_path / "project", sqlite_db)
    asked, answers = await companion.filed(), Answers()
    async with talking(companion, "stdio", "2026-07-28", answers) as client:
        told = await said(client, "decide_proposal", proposal="https://evil.example/", verdict="approve")
        assert "There is no such record" in told
        assert "evil" not in told
        operators = companion.files.root / "operators.yaml"
        operators.write_text(operators.read_text(encoding="utf-8").replace('"leo":', '"lea":'), encoding="utf-8")
        told = await said(client, "decide_proposal", proposal=asked["id"], verdict="approve")
        assert "Nobody of this name is trusted here" in told
        found = await client.complete(PromptReference(name="review_proposal"), {"name": "proposal", "value": ""})
        assert found.completion.values == []
    assert answers.asked == []
