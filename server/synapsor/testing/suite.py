"""Cases run: each over a database and a ledger of its own in memory, or a read of the project's own sources.

What a case calls is answered by the same desk that serves a model.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synapsor.contract.model import Contract
from synapsor.contract.rules import suggest
from synapsor.core.moment import stamp
from synapsor.core.proposal import as_of
from synapsor.core.scope import Session
from synapsor.errors import ConfigError, DecisionRefused
from synapsor.flow.desk import Desk
from synapsor.flow.lookup import STATUS_TOOL
from synapsor.refusals import Rule
from synapsor.runtime import Project
from synapsor.testing.cases import Approve, Behind, Case, Cases, Step, Wait
from synapsor.testing.expect import Mismatch, Seen, mismatches
from synapsor.testing.trial import Trial, desk_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one case."""

    name: str
    line: int
    mismatches: tuple[Mismatch, ...]

    @property
    def passed(self) -> bool:
        """Whether everything was as it must be."""
        return not self.mismatches


async def run_in_memory(cases: Cases, chosen: Collection[str]) -> list[Outcome]:
    """Run the chosen cases, each over a database of its own.

    Raises:
        ConfigError: the contract or a script of the fixture cannot be read, a script fails, or a case calls what is not there.
        ContractError: with every problem of the contract.
        UnsafeSource: the tables are not what the contract says.
    """
    contract = _text(cases.contract)
    assert cases.held.fixture is not None  # noqa: S101  # the model refuses a file without one
    fixture = cases.held.fixture
    schema = "\n".join(_text(cases.file.parent / name) for name in fixture.schema_)
    seed = "\n".join([*(_text(cases.file.parent / name) for name in fixture.seed), fixture.sql])
    outcomes: list[Outcome] = []
    for name in chosen:
        case = cases.held.cases[name]
        try:
            opened = desk_for(contract, schema=schema, seed=seed, session=cases.session(case), mode=cases.held.mode)
            async with opened as trial:
                _check_called(name, case, trial.contract)
                seen = await _tried(trial, name, case)
        except sqlite3.Error as error:
            raise ConfigError(f"A script of {cases.file.name} fails: {error}.", fix="Mend the script.") from None
        outcomes.append(_outcome(cases, name, mismatches(case.expect, seen)))
    return outcomes


async def run_live(cases: Cases, chosen: Collection[str], project: Project) -> list[Outcome]:
    """Run the chosen cases, reads alone, on the project's own sources; their evidence is recorded as that of any read.

    Raises:
        ConfigError: the contract is not one of the project, or a case calls something else than a read.
    """
    contract, names = _reads(cases, project)
    for name in chosen:
        _check_called(name, cases.held.cases[name], contract)
        if cases.held.cases[name].call not in names or cases.held.cases[name].before:
            raise ConfigError(
                f"`{name}` calls no read of this contract.",
                fix="On a live source, a case is one read; propose in memory.",
            )
    desk = await project.desk()
    return [_outcome(cases, name, await _read(desk, cases, cases.held.cases[name])) for name in chosen]


def _check_called(name: str, case: Case, contract: Contract) -> None:
    """Refuse a call of nothing: that it fails would be taken for what must happen."""
    known = {*contract.capabilities, STATUS_TOOL.name}
    for called in (case.call, *(earlier.call for earlier in case.before)):
        if called not in known:
            fix = suggest(called, known) or f"Known here: {', '.join(sorted(known))}."
            raise ConfigError(f"`{name}` calls `{called}`, which is no capability of this contract.", fix=fix)


def _reads(cases: Cases, project: Project) -> tuple[Contract, set[str]]:
    file = cases.contract.resolve()
    loaded = next((c for c in project.contracts() if c.path.resolve() == file), None)
    if loaded is None:
        raise ConfigError(f"{cases.contract} is no contract of this project.", fix="Add it under `policies:`.")
    reads = {n for n, tool in project.tools().items() if tool.kind != "propose" and n in loaded.contract.capabilities}
    return loaded.contract, reads


