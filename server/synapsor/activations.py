"""How contracts stand to their activations: what is recorded of the databases with one, and whether it still holds on them.

It looks through the read credentials of the project that it is of, and at its ledger.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from synapsor.config import SourceConfig
from synapsor.contract.digest import canonical_body
from synapsor.core.contract_posture import judge_contract
from synapsor.core.facts import Finding
from synapsor.core.review import verify_activation
from synapsor.core.shape import Shape, compare, recorded, shape_of
from synapsor.core.statements import Operator
from synapsor.errors import IntegrityError, naming
from synapsor.flow.catalogue import facts_of
from synapsor.ports import AgentLedger, ReadSource

if TYPE_CHECKING:
    from synapsor.contract.load import LoadedContract


class Activations:
    """The activations of a project's contracts."""

    def __init__(
        self,
        sources: Mapping[str, SourceConfig],
        *,
        ledger: Callable[[], Awaitable[AgentLedger]],
        reader: Callable[[str], ReadSource],
        operators: Callable[[], Mapping[str, Operator]],
    ) -> None:
        """Begin with nothing opened: `ledger` and `reader` open what is asked of them, and `operators` asks who is trusted now."""
        self._sources = sources
        self._ledger = ledger
        self._reader = reader
        self._operators = operators

    async def metadata(self, loaded: LoadedContract) -> dict[str, Any]:
        """Return what is recorded with an activation: fingerprints of sources and the reviewed mappings, never an address."""
        sources = {
            n: {
                "engine": self._sources[n].engine,
                "mode": self._sources[n].mode,
                "fingerprint": await self._fingerprint(n),
            }
            for n in sorted({t.source for t in loaded.contract.tables.values()})
        }
        tables = {
            name: {
                "source": t.source,
                "relation": t.relation,
                "allowed": sorted(t.allowed),
                "denied": sorted(set(t.columns) - set(t.allowed)),
                "tenant": t.tenant if isinstance(t.tenant, str) else {"single_tenant": t.tenant.because},
            }
            for name, t in loaded.contract.tables.items()
        }
        return {
            "sources": sources,
            "tables": tables,
            "capabilities": sorted(canonical_body(loaded.contract)["capabilities"]),
            "shapes": {name: shape for name, shape in (await self.shapes(loaded)).items() if shape is not None},
        }

    async def shapes(self, loaded: LoadedContract) -> dict[str, Shape | None]:
        """Return the shape of each mapped relation as the read credential sees it now; None of one that is not there."""
        facts = await facts_of(loaded.contract, self._reader)
        tables = loaded.contract.tables
        return {n: shape_of(tables[n], known) if known is not None else None for n, known in facts.items()}

    async def unfit(self, loaded: LoadedContract) -> tuple[Finding, ...]:
        """Return why capabilities of a contract would be refused on the databases as they are now."""
        facts = await facts_of(loaded.contract, self._reader)
        return tuple(finding for finding in judge_contract(loaded.contract, facts).findings if finding.fatal)

    async def drifted(self, loaded: LoadedContract) -> dict[str, list[str]]:
        """Return, by table, what changed since a contract was activated."""
        active = await (await self._ledger()).active_contract(loaded.contract.contract)
        if active is None or active.activation.digest != loaded.digest:
            return {}
        signed, live = active.activation.shapes, await self.shapes(loaded)
        found = {n: compare(recorded(active.metadata, signed, n), live[n], signed=n in signed) for n in live}
        return {name: changed for name, changed in found.items() if changed}

    async def why_not(self, loaded: LoadedContract) -> str:
        """Return why a contract as it is now does not count as activated on these sources, or "" when it does."""
        ledger = await self._ledger()
        try:
            active = await ledger.active_contract(loaded.contract.contract)
        except IntegrityError as invalid:
            return invalid.message
        if active is None:
            return "it was never activated"
        if active.activation.digest != loaded.digest:
            return f"another version is the active one, as `synapsor history {loaded.contract.contract}` tells"
        told = active.activation
        try:
            verify_activation(
                told,
                active.signature,
                self._operators(),
                ledger=ledger.id,
                contract=loaded.contract.contract,
                digest=loaded.digest,
            )
        except IntegrityError as invalid:
            return invalid.message
        for name in sorted({t.source for t in loaded.contract.tables.values()}):
            if told.sources.get(name) != await self._fingerprint(name):
                return f"source {name} is another database than the one that it was activated for"
        return ""

    async def why_not_served(self, loaded: LoadedContract) -> str:
        """Return why a contract is not to be served, or "" when it is: it is looked at whether the record of what was activated still holds."""
        try:
            await (await self._ledger()).follow()
        except IntegrityError as broken:
            return broken.message
        return await self.why_not(loaded)

    async def _fingerprint(self, name: str) -> str:
        with naming(name):
            return await self._reader(name).fingerprint()
