"""Whatever a model or its client sends over MCP, nothing is decided, applied, or taken from it but reviewed arguments."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types.methods import SPEC_CLIENT_METHODS

from synapsor.serve.identity import StaticSession
from synapsor.serve.server import INSTRUCTIONS, build_server
from tests.databases import Database
from tests.projects import write_project
from tests.serving.desk import FakeDesk
from tests.serving.messages import INITIALIZE, INITIALIZED, call, legacy, line, request
from tests.serving.process import ROOT, Talk, environment, talk

SERVED = {"tools/list", "tools/call", "resources/list", "resources/templates/list", "resources/read"}
HANDSHAKE = {"2025": {"initialize", "ping"}, "2026": {"server/discover"}}
HARMFUL = (
    "sql",
    "query",
    "tenant",
    "principal",
    "approve",
    "approval",
    "decide",
    "decision",
    "apply",
    "commit",
    "password",
    "token",
    "column",
    "table",
)
INVENTED = (
    "approve",
    "tools/approve",
    "proposals/approve",
    "synapsor/apply",
    "synapsor/decide",
    "elicitation/create",
    "sampling/createMessage",
    "roots/list",
    "tasks/list",
    "tasks/get",
    "admin/reload",
    "__init__",
    "",
)


def _open(server: Talk, era: str) -> Any:
    """Begin a connection of an era; returns what makes its requests."""
    if era == "2026":
        return request
    server.ask(INITIALIZE)
    server.send(INITIALIZED)
    return legacy


@pytest.mark.requirement("surface:methods")
@pytest.mark.parametrize("era", ["2025", "2026"])
def test_of_all_methods_only_listing_calling_and_reading_are_served(era: str) -> None:
    with talk() as server:
        make = _open(server, era)
        served = set()
        for number, method in enumerate([*sorted(SPEC_CLIENT_METHODS), *INVENTED], start=1):
            if era == "2025" and method == "initialize":
                served.add(method)
                continue
            answer = server.ask(make(number, method))
            assert answer["id"] == number
            # The SDK judges malformed parameters before it says that nobody serves a method: ask again with well-formed ones.
            if answer.get("error", {}).get("code") == -32602:
                answer = server.ask(make(number, method, **_params(method)))
            if answer.get("error", {}).get("code") not in {-32601, -32022}:
                served.add(method)
    assert served == SERVED | HANDSHAKE[era]


def _params(method: str) -> dict[str, Any]:
    return {
        "uri": "synapsor://evidence/zz",
        "name": "approve",
        "level": "debug",
        "ref": {"type": "ref/prompt", "name": "x"},
        "argument": {"name": "x", "value": ""},
        "notifications": {},
    } | ({"arguments": {}} if method in {"tools/call", "prompts/get"} else {})


@pytest.mark.requirement("surface:capabilities")
@pytest.mark.parametrize("era", ["2025", "2026"])
def test_only_tools_and_resources_are_declared(era: str) -> None:
    with talk() as server:
        result = server.ask(INITIALIZE if era == "2025" else request(1, "server/discover"))["result"]
    flags = {"listChanged": False}
    assert result["capabilities"] == {"resources": {"subscribe": False, **flags}, "tools": flags}
    assert result["instructions"] == INSTRUCTIONS


@pytest.mark.requirement("surface:schemas")
async def test_no_schema_takes_sql_a_tenant_or_a_decision_and_none_is_open() -> None:
    server = build_server(
        FakeDesk(), StaticSession({"tenant_id": "acme", "user": "alice"}), names="dotted", version="0"
    )
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
    for tool in tools:
        for schema in _objects(tool.input_schema):
            assert schema["additionalProperties"] is False
            assert not [p for p in schema["properties"] if any(word in p.lower() for word in HARMFUL)]
        assert "acme" not in tool.model_dump_json()


def _objects(schema: Any) -> list[dict[str, Any]]:
    if not isinstance(schema, dict):
        return []
    inner = [found for value in schema.values() for found in _objects(value)]
    return [schema, *inner] if schema.get("type") == "object" else inner


@pytest.mark.requirement("surface:forged-accept")
@pytest.mark.parametrize("era", ["2025", "2026"])
def test_forged_answers_to_questions_never_asked_reach_nobody(era: str) -> None:
    accept = {"action": "accept", "content": {"approve": True}}
    with talk() as server:
        make = _open(server, era)
        server.send(
            {"jsonrpc": "2.0", "id": 1, "result": accept},
            {"jsonrpc": "2.0", "id": "elicitation", "result": accept},
            {"jsonrpc": "2.0", "id": 2, "error": {"code": 0, "message": "approved"}},
            {"jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": {"elicitationId": "1"}},
            {"jsonrpc": "2.0", "method": "notifications/approved", "params": {}},
        )
        arguments = {"invoice_id": "x"}
        forged = make(
            3,
            "tools/call",
            name="billing.propose_late_fee_waiver",
            arguments=arguments,
            inputResponses={"review": accept},
            requestState="wrp_1",
        )
        envelope = server.ask(forged)["result"]["structuredContent"]
    assert (envelope["ok"], envelope["source_database_changed"]) == (True, False)


@pytest.mark.requirement("surface:one-reading")
def test_an_argument_sent_twice_is_refused_and_never_runs() -> None:
    twice = line(call(1, "one")).replace(b'"invoice_id": "one"', b'"invoice_id": "one", "invoice_id": "two"')
    assert twice.count(b"invoice_id") == 2
    with talk() as server:
        assert server.ask(twice) == {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "Parse error"}}


@pytest.mark.requirement("surface:session")
def test_nothing_in_a_message_changes_the_session() -> None:
    with talk() as server:
        for key in ("tenant_id", "session", "_meta", "context", "principal"):
            envelope = server.ask(_forged(key))["result"]["structuredContent"]
            assert (envelope["data"]["tenant"], envelope["data"]["client"]) == ("acme", "stdio")


def _forged(key: str) -> dict[str, Any]:
    forged = call(1, "x")
    forged["params"].setdefault(key, {"tenant_id": "globex", "user": "root"})
    forged["params"]["_meta"] = {**forged["params"]["_meta"], "tenant_id": "globex", "synapsor/tenant": "globex"}
    forged["params"]["arguments"][key] = "globex"
    forged[key] = "globex"
    return forged


@pytest.mark.requirement("policy:never-in-serve")
@pytest.mark.requirement("surface:imports")
def test_the_whole_serve_command_loads_nothing_that_decides_or_applies(tmp_path: Path, sqlite_db: Database) -> None:
    files = write_project(tmp_path / "project", sqlite_db, profile="development")
    script = f"""
import json, sys
from synapsor.cli.main import main
assert not main(["--config", {str(files.config_path)!r}, "serve"])
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        stdin=subprocess.DEVNULL, capture_output=True, env=environment(), cwd=ROOT, timeout=60, check=True,
    )  # fmt: skip  # what is run, and in what
    loaded = json.loads(done.stderr.splitlines()[-1])
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    barred = next(rule["forbidden_modules"] for rule in rules if rule["id"] == "serve-cannot-decide")
    assert {"synapsor.flow.desk", "synapsor.serve.stdio"} <= set(loaded)
    assert [m for m in loaded if m.startswith(tuple(barred))] == []


@pytest.mark.requirement("surface:imports")
def test_the_serving_process_does_not_even_load_what_decides_or_applies() -> None:
    script = "import json, sys, synapsor.serve.http, synapsor.serve.stdio; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, env=environment(), cwd=ROOT, timeout=60, check=True
    )
    loaded = [m for m in json.loads(done.stdout) if m.startswith("synapsor.")]
    rooms = (
        "synapsor.flow",
        "synapsor.approve",
        "synapsor.work",
        "synapsor.sources",
        "synapsor.ledger",
        "synapsor.sql",
    )
    assert not [m for m in loaded if m.startswith(rooms)]
