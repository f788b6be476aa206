"""A capability of a public contract: its kind, its fields, and what belongs to which kind."""

from __future__ import annotations

from typing import Final

from synapsor.contract.public.aggregate import judge_aggregate
from synapsor.contract.public.arguments import judge_arguments
from synapsor.contract.public.fields import judge_list
from synapsor.contract.public.forms import is_boolean, is_identifier, is_qualified, is_text, one_of, texts, whole
from synapsor.contract.public.part import Part
from synapsor.contract.public.proposal import judge_proposal
from synapsor.contract.public.protected import judge_protected_read
from synapsor.contract.public.scope import judge_subject
from synapsor.contract.public.sets import judge_set_arguments

_KEYS: Final = (
    *("name", "description", "returns_hint", "kind", "context", "source", "subject", "args", "lookup"),
    *("visible_fields", "kept_out_fields", "model_withheld_fields", "evidence", "max_rows"),
    *("proposal", "aggregate", "protected_read"),
)
_KINDS: Final = ("read", "aggregate_read", "proposal", "external_action", "answer_with_evidence")


def judge_capability(capability: Part, *, contexts: frozenset[str], resources: frozenset[str]) -> None:
    """Report what is wrong with one capability by itself."""
    kind, protected = capability.get("kind"), "protected_read" in capability
    capability.closed(*_KEYS)
    capability.needs(
        ("name", is_qualified, "INVALID_CAPABILITY_NAME"),
        ("kind", one_of(*_KINDS), "INVALID_CAPABILITY_KIND"),
        ("context", lambda value: is_text(value) and value in contexts, "UNKNOWN_CONTEXT"),
    )
    capability.may(("returns_hint", is_text, "INVALID_RETURNS_HINT"), ("max_rows", whole(1), "INVALID_MAX_ROWS"))
    judge_subject(capability, resources)
    judge_arguments(capability, "args", may_be_empty=kind == "aggregate_read" or protected)
    _lookup(capability)
    _fields(capability, may_show_nothing=kind == "aggregate_read")
    evidence = capability.optional(
        "evidence", "EVIDENCE_NOT_OBJECT", "required", "sources", "query_audit", "handle_prefix"
    )
    if evidence is not None:
        evidence.needs(("required", is_boolean, "INVALID_EVIDENCE_REQUIRED"))
        evidence.may(("sources", texts, "INVALID_EVIDENCE_SOURCES"))
    if kind == "proposal":
        judge_proposal(capability)
        judge_set_arguments(capability)
    else:
        capability.forbids("PROPOSAL_ONLY_FOR_PROPOSAL_KIND", "proposal")
    if protected:
        judge_protected_read(capability)
    if kind != "aggregate_read":
        capability.forbids("AGGREGATE_ONLY_FOR_AGGREGATE_READ", "aggregate")
    elif protected:
        capability.forbids("LEGACY_AGGREGATE_WITH_PROTECTED_READ", "aggregate")
    else:
        judge_aggregate(capability)


def _lookup(capability: Part) -> None:
    lookup = capability.optional("lookup", "LOOKUP_NOT_OBJECT", "id_from_arg")
    if lookup is not None:
        name, arguments = lookup.get("id_from_arg"), capability.child("args")
        if not is_identifier(name) or arguments is None or name not in arguments:
            lookup.wrong("UNKNOWN_LOOKUP_ARG", "id_from_arg")


def _fields(capability: Part, *, may_show_nothing: bool) -> None:
    judge_list(capability, "visible_fields", "VISIBLE_FIELDS_REQUIRED", may_be_empty=may_show_nothing)
    for key, code in (
        ("kept_out_fields", "INVALID_KEPT_OUT_FIELDS"),
        ("model_withheld_fields", "INVALID_MODEL_WITHHELD_FIELDS"),
    ):
        if key in capability:
            judge_list(capability, key, code, may_be_empty=True)
    kept_out = set(capability.names("kept_out_fields"))
    if kept_out & set(capability.names("visible_fields")):
        capability.wrong("KEPT_OUT_FIELD_VISIBLE", "kept_out_fields")
    if kept_out & set(capability.names("model_withheld_fields")):
        capability.wrong("MODEL_WITHHELD_FIELD_KEPT_OUT", "model_withheld_fields")
