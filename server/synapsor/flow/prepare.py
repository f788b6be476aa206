"""From a reviewed contract and a live catalogue to capabilities that are ready to be called.

A capability whose mapping no longer fits the database is kept, and refuses every call by name, while the others serve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias

from synapsor.config import Mode
from synapsor.contract.arguments import ArgumentCheck, compile_arguments
from synapsor.contract.capability import (
    AggregateCapability,
    Capability,
    ProposeCapability,
    ReadCapability,
    is_single,
    shown,
    verb_of,
)
from synapsor.contract.changes import Operation
from synapsor.contract.deciding import evidence_for, together_with
from synapsor.contract.mapping import Table
from synapsor.contract.model import Context, Contract
from synapsor.contract.names import names_of
from synapsor.contract.paths import steps_of
from synapsor.contract.schema import input_schema
from synapsor.core.contract_posture import judge_contract
from synapsor.core.count import CountQuestion, count_question_of
from synapsor.core.depends import Hop, hops_of
from synapsor.core.envelope_schema import output_schema
from synapsor.core.facts import Finding
from synapsor.core.form import Form, form_of
from synapsor.core.hidden import Keeper
from synapsor.core.links import Mapped
from synapsor.core.posture import natives, refine
from synapsor.core.presenter import Presenter, presenter_of
from synapsor.core.question import Question, child_question_of, question_of
from synapsor.core.writeback import target
from synapsor.errors import Code
from synapsor.flow.catalogue import Facts, facts_of
from synapsor.ports import ReadSource
from synapsor.sql.aggregate import AggregateTemplate, compile_aggregate
from synapsor.sql.read import ReadTemplate, compile_read

Secret: TypeAlias = Callable[[str], bytes]
"""Gives the ledger's secret for a purpose."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """What a client sees of a capability.

    Attributes:
        destructive: what it asks for removes rows, once a person has approved it.
        waits: a call of it may go on for a while, in which it holds nothing and tells how long it has waited.
        contract: the digest of the contract that says so; None of a built-in tool.
    """

    name: str
    kind: Literal["read", "aggregate", "propose"]
    destructive: bool = False
    waits: bool = False
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any]
    contract: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A read that a workflow asks for before a proposal; `same_row`: of the row that the proposal is about."""

    capability: str
    same_row: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """An aggregate with the statement of its usual shape; the shapes that a call may make of it have others."""

    question: CountQuestion
    template: AggregateTemplate


@dataclass(frozen=True, kw_only=True)
class ServedList:
    """A list of related rows that a read brings along.

    Attributes:
        parent: the columns of the one row that say which they are.
    """

    name: str
    parent: tuple[str, ...]
    form: Form
    presenter: Presenter
    question: Question
    template: ReadTemplate


@dataclass(frozen=True, kw_only=True)
class Served:
    """A capability with everything that a call needs, computed once.

    Attributes:
        table: the mapping, narrowed by the live columns.
        related: the mappings that its links lead to.
        returns: the columns that the model sees, by their paths.
        form: how they stand in a result.
        lists: the lists of related rows that come along.
        hops: the related rows that a change depends on.
        question, template: of a read or proposal; the shapes that a call may make of it have other statements.
        counting: of an aggregate.
        secret: the ledger's, for cursors.
        presenter: shows the columns of its own statement.
        mappings: the names of the tables that it reads, its own first; `tables` are all that the contract maps, as reviewed, and `facts`
            what its capabilities were made from.
        remake: returns the same capability made from other facts.
        refusal: why every call is refused, or None.
        workflow: the workflow that its proposals belong to, and `asked` what that wants to have been read before.
        together: the capabilities whose proposals stand or fall together with its own, which is among them.
        named: the sets of columns by which the contract names rows of what it writes.
        checkpoints: the workflows that the audit of each call names.
    """

    tool: Tool
    contract: str
    capability: Capability
    table: Table
    related: tuple[Table, ...] = ()
    context: Context
    source: ReadSource
    check: ArgumentCheck
    question: Question | None
    template: ReadTemplate | None
    counting: Counting | None
    secret: bytes
    returns: tuple[str, ...]
    form: Form
    lists: tuple[ServedList, ...] = ()
    hops: tuple[Hop, ...] = ()
    presenter: Presenter
    refusal: Code | None
    mappings: tuple[str, ...]
    tables: Mapping[str, Table]
    facts: Facts
    remake: Callable[[Facts], Served]
    workflow: str | None = None
    asked: tuple[Asked, ...] = ()
    together: tuple[str, ...] = ()
    named: tuple[tuple[str, ...], ...] = ()
    checkpoints: tuple[str, ...] = ()

    @property
    def asks_fresh(self) -> bool:
        """Whether an approval of its proposals takes a look at the rows just before it."""
        return isinstance(self.capability, ProposeCapability) and self.capability.approval.fresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """A source as the project wires it for reading."""

    source: ReadSource
    mode: Mode


