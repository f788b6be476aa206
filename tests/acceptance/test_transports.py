"""A real MCP client of either protocol era lists and calls the tools over every transport."""

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import PromptReference, TextContent, TextResourceContents
from pydantic_core import from_json

from synapsor.serve.identity import StaticSession
from synapsor.serve.server import build_server
from tests.serving.desk import LEAK, FakeDesk
from tests.serving.forked import forked
from tests.serving.web import ALICE, header, web

ROOT = Path(__file__).parents[2]
ERAS = ("legacy", "2026-07-28")
TRANSPORTS = ("memory", "stdio", "http", "sse")
SESSION = StaticSession({"tenant_id": "acme", "user": "alice"})


@asynccontextmanager
async def connected(transport: str, era: str, *, started: bool = False) -> AsyncIterator[Client]:
    """Connect a client; a stdio server is a fork, unless it is to be `started` by itself."""
    if transport == "memory":
        server = build_server(FakeDesk(), SESSION, names="dotted", version="0")
        async with Client(server, mode=era) as client:
            yield client
    elif transport == "stdio":
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'server'}{os.pathsep}{ROOT}"}
        line = [sys.executable, "-m", "tests.serving.stdio_server"]
        command, *arguments = line if started else forked(line)
        process = StdioServerParameters(command=command, args=arguments, env=environment, cwd=ROOT)
        async with Client(process, mode=era) as client:
            yield client
    else:
        async with web() as served, httpx2.AsyncClient(headers=header(ALICE), trust_env=False, timeout=60) as http:
            target: Any = streamable_http_client(f"{served.url}/mcp", http_client=http)
            if transport == "sse":
                target = sse_client(f"{served.url}/sse", headers=header(ALICE))
            async with Client(target, mode=era) as client:
                yield client


FOREIGN = (
    "synapsor://evidence/ev_2",
    "synapsor://evidence/../proposal/1",
    "synapsor://evidence/%2e%2e",
    "synapsor://evidence/1;drop",
    "synapsor://evidence/" + "a" * 10_000,
    "file:///etc/passwd",
    "evidence://ev_1",
)

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture(params=[(t, e) for t in TRANSPORTS for e in ERAS], ids=lambda p: f"{p[0]}-{p[1]}")
def connect(request: pytest.FixtureRequest) -> Connect:
    return partial(connected, *request.param)


async def test_tools_are_listed_in_order_with_both_schemas_and_hints(connect: Connect) -> None:
    async with connect() as client:
        tools = (await client.list_tools()).tools
    assert [t.name for t in tools] == [
        "billing.inspect_invoice",
        "billing.propose_late_fee_waiver",
        "synapsor.proposal_status",
        "synapsor.wait_for_decision",
    ]
    for tool in tools:
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema is not None
        hints = tool.annotations
        assert hints is not None
        expected = (tool.name != "billing.propose_late_fee_waiver", False, False, True)
        assert (hints.read_only_hint, hints.destructive_hint, hints.open_world_hint, hints.idempotent_hint) == expected


@pytest.mark.requirement("serve:every-transport")
async def test_a_call_answers_the_envelope_as_data_and_as_the_same_text(connect: Connect) -> None:
    async with connect(started=True) as client:
        result = await client.call_tool("billing.inspect_invoice", {"invoice_id": "INV-3001"})
    assert result.is_error is False
    envelope = result.structured_content
    assert isinstance(envelope, dict)
    assert envelope["ok"] is True
    assert envelope["data"]["invoice_id"] == "INV-3001"
    assert envelope["data"]["tenant"] == "acme"
    assert len(result.content) == 1
    assert isinstance(result.content[0], TextContent)
    assert from_json(result.content[0].text) == envelope


async def test_a_refusal_is_an_error_result_of_the_closed_table(connect: Connect) -> None:
    async with connect() as client:
        result = await client.call_tool("billing.inspect_invoice", {"invoice_id": "refuse"})
    assert result.is_error is True
    assert result.structured_content["error"]["code"] == "not_found"


@pytest.mark.requirement("serve:no-leak")
@pytest.mark.parametrize("wish", ["raise", "group"])
async def test_a_desk_that_raises_leaks_nothing(connect: Connect, wish: str, caplog: pytest.LogCaptureFixture) -> None:
    async with connect() as client:
        result = await client.call_tool("billing.inspect_invoice", {"invoice_id": wish})
    assert result.is_error is True
    assert result.structured_content["error"]["code"] == "internal"
    assert LEAK not in result.model_dump_json()
    assert LEAK not in caplog.text


async def test_an_unknown_tool_is_a_protocol_error_that_repeats_nothing(connect: Connect) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("billing.nothing_of_the_kind", {})
    assert (caught.value.error.code, caught.value.error.message, caught.value.error.data) == (
        -32602,
        "Unknown tool",
        None,
    )


async def test_templates_are_offered_and_no_resource_is_listed(connect: Connect) -> None:
    async with connect() as client:
        assert (await client.list_resources()).resources == []
        templates = (await client.list_resource_templates()).resource_templates
    assert [t.uri_template for t in templates] == ["synapsor://evidence/{id}", "synapsor://proposal/{id}"]


async def test_a_session_reads_its_own_record(connect: Connect) -> None:
    async with connect() as client:
        contents = (await client.read_resource("synapsor://evidence/ev_1")).contents
    assert isinstance(contents[0], TextResourceContents)
    assert from_json(contents[0].text) == {"id": "ev_1", "tenant": "acme"}


@pytest.mark.requirement("serve:one-not-found")
async def test_whatever_is_not_the_sessions_own_record_gets_one_answer(connect: Connect) -> None:
    async with connect() as client:
        for uri in FOREIGN:
            with pytest.raises(MCPError) as caught:
                await client.read_resource(uri)
            assert (caught.value.error.code, caught.value.error.message, caught.value.error.data) == (
                -32602,
                "Resource not found",
                None,
            )


async def test_a_resource_that_raises_leaks_nothing(connect: Connect) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource("synapsor://evidence/raise")
    assert (caught.value.error.code, caught.value.error.message, caught.value.error.data) == (
        -32603,
        "Internal error",
        None,
    )


@pytest.mark.requirement("serve:every-transport")
async def test_prompts_are_listed_told_and_completed_on_every_transport(connect: Connect) -> None:
    async with connect() as client:
        assert [p.name for p in (await client.list_prompts()).prompts] == ["explain_proposal", "pending_proposals"]
        for name, arguments in (("explain_proposal", {"proposal": "wrp_1"}), ("pending_proposals", {})):
            (message,) = (await client.get_prompt(name, arguments)).messages
            assert isinstance(message.content, TextContent)
            assert "wrp_1" in message.content.text
        reference = PromptReference(type="ref/prompt", name="explain_proposal")
        completed = await client.complete(reference, {"name": "proposal", "value": "wrp"})
        assert completed.completion.values == ["wrp_1"]


@pytest.mark.requirement("serve:no-leak")
async def test_a_prompt_that_raises_or_is_not_there_leaks_nothing(connect: Connect) -> None:
    async with connect() as client:
        for handle, code, words in (("raise", -32603, "Internal error"), ("wrp_2", -32602, "Proposal not found")):
            with pytest.raises(MCPError) as caught:
                await client.get_prompt("explain_proposal", {"proposal": handle})
            error = caught.value.error
            assert (error.code, error.message, error.data) == (code, words, None)
