"""Documents of the public format that are in order, one of every kind, for tests that break or translate them. All of it is our own."""

import json
import re
from typing import Any

GONE = object()
"""Stands for a key that is taken away."""

BOUND = {"name": "tenant", "source": "environment", "key": "SHOP_TENANT", "required": True}
WHO = {"name": "who", "source": "http_claim", "key": "sub", "required": True}
EVIDENCE = {"required": True, "query_audit": True}
DIGEST = "sha256:" + "0" * 64
ORDERS = {
    "schema": "shop",
    "table": "orders",
    "primary_key": "id",
    "tenant_key": "tenant_id",
    "conflict_key": "version",
}

CONTEXT = {"name": "desk", "bindings": [BOUND, WHO], "tenant_binding": "tenant", "principal_binding": "who"}
RESOURCE = {"name": "orders", "engine": "postgres", **ORDERS}

READ: dict[str, Any] = {
    "name": "shop.inspect_order",
    "kind": "read",
    "description": "Look at one order.",
    "returns_hint": "Its state and its total.",
    "context": "desk",
    "source": "shop",
    "subject": {"resource": "orders"},
    "args": {"order_id": {"type": "string", "max_length": 40, "description": "The order's id."}},
    "lookup": {"id_from_arg": "order_id"},
    "visible_fields": ["id", "state", "total_cents"],
    "kept_out_fields": ["card_token"],
    "model_withheld_fields": ["total_cents"],
    "evidence": {**EVIDENCE, "sources": ["orders"]},
    "max_rows": 1,
}
UPDATE: dict[str, Any] = {
    **{key: READ[key] for key in ("context", "source", "lookup", "evidence")},
    "name": "shop.propose_discount",
    "kind": "proposal",
    "description": "Ask for a discount on one order.",
    "subject": {**ORDERS, "principal_scope_key": "owner"},
    "args": {
        "order_id": {"type": "string", "max_length": 40},
        "cents": {"type": "number", "minimum": 1, "maximum": 50000},
        "reason": {"type": "string", "max_length": 200, "enum": ["late", "broken"]},
    },
    "visible_fields": ["id", "state", "discount_cents", "version"],
    "proposal": {
        "action": "grant_discount",
        "operation": {
            "kind": "update",
            "cardinality": "single",
            "version_advance": {"column": "version", "strategy": "integer_increment"},
        },
        "allowed_fields": ["discount_cents", "discount_reason", "state"],
        "patch": {
            "discount_cents": {"from_arg": "cents"},
            "discount_reason": {"from_arg": "reason"},
            "state": {"fixed": "discounted"},
        },
        "numeric_bounds": {"discount_cents": {"minimum": 1, "maximum": 2500}},
        "transition_guards": {"state": {"from_column": "state", "allowed": {"open": ["discounted"]}}},
        "conflict_guard": {"column": "version"},
        "approval": {"mode": "policy", "required_role": "lead", "policy": "small"},
        "execution": {"supervised_worker": "allowed"},
        "writeback": {"mode": "direct_sql"},
    },
}
INSERT: dict[str, Any] = {
    "name": "shop.propose_credit",
    "kind": "proposal",
    "context": "desk",
    "subject": {"schema": "shop", "table": "credits", "primary_key": "id", "tenant_key": "tenant_id"},
    "args": {"cents": {"type": "number", "minimum": 1, "maximum": 2500}},
    "visible_fields": ["id", "cents"],
    "proposal": {
        "action": "shop.credit",
        "operation": {
            "kind": "insert",
            "deduplication": {
                "components": [
                    {"column": "tenant_id", "source": "trusted_tenant"},
                    {"column": "id", "source": "proposal_id"},
                    {"column": "origin", "source": "fixed", "fixed": "agent"},
                ]
            },
        },
        "allowed_fields": ["cents"],
        "patch": {"cents": {"from_arg": "cents"}},
        "reversibility": {"mode": "reviewed_inverse"},
        "approval": {"mode": "human", "required_role": "lead", "required_approvals": 2},
        "writeback": {"mode": "direct_sql"},
    },
}
SET: dict[str, Any] = {
    "name": "shop.propose_closing",
    "kind": "proposal",
    "context": "desk",
    "subject": ORDERS,
    "args": {"reason": {"type": "string", "max_length": 200}},
    "visible_fields": ["id", "state", "total_cents", "version"],
    "proposal": {
        "action": "close",
        "operation": {
            "kind": "update",
            "cardinality": "set",
            "selection": {"all": [{"column": "state", "operator": "eq", "value": "overdue"}]},
            "max_rows": 10,
            "aggregate_bounds": [{"column": "total_cents", "measure": "before", "maximum": 50000}],
            "version_advance": {"column": "version", "strategy": "integer_increment"},
        },
        "allowed_fields": ["state", "note"],
        "patch": {"state": {"fixed": "closed"}, "note": {"from_arg": "reason"}},
        "conflict_guard": {"column": "version"},
        "approval": {"mode": "operator", "required_role": "lead"},
        "writeback": {"mode": "direct_sql"},
    },
}
BATCH: dict[str, Any] = {
    **INSERT,
    "name": "shop.propose_credits",
    "args": {
        "lines": {
            "type": "object_array",
            "max_items": 10,
            "fields": {
                "id": {"type": "string", "max_length": 40},
                "cents": {"type": "number", "minimum": 1, "maximum": 2500},
            },
        }
    },
    "proposal": {
        "action": "credits",
        "operation": {
            "kind": "insert",
            "cardinality": "set",
            "batch": {"items_from_arg": "lines"},
            "max_rows": 10,
            "aggregate_bounds": [{"column": "cents", "measure": "after", "maximum": 20000}],
            "deduplication": {
                "components": [
                    {"column": "tenant_id", "source": "trusted_tenant"},
                    {"column": "id", "source": "item_field", "item_field": "id"},
                ]
            },
        },
        "allowed_fields": ["cents"],
        "patch": {"cents": {"from_item": "cents"}},
        "approval": {"mode": "human", "required_role": "lead"},
        "writeback": {"mode": "direct_sql"},
    },
}
DELETE: dict[str, Any] = {
    "name": "shop.propose_removal",
    "kind": "proposal",
    "context": "desk",
    "subject": ORDERS,
    "args": {"order_id": {"type": "string", "max_length": 40}},
    "lookup": {"id_from_arg": "order_id"},
    "visible_fields": ["id", "state", "version"],
    "proposal": {
        "action": "remove",
        "operation": {"kind": "delete"},
        "allowed_fields": [],
        "patch": {},
        "conflict_guard": {"column": "version"},
        "approval": {"mode": "human", "required_role": "lead"},
        "writeback": {"mode": "direct_sql"},
    },
}
AGGREGATE: dict[str, Any] = {
    "name": "shop.overdue_total",
    "kind": "aggregate_read",
    "description": "The sum of what is overdue.",
    "context": "desk",
    "subject": ORDERS,
    "args": {},
    "visible_fields": [],
    "evidence": EVIDENCE,
    "aggregate": {
        "function": "sum",
        "column": "total_cents",
        "selection": {"all": [{"column": "state", "operator": "eq", "value": "overdue"}]},
        "minimum_group_size": 5,
    },
}
LIMITS: dict[str, int] = {
    "max_rows": 20,
    "max_groups": 50,
    "max_response_cells": 1000,
    "max_response_bytes": 65536,
    "statement_timeout_ms": 2000,
    "max_queries_per_session": 100,
    "max_extracted_cells_per_session": 10000,
    "max_differencing_queries": 10,
    "rate_limit_per_minute": 30,
}
_PROTECTED = {"version": "1", "boundary_digest": DIGEST, "generation_lock_fingerprint": DIGEST}
LINK: dict[str, Any] = {
    "schema": "shop",
    "table": "customers",
    "primary_key": "id",
    "tenant_key": "tenant_id",
    "local_key": "customer_id",
    "target_key": "id",
    "cardinality": "many_to_one",
    "max_fan_out": 1,
    "unmatched_rows": "exclude",
}
ROWS: dict[str, Any] = {
    "name": "shop.list_orders",
    "kind": "read",
    "context": "desk",
    "subject": ORDERS,
    "args": {"state": {"type": "string", "enum": ["open", "overdue"]}},
    "visible_fields": ["id", "state"],
    "kept_out_fields": ["card_token"],
    "evidence": EVIDENCE,
    "max_rows": 20,
    "protected_read": {
        **_PROTECTED,
        "mode": "rows",
        "predicates": [
            {"field": "state", "operator": "eq", "value": {"from_arg": "state"}},
            {"field": "tier", "relationship": "buyer", "operator": "in", "values": ["gold", "silver"]},
        ],
        "relationship": {"name": "buyer", **{k: v for k, v in LINK.items() if k != "unmatched_rows"}},
        "time_window": {"field": "made_at", "start": "2026-01-01T00:00:00.000Z", "end": "2026-02-01T00:00:00.000Z"},
        "row_order_by": [{"field": "id", "direction": "desc"}],
        "limits": LIMITS,
    },
}
GROUPS: dict[str, Any] = {
    "name": "shop.order_totals",
    "kind": "aggregate_read",
    "context": "desk",
    "subject": ORDERS,
    "args": {
        "from": {"type": "string", "max_length": 30},
        "until": {"type": "string", "max_length": 30},
    },
    "visible_fields": [],
    "kept_out_fields": ["card_token"],
    "evidence": EVIDENCE,
    "protected_read": {
        **_PROTECTED,
        "mode": "aggregate",
        "relationships": [{"name": "buyer", "links": [LINK, {**LINK, "table": "regions", "local_key": "region_id"}]}],
        "aggregate": {
            "counted_entity": "subject",
            "measures": [
                {"name": "orders", "function": "count"},
                {"name": "total", "function": "sum", "field": "total_cents"},
                {
                    "name": "share",
                    "function": "reviewed_derived",
                    "derived": {
                        "shape": "per_unit_average",
                        "numerator": {"function": "sum", "field": "total_cents"},
                        "denominator": {"function": "count"},
                        "null_policy": "null_on_zero_or_null_denominator",
                    },
                },
            ],
            "dimensions": [
                {"name": "tier", "field": "tier", "relationship": "buyer"},
                {
                    "name": "size",
                    "field": "total_cents",
                    "numeric_band": {"edges": [100, 1000], "bucket_labels": ["small", "middle", "large"]},
                },
            ],
            "comparison": {
                "field": "made_at",
                "ranges": [
                    {"start": {"from_arg": "from"}, "end": {"from_arg": "until"}},
                    {"start": {"fixed": "2026-01-01"}, "end": {"fixed": "2026-02-01"}},
                ],
            },
            "order_by": {"kind": "comparison_change", "measure": "total", "change": "absolute", "direction": "desc"},
            "top_n": 10,
            "minimum_group_size": 5,
        },
        "limits": {**LIMITS, "max_ranked_groups": 1000},
    },
}
TREND: dict[str, Any] = {
    **GROUPS,
    "name": "shop.order_trend",
    "args": {},
    "protected_read": {
        **_PROTECTED,
        "mode": "aggregate",
        "aggregate": {
            "counted_entity": "subject",
            "measures": [
                {
                    "name": "moving",
                    "function": "reviewed_derived",
                    "derived": {
                        "shape": "moving_average",
                        "base_measure": {"function": "sum", "field": "total_cents"},
                        "window_size": 3,
                    },
                }
            ],
            "time_bucket": {"name": "month", "field": "made_at", "bucket": "month"},
            "order_by": {"kind": "time_bucket", "direction": "asc"},
            "top_n": 12,
            "minimum_group_size": 5,
        },
        "limits": LIMITS,
    },
}
RANK: dict[str, Any] = {
    **TREND,
    "name": "shop.order_ranks",
    "protected_read": {
        **TREND["protected_read"],
        "aggregate": {
            "counted_entity": "subject",
            "measures": [
                {
                    "name": "place",
                    "function": "reviewed_derived",
                    "derived": {"shape": "rank", "base_measure": {"function": "count"}, "direction": "desc"},
                }
            ],
            "dimensions": [{"name": "state", "field": "state"}],
            "order_by": {"kind": "measure", "measure": "place", "direction": "asc"},
            "top_n": 12,
            "minimum_group_size": 5,
        },
    },
}
HOUSE: dict[str, Any] = {
    **ROWS,
    "name": "shop.house_orders",
    "context": "house",
    "subject": {"schema": "shop", "table": "orders", "primary_key": "id"},
    "args": {},
    "protected_read": {
        **_PROTECTED,
        "mode": "rows",
        "organization_scope": {
            "mode": "single_organization",
            "organization_id": "acme",
            "acknowledgement": "all_rows_belong_to_one_organization",
        },
        "limits": LIMITS,
    },
}

