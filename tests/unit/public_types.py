"""The types of the relations that the documents of `public_contracts` speak of."""

from typing import Any

from synapsor.contract.public.types import Types

RELATIONS: dict[str, Any] = {
    "shop.orders": {
        "id": {"type": "text", "max_length": 40},
        "tenant_id": "text",
        "owner": "text",
        "state": "text",
        "total_cents": "integer",
        "discount_cents": "integer",
        "discount_reason": {"type": "text", "max_length": 100},
        "note": {"type": "text", "max_length": 500},
        "amount": {"type": "numeric", "scale": 2},
        "version": {"type": "integer", "moves": True},
        "touched_at": {"type": "timestamptz", "moves": True},
        "counter": "integer",
    },
    "shop.credits": {"id": "text", "tenant_id": "text", "cents": "integer", "origin": "text"},
}


def types(**changes: Any) -> Types:
    """Return the types, with the source that the documents name."""
    return Types.model_validate({"sources": {"shop": "shop"}, "relations": RELATIONS, **changes})
