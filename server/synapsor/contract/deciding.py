"""What a contract says about deciding, in the words that a reviewer reads before they sign it: nothing that can approve is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from synapsor.contract.approval import Approval, Case, Level, Policy, Span, levels
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.model import Contract

_PLACES = {"before": " before the change", "after": " after the change"}


def deciding(capability: ProposeCapability) -> Iterator[str]:
    """Yield who decides on a proposal, at each risk, and what may decide instead."""
    approval = capability.approval
    yield f"needs {_who(approval)}"
    if approval.fresh:
        yield "a person's approval is refused unless the rows, looked at just before it, are as they were"
    for level, entry in levels(capability.risk).items():
        yield f"{level} risk when {_all(entry)}; needs {_who(approval.at(level))}"
    if approval.policy:
        yield f"may be approved by the policy {approval.policy}, without a person, where the project allows that"
    if capability.undo is not None:
        how = " by removing what was added" if capability.operation is Operation.INSERT else ""
        yield f"can be undone{how}: an operator asks for it, other people decide, and never a policy"
    if capability.notify:
        yield f"notifications may tell the values of {', '.join(capability.notify)}, where the project sends any"
    if capability.worker == "supervised":
        yield "may be applied by a worker that nobody watches, where the project allows that"
    if capability.executor is not None:
        yield f"carried out by the application itself, through the executor {capability.executor}, and not by the worker's SQL"


def policies(contract: Contract) -> Iterator[str]:
    """Yield what each policy approves without a person."""
    for name, policy in contract.policies.items():
        yield f"policy {name}: {approves(policy)}"


def approves(policy: Policy) -> str:
    """Return what a policy approves without a person."""
    codes = f", reason code {' or '.join(policy.reason_codes)}" if policy.reason_codes else ""
    return f"approves when {_all(policy.when)}{codes}; {', and '.join(_limits(policy))}"


def risky(capability: ProposeCapability, level: Level) -> str:
    """Return what makes a change of a capability so risky; nothing makes it of low risk."""
    entry = levels(capability.risk).get(level)
    return _all(entry) if entry else ""


def workflows(contract: Contract) -> Iterator[str]:
    """Yield what each workflow asks for."""
    for name, workflow in contract.workflows.items():
        yield f"workflow {name}: {', '.join(workflow.allow)}; settled by {'people' if workflow.settle == 'manual' else 'policy'}"
        for proposal, reads in workflow.evidence.items():
            yield f"  {proposal} needs {', '.join(reads)} before it, in the same run"
        if workflow.together:
            yield f"  {' and '.join(workflow.together)} stand or fall together: one of each in a run, applied in one transaction or not at all"


def _who(approval: Approval) -> str:
    people = f", {approval.people} different people" if approval.people > 1 else ""
    return f"the role {approval.role}{people}, within {approval.expires_hours} hours"


def proving(approval: Approval) -> Iterator[str]:
    """Yield how those who approve prove that they are there, where their key or login is not all."""
    if approval.step_up is not None:
        at = "whatever the risk" if approval.step_up == "low" else f"from {approval.step_up} risk on"
        yield f"approving takes a one-time code, {at}"
    if approval.by_prompt is not None:
        at = "whatever the risk" if approval.by_prompt == "high" else f"up to {approval.by_prompt} risk"
        yield f"it may be decided through a prompt of the approval server, by a code that is bound to it, {at}"


def _limits(policy: Policy) -> Iterator[str]:
    for limit in policy.limits.per_day:
        each = "" if limit.of == "policy" else f" for one {limit.of}"
        amounts = [f"{limit.count} proposal{'' if limit.count == 1 else 's'}"] if limit.count is not None else []
        amounts += [f"{most} of {column} in all" for column, most in limit.total.items()]
        yield f"at most {' and '.join(amounts)} a day{each}"


def _all(entry: Mapping[str, Case | tuple[str, ...]]) -> str:
    return " and ".join(words for column, said in entry.items() for words in _words(column, said))


def _words(column: str, said: Case | tuple[str, ...]) -> Iterator[str]:
    if isinstance(said, tuple):
        yield f"{column.replace('_', ' ')} is {' or '.join(said)}"
        return
    for name, place in _PLACES.items():
        span = getattr(said, name)
        if span is not None:
            yield f"{column} is {_span(span)}{place}"
    if said.change is not None:
        yield f"{column} changes by {_step(said.change)}"


def _span(span: Span) -> str:
    parts = [
        f"at least {span.at_least}" if span.at_least is not None else "",
        f"at most {span.at_most}" if span.at_most is not None else "",
        " or ".join(span.one_of) if span.one_of is not None else "",
    ]
    return " and ".join(part for part in parts if part)


def _step(span: Span) -> str:
    """Return a span of differences; of a negative one, `at most` could be taken for its size."""
    low, high = span.at_least, span.at_most
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"{low} or more" if low is not None else f"{high} or less"


def evidence_for(contract: Contract, name: str) -> tuple[str, ...]:
    """Return the reads that a capability's workflow wants to have been answered before."""
    flow = contract.workflow_of(name)
    return contract.workflows[flow].evidence.get(name, ()) if flow else ()


def together_with(contract: Contract, name: str) -> tuple[str, ...]:
    """Return the capabilities whose proposals stand or fall together with a capability's, its own among them; none where it stands alone."""
    flow = contract.workflow_of(name)
    together = contract.workflows[flow].together if flow else ()
    return together if name in together else ()
