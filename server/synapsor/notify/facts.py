"""What an event says beyond its records, as far as it is told; read through a record of its kind, so that no form but ours is met further on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from synapsor.core.history import Entry
from synapsor.core.policy import Deferral, Near
from synapsor.core.records import from_body

LONGEST: Final = 200
"""Characters of one word of others, or of one value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearing:
    """An approval by a policy that brings limits near their end."""

    policy: str
    near: tuple[Near, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """A job that was given up."""

    job: str
    worker: str
    attempts: int
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """That an application says otherwise than a person did."""

    resolution: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is told of them: names of the contract alone. How much of a limit is used up would tell what was changed."""

    policy: str = ""
    limits: tuple[str, ...] = ()
    code: str = ""


def facts_of(entry: Entry) -> Facts:
    """Return what is told of the facts of an event.

    Raises:
        IntegrityError: they are not of the form that events of its kind have.
    """
    if entry.kind == "policy_deferred":
        return Facts(policy=cut(from_body(Deferral, entry.facts).policy))
    if entry.kind == "policy_near_limit":
        found = from_body(Nearing, entry.facts)
        return Facts(
            policy=cut(found.policy), limits=tuple(cut(f"{near.what} for each {near.of}") for near in found.near)
        )
    if entry.kind == "job_parked":
        return Facts(code=cut(from_body(Dead, entry.facts).code))
    if entry.kind == "resolution_refused":
        return Facts(code=cut(from_body(Otherwise, entry.facts).code))
    return Facts()


def cut(text: str) -> str:
    """Return a word of others, no longer than one may be."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
