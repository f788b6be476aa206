"""The SQL that `synapsor grants` prints, run for new accounts on real servers: the posture has nothing to say, and with any line of it
taken away it does.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from synapsor.cli.main import main
from synapsor.core.facts import Finding
from synapsor.core.scope import Session
from synapsor.errors import SourceFailure
from synapsor.examine.sources import _source
from synapsor.runtime import open_project
from tests import businesses, projects
from tests.businesses import SOURCES, Business, approved, load_business
from tests.databases import Database, execute, fetch, load_mariadb, load_postgres, table
from tests.projects import ROOT, ProjectFiles, leo_approves, write_project

READER, WRITER = "Synapsor_Reads", "Synapsor_Writes"
PASSWORD = "of-the-test-9"
OF_THE_SERVER = {"not_durable"}
"""What is found of a test server, whoever asks."""

CHANGES: dict[str, list[tuple[str, dict[str, Any], str, Any]]] = {
    "billing": [
        (
            "billing.propose_late_fee_waiver",
            {"invoice_id": "INV-3001", "reason": "Paid next day."},
            "SELECT late_fee_cents FROM {invoices} WHERE id = 'INV-3001'",
            0,
        )
    ],
    "support": [
        (
            "support.propose_priority",
            {"ticket_id": "T-1002", "priority": "urgent"},
            "SELECT priority FROM {tickets} WHERE tenant_id = 'acme' AND id = 'T-1002'",
            "urgent",
        ),
    ],
    "retail": [
        (
            "retail.propose_withdrawal",
            {"store_id": "S-1", "sku": "SKU-12"},
            "SELECT count(*) FROM {purchase_orders} WHERE tenant_id = 'acme' AND store_id = 'S-1' AND sku = 'SKU-12'",
            0,
        ),
        (
            "retail.propose_orders",
            {"store_id": "S-1", "lines": [{"order_id": "PO-100", "sku": "SKU-15", "quantity": 12}]},
            "SELECT count(*) FROM {purchase_orders} WHERE tenant_id = 'acme' AND id = 'PO-100'",
            1,
        ),
    ],
}
SHOWN = {"billing": {"invoice_review"}, "support": {"tickets"}, "retail": {"stock"}}
"""The relations of which a definition or a foreign key has to be seen: a view, and tables with links to prove."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A business whose owner has just run what was printed."""

    name: str
    source: str
    database: Database
    files: ProjectFiles
    grants: tuple[str, ...]

    async def told(self) -> list[Finding]:
        """Return what doctor finds of the source with connections of their own, or that it is not even let in."""
        async with open_project(self.files.config) as project:
            try:
                found = await _source(project, self.source)
            except SourceFailure as failed:
                return [Finding(rule=failed.kind, message=failed.said)]
        return [finding for finding in found if finding.rule not in OF_THE_SERVER]


@asynccontextmanager
async def _project(name: str, database: Database, root: Path) -> AsyncIterator[ProjectFiles]:
    if name != "billing":
        async with businesses.opened(name, database, root) as business:
            files = business.files
        yield files
        return
    files = write_project(root, database)
    config = files.config_path.read_text(encoding="utf-8").replace("    allow: [writer_writes_more]\n", "")
    files.config_path.write_text(config, encoding="utf-8")  # these accounts need nothing to be allowed
    async with projects.opened(files):
        pass
    yield files


def _database(name: str, engine: str, request: pytest.FixtureRequest, folder: Path) -> Database:
    server = request.getfixturevalue(f"{engine}_server")
    if name == "billing":
        return load_postgres(server, "granted_db") if engine == "postgres" else load_mariadb(server)
    return load_business(name, engine, server, folder)


def _credentials(database: Database) -> Iterator[tuple[str, str]]:
    for role, url in ((READER, database.read_url), (WRITER, database.write_url)):
        parts = urlsplit(url)
        yield role, parts._replace(netloc=f"{role}:{PASSWORD}@127.0.0.1:{parts.port}").geturl()


