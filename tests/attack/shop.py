"""One project, opened in this process with everything in it: the model's desk, a person's pen, the worker, and the ledger's own file."""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from synapsor.core.evidence import Rows
from synapsor.core.plan import ReadPlan
from synapsor.core.records import to_body
from synapsor.core.scope import Session
from synapsor.flow.desk import Desk
from synapsor.ledger.believed import Proven
from synapsor.ledger.chain import GENESIS, Checkpoint, Signer, event_hash, seal_of
from synapsor.ledger.store import Ledger
from synapsor.ports import ProposalRecord
from synapsor.runtime import Project
from synapsor.sql.read import ReadTemplate
from synapsor.sql.statement import RawRow
from synapsor.values import canonical, digest_bytes
from synapsor.work.pace import Pace
from synapsor.work.worker import Worker
from tests.databases import Database, execute, fetch, table
from tests.projects import ACME, ProjectFiles, leo_approves, opened, write_project

WAIVER = "billing.propose_late_fee_waiver"
NOTE = "billing.propose_note"
INSPECT = "billing.inspect_invoice"
LIST = "billing.list_overdue"
SOON = Pace(backoff_seconds=0, lease_seconds=30)  # due again at once: no test waits for a clock
"""A pace at which a job that was given back is due again at once."""


@dataclass(kw_only=True)
class Shop:
    """An opened project."""

    files: ProjectFiles
    project: Project
    desk: Desk
    ledger: Ledger
    kept: Worker | None = None

    @property
    def database(self) -> Database:
        """The shop's own database."""
        return self.files.database

    async def call(
        self, name: str, arguments: Mapping[str, Any] | None = None, session: Session = ACME
    ) -> dict[str, Any]:
        """Return the envelope of one call, when its connection is at rest: a transaction that is still to be ended by this very loop
        would hold up whoever changes the shop from it.
        """
        answer = await self.desk.call(name, arguments or {}, session)
        await self.project.reader("shop")._pool.tidied()  # type: ignore[attr-defined]  # no event tells
        return answer

    async def proposed(self, name: str, arguments: Mapping[str, Any], session: Session = ACME) -> dict[str, Any]:
        """Return a proposal that was filed."""
        answer = await self.call(name, arguments, session)
        assert answer["ok"], answer["error"]
        proposal: dict[str, Any] = answer["proposal"]
        return proposal

    async def approved(self, name: str, arguments: Mapping[str, Any], session: Session = ACME) -> str:
        """Return the handle of a proposal that was filed and approved."""
        proposal = await self.proposed(name, arguments, session)
        await leo_approves(self.files, self.project, proposal["id"], proposal["digest"])
        return str(proposal["id"])

    async def waiver(self, invoice: str = "INV-3001", reason: str = "Paid next day.") -> str:
        """Return the handle of an approved waiver."""
        return await self.approved(WAIVER, {"invoice_id": invoice, "reason": reason})

    async def work(self, **options: Any) -> list[tuple[str, str]]:
        """Let the one worker do what is due, with `options` for its attributes and its bench's; return outcome and code of each attempt."""
        return await self._run(options, drain=True)

    async def attempt(self, **options: Any) -> list[tuple[str, str]]:
        """Let the one worker make one attempt at one job; return its outcome and code."""
        return await self._run(options, once=True)

    async def _run(
        self, options: Mapping[str, Any], *, once: bool = False, drain: bool = False
    ) -> list[tuple[str, str]]:
        reports: list[Mapping[str, Any]] = []
        if self.kept is None:
            self.kept = await self.worker()
        await changed(self.kept, report=reports.append, **options).run(once=once, drain=drain)
        return [(r["outcome"], r["code"]) for r in reports]

    async def until_settled(self, *proposals: str) -> list[str]:
        """Let a worker go on until all of these have reached their end, and return where they stand."""
        worker = await self.worker()
        while "approved" in (standing := [await self.status(p) for p in proposals]):
            await worker.run(drain=True)
        return standing

    async def worker(self, report: Callable[[Mapping[str, Any]], None] | None = None, **options: Any) -> Worker:
        """Return a new worker of one lane, which tells of jobs in the order of their approvals, its source looked at anew; `options` replace
        its attributes and its bench's.
        """
        return changed(await self.project.worker(pace=SOON, report=report, lanes=1), **options)

    async def record(self, proposal_id: str) -> ProposalRecord:
        """Return what the ledger has of a proposal."""
        found = await self.ledger.proposal(proposal_id)
        assert found is not None
        return found

    async def status(self, proposal_id: str) -> str:
        """Return where a proposal stands."""
        return (await self.record(proposal_id)).status.value

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return rows of the shop; `{name}` of a table is written as its engine needs it."""
        return fetch(self.database, _named(self.database, query))

    def change(self, script: str) -> None:
        """Change the shop behind Synapsor's back."""
        execute(self.database, _named(self.database, script))

    def invoice(
        self, key: str = "INV-3001", columns: str = "late_fee_cents, waiver_reason, row_version"
    ) -> tuple[Any, ...]:
        """Return an invoice as it is now."""
        return self.rows(f"SELECT {columns} FROM {{invoices}} WHERE id = '{key}'")[0]

    def receipts(self) -> int:
        """Return how many receipts the shop has."""
        return int(self.rows("SELECT count(*) FROM {synapsor_receipts}")[0][0])

    @property
    def ledger_path(self) -> Path:
        """The ledger's file."""
        return self.files.config.ledger

    def audits(self) -> list[tuple[str, str]]:
        """Return capability and outcome of every audit, in order."""
        with closing(sqlite3.connect(self.ledger_path)) as raw:
            return raw.execute("SELECT capability, outcome FROM query_audit ORDER BY seq").fetchall()


