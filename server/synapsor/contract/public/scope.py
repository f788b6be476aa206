"""Whose rows a public capability is about: its subject, and the tenant, principal or organization that the context binds for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from synapsor.contract.public.context import binding_of
from synapsor.contract.public.forms import is_identifier, is_name, is_organization
from synapsor.contract.public.part import Part
from synapsor.contract.public.resource import judge_single_tenant

_SUBJECT: Final = (
    *("resource", "schema", "table", "primary_key", "tenant_key", "principal_scope_key", "conflict_key"),
    "single_tenant_dev",
)
_MODE: Final = "single_organization"
_SAID: Final = "all_rows_belong_to_one_organization"


def judge_subject(capability: Part, resources: frozenset[str]) -> None:
    """Report what is wrong with the subject of one capability."""
    subject = capability.inner("subject", "SUBJECT_REQUIRED", *_SUBJECT)
    if subject is None:
        return
    named, single = "resource" in subject, subject.get("single_tenant_dev") is True
    tenant, organized = is_identifier(subject.get("tenant_key")), is_organized(capability)
    if named:
        name = subject.get("resource")
        if not is_name(name) or (resources and name not in resources):
            subject.wrong("UNKNOWN_RESOURCE", "resource")
    else:
        subject.needs(*((k, is_identifier, "INVALID_SUBJECT_IDENTIFIER") for k in ("schema", "table", "primary_key")))
        if not (tenant or single or organized):
            subject.wrong("TENANT_KEY_REQUIRED", "tenant_key")
    subject.may(("principal_scope_key", is_identifier, "INVALID_PRINCIPAL_SCOPE_KEY"))
    if "principal_scope_key" in subject and (single or not (named or tenant or organized)):
        subject.wrong("PRINCIPAL_SCOPE_TENANT_REQUIRED", "principal_scope_key")
    judge_single_tenant(subject)


def judge_scopes(capabilities: Iterable[Part], contexts: Iterable[Part], resources: Iterable[Part]) -> None:
    """Report what is wrong between the scopes of capabilities, their contexts and their resources."""
    context_of = {c.get("name"): c for c in contexts if isinstance(c.get("name"), str)}
    resource_of = {r.get("name"): r for r in resources if isinstance(r.get("name"), str)}
    for capability in capabilities:
        name = capability.get("context")
        context = context_of.get(name) if isinstance(name, str) else None
        _organization(capability, context)
        subject = capability.child("subject")
        if subject is not None:
            named = subject.get("resource")
            _principal(capability, subject, context, resource_of.get(named) if isinstance(named, str) else None)


def _principal(capability: Part, subject: Part, context: Part | None, resource: Part | None) -> None:
    root = "principal_scope_key" in subject
    if not root and not any("principal_scope_key" in link for link in _links(capability)):
        return
    tenant, single = (_of(key, subject, resource) for key in ("tenant_key", "single_tenant_dev"))
    if root and ((not is_identifier(tenant) and not is_organized(capability)) or single is True):
        subject.wrong("PRINCIPAL_SCOPE_TENANT_REQUIRED", "principal_scope_key")
    binding = binding_of(context, "principal_binding")
    if binding is None or binding.get("required") is not True:
        capability.wrong("PRINCIPAL_SCOPE_BINDING_REQUIRED", "context")
    if context is not None and root and is_identifier(context.get("principal_binding")):
        _principal_is_not_given(capability, str(subject.get("principal_scope_key")))


def _of(key: str, subject: Part, resource: Part | None) -> Any:
    own = subject.get(key)
    return own if own is not None or resource is None else resource.get(key)


def _principal_is_not_given(capability: Part, column: str) -> None:
    arguments, proposal = capability.child("args"), capability.child("proposal")
    if arguments is not None:
        arguments.forbids("MODEL_CONTROLLED_PRINCIPAL_SCOPE", column)
    if proposal is not None:
        if column in proposal.names("allowed_fields"):
            proposal.wrong("PRINCIPAL_SCOPE_WRITE_FORBIDDEN", "allowed_fields")
        patch = proposal.child("patch")
        if patch is not None:
            patch.forbids("PRINCIPAL_SCOPE_WRITE_FORBIDDEN", column)


def _links(capability: Part) -> Iterator[Part]:
    """Yield every object of a protected read that may have a principal scope of its own."""
    protected = capability.child("protected_read")
    if protected is None:
        return
    relationship = protected.child("relationship")
    if relationship is not None:
        yield relationship
    listed = protected.get("relationships")
    for path in listed if isinstance(listed, list) else []:
        links = path.get("links") if isinstance(path, dict) else None
        for link in links if isinstance(links, list) else []:
            if isinstance(link, dict):
                yield Part(link, capability.path, capability.found)


def _organization(capability: Part, context: Part | None) -> None:
    binding = binding_of(context, "tenant_binding")
    reviewed = binding is not None and binding.get("source") == "reviewed_organization"
    protected = capability.child("protected_read")
    scope = protected.child("organization_scope") if protected is not None else None
    if scope is None:
        if reviewed:
            capability.wrong("PROTECTED_ORGANIZATION_AUTHORITY_REQUIRED", "context")
    elif (
        binding is None
        or not reviewed
        or binding.get("key") != scope.get("organization_id")
        or binding.get("required") is not True
    ):
        capability.wrong("PROTECTED_ORGANIZATION_BINDING_REQUIRED", "context")


def is_organized(capability: Part) -> bool:
    """Tell whether a capability freezes one organization in full."""
    protected = capability.child("protected_read")
    scope = protected.child("organization_scope") if protected is not None else None
    return (
        scope is not None
        and scope.get("mode") == _MODE
        and is_organization(scope.get("organization_id"))
        and scope.get("acknowledgement") == _SAID
    )


def judge_organization(protected: Part) -> None:
    """Report what is wrong with the organization of a protected read."""
    keys = ("mode", "organization_id", "acknowledgement")
    scope = protected.optional("organization_scope", "PROTECTED_ORGANIZATION_SCOPE_NOT_OBJECT", *keys)
    if scope is not None:
        scope.needs(
            ("mode", lambda value: value == _MODE, "INVALID_PROTECTED_ORGANIZATION_MODE"),
            ("organization_id", is_organization, "INVALID_PROTECTED_ORGANIZATION_ID"),
            ("acknowledgement", lambda value: value == _SAID, "PROTECTED_ORGANIZATION_ACKNOWLEDGEMENT_REQUIRED"),
        )
