"""The composition root: it opens what a process needs of a project, and hands each process only what it may hold.

`desk` resolves read credentials and nothing else; write credentials are for `worker`, and `examine` looks at those that are there.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from synapsor.activations import Activations
from synapsor.config import Config, SourceConfig, with_lanes
from synapsor.core.facts import Finding
from synapsor.core.needs import executors_of, reads_of
from synapsor.core.plan import Relation
from synapsor.core.posture import UNSAFE, judge_reader, refuse_fatal
from synapsor.core.session import judge_sessions
from synapsor.core.statements import Operator
from synapsor.core.unwritten import refuse_unwritten
from synapsor.errors import Code, ConfigError, DecisionRefused, naming
from synapsor.operators import read_operators, with_codes
from synapsor.ports import ReadSource, SystemClock
from synapsor.wiring import open_handler, open_reader, open_writer

if TYPE_CHECKING:
    from synapsor.contract.load import LoadedContract
    from synapsor.flow.desk import Desk
    from synapsor.flow.drift import Watch
    from synapsor.flow.prepare import Served, Tool, Wiring
    from synapsor.flow.standing import Standing
    from synapsor.handler_ports import Handler
    from synapsor.ledger.store import Ledger
    from synapsor.ledger.verify import VerifyReport
    from synapsor.work.authority import WriteTarget
    from synapsor.work.pace import Pace
    from synapsor.work.worker import Worker

log = logging.getLogger("synapsor")

_UNREVIEWED = "the development profile serves the reads of contract %s, and refuses its proposals, though %s"


class Project:
    """A configured project with what has been opened of it; closing it closes everything."""

    def __init__(self, config: Config, stack: AsyncExitStack) -> None:
        self.config = config
        self.clock = SystemClock()
        self._stack = stack
        self._ledger: Ledger | None = None
        self._readers: dict[str, ReadSource] = {}
        self._contracts: tuple[LoadedContract, ...] | None = None
        self.activations = Activations(config.sources, ledger=self.ledger, reader=self.reader, operators=self.operators)

    def operators(self) -> dict[str, Operator]:
        """Return the people whose keys this project trusts."""
        return read_operators(self.config.operators)

    def deciders(self) -> dict[str, Operator]:
        """Return the operators with what their one-time codes are verified by; for who decides and who applies, never for a model."""
        return with_codes(self.operators(), self.config.one_time_codes, self.config.codes_group)

    def contracts(self) -> tuple[LoadedContract, ...]:
        """Return the contracts of the configured policy files.

        Raises:
            ContractError: with every problem of every file.
            ConfigError: a contract names a source that is not configured.
        """
        if self._contracts is None:
            from synapsor.contract.load import load_all

            loaded = tuple(load_all(self.config.policies))
            check_sources(self.config, loaded)
            self._contracts = loaded
        return self._contracts

    def contracts_now(self) -> tuple[LoadedContract, ...]:
        """Return the contracts as their files say by now, for a process in which people decide while others activate.

        Raises:
            ContractError, ConfigError: as for `contracts`.
        """
        from synapsor.contract.load import marks_of

        if self._contracts is not None and any(c.marks is None or marks_of(c.path) != c.marks for c in self._contracts):
            self._contracts = None
        return self.contracts()

    def tools(self) -> dict[str, Tool]:
        """Return what a model is offered, by name; no database is asked.

        Raises:
            ContractError, ConfigError: as for `contracts`.
        """
        from synapsor.flow.desk import offered  # heavy: the SQL compiler
        from synapsor.flow.prepare import tool_of

        named = ((loaded, *item) for loaded in self.contracts() for item in loaded.contract.capabilities.items())
        return offered(tool_of(name, capability, loaded.contract, loaded.digest) for loaded, name, capability in named)

    async def ledger(self, *, create: bool = False) -> Ledger:
        """Return the ledger, opened once. Only an activation makes a new one, or anybody in the development profile.

        Raises:
            LedgerFailure: it is missing, or not a whole ledger of this program.
        """
        if self._ledger is None:
            from synapsor.ledger.open import open_ledger

            fresh = (create or self.config.profile == "development") and not self.config.ledger.exists()
            config = self.config
            self._ledger = open_ledger(
                config.ledger, create=fresh, key_path=config.ledger_key, group=config.ledger_group, clock=self.clock
            )
            self._stack.push_async_callback(self._ledger.aclose)
        return self._ledger

    def reader(self, name: str) -> ReadSource:
        """Return a source through its read credential, opened once."""
        if name not in self._readers:
            self._readers[name] = open_reader(name, self.config.sources[name])
            self._stack.push_async_callback(self._readers[name].aclose)
        return self._readers[name]

    async def desk(self) -> Desk:
        """Return what the model reaches, proven safe to serve.

        Raises:
            UnsafeSource: a read credential can do more than read what was reviewed.
            ConfigError: in the production profile, a contract is not activated. One that is replaced later is refused from then on.
        """
        from synapsor.contract.files import ContractFiles  # heavy: the SQL compiler, through what follows
        from synapsor.flow.desk import Desk
        from synapsor.flow.drift import Watch
        from synapsor.flow.prepare import prepare
        from synapsor.flow.standing import Standing

        served: list[Served] = []
        standing: dict[str, Standing] = {}
        watches: dict[str, Watch] = {}
        ledger = await self.ledger()
        wiring = self._wiring(self.contracts())
        findings = [f for n in wiring for f in told(n, await self.reader_posture(n))]
        refuse_fatal(findings)
        for loaded in self.contracts():
            name = loaded.contract.contract
            asked = Standing(name, ledger, partial(self.activations.why_not_served, loaded), ContractFiles(loaded).why)
            why = await asked.why()
            if self.config.profile == "production" or not why:  # what was reviewed is held to it, whatever the profile
                standing[loaded.digest] = asked
            if why and self.config.profile == "production":
                raise ConfigError(
                    f"Contract {name} ({loaded.digest[:19]}…) is not served: {why}.",
                    fix="Review it and run `synapsor activate`, or put the file of the active version back.",
                )
            if why:
                log.warning(_UNREVIEWED, name, why, extra={"action": "unreviewed"})
            ready, found = await prepare(loaded.contract, loaded.digest, wiring, ledger.secret)
            refuse_fatal(f for f in found if f.rule.startswith(UNSAFE))
            served += ready
            findings += found
            watches[loaded.digest] = watch = Watch(name, loaded.digest, ready, ledger)
            await watch.begin()
        for finding in dict.fromkeys(findings):
            log.warning("%s: %s", finding.rule, finding.message, extra={"action": "posture"})
        await ledger.healthy()
        return Desk(served, ledger, self.clock, standing, watches)

    async def activated(self, capability: str) -> Served:
        """Return a capability as it is activated now, over the read credential, proven safe to read with; for an operator to ask by.

        Raises:
            ConfigError: no contract of this project has it.
            DecisionRefused: its contract does not count as activated, or its tables are not as they were then.
            UnsafeSource: the read credential can do more than read what was reviewed.
        """
        from synapsor.flow.prepare import prepare_one  # heavy: the SQL compiler

        loaded = next((c for c in self.contracts_now() if capability in c.contract.capabilities), None)
        if loaded is None:
            message = f"No contract of this project has the capability {capability}."
            raise ConfigError(message, fix="Add it under `policies:`.")
        if why := await self.activations.why_not(loaded):
            raise DecisionRefused(
                Code.NOT_ACTIVATED,
                f"Contract {loaded.contract.contract} does not count as activated: {why}.",
                fix="Review it and run `synapsor activate`.",
            )
        needed = loaded.contract.tables_of(loaded.contract.capabilities[capability])
        if drifted := sorted(set(await self.activations.drifted(loaded)) & set(needed)):
            raise DecisionRefused(
                Code.SCHEMA_DRIFT,
                f"Table {drifted[0]} is not as it was when the contract was activated.",
                fix="`synapsor doctor` names what changed; `synapsor activate` accepts it.",
            )
        wiring = self._wiring([loaded])
        refuse_fatal([finding for name in wiring for finding in await self.reader_posture(name)])
        return await prepare_one(loaded.contract, loaded.digest, wiring, (await self.ledger()).secret, capability)

    def _wiring(self, contracts: Iterable[LoadedContract]) -> dict[str, Wiring]:
        """Return the sources of contracts through their read credentials, by name."""
        from synapsor.flow.prepare import Wiring

        names = sorted({t.source for c in contracts for t in c.contract.tables.values()})
        return {n: Wiring(source=self.reader(n), mode=self.config.sources[n].mode) for n in names}

    async def worker(
        self,
        name: str | None = None,
        *,
        pace: Pace | None = None,
        report: Callable[[Mapping[str, Any]], None] | None = None,
        progress: Callable[[Mapping[str, Any]], None] | None = None,
        supervised: bool = False,
        lanes: int | None = None,
    ) -> Worker:
        """Return the trusted worker, its write credentials proven sufficient; a supervised one applies only what is allowed for it.
        `lanes` is how many every source has, whatever its configuration says.

        Raises:
            UnsafeSource: a credential or table cannot keep the promises of an apply.
            ConfigError: no source is in writeback mode, one cannot have so many lanes, or a contract names an executor that is not configured.
        """
        from synapsor.approve.identity.keys import load_key
        from synapsor.work.authority import Workbench
        from synapsor.work.name import own_name
        from synapsor.work.pace import Pace
        from synapsor.work.permission import permits_of, signer_of
        from synapsor.work.proving import Proving
        from synapsor.work.worker import Worker  # what serves a model does not even import what applies

        key = self.config.policy_key if self.config.automatic_approval else None
        automatic = signer_of(load_key(key), self.operators()) if key else None
        wired = {n: with_lanes(n, w, lanes) for n, w in self.config.sources.items() if w.mode == "writeback"}
        targets = {n: await self._proven_target(n, w) for n, w in wired.items()}
        if not targets:
            raise ConfigError(
                "No source is in `mode: writeback`, so there is nothing that a worker may apply.",
                fix="Set `mode: writeback` where it was reviewed.",
            )
        ledger, pace = await self.ledger(), pace or Pace()
        contracts = tuple(loaded.contract for loaded in self.contracts())
        proving = Proving(ledger=ledger, targets=targets, contracts=contracts, every=pace.posture_seconds)
        return Worker(
            name=name or own_name(),
            bench=Workbench(
                ledger=ledger,
                targets=targets,
                operators=self.deciders,
                clock=self.clock,
                automatic=automatic,
                handlers=self.handlers(),
                reached=failpoints(),
                doubt=proving.doubt,
            ),
            pace=pace,
            proving=proving,
            permits=await permits_of(self.config.supervised, ledger) if supervised else None,
            lanes={n: w.at_once for n, w in wired.items()},
            report=report or (lambda _: None),
            progress=progress or (lambda _: None),
        )

    async def _proven_target(self, name: str, wired: SourceConfig) -> WriteTarget:
        """Return a source through its write credential, which is proven sufficient.

        Raises:
            UnsafeSource: it, or a table, cannot keep the promises of an apply.
        """
        with naming(name):
            target, found = await self.write_target(name, wired)
        findings = told(name, found)
        refuse_fatal(findings)
        for finding in findings:
            log.warning("%s: %s", finding.rule, finding.message, extra={"action": "posture"})
        return target

    def handlers(self) -> dict[str, Handler]:
        """Return the applications that carry out changes, by the names that contracts give them; of what no contract names, no secret is asked.

        Raises:
            ConfigError: a contract names one that is not configured, or one cannot be asked as it is configured.
        """
        needed = executors_of(loaded.contract for loaded in self.contracts())
        if missing := sorted(set(needed) - set(self.config.executors)):
            raise ConfigError(
                f"No executor is configured that a contract names: {', '.join(missing)} (for {needed[missing[0]]}).",
                fix="Add it under `executors:` in synapsor.yaml, or have the contract reviewed without it.",
            )
        return {name: open_handler(name, self.config.executors[name], self.clock) for name in sorted(needed)}

    def unmet_sessions(self, sessions: Mapping[str, Collection[str]]) -> list[Finding]:
        """Return what contracts need of a session and these, by where they are configured, do not give."""
        return [f for loaded in self.contracts() for f in judge_sessions(loaded.contract, sessions)]

    async def verify(self, saved_head: tuple[int, str] | None = None) -> VerifyReport:
        """Verify the ledger from the first event to the last; a head that was kept elsewhere finds a cut tail."""
        return await (await self.ledger()).verify(saved_head=saved_head)

    async def reader_posture(self, name: str, missing: Collection[Relation] = ()) -> list[Finding]:
        """Return what is wrong with a source's read credential; of relations that are missing, that they are says it all."""
        read = reads_of((loaded.contract for loaded in self.contracts()), name, missing)
        with naming(name):
            rights = await self.reader(name).posture(read.columns, read.denied)
        return list(judge_reader(rights, read.columns, read.denied))

    async def write_target(self, name: str, wired: SourceConfig) -> tuple[WriteTarget, list[Finding]]:
        """Return a source through its write credential, and what is wrong with that for what the contracts may change."""
        from synapsor.work.authority import WriteTarget
        from synapsor.work.posture import posture
        from synapsor.work.unwritten import Unwritten

        source = open_writer(name, wired) if wired.has_writer else Unwritten(name=name, dialect=wired.dialect)
        self._stack.push_async_callback(source.aclose)
        table = wired.receipts_table
        place = WriteTarget(
            source=source,
            receipts=Relation.parse(table) if table is not None else None,
            time_ms=wired.timeouts.lock_ms,
            production=self.config.profile == "production",
            allow=frozenset(wired.allow),
            has_writer=wired.has_writer,
        )
        return place, await posture([loaded.contract for loaded in self.contracts()], name, place)