def _forget(database: Database) -> None:
    if database.engine == "postgres":
        for role in (READER, WRITER):
            there = f"SELECT count(*) FROM pg_roles WHERE rolname = '{role}'"
            if fetch(database, there) != [(0,)]:
                execute(database, f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')
    else:
        execute(database, "".join(f"DROP USER IF EXISTS {role}@'127.0.0.1';" for role in (READER, WRITER)))


def _let_in(database: Database) -> None:
    for role in (READER, WRITER):
        if database.engine == "postgres":
            execute(database, f"ALTER ROLE \"{role}\" PASSWORD '{PASSWORD}'")
        else:
            execute(database, f"ALTER USER {role}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}' ACCOUNT UNLOCK")


_CONFIG = """\
synapsor: 1
policies: [{policy}]
sources:
  {source}:
    engine: {engine}
    mode: writeback
    read: ${{file:read}}
    write: ${{file:write}}
    receipts: {schema}.synapsor_receipts
session: {{tenant_id: acme, user: rita}}
"""


def _printed(name: str, database: Database, folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Return the scripts for the roles of a database's URLs."""
    folder.mkdir()
    source, policy = SOURCES.get(name, "shop"), ROOT / "policies" / f"{name}.yaml"
    config = _CONFIG.format(policy=policy, source=source, engine=database.engine, schema=database.schema)
    (folder / "synapsor.yaml").write_text(config, encoding="utf-8")
    for role, url in (("read", database.read_url), ("write", database.write_url)):
        (folder / role).touch(mode=0o600)
        (folder / role).write_text(url, encoding="utf-8")
    capsys.readouterr()
    assert main(["--config", str(folder / "synapsor.yaml"), "--json", "grants", "--host", "127.0.0.1"]) == 0
    scripts: dict[str, str] = json.loads(capsys.readouterr().out)["scripts"][source]
    return scripts


@asynccontextmanager
async def granted(
    name: str, engine: str, request: pytest.FixtureRequest, folder: Path, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Place]:
    """Let the owner run the scripts for two accounts that are new, and give these a password; then open a project with them."""
    database = _database(name, engine, request, folder)
    _forget(database)
    (_, read), (_, write) = _credentials(database)
    database = replace(database, read_url=read, write_url=write)
    scripts = _printed(name, database, folder / "printed", capsys)
    for script in (*scripts.values(), *scripts.values()):  # a script may be run again
        execute(database, script)
    _let_in(database)
    lines = tuple(line for script in scripts.values() for line in script.splitlines() if line.startswith("GRANT"))
    try:
        async with _project(name, database, folder / "project") as files:
            source = SOURCES.get(name, "shop")
            yield Place(name=name, source=source, database=database, files=files, grants=lines)
    finally:
        _forget(database)


def _is_needed(line: str, name: str) -> bool:
    """Tell whether something is missed: who may look at a definition where there is none to see does no harm and is of no use."""
    return "SHOW VIEW" not in line or any(f"`{relation}`" in line for relation in SHOWN[name])


@pytest.mark.requirement("grants:exact")
@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
@pytest.mark.parametrize("name", ["billing", "support", "retail"])
async def test_what_is_printed_is_enough_and_no_line_of_it_is_too_much(
    name: str, engine: str, request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with granted(name, engine, request, tmp_path, capsys) as place:
        assert await place.told() == []
        for line in place.grants:
            statement = line.rstrip(";")
            execute(place.database, statement.replace("GRANT", "REVOKE", 1).replace(" TO ", " FROM "))
            assert (line, bool(await place.told())) == (line, _is_needed(line, name))
            execute(place.database, statement)
        assert await place.told() == []
        await _one_change(place)


async def _one_change(place: Place) -> None:
    """Let the new accounts do what they are for, from the call to the row."""
    reports: list[Any] = []
    async with open_project(place.files.config) as project:
        desk = await project.desk()
        session = Session(values={"tenant_id": "acme", "user": "rita"}, client="test", run="one connection")
        for name, arguments, _, _ in CHANGES[place.name]:
            envelope = await desk.call(name, arguments, session)
            assert envelope["ok"], envelope
            proposal = envelope["proposal"]
            if place.name == "billing":
                await leo_approves(place.files, project, proposal["id"], proposal["digest"])
            else:
                await approved(Business(name=place.name, files=place.files, project=project), proposal)
        await (await project.worker(report=reports.append)).run(drain=True)
    assert [(r["outcome"], r["code"]) for r in reports] == [("applied", "")] * len(CHANGES[place.name])
    for _, _, query, expected in CHANGES[place.name]:
        names = ("invoices", "tickets", "purchase_orders")
        (row,) = fetch(place.database, query.format(**{n: table(place.database, n) for n in names}))
        assert row == (expected,)


@pytest.mark.requirement("grants:safe-role")
async def test_the_roles_are_made_with_safe_defaults(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with granted("support", "postgres", request, tmp_path, capsys) as place:
        flags = "rolinherit, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolconnlimit"
        rows = fetch(place.database, f"SELECT {flags} FROM pg_roles WHERE rolname IN ('{READER}', '{WRITER}')")
        assert rows == [(False, False, False, False, False, False, 32)] * 2
        assert fetch(place.database, "SHOW default_transaction_read_only", role="read") == [("on",)]
        made = f"SELECT has_database_privilege('{READER}', current_database(), 'TEMPORARY')"
        assert fetch(place.database, made) == [(False,)]
