"""Findings as SARIF 2.1.0, the form in which code hosts and editors take them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from synapsor import __version__
from synapsor.contract.lint.lints import LINTS, Remark
from synapsor.contract.rules import RULES

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(remarks: Iterable[Remark]) -> dict[str, Any]:
    """Return one run with a result for each finding; what a comment lets pass is marked as suppressed in the source."""
    found = list(remarks)
    rules = sorted({remark.rule for remark in found})
    driver = {"name": "synapsor", "version": __version__, "rules": [_rule(rule) for rule in rules]}
    results = [_result(remark, rules.index(remark.rule)) for remark in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: str) -> dict[str, Any]:
    lint = LINTS.get(rule)
    return {
        "id": rule,
        "shortDescription": {"text": lint.sentence if lint else RULES[rule]},
        "defaultConfiguration": {"level": lint.severity.value if lint else "error"},
    }


def _result(remark: Remark, index: int) -> dict[str, Any]:
    text = f"{remark.message} {remark.fix}".rstrip()
    place = {
        "artifactLocation": {"uri": _uri(remark.file)},
        "region": {"startLine": remark.line, "startColumn": remark.column},
    }
    allowed = {"suppressions": [{"kind": "inSource", "justification": remark.allowed}]} if remark.allowed else {}
    return {
        "ruleId": remark.rule,
        "ruleIndex": index,
        "level": remark.severity.value,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
        **allowed,
    }


def _uri(file: str) -> str:
    """Return a file as a reference that is relative to where the command ran, where it is below that."""
    path = Path(file)
    if not path.is_absolute():
        return quote(path.as_posix())
    below = path.is_relative_to(Path.cwd())
    return quote(path.relative_to(Path.cwd()).as_posix()) if below else path.as_uri()
