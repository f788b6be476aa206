"""The rules that take more than one object of a contract, and more than one contract.

Every finding is reported, not only the first; nothing in here is a matter of taste, so there are no warnings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from synapsor.contract.capabilities import capability_problems
from synapsor.contract.capability import alias
from synapsor.contract.document import Path, Positions
from synapsor.contract.links import link_problems
from synapsor.contract.model import Contract
from synapsor.contract.policies import policy_problems
from synapsor.contract.tables import pair_problems, table_problems
from synapsor.contract.workflows import workflow_problems
from synapsor.errors import Problem

_MAX_ALIAS = 64
_BUILT_IN = "synapsor."


def check(contract: Contract, positions: Positions, *, whole: bool = True) -> tuple[Problem, ...]:
    """Return what is wrong with one contract; of one that is not `whole`, capabilities are left out, and none is said to be missing."""
    return tuple(sorted(set(_check(contract, positions, whole=whole))))


def _check(contract: Contract, at: Positions, *, whole: bool) -> Iterator[Problem]:
    for name, table in contract.tables.items():
        yield from table_problems(("tables", name), table, at)
        yield from link_problems(("tables", name), table, contract.tables, at)
    for name, capability in contract.capabilities.items():
        path: Path = ("capabilities", name)
        if len(alias(name)) > _MAX_ALIAS:
            yield at.at_key(
                path, "SYN504", f"`{alias(name)}` is longer than {_MAX_ALIAS} characters.", "Shorten the name."
            )
        if name.startswith(_BUILT_IN):
            yield at.at_key(path, "SYN505", f"`{_BUILT_IN}` belongs to the built-in tools.", "Choose another area.")
        yield from capability_problems(path, capability, contract, at)
    yield from policy_problems(contract, at, whole=whole)
    if whole:  # a workflow speaks of capabilities by name, and can be judged only beside all of them
        yield from workflow_problems(contract, at)


def check_together(contracts: Iterable[tuple[Contract, Positions]]) -> tuple[Problem, ...]:
    """Return what is wrong between contracts: names that clash, and tables over one relation that disagree."""
    return tuple(sorted(set(_together(list(contracts)))))


def _together(contracts: list[tuple[Contract, Positions]]) -> Iterator[Problem]:
    names: set[str] = set()
    capabilities: set[str] = set()
    aliases: dict[str, str] = {}
    for contract, at in contracts:
        if contract.contract in names:
            yield at.at_value(
                ("contract",), "SYN501", f"Another contract is named `{contract.contract}`.", "Rename one of them."
            )
        names.add(contract.contract)
        for name in contract.capabilities:
            if name in capabilities:
                yield at.at_key(
                    ("capabilities", name), "SYN502", f"`{name}` is in another contract too.", "Rename one of them."
                )
            elif alias(name) in aliases:
                other = aliases[alias(name)]
                yield at.at_key(
                    ("capabilities", name),
                    "SYN503",
                    f"`{name}` and `{other}` are both `{alias(name)}`.",
                    "Rename one of them.",
                )
            capabilities.add(name)
            aliases.setdefault(alias(name), name)
    yield from pair_problems(contracts)
