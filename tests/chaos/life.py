"""A trial of a small contract whose whole life a test may play: two versions of it, people whose keys may be revoked, a worker that may
die at a named step or have another clock.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, TypeVar

from synapsor.contract.digest import canonical_body, contract_digest
from synapsor.contract.load import read_text
from synapsor.flow.activate import activate
from synapsor.flow.amend import edit
from synapsor.flow.desk import Desk
from synapsor.flow.filing import Filing
from synapsor.flow.prepare import Served, Wiring, prepare
from synapsor.flow.signing import Signer
from synapsor.ports import ProposalRecord
from synapsor.testing import Trial, desk_for
from synapsor.testing.clock import TestClock
from synapsor.work.worker import Worker
from tests.chaos.life_model import Row

T = TypeVar("T")

APPROVERS = ("ann", "bob")
EDITOR = "mia"
SHELF = "top"
START = {"a": Row(1, "first", 1), "b": Row(2, "second", 1)}
_SCHEMA = """
CREATE TABLE items (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, shelf TEXT NOT NULL, amount INTEGER NOT NULL,
  note TEXT NOT NULL, row_version INTEGER NOT NULL DEFAULT 1, UNIQUE (tenant_id, id)) STRICT;
CREATE TRIGGER items_version AFTER UPDATE ON items WHEN NEW.row_version = OLD.row_version
BEGIN UPDATE items SET row_version = OLD.row_version + 1 WHERE id = NEW.id; END;
"""
_CONTRACT = """
synapsor: 1
contract: stock
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  items:
    source: shop
    relation: main.items
    key: id
    tenant: tenant_id
    version: row_version
    columns: {id: text, tenant_id: text, shelf: text, amount: integer, note: text, row_version: integer}
capabilities:
  stock.set:
    description: Ask for an item to be another amount.
    propose: update items
    arguments: {id: {type: string, max_length: 9}, amount: {type: integer}, note: {type: string, max_length: 50}}
    where: {id: $id}
    set: {amount: $amount, note: $note}
    returns: [id, amount, note]
    undo: reviewed
    approval: {role: lead}
  stock.set_all:
    description: Ask for all items of a shelf to be another amount.
    propose: update items
    arguments: {shelf: {type: string, max_length: 9}, amount: {type: integer}, note: {type: string, max_length: 50}}
    where: {shelf: $shelf}
    members: {at_most: 9}
    set: {amount: $amount, note: $note}
    returns: [id, amount, note]
    undo: reviewed
    approval: {role: lead}
  stock.add:
    description: Ask for an item to be added.
    propose: insert items
    arguments: {id: {type: string, max_length: 9}, amount: {type: integer}, note: {type: string, max_length: 50}}
    set: {id: $id, shelf: top, amount: $amount, note: $note}
    dedup: [tenant_id, id]
    undo: reviewed
    approval: {role: lead}
  stock.drop:
    description: Ask for an item to be removed.
    propose: delete items
    arguments: {id: {type: string, max_length: 9}}
    where: {id: $id}
    returns: [id, amount, note]
    approval: {role: lead}
"""
CONTRACTS = (_CONTRACT, _CONTRACT.replace("Ask for", "Please ask for"))


class Died(BaseException):
    """A worker is gone at a step; nothing of the worker's own may catch it."""


