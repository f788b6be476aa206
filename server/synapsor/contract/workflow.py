"""A workflow as a model: capabilities that belong together, and what must have been read before something is proposed."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from synapsor.contract.base import SORTED, CapabilityName, Model

MOST_TOGETHER: Final = 8


class Workflow(Model):
    """Capabilities that belong together. A proposal of one must rest on reads of the same run where `evidence` says so.

    Proposals of those in `together`, one of each in a run, are one group: approved and applied together or not at all.
    """

    allow: tuple[CapabilityName, ...] = Field(strict=False, min_length=1, max_length=64)
    evidence: Annotated[
        dict[
            CapabilityName,
            Annotated[tuple[CapabilityName, ...], Field(strict=False, min_length=1, max_length=16)],
        ],
        SORTED,
    ] = Field(default_factory=dict)
    together: tuple[CapabilityName, ...] = Field(default=(), strict=False, max_length=MOST_TOGETHER)
    settle: Literal["manual", "policy"] = "manual"
    checkpoints: Literal["each_call", "proposals"] = "each_call"