async def prepare(
    contract: Contract, contract_digest: str, wiring: Mapping[str, Wiring], secret: Secret
) -> tuple[list[Served], list[Finding]]:
    """Return the contract's capabilities and what was found wrong with their mappings; `secret` is the ledger's.

    Raises:
        SourceFailure: the catalogue cannot be read.
    """
    facts = await facts_of(contract, lambda name: wiring[name].source)
    shop = _Shop(contract=contract, digest=contract_digest, facts=facts, wiring=wiring, secret=secret)
    served = [shop.serve(name, capability) for name, capability in contract.capabilities.items()]
    return served, list(shop.judged.findings)


async def prepare_one(
    contract: Contract, contract_digest: str, wiring: Mapping[str, Wiring], secret: Secret, name: str
) -> Served:
    """Return one of the contract's capabilities, as `prepare` returns all of them.

    Raises:
        SourceFailure: the catalogue cannot be read.
    """
    facts = await facts_of(contract, lambda source: wiring[source].source)
    return _remade(contract, contract_digest, wiring, secret, name, facts)


def _remade(
    contract: Contract, digest: str, wiring: Mapping[str, Wiring], secret: Secret, name: str, facts: Facts
) -> Served:
    shop = _Shop(contract=contract, digest=digest, facts=facts, wiring=wiring, secret=secret)
    return shop.serve(name, contract.capabilities[name])


