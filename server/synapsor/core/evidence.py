"""What was seen and what was asked: evidence bundles and query audits as canonical bodies with digests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
        run: the connection that the call came through, by a name of its own; "" outside of any.
        workflows: the workflows whose checkpoint this call is.
    """

    id: str
    at: str
    capability: str
    contract: str
    tenant: Token
    principal: str
    client: str
    run: str = ""
    workflows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a source answered, decoded to canonical tokens.

    Attributes:
        position: the source's own position (a WAL location, a GTID), where it gives one.
        cut_by: which limit cut the result, of rows or of bytes; None when it is whole.
        total: how many rows there are in all, where that was asked for and could be told.
        doubled: a link that is not proven to lead to one row led to two.
        withheld: of an aggregate, whether there may be groups that are too small to be told.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Token, ...]]
    position: str | None = None
    cut_by: str | None = None
    total: int | None = None
    doubled: bool = False
    withheld: bool | None = None

    @property
    def bytes(self) -> int:
        """The bytes of all cells."""
        return sum(_size(row) for row in self.rows)

    def within(self, limit: int) -> Rows:
        """Return the rows before the first one with which all together are over a limit of bytes."""
        for number, row in enumerate(self.rows):
            limit -= _size(row)
            if limit < 0:
                return replace(self, rows=self.rows[:number], cut_by="bytes")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What evidence keeps of the rows that were seen.

    Attributes:
        columns: name and type of each column that is kept.
        hidden: how each hidden column among them is shown, and the role that may look behind it.
        sealed: by column, what stands behind each token.
    """

    columns: list[list[str]]
    rows: list[list[Token]]
    hidden: dict[str, list[str]] = field(default_factory=dict)
    sealed: dict[str, dict[str, Token]] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The parts that only evidence with hidden columns has."""
        return {"hidden": self.hidden, "sealed": self.sealed} if self.hidden else {}


def _size(row: tuple[Token, ...]) -> int:
    return sum(len(token.encode()) for token in row if token is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenList:
    """A list of related rows that was seen with its row, in the same transaction.

    Attributes:
        plan: None where the row has no value by which there could be any; then nothing was asked.
    """

    shape: ReadShape
    plan: ReadPlan | None
    seen: Rows
    kept: Kept

    def body(self) -> dict[str, Any]:
        """Return the part of the evidence bundle that is about it."""
        return {
            "columns": self.kept.columns,
            "rows": self.kept.rows,
            **self.kept.body,
            "cut_by": self.seen.cut_by,
            "plan": self.shape.fingerprint if self.plan is None else self.plan.shape.fingerprint,
            "parameters": None if self.plan is None else self.plan.fingerprint,
            "limits": {"rows": self.shape.rows, "bytes": self.shape.bytes},
        }


def evidence_body(
    evidence_id: str,
    call: Call,
    plan: ReadPlan | AggregatePlan,
    seen: Rows,
    *,
    source: str,
    kept: Kept,
    lists: Mapping[str, SeenList] | None = None,
) -> dict[str, Any]:
    """Return the evidence bundle: what is kept of every row seen, and all that is needed to understand it later.

    The lists that came along with a row are in the same bundle, under the same digest.
    """
    shape = plan.shape
    withheld = {} if seen.withheld is None else {"withheld": seen.withheld}
    also = {"lists": {name: found.body() for name, found in lists.items()}} if lists else {}
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
        "columns": kept.columns,
        "rows": kept.rows,
        **kept.body,
        "position": seen.position,
        "cut_by": seen.cut_by,
        "total": seen.total,
        "plan": shape.fingerprint,
        "parameters": plan.fingerprint,
        "limits": {"rows": shape.rows, "bytes": shape.bytes, "time_ms": plan.time_ms},
        **also,
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
    related: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the query audit of one call; refused and failed calls have one too. It holds no value of any row or argument.

    `related` are the relations that links led to.
    """
    also = {"related": sorted(set(related))} if related else {}
    return {
        "id": call.id,
        "at": call.at,
        "capability": call.capability,
        "contract": call.contract,
        "tenant": call.tenant,
        "principal": call.principal,
        "client": call.client,
        "run": call.run,
        "workflows": list(call.workflows),
        "outcome": outcome,
        "source": source,
        "relation": str(shape.relation) if shape else None,
        "plan": shape.fingerprint if shape else None,
        "parameters": parameters,
        "rows": rows,
        "evidence": evidence,
        **also,
    }
