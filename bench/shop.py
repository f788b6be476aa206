"""What every target works on: a throwaway Postgres that really syncs, a large table of many tenants, and an activated project."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg

from synapsor.serve.identity import generate_token, hash_token
from tests.databases import Database, load_postgres
from tests.projects import ROOT, ProjectFiles, opened, write_project
from tests.servers import start_postgres

TENANTS = 1000
READ = "billing.inspect_invoice"
PROPOSE = "billing.propose_note"
_HTTP = """\
http:
  tokens:
    - name: bench
      sha256: {sha256}
      session: {{tenant_id: acme, user: support_agent_17}}
"""
_FILL = """
INSERT INTO billing.invoices (id, tenant_id, customer, status, amount, late_fee_cents, due_date, card_token)
SELECT 'B-' || n, CASE WHEN n % {tenants} = 0 THEN 'acme' ELSE 't-' || n % {tenants} END, 'Customer ' || n, 'overdue',
       (n % 100000) / 100.0, n % 9000, DATE '2026-01-01' + n % 365, 'card-' || n
FROM generate_series(1, {rows}) n;
INSERT INTO billing.invoices (id, tenant_id, customer, status, amount, late_fee_cents, due_date, card_token)
SELECT 'W-' || n, 'acme', 'Customer ' || n, 'overdue', n, n, DATE '2026-01-01', 'card-' || n FROM generate_series(1, {work}) n;
REVOKE ALL ON billing.customers, billing.specimens, billing.hostile_invoices FROM synapsor_reader, synapsor_writer;
VACUUM ANALYZE billing.invoices;
"""


@dataclass(kw_only=True)
class Shop:
    """A filled shop and its project.

    Attributes:
        readable: keys of the served tenant's rows.
        fresh: keys of its rows that nothing has changed yet; taken one by one.
    """

    files: ProjectFiles
    version: str
    rows: int
    token: str
    readable: tuple[str, ...]
    fresh: Iterator[str]

    @property
    def environment(self) -> dict[str, str]:
        """What every server process runs in."""
        return {**self.files.environment, "PYTHONPATH": os.pathsep.join([str(ROOT / "server"), str(ROOT)])}

    def reads(self) -> Iterator[dict[str, Any]]:
        """Arguments of reads, without end."""
        return itertools.cycle([{"invoice_id": key} for key in self.readable])

    def asks(self) -> Iterator[dict[str, Any]]:
        """Arguments of proposals, without end and never twice the same."""
        for number, key in enumerate(itertools.cycle(self.readable)):
            yield {"invoice_id": key, "note": f"note {number}"}


@asynccontextmanager
async def opened_shop(*, rows: int, work: int) -> AsyncIterator[Shop]:
    """Start a server, fill it, write and activate a project; all of it is gone at the end."""
    server = start_postgres(fsync="on", full_page_writes="on", shared_buffers="256MB")
    try:
        with TemporaryDirectory(prefix="syn-bench-") as directory:
            database = load_postgres(server)
            await _fill(database, rows, work)
            token = generate_token()
            policy = (ROOT / "policies" / "billing.yaml").read_text(encoding="utf-8")
            files = write_project(Path(directory) / "project", database, policy=policy)
            with files.config_path.open("a", encoding="utf-8") as config:
                config.write(_HTTP.format(sha256=hash_token(token)))
            async with opened(files):
                pass
            yield Shop(
                files=files,
                version=server.version,
                rows=rows,
                token=token,
                readable=tuple(f"B-{n}" for n in range(TENANTS, rows + 1, TENANTS)),
                fresh=iter([f"W-{n}" for n in range(1, work + 1)]),
            )
    finally:
        server.close()


async def _fill(database: Database, rows: int, work: int) -> None:
    admin = await asyncpg.connect(database.admin_url)
    try:
        for statement in re.split(r";\n", _FILL.format(rows=rows, tenants=TENANTS, work=work)):
            if statement.strip():
                await admin.execute(statement)
    finally:
        await admin.close()
