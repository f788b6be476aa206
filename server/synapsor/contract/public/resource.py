"""A resource of a public contract: which relation of which engine, its key and its tenant."""

from __future__ import annotations

from synapsor.contract.public.forms import is_identifier, is_name, one_of
from synapsor.contract.public.part import Part

_KEYS = (
    "name",
    "engine",
    "schema",
    "table",
    "type",
    "primary_key",
    "tenant_key",
    "conflict_key",
    "single_tenant_dev",
)


def judge_resource(resource: Part) -> None:
    """Report what is wrong with one resource."""
    resource.closed(*_KEYS)
    resource.needs(
        ("name", is_name, "INVALID_RESOURCE_NAME"),
        ("engine", one_of("postgres", "mysql", "synapsor"), "INVALID_RESOURCE_ENGINE"),
        *((key, is_identifier, "INVALID_RESOURCE_IDENTIFIER") for key in ("schema", "table", "primary_key")),
    )
    resource.may(
        ("tenant_key", is_identifier, "INVALID_TENANT_KEY"), ("conflict_key", is_identifier, "INVALID_CONFLICT_KEY")
    )
    judge_single_tenant(resource)
    if not is_identifier(resource.get("tenant_key")) and resource.get("single_tenant_dev") is not True:
        resource.wrong("TENANT_KEY_REQUIRED", "tenant_key")


def judge_single_tenant(part: Part) -> None:
    """Warn of a statement that is for local demos."""
    if part.get("single_tenant_dev") is True:
        part.warn("SINGLE_TENANT_DEV", "single_tenant_dev")