def changed(worker: Worker, **options: Any) -> Worker:
    """Return a worker with other attributes, its own or those of its bench."""
    benched = {name: value for name, value in options.items() if hasattr(worker.bench, name)}
    own = {name: value for name, value in options.items() if name not in benched}
    return replace(worker, bench=replace(worker.bench, **benched), **own)


class _Names(dict[str, str]):
    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def __missing__(self, name: str) -> str:
        return table(self._database, name)


def _named(database: Database, text: str) -> str:
    return text.format_map(_Names(database))


@asynccontextmanager
async def open_shop(
    root: Path, database: Database, *, policy: str | None = None, clock: Any = None, config: Mapping[str, str] = {}
) -> AsyncIterator[Shop]:
    """Open a new project on a database; `config` replaces texts of its configuration."""
    files = write_project(root, database, policy=policy)
    text = files.config_path.read_text(encoding="utf-8")
    for old, new in config.items():
        assert old in text
        text = text.replace(old, new)
    files.config_path.write_text(text, encoding="utf-8")
    async with reopened(files, clock=clock) as shop:
        yield shop


@asynccontextmanager
async def reopened(files: ProjectFiles, *, clock: Any = None) -> AsyncIterator[Shop]:
    """Open a project that is there already."""
    async with opened(files, clock=clock) as project:
        yield Shop(files=files, project=project, desk=await project.desk(), ledger=await project.ledger())


@contextmanager
def meanwhile(shop: Shop, do: str, undo: str) -> Iterator[None]:
    """Change the shop's schema for a while."""
    try:
        shop.change(do)
        yield
    finally:
        shop.change(undo)


def longest_taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the length of the longest cell of each row that comes from the source in answer to a read, from now on."""
    lengths: list[int] = []
    real = ReadTemplate.seen

    def seen(self: ReadTemplate, plan: ReadPlan, raw: Sequence[RawRow]) -> Rows:
        lengths.extend(max(len(str(cell)) for cell in row) for row in raw)
        return real(self, plan, raw)

    monkeypatch.setattr(ReadTemplate, "seen", seen)
    return lengths


@contextmanager
def as_ledger_owner(shop: Shop) -> Iterator[sqlite3.Connection]:
    """Write to the ledger's file as whoever owns it can: no trigger and no foreign key stands while it lasts."""
    with as_owner(shop.ledger_path) as raw:
        yield raw


