"""What is told of a writer elsewhere and refused in production: what it could do that no contract needs.

A project that knows why may allow some of it by name; that is told again at every start.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from synapsor.core.facts import Finding
from synapsor.core.posture import ALLOWABLE

REFUSED = frozenset({*ALLOWABLE, "receipts_can_change"})
"""The rules with which no worker starts in production; receipts that can be changed prove nothing, so that nobody allows it."""


def judge_for_production(findings: Iterable[Finding], allow: Collection[str]) -> Iterator[Finding]:
    """Yield the findings of a writer as they count in production, and each rule of `allow` of which nothing was found."""
    found = tuple(findings)
    for finding in found:
        if finding.rule in allow and finding.rule in ALLOWABLE:
            yield replace(finding, message=f"{finding.message} It is allowed: `allow` of the source names it.")
        else:
            yield replace(finding, fatal=finding.fatal or finding.rule in REFUSED)
    for rule in sorted(set(allow) - {finding.rule for finding in found}):
        message = f"`allow` names {rule}, of which there is nothing."
        yield Finding(rule="allow_needless", message=message, fix="Remove it from `allow` of the source.", fatal=False)
