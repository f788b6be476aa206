"""The rules of workflows: they are made of capabilities of the contract, and evidence is given by reads."""

from __future__ import annotations

from collections.abc import Iterator

from synapsor.contract.capability import Capability, ProposeCapability, ReadCapability
from synapsor.contract.columns import listed_once
from synapsor.contract.document import Path, Positions
from synapsor.contract.model import Contract
from synapsor.contract.rules import suggest
from synapsor.contract.workflow import Workflow
from synapsor.errors import Problem


def workflow_problems(contract: Contract, at: Positions) -> Iterator[Problem]:
    """Yield what is wrong with the workflows of a contract."""
    taken: dict[str, str] = {}
    for name, workflow in contract.workflows.items():
        path: Path = ("workflows", name)
        yield from listed_once((*path, "allow"), workflow.allow, at)
        for index, word in enumerate(workflow.allow):
            here = (*path, "allow", index)
            found = contract.capabilities.get(word)
            if found is None:
                fix = suggest(word, contract.capabilities)
                yield at.at_value(here, "SYN381", f"`{word}` is not a capability of this contract.", fix)
            elif isinstance(found, ProposeCapability) and taken.setdefault(word, name) != name:
                yield at.at_value(here, "SYN381", f"`{word}` stands in `{taken[word]}` already.", "Keep one of them.")
        yield from _evidence(path, workflow, contract, at)
        yield from _settle(path, workflow, contract, at)
        yield from _together(path, workflow, contract, at)


def _evidence(path: Path, workflow: Workflow, contract: Contract, at: Positions) -> Iterator[Problem]:
    for word, reads in workflow.evidence.items():
        here = (*path, "evidence", word)
        if not _is(word, ProposeCapability, workflow, contract):
            yield at.at_key(here, "SYN382", f"`{word}` is not a proposing capability in `allow`.", "Add it to `allow`.")
        yield from listed_once(here, reads, at)
        for index, read in enumerate(reads):
            if not _is(read, ReadCapability, workflow, contract):
                message = f"`{read}` is not a reading capability in `allow`."
                yield at.at_value((*here, index), "SYN382", message, "Add it to `allow`.")


def _is(word: str, kind: type[Capability], workflow: Workflow, contract: Contract) -> bool:
    return word in workflow.allow and isinstance(contract.capabilities.get(word), kind)


def _settle(path: Path, workflow: Workflow, contract: Contract, at: Positions) -> Iterator[Problem]:
    known = [contract.capabilities[word] for word in workflow.allow if word in contract.capabilities]
    with_policy = [c for c in known if isinstance(c, ProposeCapability) and c.approval.policy is not None]
    if with_policy and workflow.settle == "manual":
        message = "A capability in `allow` has a policy, and the workflow is settled by hand."
        yield at.at_key(path, "SYN383", message, "Write `settle: policy`, or remove the policy.")
    if not with_policy and workflow.settle == "policy":
        yield at.at_value((*path, "settle"), "SYN383", "No capability in `allow` has a policy.", "Write `manual`.")


def _together(path: Path, workflow: Workflow, contract: Contract, at: Positions) -> Iterator[Problem]:
    path = (*path, "together")
    if len(workflow.together) == 1:
        yield at.at_key(
            path, "SYN384", "One capability has nothing to stand or fall with.", "Name another one, or none."
        )
    yield from listed_once(path, workflow.together, at)
    first: ProposeCapability | None = None
    for index, word in enumerate(workflow.together):
        here = (*path, index)
        found = contract.capabilities.get(word)
        if not isinstance(found, ProposeCapability) or word not in workflow.allow:
            fix = suggest(word, workflow.allow) if found is None else ""
            fix = fix or "Name capabilities that propose, and add them to `allow`."
            yield at.at_value(here, "SYN384", f"`{word}` is not a proposing capability in `allow`.", fix)
            continue
        if found.approval.policy is not None:
            yield at.at_value(here, "SYN384", f"`{word}` may be approved by a policy.", "Remove its policy.")
        if found.worker == "supervised":
            yield at.at_value(here, "SYN384", f"`{word}` is for a supervised worker.", "Remove its `worker`.")
        if first is not None and found.executor != first.executor:
            message = f"`{word}` is carried out by another one than the first one is, and one transaction is of one."
            yield at.at_value(here, "SYN384", message, "Give them all the same `executor`, or none.")
        if found.undo is not None:
            message = f"`{word}` may be undone, which would take back a part of the group."
            yield at.at_value(here, "SYN384", message, "Remove its `undo`.")
        if first is not None and found.approval.shadow != first.approval.shadow:
            message = (
                f"`{word}` is measured before it is approved, or the first one is: a group is measured as a whole."
            )
            yield at.at_value(here, "SYN384", message, "Give the approvals of all of them `shadow: true`, or none.")
        first = first or found
        if _source(found, contract) != _source(first, contract):
            message = f"`{word}` changes another source than the first one does, and one transaction is of one source."
            yield at.at_value(here, "SYN384", message, "Name capabilities of one source only.")
        if found.context != first.context:
            message = f"`{word}` has another context than the first one, so they may be asked for in other names."
            yield at.at_value(here, "SYN384", message, "Name capabilities of one context only.")


def _source(capability: Capability, contract: Contract) -> str | None:
    table = contract.tables.get(capability.table)
    return table.source if table else None
