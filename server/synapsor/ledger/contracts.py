"""Contracts: each reviewed version is kept once, under its digest; the newest signed activation says which one is served."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from synapsor import handles
from synapsor.core.moment import Instant
from synapsor.core.plain import visible
from synapsor.core.records import from_body, to_body
from synapsor.core.statements import SignedActivation
from synapsor.errors import IntegrityError
from synapsor.ledger import believed
from synapsor.ledger.believed import Trust, is_told, told_by
from synapsor.ledger.chain import Book, event
from synapsor.ledger.connection import Row, Transaction
from synapsor.ledger.kinds import ACTIVATION, CONTRACT, loads, record
from synapsor.ports import Activated


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A contract version as it was reviewed; `contract` is its canonical data."""

    id: str
    at: Instant
    name: str
    digest: str
    contract: dict[str, Any]


async def activate(book: Book, activated: Activated) -> None:
    """Record an activation, and the contract version where it is new."""
    told = activated.activation
    records = []
    if await book.tx.one("contract_version_by_digest", digest=told.digest) is None:
        handle = handles.new("ctr")
        version = Version(id=handle, at=told.at, name=told.contract, digest=told.digest, contract=dict(activated.body))
        records.append(record(CONTRACT, handle, to_body(version)))
    signed = SignedActivation(activation=told, signature=activated.signature, metadata=dict(activated.metadata))
    records.append(record(ACTIVATION, told.id, to_body(signed)))
    await book.append(event("contract_activated", told.contract, told.at, records), checkpoint=True)


async def active(tx: Transaction, name: str, trust: Trust) -> Activated | None:
    """Return the version of a contract that was activated last, as its event tells: a row that was taken away revives no older one.

    Raises:
        IntegrityError: the event was not signed by this ledger's key, or what was written with it is not there.
    """
    event_ = await tx.one("newest_activated", contract=name, kind="contract_activated")
    seen = trust.proven.activated.get(name, believed.NOTHING)
    told = believed.newest(event_, trust, seen=seen, what=f"The newest activation of {visible(name)}")
    if event_ is None or told is None:
        return None
    row = await tx.one("activated_at", seq=event_["seq"])
    if row is None or not is_told(ACTIVATION, row["id"], row["activation"], told):
        raise IntegrityError(f"The activation of {visible(name)} is not the one that its event tells of.")
    found = _activated(row)
    if found.activation.contract != name:
        raise IntegrityError(f"The activation of {visible(name)} is about another contract.")
    return found


async def active_by_digest(tx: Transaction, digest: str, trust: Trust) -> Activated | None:
    """Return the version with this digest while it is the one activated last under its name.

    Raises:
        IntegrityError: as for `active`.
    """
    row = await tx.one("contract_of", digest=digest)
    found = await active(tx, row["name"], trust) if row else None
    return found if found is not None and found.activation.digest == digest else None


async def newest(tx: Transaction, name: str) -> str | None:
    """Return the handle of a contract's newest activation, as its event tells."""
    row = await tx.one("newest_activated", contract=name, kind="contract_activated")
    named = told_by(row).records.get(ACTIVATION.name) if row else None
    return named[0] if named else None


async def history(tx: Transaction, name: str, limit: int, trust: Trust) -> tuple[Activated, ...]:
    """Return the activations of a contract, newest first.

    Raises:
        IntegrityError: as for `active`.
    """
    await active(tx, name, trust)
    return tuple(_activated(row) for row in await tx.all("activations_of", contract=name, limit=limit))


async def named(tx: Transaction, name: str, digest_or_handle: str) -> Activated | None:
    """Return the newest activation of a contract that has this handle or names this digest."""
    row = await tx.one("activation_named", contract=name, named=digest_or_handle)
    return _activated(row) if row else None


async def before(tx: Transaction, name: str, digest: str) -> Activated | None:
    """Return the newest activation of a contract that names another digest than this one."""
    row = await tx.one("activation_before", contract=name, digest=digest)
    return _activated(row) if row else None


def _activated(row: Row) -> Activated:
    return _read(row["activation"], row["version"])


@lru_cache(maxsize=32)
def _read(activation: str, contract: str) -> Activated:
    """Return the activation that two texts hold; there are few of them, and each job and each call of a model asks for one."""
    signed = from_body(SignedActivation, loads(activation))
    version = from_body(Version, loads(contract))
    return Activated(
        activation=signed.activation, signature=signed.signature, body=version.contract, metadata=signed.metadata
    )
