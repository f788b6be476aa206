"""What contracts need of the sessions that a project configures: a value that none gives is told at start, not call by call."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from synapsor.contract.model import Contract
from synapsor.core.facts import Finding
from synapsor.core.scope import name_of


def judge_sessions(contract: Contract, sessions: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    """Yield each value that the contract's capabilities take from a session and that one of these, by its place, does not give."""
    for place, given in sessions.items():
        for context, role, value in sorted(_needed(contract)):
            name = name_of(value)
            if name not in given:
                takes = f"Context {context} of contract {contract.contract} takes its {role} from {value}"
                yield Finding(
                    rule="session_value_missing",
                    message=f"{takes}, which {place} does not give: its calls are refused as scope_unavailable.",
                    fix=f"Add {name} to {place} of synapsor.yaml, or let the context name a value that is there.",
                    fatal=False,
                )


def _needed(contract: Contract) -> set[tuple[str, str, str]]:
    needed: set[tuple[str, str, str]] = set()
    for capability in contract.capabilities.values():
        context = contract.context_of(capability)
        name = next(n for n, c in contract.contexts.items() if c is context)
        needed.add((name, "principal", context.principal))
        if any(table.tenant_column is not None for table in contract.tables_of(capability).values()):
            needed.add((name, "tenant", context.tenant))
    return needed
