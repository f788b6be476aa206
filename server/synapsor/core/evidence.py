"""What was seen and what was asked: evidence bundles and query audits as canonical bodies with digests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synapsor.core.aggregate import AggregatePlan, AggregateShape
from synapsor.core.plan import ReadPlan, ReadShape
from synapsor.values import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who called what, when; the head of every audit record.

    Attributes:
        id: the audit handle, `aud_…`.
        at: UTC, ISO 8601 with microseconds.
        contract: digest of the contract that was served.
    """

    id: str
    at: str
    capability: str
    contract: str
    tenant: Token
    principal: str
    client: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a source answered, decoded to canonical tokens.

    Attributes:
        position: the source's own position (a WAL location, a GTID), where it gives one.
        cut_by: which limit cut the result, of rows or of bytes; None when it is whole.
        total: how many rows there are in all, where that was asked for and could be told.
        withheld: of an aggregate, whether there may be groups that are too small to be told.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Token, ...]]
    position: str | None = None
    cut_by: str | None = None
    total: int | None = None
    withheld: bool | None = None


def evidence_body(
    evidence_id: str, call: Call, plan: ReadPlan | AggregatePlan, seen: Rows, *, source: str
) -> dict[str, Any]:
    """Return the evidence bundle: exact tokens of every row seen, and all that is needed to understand them later."""
    shape = plan.shape
    withheld = {} if seen.withheld is None else {"withheld": seen.withheld}
    return {
        **withheld,
        "id": evidence_id,
        "call": call.id,
        "at": call.at,
        "capability": call.capability,
        "contract": call.contract,
        "tenant": call.tenant,
        "principal": call.principal,
        "source": source,
        "columns": shape.described,
        "rows": [list(row) for row in seen.rows],
        "position": seen.position,
        "cut_by": seen.cut_by,
        "total": seen.total,
        "plan": shape.fingerprint,
        "parameters": plan.fingerprint,
        "limits": {"rows": shape.rows, "bytes": shape.bytes, "time_ms": plan.time_ms},
    }


def audit_body(
    call: Call,
    *,
    outcome: str,
    shape: ReadShape | AggregateShape | None,
    parameters: str | None,
    rows: int,
    evidence: str | None,
    source: str | None,
) -> dict[str, Any]:
    """Return the query audit of one call; refused and failed calls have one too. It holds no value of any row or argument."""
    return {
        "id": call.id,
        "at": call.at,
        "capability": call.capability,
        "contract": call.contract,
        "tenant": call.tenant,
        "principal": call.principal,
        "client": call.client,
        "outcome": outcome,
        "source": source,
        "relation": str(shape.relation) if shape else None,
        "plan": shape.fingerprint if shape else None,
        "parameters": parameters,
        "rows": rows,
        "evidence": evidence,
    }
