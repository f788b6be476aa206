"""What a worker may do beyond applying what people approved: approve by policy with a key of its own, or run unattended for a few capabilities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.config import Supervised
from synapsor.contract.approvals import POLICY_SIGNER
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.digest import from_body
from synapsor.core.statements import Operator
from synapsor.core.trust import ProgramKey, program_key
from synapsor.errors import ConfigError
from synapsor.ports import AgentLedger


def signer_of(key: Ed25519PrivateKey, operators: Mapping[str, Operator]) -> ProgramKey:
    """Return the key that policy decisions are signed with, and who trusts it.

    Raises:
        ConfigError: it is nobody's whom `operators.yaml` trusts with policies.
    """
    found = program_key(key, operators, POLICY_SIGNER)
    if found is None:
        raise ConfigError(
            "The policy key is nobody's who is trusted with policies here.",
            fix=f"Add it with `synapsor operator add NAME --role {POLICY_SIGNER} --public-key BASE64`.",
        )
    return found


async def permits_of(allowed: Iterable[Supervised], ledger: AgentLedger) -> frozenset[tuple[str, str]]:
    """Return what a supervised worker may apply, by contract digest and capability: what the deployment and the contract both allow.

    Raises:
        ConfigError: an entry is of no activated contract or of a capability that was not reviewed for it, or there is none.
    """
    permitted: set[tuple[str, str]] = set()
    for entry in allowed:
        active = await ledger.active_contract_by_digest(entry.contract)
        known = from_body(active.body).capabilities if active else {}
        for name in entry.capabilities:
            capability = known.get(name)
            if not isinstance(capability, ProposeCapability) or capability.worker != "supervised":
                raise ConfigError(
                    f"{name} of {entry.contract[:19]}… is not for a supervised worker.",
                    fix="List only activated contracts, and capabilities with `worker: supervised`.",
                )
            permitted.add((entry.contract, name))
    if not permitted:
        raise ConfigError(
            "Nothing is allowed for a supervised worker.", fix="List it under `supervised:` in synapsor.yaml."
        )
    return frozenset(permitted)
