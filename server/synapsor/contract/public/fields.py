"""A list of fields of a public contract: plain names, each once."""

from __future__ import annotations

from synapsor.contract.public.forms import is_identifier
from synapsor.contract.public.part import Part


def judge_list(part: Part, key: str, code: str, *, may_be_empty: bool) -> None:
    """Report what is wrong with a list of fields."""
    listed = part.get(key)
    if not isinstance(listed, list) or not (listed or may_be_empty):
        part.wrong(code, key)
        return
    seen: set[str] = set()
    for index, name in enumerate(listed):
        if not is_identifier(name):
            part.wrong("INVALID_FIELD_IDENTIFIER", f"{key}[{index}]")
            continue
        if name in seen:
            part.wrong("DUPLICATE_FIELD", f"{key}[{index}]")
        seen.add(name)
