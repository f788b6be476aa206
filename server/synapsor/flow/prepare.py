"""From a reviewed contract and a live catalogue to capabilities that are ready to be called.

A capability whose mapping no longer fits the database is kept, and refuses every call by name, while the others serve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from synapsor.config import Mode
from synapsor.contract.arguments import ArgumentCheck, compile_arguments
from synapsor.contract.capability import Capability, ProposeCapability, shown
from synapsor.contract.mapping import Table
from synapsor.contract.model import Context, Contract
from synapsor.contract.schema import input_schema
from synapsor.core.envelope_schema import output_schema
from synapsor.core.facts import Finding, RelationFacts
from synapsor.core.hidden import Keeper
from synapsor.core.plan import Relation
from synapsor.core.posture import judge_filters, judge_read, natives, refine
from synapsor.core.presenter import Presenter, presenter_of
from synapsor.core.question import Question, question_of
from synapsor.core.row_security import READS, judge_row_security
from synapsor.errors import Code, naming
from synapsor.ports import ReadSource
from synapsor.sql.read import ReadTemplate, compile_read

Secret: TypeAlias = Callable[[str], bytes]
"""Gives the ledger's secret for a purpose."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """What a client sees of a capability."""

    name: str
    kind: Literal["read", "propose"]
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Served:
    """A capability with everything that a call needs, computed once.

    Attributes:
        table: the mapping, narrowed by the live columns.
        returns: the columns that the model sees.
        template: the statement of `question.shape`; the shapes that a call may make of it have others.
        secret: the ledger's, for cursors.
        presenter: shows the columns of the mapping.
        mapping: the name of its table in the contract; `mapped` is that table as reviewed, `facts` what it was made from.
        remake: returns the same capability made from other facts.
        refusal: why every call is refused, or None.
    """

    tool: Tool
    contract: str
    capability: Capability
    table: Table
    context: Context
    source: ReadSource
    check: ArgumentCheck
    question: Question | None
    template: ReadTemplate | None
    secret: bytes
    presenter: Presenter
    returns: tuple[str, ...]
    refusal: Code | None
    mapping: str
    mapped: Table
    facts: RelationFacts | None
    remake: Callable[[RelationFacts | None], Served]


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
    served: list[Served] = []
    findings: list[Finding] = []
    facts: dict[str, RelationFacts | None] = {}
    for name, table in contract.tables.items():
        with naming(table.source):
            facts[name] = await wiring[table.source].source.describe(Relation.parse(table.relation))
        found = list(judge_read(table, facts[name]))
        findings += [*found, *judge_row_security(table, facts[name], READS)]
        findings += judge_filters(table, facts[name], filtered(contract, table))
    for name, capability in contract.capabilities.items():
        table = contract.table_of(capability)
        key = next(n for n, t in contract.tables.items() if t is table)
        make = partial(_make, contract, contract_digest, name, key, wiring[table.source], secret)
        served.append(make(facts[key]))
    return served, findings


def _make(
    contract: Contract,
    digest: str,
    name: str,
    key: str,
    wired: Wiring,
    secret: Secret,
    facts: RelationFacts | None,
) -> Served:
    capability, table = contract.capabilities[name], contract.tables[key]
    drifted = any(f.fatal for f in judge_read(table, facts))
    narrow, question, template = table, None, None
    refusal = Code.SCHEMA_DRIFT if drifted else None
    if not drifted and facts is not None:
        narrow = refine(table, facts)
        # Compared as reviewed: what the live column could never hold finds nothing, on every engine alike.
        question = question_of(capability, table, natives(facts))
        template = compile_read(question.shape, wired.source.dialect)
    if refusal is None and isinstance(capability, ProposeCapability) and wired.mode == "evidence":
        refusal = Code.PROPOSALS_OFF
    return Served(
        tool=tool_of(name, capability, table),
        contract=digest,
        capability=capability,
        table=narrow,
        context=contract.context_of(capability),
        source=wired.source,
        check=compile_arguments(capability),
        question=question,
        template=template,
        secret=secret("cursor"),
        presenter=presenter_of(table, Keeper.of(secret)),
        returns=tuple(shown(capability, table)),
        refusal=refusal,
        mapping=key,
        mapped=table,
        facts=facts,
        remake=partial(_make, contract, digest, name, key, wired, secret),
    )


def filtered(contract: Contract, table: Table) -> set[str]:
    """Return the columns of a mapping that capabilities choose rows by."""
    return {name for c in contract.capabilities.values() if contract.table_of(c) is table for name in c.where}


def tool_of(name: str, capability: Capability, table: Table) -> Tool:
    """Return what a client sees of a capability, which is the same whatever its database says."""
    return Tool(
        name=name,
        kind="propose" if isinstance(capability, ProposeCapability) else "read",
        description=capability.description,
        input_schema=input_schema(capability),
        output_schema=output_schema(capability, table),
    )
