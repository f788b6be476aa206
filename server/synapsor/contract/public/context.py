"""A context of a public contract: which trusted values bind the tenant and the principal."""

from __future__ import annotations

from synapsor.contract.public.forms import is_identifier, is_name, is_text, one_of
from synapsor.contract.public.part import Part, once

_SOURCES = ("session", "environment", "cloud_session", "static_dev", "http_claim", "reviewed_organization")


def judge_context(context: Part) -> None:
    """Report what is wrong with one context."""
    context.closed("name", "description", "bindings", "tenant_binding", "principal_binding")
    context.needs(("name", is_name, "INVALID_CONTEXT_NAME"))
    listed = context.get("bindings")
    if not isinstance(listed, list) or not listed:
        context.wrong("BINDINGS_REQUIRED", "bindings")
        return
    bindings = list(context.items("bindings", "BINDING_NOT_OBJECT"))
    once(((binding, binding.get("name")) for binding in bindings), "name", "DUPLICATE_BINDING_NAME")
    for binding in bindings:
        binding.closed("name", "source", "key", "required")
        binding.needs(
            ("name", is_identifier, "INVALID_BINDING_NAME"),
            ("source", one_of(*_SOURCES), "INVALID_BINDING_SOURCE"),
            ("key", is_text, "INVALID_BINDING_KEY"),
        )
        if binding.get("source") == "static_dev":
            binding.warn("STATIC_DEV_BINDING", "source")
    names = {binding.get("name") for binding in bindings if is_identifier(binding.get("name"))}
    for key in ("tenant_binding", "principal_binding"):
        if key in context and not (is_identifier(context.get(key)) and context.get(key) in names):
            context.wrong("UNKNOWN_CONTEXT_BINDING", key)


def binding_of(context: Part | None, key: str) -> Part | None:
    """Return the binding that a context names under a key."""
    name = context.get(key) if context is not None else None
    if context is None or not is_identifier(name):
        return None
    listed = context.get("bindings")
    for index, binding in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(binding, dict) and binding.get("name") == name:
            return Part(binding, f"{context.at('bindings')}[{index}]", context.found)
    return None
