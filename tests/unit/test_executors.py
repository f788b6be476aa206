"""Executors as a project wires them: strict, by reference, and known before anything is handed over."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from synapsor.approve.card.terms import terms_behind
from synapsor.approve.terminal.card import render
from synapsor.config import load_config
from synapsor.contract.load import read_text
from synapsor.core.authority import table_for
from synapsor.core.needs import executors_of, needs_of
from synapsor.core.outcome import Why
from synapsor.errors import ConfigError
from synapsor.examine import examine
from synapsor.handler.entries import create_table as create_outbox
from synapsor.handler.receipts import Engine, create_table
from synapsor.runtime import open_project
from synapsor.testing import TestClock, desk_for
from synapsor.wiring import open_handler
from tests.attack.shop import open_shop
from tests.attack.test_handler_answers import authorised
from tests.cards import card
from tests.databases import Database
from tests.handlers.invoices import SECRET
from tests.handlers.serving import POLICY, handled_shop
from tests.projects import ROOT, write_project
from tests.unit.test_config import GOOD, problems, write
from tests.unit.test_trial import SCHEMA, SEED, SESSION

HTTP = "executors: {app: {kind: http, url: 'https://app.example/synapsor', secret: '${env:APP_SECRET}'}}\n"
COMMAND = "executors: {app: {kind: command, run: [/opt/app/apply, --now], secret: '${env:A}', environment: {URL: '${env:B}'}}}\n"


@pytest.mark.requirement("executor:config")
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (HTTP.replace("https", "http"), "executor_in_clear"),
        (HTTP.replace("https://app.example", "http://127.0.0.1:80"), "executor_in_clear"),
        (HTTP.replace("app.example", "app.example:70000"), "executor_port"),
        (HTTP.replace("app.example", "user:password@app.example"), "string_pattern_mismatch"),
        (HTTP.replace("/synapsor", "/synapsor#x"), "string_pattern_mismatch"),
        (HTTP.replace("${env:APP_SECRET}", "canary-in-clear"), "secret_in_clear"),
        (HTTP.replace("kind: http,", "kind: grpc,"), "union_tag_invalid"),
        (HTTP.replace("kind: http,", ""), "union_tag_not_found"),
        (HTTP.replace("kind: http,", "kind: http, timeout_ms: 60001,"), "less_than_equal"),
        (HTTP.replace("kind: http,", "kind: http, accepted_hours: 721,"), "less_than_equal"),
        (HTTP.replace("kind: http,", "kind: http, retries: 5,"), "unknown_key"),
        (COMMAND.replace("/opt/app/apply", "apply"), "executor_program"),
        (COMMAND.replace("/opt/app/apply", "/opt/../tmp/apply"), "executor_program"),
        (COMMAND.replace("{URL:", "{LD_PRELOAD:"), "executor_variable"),
        (COMMAND.replace("{URL:", "{SYNAPSOR_SIGNATURE:"), "executor_variable"),
        (COMMAND.replace("${env:B}", "canary-in-clear"), "secret_in_clear"),
        (COMMAND.replace(" secret: '${env:A}',", ""), "missing_key"),
    ],
)
def test_an_executor_is_read_strictly(tmp_path: Path, text: str, rule: str) -> None:
    found = problems(tmp_path, GOOD + text)
    assert [line for line in found if rule in line], found
    assert "canary" not in "".join(found)


@pytest.mark.requirement("executor:config")
def test_an_executor_is_over_tls_or_for_development_on_this_machine(tmp_path: Path) -> None:
    for text in (HTTP, COMMAND):
        assert list(load_config(write(tmp_path, GOOD + text)).executors) == ["app"]
    local = HTTP.replace("https://app.example", "http://localhost:8080")
    (refused,) = problems(tmp_path, GOOD + local)
    assert "in production a job goes through TLS even to this machine's own address" in refused
    assert "development profile alone" in refused
    (abroad,) = problems(tmp_path, (GOOD + HTTP.replace("https", "http")).replace("production", "development"))
    assert "a job leaves this machine through TLS only" in abroad
    loaded = load_config(write(tmp_path, (GOOD + local).replace("production", "development")))
    assert list(loaded.executors) == ["app"]


@pytest.mark.requirement("accepted:bound")
def test_what_an_executor_accepts_may_be_open_for_as_long_as_the_project_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_SECRET", SECRET)
    monkeypatch.setenv("A", SECRET)
    monkeypatch.setenv("B", "x")
    for text in (HTTP, COMMAND):
        for more, hours in (("", 72), (" accepted_hours: 2,", 2)):
            config = load_config(write(tmp_path, GOOD + text.replace("{app: {", "{app: {" + more)))
            handler = open_handler("app", config.executors["app"], TestClock())
            assert handler.accepted_seconds == hours * 3600


@pytest.mark.requirement("executor:config")
async def test_a_contract_that_names_an_executor_that_is_not_there_starts_no_worker(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with open_shop(tmp_path / "project", sqlite_db, policy=POLICY) as shop:
        with pytest.raises(ConfigError, match="app"):
            await shop.worker()
        assert [f.rule for f in await examine(shop.project) if f.fatal] == ["executor_missing"]


@pytest.mark.requirement("executor:config")
@pytest.mark.parametrize(
    ("more", "rules"),
    [
        ("executors: {other: {kind: http, url: 'https://x.example/', secret: '${env:ABSENT}'}}", {"executor_unused", "secret_not_here"}),
        ("executors: {other: {kind: http, url: 'https://x.example/', secret: '${file:secrets/short}'}}", {"executor_unused", "executor_unusable"}),
        ("executors: {other: {kind: command, run: [/absent], secret: '${file:secrets/good}'}}", {"executor_unused", "executor_program"}),
    ],
)  # fmt: skip
async def test_doctor_tells_of_an_executor_that_nothing_names_or_that_cannot_be_asked(
    tmp_path: Path, sqlite_db: Database, more: str, rules: set[str]
) -> None:
    files = write_project(tmp_path / "project", sqlite_db)
    for name, text in (("short", "short"), ("good", SECRET)):
        path = files.root / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    files.config_path.write_text(files.config_path.read_text(encoding="utf-8") + more, encoding="utf-8")
    async with open_project(files.config) as project:
        found = {finding.rule for finding in await examine(project)}
    assert rules <= found


@pytest.mark.requirement("executor:handler-applies")
def test_what_an_application_carries_out_takes_no_right_of_the_worker() -> None:
    plain = read_text((ROOT / "policies" / "billing.yaml").read_text(encoding="utf-8"), "x.yaml").contract
    handed = read_text(POLICY, "x.yaml").contract
    assert plain is not None
    assert handed is not None
    assert len(list(needs_of(plain, "shop"))) == 2
    assert list(needs_of(handed, "shop")) == []
    assert executors_of([plain]) == {}
    assert executors_of([plain, handed]) == {"app": "billing.propose_note"}


@pytest.mark.requirement("executor:named")
async def test_who_carries_it_out_is_approved_with_it_and_shown(tmp_path: Path, sqlite_db: Database) -> None:
    async with handled_shop(tmp_path / "project", sqlite_db, "http://127.0.0.1:9/") as shop:
        (task,) = (await authorised(shop)).tasks
        proposal = task.proposal
        assert proposal.executor == "app"
        contract = shop.project.contracts()[0].contract
        for other in (None, "another"):
            changed = replace(task.opened, executor=other)
            assert changed.digest != proposal.digest
            assert table_for(changed, contract) is Why.EXECUTOR_CHANGED
        record = await shop.record(proposal.id)
        shown = card(
            record,
            evidence=await shop.ledger.evidence(proposal.evidence),
            terms=await terms_behind(shop.ledger, proposal, shop.files.operators),
            now=shop.project.clock.now(),
            operators=shop.files.operators,
        )
        assert "the application itself, through the executor app" in render(shown, width=200)


@pytest.mark.requirement("executor:named")
async def test_in_a_trial_the_worker_stands_in_for_the_application() -> None:
    async with desk_for(POLICY, schema=SCHEMA, seed=SEED, session=SESSION) as trial:
        await trial.approve(await trial.call("billing.propose_note", invoice_id="INV-3001", note="Called."))
        assert [report["outcome"] for report in await trial.apply()] == ["applied"]


@pytest.mark.requirement("executor:light")
def test_the_helper_imports_nothing_of_the_server() -> None:
    script = (
        "import sys; import synapsor.handler, synapsor.handler.command, synapsor.handler.receipts; "
        "print(*sorted(m for m in sys.modules if m.startswith('synapsor') or m in {'pydantic', 'sqlalchemy', 'orjson', 'starlette'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "server")},
    )
    loaded = done.stdout.split()
    assert {name for name in loaded if not name.startswith("synapsor.handler")} == {"synapsor"}


@pytest.mark.requirement("executor:once")
@pytest.mark.parametrize(("module", "create_table"), [("receipts", create_table), ("entries", create_outbox)])
def test_the_statement_for_each_table_of_a_handler_is_printed_for_each_engine(
    module: str, create_table: Callable[[Engine], str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"synapsor.handler.{module}", "mysql"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "server")},
    )
    assert done.stdout == create_table("mysql") == create_table("mariadb")
    assert len({create_table("postgres"), create_table("mysql"), create_table("sqlite")}) == 3