class Life:
    """The trial and a loop of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self.trial: Trial = self.run(self._opened())
        self._versions: list[tuple[Any, list[Served]]] = self.run(self._prepared())

    def run(self, work: Awaitable[T]) -> T:
        """Return what some work comes to."""

        async def body() -> T:
            return await work

        return self._loop.run_until_complete(body())

    async def _opened(self) -> Trial:
        seed = "".join(
            f"INSERT INTO items VALUES ('{key}', 'acme', '{SHELF}', {row.amount}, '{row.note}', {row.version});"
            for key, row in START.items()
        )
        seed += f"INSERT INTO items VALUES ('other', 'globex', '{SHELF}', 7, 'CANARY', 1);"
        session = {"tenant_id": "acme", "user": "agent"}
        trial = await self._stack.enter_async_context(
            desk_for(CONTRACTS[0], schema=_SCHEMA, seed=seed, session=session, clock=TestClock())
        )
        for name in (*APPROVERS, EDITOR):
            trial._trusted(name, *trial._roles)
        return trial

    async def _prepared(self) -> list[tuple[Any, list[Served]]]:
        found = []
        for text in CONTRACTS:
            contract = read_text(text, "contract").contract
            assert contract is not None
            reader = self.trial.database.reader("shop", schema="main")
            self._stack.push_async_callback(reader.aclose)
            wiring = {"shop": Wiring(source=reader, mode="writeback")}
            served, _ = await prepare(contract, contract_digest(contract), wiring, self.trial.ledger.secret)
            found.append((contract, served))
        return found

    def activate(self, version: int) -> None:
        """Let one of the versions be the one that counts."""
        contract, served = self._versions[version]
        trial = self.trial
        self.run(
            activate(
                trial.ledger,
                contract=contract.contract,
                digest=contract_digest(contract),
                body=canonical_body(contract),
                sources={},
                metadata={},
                signer=Signer(operator=trial.operator, key=trial.key),
                operators=trial.operators,
                now=trial.clock.now(),
            )
        )
        trial.served = {each.tool.name: each for each in served}
        trial.desk = Desk(served, trial.ledger, trial.clock)

    def revoke(self, name: str) -> None:
        """Let somebody's key not be trusted any more."""
        self.trial.operators[name] = replace(self.trial.operators[name], revoked=True)

    def record(self, proposal: str) -> ProposalRecord:
        """Return a proposal's record."""
        found = self.run(self.trial.ledger.proposal(proposal))
        assert found is not None
        return found

    def amend(self, proposal: str, values: dict[str, Any]) -> ProposalRecord:
        """Let the editor put other values in its place."""
        trial, record = self.trial, self.record(proposal)
        operator = trial.operators[EDITOR]
        amending = Filing(
            record=record,
            served=trial.served[record.proposal.capability],
            operator=operator,
            operators=lambda: trial.operators,
            unlock=lambda: Signer(operator=operator, key=trial._keys[EDITOR]),
            reason="It is another amount.",
            now=trial.clock.now(),
        )
        return self.run(edit(trial.ledger, amending, values))

    def work(self, *, ahead: float = 0, once: bool = False, dies_at: str | None = None) -> bool:
        """Let a new worker drain, or take one job; return whether it died at the step."""
        trial = self.trial
        clock = TestClock(trial.clock.now() + dt.timedelta(seconds=ahead))

        async def reached(step: str) -> None:
            if step == dies_at:
                raise Died

        worker = Worker(name="life", bench=replace(trial.bench(), clock=clock, reached=reached))
        try:
            self.run(worker.run(once=once, drain=True))
        except (Died, BaseExceptionGroup) as group:
            if isinstance(group, BaseExceptionGroup) and group.split(Died)[1] is not None:
                raise
            return True
        return False

    def rows(self) -> dict[str, Row]:
        """Return the tenant's rows."""
        found = self.trial.database.rows("SELECT id, amount, note, row_version FROM items WHERE tenant_id = 'acme'")
        return {key: Row(*cells) for key, *cells in found}

    def receipts(self) -> dict[str, str]:
        """Return the outcomes that the source's receipts tell, by proposal."""
        found = self.trial.database.rows("SELECT proposal_id, outcome FROM synapsor_receipts")
        assert len({proposal for proposal, _ in found}) == len(found)
        return dict(found)

    def close(self) -> None:
        """Close all of it; the ledger must hold."""
        assert self.run(self.trial.ledger.verify()).ok
        self.run(self._stack.aclose())
        self._loop.close()
