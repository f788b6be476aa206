"""A contract on trial: its desk, its people and its worker over a database and a ledger in memory, for a policy author's tests.

Nothing is faked but the place where the rows and the record are kept; what a call answers here, it answers in production.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor import handles
from synapsor.config import Mode
from synapsor.contract.approval import LEVELS
from synapsor.contract.approvals import POLICY_SIGNER, POLICY_STEWARD
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.check import check_together
from synapsor.contract.digest import canonical_body, contract_digest
from synapsor.contract.load import read_text
from synapsor.contract.model import Contract
from synapsor.core.live import Live
from synapsor.core.moment import stamp
from synapsor.core.plan import Relation
from synapsor.core.posture import refuse_fatal
from synapsor.core.proposal import Proposal
from synapsor.core.review import ACTIVATOR_ROLE
from synapsor.core.scope import Session
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator, Verdict
from synapsor.core.trust import ProgramKey
from synapsor.errors import ConfigError, ContractError
from synapsor.flow.activate import activate
from synapsor.flow.decide import Deciding, Listed, decide
from synapsor.flow.desk import Desk
from synapsor.flow.filing import Filing
from synapsor.flow.prepare import Served, Wiring, prepare
from synapsor.flow.recheck import call_of_look, recheck
from synapsor.flow.signing import Signer
from synapsor.flow.undo import undo
from synapsor.ledger.open import open_memory_ledger
from synapsor.ledger.store import Ledger
from synapsor.ports import ProposalRecord
from synapsor.sql.receipts import receipts_ddl
from synapsor.testing.clock import TestClock
from synapsor.testing.memory import MemoryDatabase
from synapsor.work.authority import Workbench, WriteTarget
from synapsor.work.pauses import Pauses
from synapsor.work.posture import posture
from synapsor.work.shadows import Shadows
from synapsor.work.worker import Worker

RECEIPTS = "synapsor_receipts"
_TIME_MS = 5000


class Trial:
    """An activated contract, ready to be called, decided on and applied.

    Attributes:
        desk: what a model reaches.
        ledger: the record of it all.
        database: the rows, for a test to look at and to change behind the contract's back.
        session: in whose name `call` calls; a test may give another.
        operator: a person who has every role that the contract names; `approve` may name others, who have them too.
        operators: everybody whose key is trusted, by name.
        served: the capabilities, by name.
    """

    def __init__(
        self, contract: Contract, session: Session, database: MemoryDatabase, clock: TestClock, mode: Mode
    ) -> None:
        self.contract = contract
        self.session = session
        self.database = database
        self.clock = clock
        self.mode = mode
        self.ledger: Ledger = open_memory_ledger(clock=clock)
        self.operators: dict[str, Operator] = {}
        self._keys: dict[str, Ed25519PrivateKey] = {}
        proposals = [c for c in contract.capabilities.values() if isinstance(c, ProposeCapability)]
        self._roles = sorted(
            {ACTIVATOR_ROLE, POLICY_STEWARD, *(c.approval.at(level).role for c in proposals for level in LEVELS)}
        )
        self.operator = self._trusted("person", *self._roles)
        self.key = self._keys["person"]
        self.targets: dict[str, WriteTarget] = {}
        self.served: dict[str, Served] = {}
        self.desk: Desk

    async def call(self, capability: str, **arguments: Any) -> dict[str, Any]:
        """Return the envelope that a call of the session answers."""
        return await self.desk.call(capability, arguments, self.session)

    def _trusted(self, name: str, *roles: str) -> Operator:
        if name not in self.operators:
            key = self._keys[name] = Ed25519PrivateKey.generate()
            self.operators[name] = Operator(name=name, key=public_text(key), roles=roles)
        return self.operators[name]

    async def approve(self, envelope: Mapping[str, Any], *, by: str = "person") -> ProposalRecord:
        """Let a person approve the proposal of an envelope.

        Raises:
            DecisionRefused: this proposal may not be decided on now.
        """
        return await self._decided(envelope, "approve", by=by)

    async def _decided(
        self, envelope: Mapping[str, Any], verdict: Verdict, *, by: str, reason: str = ""
    ) -> ProposalRecord:
        deciding = Deciding(
            verdict=verdict,
            signer=Signer(operator=self._trusted(by, *self._roles), key=self._keys[by]),
            clock=self.clock,
            modes={served.table.source: self.mode for served in self.served.values()},
            operators=lambda: self.operators,
            reason=reason,
            look_again=self._look,
        )
        return await decide(self.ledger, deciding, await self._shown(envelope["proposal"]))

    async def _shown(self, proposal: Mapping[str, Any]) -> Listed:
        """Return what a person is shown of a proposal: what was measured of it is a part."""
        record = await self.ledger.proposal(proposal["id"])
        is_it = record is not None and record.proposal.digest == proposal["digest"]
        return Listed(proposal=proposal["id"], digest=record.shown if record and is_it else proposal["digest"])

    async def _look(self, proposal: Proposal) -> Live | None:
        """Return a look at the rows of a proposal, where its contract asks for one before an approval."""
        served = self.served.get(proposal.capability)
        if served is None or not served.asks_fresh:
            return None
        call = call_of_look(proposal, who="person", client="trial", at=stamp(self.clock.now()))
        return await recheck(proposal, served, self.ledger, call)

    async def reject(self, envelope: Mapping[str, Any], *, reason: str) -> ProposalRecord:
        """Let the person reject the proposal of an envelope.

        Raises:
            DecisionRefused: this proposal may not be decided on now.
        """
        return await self._decided(envelope, "reject", by="person", reason=reason)

    async def undo(self, envelope: Mapping[str, Any], *, reason: str, by: str = "operator") -> dict[str, Any]:
        """Let an operator ask for the applied proposal of an envelope to be undone; return what `approve` takes.

        Raises:
            DecisionRefused: it cannot be undone.
        """
        record = await self.ledger.proposal(envelope["proposal"]["id"])
        assert record is not None  # noqa: S101  # the envelope is one of this trial's
        operator = self._trusted(by, *self._roles)
        asking = Filing(
            record=record,
            served=self.served[record.proposal.capability],
            operator=operator,
            operators=lambda: self.operators,
            unlock=lambda: Signer(operator=operator, key=self._keys[by]),
            reason=reason,
            now=self.clock.now(),
        )
        filed = (await undo(self.ledger, asking)).proposal
        return {"proposal": {"id": filed.id, "digest": filed.digest}}

    async def measure(self) -> None:
        """Let the worker measure what is to be measured before it is approved."""
        bench = self.bench()
        shadows = Shadows(name="trial", bench=bench, pauses=Pauses(bench=bench))
        await shadows.measure(await shadows.waiting(self.clock.now(), tuple(self.targets)))

    async def apply(self, *, automatic: bool = False) -> list[Mapping[str, Any]]:
        """Let the worker apply what is approved, and return what it reports of each job; `automatic` lets policies approve before that.

        Raises:
            UnsafeSource: the schema cannot keep the promises of an apply, so that production would not start the worker.
        """
        for name, place in self.targets.items():
            refuse_fatal(await posture([self.contract], name, place))
        reports: list[Mapping[str, Any]] = []
        bench = self.bench(self.policy_signer() if automatic else None)
        await Worker(name="trial", bench=bench, report=reports.append).run(drain=True)
        return reports

    def bench(self, automatic: ProgramKey | None = None) -> Workbench:
        """Return what the worker has at hand."""
        return Workbench(
            ledger=self.ledger,
            targets=self.targets,
            operators=lambda: self.operators,
            clock=self.clock,
            automatic=automatic,
        )

    def policy_signer(self) -> ProgramKey:
        """Return the key that the worker signs policy decisions with."""
        operator = self._trusted("policy", POLICY_SIGNER)
        return ProgramKey(operator=operator, key=self._keys["policy"])


@asynccontextmanager
async def desk_for(
    contract: str,
    *,
    schema: str,
    seed: str = "",
    session: Mapping[str, str | int],
    mode: Mode = "writeback",
    clock: TestClock | None = None,
) -> AsyncIterator[Trial]:
    """Open a trial of one contract's text over a database that two SQL scripts make; all of its sources are that database.

    Raises:
        ContractError: with every problem of the contract.
        ConfigError: a source's relations are in more than one schema.
        UnsafeSource: the tables are not what the contract says.
    """
    reviewed = _read(contract)
    schemas = _schemas(reviewed)
    async with AsyncExitStack() as stack:
        database = MemoryDatabase(schema, seed)
        stack.callback(database.close)
        if not database.rows(f"SELECT 1 FROM sqlite_master WHERE name = '{RECEIPTS}'"):  # noqa: S608  # a constant
            database.run(receipts_ddl(Relation(schema="main", name=RECEIPTS), "sqlite"))
        trial = Trial(
            reviewed,
            Session(values=session, client="trial", run=handles.new("run")),
            database,
            clock or TestClock(),
            mode,
        )
        stack.push_async_callback(trial.ledger.aclose)
        wiring = {}
        for source, name in schemas.items():
            reader, writer = database.reader(source, schema=name), database.writer(source, schema=name)
            stack.push_async_callback(reader.aclose)
            stack.push_async_callback(writer.aclose)
            wiring[source] = Wiring(source=reader, mode=mode)
            place = Relation(schema=name, name=RECEIPTS)
            trial.targets[source] = WriteTarget(source=writer, receipts=place, time_ms=_TIME_MS)
        served, findings = await prepare(reviewed, contract_digest(reviewed), wiring, trial.ledger.secret)
        refuse_fatal(findings)
        await _activate(trial)
        trial.served = {each.tool.name: each for each in served}
        trial.desk = Desk(served, trial.ledger, trial.clock)
        yield trial


async def _activate(trial: Trial) -> None:
    await activate(
        trial.ledger,
        contract=trial.contract.contract,
        digest=contract_digest(trial.contract),
        body=canonical_body(trial.contract),
        sources={},
        metadata={},
        signer=Signer(operator=trial.operator, key=trial.key),
        operators=trial.operators,
        now=trial.clock.now(),
    )


def _read(text: str) -> Contract:
    reading = read_text(text, "contract")
    known = [] if reading.contract is None else [(reading.contract, reading.positions)]
    if problems := sorted({*reading.problems, *check_together(known)}):
        raise ContractError(tuple(problems))
    assert reading.contract is not None  # noqa: S101  # without one there is a problem
    return _by_itself(reading.contract)


def _by_itself(contract: Contract) -> Contract:
    """Return the contract with nothing left to an application: there is none here, and the trial's own worker stands in for it."""
    own = {
        name: c.model_copy(update={"executor": None}) if isinstance(c, ProposeCapability) else c
        for name, c in contract.capabilities.items()
    }
    return contract.model_copy(update={"capabilities": own})


def _schemas(contract: Contract) -> dict[str, str]:
    found: dict[str, str] = {}
    for table in contract.tables.values():
        for text in (table.relation, table.write_to or table.relation):
            schema = Relation.parse(text).schema
            if found.setdefault(table.source, schema) != schema:
                raise ConfigError(
                    f"The relations of {table.source} are in more than one schema.",
                    fix="A database in memory has one: try its tables in contracts of their own.",
                )
    return found
