"""The contract language and its rules as Markdown, and as a JSON Schema for editors; rendered from the models, never written by hand.

`python -m synapsor.contract.reference docs/reference` renews the files; a test keeps them equal to what this module renders.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from synapsor.contract.base import Model
from synapsor.contract.capability import VERBS, AggregateLimits
from synapsor.contract.counts import COUNTS
from synapsor.contract.fields import meaning_of
from synapsor.contract.lint.lints import LINTS
from synapsor.contract.mapping import ColumnRule
from synapsor.contract.model import Contract
from synapsor.contract.rules import RULES
from synapsor.contract.shape import PARTS
from synapsor.values import ColumnType

_MODELS: list[type[Model]] = list(dict.fromkeys((*PARTS.values(), *VERBS.values(), AggregateLimits)))
_CHAPTERS = {
    "0": "The file",
    "1": "Its shape",
    "2": "Tables",
    "3": "Capabilities",
    "4": "Arguments",
    "5": "Names",
    "6": "Aggregates",
    "7": "Related rows",
    "8": "Hidden columns and row security",
}

_LINT_CHAPTERS = {
    "0": "Comments",
    "1": "Breadth",
    "2": "Columns",
    "3": "Tables",
    "4": "Texts that the model reads",
    "5": "Arguments",
    "6": "Proposals",
}


def contract_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a contract file, short forms included."""
    schema = Contract.model_json_schema()
    parts = {part.__name__: part for part in _MODELS}
    for name, body in {**schema["$defs"], "Contract": schema}.items():
        part = parts.get(name)
        for field, held in (body.get("properties") or {}).items() if part else ():
            body["properties"][field] = {**_tidy(held), "description": meaning_of(part or Model, field)}
        body["description"] = _first_line(part) if part else body.get("description", "")
    rule = schema["$defs"][ColumnRule.__name__]
    rule.pop("title", None)
    short = {"enum": [*(kind.value for kind in ColumnType), "denied"]}
    schema["$defs"][ColumnRule.__name__] = {"description": rule.pop("description"), "anyOf": [short, rule]}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Synapsor contract"}
    return {**head, **{key: value for key, value in schema.items() if key != "title"}}


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a property's schema closed, and without the null that only means that it was left out."""
    kept = {key: value for key, value in schema.items() if key != "title"}
    if kept.get("default", ...) is None:
        del kept["default"]
        others = [one for one in kept.pop("anyOf", []) if one != {"type": "null"}]
        kept.update(others[0] if len(others) == 1 else {"anyOf": others})
    if "patternProperties" in kept:
        kept["additionalProperties"] = False
    return kept


def _first_line(part: type[Model]) -> str:
    return (part.__doc__ or "").strip().splitlines()[0]


def render_contract() -> str:
    """Return the reference of the contract language."""
    return "\n".join(_contract_lines()) + "\n"


def _contract_lines() -> Iterator[str]:
    yield "# The contract language"
    yield ""
    yield "Rendered from the models by `python -m synapsor.contract.reference docs/reference`; do not edit. Every key that is not"
    yield "listed here is refused. What may be combined with what is said by the [rules](rules.md); editors complete and check with"
    yield "[contract.schema.json](contract.schema.json)."
    defined = contract_json_schema()
    for part in _MODELS:
        yield from _part_lines(part, defined)
    yield ""
    yield "## Column types"
    yield ""
    yield ", ".join(f"`{kind.value}`" for kind in ColumnType) + "."
    yield ""
    yield "## The digest"
    yield ""
    yield "What is reviewed and activated is the digest of the contract's canonical body: SHA-256 over `synapsor:contract`, a NUL byte"
    yield "and the canonical JSON (RFC 8785) of the keys above. Defaults are written out, so that another default of a later version"
    yield "cannot change what was reviewed; a key that may be left out and says nothing (no value, false, an empty list) is absent, so"
    yield "that a later version's new key does not change old digests. Comments, quoting, short forms and the order of keys count for nothing; the order of lists"
    yield "counts. The body can be read back into the same contract, which is how the worker gets it from the ledger."


