"""What a person signs to steer the worker: what is to become of a job, and that a source rests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from synapsor.core.moment import Instant

PauseState = Literal["paused", "running"]
JobVerb = Literal["requeue", "discard", "cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What is signed to have a job that was given up tried again or discarded, or a job that is not done yet canceled.

    Attributes:
        parts: all that the job applies, each proposal with its digest, in the job's order.
        proposal: the one of them that the person named.
        role: in which role it is asked; of a cancel it may be the one that decides on that proposal.
    """

    id: str
    ledger: str
    verb: JobVerb
    job: str
    parts: tuple[tuple[str, str], ...]
    proposal: str
    operator: str
    role: str
    at: Instant
    reason: str
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What is signed so that workers take no new job of a source, or of any ("" for `source`), or so that they do again.

    Attributes:
        role: in which role it is asked, which is always that of who steers writeback.
    """

    id: str
    ledger: str
    state: PauseState
    source: str
    operator: str
    role: str
    at: Instant
    reason: str
    nonce: str
