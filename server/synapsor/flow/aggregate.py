"""The guarded aggregate: plan, count in the source, re-check, withhold what is too small, record, and only then answer.

What is withheld ends here: it is in no answer, no evidence, no audit and no log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synapsor import handles
from synapsor.core.aggregate import AggregatePlan
from synapsor.core.count import plan_count
from synapsor.core.envelope import success
from synapsor.core.evidence import Call, Rows, evidence_body
from synapsor.core.scope import Scope
from synapsor.core.totals import Told, answer, recheck_tallies, told
from synapsor.core.words import many
from synapsor.errors import Code, Refusal, SourceFailure
from synapsor.flow.prepare import Served
from synapsor.flow.read import REFUSALS, audit_of
from synapsor.ports import AgentLedger
from synapsor.sql.aggregate import compile_aggregate
from synapsor.values import ValueUnfit


async def aggregate(
    served: Served, arguments: Mapping[str, Any], scope: Scope, call: Call, ledger: AgentLedger
) -> dict[str, Any]:
    """Run an aggregate and return its envelope.

    Raises:
        Refusal: with a code of the closed table.
        LedgerFailure: the evidence could not be recorded, so nothing is returned.
    """
    assert served.counting is not None  # noqa: S101  # the desk refuses drifted ones
    plan = plan_count(served.counting.question, scope, arguments)
    found, position = await _count(served, plan)
    data = _data(plan, found)
    seen = Rows(
        columns=tuple(name for name, _ in plan.shape.described),
        rows=[total.tokens for total in found.totals],
        position=position,
        cut_by="rows" if found.cut else None,
        withheld=found.withheld,
    )
    kept = served.presenter.kept(plan.shape.described, seen, scope.tenant)
    evidence = handles.evidence_of(call.id)
    await ledger.record_read(
        audit_of(call, plan, len(seen.rows), evidence, served),
        evidence_body(evidence, call, plan, seen, source=served.source.name, kept=kept),
    )
    return success(call.capability, "aggregate", _summary(plan, found), evidence=evidence, audit=call.id, data=data)


async def _count(served: Served, plan: AggregatePlan) -> tuple[Told, str | None]:
    """Return what may be told, and the position of the source.

    Raises:
        Refusal: with a code of the closed table.
    """
    assert served.counting is not None  # noqa: S101  # see above
    usual = plan.shape is served.counting.question.shape
    template = served.counting.template if usual else compile_aggregate(plan.shape, served.source.dialect)
    try:
        raw = await served.source.fetch(template.bind(plan), time_ms=plan.time_ms)
        tallies, position = template.counted(raw)
        recheck_tallies(plan, tallies)
        return told(plan.shape, tallies), position
    except SourceFailure as failed:
        raise Refusal(REFUSALS.get(failed.kind, Code.INTERNAL)) from failed
    except ValueUnfit:
        raise Refusal(Code.SCHEMA_DRIFT) from None


def _data(plan: AggregatePlan, found: Told) -> dict[str, Any]:
    try:
        groups = answer(plan.shape, found.totals)
    except ValueUnfit:
        raise Refusal(Code.SCHEMA_DRIFT) from None
    if not plan.shape.groups:
        return {"totals": groups[0] if groups else None, "withheld": found.withheld}
    return {"groups": groups, "count": len(groups), "truncated": found.cut, "withheld": found.withheld}


def _summary(plan: AggregatePlan, found: Told) -> str:
    count = len(found.totals)
    if not plan.shape.groups:
        return "Computed." if count else "Withheld: too few rows, or none, stand behind it."
    words = f"{many(count, 'group')}{', and there are more' if found.cut else ''}."
    return words + (" Some may be withheld, because too few rows stand behind them." if found.withheld else "")
