"""A public contract that is in order, translated into the data of a contract of ours; what we cannot honour is refused by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from synapsor.contract.public.capabilities import Names, write_capability
from synapsor.contract.public.draft import Draft, plain, renamed
from synapsor.contract.public.part import ROOT, Findings, Part
from synapsor.contract.public.policies import write_policies, write_workflows
from synapsor.contract.public.proof import prove
from synapsor.contract.public.sessions import write_contexts
from synapsor.contract.public.subjects import Tables
from synapsor.contract.public.types import Types
from synapsor.contract.public.words import Said

_RECORDS: Final = ("evidence", "proposals", "receipts", "replay", "external_actions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What has come of a document: our data, which means something only when nothing was refused."""

    data: dict[str, Any]
    refused: tuple[Said, ...]
    notes: tuple[Said, ...]

    @property
    def ok(self) -> bool:
        """All of it can be honoured."""
        return not self.refused


def translate(document: dict[str, Any], types: Types, *, name: str) -> Translation:
    """Return the translation of a document that `validate` found in order; `name` is for one that has none."""
    draft, root = Draft(types), Part(document, ROOT, Findings())
    metadata = root.child("metadata")
    said = metadata.get("name") if metadata is not None else None
    contract = plain(said) if isinstance(said, str) else ""
    draft.data = {"synapsor": 1, "contract": _fit(contract) or _fit(plain(name)) or "imported"}
    if not types.relations and root.get("capabilities"):
        draft.refuse(ROOT, "types_missing")
    _write(draft, root)
    for path in _extensions(document):
        draft.note(path, "extension_ignored")
    for key in _RECORDS:
        if root.get(key):
            draft.note(root.at(key), "records_ignored")
    if not draft.refused:
        prove(draft)
    return Translation(
        data=draft.data, refused=tuple(sorted(set(draft.refused))), notes=tuple(sorted(set(draft.notes)))
    )


def _fit(name: str) -> str:
    return name[:63].strip("_") if name[:1].isalpha() else ""


def _write(draft: Draft, root: Part) -> None:
    capabilities = list(root.items("capabilities", ""))
    contexts, resources, policies = (list(root.items(key, "")) for key in ("contexts", "resources", "policies"))
    names = Names(
        contexts=renamed(draft, ((c.get("name"), c.at("name")) for c in contexts)),
        capabilities=_dotted(draft, capabilities),
        policies=renamed(draft, ((p.get("name"), p.at("name")) for p in policies)),
        resources={r.get("name"): r for r in resources},
    )
    tables = Tables(draft)
    # Changes first: a table that is guarded serves reads as well.
    for capability in sorted(capabilities, key=lambda c: c.get("kind") != "proposal"):
        write_capability(draft, tables, capability, names)
    write_contexts(draft, contexts, capabilities, names.contexts)
    write_policies(draft, policies, capabilities, names.policies)
    write_workflows(draft, list(root.items("workflows", "")), names.capabilities)
    tables.write()
    _in_order(draft)


def _dotted(draft: Draft, capabilities: list[Part]) -> dict[str, str]:
    found: dict[str, str] = {}
    for capability in capabilities:
        area, _, verb = capability.get("name").partition(".")
        ours = f"{plain(area)}.{plain(verb)}"
        if ours in found.values():
            draft.refuse(capability.at("name"), "name_clash", f"It is `{ours}`.")
        elif ours != capability.get("name"):
            draft.note(capability.at("name"), "renamed", f"It is `{ours}`.")
        found[capability.get("name")] = ours
    return found


def _in_order(draft: Draft) -> None:
    """Put the parts in the order in which a reviewer reads them."""
    keys = ("synapsor", "contract", "contexts", "tables", "capabilities", "policies", "workflows")
    draft.data = {key: draft.data[key] for key in keys if key in draft.data}


def _extensions(document: Any, path: str = ROOT) -> Iterator[str]:
    if isinstance(document, list):
        for index, item in enumerate(document):
            yield from _extensions(item, f"{path}[{index}]")
    elif isinstance(document, dict):
        for key, item in document.items():
            if key.startswith("x-"):
                yield f"{path}.{key}"
            else:
                yield from _extensions(item, f"{path}.{key}")


def fingerprint(document: Any) -> str:
    """Return a document with its keys in order, as the text by which its makers compare it."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
