"""Plays a group of the public format on a real server: its own tables and rows, its contract through `synapsor import`, then its steps.

A group is data (`public_groups/*.json`): what it proves, which features it needs, tables with rows, a 0.1 contract, sessions and steps.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.cli.main import main
from synapsor.core.scope import Session
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.core.writeback import receipt_key
from synapsor.errors import UnsafeSource
from synapsor.flow.desk import Desk
from synapsor.flow.filing import Filing
from synapsor.flow.signing import Signer
from synapsor.flow.undo import undo
from synapsor.runtime import Project
from tests.databases import READER, WRITER, Database, execute, fetch, table
from tests.projects import ProjectFiles, leo_approves, opened, write_project
from tests.serving.forked import run_forked

GROUPS = Path(__file__).with_name("public_groups")
SOURCE = "shop"

_TYPES: dict[str, dict[str, str]] = {
    "key": {"postgres": "text NOT NULL", "mariadb": "varchar(64) NOT NULL"},
    "text": {"postgres": "varchar(500)", "mariadb": "varchar(500) NULL"},
    "whole": {"postgres": "bigint", "mariadb": "bigint NULL"},
    "counter": {"postgres": "bigint NOT NULL DEFAULT 1", "mariadb": "bigint NOT NULL DEFAULT 1"},
    "moves": {
        "postgres": "timestamptz NOT NULL DEFAULT clock_timestamp()",
        "mariadb": "timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)",
    },
}
_TOUCH = """
CREATE OR REPLACE FUNCTION {schema}.touch() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.updated_at := clock_timestamp();
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION {schema}.touch() FROM PUBLIC;
"""


def group(name: str) -> dict[str, Any]:
    """Return a group as it is written down."""
    found: dict[str, Any] = json.loads((GROUPS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def names() -> list[str]:
    """Return the names of all groups."""
    return sorted(path.stem for path in GROUPS.glob("*.json"))


def make_tables(database: Database, tables: dict[str, Any]) -> None:
    """Make the group's tables anew, with least privilege for the two roles."""
    if database.engine == "mariadb":
        execute(database, f"REVOKE PROCESS ON *.* FROM {WRITER}@'127.0.0.1'")
    for name, said in tables.items():
        execute(database, f"DROP TABLE IF EXISTS {table(database, name)}")
        columns = ", ".join(f"{c} {_TYPES[kind][database.engine]}" for c, kind in said["columns"].items())
        execute(database, f"CREATE TABLE {table(database, name)} ({columns}, PRIMARY KEY (id))")
        if database.engine == "postgres" and "moves" in said["columns"].values():
            where = f"BEFORE UPDATE ON {table(database, name)} FOR EACH ROW EXECUTE FUNCTION {database.schema}.touch()"
            execute(database, f"{_TOUCH.format(schema=database.schema)} CREATE TRIGGER moved {where}")
        for row in said["rows"]:
            _add(database, name, said, row)
        _grant(database, name, said)


def _add(database: Database, name: str, said: dict[str, Any], row: list[Any]) -> None:
    filled = [c for c, kind in said["columns"].items() if kind != "moves"]
    values = ", ".join(_literal(value) for value in row)
    execute(database, f"INSERT INTO {table(database, name)} ({', '.join(filled)}) VALUES ({values})")


def _literal(value: Any) -> str:
    return "NULL" if value is None else str(value) if isinstance(value, int) else f"'{value}'"


def _grant(database: Database, name: str, said: dict[str, Any]) -> None:
    host = "@'127.0.0.1'" if database.engine == "mariadb" else ""
    seen = ", ".join(c for c in said["columns"] if c not in said.get("hidden", []))
    rights = [f"SELECT ({seen})"]
    more = {"insert": f"INSERT ({seen})", "delete": "DELETE"}
    rights += [more.get(word, f"UPDATE ({word})") for word in said["writes"]]
    execute(database, f"GRANT SELECT ({seen}) ON {table(database, name)} TO {READER}{host}")
    execute(database, f"GRANT {', '.join(rights)} ON {table(database, name)} TO {WRITER}{host}")
    if database.engine == "mariadb" and "delete" in said["writes"]:  # there, no less shows all that a delete would do
        execute(database, f"GRANT PROCESS ON *.* TO {WRITER}{host}")


def imported(
    root: Path, database: Database, said: dict[str, Any]
) -> tuple[ProjectFiles, subprocess.CompletedProcess[str]]:
    """Return a project whose only contract is the group's, imported by the command, and what the command said."""
    files = write_project(root, database)
    engine = "postgres" if database.engine == "postgres" else "mysql"
    contract = root / "theirs.json"
    contract.write_text(json.dumps(said["contract"]).replace("{engine}", engine), encoding="utf-8")
    out = root / "policies" / "imported.yaml"
    done = run(files, "--json", "import", str(contract), "--source", SOURCE, "--out", str(out))
    config = files.config_path.read_text(encoding="utf-8").replace("policies/billing.yaml", "policies/imported.yaml")
    files.config_path.write_text(config, encoding="utf-8")
    if "policies" in said["needs"]:
        _let_policies_approve(files)
    return files, done


