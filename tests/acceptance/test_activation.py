"""A server that runs, a file that changes under it, and a rollback from another terminal: what is served is what is activated."""

import json
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.databases import Database
from tests.projects import ProjectFiles, write_project

READ = ("billing.inspect_invoice", {"invoice_id": "INV-3001"})
NOTE = ("billing.propose_note", {"invoice_id": "INV-3001", "note": "x"})


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db)


def synapsor(files: ProjectFiles, *arguments: str) -> Any:
    """Run a command in a process of its own and return its document."""
    command = files.command("--json", *arguments)
    done = subprocess.run(command, env=files.environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def signed(files: ProjectFiles, *arguments: str) -> Any:
    return synapsor(files, *arguments, "--yes", "--operator", "rita", "--key", str(files.root / "keys" / "rita.pem"))


def change(files: ProjectFiles) -> str:
    """Write another version of the contract into its file, and return its digest."""
    policy = files.root / "policies" / "billing.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("Look at one invoice", "Inspect one invoice"), encoding="utf-8")
    found: str = synapsor(files, "check")["contracts"][0]["digest"]
    return found


def server(files: ProjectFiles) -> StdioServerParameters:
    command = files.command("serve")
    return StdioServerParameters(command=command[0], args=command[1:], env=files.environment, cwd=files.root)


async def call(client: Client, name: str, arguments: dict[str, str]) -> dict[str, Any]:
    answer: dict[str, Any] | None = (await client.call_tool(name, arguments)).structured_content
    assert answer is not None
    return answer


async def until(client: Client, *, ok: bool) -> dict[str, Any]:
    """Read until the server has noticed: it looks once a second."""
    with anyio.fail_after(30):
        while (answer := await call(client, *READ))["ok"] is not ok:
            pass
    return answer


def contract_of(files: ProjectFiles, answer: dict[str, Any]) -> str:
    """Return the digest of the contract that a call was answered under, as it is on record."""
    found: str = synapsor(files, "show", answer["audit"]["id"])["body"]["contract"]
    return found


@pytest.mark.requirement("contract:served-as-started")
async def test_a_policy_file_that_changes_under_a_server_changes_nothing_that_it_serves(files: ProjectFiles) -> None:
    first = signed(files, "activate")["activations"][0]["digest"]
    async with Client(server(files)) as client:
        before = await client.list_tools()
        assert contract_of(files, await call(client, *READ)) == first
        assert change(files) != first
        for _ in range(2):
            assert contract_of(files, await call(client, *READ)) == first
            assert (await client.list_tools()).tools == before.tools
            (files.root / "policies" / "billing.yaml").write_text("not: [a contract\n", encoding="utf-8")
        asked = await call(client, *NOTE)
        assert contract_of(files, asked) == first


@pytest.mark.requirement("contract:replaced-is-refused", "contract:rolled-back-as-activated")
async def test_a_running_server_refuses_reads_too_once_another_version_is_active_and_serves_again_after_a_rollback(
    files: ProjectFiles,
) -> None:
    first = signed(files, "activate")["activations"][0]["digest"]
    async with Client(server(files)) as client:
        assert (await call(client, *READ))["ok"]
        change(files)
        second = signed(files, "activate")["activations"][0]["digest"]
        refused = await until(client, ok=False)
        assert (refused["error"]["code"], refused["data"], refused["evidence"]) == ("not_activated", None, None)
        assert (await call(client, *NOTE))["error"]["code"] == "not_activated"
        back = signed(files, "rollback", "billing")
        assert (back["activation"]["digest"], back["activation"]["before"]) == (first, second)
        served = await until(client, ok=True)
        assert contract_of(files, served) == first
        assert (await call(client, *NOTE))["ok"]


@pytest.mark.requirement("tools:as-sent")
async def test_what_tools_shows_is_what_the_server_lists(files: ProjectFiles) -> None:
    signed(files, "activate")
    shown = {entry["tool"]["name"]: entry["tool"] for entry in synapsor(files, "tools")["tools"]}
    async with Client(server(files)) as client:
        listed = (await client.list_tools()).tools
    assert {t.name: t.model_dump(by_alias=True, mode="json", exclude_none=True) for t in listed} == shown
