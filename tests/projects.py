"""A whole project on any of the test databases: configuration, contract, people with keys, and an activated contract."""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.config import Config, load_config
from synapsor.contract.digest import canonical_body
from synapsor.core.scope import Session
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.flow.activate import activate
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord
from synapsor.runtime import Project, open_project
from tests.databases import Database
from tests.deciding import approve, reject

ROOT = Path(__file__).parents[1]
ACME = Session(values={"tenant_id": "acme", "user": "support_agent_17"}, client="test")
GLOBEX = Session(values={"tenant_id": "globex", "user": "support_agent_99"}, client="test")

_CONFIG = """\
synapsor: 1
profile: {profile}
policies: [policies/billing.yaml]
ledger: .synapsor/ledger.db
operators: operators.yaml
sources:
  shop:
    engine: {engine}
    mode: {mode}
    read: ${{file:secrets/read}}
    write: ${{file:secrets/write}}
    receipts: {schema}.synapsor_receipts
{extra}session: {{tenant_id: acme, user: support_agent_17}}
"""


def environment_of(root: Path) -> dict[str, str]:
    """Return what a process of a project in this folder runs in."""
    return {"PATH": os.environ["PATH"], "HOME": str(root), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT / "server")}


@dataclass(kw_only=True)
class ProjectFiles:
    """A project on disk and the private keys of its people."""

    root: Path
    database: Database
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    operators: dict[str, Operator] = field(default_factory=dict)

    @property
    def config_path(self) -> Path:
        """The configuration file."""
        return self.root / "synapsor.yaml"

    @property
    def config(self) -> Config:
        """The configuration, read anew."""
        return load_config(self.config_path)

    @property
    def environment(self) -> dict[str, str]:
        """What a process of this project runs in."""
        return environment_of(self.root)

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a synapsor command on this project."""
        return [sys.executable, "-m", "synapsor.cli.main", "--config", str(self.config_path), *arguments]

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command on this project in a process of its own, without a terminal."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            cwd=self.root,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def join(self, name: str) -> None:
        """Let another lead of billing join the project, whose key is a file of it."""
        key = create_key(self.root / "keys" / f"{name}.pem", passphrase=None)
        self.operators = add_operator(
            self.root / "operators.yaml", Operator(name=name, key=public_text(key), roles=("billing_lead",))
        )


def write_project(
    root: Path, database: Database, *, mode: str = "writeback", profile: str = "production", policy: str | None = None
) -> ProjectFiles:
    """Write a project with two people: rita reviews contracts, leo leads billing."""
    for name in ("policies", "secrets", "keys"):
        (root / name).mkdir(parents=True, mode=0o700, exist_ok=True)
    if policy is None:
        shutil.copy(ROOT / "policies" / "billing.yaml", root / "policies" / "billing.yaml")
    else:
        (root / "policies" / "billing.yaml").write_text(policy, encoding="utf-8")
    # The fixtures let the writer change the test tables, too, for tests of the sources; a file has no grants to allow.
    extra = f"    schema: {database.schema}\n" if database.engine == "sqlite" else "    allow: [writer_writes_more]\n"
    if (
        os.environ.get("SYN_MYSQL_PREFIX") and database.engine == "mariadb"
    ):  # it shows triggers only to who could make one
        extra = "    allow: [writer_writes_more, writer_can_alter]\n"
    config = _CONFIG.format(profile=profile, engine=database.engine, mode=mode, schema=database.schema, extra=extra)
    (root / "synapsor.yaml").write_text(config, encoding="utf-8")
    for name, url in (("read", database.read_url), ("write", database.write_url)):
        path = root / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(url, encoding="utf-8")
    files = ProjectFiles(root=root, database=database)
    for name, role in (("rita", "contract_reviewer"), ("leo", "billing_lead")):
        key = create_key(root / "keys" / f"{name}.pem", passphrase=None)
        operator = Operator(name=name, key=public_text(key), roles=(role,))
        files.operators = add_operator(root / "operators.yaml", operator)
        files.keys[name] = key
    return files


@asynccontextmanager
async def opened(files: ProjectFiles, *, clock: Any = None) -> AsyncIterator[Project]:
    """Open the project with its contract activated."""
    async with open_project(files.config) as project:
        if clock is not None:
            project.clock = clock
        await activate_all(files, project)
        yield project


async def activate_all(files: ProjectFiles, project: Project) -> None:
    """Let rita activate every contract of the project."""
    for loaded in project.contracts():
        metadata = await project.activations.metadata(loaded)
        await activate(
            await project.ledger(create=True),
            contract=loaded.contract.contract,
            digest=loaded.digest,
            body=canonical_body(loaded.contract),
            sources={name: source["fingerprint"] for name, source in metadata["sources"].items()},
            metadata=metadata,
            signer=Signer(operator=files.operators["rita"], key=files.keys["rita"]),
            operators=files.operators,
            now=project.clock.now(),
        )


async def leo_approves(files: ProjectFiles, project: Project, proposal_id: str, digest: str) -> ProposalRecord:
    """Let leo approve one proposal."""
    return await approve(
        await project.ledger(),
        proposal_id,
        digest=digest,
        signer=Signer(operator=files.operators["leo"], key=files.keys["leo"]),
        operators=files.operators,
        now=project.clock.now(),
    )


async def leo_rejects(
    files: ProjectFiles, project: Project, proposal: Mapping[str, Any], *, reason: str = "No."
) -> ProposalRecord:
    """Let leo reject one proposal."""
    leo = files.operators["leo"]
    return await reject(
        await project.ledger(),
        proposal["id"],
        digest=proposal["digest"],
        signer=Signer(operator=leo, key=files.keys["leo"]),
        operators={leo.name: leo},
        now=project.clock.now(),
        reason=reason,
    )