def _let_policies_approve(files: ProjectFiles) -> None:
    key = files.root / "keys" / "auto.pem"
    added = run(files, "operator", "add", "auto", "--role", "policy_signer", "--key", str(key), "--no-passphrase")
    assert added.returncode == 0, added.stdout + added.stderr
    config = files.config_path.read_text(encoding="utf-8")
    files.config_path.write_text(f"{config}automatic_approval: true\npolicy_key: {key}\n", encoding="utf-8")


def run(files: ProjectFiles, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the project: in this process, since to start one costs more than most commands, what a person signs in its own."""
    if {"approve", "undo"} & set(arguments):  # which take signals
        return run_forked(files, *arguments)
    out, err = io.StringIO(), io.StringIO()

    def here() -> int:
        with contextlib.chdir(files.root), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return main(["--config", str(files.config_path), *arguments])

    with ThreadPoolExecutor(max_workers=1) as pool:  # a command has a loop of its own
        code = pool.submit(here).result()
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


@dataclass
class Stage:
    """Where the steps of a group are played."""

    files: ProjectFiles
    project: Project
    desk: Desk
    said: dict[str, Any]
    answer: dict[str, Any] | None = None
    proposal: dict[str, Any] | None = None
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    def session(self, step: dict[str, Any]) -> Session:
        """Return the session of a step."""
        return Session(values=self.said["sessions"][step["as"]], client="test")

    async def play(self, step: dict[str, Any]) -> None:
        """Play one step; the first word of it says what it is."""
        await getattr(self, f"_{next(iter(step))}")(step)

    async def _call(self, step: dict[str, Any]) -> None:
        self.answer = await self.desk.call(step["call"], step["args"], self.session(step))
        self.proposal = self.answer["proposal"] or self.proposal
        for path, expected in step["answer"].items():
            assert at(self.answer, path) == expected, (path, self.answer)
        _silent(self.answer, step)

    async def _same(self, step: dict[str, Any]) -> None:
        answers = [
            await self.desk.call(step["of"], {step["argument"]: value}, self.session(step)) for value in step["same"]
        ]
        for answer in answers:
            answer["audit"] = None
        assert answers[0]["error"]["code"] == step["code"]
        assert all(answer == answers[0] for answer in answers)

    async def _evidence(self, step: dict[str, Any]) -> None:
        assert self.answer is not None
        uri = f"synapsor://evidence/{self.answer['evidence']['id']}"
        found = await self.desk.resource(uri, self.session(step))
        assert found is not None
        assert {key: found[key] for key in step["evidence"]} == step["evidence"]

    async def _tools(self, step: dict[str, Any]) -> None:
        shown = {name: tool for name, tool in self.desk.tools.items() if not name.startswith("synapsor.")}
        assert sorted(shown) == step["tools"]
        _silent({name: repr(tool) for name, tool in shown.items()}, step)

    async def _denied(self, step: dict[str, Any]) -> None:
        tables = [t for c in self.project.contracts() for t in c.contract.tables.values()]
        denied = {
            n for t in tables if t.relation.endswith(step["denied"]) for n, rule in t.columns.items() if rule.denied
        }
        assert sorted(denied) == step["columns"]

    async def _approve(self, step: dict[str, Any]) -> None:
        assert self.proposal is not None
        name = step["approve"]
        signer = ("--operator", name, "--key", str(self.files.root / "keys" / f"{name}.pem"))
        done = run(
            self.files, "--json", "approve", self.proposal["id"], "--digest", self.proposal["digest"], *signer, "--full"
        )
        told = json.loads(done.stdout)
        if "refused" in step:
            assert told["error"]["rule"] == step["refused"]
            return
        assert done.returncode == 0, done.stdout + done.stderr
        await self._status(step)

    async def _keep(self, step: dict[str, Any]) -> None:
        assert self.proposal is not None
        self.kept[step["keep"]] = self.proposal

    async def _undo(self, step: dict[str, Any]) -> None:
        proposal = self.kept[step["of"]] if "of" in step else self.proposal
        assert proposal is not None
        name = step["undo"]
        signer = ("--operator", name, "--key", str(self.files.root / "keys" / f"{name}.pem"))
        done = run(self.files, "--json", "undo", proposal["id"], "--reason", "A mistake.", *signer)
        told = json.loads(done.stdout)
        if "refused" in step:
            assert told["error"]["rule"] == step["refused"], told
            return
        assert done.returncode == 0, done.stdout + done.stderr
        self.proposal = {"id": told["proposal"], "digest": told["digest"]}
        await self._status({"status": "review_required"})

    async def _undo_in_turn(self, step: dict[str, Any]) -> None:
        """Undo the last change, that undo, and so on; each by mia, and approved by leo."""
        ledger, worker = await self.project.ledger(), await self.project.worker()
        for _ in range(step["undo_in_turn"]):
            assert self.proposal is not None
            record = await ledger.proposal(self.proposal["id"])
            assert record is not None
            served = await self.project.activated(record.proposal.capability)
            mia = self.files.operators["mia"]
            signer = Signer(operator=mia, key=self.files.keys["mia"])
            now = self.project.clock.now()
            asking = Filing(
                record=record,
                served=served,
                operator=mia,
                operators=lambda: self.files.operators,
                unlock=partial(lambda one: one, signer),
                reason="Once more.",
                now=now,
            )
            filed = (await undo(ledger, asking)).proposal
            await leo_approves(self.files, self.project, filed.id, filed.digest)
            await worker.run(drain=True)
            self.proposal = {"id": filed.id, "digest": filed.digest}
            await self._status({"status": "applied"})

    async def _receipt_of_another(self, step: dict[str, Any]) -> None:
        """Put a receipt under the proposal's key that is about something else, so that nobody can say what became of it."""
        assert step["receipt_of_another"] is True
        assert self.proposal is not None
        key = receipt_key((await self.project.ledger()).id, self.proposal["id"]).hex()
        database = self.files.database
        bytes_of = "decode('{}', 'hex')" if database.engine == "postgres" else "x'{}'"
        values = ", ".join(bytes_of.format(hex_) for hex_ in (key, "00" * 32, "11" * 32))
        columns = "receipt_key, proposal_digest, ledger_head, proposal_id, tenant, outcome, worker"
        where = table(database, "synapsor_receipts")
        execute(database, f"INSERT INTO {where} ({columns}) VALUES ({values}, 'other', 'acme', 'applied', 'other')")

    async def _there(self, step: dict[str, Any]) -> None:
        found = fetch(self.files.database, f"SELECT count(*) FROM {table(self.files.database, step['there'])}")
        assert found[0][0] == step["many"]

    async def _work(self, step: dict[str, Any]) -> None:
        reports: list[Any] = []
        worker = await self.project.worker(report=reports.append)
        await worker.run(drain=True)
        assert [report["outcome"] for report in reports] == step["work"]

    async def _rows(self, step: dict[str, Any]) -> None:
        database = self.files.database
        query = f"SELECT {', '.join(step['are'])} FROM {table(database, step['rows'])} WHERE id = '{step['id']}'"
        assert fetch(database, query) == [tuple(step["are"].values())]

    async def _change(self, step: dict[str, Any]) -> None:
        changes = ", ".join(f"{column} = {_literal(value)}" for column, value in step["set"].items())
        where = table(self.files.database, step["change"])
        execute(self.files.database, f"UPDATE {where} SET {changes} WHERE id = '{step['id']}'")

    async def _add(self, step: dict[str, Any]) -> None:
        _add(self.files.database, step["add"], self.said["tables"][step["add"]], step["row"])

    async def _absent(self, step: dict[str, Any]) -> None:
        listed = ", ".join(f"'{key}'" for key in step["ids"])
        query = f"SELECT id FROM {table(self.files.database, step['absent'])} WHERE id IN ({listed})"
        assert fetch(self.files.database, query) == []

    async def _trigger(self, step: dict[str, Any]) -> None:
        database, name = self.files.database, step["trigger"]
        if database.engine == "postgres":
            execute(database, _TOUCH.format(schema=database.schema))
            where = f"AFTER DELETE ON {table(database, name)} FOR EACH ROW EXECUTE FUNCTION {database.schema}.touch()"
        else:
            where = f"AFTER DELETE ON {name} FOR EACH ROW SET @touched = 1"
        execute(database, f"CREATE TRIGGER told_{name} {where}")

    async def _unsafe(self, step: dict[str, Any]) -> None:
        with pytest.raises(UnsafeSource) as refused:
            await self.project.worker()
        assert step["unsafe"] in refused.value.message

    async def _status(self, step: dict[str, Any]) -> None:
        assert self.proposal is not None
        record = await (await self.project.ledger()).proposal(self.proposal["id"])
        assert record is not None
        assert record.status == step["status"]

    async def _replay(self, step: dict[str, Any]) -> None:
        assert step["replay"] is True
        assert self.proposal is not None
        done = run(self.files, "--json", "replay", self.proposal["id"])
        assert done.returncode == 0, done.stdout + done.stderr


def at(data: Any, path: str) -> Any:
    """Return what stands at a dotted path."""
    for step in path.split("."):
        data = data[int(step)] if isinstance(data, list) else data[step]
    return data


def _silent(data: Any, step: dict[str, Any]) -> None:
    told = json.dumps(data, default=str)
    assert [word for word in step.get("silent", []) if word in told] == []


async def play(files: ProjectFiles, said: dict[str, Any]) -> None:
    """Play every step of a group on its project, with two more people beside leo."""
    for name in ("mia", "nina"):
        key = files.keys[name] = create_key(files.root / "keys" / f"{name}.pem", passphrase=None)
        operator = Operator(name=name, key=public_text(key), roles=("billing_lead",))
        files.operators = add_operator(files.root / "operators.yaml", operator)
    async with opened(files) as project:
        stage = Stage(files, project, await project.desk(), said)
        for step in said["steps"]:
            await stage.play(step)
