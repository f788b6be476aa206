"""Go back to a version of a contract that was activated earlier: find it in the ledger, and judge it as if it were new.

That it was signed once does not carry over: it has to pass the rules of today, and the person who signs it again signs it for the
databases that it was signed for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from synapsor.contract.check import check_together
from synapsor.contract.digest import contract_digest, from_body
from synapsor.contract.load import LoadedContract, Reading, read_text
from synapsor.contract.model import Contract
from synapsor.core.statements import Operator, signature_holds
from synapsor.errors import ContractError, IntegrityError, UsageError
from synapsor.ports import Activated, ReviewLedger

_ANEW = "Put its file back, review it and run `synapsor activate`."


async def version_named(ledger: ReviewLedger, contract: str, named: str) -> Activated:
    """Return the newest activation of a contract with this digest or handle.

    Raises:
        UsageError: there is none.
    """
    found = await ledger.activation_named(contract, named)
    if found is None:
        raise UsageError(
            f"No activation of {contract} has this digest or handle.", fix=f"See `synapsor history {contract}`."
        )
    return found


async def earlier_version(ledger: ReviewLedger, contract: str, to: str | None) -> tuple[Activated, Activated]:
    """Return the active version of a contract, and the one to go back to: the named one, or the one that was active before.

    Raises:
        UsageError: there is none to go back to.
    """
    active = await ledger.active_contract(contract)
    if active is None:
        raise UsageError(f"No contract {contract} was ever activated here.", fix="Use `synapsor activate`.")
    digest = active.activation.digest
    if to is None:
        earlier = await ledger.activation_before(contract, digest)
    else:  # an empty word, too: a variable that was not set must not stand for another version
        earlier = await version_named(ledger, contract, to)
    if earlier is None:
        raise UsageError(f"No other version of {contract} was activated before.", fix="Use `synapsor activate`.")
    if earlier.activation.digest == digest:
        raise UsageError("This version is the active one.", fix=f"See `synapsor history {contract}`.")
    return active, earlier


def judged_again(
    earlier: Activated, operators: Mapping[str, Operator], others: Iterable[Reading], *, ledger: str
) -> LoadedContract:
    """Return the contract of an earlier activation, proven to be what was signed and in order by the rules of today.

    A key that is revoked by now proves as well who signed then; what counts from now on is the new signature.

    Raises:
        IntegrityError: it is not what was signed, or nobody who is known here signed it.
        ContractError: with every problem that it has by the rules of today, alone or beside the other contracts.
    """
    _check_signature(earlier, operators)
    told = earlier.activation
    name = f"{told.contract}@{told.digest.removeprefix('sha256:')[:12]}"
    reading = read_text(json.dumps(earlier.body, ensure_ascii=False, indent=2), name)
    beside = [(r.contract, r.positions) for r in (*others, reading) if r.contract is not None]
    if problems := sorted({*reading.problems, *check_together(beside)}):
        raise ContractError(tuple(problems))
    return LoadedContract(contract=_recorded(earlier, ledger), digest=told.digest, path=Path(name))


def as_signed(version: Activated, operators: Mapping[str, Operator], *, ledger: str) -> Contract:
    """Return the contract of an activation, proven to be what was signed; what the rules of today say of it is another question.

    Raises:
        IntegrityError: it is not what was signed, or nobody who is known here signed it.
    """
    _check_signature(version, operators)
    return _recorded(version, ledger)


def _check_signature(version: Activated, operators: Mapping[str, Operator]) -> None:
    operator = operators.get(version.activation.operator)
    if operator is None or not signature_holds(version.activation, version.signature, operator):
        raise IntegrityError("The signature of this earlier activation does not hold.", fix=_ANEW)


def _recorded(version: Activated, ledger: str) -> Contract:
    told, contract = version.activation, from_body(version.body)
    if (told.ledger, told.contract, told.digest) != (ledger, contract.contract, contract_digest(contract)):
        raise IntegrityError("The recorded contract is not the one that was signed.", fix=_ANEW)
    return contract


def same_databases(earlier: Activated, sources: Mapping[str, str]) -> None:
    """Check that each source still is the database that the version was signed for.

    Raises:
        IntegrityError: one is another.
    """
    for name, fingerprint in sources.items():
        if earlier.activation.sources.get(name) != fingerprint:
            raise IntegrityError(
                f"Source {name} is another database than the one that this version was activated for.", fix=_ANEW
            )