def tool_of(name: str, capability: Capability, contract: Contract, digest: str) -> Tool:
    """Return what a client sees of a capability, which is the same whatever its database says; `digest` is its contract's."""
    return Tool(
        name=name,
        kind=verb_of(capability),
        destructive=isinstance(capability, ProposeCapability) and capability.operation is Operation.DELETE,
        description=capability.description,
        input_schema=input_schema(capability),
        output_schema=output_schema(capability, contract.table_of(capability), contract.tables),
        contract=digest,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """What a capability asks of its source, and how it is told."""

    returns: tuple[str, ...]
    form: Form = field(default_factory=lambda: Form({}, flat=True))
    question: Question | None = None
    lists: tuple[ServedList, ...] = ()
    hops: tuple[Hop, ...] = ()
    counting: Counting | None = None


class _Shop:
    """One contract over its live catalogue, from which each capability is served."""

    def __init__(
        self,
        *,
        contract: Contract,
        digest: str,
        facts: Facts,
        wiring: Mapping[str, Wiring],
        secret: Secret,
    ) -> None:
        self._contract = contract
        self._digest = digest
        self._wiring = wiring
        self._secret = secret
        self._keeper = Keeper.of(secret)
        self._facts = facts
        self.judged = judge_contract(contract, facts)
        # Compared as reviewed: what the live column could never hold finds nothing, on every engine alike.
        self._mapped = {
            name: Mapped(table=table, natives=natives(known), unique=known.unique)
            for name, table in contract.tables.items()
            if (known := facts[name]) is not None
        }
        self._narrow = {
            name: refine(table, known) for name, table in contract.tables.items() if (known := facts[name]) is not None
        }

    def serve(self, name: str, capability: Capability) -> Served:
        """Return a capability with everything that a call needs."""
        contract = self._contract
        own, *others = contract.tables_of(capability)
        table = contract.tables[own]
        wired = self._wiring[table.source]
        ready = self._ready(capability, own) if self._stands(name, capability, own) else None
        refusal = Code.SCHEMA_DRIFT if ready is None else None
        if refusal is None and isinstance(capability, ProposeCapability) and wired.mode == "evidence":
            refusal = Code.PROPOSALS_OFF
        ready = ready or _Ready(returns=shown(capability, table))
        question = ready.question
        return Served(
            tool=tool_of(name, capability, contract, self._digest),
            contract=self._digest,
            capability=capability,
            table=self._narrow.get(own, table),
            related=tuple(contract.tables[n] for n in others),
            context=contract.context_of(capability),
            source=wired.source,
            check=compile_arguments(capability),
            question=question,
            template=None if question is None else compile_read(question.shape, wired.source.dialect),
            counting=ready.counting,
            secret=self._secret("cursor"),
            returns=ready.returns,
            form=ready.form,
            lists=ready.lists,
            hops=ready.hops,
            presenter=self._presenter(capability, ready.returns, question, table),
            refusal=refusal,
            mappings=(own, *others),
            tables=contract.tables,
            facts=self._facts,
            remake=partial(_remade, contract, self._digest, self._wiring, self._secret, name),
            workflow=contract.workflow_of(name) if isinstance(capability, ProposeCapability) else None,
            asked=_asked(contract, name, table),
            together=together_with(contract, name),
            named=names_of(contract, table) if isinstance(capability, ProposeCapability) else (),
            checkpoints=tuple(
                flow for flow, w in contract.workflows.items() if name in w.allow and w.checkpoints == "each_call"
            ),
        )

    def _presenter(
        self, capability: Capability, returns: Iterable[str], question: Question | None, table: Table
    ) -> Presenter:
        """Return what shows a statement's columns; those of an aggregate are its own, whatever their names are."""
        if isinstance(capability, AggregateCapability):
            return Presenter(keeper=self._keeper, source=table.source, hidden={})
        paths = (*returns, *(question.shape.positions if question is not None else ()))
        return presenter_of(paths, table, self._contract.tables, self._keeper)

    def _ready(self, capability: Capability, own: str) -> _Ready:
        """Return a capability's question."""
        mapped = self._mapped[own]
        if isinstance(capability, AggregateCapability):
            counted = count_question_of(capability, mapped.table, mapped.natives, self._mapped)
            template = compile_aggregate(counted.shape, self._wiring[mapped.table.source].source.dialect)
            returns = tuple(name for name, _ in counted.shape.described)
            form = Form({name: name for name in returns}, flat=True)
            return _Ready(returns=returns, form=form, counting=Counting(question=counted, template=template))
        question = question_of(capability, mapped.table, mapped.natives, self._mapped)
        lists = tuple(self._lists(capability, mapped.table)) if isinstance(capability, ReadCapability) else ()
        depends = capability.depends if isinstance(capability, ProposeCapability) else ()
        hops = hops_of(depends, mapped.table, self._mapped, capability.limits)
        returns = shown(capability, mapped.table)
        form = form_of(returns, mapped.table, self._contract.tables)
        return _Ready(returns=returns, form=form, question=question, lists=lists, hops=hops)

    def _stands(self, name: str, capability: Capability, own: str) -> bool:
        """Tell whether every mapping and every link that a capability needs is as it was reviewed, and none makes it count wrong."""
        needed = {(table, "") for table in self._contract.tables_of(capability)}
        needed |= {(step.table, step.link) for step in steps_of(capability, own, self._contract.tables)}
        return not needed & self.judged.broken and name not in self.judged.miscounting

    def _lists(self, capability: ReadCapability, table: Table) -> Iterator[ServedList]:
        tables = self._contract.tables
        for name, child in capability.with_.items():
            link = table.links[name]
            question = child_question_of(child, link, capability, self._mapped)
            returns = child.returns or tables[link.to].returned
            yield ServedList(
                name=name,
                parent=tuple(link.on),
                form=form_of(returns, tables[link.to], tables),
                presenter=self._presenter(capability, returns, question, tables[link.to]),
                question=question,
                template=compile_read(question.shape, self._wiring[table.source].source.dialect),
            )


def _asked(contract: Contract, name: str, table: Table) -> tuple[Asked, ...]:
    reads = evidence_for(contract, name)
    return tuple(Asked(capability=read, same_row=_same_row(contract, read, table)) for read in reads)


def _same_row(contract: Contract, read: str, table: Table) -> bool:
    """Tell whether a read is by the key of the very rows that the table is about."""
    capability = contract.capabilities[read]
    other = contract.table_of(capability)
    alike = (other.source, target(other), other.key) == (table.source, target(table), table.key)
    return alike and is_single(capability, other)
