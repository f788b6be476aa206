"""Names of tools, dotted or underscored, lead back to one capability each."""

import pytest
from mcp import Client
from mcp.types import ListToolsResult

from synapsor.errors import ConfigError
from synapsor.serve.identity import StaticSession
from synapsor.serve.server import build_server
from synapsor.serve.tools import table_of
from tests.serving.desk import TOOLS, FakeDesk, tool

SESSION = StaticSession({"tenant_id": "acme", "user": "alice"})


def _names(listing: ListToolsResult) -> list[str]:
    return [t.name for t in listing.tools]


def test_underscored_names_are_listed_in_order() -> None:
    assert _names(table_of(TOOLS, "underscore").listing) == [
        "billing__inspect_invoice",
        "billing__propose_late_fee_waiver",
        "synapsor__proposal_status",
        "synapsor__wait_for_decision",
    ]


def test_two_capabilities_never_share_a_name() -> None:
    tools = {n: tool(n, "read", "") for n in ("a.b", "a__b")}
    assert _names(table_of(tools, "dotted").listing) == ["a.b", "a__b"]
    with pytest.raises(ConfigError, match="a__b"):
        table_of(tools, "underscore")


async def test_an_underscored_call_reaches_the_dotted_capability_and_the_dotted_name_is_unknown() -> None:
    desk = FakeDesk()
    async with Client(build_server(desk, SESSION, names="underscore", version="0")) as client:
        result = await client.call_tool("billing__inspect_invoice", {"invoice_id": "1"})
        assert result.structured_content["capability"] == "billing.inspect_invoice"
        with pytest.raises(Exception, match="Unknown tool"):
            await client.call_tool("billing.inspect_invoice", {"invoice_id": "1"})
    assert [name for name, _, _ in desk.calls] == ["billing.inspect_invoice"]


async def test_arguments_reach_the_desk_untouched_for_it_to_judge() -> None:
    desk = FakeDesk()
    given = {"invoice_id": 1.0, "tenant_id": "globex", "\u200b": None}
    async with Client(build_server(desk, SESSION, names="dotted", version="0")) as client:
        await client.call_tool("billing.inspect_invoice", given)
        await client.call_tool("billing.inspect_invoice")
    assert [arguments for _, arguments, _ in desk.calls] == [given, {}]


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_session_provider_that_raises_leaks_nothing(mode: str) -> None:
    class Broken:
        def session(self) -> None:
            raise RuntimeError("hunter2")

    async with Client(build_server(FakeDesk(), Broken(), names="dotted", version="0"), mode=mode) as client:  # type: ignore[arg-type]  # broken on purpose
        result = await client.call_tool("billing.inspect_invoice", {"invoice_id": "1"})
        assert result.structured_content["error"]["code"] == "internal"
        assert "hunter2" not in result.model_dump_json()
        with pytest.raises(Exception, match="Internal error"):
            await client.read_resource("synapsor://evidence/ev_1")