KINDS: dict[str, dict[str, Any]] = {
    "read": READ,
    "update": UPDATE,
    "insert": INSERT,
    "set": SET,
    "batch": BATCH,
    "delete": DELETE,
    "aggregate": AGGREGATE,
    "rows": ROWS,
    "groups": GROUPS,
    "trend": TREND,
    "rank": RANK,
    "house": HOUSE,
}

DOCUMENT: dict[str, Any] = {
    "spec_version": "0.1",
    "kind": "SynapsorContract",
    "metadata": {"name": "shop", "version": "1.0.0", "tags": ["orders"]},
    "x-runner-note": "extensions are passed over",
    "resources": [RESOURCE],
    "contexts": [
        CONTEXT,
        {
            "name": "house",
            "bindings": [{"name": "org", "source": "reviewed_organization", "key": "acme", "required": True}],
            "tenant_binding": "org",
        },
    ],
    "capabilities": list(KINDS.values()),
    "workflows": [
        {"name": "shop.discounts", "context": "desk", "allowed_capabilities": [READ["name"], UPDATE["name"]]}
    ],
    "policies": [
        {
            "name": "small",
            "kind": "approval",
            "mode": "green",
            "rules": [{"field": "discount_cents", "max": 500}],
            "limits": [
                {"kind": "count", "max": 20, "period": "day", "scope": "tenant_policy"},
                {"kind": "total", "max": 5000, "period": "day", "field": "discount_cents", "scope": "tenant_policy"},
            ],
        }
    ],
    "evidence": [{"handle": "ev_1", "capability": READ["name"], "query_fingerprint": DIGEST, "items": []}],
    "proposals": [{"id": "wrp_1", "capability": UPDATE["name"], "status": "pending_review"}],
    "receipts": [{"id": "r_1", "proposal_id": "wrp_1", "status": "applied"}],
    "replay": [{"id": "rp_1", "proposal_id": "wrp_1", "events": []}],
    "external_actions": [{"id": "x_1", "action": "mail"}],
}

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def apart(data: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of which no two parts are one."""
    copied: dict[str, Any] = json.loads(json.dumps(data))
    return copied


def document() -> dict[str, Any]:
    """Return the document of every kind, fresh each time."""
    return apart(DOCUMENT)


def only(*kinds: str, **changes: Any) -> dict[str, Any]:
    """Return a document with these capabilities and nothing that is about others."""
    kept = ("spec_version", "kind", "metadata", "resources", "contexts")
    base = {key: DOCUMENT[key] for key in kept}
    return apart({**base, "contexts": [CONTEXT], "capabilities": [KINDS[kind] for kind in kinds], **changes})


def spelled(path: str) -> str:
    """Return a path with the index of the capability that its first word names."""
    first, dot, rest = path.partition(".")
    return f"capabilities[{list(KINDS).index(first)}]{dot}{rest}" if first in KINDS else path


def edit(data: Any, path: str, value: Any) -> None:
    """Set, or take away, what stands at a path."""
    steps = [name or int(index) for name, index in _STEP.findall(spelled(path))]
    for step in steps[:-1]:
        data = data[step]
    if value is GONE:
        del data[steps[-1]]
    else:
        data[steps[-1]] = value
