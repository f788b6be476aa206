"""The example businesses of `policies/`, each a project of its own over a real database that holds its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.contract.load import load
from synapsor.core.needs import proposals_of
from synapsor.core.review import ACTIVATOR_ROLE
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.flow.signing import Signer
from synapsor.runtime import Project, open_project
from tests.databases import FIXTURES, Database, business_mariadb, business_postgres
from tests.deciding import approve
from tests.projects import ROOT, ProjectFiles, activate_all
from tests.servers import Server

SOURCES = {"support": "desk", "retail": "stock"}
BUSINESSES = tuple(SOURCES)
DECIDERS = ("leo", "mia")
"""Two people who have every role, for what needs two."""
_CONFIG = """\
synapsor: 1
profile: production
policies: [policies/{business}.yaml]
sources:
  {source}:
    engine: {engine}
    mode: writeback
    read: ${{file:secrets/read}}
    write: ${{file:secrets/write}}
    receipts: {schema}.synapsor_receipts
{extra}session: {{tenant_id: acme, user: rita}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """An opened project of a business."""

    name: str
    files: ProjectFiles
    project: Project


async def approved(business: Business, proposal: Mapping[str, Any]) -> None:
    """Let as many people approve a proposal as it needs."""
    files, project = business.files, business.project
    for name in DECIDERS[: proposal["needs"]["people"]]:
        await approve(
            await project.ledger(),
            proposal["id"],
            digest=proposal["digest"],
            signer=Signer(operator=files.operators[name], key=files.keys[name]),
            operators=files.operators,
            now=project.clock.now(),
        )


def load_business(name: str, engine: str, server: Server | None, folder: Path) -> Database:
    """Return a fresh database of a business."""
    if server is not None:
        return business_postgres(server, name) if engine == "postgres" else business_mariadb(server, name)
    path = folder / f"{name}.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((FIXTURES / name / "sqlite.sql").read_text(encoding="utf-8"))
    url = f"sqlite:///{path}"
    return Database(engine="sqlite", read_url=url, write_url=url, admin_url=url, schema=name)


@asynccontextmanager
async def opened(name: str, database: Database, root: Path) -> AsyncIterator[Business]:
    """Open the business's own contract over its database, activated, with a person for every role that it names."""
    policy = ROOT / "policies" / f"{name}.yaml"
    files = ProjectFiles(root=root, database=database)
    for folder in ("policies", "secrets", "keys"):
        (root / folder).mkdir(parents=True, mode=0o700)
    (root / "policies" / policy.name).write_text(policy.read_text(encoding="utf-8"), encoding="utf-8")
    for role, url in (("read", database.read_url), ("write", database.write_url)):
        (root / "secrets" / role).touch(mode=0o600)
        (root / "secrets" / role).write_text(url, encoding="utf-8")
    extra = f"    schema: {name}\n" if database.engine == "sqlite" else ""
    config = _CONFIG.format(
        business=name, source=SOURCES[name], engine=database.engine, schema=database.schema, extra=extra
    )
    files.config_path.write_text(config, encoding="utf-8")
    roles = {c.approval.role for c in proposals_of(load(policy).contract)}
    for level in ("medium", "high"):
        roles |= {s.role for c in proposals_of(load(policy).contract) if (s := getattr(c.approval, level)) and s.role}
    deciders = [(name, tuple(sorted(roles))) for name in DECIDERS]
    for person, held in (("rita", (ACTIVATOR_ROLE,)), *deciders):
        key = create_key(root / "keys" / f"{person}.pem", passphrase=None)
        files.operators = add_operator(root / "operators.yaml", Operator(name=person, key=public_text(key), roles=held))
        files.keys[person] = key
    async with open_project(files.config) as project:
        await activate_all(files, project)
        yield Business(name=name, files=files, project=project)
