"""How every key of the contract language counts when it differs: what grants more, how much it weighs, and what it is in plain words.

A test sees to it that each key has its line and no line is about a key that is gone; a key without one would count as growing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from synapsor.contract import gains
from synapsor.contract.gains import Gain
from synapsor.contract.measures import TAKES, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How one key counts.

    Attributes:
        gain: whether its second value grants something that the first does not.
        weight: from 0, which nobody need mind, to 100.
        words: what it is.
        none: what it means that it is not there.
        each: it is a mapping whose entries count one by one.
    """

    gain: Gain
    weight: int
    words: str
    none: str = "nothing"
    each: bool = False


def _key(gain: Gain, weight: int, words: str, none: str = "nothing") -> Counts:
    return Counts(gain=gain, weight=weight, words=words, none=none)


def _each(gain: Gain, weight: int, words: str) -> Counts:
    return Counts(gain=gain, weight=weight, words=words, each=True)


UNKNOWN: Final = _key(gains.other, 100, "a key of which this version does not know how it counts")

COUNTS: Final[dict[str, Counts]] = {
    "Contract.synapsor": _key(gains.nothing, 0, "the version of the language"),
    "Contract.contract": _key(gains.nothing, 10, "the contract's name"),
    "Contract.contexts": _each(gains.declared, 90, "who is asking"),
    "Contract.tables": _each(gains.granted, 80, "a table that may be used"),
    "Contract.capabilities": _each(gains.granted, 85, "something that an agent can do"),
    "Contract.policies": _each(gains.granted, 95, "what may be approved without a person"),
    "Contract.workflows": _each(gains.guarded, 75, "what must have been read before something is asked for"),
    "Context.tenant": _key(gains.other, 100, "the session value that says whose rows are seen"),
    "Context.principal": _key(gains.other, 95, "the session value that says who asks"),
    "Table.source": _key(gains.other, 95, "the database"),
    "Table.relation": _key(gains.other, 95, "the table or view that is read"),
    "Table.write_to": _key(gains.other, 95, "the table that is written to", "the one that is read"),
    "Table.key": _key(gains.other, 80, "the columns that name one row"),
    "Table.tenant": _key(gains.tenant, 100, "the column that says whose row it is"),
    "Table.principal": _key(gains.guarded, 95, "the column that keeps people to their own rows", "everybody's rows"),
    "Table.only": _each(gains.filtered, 90, "a filter that always holds"),
    "Table.row_security": _key(gains.guarded, 92, "the database's own policies, which are told who asks"),
    "RowSecurity.tenant": _key(gains.guarded, 92, "the setting that tells the policies the tenant"),
    "RowSecurity.principal": _key(gains.guarded, 92, "the setting that tells the policies the principal"),
    "Table.version": _key(gains.version, 70, "what shows that a row was changed meanwhile"),
    "Table.moves": _key(gains.listed, 60, "columns that may change without approval", "none"),
    "Table.links": _each(gains.granted, 60, "a way to related rows"),
    "Link.to": _key(gains.other, 85, "the table that a link leads to"),
    "Link.on": _each(gains.other, 80, "the columns by which rows are related"),
    "Link.many": _key(gains.other, 60, "whether a link leads to one row or to a list"),
    "Link.because": _key(gains.other, 55, "why related rows belong together", "a foreign key proves it"),
    "Table.columns": _each(gains.columns, 75, "a column that may be used"),
    "SingleTenant.single_tenant": _key(gains.other, 100, "that all rows belong to one tenant"),
    "SingleTenant.because": _key(gains.nothing, 20, "why all rows belong to one tenant"),
    "ColumnRule.type": _key(gains.nothing, 30, "what the column holds"),
    "ColumnRule.denied": _key(gains.columns, 90, "whether the column is denied"),
    "ColumnRule.show": _key(gains.uncovered, 88, "how much of the column a model sees", "all of it"),
    "ColumnRule.reveal": _key(gains.other, 70, "the role that may look behind its tokens", "revealer"),
    "ColumnRule.one_of": _key(gains.wider, 55, "the values that may be asked for or set", "any"),
    "ColumnRule.max_length": _key(gains.more, 30, "the most characters that may be set", "no limit"),
    "ColumnRule.scale": _key(gains.nothing, 25, "the decimal places that are kept", "as they are"),
    "ColumnRule.minimum": _key(gains.less, 55, "the least value that may be asked for or set", "no limit"),
    "ColumnRule.maximum": _key(gains.more, 55, "the greatest value that may be asked for or set", "no limit"),
    "ColumnRule.unit": _key(gains.nothing, 35, "what the number counts"),
    "ColumnRule.description": _key(gains.nothing, 10, "what the model is told of the column"),
    "_Capability.description": _key(gains.nothing, 15, "what the model is told of it"),
    "_Capability.context": _key(gains.context, 90, "who is asking", "the only context"),
    "_Capability.arguments": _each(gains.declared, 40, "what the model fills in"),
    "_Capability.where": _each(gains.filtered, 80, "a filter on the rows"),
    "_OfRows.returns": _key(gains.returned, 70, "the columns that the model sees", "whatever the table allows"),
    "_OfRows.limits": _key(gains.other, 40, "what one call may take"),
    "ReadCapability.read": _key(gains.other, 90, "the table that is read"),
    "ReadCapability.order": _key(gains.ordered, 20, "the order of the rows", "the key's"),
    "ReadCapability.pages": _key(gains.allowed, 50, "whether the model may ask for the next page"),
    "ReadCapability.total": _key(gains.allowed, 30, "whether the number of all rows is told"),
    "ReadCapability.with": _each(gains.granted, 70, "a list of related rows that comes along"),
    "Child.returns": _key(
        gains.related, 70, "the columns of related rows that the model sees", "whatever the table allows"
    ),
    "Child.where": _each(gains.filtered, 80, "a filter on related rows"),
    "Child.order": _key(gains.ordered, 20, "the order of related rows", "the key's"),
    "Child.rows": _key(gains.more, 50, "the most related rows that come along"),
    "AggregateCapability.aggregate": _key(gains.other, 90, "the table whose rows are counted"),
    "AggregateCapability.measures": _each(gains.granted, 75, "something that is computed"),
    "AggregateCapability.group": _each(gains.granted, 70, "what makes the groups"),
    "AggregateCapability.minimum_group": _key(gains.less, 90, "how many rows must stand behind what is told"),
    "AggregateCapability.compare": _key(gains.other, 60, "two periods that are compared"),
    "AggregateCapability.order": _key(gains.nothing, 20, "the order of the groups", "that of their names"),
    "AggregateCapability.limits": _key(gains.other, 40, "what one call may take"),
    "AggregateLimits.groups": _key(gains.more, 30, "the most groups that there may be"),
    "AggregateLimits.variants_per_day": _key(
        gains.more, 75, "how many different questions one person may ask in a day", "no limit"
    ),
    **{f"Measure.{name}": _key(gains.other, 70, "what is computed of which column") for name in map(str, TAKES)},
    "Measure.places": _key(gains.nothing, 15, "the decimal places of an average", "2"),
    **{f"Bucket.{unit}": _key(gains.other, 60, "the stretch of time that makes a group") for unit in Unit},
    "Bucket.zone": _key(gains.nothing, 25, "by whose clock it is cut", "its own"),
    "Comparison.column": _key(gains.other, 60, "the column that says which period a row is of"),
    "Comparison.periods": _key(gains.other, 60, "the periods"),
    "Periods.current": _key(gains.other, 60, "the period of which it is asked"),
    "Periods.previous": _key(gains.other, 60, "the period that it is compared with"),
    "ProposeCapability.propose": _key(gains.other, 95, "what is changed"),
    "ProposeCapability.members": _key(gains.other, 90, "how many rows may be changed at once", "one"),
    "ProposeCapability.items": _key(gains.other, 80, "the argument of whose items rows are made", "one row"),
    "ProposeCapability.set": _each(gains.assigned, 85, "a column that is changed"),
    "ProposeCapability.dedup": _key(gains.other, 80, "the columns by which an added row is found again", "none"),
    "ProposeCapability.bounds": _each(gains.guarded, 80, "what must hold of a number"),
    "ProposeCapability.transitions": _each(gains.guarded, 80, "the steps that a column may go"),
    "ProposeCapability.requires": _each(gains.filtered, 70, "what must hold before the change"),
    "ProposeCapability.unchanged": _key(gains.demanded, 70, "the columns that must be as they were", "none"),
    "ProposeCapability.accepts": _key(gains.present, 90, "what a delete may do beside", "nothing"),
    "Computed.add": _key(gains.other, 85, "what is added"),
    "Computed.subtract": _key(gains.other, 85, "what is subtracted"),
    "Computed.from": _key(gains.other, 85, "what a value is made of"),
    "Members.at_most": _key(gains.more, 85, "how many rows may be changed at once"),
    "Members.totals": _each(gains.guarded, 80, "what must hold of the sum of a number"),
    "Accepts.triggers": _key(gains.listed, 90, "the triggers that a delete may fire", "none"),
    "Accepts.cascades": _key(gains.listed, 90, "the tables that a delete may reach into", "none"),
    "ProposeCapability.approval": _key(gains.other, 90, "who decides"),
    "ProposeCapability.reason_code": _key(gains.other, 60, "the argument that says why in one word"),
    "ProposeCapability.risk": _key(gains.guarded, 80, "what makes a change risky"),
    "ProposeCapability.worker": _key(gains.named, 70, "which worker may apply it", "one that a person starts"),
    "ProposeCapability.executor": _key(gains.other, 85, "who carries out what was approved", "the worker, by SQL"),
    "ProposeCapability.notify": _key(gains.listed, 65, "the columns whose values notifications carry out", "none"),
    "ProposeCapability.undo": _key(gains.named, 90, "whether an applied change may be undone", "no"),
    "ProposeCapability.advances": _key(gains.other, 60, "the column that an undo counts on", "none"),
    "Argument.type": _key(gains.other, 40, "what the model may send"),
    "Argument.description": _key(gains.nothing, 10, "what the model is told of the argument"),
    "Argument.optional": _key(gains.allowed, 60, "whether the argument, and its filter, may be left out"),
    "Argument.many": _key(gains.many, 45, "how many values the model may send at once", "one"),
    "Argument.fields": _key(gains.other, 45, "what each item consists of"),
    "Argument.max_length": _key(gains.more, 25, "the most characters that the model may send", "no limit"),
    "Argument.minimum": _key(gains.less, 50, "the least value that the model may send", "no limit"),
    "Argument.maximum": _key(gains.more, 50, "the greatest value that the model may send", "no limit"),
    "Argument.one_of": _key(gains.wider, 50, "the values that the model may send", "any"),
    **{
        f"Compare.{name.rstrip('_')}": _key(gain, 80, "a comparison of a filter")
        for name, gain in gains.OPERATORS.items()
    },
    "Limits.rows": _key(gains.more, 50, "the most rows that one call returns"),
    "Limits.bytes": _key(gains.more, 40, "the most bytes that one call returns"),
    "Limits.time_ms": _key(gains.more, 30, "the milliseconds that one call may take"),
    "Limits.calls_per_minute": _key(gains.more, 45, "how often one person may call it in a minute", "no limit"),
    "Limits.calls_per_day": _key(gains.more, 45, "how often one person may call it in a day", "no limit"),
    "Bound.before": _key(gains.guarded, 80, "what must hold of the value as it is", "anything"),
    "Bound.after": _key(gains.guarded, 80, "what must hold of the value as it would be", "anything"),
    "Bound.change": _key(gains.guarded, 80, "what must hold of the difference", "anything"),
    "Range.at_least": _key(gains.less, 80, "the least value", "no limit"),
    "Range.at_most": _key(gains.more, 80, "the greatest value", "no limit"),
    "Approval.role": _key(gains.other, 95, "the role that may approve"),
    "Approval.quorum": _key(gains.fewer, 95, "how many people must approve", "one"),
    "Approval.high": _key(gains.guarded, 90, "what is other when the risk is high"),
    "Approval.medium": _key(gains.guarded, 85, "what is other when the risk is medium"),
    "Approval.policy": _key(gains.named, 95, "the policy that may approve without a person", "none"),
    "Approval.fresh": _key(gains.waived, 60, "whether an approval takes a look at the rows as they are now"),
    "Approval.expires_hours": _key(gains.more, 45, "the hours for which a proposal may be approved"),
    "Approval.step_up": _key(gains.later, 90, "the risk from which a one-time code is needed", "never"),
    "Approval.by_prompt": _key(gains.further, 90, "the risk up to which a prompt may decide", "never"),
    "Stricter.role": _key(gains.other, 90, "the role that may approve at that risk"),
    "Stricter.quorum": _key(gains.less, 90, "how many people must approve at that risk", "as many as otherwise"),
    "Stricter.expires_hours": _key(gains.other, 45, "the hours for which it may be approved at that risk"),
    "Risk.high": _key(gains.guarded, 80, "what makes a change highly risky"),
    "Risk.medium": _key(gains.guarded, 75, "what makes a change somewhat risky"),
    "Case.before": _key(gains.guarded, 85, "what must hold of the value as it is", "anything"),
    "Case.after": _key(gains.guarded, 85, "what must hold of the value as it would be", "anything"),
    "Case.change": _key(gains.guarded, 85, "what must hold of the difference", "anything"),
    "Span.at_least": _key(gains.less, 85, "the least value", "no limit"),
    "Span.at_most": _key(gains.more, 85, "the greatest value", "no limit"),
    "Span.one_of": _key(gains.wider, 85, "the values that it may have", "any"),
    "Policy.when": _each(gains.guarded, 95, "what must hold for a policy to approve"),
    "Policy.reason_codes": _key(gains.codes, 90, "the reason codes that a policy approves", "any"),
    "Policy.limits": _key(gains.other, 90, "how much a policy may approve"),
    "PolicyLimits.per_day": _key(gains.other, 90, "how much a policy may approve in a day"),
    "PerDay.count": _key(gains.more, 90, "how many proposals in a day", "no limit"),
    "PerDay.total": _each(gains.guarded, 90, "by how much a column may change in a day"),
    "PerDay.of": _key(gains.other, 90, "what is counted by itself"),
    "Workflow.allow": _key(gains.other, 60, "what a workflow is made of"),
    "Workflow.evidence": _each(gains.guarded, 80, "what must have been read before"),
    "Workflow.together": _key(gains.apart, 90, "which changes stand or fall together"),
    "Workflow.settle": _key(gains.settled, 95, "whether a policy may approve in a workflow"),
    "Workflow.checkpoints": _key(gains.nothing, 25, "what of a workflow is recorded"),
}


def counts_of(part: type, field: str) -> Counts:
    """Return how a field of a model counts; shared fields have one line, with the base class."""
    named = (f"{base.__name__}.{field.rstrip('_')}" for base in part.__mro__)
    return next((COUNTS[name] for name in named if name in COUNTS), UNKNOWN)