@contextmanager
def as_owner(ledger: Path) -> Iterator[sqlite3.Connection]:
    """Write to the ledger at a path so."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        guards = raw.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            raw.execute(f"DROP TRIGGER {name}")
        yield raw
        for _, sql in guards:
            raw.execute(sql)
        raw.execute("COMMIT")


@contextmanager
def unasked() -> Iterator[None]:
    """Decide with a program of one's own, which does not ask beforehand whether the worker would apply it."""

    async def nothing(*_: object) -> None:
        """Ask nothing."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synapsor.flow.objection.check_applicable", nothing)
        yield


@contextmanager
def as_server(shop: Shop) -> Iterator[sqlite3.Connection]:
    """Write to the ledger as a server that was taken over can, which has its key: the chain tells of what was written, from its beginning."""
    with as_ledger_owner(shop) as raw:
        yield raw
        kept = _written_again(raw, shop.ledger._signer)
    shop.ledger_path.with_suffix(".checkpoints").write_bytes(b"".join(canonical(to_body(c)) + b"\n" for c in kept))
    shop.ledger._followed.trust = replace(shop.ledger._followed.trust, proven=Proven())


def _written_again(raw: sqlite3.Connection, signer: Signer) -> list[Checkpoint]:
    prev, signed = GENESIS, list[Checkpoint]()
    for seq, text, kind_of_event, subject in raw.execute(
        "SELECT seq, body, kind, subject FROM event ORDER BY seq"
    ).fetchall():
        body = {**json.loads(text), "kind": kind_of_event, "subject": subject}
        for kind, named in body["records"].items():
            for (record,) in raw.execute(f"SELECT body FROM {kind} WHERE id = ?", (named[0],)).fetchall():
                named[1] = digest_bytes(kind, record.encode())
        told = canonical(body)
        digest = event_hash(seq, prev, told)
        raw.execute(
            "UPDATE event SET body = ?, prev = ?, hash = ?, seal = ? WHERE seq = ?",
            (told.decode(), prev, digest, seal_of(digest, signer.seals), seq),
        )
        prev = digest
        if raw.execute("SELECT 1 FROM checkpoint WHERE seq = ?", (seq,)).fetchone():
            signed.append(signer.sign(seq, digest, previous=signed[-1].seq if signed else 0))
            one = to_body(signed[-1])
            raw.execute(
                f"UPDATE checkpoint SET {', '.join(f'{name} = ?' for name in one)} WHERE seq = ?", (*one.values(), seq)
            )
    return signed


def told_by_owner(raw: Any, kind: str, subject: str, facts: Mapping[str, Any], **records: Any) -> int:
    """Add an event of one's own, which follows the others as it should, with the seal of the one before it; return its number."""
    ((seq, prev, at, seal),) = (
        [row[name] for name in ("seq", "hash", "at", "seal")] if isinstance(row, dict) else row
        for row in raw.execute("SELECT seq, hash, at, seal FROM event ORDER BY seq DESC LIMIT 1")
    )
    body = canonical({"at": at, "facts": dict(facts), "kind": kind, "records": records, "subject": subject})
    raw.execute(
        "INSERT INTO event (seq, at, kind, subject, body, prev, hash, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (seq + 1, at, kind, subject, body.decode(), prev, event_hash(seq + 1, prev, body), seal),
    )
    return int(seq) + 1


def filed_again(raw: Any, handle: str) -> None:
    """Let an event of one's own tell that a proposal is filed, and let nothing else be found of it: whoever owns the file asks for the same
    once more. A process that runs finds the chain as it should be, one that starts does not.
    """
    raw.execute("UPDATE event SET subject = 'gone' WHERE subject = ?", (handle,))
    told_by_owner(raw, "proposal_filed", handle, {"origin": None, "target": "review_required"})


def filed_by_server(raw: Any, handle: str) -> None:
    """Let a proposal be as one that was just filed, and let nothing be found of what was before."""
    raw.execute("UPDATE event SET subject = 'gone' WHERE subject = ?", (handle,))
    (body,) = raw.execute("SELECT body FROM proposal WHERE id = ?", (handle,)).fetchone()
    step = {"origin": None, "target": "review_required"}
    told = [handle, digest_bytes("proposal", body.encode())]
    seq = told_by_owner(raw, "proposal_filed", handle, step, proposal=told)
    raw.execute("UPDATE proposal SET seq = ? WHERE id = ?", (seq, handle))
