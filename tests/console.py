"""A real `synapsor console` over a real project: the process, the people who log in to it, and what agents propose meanwhile."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synapsor.approve.identity.codes import enrol
from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from tests.attack.shop import Shop, reopened
from tests.databases import load_sqlite
from tests.projects import ACME, ROOT, ProjectFiles, write_project
from tests.serving.forked import run_forked

NOTE = "billing.propose_note"
WAIVER = "billing.propose_late_fee_waiver"
HOLD = "billing.propose_hold"
REMOVAL = "billing.propose_removal"
PAPER = "billing.propose_paper"

PAGES = (
    "/",
    "/history",
    "/contracts",
    "/contracts/billing",
    "/worker",
    "/worker/unknown",
    "/charts",
    "/charts/policies",
    "/ledger",
    "/people",
    "/settings",
)
"""Every page that needs nothing to be named."""

_APPROVAL = "    approval: {role: billing_lead, expires_hours: 72}\n"
_RISK = """\
    risk:
      high: {late_fee_cents: {before: {at_least: 9000}}}
      medium: {late_fee_cents: {before: {at_least: 5000}}}
    approval: {role: billing_lead, expires_hours: 72, high: {quorum: 2}, step_up: high}
"""
_MORE = """\

  billing.propose_hold:
    description: Ask for every invoice of a customer to get the same note, ten at most. A person decides on all of them at once.
    propose: update invoices
    arguments:
      customer: {type: string, max_length: 100, description: Whose invoices}
      note: {type: string, max_length: 500, description: The whole new note}
    where: {customer: $customer}
    members: {at_most: 10}
    set: {note: $note}
    returns: [id, customer, note]
    approval: {role: billing_lead, expires_hours: 48}

  billing.propose_removal:
    description: Ask for one invoice to be removed. A person decides.
    propose: delete invoices
    arguments:
      invoice_id: {type: string, max_length: 64, description: Invoice id such as INV-3001}
    where: {id: $invoice_id}
    returns: [id, customer, status]
    approval: {role: billing_lead, expires_hours: 24}

  billing.propose_paper:
    description: Ask for the text of one paper to be replaced. A person decides.
    propose: update papers
    arguments:
      paper: {type: string, max_length: 64, description: Which one}
      note: {type: string, max_length: 500, description: The whole new text}
    where: {id: $paper}
    set: {note: $note}
    returns: [id]
    limits: {bytes: 8000000}
    approval: {role: billing_lead, expires_hours: 24}
"""
_PAPERS = """\
  papers:
    source: shop
    relation: billing.hostile_invoices
    key: id
    tenant: tenant_id
    version: version
    moves: [updated_at]
    columns: {id: text, tenant_id: text, note: text, version: integer, updated_at: timestamptz, secret: denied}

capabilities:
"""


def policy(*, quorum: int = 1) -> str:
    """Return the demo's contract with risks, a set and a removal; a note takes so many people."""
    text = (ROOT / "policies" / "billing.yaml").read_text(encoding="utf-8")
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("# yaml-language-server")) + "\n"
    kept = kept.replace(_APPROVAL, _RISK, 1).replace(
        _APPROVAL, _APPROVAL.replace("lead,", f"lead, quorum: {quorum},"), 1
    )
    return kept.replace("\n# What the agent can do, by name.\ncapabilities:\n", _PAPERS, 1) + _MORE


def write_office(root: Path, *, console: str = "", profile: str = "production", quorum: int = 1) -> ProjectFiles:
    """Write a project in which leo and mia lead billing, and leo has one-time codes."""
    files = write_project(
        root / "project", load_sqlite(root / "shop.db"), policy=policy(quorum=quorum), profile=profile
    )
    key = create_key(files.root / "keys" / "mia.pem", passphrase=None)
    mia = Operator(name="mia", key=public_text(key), roles=("billing_lead",))
    files.operators, files.keys["mia"] = add_operator(files.root / "operators.yaml", mia), key
    text = files.config_path.read_text(encoding="utf-8")
    text = text.replace(
        "operators: operators.yaml\n", "operators: operators.yaml\none_time_codes: secrets/codes.yaml\n"
    )
    files.config_path.write_text(text + console, encoding="utf-8")
    return files


