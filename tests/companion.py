"""A project with a companion approval server: its file, its key, and leo's codes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from synapsor.approve.identity.codes import code_path, enrol, keep
from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.core.moment import stamp
from synapsor.core.onetime import code_of, meant, step_at
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator, Verdict
from synapsor.ports import SystemClock
from tests.databases import Database
from tests.projects import ACME, ROOT, ProjectFiles, opened, write_project
from tests.servers.process import free_port
from tests.serving.forked import forked

POLICY = (ROOT / "policies" / "billing.yaml").read_text(encoding="utf-8")
BY_PROMPT = POLICY.replace("{role: billing_lead, expires_hours: 72}", "{role: billing_lead, by_prompt: high}")
TOKEN = "canary-token-of-leo"
_FILE = """\
synapsor: 1
project: synapsor.yaml
voucher: {{operator: approvals, key: keys/approvals.pem}}
operator: leo
tokens:
  - {{operator: leo, sha256: {sha256}}}
"""


@dataclass(kw_only=True)
class Companion:
    """A project whose contract lets prompts decide.

    Attributes:
        secret: what leo's codes are made with.
    """

    files: ProjectFiles
    secret: bytes

    @property
    def path(self) -> Path:
        """The companion's own file."""
        return self.files.root / "approvals.yaml"

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of the companion."""
        return [*self.files.command()[:-2], "--config", str(self.path), "approvals", *arguments]

    def stdio(self, *, started: bool = False) -> StdioServerParameters:
        """Return the companion as a client starts it: in a fork, unless it is to be `started` by itself."""
        first, *rest = self.command() if started else forked(self.command())
        return StdioServerParameters(command=first, args=rest, env=self.files.environment, cwd=self.files.root)

    def code(self, digest: str, verdict: Verdict = "approve") -> str:
        """Return leo's code for a verdict on a digest, as `synapsor code` would show it now."""
        return code_of("bound", self.secret, meant(verdict, digest), step_at("bound", stamp(SystemClock().now())))

    async def filed(self, invoice: str = "INV-3001", reason: str = "Paid next day.") -> dict[str, Any]:
        """Return a proposal that an agent has just filed."""
        async with opened(self.files) as project:
            desk = await project.desk()
            told = await desk.call("billing.propose_late_fee_waiver", {"invoice_id": invoice, "reason": reason}, ACME)
        proposal: dict[str, Any] = told["proposal"]
        return proposal

    async def status(self, proposal: str) -> tuple[str, int, list[str]]:
        """Return where a proposal stands, how many decisions are on record, and by what rules others were refused."""
        async with opened(self.files) as project:
            ledger = await project.ledger()
            record = await ledger.proposal(proposal)
            assert record is not None
            rules = []
            for event in record.events:
                for handle, _ in (event["records"][k] for k in event["records"] if k == "refused_decision"):
                    found = await ledger.find(handle)
                    assert found is not None
                    rules.append(found["body"]["rule"])
            return record.status.value, len(record.decisions), rules


def write_companion(root: Path, database: Database, *, policy: str = BY_PROMPT) -> Companion:
    """Write the project, the companion's file and key, and leo's codes."""
    files = write_project(root, database, policy=policy)
    config = files.config_path
    config.write_text(config.read_text(encoding="utf-8") + "one_time_codes: secrets/codes.yaml\n", encoding="utf-8")
    key = create_key(root / "keys" / "approvals.pem", passphrase=None)
    files.operators = add_operator(
        root / "operators.yaml", Operator(name="approvals", key=public_text(key), roles=("code_voucher",))
    )
    secret = enrol(root / "secrets" / "codes.yaml", "leo")
    keep(root / "keys" / "leo.code", secret, passphrase=None)
    sha256 = hashlib.sha256(TOKEN.encode()).hexdigest()
    (root / "approvals.yaml").write_text(_FILE.format(sha256=sha256), encoding="utf-8")
    assert code_path("leo").name == "leo.code"
    return Companion(files=files, secret=secret)


@asynccontextmanager
async def served(companion: Companion, *, started: bool = False) -> AsyncIterator[str]:
    """Serve the companion over HTTP, in a fork unless it is to be `started` by itself, and return its address."""
    process, url = await _serving(companion, started=started)
    try:
        yield url
    finally:
        process.terminate()
        ended = await _gone(process)
    assert ended == 0, "a signal ends it in an orderly way"


async def _serving(companion: Companion, *, started: bool) -> tuple[anyio.abc.Process, str]:
    """Start it on a port that was free a moment ago, or on another one where somebody took that first."""
    for port in (free_port() for _ in range(5)):
        command = companion.command("--http", f"127.0.0.1:{port}")
        process = await anyio.open_process(
            command if started else forked(command), env=companion.files.environment, cwd=companion.files.root
        )
        assert process.stderr is not None
        said = b""
        with anyio.fail_after(60), suppress(anyio.EndOfStream):
            while b"serving on" not in said:
                said += await process.stderr.receive()
            return process, f"http://127.0.0.1:{port}"
        await _gone(process)
        assert b"The port cannot be taken." in said, said.decode()
    raise AssertionError("no port is free")


async def _gone(process: anyio.abc.Process) -> int:
    ended = await process.wait()
    for stream in (process.stdout, process.stderr, process.stdin):
        if stream is not None:
            await stream.aclose()
    return ended


async def said(client: Client, name: str, **arguments: str) -> str:
    """Return the text of a prompt."""
    (message,) = (await client.get_prompt(name, arguments)).messages
    assert isinstance(message.content, TextContent)
    return message.content.text
