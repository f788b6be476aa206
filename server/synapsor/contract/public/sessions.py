"""The contexts of a public contract as ours: each binding of a tenant or principal becomes a value of the trusted session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from synapsor.contract.public.context import binding_of
from synapsor.contract.public.draft import Draft, plain
from synapsor.contract.public.part import Part

_SERVED: Final[dict[str, str]] = {
    "environment": "`session: {{{name}: ${{env:{key}}}}}` in synapsor.yaml, or the session of an HTTP token.",
    "static_dev": "`session: {{{name}: {key}}}` in synapsor.yaml.",
    "http_claim": "`{name}` in the session of each HTTP token, which stands for the claim `{key}`.",
    "session": "`{name}` in `session:` of synapsor.yaml, or in the session of an HTTP token.",
}
_PRINCIPAL: Final = "principal"
_TENANT: Final = "tenant_id"


def write_contexts(draft: Draft, contexts: list[Part], capabilities: list[Part], names: Mapping[str, str]) -> None:
    """Write every context that a capability uses, or that is the only one."""
    bound: dict[str, tuple[object, object]] = {}
    for context in contexts:
        for key in ("tenant_binding", "principal_binding"):
            _one_value(draft, binding_of(context, key), bound)
        said = {
            "tenant": _value(draft, context, "tenant_binding") or _no_tenant(draft, context, capabilities),
            "principal": _value(draft, context, "principal_binding"),
        }
        if said["principal"] is None:
            draft.note(context.path, "principal_added", f"It is `session.{_PRINCIPAL}`.")
            said["principal"] = f"session.{_PRINCIPAL}"
        if said["tenant"] is not None:
            draft.put(("contexts", names[context.get("name")]), said, context.path)


def _one_value(draft: Draft, binding: Part | None, bound: dict[str, tuple[object, object]]) -> None:
    """Refuse a name of the session that stands for two values."""
    if binding is not None:
        value = (binding.get("source"), binding.get("key"))
        if bound.setdefault(plain(binding.get("name")), value) != value:
            draft.refuse(binding.path, "session_clash", f"It is `{plain(binding.get('name'))}`.")


def _value(draft: Draft, context: Part, key: str) -> str | None:
    binding = binding_of(context, key)
    if binding is None:
        return None
    name, source = plain(binding.get("name")), binding.get("source")
    if source not in _SERVED:
        draft.refuse(binding.at("source"), "binding_unsupported", f"It is {source}.")
    else:
        draft.note(binding.path, "session_value", _SERVED[source].format(name=name, key=binding.get("key")))
    return f"session.{name}"


def _no_tenant(draft: Draft, context: Part, capabilities: list[Part]) -> str | None:
    """Return a value that no filter uses, where all that the context is for belongs to one tenant."""
    used = [c for c in capabilities if c.get("context") == context.get("name")]
    tenants = [(c.child("subject") or c).get("single_tenant_dev") for c in used]
    if used and all(single is True for single in tenants):
        return f"session.{_TENANT}"
    draft.refuse(context.at("tenant_binding"), "tenant_missing")
    return None
