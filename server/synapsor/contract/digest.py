"""A contract's canonical body and its digest: what a reviewer signs, the ledger stores and the worker rebuilds.

Every default is written out, so that a later version's other default cannot change what was reviewed. A field that says nothing (no
value, false, an empty list) is left out, so that a later version's new optional field does not change old digests. The order of keys counts for nothing; the order
of lists counts. Comments, quoting and short forms are gone before this module sees the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from synapsor.contract.base import Model
from synapsor.contract.model import Contract
from synapsor.errors import IntegrityError
from synapsor.values import digest


def canonical_body(contract: Contract) -> dict[str, Any]:
    """Return the contract as plain JSON data; equal contracts have equal bodies."""
    return _fields(contract)


def contract_digest(contract: Contract) -> str:
    """Return `sha256:<hex>` over the canonical body."""
    return digest("contract", canonical_body(contract))


def from_body(body: Mapping[str, Any]) -> Contract:
    """Return the contract whose canonical body this is.

    Raises:
        IntegrityError: the body is not a contract that this version understands.
    """
    try:
        return Contract.model_validate(dict(body))
    except ValidationError:
        raise IntegrityError(
            "The recorded contract is not one that this version understands.",
            fix="Review and activate the contract again with this version.",
        ) from None


def _fields(part: Model) -> dict[str, Any]:
    named = ((info, info.alias or name, getattr(part, name)) for name, info in type(part).model_fields.items())
    return {name: plain(value) for info, name, value in named if info.is_required() or _says(value, info)}


def _says(value: Any, info: FieldInfo) -> bool:
    """Tell whether what may be left out says anything: a default that is something does, and whatever is not the default."""
    return bool(value) or value != info.get_default(call_default_factory=True)


def plain(value: Any) -> Any:
    """Return a part of a contract as it stands in the body."""
    if isinstance(value, Model):
        return _fields(value)
    if isinstance(value, dict):
        # None is kept here: `where: {closed_at: null}` asks for rows without a value.
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