def _part_lines(part: type[Model], defined: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield f"## {part.__name__}"
    yield ""
    yield _first_line(part)
    yield ""
    yield "| Key | Holds | Without it | Meaning |"
    yield "|---|---|---|---|"
    body = defined if part is Contract else defined["$defs"][part.__name__]
    body = body["anyOf"][1] if part is ColumnRule else body
    for name, info in part.model_fields.items():
        default = "required" if info.is_required() else _default(info.get_default(call_default_factory=True))
        key = info.alias or name
        yield f"| `{key}` | {_holds(body['properties'][key])} | {default} | {meaning_of(part, name)} |"


def _default(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Model):
        return "the defaults"
    plain = value.value if isinstance(value, ColumnType) else list(value) if isinstance(value, tuple) else value
    return f"`{json.dumps(plain)}`".replace('"', "")


def _holds(schema: dict[str, Any]) -> str:
    """Return a JSON Schema in a few words."""
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return ", or ".join(_holds(one) for one in choices)
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return "a column type" if name == ColumnType.__name__ else f"[{name}](#{name.lower()})"
    words = schema.get("enum") or [schema[key] for key in ("const",) if key in schema]
    if words:
        return " or ".join(f"`{json.dumps(word)}`".replace('"', "") for word in words)
    return _plain(schema)


def _plain(schema: dict[str, Any]) -> str:
    if schema["type"] == "object":
        named = schema.get("patternProperties")
        return f"{'names' if named else 'values'}, each with {_holds(next(iter(named.values())) if named else schema['additionalProperties'])}"
    if schema["type"] == "array":
        return "a list, each " + _holds(schema["items"])
    pattern = schema.get("pattern")
    text = "text" if pattern is None else "an operation and a name" if "update" in pattern else "a name"
    words = {"string": text, "integer": "a whole number", "boolean": "true or false"}
    return words.get(schema["type"], str(schema["type"])) + _limits(schema)


def _limits(schema: dict[str, Any]) -> str:
    low = schema.get("minimum", schema.get("minLength"))
    high = schema.get("maximum", schema.get("maxLength"))
    if low is None or high is None or abs(low) >= 2**53 - 1:
        return ""
    return f", {low} to {high}" + (" characters" if "maxLength" in schema else "")


def render_rules() -> str:
    """Return the list of rules."""
    return "\n".join(_rule_lines()) + "\n"


def _rule_lines() -> Iterator[str]:
    yield "# The rules of a contract"
    yield ""
    yield "Rendered by `python -m synapsor.contract.reference docs/reference`; do not edit. `synapsor check` reports every rule that a"
    yield "contract breaks, with its line and a fix, and exits with 2. There are no warnings: a contract without a single finding is"
    yield "loaded, and any other is refused as a whole. A rule's id never changes its meaning."
    chapter = ""
    for rule, sentence in RULES.items():
        if rule[3] != chapter:
            chapter = rule[3]
            yield ""
            yield f"## {_CHAPTERS[chapter]}"
            yield ""
            yield "| Rule | |"
            yield "|---|---|"
        yield f"| {rule} | {sentence} |"


def render_lints() -> str:
    """Return the list of lints."""
    return "\n".join(_lint_lines()) + "\n"


def _lint_lines() -> Iterator[str]:
    yield "# The lints of a contract"
    yield ""
    yield "Rendered by `python -m synapsor.contract.reference docs/reference`; do not edit. `synapsor lint` finds matters of taste and risk"
    yield "in contracts that `synapsor check` has nothing against. An error ends with 1, a warning with `--strict`, a note never. A lint is a"
    yield "heuristic over names and words: it may be wrong, and then a comment behind the line, or on a line of its own above it, lets that"
    yield "one finding pass. The reason is required, and a comment is no part of the digest:"
    yield ""
    yield "```yaml"
    yield "      returns: [id, email] # lint: allow LNT201 because support answers by e-mail and has nothing else"
    yield "```"
    chapter = ""
    for rule, lint in LINTS.items():
        if rule[3] != chapter:
            chapter = rule[3]
            yield ""
            yield f"## {_LINT_CHAPTERS[chapter]}"
            yield ""
            yield "| Lint | Severity | |"
            yield "|---|---|---|"
        yield f"| {rule} | {lint.severity.value} | {lint.sentence} |"


def render_counts() -> str:
    """Return how every key counts when two versions are compared."""
    return "\n".join(_count_lines()) + "\n"


def _count_lines() -> Iterator[str]:
    yield "# How a difference counts"
    yield ""
    yield "Rendered by `python -m synapsor.contract.reference docs/reference`; do not edit. `synapsor diff` says of every key that differs"
    yield "between two versions of a contract whether authority grows, shrinks or merely changes. It grows where the second version grants"
    yield "something that the first does not, and shrinks where the first does; where nobody can say, it does both, which fails the command"
    yield "as well. A key without a line here would count so. The weight orders what is shown, the weightiest first."
    yield ""
    yield "| Key | Is | Counts | Weight |"
    yield "|---|---|---|---|"
    for key, counts in COUNTS.items():
        why = (counts.gain.__doc__ or "").strip().splitlines()[0]
        yield f"| `{key}` | {counts.words} | {why} | {counts.weight} |"


def rendered() -> dict[str, str]:
    """Return every file of docs/reference that comes from here, by its name."""
    schema = json.dumps(contract_json_schema(), indent=2, ensure_ascii=False) + "\n"
    return {
        "contract.md": render_contract(),
        "rules.md": render_rules(),
        "lint.md": render_lints(),
        "diff.md": render_counts(),
        "contract.schema.json": schema,
    }


def main(folder: str) -> None:
    """Write the files."""
    for name, text in rendered().items():
        (Path(folder) / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
