"""The relationships of a protected read: many rows to one, and never through what is hidden."""

from __future__ import annotations

from typing import Final

from synapsor.contract.public.forms import is_identifier, one_of, sized
from synapsor.contract.public.part import Part
from synapsor.contract.public.protected_uses import Uses

_LINK: Final = (
    *("schema", "table", "primary_key", "tenant_key", "principal_scope_key", "local_key", "target_key"),
    *("cardinality", "max_fan_out"),
)
_IDENTIFIERS: Final = ("schema", "table", "primary_key", "local_key", "target_key")
_FORM: Final = "INVALID_PROTECTED_RELATIONSHIP_IDENTIFIER"


def judge_relationships(protected: Part, uses: Uses) -> None:
    """Report what is wrong with the relationships, and keep their names."""
    if "relationship" in protected and "relationships" in protected:
        protected.wrong("PROTECTED_RELATIONSHIP_FORMS_CONFLICT")
    one = protected.optional("relationship", "PROTECTED_RELATIONSHIP_NOT_OBJECT", "name", *_LINK)
    if one is not None:
        one.needs(("name", is_identifier, _FORM))
        _judge(one, uses, first=True)
        if is_identifier(one.get("name")):
            uses.relationships.add(one.get("name"))
    protected.may(("relationships", sized(1, 3), "INVALID_PROTECTED_RELATIONSHIP_PATHS"))
    if sized(1, 3)(protected.get("relationships")):
        for path in protected.items("relationships", "PROTECTED_RELATIONSHIP_PATH_NOT_OBJECT"):
            _judge_path(path, uses)


def _judge_path(path: Part, uses: Uses) -> None:
    path.closed("name", "links")
    name = path.get("name")
    if not is_identifier(name):
        path.wrong(_FORM, "name")
    elif name in uses.relationships:
        path.wrong("DUPLICATE_PROTECTED_RELATIONSHIP", "name")
    else:
        uses.relationships.add(name)
    if not sized(1, 3)(path.get("links")):
        path.wrong("INVALID_PROTECTED_RELATIONSHIP_LINKS", "links")
        return
    for link in path.items("links", "PROTECTED_RELATIONSHIP_LINK_NOT_OBJECT"):
        link.closed(*_LINK, "unmatched_rows")
        _judge(link, uses, first=link.path.endswith("[0]"))
        link.needs(("unmatched_rows", one_of("exclude", "keep_null"), "PROTECTED_RELATIONSHIP_NULL_SEMANTICS_REQUIRED"))


def _judge(link: Part, uses: Uses, *, first: bool) -> None:
    link.needs(*((key, is_identifier, _FORM) for key in _IDENTIFIERS))
    if not uses.organized:
        link.needs(("tenant_key", is_identifier, _FORM))
    else:
        link.forbids("PROTECTED_SCOPE_MODES_CONFLICT", "tenant_key")
    link.may(("principal_scope_key", is_identifier, _FORM))
    fan_out = link.get("max_fan_out")
    if link.get("cardinality") != "many_to_one" or isinstance(fan_out, bool) or fan_out != 1:
        link.wrong("PROTECTED_RELATIONSHIP_CARDINALITY_FORBIDDEN")
    if first and is_identifier(link.get("local_key")) and link.get("local_key") in uses.hidden:
        link.wrong("PROTECTED_RELATIONSHIP_LOCAL_KEY_FORBIDDEN", "local_key")
