"""A server that runs, a file that changes under it, and a rollback from another terminal: what is served is what was activated."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from synapsor.runtime import open_project
from tests.databases import Database
from tests.projects import ACME, ProjectFiles, activate_all, write_project
from tests.serving.forked import forked, run_forked

READ = ("billing.inspect_invoice", {"invoice_id": "INV-3001"})
NOTE = ("billing.propose_note", {"invoice_id": "INV-3001", "note": "x"})


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db)


def synapsor(files: ProjectFiles, *arguments: str) -> Any:
    """Run a command in a process of its own and return its document."""
    done = run_forked(files, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def signed(files: ProjectFiles, *arguments: str) -> Any:
    return synapsor(files, *arguments, "--yes", "--operator", "rita", "--key", str(files.root / "keys" / "rita.pem"))


def change(files: ProjectFiles) -> str:
    """Write another version of the contract into its file, and return its digest."""
    edited(files.root / "policies" / "billing.yaml")
    found: str = synapsor(files, "check")["contracts"][0]["digest"]
    return found


def server(files: ProjectFiles) -> StdioServerParameters:
    command = forked(files.command("serve"))
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


@pytest.mark.requirement("contract:served-as-started", "contract:edited-is-refused")
async def test_a_running_server_refuses_while_its_policy_file_says_anything_else_and_never_serves_that(
    files: ProjectFiles,
) -> None:
    first = signed(files, "activate")["activations"][0]["digest"]
    policy = files.root / "policies" / "billing.yaml"
    text = policy.read_text(encoding="utf-8")
    async with Client(server(files)) as client:
        before = await client.list_tools()
        told = {tool.name: (tool.meta or {}).get("synapsor/contract") for tool in before.tools}
        assert {digest for name, digest in told.items() if name.startswith("billing")} == {first}
        assert contract_of(files, await call(client, *READ)) == first
        for edit in (edited, broken, gone):
            edit(policy)
            refused = await until(client, ok=False)
            assert (refused["error"]["code"], refused["data"], refused["evidence"]) == ("not_activated", None, None)
            assert (await call(client, *NOTE))["error"]["code"] == "not_activated"
            assert contract_of(files, refused) == first
            assert (await client.list_tools()).tools == before.tools
            # What counts is the digest: a comment is no part of it.
            policy.write_text(f"# after it was {edit.__name__}\n{text}", encoding="utf-8")
            assert contract_of(files, await until(client, ok=True)) == first
        asked = await call(client, *NOTE)
        assert asked["ok"]
        assert contract_of(files, asked) == first


def edited(policy: Path) -> None:
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("Look at one invoice", "Inspect one invoice"), encoding="utf-8")


def broken(policy: Path) -> None:
    policy.write_text("not: [a contract\n", encoding="utf-8")


def gone(policy: Path) -> None:
    policy.unlink()


@pytest.mark.requirement("contract:edited-is-refused")
async def test_in_development_a_server_is_held_to_what_was_activated_when_it_started_and_to_nothing_else(
    tmp_path: Path, sqlite_db: Database
) -> None:
    files = write_project(tmp_path / "development", sqlite_db, profile="development")
    policy = files.root / "policies" / "billing.yaml"
    text = policy.read_text(encoding="utf-8")
    async with open_project(files.config) as project:
        unreviewed = await project.desk()
        await activate_all(files, project)
        reviewed = await project.desk()
        with anyio.fail_after(30):
            broken(policy)
            while (refused := await reviewed.call(*READ, ACME))["ok"]:
                pass
            assert refused["error"]["code"] == "not_activated"
            assert (await unreviewed.call(*READ, ACME))["ok"]
            policy.write_text(text, encoding="utf-8")
            assert (await reviewed.call(*READ, ACME))["ok"]


@pytest.mark.requirement("contract:replaced-is-refused", "contract:rolled-back-as-activated")
async def test_a_running_server_refuses_reads_too_once_another_version_is_active_and_serves_again_after_a_rollback(
    files: ProjectFiles,
) -> None:
    first = signed(files, "activate")["activations"][0]["digest"]
    policy = files.root / "policies" / "billing.yaml"
    text = policy.read_text(encoding="utf-8")
    async with Client(server(files)) as client:
        assert (await call(client, *READ))["ok"]
        change(files)
        second = signed(files, "activate")["activations"][0]["digest"]
        policy.write_text(text, encoding="utf-8")  # the file says what is served again: what refuses is the activation
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