def codes_of(files: ProjectFiles, name: str) -> bytes:
    """Give somebody one-time codes, and return what they are made with."""
    return enrol(files.root / "secrets" / "codes.yaml", name)


@dataclass(kw_only=True)
class Console:
    """A console that serves."""

    files: ProjectFiles
    url: str
    process: subprocess.Popen[bytes]
    said: list[str] = field(default_factory=list)

    async def sign(self, command: str, who: str) -> subprocess.CompletedProcess[str]:
        """Run the command that a login page shows, as this person would in their own terminal."""
        key = str(self.files.root / "keys" / f"{who}.pem")
        line = (*command.split()[1:], "--yes", "--operator", who, "--key", key)
        return await asyncio.to_thread(run_forked, self.files, *line)


@contextmanager
def serving(files: ProjectFiles) -> Iterator[Console]:
    """Run `synapsor console` on a free port; it must end well, and say nothing that it should not."""
    command = files.command("console", "--listen", "127.0.0.1:0")
    line = [sys.executable, "-W", "error", *command[1:]]
    process = subprocess.Popen(
        line, env=files.environment, cwd=files.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = ""
    try:
        while (found := re.search(r"open (https?://\S+)", said)) is None:
            more = process.stderr.readline().decode()
            assert more, said
            said += more
        yield Console(files=files, url=found[1], process=process)
        process.terminate()
        _, rest = process.communicate(timeout=30)
        assert (process.returncode, re.findall(r"Traceback|Warning|request failed.*", rest.decode())) == (0, [])
    finally:
        process.kill()
        process.communicate()


@dataclass(kw_only=True)
class Office:
    """A console, and the shop that its agents work in."""

    console: Console
    shop: Shop
    filed: int = 0

    @property
    def url(self) -> str:
        """Where the console is."""
        return self.console.url

    async def propose(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Let the agent propose something."""
        return await self.shop.proposed(name, arguments, ACME)

    async def note(self, invoice: str = "INV-3001", note: str = "Call back on Monday.") -> str:
        """Return the handle of a new note."""
        return str((await self.propose(NOTE, {"invoice_id": invoice, "note": note}))["id"])

    async def waiver(self, invoice: str = "INV-3002", reason: str = "Paid the next day.") -> str:
        """Return the handle of a waiver; INV-3001 makes one of medium risk, and INV-3013 one of high risk."""
        return str((await self.propose(WAIVER, {"invoice_id": invoice, "reason": reason}))["id"])


@asynccontextmanager
async def open_office(files: ProjectFiles) -> AsyncIterator[Office]:
    """Open a project with its console."""
    async with reopened(files) as shop:
        with serving(files) as console:
            yield Office(console=console, shop=shop)


def chromium() -> tuple[str, dict[str, str]] | None:
    """Return a Chromium and what its process needs in its environment, as `scripts/servers.sh` puts one in place; None where there is none."""
    servers = ROOT / ".servers"
    unpacked = servers / "root"
    named = [Path(os.environ["SYN_CHROMIUM"])] if "SYN_CHROMIUM" in os.environ else []
    installed = [Path("/usr/bin") / name for name in ("chromium", "chromium-browser", "google-chrome")]
    driven = sorted((servers / "browsers").glob("chromium-*/chrome-linux*/chrome"))
    for place in (*named, *installed, *driven):
        if os.access(place, os.X_OK) and b"/snap/" not in place.read_bytes()[:4096]:
            return str(place), {}
    own = unpacked / "usr" / "lib" / "chromium" / "chromium"
    if not os.access(own, os.X_OK):
        return None
    libraries = sorted({str(found.parent) for found in (unpacked / "usr" / "lib").rglob("lib*.so*")})
    return str(own), {"LD_LIBRARY_PATH": ":".join(libraries), "FONTCONFIG_SYSROOT": str(unpacked)}
