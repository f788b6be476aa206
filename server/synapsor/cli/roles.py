"""Which roles the contracts of a project name: a role that none of them knows is noticed while it is given, and who decides is known by theirs."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from synapsor import runtime
from synapsor.config import Config
from synapsor.contract.approval import LEVELS
from synapsor.contract.approvals import NO_PERSON, POLICY_STEWARD, WRITEBACK_OPERATOR
from synapsor.contract.digest import from_body
from synapsor.contract.load import read_file
from synapsor.contract.mapping import REVEALER
from synapsor.contract.model import Contract
from synapsor.core.needs import proposals_of
from synapsor.core.review import ACTIVATOR_ROLE

_OURS = frozenset({ACTIVATOR_ROLE, POLICY_STEWARD, WRITEBACK_OPERATOR, *NO_PERSON})


async def unnamed(config: Config, roles: Collection[str]) -> list[str]:
    """Return a warning for each role that no contract names, in its file or as it is activated; it may come to be named later."""
    strange = sorted(set(roles) - _OURS)
    if not strange:
        return []
    named = {role for contract in await _contracts(config) for role in (*_approving(contract), *_revealing(contract))}
    known = f"they name {', '.join(sorted(named))}" if named else "they name none"
    return [
        f"no contract of this project names the role {role}: {known}; {', '.join(sorted(_OURS))} are our own"
        for role in strange
        if role not in named
    ]


async def approving(config: Config) -> frozenset[str]:
    """Return the roles that approve anything, by a contract's file or as it is activated."""
    return frozenset(role for contract in await _contracts(config) for role in _approving(contract))


async def _contracts(config: Config) -> list[Contract]:
    contracts = [contract for path in config.policies if (contract := read_file(path).contract) is not None]
    if config.ledger.exists():
        try:
            async with runtime.open_project(config) as project:
                ledger = await project.ledger()
                active = [await ledger.active_contract(contract.contract) for contract in contracts]
            contracts += [from_body(one.body) for one in active if one is not None]
        except Exception:  # noqa: BLE001, S110  # whom to trust is no matter of the ledger, whatever is wrong with it
            pass
    return contracts


def _approving(contract: Contract) -> Iterator[str]:
    for capability in proposals_of(contract):
        yield from (capability.approval.at(level).role for level in LEVELS)


def _revealing(contract: Contract) -> Iterator[str]:
    for table in contract.tables.values():
        yield from (rule.reveal or REVEALER for rule in table.allowed.values() if rule.show == "token")