def check_sources(config: Config, loaded: Iterable[LoadedContract]) -> None:
    """Check that every source of the contracts is configured, and has what their tables and changes ask of it.

    Raises:
        ConfigError: one is not there, has no row security, or no write credential for what the worker is to carry out.
    """
    loaded = tuple(loaded)
    tables = [(name, table) for c in loaded for name, table in c.contract.tables.items()]
    if missing := sorted({table.source for _, table in tables} - set(config.sources)):
        from synapsor.contract.rules import suggest

        raise ConfigError(
            f"Contracts name sources that are not configured: {', '.join(missing)}.\n{_where(loaded, missing)}",
            fix=" ".join([*filter(None, (suggest(m, config.sources) for m in missing)), "Add them under `sources:`."]),
        )
    for name, table in tables:
        source = config.sources[table.source]
        if table.row_security is not None and not source.has_row_security:
            raise ConfigError(
                f"Table {name} relies on row security, which source {table.source} ({source.engine}) does not have.",
                fix="Remove `row_security` from the table; the tenant is filtered all the same.",
            )
    for name, source in config.sources.items():
        if source.mode == "writeback" and not source.has_writer:
            refuse_unwritten((c.contract for c in loaded), name)


def _where(loaded: Iterable[LoadedContract], sources: Collection[str]) -> str:
    """Return where contracts name these sources, a line for each table."""
    from synapsor.contract.load import read_file

    found: list[str] = []
    for one in loaded:
        at = read_file(one.path).positions
        for name, table in one.contract.tables.items():
            if table.source in sources:
                line, column = at.value(("tables", name, "source"))
                found.append(f"{at.file}:{line}:{column}: {name} is of {table.source}.")
    return "\n".join(found)


def told(source: str, findings: Iterable[Finding]) -> list[Finding]:
    """Return each finding once, with the source that it is about."""
    return [replace(finding, message=f"{source}: {finding.message}") for finding in dict.fromkeys(findings)]


def token_sessions(config: Config) -> dict[str, Collection[str]]:
    """Return which session values each token of the HTTP transport gives, by where it is configured."""
    return {f"the session of http token {token.name}": token.session for token in config.http.tokens}


@asynccontextmanager
async def open_project(config: Config) -> AsyncIterator[Project]:
    """Open a project; whatever it opened is closed at the end."""
    async with AsyncExitStack() as stack:
        yield Project(config, stack)


def failpoints() -> Callable[[str], Awaitable[None]]:
    """Return what the worker calls at its named points: nothing, unless a test set both variables."""
    from synapsor.flow.verdict import nowhere

    if os.environ.get("SYNAPSOR_TESTING") != "1" or "SYNAPSOR_FAILPOINT" not in os.environ:
        return nowhere
    from synapsor.work.failpoints import from_environment

    return from_environment(os.environ["SYNAPSOR_FAILPOINT"])
