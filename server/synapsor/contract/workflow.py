"""A workflow as a model: capabilities that belong together, and what must have been read before something is proposed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from synapsor.contract.base import SORTED, CapabilityName, Model


class Workflow(Model):
    """Capabilities that belong together. A proposal of one must rest on reads of the same run where `evidence` says so."""

    allow: tuple[CapabilityName, ...] = Field(strict=False, min_length=1, max_length=64)
    evidence: Annotated[
        dict[
            CapabilityName,
            Annotated[tuple[CapabilityName, ...], Field(strict=False, min_length=1, max_length=16)],
        ],
        SORTED,
    ] = Field(default_factory=dict)
    settle: Literal["manual", "policy"] = "manual"
    checkpoints: Literal["each_call", "proposals"] = "each_call"
