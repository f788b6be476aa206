"""From a reviewed contract and a live catalogue to capabilities that are ready to be called.

A capability whose mapping no longer fits the database is kept, and refuses every call by name, while the others serve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from synapsor.config import Mode
from synapsor.contract.arguments import ArgumentCheck, compile_arguments
from synapsor.contract.capability import AggregateCapability, Capability, ProposeCapability, shown, verb_of
from synapsor.contract.mapping import Table
from synapsor.contract.model import Context, Contract
from synapsor.contract.schema import input_schema
from synapsor.core.count import CountQuestion, count_question_of
from synapsor.core.envelope_schema import output_schema
from synapsor.core.facts import Finding, RelationFacts
from synapsor.core.plan import Relation
from synapsor.core.posture import judge_read, natives, refine
from synapsor.core.question import Question, question_of
from synapsor.errors import Code, naming
from synapsor.ports import ReadSource
from synapsor.sql.aggregate import AggregateTemplate, compile_aggregate
from synapsor.sql.read import ReadTemplate, compile_read


@dataclass(frozen=True, kw_only=True)
class Tool:
    """What a client sees of a capability."""

    name: str
    kind: Literal["read", "aggregate", "propose"]
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """An aggregate with the statement of its usual shape; the shapes that a call may make of it have others."""

    question: CountQuestion
    template: AggregateTemplate


@dataclass(frozen=True, kw_only=True)
class Served:
    """A capability with everything that a call needs, computed once.

    Attributes:
        table: the mapping, narrowed by the live columns.
        returns: the columns that the model sees.
        question, template: of a read or proposal; the shapes that a call may make of it have other statements.
        counting: of an aggregate.
        secret: the ledger's, for cursors.
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
    counting: Counting | None
    secret: bytes
    returns: tuple[str, ...]
    refusal: Code | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """A source as the project wires it for reading."""

    source: ReadSource
    mode: Mode


async def prepare(
    contract: Contract, contract_digest: str, wiring: Mapping[str, Wiring], secret: bytes
) -> tuple[list[Served], list[Finding]]:
    """Return the contract's capabilities and what was found wrong with their mappings; `secret` is the ledger's, for cursors.

    Raises:
        SourceFailure: the catalogue cannot be read.
    """
    served: list[Served] = []
    findings: list[Finding] = []
    facts: dict[str, RelationFacts | None] = {}
    drifted: set[str] = set()
    for name, table in contract.tables.items():
        with naming(table.source):
            facts[name] = await wiring[table.source].source.describe(Relation.parse(table.relation))
        found = list(judge_read(table, facts[name]))
        findings += found
        if any(f.fatal for f in found):
            drifted.add(name)
    for name, capability in contract.capabilities.items():
        table = contract.table_of(capability)
        key = next(n for n, t in contract.tables.items() if t is table)
        refusal = Code.SCHEMA_DRIFT if key in drifted else None
        wired = wiring[table.source]
        served.append(_serve(contract, contract_digest, name, capability, table, facts[key], wired, refusal, secret))
    return served, findings


def tool_of(name: str, capability: Capability, table: Table) -> Tool:
    """Return what a client sees of a capability, which is the same whatever its database says."""
    return Tool(
        name=name,
        kind=verb_of(capability),
        description=capability.description,
        input_schema=input_schema(capability),
        output_schema=output_schema(capability, table),
    )


def _serve(
    contract: Contract,
    digest: str,
    name: str,
    capability: Capability,
    table: Table,
    facts: RelationFacts | None,
    wired: Wiring,
    refusal: Code | None,
    secret: bytes,
) -> Served:
    narrow, question, template, counting = table, None, None, None
    returns = shown(capability, table)
    if refusal is None and facts is not None:
        narrow = refine(table, facts)
        dialect = wired.source.dialect
        # Compared as reviewed: what the live column could never hold finds nothing, on every engine alike.
        if isinstance(capability, AggregateCapability):
            counted = count_question_of(capability, table, natives(facts))
            counting = Counting(question=counted, template=compile_aggregate(counted.shape, dialect))
            returns = tuple(name for name, _ in counted.shape.described)
        else:
            question = question_of(capability, table, natives(facts))
            template = compile_read(question.shape, dialect)
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
        counting=counting,
        secret=secret,
        returns=returns,
        refusal=refusal,
    )
