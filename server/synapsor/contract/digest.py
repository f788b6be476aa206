"""A contract's canonical body and its digest: what a reviewer signs, the ledger stores and the worker rebuilds.

Every default is written out, so that a later version's other default cannot change what was reviewed. A field that says nothing (no
value, false, an empty list) is left out, so that a later version's new optional field does not change old digests. The order of keys counts for nothing; the order
of lists counts. Comments, quoting and short forms are gone before this module sees the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

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


def recorded(body: Mapping[str, Any]) -> tuple[Contract, str]:
    """Return the contract whose canonical body this is, and its digest; one body is read once, however many proposals rest on it.

    Raises:
        IntegrityError: as for `from_body`.
    """
    return _recorded(orjson.dumps(body))


@lru_cache(maxsize=8)
def _recorded(body: bytes) -> tuple[Contract, str]:
    contract = from_body(orjson.loads(body))
    return contract, contract_digest(contract)


def _fields(part: Model) -> dict[str, Any]:
    named = ((field, getattr(part, field.name)) for field in _fields_of(type(part)))
    return {field.written: plain(value) for field, value in named if field.required or _says(value, field)}


def _says(value: Any, field: _Field) -> bool:
    """Tell whether what may be left out says anything: a default that is something does, and whatever is not the default."""
    return bool(value) or value != field.default


class _Field(NamedTuple):
    """A field of a model: its name in the code, its name in a contract, whether it must be there, and what it is when it is not."""

    name: str
    written: str
    required: bool
    default: Any


@cache
def _fields_of(kind: type[Model]) -> tuple[_Field, ...]:
    """Return the fields of a model once; a digest is asked for with every decision, and pydantic makes each default anew."""
    return tuple(
        _Field(name, info.alias or name, info.is_required(), info.get_default(call_default_factory=True))
        for name, info in kind.model_fields.items()
    )


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