async def _read(desk: Desk, cases: Cases, case: Case) -> tuple[Mismatch, ...]:
    session = Session(values=cases.session(case), client="test")
    return mismatches(case.expect, Seen(envelope=await desk.call(case.call, case.arguments, session)))


async def _tried(trial: Trial, name: str, case: Case) -> Seen:
    filed = [envelope for envelope in await _before(trial, name, case) if envelope["proposal"]]
    envelope = await trial.desk.call(case.call, case.arguments, trial.session)
    course = _Course(trial, envelope, filed)
    refused = None
    for step in case.steps:
        try:
            await course.take(step)
        except DecisionRefused as error:
            refused = error.rule
    status, row = await _afterwards(trial, course.about)
    return Seen(envelope=envelope, status=status, refused=refused, outcome=course.outcome, row=row)


async def _before(trial: Trial, name: str, case: Case) -> list[dict[str, Any]]:
    """Return what the calls before the case's own are answered; that one is refused would let the case hold for another reason."""
    envelopes = []
    for earlier in case.before:
        envelope = await trial.desk.call(earlier.call, earlier.arguments, trial.session)
        if not envelope["ok"]:
            code = envelope["error"]["code"]
            raise ConfigError(
                f"`{name}` calls `{earlier.call}` before, which is refused: {code}.", fix="Mend that call."
            )
        envelopes.append(envelope)
    return envelopes


class _Course:
    """The steps of a case.

    Attributes:
        about: the envelope that the next step is about: the call's, or that of an undo that was asked for.
        outcome: what came of it when the worker last ran.
    """

    def __init__(self, trial: Trial, envelope: Mapping[str, Any], filed_before: Iterable[Mapping[str, Any]]) -> None:
        self.about = envelope
        self.outcome: str | None = None
        self._trial = trial
        self._filed = [*filed_before, envelope]

    async def take(self, step: Step) -> None:
        """Take one step.

        Raises:
            DecisionRefused: a decision was to be taken, and is refused.
        """
        trial = self._trial
        if isinstance(step, Behind):
            trial.database.run(step.sql)
        elif isinstance(step, Wait):
            trial.clock.move(hours=step.hours)
        elif step in {"apply", "policy"}:
            await self._apply(automatic=step == "policy")
        elif self.about["proposal"] is None:
            raise DecisionRefused(Rule.NO_SUCH_PROPOSAL, "The call filed no proposal.")
        elif isinstance(step, Approve) or step == "approve":
            for each in self._filed:
                await trial.approve(each, by=step.approve if isinstance(step, Approve) else trial.operator.name)
        elif step == "undo":
            self.about = await trial.undo(self.about, reason="Asked for by a case.")
            self._filed = [self.about]
        else:
            await trial.reject(self.about, reason="Rejected by a case.")

    async def _apply(self, *, automatic: bool) -> None:
        """Let the worker run, and note what came of the proposal, or of the last job where that has no receipt."""
        reports = await self._trial.apply(automatic=automatic)
        view = self.about["proposal"]
        record = await self._trial.ledger.proposal(view["id"]) if view else None
        if not reports:
            self.outcome = "nothing"
        elif record is not None and record.receipts:
            self.outcome = record.receipts[-1].code or record.receipts[-1].outcome
        else:
            self.outcome = str(reports[-1]["code"] or reports[-1]["outcome"])


async def _afterwards(trial: Trial, envelope: Mapping[str, Any]) -> tuple[str | None, dict[str, Any] | None]:
    view = envelope["proposal"]
    record = await trial.ledger.proposal(view["id"]) if view else None
    if record is None:
        return None, None
    relation = record.proposal.relation.partition(".")[2]
    members = record.proposal.members
    status = as_of(stamp(trial.clock.now()), record.status, record.proposal)
    return status.value, trial.database.row(relation, dict(members[0].key)) if len(members) == 1 else None


def _outcome(cases: Cases, name: str, found: tuple[Mismatch, ...]) -> Outcome:
    return Outcome(name=name, line=cases.positions.key(("cases", name))[0], mismatches=found)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{file} cannot be read.", fix="Paths are seen from the file of the cases.") from None
