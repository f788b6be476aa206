"""The contract as pydantic models: frozen, strict, unknown keys refused.

What these models cannot say cannot be granted. Rules that need more than one object live in `check.py`. Every mapping is kept in
the order of its names, so that the order of keys in a file changes nothing: not a digest, not a plan, not a result.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from synapsor.contract.approval import Policy
from synapsor.contract.base import SORTED, CapabilityName, Model, Name, SessionKey
from synapsor.contract.capability import Capability, Verbs
from synapsor.contract.mapping import Table
from synapsor.contract.paths import tables_read
from synapsor.contract.workflow import Workflow


class Context(Model):
    """Which trusted session values give the tenant and the principal."""

    tenant: SessionKey
    principal: SessionKey


class Contract(Model):
    """One reviewed file: who may ask what of which rows."""

    synapsor: Literal[1]
    contract: Name
    contexts: Annotated[dict[Name, Context], SORTED] = Field(min_length=1)
    tables: Annotated[dict[Name, Table], SORTED] = Field(min_length=1)
    capabilities: Annotated[dict[CapabilityName, Verbs], SORTED] = Field(min_length=1)
    policies: Annotated[dict[Name, Policy], SORTED] = Field(default_factory=dict)
    workflows: Annotated[dict[Name, Workflow], SORTED] = Field(default_factory=dict)

    def context_of(self, capability: Capability) -> Context:
        """The capability's context; the only one when it names none."""
        return self.contexts[capability.context] if capability.context else next(iter(self.contexts.values()))

    def table_of(self, capability: Capability) -> Table:
        """The mapping that a capability reads or writes."""
        return self.tables[capability.table]

    def tables_of(self, capability: Capability) -> dict[str, Table]:
        """The mappings that a capability reads or writes, by their names: its own, then those that its links lead to."""
        return {name: self.tables[name] for name in tables_read(capability, capability.table, self.tables)}

    def workflow_of(self, capability: str) -> str | None:
        """The workflow that a proposing capability stands in; there is one at most."""
        return next((name for name, flow in self.workflows.items() if capability in flow.allow), None)
