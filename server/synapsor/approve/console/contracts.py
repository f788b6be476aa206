"""The pages of contracts: which are active, what they allow in plain words, every version that was activated, and what differs between two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.contract.difference import Difference, Effect, Said, differences, label
from synapsor.contract.model import Contract
from synapsor.contract.telling import Told, told
from synapsor.core.review import doubt_of
from synapsor.core.statements import Operator
from synapsor.errors import IntegrityError, UsageError
from synapsor.flow.rollback import as_signed, version_named
from synapsor.ports import Activated

MOST: Final = 100
MOST_DIFFERENCES: Final = 300
TITLES: Final = {
    Effect.GROWS: "Authority grows",
    Effect.TRADES: "Authority grows here and shrinks there, or nobody can tell",
    Effect.SHRINKS: "Authority shrinks",
    Effect.CHANGES: "Changes that grant nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One activation; `doubt` is why it would not count today, "" where it would."""

    id: str
    at: str
    operator: str
    digest: str
    active: bool
    returns_to: str
    doubt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A contract in the list."""

    name: str
    activations: int
    active: Version | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """A capability in plain words."""

    name: str
    description: str
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """One difference: what it is about, where in it, and both values."""

    about: str
    where: str
    words: str
    said: Said


def routes(room: Room) -> Iterable[Route]:
    """Return the pages."""
    yield page(room, "/contracts", _contracts)
    yield page(room, "/contracts/{name}", _contract)
    yield page(room, "/contracts/{name}/diff", _diff)


async def _contracts(visit: Visit) -> Response:
    room, operators = visit.room, visit.room.operators()
    named = []
    for name, count in (await room.overview.contracts(limit=MOST)).items():
        newest = await room.ledger.active_contract(name)
        active = _version(newest, operators, room.ledger.id, active=True) if newest else None
        named.append(Named(name=name, activations=count, active=active))
    return await visit.page("contracts.html", contracts=named)


async def _contract(visit: Visit) -> Response:
    room, operators = visit.room, visit.room.operators()
    name = str(visit.request.path_params["name"])
    found = await room.ledger.activations(name, limit=MOST)
    if not found:
        raise UsageError("No such contract was ever activated here.", fix="See the list of contracts.")
    versions = [_version(one, operators, room.ledger.id, active=one is found[0]) for one in found]
    capabilities, trouble = [], ""
    try:
        contract = as_signed(found[0], operators, ledger=room.ledger.id)
        capabilities = [_capability(contract, each) for each in contract.capabilities]
    except IntegrityError as invalid:
        trouble = invalid.message
    return await visit.page("contract.html", name=name, versions=versions, capabilities=capabilities, trouble=trouble)


async def _diff(visit: Visit) -> Response:
    room, operators = visit.room, visit.room.operators()
    name = str(visit.request.path_params["name"])
    after = await version_named(room.ledger, name, visit.asked("to"))
    wanted = visit.asked("from")
    before = (
        await version_named(room.ledger, name, wanted)
        if wanted
        else await room.ledger.activation_before(name, after.activation.digest)
    )
    if before is None:
        raise UsageError("There is no version before it.", fix="Choose two versions of the contract.")
    one, other = (as_signed(each, operators, ledger=room.ledger.id) for each in (before, after))
    found = differences(one, other)
    return await visit.page(
        "diff.html",
        name=name,
        before=_version(before, operators, room.ledger.id, active=False),
        after=_version(after, operators, room.ledger.id, active=False),
        groups=_groups(found[:MOST_DIFFERENCES]),
        beyond=max(0, len(found) - MOST_DIFFERENCES),
        grows=any(each.effect.gains for each in found),
    )


def _version(found: Activated, operators: Mapping[str, Operator], ledger: str, *, active: bool) -> Version:
    signed = found.activation
    return Version(
        id=signed.id,
        at=signed.at,
        operator=signed.operator,
        digest=signed.digest,
        active=active,
        returns_to=str(found.metadata.get("returns_to") or ""),
        doubt=doubt_of(found, operators, ledger=ledger),
    )


def _capability(contract: Contract, name: str) -> Capability:
    return Capability(name=name, description=contract.capabilities[name].description, told=told(contract, name))


def _groups(found: Iterable[Difference]) -> list[tuple[str, bool, list[Differs]]]:
    by_effect: dict[Effect, list[Differs]] = {}
    for each in found:
        about, where = label(each.path)
        told_ = Differs(about=about, where=where, words=each.words, said=each.said)
        by_effect.setdefault(each.effect, []).append(told_)
    return [(TITLES[effect], effect.gains, by_effect[effect]) for effect in Effect if effect in by_effect]
