"""The whole way on every engine: an agent over stdio, a person with a key, a worker, and the record of it all."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from synapsor.errors import ConfigError
from tests.databases import Database, as_in_a_shop, fetch, table
from tests.projects import ACME, GLOBEX, ROOT, ProjectFiles, leo_approves, opened, write_project
from tests.serving.forked import forked, python, run_forked


def _invoice(
    database: Database, key: str, columns: str = "late_fee_cents, waiver_reason, row_version"
) -> tuple[Any, ...]:
    return fetch(database, f"SELECT {columns} FROM {table(database, 'invoices')} WHERE id = '{key}'")[0]


async def _activated(files: ProjectFiles) -> None:
    async with opened(files):
        pass


@pytest.fixture
def files(tmp_path: Path, database: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", database)


def _server(files: ProjectFiles, *, started: bool) -> StdioServerParameters:
    command = files.command("serve") if started else forked(files.command("serve"))
    return StdioServerParameters(command=command[0], args=command[1:], env=files.environment, cwd=files.root)


@pytest.mark.requirement("straight-line:whole")
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_an_agent_reads_and_proposes_a_person_decides_and_a_worker_applies_exactly_once(
    files: ProjectFiles, era: Any
) -> None:
    await _activated(files)
    before = _invoice(files.database, "INV-3001")
    async with Client(
        _server(files, started=era != "legacy" and files.database.engine == "postgres"), mode=era
    ) as client:
        read = (await client.call_tool("billing.inspect_invoice", {"invoice_id": "INV-3001"})).structured_content
        assert read is not None
        assert read["ok"]
        assert read["data"]["row"]["late_fee_cents"] == 5500
        asked = await client.call_tool(
            "billing.propose_late_fee_waiver", {"invoice_id": "INV-3001", "reason": "Paid next day."}
        )
        assert not asked.is_error
        assert asked.structured_content is not None
        proposal = asked.structured_content["proposal"]
        assert proposal["status"] == "review_required"
        assert asked.structured_content["source_database_changed"] is False
        assert _invoice(files.database, "INV-3001") == before
        async with opened(files) as project:
            await leo_approves(files, project, proposal["id"], proposal["digest"])
        worked = run_forked(files, "--json", "worker", "--drain")
        assert worked.returncode == 0, worked.stderr
        assert _invoice(files.database, "INV-3001") == (0, "Paid next day.", before[2] + 1)
        again = run_forked(files, "worker", "--drain")
        assert again.returncode == 0, again.stderr
        assert _invoice(files.database, "INV-3001") == (0, "Paid next day.", before[2] + 1)
        status = (
            await client.call_tool("synapsor.proposal_status", {"proposal_id": proposal["id"]})
        ).structured_content
        assert status is not None
        assert status["proposal"]["status"] == "applied"
    replayed = run_forked(files, "--json", "replay", proposal["id"])
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    verified = run_forked(files, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.requirement("apply:stale-conflicts")
async def test_a_row_that_moved_on_after_the_proposal_conflicts_and_is_not_overwritten(files: ProjectFiles) -> None:
    async with opened(files) as project:
        desk = await project.desk()
        slow = await desk.call(
            "billing.propose_late_fee_waiver", {"invoice_id": "INV-3002", "reason": "Goodwill."}, ACME
        )
        fast = await desk.call("billing.propose_note", {"invoice_id": "INV-3002", "note": "Disputed."}, ACME)
        for answer in (fast, slow):
            assert answer["ok"], answer["error"]
            await leo_approves(files, project, answer["proposal"]["id"], answer["proposal"]["digest"])
        reports: list[Any] = []
        worker = await project.worker(report=reports.append)
        assert await worker.run(drain=True) == 2
        assert [r["outcome"] for r in reports] == ["applied", "conflict"]
        assert reports[1]["code"] == "version_moved"
    assert _invoice(files.database, "INV-3002", "late_fee_cents, note") == (2500, "Disputed.")


@pytest.mark.requirement("read:tenant")
async def test_another_tenants_row_looks_exactly_like_a_row_that_does_not_exist(files: ProjectFiles) -> None:
    async with opened(files) as project:
        desk = await project.desk()
        other = await desk.call("billing.inspect_invoice", {"invoice_id": "INV-9001"}, ACME)
        absent = await desk.call("billing.inspect_invoice", {"invoice_id": "INV-0000"}, ACME)
        for answer in (other, absent):
            answer["audit"] = None
        assert other == absent
        assert other["error"]["code"] == "not_found"


@pytest.mark.requirement("ledger:every-look")
async def test_reading_a_resource_is_audited_and_answers_nothing_when_it_cannot_be(files: ProjectFiles) -> None:
    async with opened(files) as project:
        desk, ledger = await project.desk(), await project.ledger()
        read = await desk.call("billing.inspect_invoice", {"invoice_id": "INV-3001"}, ACME)
        uri = f"synapsor://evidence/{read['evidence']['id']}"
        head, _ = await ledger.head()
        own = await desk.resource(uri, ACME)
        assert own is not None
        assert own["rows"] == [read["data"]["row"]]
        assert await desk.resource(uri, GLOBEX) is None
        assert await desk.resource("synapsor://evidence/ev_00000000000000000000", ACME) is None
        assert (await ledger.head())[0] == head + 3
        await ledger.aclose()
        assert await desk.resource(uri, ACME) is None


@pytest.mark.requirement("contract:activated-for-its-database")
async def test_a_contract_that_was_activated_for_another_database_is_not_served(files: ProjectFiles) -> None:
    async with opened(files) as project:
        await project.desk()
        reader = project.reader("shop")
        project._readers["shop"] = _Elsewhere(reader)
        with pytest.raises(ConfigError):
            await project.desk()


class _Elsewhere:
    def __init__(self, reader: Any) -> None:
        self._reader = reader

    async def fingerprint(self) -> str:
        return "sha256:" + "0" * 64

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


@pytest.mark.requirement("cli:demo")
def test_the_demo_comes_out_as_told_on_every_engine(tmp_path: Path, database: Database) -> None:
    # On one engine each command starts by itself, as a person sees it; on the others all of them are forks.
    program, urls = (
        (sys.executable, {})
        if database.engine == "sqlite"
        else (python(), {"SHOP_READ_URL": database.read_url, "SHOP_WRITE_URL": database.write_url})
    )
    command = [program, "-m", "synapsor.cli.main", "--json", "demo", "--dir", str(tmp_path / "demo")]
    with as_in_a_shop(database):
        done = subprocess.run(
            [*command, "--engine", database.engine],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**os.environ, **urls},
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["ok"] is True


@pytest.mark.requirement("doctor:told-once")
def test_doctor_says_of_a_view_that_is_gone_only_that_it_is_gone(files: ProjectFiles) -> None:
    policy = files.root / "policies" / "billing.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("invoice_review", "gone"), encoding="utf-8")
    findings = json.loads(run_forked(files, "--json", "doctor").stdout)["findings"]
    assert [f["rule"] for f in findings if ".gone" in f["message"]] == ["relation_missing"]
