"""The judge of a public contract: every error and warning of a document, whatever JSON it is; it never raises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from synapsor.contract.public.capability import judge_capability
from synapsor.contract.public.context import judge_context
from synapsor.contract.public.forms import is_list, is_name, is_qualified, is_text, texts
from synapsor.contract.public.part import ROOT, Findings, Issue, Part, once
from synapsor.contract.public.policy import judge_approval, judge_policy
from synapsor.contract.public.records import judge_records
from synapsor.contract.public.resource import judge_resource
from synapsor.contract.public.scope import judge_scopes

VERSION: Final = "0.1"
KIND: Final = "SynapsorContract"
_RECORDS: Final = ("evidence", "proposals", "receipts", "replay", "external_actions")
_KEYS: Final = ("spec_version", "kind", "metadata", "resources", "contexts", "capabilities", "workflows", "policies")
_WORKFLOW: Final = (
    "name",
    "description",
    "context",
    "allowed_capabilities",
    "required_evidence",
    "approval",
    "settlement",
    "replay",
)
_SECRET_KEY: Final = re.compile(
    "database_url|read_url|write_url|connection_string|password|secret|token", re.IGNORECASE
)
_SECRET_VALUE: Final = re.compile(r"postgres(?:ql)?://|mysql://|Bearer\s+|[A-Za-z0-9+/=]{24,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a document, and what is to be warned of."""

    errors: tuple[Issue, ...]
    warnings: tuple[Issue, ...]

    @property
    def ok(self) -> bool:
        """There is no error; warnings do not count."""
        return not self.errors


def validate(data: Any) -> Verdict:
    """Return the verdict on any JSON data."""
    found = Findings()
    if isinstance(data, dict):
        _document(Part(data, ROOT, found))
    else:
        found.errors[Issue(ROOT, "CONTRACT_NOT_OBJECT")] = None
    return Verdict(tuple(found.errors), tuple(found.warnings))


def _document(document: Part) -> None:
    document.closed(*_KEYS, *_RECORDS)
    document.needs(
        ("spec_version", lambda value: value == VERSION, "UNSUPPORTED_SPEC_VERSION"),
        ("kind", lambda value: value == KIND, "INVALID_KIND"),
    )
    metadata = document.optional("metadata", "METADATA_NOT_OBJECT", "name", "description", "version", "tags")
    if metadata is not None:
        metadata.may(("name", is_text, "INVALID_METADATA_NAME"), ("tags", texts, "INVALID_METADATA_TAGS"))
    resources, contexts, capabilities = _declared(document)
    names = frozenset(c.get("name") for c in contexts if is_name(c.get("name")))
    known = frozenset(r.get("name") for r in resources if is_name(r.get("name")))
    for capability in capabilities:
        judge_capability(capability, contexts=names, resources=known)
    if is_list(document.get("contexts")):
        judge_scopes(capabilities, contexts, resources)
    can = frozenset(c.get("name") for c in capabilities if is_qualified(c.get("name")))
    _workflows(document, names, can)
    _policies(document, capabilities)
    judge_records(document, can)
    for path in _secrets(document.data):
        document.found.errors[Issue(path, "INLINE_SECRET_OR_URL")] = None


def _declared(document: Part) -> tuple[list[Part], list[Part], list[Part]]:
    document.may(("resources", is_list, "RESOURCES_NOT_ARRAY"))
    document.needs(
        ("contexts", lambda value: isinstance(value, list) and bool(value), "CONTEXTS_REQUIRED"),
        ("capabilities", is_list, "CAPABILITIES_REQUIRED"),
    )
    resources = list(document.items("resources", "RESOURCE_NOT_OBJECT"))
    for resource in resources:
        judge_resource(resource)
    contexts = list(document.items("contexts", "CONTEXT_NOT_OBJECT"))
    for context in contexts:
        judge_context(context)
    capabilities = list(document.items("capabilities", "CAPABILITY_NOT_OBJECT"))
    for parts, code in (
        (resources, "DUPLICATE_RESOURCE_NAME"),
        (contexts, "DUPLICATE_CONTEXT_NAME"),
        (capabilities, "DUPLICATE_CAPABILITY_NAME"),
    ):
        once(((part, part.get("name")) for part in parts), "name", code)
    return resources, contexts, capabilities


def _workflows(document: Part, contexts: frozenset[str], capabilities: frozenset[str]) -> None:
    document.may(("workflows", is_list, "WORKFLOWS_NOT_ARRAY"))
    workflows = list(document.items("workflows", "WORKFLOW_NOT_OBJECT"))
    once(((workflow, workflow.get("name")) for workflow in workflows), "name", "DUPLICATE_WORKFLOW_NAME")
    for workflow in workflows:
        workflow.closed(*_WORKFLOW)
        workflow.needs(
            ("name", is_qualified, "INVALID_WORKFLOW_NAME"),
            ("context", lambda value: isinstance(value, str) and value in contexts, "UNKNOWN_CONTEXT"),
        )
        listed = workflow.get("allowed_capabilities")
        if not isinstance(listed, list) or not listed:
            workflow.wrong("WORKFLOW_CAPABILITIES_REQUIRED", "allowed_capabilities")
            continue
        for index, name in enumerate(listed):
            if not isinstance(name, str) or name not in capabilities:
                workflow.wrong("UNKNOWN_CAPABILITY", f"allowed_capabilities[{index}]")


def _policies(document: Part, capabilities: list[Part]) -> None:
    document.may(("policies", is_list, "POLICIES_NOT_ARRAY"))
    policies = list(document.items("policies", "POLICY_NOT_OBJECT"))
    once(((policy, policy.get("name")) for policy in policies), "name", "DUPLICATE_POLICY_NAME")
    for policy in policies:
        judge_policy(policy)
    named = {policy.get("name"): policy for policy in policies if is_name(policy.get("name"))}
    for capability in capabilities:
        judge_approval(capability, named)


def _secrets(document: Any) -> Iterator[str]:
    """Yield where a secret stands; without recursion, so that no depth of a document is too deep."""
    waiting: list[tuple[str, Any]] = [(ROOT, document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, list):
            waiting += [(f"{path}[{index}]", item) for index, item in enumerate(value)]
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, str):
                    if _SECRET_KEY.search(key) and _SECRET_VALUE.search(item):
                        yield f"{path}.{key}"
                else:
                    waiting.append((f"{path}.{key}", item))
