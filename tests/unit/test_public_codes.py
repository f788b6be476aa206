"""Every code of the public format: what breaks its sentence is found at its exact path, and nothing else is.

Each case changes one place of a document that is in order. The code is reported there, unless the case names another place; `also`
is what the same change breaks besides.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from synapsor.contract.public.codes import CODES, WARNINGS
from synapsor.contract.public.document import validate
from tests.unit.public_contracts import (
    BOUND,
    CONTEXT,
    DOCUMENT,
    GONE,
    KINDS,
    LINK,
    RESOURCE,
    WHO,
    document,
    edit,
    only,
    spelled,
)

LONG = ["x"] * 65
NINE = [{"column": f"c{n}", "operator": "eq", "value": 1} for n in range(9)]


@dataclass(frozen=True)
class Case:
    """One change and what it breaks."""

    code: str
    path: str
    value: Any
    at: str = ""
    also: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.code}-{self.path}"


C = Case
# One line a case, so that the table reads as one.
# fmt: off
FRAME = (
    C("DUPLICATE_RESOURCE_NAME", "resources", [RESOURCE, RESOURCE], at="resources[1].name"),
    C("DUPLICATE_CONTEXT_NAME", "contexts", [*DOCUMENT["contexts"], CONTEXT], at="contexts[2].name"),
    C("DUPLICATE_BINDING_NAME", "contexts[0].bindings", [BOUND, WHO, WHO], at="contexts[0].bindings[2].name"),
    C("DUPLICATE_CAPABILITY_NAME", "rank.name", "shop.order_trend"),
    C("DUPLICATE_WORKFLOW_NAME", "workflows", DOCUMENT["workflows"] * 2, at="workflows[1].name"),
    C("DUPLICATE_POLICY_NAME", "policies", DOCUMENT["policies"] * 2, at="policies[1].name"),
    C("BINDINGS_REQUIRED", "contexts[0].bindings", [], also=(("update.context", "PRINCIPAL_SCOPE_BINDING_REQUIRED"),)),
    C("UNSUPPORTED_SPEC_VERSION", "spec_version", "0.2"),
    C("UNSUPPORTED_SPEC_VERSION", "spec_version", 0.1),
    C("INVALID_KIND", "kind", GONE),
    C("UNKNOWN_CORE_FIELD", "settings", {}),
    C("UNKNOWN_CORE_FIELD", "x-other-note", "an extension of nobody"),
    C("UNKNOWN_CORE_FIELD", "read.subject.masks", []),
    C("UNKNOWN_CORE_FIELD", "groups.protected_read.limits.max_cost", 1),
    C("INLINE_SECRET_OR_URL", "metadata.x-runner-database_url", "postgres://reader:pw@db/shop"),
    C("INLINE_SECRET_OR_URL", "read.x-cloud-token", "Bearer abc"),
    C("INLINE_SECRET_OR_URL", "update.proposal.patch.state.x-runner-secret", "A" * 24),
    C("METADATA_NOT_OBJECT", "metadata", []),
    C("METADATA_NOT_OBJECT", "metadata", None),
    C("INVALID_METADATA_NAME", "metadata.name", " "),
    C("INVALID_METADATA_TAGS", "metadata.tags", ["a", 1]),
    C("RESOURCES_NOT_ARRAY", "resources", {}),
    C("RESOURCE_NOT_OBJECT", "resources[0]", "orders"),
    C("INVALID_RESOURCE_NAME", "resources[0].name", "a.b.c"),
    C("INVALID_RESOURCE_ENGINE", "resources[0].engine", "oracle"),
    C("INVALID_RESOURCE_IDENTIFIER", "resources[0].schema", "shop-1"),
    C("INVALID_RESOURCE_IDENTIFIER", "resources[0].primary_key", ["id", "line"]),
    C("INVALID_TENANT_KEY", "resources[0].tenant_key", 1, also=(("resources[0].tenant_key", "TENANT_KEY_REQUIRED"),)),
    C("TENANT_KEY_REQUIRED", "resources[0].tenant_key", GONE),
    C("INVALID_CONFLICT_KEY", "resources[0].conflict_key", ""),
    C("CONTEXT_NOT_OBJECT", "contexts[1]", 1, also=(("house.context", "UNKNOWN_CONTEXT"), ("house.context", "PROTECTED_ORGANIZATION_BINDING_REQUIRED"))),
    C("INVALID_CONTEXT_NAME", "contexts[1].name", "a b", also=(("house.context", "UNKNOWN_CONTEXT"), ("house.context", "PROTECTED_ORGANIZATION_BINDING_REQUIRED"))),
    C("BINDING_NOT_OBJECT", "contexts[0].bindings[0]", "tenant", also=(("contexts[0].tenant_binding", "UNKNOWN_CONTEXT_BINDING"),)),
    C("INVALID_BINDING_NAME", "contexts[0].bindings[0].name", "a-b", also=(("contexts[0].tenant_binding", "UNKNOWN_CONTEXT_BINDING"),)),
    C("INVALID_BINDING_SOURCE", "contexts[0].bindings[0].source", "cookie"),
    C("INVALID_BINDING_KEY", "contexts[0].bindings[0].key", "  "),
    C("UNKNOWN_CONTEXT_BINDING", "contexts[0].tenant_binding", "nobody"),
    C("WORKFLOWS_NOT_ARRAY", "workflows", None),
    C("WORKFLOW_NOT_OBJECT", "workflows[0]", []),
    C("INVALID_WORKFLOW_NAME", "workflows[0].name", "discounts"),
    C("UNKNOWN_CONTEXT", "workflows[0].context", "nowhere"),
    C("WORKFLOW_CAPABILITIES_REQUIRED", "workflows[0].allowed_capabilities", []),
    C("UNKNOWN_CAPABILITY", "workflows[0].allowed_capabilities[1]", "shop.other"),
    C("EVIDENCE_NOT_ARRAY", "evidence", {}),
    C("EVIDENCE_NOT_OBJECT", "evidence[0]", 1),
    C("RECEIPT_NOT_ARRAY", "receipts", {}),
    C("RECEIPT_NOT_OBJECT", "receipts[0]", 1),
    C("EXTERNAL_ACTION_NOT_ARRAY", "external_actions", {}),
    C("EXTERNAL_ACTION_NOT_OBJECT", "external_actions[0]", 1),
    C("PROPOSALS_NOT_ARRAY", "proposals", {}),
    C("PROPOSAL_NOT_OBJECT", "proposals[0]", 1),
    C("INVALID_PROPOSAL_ID", "proposals[0].id", ""),
    C("UNKNOWN_CAPABILITY", "proposals[0].capability", "shop.other"),
    C("REPLAY_NOT_ARRAY", "replay", {}),
    C("REPLAY_RECORD_NOT_OBJECT", "replay[0]", 1),
    C("INVALID_REPLAY_ID", "replay[0].id", None),
    C("REPLAY_EVENTS_REQUIRED", "replay[0].events", {}),
    C("UNKNOWN_CORE_FIELD", "replay[0].actor", "x"),
)
CAPABILITIES = (
    C("CAPABILITY_NOT_OBJECT", "rank", None),
    C("INVALID_CAPABILITY_NAME", "rank.name", "order_ranks"),
    C("INVALID_CAPABILITY_NAME", "rank.name", "a.b.c"),
    C("INVALID_CAPABILITY_KIND", "read.kind", "search"),
    C("UNKNOWN_CONTEXT", "read.context", "nowhere"),
    C("INVALID_RETURNS_HINT", "read.returns_hint", ""),
    C("LOOKUP_NOT_OBJECT", "read.lookup", "order_id"),
    C("UNKNOWN_LOOKUP_ARG", "read.lookup.id_from_arg", "invoice_id"),
    C("VISIBLE_FIELDS_REQUIRED", "read.visible_fields", []),
    C("VISIBLE_FIELDS_REQUIRED", "read.visible_fields", GONE),
    C("INVALID_KEPT_OUT_FIELDS", "read.kept_out_fields", "card_token"),
    C("INVALID_MODEL_WITHHELD_FIELDS", "read.model_withheld_fields", {}),
    C("INVALID_FIELD_IDENTIFIER", "read.visible_fields[1]", "state; drop"),
    C("DUPLICATE_FIELD", "read.visible_fields[1]", "id"),
    C("KEPT_OUT_FIELD_VISIBLE", "read.kept_out_fields[0]", "state", at="read.kept_out_fields"),
    C("MODEL_WITHHELD_FIELD_KEPT_OUT", "read.model_withheld_fields[0]", "card_token", at="read.model_withheld_fields"),
    C("EVIDENCE_NOT_OBJECT", "read.evidence", True),
    C("INVALID_EVIDENCE_REQUIRED", "read.evidence.required", 1),
    C("INVALID_EVIDENCE_SOURCES", "read.evidence.sources", [""]),
    C("INVALID_MAX_ROWS", "read.max_rows", 0),
    C("INVALID_MAX_ROWS", "read.max_rows", True),
    C("INVALID_MAX_ROWS", "read.max_rows", 1.5),
    C("PROPOSAL_REQUIRED", "delete.proposal", GONE),
    C("PROPOSAL_ONLY_FOR_PROPOSAL_KIND", "read.proposal", {}),
    C("AGGREGATE_READ_REQUIRED", "aggregate.aggregate", GONE),
    C("AGGREGATE_ONLY_FOR_AGGREGATE_READ", "read.aggregate", {}),
    C("LEGACY_AGGREGATE_WITH_PROTECTED_READ", "groups.aggregate", {}),
    C("SUBJECT_REQUIRED", "read.subject", "orders"),
    C("UNKNOWN_RESOURCE", "read.subject.resource", "invoices"),
    C("INVALID_SUBJECT_IDENTIFIER", "insert.subject.table", GONE),
    C("TENANT_KEY_REQUIRED", "delete.subject.tenant_key", GONE),
    C("INVALID_PRINCIPAL_SCOPE_KEY", "read.subject.principal_scope_key", "own er"),
    C("PRINCIPAL_SCOPE_TENANT_REQUIRED", "update.subject.tenant_key", GONE, at="update.subject.principal_scope_key", also=(("update.subject.tenant_key", "TENANT_KEY_REQUIRED"),)),
    C("PRINCIPAL_SCOPE_BINDING_REQUIRED", "contexts[0].bindings[1].required", False, at="update.context"),
    C("PRINCIPAL_SCOPE_BINDING_REQUIRED", "contexts[0].principal_binding", GONE, at="update.context"),
    C("MODEL_CONTROLLED_PRINCIPAL_SCOPE", "update.args.owner", {"type": "string"}),
    C("PRINCIPAL_SCOPE_WRITE_FORBIDDEN", "update.proposal.allowed_fields", ["discount_cents", "discount_reason", "state", "owner"]),
    C("PRINCIPAL_SCOPE_WRITE_FORBIDDEN", "update.proposal.patch.owner", {"fixed": "me"}, also=(("update.proposal.patch.owner", "PATCH_FIELD_NOT_ALLOWED"),)),
    C("ARGS_REQUIRED", "rows.args", [], also=(("rows.protected_read.predicates[0].value.from_arg", "UNKNOWN_PROTECTED_VALUE_ARG"),)),
    C("INVALID_ARG_NAME", "read.args.order-id", {"type": "string"}),
    C("MODEL_CONTROLLED_TRUST_ARG", "read.args.tenant_id", {"type": "string"}),
    C("MODEL_CONTROLLED_TRUST_ARG", "read.args.row_version", {"type": "number"}),
    C("ARG_NOT_OBJECT", "read.args.order_id", "string"),
    C("INVALID_ARG_TYPE", "read.args.order_id.type", "uuid"),
    C("INVALID_ARG_DESCRIPTION", "read.args.order_id.description", ""),
    C("INVALID_MAX_LENGTH", "read.args.order_id.max_length", True),
    C("INVALID_MAX_LENGTH", "read.args.order_id.max_length", 0),
    C("INVALID_MINIMUM", "update.args.cents.minimum", True),
    C("INVALID_MINIMUM", "update.args.cents.minimum", "1"),
    C("INVALID_MAXIMUM", "update.args.cents.maximum", None),
    C("NUMERIC_BOUNDS_REQUIRE_NUMBER", "read.args.order_id.minimum", 1, at="read.args.order_id"),
    C("INVALID_ARG_NUMERIC_RANGE", "update.args.cents.minimum", 60000, at="update.args.cents"),
    C("INVALID_ARG_ENUM", "update.args.reason.enum", []),
    C("INVALID_ARG_ENUM", "update.args.reason.enum", LONG),
    C("ARG_ENUM_TYPE_MISMATCH", "update.args.reason.enum[0]", 1),
    C("ARG_ENUM_TYPE_MISMATCH", "update.args.cents.enum", [True], at="update.args.cents.enum[0]"),
    C("ARG_ENUM_DUPLICATE_VALUE", "update.args.reason.enum[1]", "late"),
    C("INVALID_OBJECT_ARRAY_MAX_ITEMS", "batch.args.lines.max_items", 101, also=(("batch.args.lines.max_items", "BATCH_ITEMS_EXCEED_MAX_ROWS"),)),
    C("OBJECT_ARRAY_FIELDS_REQUIRED", "batch.args.lines.fields", {}, also=(("batch.proposal.patch.cents.from_item", "UNKNOWN_BATCH_ITEM_FIELD"), ("batch.proposal.operation.deduplication.components[1].item_field", "UNKNOWN_DEDUP_ITEM_FIELD"))),
    C("NESTED_OBJECT_ARRAY_FORBIDDEN", "batch.args.lines.fields.more", {"type": "object_array", "max_items": 1, "fields": {"a": {"type": "string"}}}),
    C("OBJECT_ARRAY_SCALAR_OPTION_FORBIDDEN", "batch.args.lines.max_length", 5),
    C("OBJECT_ARRAY_OPTIONS_REQUIRE_OBJECT_ARRAY", "read.args.order_id.max_items", 5, at="read.args.order_id"),
    C("INVALID_AGGREGATE_FUNCTION", "aggregate.aggregate.function", "max"),
    C("AGGREGATE_MINIMUM_GROUP_SIZE_REQUIRED", "aggregate.aggregate.minimum_group_size", 0),
    C("COUNT_MODE_REQUIRED", "aggregate.aggregate.function", "count", at="aggregate.aggregate.count_mode"),
    C("COUNT_ROWS_COLUMN_FORBIDDEN", "aggregate.aggregate", {"function": "count", "count_mode": "rows", "column": "id", "minimum_group_size": 1}, at="aggregate.aggregate.column"),
    C("COUNT_COLUMN_REQUIRED", "aggregate.aggregate", {"function": "count", "count_mode": "non_null", "minimum_group_size": 1}, at="aggregate.aggregate.column"),
    C("COUNT_MODE_COUNT_ONLY", "aggregate.aggregate.count_mode", "rows"),
    C("AGGREGATE_NUMERIC_COLUMN_REQUIRED", "aggregate.aggregate.column", GONE),
    C("AGGREGATE_MODEL_ARGS_FORBIDDEN", "aggregate.args.state", {"type": "string"}, at="aggregate.args"),
    C("AGGREGATE_LOOKUP_FORBIDDEN", "aggregate.lookup", {"id_from_arg": "x"}, also=(("aggregate.lookup.id_from_arg", "UNKNOWN_LOOKUP_ARG"),)),
    C("AGGREGATE_VISIBLE_ROWS_FORBIDDEN", "aggregate.visible_fields", ["id"]),
    C("AGGREGATE_EVIDENCE_REQUIRED", "aggregate.evidence", {"required": True}),
    C("FIXED_SELECTION_REQUIRED", "aggregate.aggregate.selection", []),
    C("INVALID_FIXED_SELECTION", "aggregate.aggregate.selection.all", NINE),
    C("INVALID_FIXED_SELECTION", "set.proposal.operation.selection.all", []),
    C("PREDICATE_TERM_NOT_OBJECT", "aggregate.aggregate.selection.all[0]", "state"),
    C("INVALID_PREDICATE_COLUMN", "aggregate.aggregate.selection.all[0].column", "state = 1 or state"),
    C("INVALID_PREDICATE_OPERATOR", "aggregate.aggregate.selection.all[0].operator", "neq"),
    C("FIXED_PREDICATE_VALUE_REQUIRED", "aggregate.aggregate.selection.all[0].value", GONE),
    C("FIXED_PREDICATE_VALUE_REQUIRED", "aggregate.aggregate.selection.all[0].value", ["overdue"]),
)
PROPOSALS = (
    C("INVALID_PROPOSAL_ACTION", "delete.proposal.action", "remove it"),
    C("ALLOWED_FIELDS_REQUIRED", "insert.proposal.allowed_fields", GONE),
    C("PATCH_REQUIRED", "insert.proposal.patch", {}),
    C("PATCH_REQUIRED", "delete.proposal.patch", GONE),
    C("DELETE_PATCH_FORBIDDEN", "delete.proposal.patch", {"state": {"fixed": "gone"}}),
    C("INVALID_PATCH_FIELD", "insert.proposal.patch.a-b", {"fixed": 1}, also=(("insert.proposal.patch.a-b", "PATCH_FIELD_NOT_ALLOWED"),)),
    C("PATCH_FIELD_NOT_ALLOWED", "insert.proposal.patch.other", {"fixed": 1}),
    C("PATCH_BINDING_NOT_OBJECT", "insert.proposal.patch.cents", 5),
    C("PATCH_BINDING_REQUIRED", "insert.proposal.patch.cents.fixed", 5, at="insert.proposal.patch.cents"),
    C("PATCH_BINDING_REQUIRED", "insert.proposal.patch.cents", {}),
    C("NUMERIC_BOUNDS_NOT_OBJECT", "update.proposal.numeric_bounds", []),
    C("INVALID_NUMERIC_BOUND_FIELD", "update.proposal.numeric_bounds.a b", {"minimum": 1}, also=(("update.proposal.numeric_bounds.a b", "NUMERIC_BOUND_PATCH_FIELD_REQUIRED"),)),
    C("NUMERIC_BOUND_PATCH_FIELD_REQUIRED", "update.proposal.numeric_bounds.total_cents", {"minimum": 1}),
    C("NUMERIC_BOUND_NOT_OBJECT", "update.proposal.numeric_bounds.discount_cents", 2500),
    C("NUMERIC_BOUND_EMPTY", "update.proposal.numeric_bounds.discount_cents", {}),
    C("INVALID_MINIMUM", "update.proposal.numeric_bounds.discount_cents.minimum", False),
    C("INVALID_MAXIMUM", "update.proposal.numeric_bounds.discount_cents.maximum", "2500"),
    C("INVALID_NUMERIC_RANGE", "update.proposal.numeric_bounds.discount_cents.minimum", 2501, at="update.proposal.numeric_bounds.discount_cents"),
    C("TRANSITION_GUARDS_NOT_OBJECT", "update.proposal.transition_guards", []),
    C("INVALID_TRANSITION_GUARD_FIELD", "update.proposal.transition_guards.a b", {"allowed": {"a": ["b"]}}, also=(("update.proposal.transition_guards.a b", "TRANSITION_GUARD_PATCH_FIELD_REQUIRED"),)),
    C("TRANSITION_GUARD_PATCH_FIELD_REQUIRED", "update.proposal.transition_guards.tier", {"allowed": {"a": ["b"]}}),
    C("TRANSITION_GUARD_NOT_OBJECT", "update.proposal.transition_guards.state", "open"),
    C("INVALID_TRANSITION_FROM_COLUMN", "update.proposal.transition_guards.state.from_column", "a b"),
    C("TRANSITION_ALLOWED_REQUIRED", "update.proposal.transition_guards.state.allowed", {}),
    C("TRANSITION_FROM_REQUIRED", "update.proposal.transition_guards.state.allowed", {" ": ["discounted"]}, at="update.proposal.transition_guards.state.allowed. "),
    C("TRANSITION_TO_VALUES_REQUIRED", "update.proposal.transition_guards.state.allowed.open", []),
    C("CONFLICT_GUARD_NOT_OBJECT", "insert.proposal.conflict_guard", "version"),
    C("INVALID_CONFLICT_COLUMN", "insert.proposal.conflict_guard", {"column": "a b"}, at="insert.proposal.conflict_guard.column"),
    C("CONFLICT_GUARD_REQUIRED", "insert.proposal.conflict_guard", {"weak_guard_ack": "yes"}),
    C("NESTED_VALUE_NOT_OBJECT", "insert.proposal.execution", "allowed"),
    C("INVALID_APPROVAL_MODE", "delete.proposal.approval.mode", "auto", also=(("delete.proposal.approval.mode", "HARD_DELETE_HUMAN_APPROVAL_REQUIRED"),)),
    C("INVALID_REQUIRED_APPROVALS", "delete.proposal.approval.required_approvals", 11),
    C("INVALID_REQUIRED_APPROVALS", "delete.proposal.approval.required_approvals", True),
    C("INVALID_WRITEBACK_MODE", "delete.proposal.writeback.mode", "email"),
    C("REVERSIBILITY_NOT_OBJECT", "delete.proposal.reversibility", True),
    C("INVALID_REVERSIBILITY_MODE", "insert.proposal.reversibility.mode", "undo"),
    C("REVERSIBILITY_DIRECT_SQL_REQUIRED", "insert.proposal.writeback.mode", "app_handler"),
    C("REVERSIBILITY_HUMAN_APPROVAL_REQUIRED", "insert.proposal.approval.mode", GONE),
    C("REVERSIBILITY_CONFLICT_GUARD_REQUIRED", "insert.proposal.operation", GONE, at="insert.proposal.conflict_guard.column", also=(("insert.proposal.operation.version_advance", "REVERSIBILITY_INTEGER_VERSION_REQUIRED"),)),
    C("REVERSIBILITY_INTEGER_VERSION_REQUIRED", "insert.proposal.operation", GONE, at="insert.proposal.operation.version_advance", also=(("insert.proposal.conflict_guard.column", "REVERSIBILITY_CONFLICT_GUARD_REQUIRED"),)),
    C("REVERSIBILITY_PRIMARY_KEY_DEDUP_REQUIRED", "insert.subject.primary_key", "number", at="insert.proposal.operation.deduplication.components"),
    C("INVALID_SUPERVISED_WORKER_PERMISSION", "update.proposal.execution.supervised_worker", True),
    C("SUPERVISED_WORKER_DIRECT_SQL_REQUIRED", "update.proposal.writeback.mode", "none"),
    C("SUPERVISED_WORKER_SINGLE_ROW_REQUIRED", "set.proposal.execution", {"supervised_worker": "allowed"}, at="set.proposal.operation.cardinality"),
    C("SUPERVISED_WORKER_DELETE_FORBIDDEN", "delete.proposal.execution", {"supervised_worker": "allowed"}, at="delete.proposal.operation.kind"),
    C("SUPERVISED_WORKER_REVERSIBILITY_FORBIDDEN", "insert.proposal.execution", {"supervised_worker": "allowed"}, at="insert.proposal.reversibility"),
    C("SUPERVISED_WORKER_EXACT_CONFLICT_GUARD_REQUIRED", "update.proposal.conflict_guard.weak_guard_ack", True, at="update.proposal.conflict_guard.column"),
    C("OPERATION_NOT_OBJECT", "update.proposal.operation", "update"),
    C("INVALID_OPERATION_KIND", "update.proposal.operation.kind", "upsert"),
    C("INVALID_OPERATION_CARDINALITY", "insert.proposal.operation.cardinality", "many"),
    C("SET_FIELD_REQUIRES_SET_CARDINALITY", "insert.proposal.operation.max_rows", 5),
    C("VERSION_ADVANCE_NOT_OBJECT", "update.proposal.operation.version_advance", 1),
    C("INVALID_VERSION_ADVANCE_COLUMN", "update.proposal.operation.version_advance.column", 1),
    C("INVALID_VERSION_ADVANCE_STRATEGY", "update.proposal.operation.version_advance.strategy", "clock"),
    C("VERSION_ADVANCE_GUARD_MISMATCH", "update.proposal.operation.version_advance.column", "other"),
    C("VERSION_ADVANCE_UPDATE_ONLY", "delete.proposal.operation.version_advance", {"column": "version", "strategy": "integer_increment"}),
    C("DELETE_CONFLICT_GUARD_REQUIRED", "delete.proposal.conflict_guard", {"weak_guard_ack": True}, at="delete.proposal.conflict_guard.column"),
    C("HARD_DELETE_HUMAN_APPROVAL_REQUIRED", "delete.proposal.approval.mode", GONE),
    C("DEDUPLICATION_INSERT_ONLY", "delete.proposal.operation.deduplication", {}),
    C("FROM_ITEM_BATCH_INSERT_ONLY", "insert.proposal.patch.cents", {"from_item": "cents"}, at="insert.proposal.patch.cents.from_item"),
)
_COMPONENTS = "insert.proposal.operation.deduplication.components"
_BATCH = "batch.proposal.operation"
SETS = (
    C("INSERT_DEDUPLICATION_REQUIRED", "insert.proposal.operation.deduplication", GONE, also=((_COMPONENTS, "REVERSIBILITY_PRIMARY_KEY_DEDUP_REQUIRED"),)),
    C("INVALID_DEDUPLICATION_COMPONENTS", _COMPONENTS, [], also=((_COMPONENTS, "REVERSIBILITY_PRIMARY_KEY_DEDUP_REQUIRED"),)),
    C("DEDUPLICATION_COMPONENT_NOT_OBJECT", f"{_COMPONENTS}[2]", "origin"),
    C("INVALID_DEDUPLICATION_COLUMN", f"{_COMPONENTS}[2].column", "a b"),
    C("DUPLICATE_DEDUPLICATION_COLUMN", f"{_COMPONENTS}[2].column", "id"),
    C("DEDUPLICATION_COLUMN_MODEL_CONTROLLED", f"{_COMPONENTS}[2].column", "cents"),
    C("INVALID_DEDUPLICATION_SOURCE", f"{_COMPONENTS}[2]", {"column": "origin", "source": "clock"}, at=f"{_COMPONENTS}[2].source"),
    C("DEDUPLICATION_FIXED_VALUE_REQUIRED", f"{_COMPONENTS}[2].fixed", GONE),
    C("DEDUPLICATION_FIXED_VALUE_FORBIDDEN", f"{_COMPONENTS}[1].fixed", 1),
    C("DEDUPLICATION_ITEM_FIELD_REQUIRED", f"{_BATCH}.deduplication.components[1].item_field", GONE, also=((f"{_BATCH}.deduplication.components[1].item_field", "UNKNOWN_DEDUP_ITEM_FIELD"),)),
    C("DEDUPLICATION_ITEM_FIELD_FORBIDDEN", f"{_COMPONENTS}[1].item_field", "id"),
    C("DEDUPLICATION_TENANT_MISMATCH", f"{_COMPONENTS}[0].column", "owner", also=((_COMPONENTS, "TRUSTED_TENANT_DEDUPLICATION_REQUIRED"),)),
    C("TRUSTED_TENANT_DEDUPLICATION_REQUIRED", f"{_COMPONENTS}[0]", {"column": "origin2", "source": "fixed", "fixed": 1}, at=_COMPONENTS),
    C("PROPOSAL_DEDUPLICATION_REQUIRED", f"{_COMPONENTS}[1]", {"column": "id", "source": "fixed", "fixed": 1}, at=_COMPONENTS),
    C("ITEM_DEDUPLICATION_REQUIRED", f"{_BATCH}.deduplication.components[1]", {"column": "id", "source": "proposal_id"}, at=f"{_BATCH}.deduplication.components", also=((f"{_BATCH}.deduplication.components", "BATCH_PRIMARY_KEY_REQUIRED"),)),
    C("SET_MAX_ROWS_REQUIRED", "set.proposal.operation.max_rows", 101),
    C("SET_AGGREGATE_BOUND_REQUIRED", "set.proposal.operation.aggregate_bounds", []),
    C("AGGREGATE_BOUND_NOT_OBJECT", "set.proposal.operation.aggregate_bounds[0]", 5),
    C("INVALID_AGGREGATE_BOUND_COLUMN", "set.proposal.operation.aggregate_bounds[0].column", "a b"),
    C("INVALID_AGGREGATE_BOUND_MEASURE", "set.proposal.operation.aggregate_bounds[0].measure", "delta"),
    C("INVALID_AGGREGATE_BOUND_MAXIMUM", "set.proposal.operation.aggregate_bounds[0].maximum", -1),
    C("INVALID_AGGREGATE_BOUND_MAXIMUM", "set.proposal.operation.aggregate_bounds[0].maximum", True),
    C("SET_WRITE_HUMAN_APPROVAL_REQUIRED", "set.proposal.approval.mode", GONE),
    C("SET_WRITE_DIRECT_SQL_REQUIRED", "set.proposal.writeback", GONE, at="set.proposal.writeback.mode"),
    C("SET_INTEGER_VERSION_REQUIRED", "set.proposal.operation.version_advance.strategy", "database_generated", at="set.proposal.operation.version_advance"),
    C("SET_FIXED_SELECTION_REQUIRED", "set.proposal.operation.selection", GONE),
    C("SET_REVIEW_FIELD_NOT_VISIBLE", "set.visible_fields", ["id", "state", "version"]),
    C("BATCH_INSERT_ITEMS_REQUIRED", f"{_BATCH}.batch", GONE, also=((f"{_BATCH}.batch.items_from_arg", "BATCH_ITEMS_ARG_NOT_OBJECT_ARRAY"),)),
    C("INVALID_BATCH_ITEMS_ARG", f"{_BATCH}.batch.items_from_arg", 1, also=((f"{_BATCH}.batch.items_from_arg", "BATCH_ITEMS_ARG_NOT_OBJECT_ARRAY"),)),
    C("BATCH_ITEMS_ARG_NOT_OBJECT_ARRAY", f"{_BATCH}.batch.items_from_arg", "rows"),
    C("BATCH_ITEMS_EXCEED_MAX_ROWS", f"{_BATCH}.max_rows", 9, at="batch.args.lines.max_items"),
    C("BATCH_INSERT_SELECTION_FORBIDDEN", f"{_BATCH}.selection", {}),
    C("UNKNOWN_BATCH_ITEM_FIELD", "batch.proposal.patch.cents.from_item", "price"),
    C("UNKNOWN_DEDUP_ITEM_FIELD", f"{_BATCH}.deduplication.components[1].item_field", "number"),
    C("BATCH_PRIMARY_KEY_REQUIRED", f"{_BATCH}.deduplication.components[1].column", "number", at=f"{_BATCH}.deduplication.components"),
    C("BATCH_INSERT_ONLY", "set.proposal.operation.batch", {"items_from_arg": "lines"}),
)
POLICIES = (
    C("POLICIES_NOT_ARRAY", "policies", {}, also=(("update.proposal.approval.policy", "UNKNOWN_APPROVAL_POLICY"),)),
    C("POLICY_NOT_OBJECT", "policies[0]", "small", also=(("update.proposal.approval.policy", "UNKNOWN_APPROVAL_POLICY"),)),
    C("INVALID_POLICY_NAME", "policies[0].name", "a b", also=(("update.proposal.approval.policy", "UNKNOWN_APPROVAL_POLICY"),)),
    C("INVALID_POLICY_KIND", "policies[0].kind", "vote", also=(("policies[0].limits", "APPROVAL_POLICY_LIMITS_KIND_REQUIRED"), ("update.proposal.approval.policy", "APPROVAL_POLICY_KIND_REQUIRED"))),
    C("INVALID_POLICY_MODE", "policies[0].mode", "blue"),
    C("POLICY_RULES_NOT_ARRAY", "policies[0].rules", {}),
    C("APPROVAL_POLICY_RULE_NOT_OBJECT", "policies[0].rules[0]", 500),
    C("INVALID_APPROVAL_POLICY_FIELD", "policies[0].rules[0].field", "a b"),
    C("INVALID_APPROVAL_POLICY_MAX", "policies[0].rules[0].max", True),
    C("INVALID_APPROVAL_POLICY_MAX", "policies[0].rules[0].max", 1.5),
    C("APPROVAL_POLICY_LIMITS_NOT_ARRAY", "policies[0].limits", []),
    C("APPROVAL_POLICY_LIMITS_KIND_REQUIRED", "policies[0].kind", "scope", at="policies[0].limits", also=(("update.proposal.approval.policy", "APPROVAL_POLICY_KIND_REQUIRED"),)),
    C("APPROVAL_POLICY_LIMIT_NOT_OBJECT", "policies[0].limits[0]", 20),
    C("INVALID_APPROVAL_POLICY_LIMIT_KIND", "policies[0].limits[0].kind", "average"),
    C("INVALID_APPROVAL_POLICY_LIMIT_MAX", "policies[0].limits[0].max", -1),
    C("INVALID_APPROVAL_POLICY_LIMIT_PERIOD", "policies[0].limits[0].period", "week"),
    C("INVALID_APPROVAL_POLICY_LIMIT_SCOPE", "policies[0].limits[0].scope", "world"),
    C("APPROVAL_POLICY_TOTAL_FIELD_REQUIRED", "policies[0].limits[1].field", GONE),
    C("APPROVAL_POLICY_COUNT_FIELD_FORBIDDEN", "policies[0].limits[0].field", "discount_cents"),
    C("APPROVAL_POLICY_ROLE_REQUIRED", "update.proposal.approval.required_role", GONE),
    C("APPROVAL_POLICY_REQUIRED", "update.proposal.approval.policy", GONE),
    C("UNKNOWN_APPROVAL_POLICY", "update.proposal.approval.policy", "large"),
    C("APPROVAL_POLICY_KIND_REQUIRED", "policies[0]", {"name": "small", "kind": "custom"}, at="update.proposal.approval.policy"),
    C("APPROVAL_POLICY_MODE_REQUIRED", "update.proposal.approval.mode", "human", at="update.proposal.approval.policy"),
    C("APPROVAL_POLICY_FIELD_NOT_NUMERIC", "policies[0].rules[0].field", "state"),
    C("APPROVAL_POLICY_MAX_EXCEEDS_BOUND", "policies[0].rules[0].max", 2501),
    C("APPROVAL_POLICY_TOTAL_FIELD_NOT_NUMERIC", "policies[0].limits[1].field", "state"),
)
_ROWS = "rows.protected_read"
PROTECTED = (
    C("PROTECTED_READ_NOT_OBJECT", _ROWS, "1"),
    C("PROTECTED_READ_KIND_FORBIDDEN", "rows.kind", "external_action", at=_ROWS, also=(("rows.kind", "PROTECTED_READ_KIND_MISMATCH"),)),
    C("PROTECTED_READ_KIND_MISMATCH", f"{_ROWS}.mode", "aggregate", at="rows.kind", also=((f"{_ROWS}.aggregate", "PROTECTED_AGGREGATE_REQUIRED"), (f"{_ROWS}.row_order_by", "PROTECTED_AGGREGATE_ROW_ORDER_FORBIDDEN"), ("rows.visible_fields", "PROTECTED_AGGREGATE_VISIBLE_ROWS_FORBIDDEN"))),
    C("INVALID_PROTECTED_READ_VERSION", f"{_ROWS}.version", 1),
    C("INVALID_PROTECTED_READ_MODE", f"{_ROWS}.mode", "row"),
    C("INVALID_PROTECTED_READ_DIGEST", f"{_ROWS}.boundary_digest", "sha256:" + "A" * 64),
    C("PROTECTED_READ_EVIDENCE_REQUIRED", "rows.evidence", GONE),
    C("PROTECTED_READ_SCALAR_ARGS_ONLY", "rows.args.list", {"type": "object_array", "max_items": 1, "fields": {"a": {"type": "string"}}}, also=(("rows.args.list", "PROTECTED_READ_UNUSED_ARG"),)),
    C("PROTECTED_READ_UNUSED_ARG", "rows.args.more", {"type": "string"}),
    C("PROTECTED_SCOPE_MODES_CONFLICT", "house.subject.tenant_key", "tenant_id", at="house.protected_read.organization_scope"),
    C("PROTECTED_TENANT_AUTHORITY_REQUIRED", "rows.subject", {"resource": "orders"}, at="rows.subject.tenant_key"),
    C("PROTECTED_ORGANIZATION_SCOPE_NOT_OBJECT", f"{_ROWS}.organization_scope", "acme"),
    C("INVALID_PROTECTED_ORGANIZATION_MODE", f"{_ROWS}.organization_scope", {"mode": "x", "organization_id": "acme", "acknowledgement": "all_rows_belong_to_one_organization"}, at=f"{_ROWS}.organization_scope.mode", also=(("rows.context", "PROTECTED_ORGANIZATION_BINDING_REQUIRED"),)),
    C("INVALID_PROTECTED_ORGANIZATION_ID", f"{_ROWS}.organization_scope", {"mode": "single_organization", "organization_id": "", "acknowledgement": "all_rows_belong_to_one_organization"}, at=f"{_ROWS}.organization_scope.organization_id", also=(("rows.context", "PROTECTED_ORGANIZATION_BINDING_REQUIRED"),)),
    C("PROTECTED_ORGANIZATION_ACKNOWLEDGEMENT_REQUIRED", f"{_ROWS}.organization_scope", {"mode": "single_organization", "organization_id": "acme"}, at=f"{_ROWS}.organization_scope.acknowledgement", also=(("rows.context", "PROTECTED_ORGANIZATION_BINDING_REQUIRED"),)),
    C("PROTECTED_ORGANIZATION_BINDING_REQUIRED", "contexts[1].bindings[0].key", "globex", at="house.context"),
    C("PROTECTED_ORGANIZATION_AUTHORITY_REQUIRED", "read.context", "house"),
    C("INVALID_PROTECTED_PREDICATES", f"{_ROWS}.predicates", [{"field": "state", "operator": "eq", "value": {"from_arg": "state"}}] * 9, also=(("rows.args.state", "PROTECTED_READ_UNUSED_ARG"),)),
    C("PROTECTED_PREDICATE_NOT_OBJECT", f"{_ROWS}.predicates[1]", "tier"),
    C("INVALID_PROTECTED_PREDICATE_OPERATOR", f"{_ROWS}.predicates[0].operator", "like"),
    C("PROTECTED_IN_VALUE_FORBIDDEN", f"{_ROWS}.predicates[1].value", {"fixed": 1}),
    C("INVALID_PROTECTED_IN_VALUES", f"{_ROWS}.predicates[1].values", ["x"] * 21),
    C("PROTECTED_VALUES_IN_ONLY", f"{_ROWS}.predicates[0].values", ["x"]),
    C("PROTECTED_VALUE_REQUIRED", f"{_ROWS}.predicates[0].value", "open", also=(("rows.args.state", "PROTECTED_READ_UNUSED_ARG"),)),
    C("PROTECTED_VALUE_EXACTLY_ONE_SOURCE", f"{_ROWS}.predicates[0].value.fixed", "open", at=f"{_ROWS}.predicates[0].value", also=(("rows.args.state", "PROTECTED_READ_UNUSED_ARG"),)),
    C("INVALID_PROTECTED_FIXED_VALUE", "groups.protected_read.aggregate.comparison.ranges[1].start.fixed", []),
    C("UNKNOWN_PROTECTED_VALUE_ARG", f"{_ROWS}.predicates[0].value.from_arg", "status", also=(("rows.args.state", "PROTECTED_READ_UNUSED_ARG"),)),
    C("INVALID_PROTECTED_FIELD", f"{_ROWS}.predicates[0].field", "lower(state)"),
    C("PROTECTED_FIELD_FORBIDDEN", f"{_ROWS}.predicates[0].field", "card_token"),
    C("PROTECTED_FIELD_FORBIDDEN", f"{_ROWS}.time_window.field", "tenant_id"),
    C("PROTECTED_TIME_WINDOW_NOT_OBJECT", f"{_ROWS}.time_window", "2026"),
    C("INVALID_PROTECTED_TIME_WINDOW", f"{_ROWS}.time_window.end", "2026-01-01T00:00:00.000Z", at=f"{_ROWS}.time_window"),
    C("INVALID_PROTECTED_TIME_WINDOW", f"{_ROWS}.time_window.start", "2026-01-01", at=f"{_ROWS}.time_window"),
    C("INVALID_PROTECTED_TIME_WINDOW", f"{_ROWS}.time_window.start", "2026-02-30T00:00:00.000Z", at=f"{_ROWS}.time_window"),
    C("PROTECTED_TIME_SELECTION_CONFLICT", "groups.protected_read.time_window", KINDS["rows"]["protected_read"]["time_window"], at="groups.protected_read"),
    C("INVALID_PROTECTED_ROW_ORDER", f"{_ROWS}.row_order_by", []),
    C("PROTECTED_ROW_ORDER_NOT_OBJECT", f"{_ROWS}.row_order_by[0]", "id"),
    C("PROTECTED_ROW_ORDER_FIELD_FORBIDDEN", f"{_ROWS}.row_order_by[0].field", "total_cents"),
    C("INVALID_PROTECTED_ORDER_DIRECTION", f"{_ROWS}.row_order_by[0].direction", "down"),
    C("PROTECTED_AGGREGATE_ROWS_FORBIDDEN", f"{_ROWS}.aggregate", {}),
    C("PROTECTED_LOOKUP_FORBIDDEN", "rows.lookup", {"id_from_arg": "state"}),
    C("PROTECTED_ROW_VISIBLE_FIELDS_REQUIRED", "house.visible_fields", [], also=(("house.visible_fields", "VISIBLE_FIELDS_REQUIRED"),)),
    C("PROTECTED_ROW_LIMIT_MISMATCH", "rows.max_rows", 19),
    C("PROTECTED_READ_LIMITS_REQUIRED", f"{_ROWS}.limits", GONE, also=(("rows.max_rows", "PROTECTED_ROW_LIMIT_MISMATCH"),)),
    C("INVALID_PROTECTED_READ_LIMIT", f"{_ROWS}.limits.rate_limit_per_minute", 121),
    C("INVALID_PROTECTED_RANKED_GROUP_LIMIT", "groups.protected_read.limits.max_ranked_groups", 49),
    C("PROTECTED_RELATIONSHIP_FORMS_CONFLICT", f"{_ROWS}.relationships", [{"name": "other", "links": [LINK]}], at=_ROWS),
    C("PROTECTED_RELATIONSHIP_NOT_OBJECT", f"{_ROWS}.relationship", "buyer", also=((f"{_ROWS}.predicates[1].relationship", "UNKNOWN_PROTECTED_RELATIONSHIP"),)),
    C("INVALID_PROTECTED_RELATIONSHIP_IDENTIFIER", f"{_ROWS}.relationship.target_key", "a b"),
    C("INVALID_PROTECTED_RELATIONSHIP_IDENTIFIER", f"{_ROWS}.relationship.tenant_key", GONE),
    C("PROTECTED_SCOPE_MODES_CONFLICT", "house.protected_read.relationships", [{"name": "buyer", "links": [LINK]}], at="house.protected_read.relationships[0].links[0].tenant_key"),
    C("PROTECTED_RELATIONSHIP_CARDINALITY_FORBIDDEN", f"{_ROWS}.relationship.max_fan_out", True, at=f"{_ROWS}.relationship"),
    C("PROTECTED_RELATIONSHIP_CARDINALITY_FORBIDDEN", f"{_ROWS}.relationship.cardinality", "one_to_many", at=f"{_ROWS}.relationship"),
    C("PROTECTED_RELATIONSHIP_LOCAL_KEY_FORBIDDEN", f"{_ROWS}.relationship.local_key", "card_token"),
    C("UNKNOWN_PROTECTED_RELATIONSHIP", f"{_ROWS}.predicates[1].relationship", "seller"),
)
_PATHS = "groups.protected_read.relationships"
_GROUPS = "groups.protected_read.aggregate"
_TREND = "trend.protected_read.aggregate"
_RANK = "rank.protected_read.aggregate"
_LOST = (f"{_GROUPS}.dimensions[0].relationship", "UNKNOWN_PROTECTED_RELATIONSHIP")
_UNUSED = (("groups.args.from", "PROTECTED_READ_UNUSED_ARG"), ("groups.args.until", "PROTECTED_READ_UNUSED_ARG"))
_NO_PERIODS = (f"{_GROUPS}.order_by", "PROTECTED_CHANGE_ORDER_REQUIRES_COMPARISON")
MEASURES = (
    C("INVALID_PROTECTED_RELATIONSHIP_PATHS", _PATHS, [], also=(_LOST,)),
    C("PROTECTED_RELATIONSHIP_PATH_NOT_OBJECT", f"{_PATHS}[0]", "buyer", also=(_LOST,)),
    C("INVALID_PROTECTED_RELATIONSHIP_LINKS", f"{_PATHS}[0].links", [LINK] * 4),
    C("PROTECTED_RELATIONSHIP_LINK_NOT_OBJECT", f"{_PATHS}[0].links[1]", "regions"),
    C("DUPLICATE_PROTECTED_RELATIONSHIP", _PATHS, [{"name": "buyer", "links": [LINK]}] * 2, at=f"{_PATHS}[1].name"),
    C("PROTECTED_RELATIONSHIP_NULL_SEMANTICS_REQUIRED", f"{_PATHS}[0].links[0].unmatched_rows", GONE),
    C("PROTECTED_AGGREGATE_REQUIRED", _GROUPS, GONE, also=_UNUSED),
    C("PROTECTED_AGGREGATE_LOOKUP_FORBIDDEN", "groups.lookup", {"id_from_arg": "from"}),
    C("PROTECTED_AGGREGATE_VISIBLE_ROWS_FORBIDDEN", "groups.visible_fields", ["id"]),
    C("PROTECTED_AGGREGATE_ROW_ORDER_FORBIDDEN", "groups.protected_read.row_order_by", [{"field": "id", "direction": "asc"}], also=(("groups.protected_read.row_order_by[0].field", "PROTECTED_ROW_ORDER_FIELD_FORBIDDEN"),)),
    C("INVALID_PROTECTED_COUNTED_ENTITY", f"{_GROUPS}.counted_entity", "buyer"),
    C("INVALID_PROTECTED_MEASURES", f"{_TREND}.measures", []),
    C("PROTECTED_MEASURE_NOT_OBJECT", f"{_GROUPS}.measures[0]", "count"),
    C("INVALID_PROTECTED_ALIAS", f"{_GROUPS}.measures[0].name", "the count"),
    C("DUPLICATE_PROTECTED_MEASURE_NAME", f"{_GROUPS}.measures[0].name", "total", at=f"{_GROUPS}.measures[1].name"),
    C("INVALID_PROTECTED_MEASURE_FUNCTION", f"{_GROUPS}.measures[1].function", "median"),
    C("PROTECTED_COUNT_FIELD_FORBIDDEN", f"{_GROUPS}.measures[0].field", "id"),
    C("PROTECTED_COUNT_RELATIONSHIP_FORBIDDEN", f"{_GROUPS}.measures[0].relationship", "buyer"),
    C("PROTECTED_DISPERSION_COHORT_TOO_SMALL", f"{_GROUPS}.minimum_group_size", 4),
    C("INVALID_PROTECTED_DIMENSIONS", f"{_GROUPS}.dimensions", {}),
    C("PROTECTED_DIMENSION_NOT_OBJECT", f"{_GROUPS}.dimensions[0]", "tier"),
    C("DUPLICATE_PROTECTED_DIMENSION_NAME", f"{_GROUPS}.dimensions[1].name", "tier"),
    C("PROTECTED_NUMERIC_BAND_NOT_OBJECT", f"{_GROUPS}.dimensions[1].numeric_band", 100),
    C("INVALID_PROTECTED_NUMERIC_BAND_EDGES", f"{_GROUPS}.dimensions[1].numeric_band.edges[1]", 100, at=f"{_GROUPS}.dimensions[1].numeric_band.edges"),
    C("INVALID_PROTECTED_NUMERIC_BAND_EDGES", f"{_GROUPS}.dimensions[1].numeric_band.edges[1]", True, at=f"{_GROUPS}.dimensions[1].numeric_band.edges"),
    C("INVALID_PROTECTED_NUMERIC_BAND_LABELS", f"{_GROUPS}.dimensions[1].numeric_band.bucket_labels[1]", "small", at=f"{_GROUPS}.dimensions[1].numeric_band.bucket_labels"),
    C("PROTECTED_TIME_BUCKET_NOT_OBJECT", f"{_GROUPS}.time_bucket", "month"),
    C("INVALID_PROTECTED_TIME_BUCKET_NAME", f"{_TREND}.time_bucket.name", "the month"),
    C("INVALID_PROTECTED_TIME_BUCKET", f"{_TREND}.time_bucket.bucket", "decade"),
    C("PROTECTED_COMPARISON_NOT_OBJECT", f"{_GROUPS}.comparison", [], also=(*_UNUSED, _NO_PERIODS)),
    C("INVALID_PROTECTED_COMPARISON_RANGES", f"{_GROUPS}.comparison.ranges", [], also=(*_UNUSED, _NO_PERIODS)),
    C("PROTECTED_COMPARISON_RANGE_NOT_OBJECT", f"{_GROUPS}.comparison.ranges[1]", "2026"),
    C("INVALID_PROTECTED_COMPARISON_CHANGE", f"{_GROUPS}.order_by.change", "log"),
    C("PROTECTED_AGGREGATE_ORDER_NOT_OBJECT", f"{_GROUPS}.order_by", "total"),
    C("INVALID_PROTECTED_AGGREGATE_ORDER", f"{_GROUPS}.order_by.kind", "name"),
    C("UNKNOWN_PROTECTED_ORDER_MEASURE", f"{_GROUPS}.order_by.measure", "profit"),
    C("PROTECTED_MEASURE_ORDER_CHANGE_FORBIDDEN", f"{_RANK}.order_by.change", "absolute"),
    C("PROTECTED_CHANGE_ORDER_REQUIRES_COMPARISON", f"{_GROUPS}.comparison", GONE, at=f"{_GROUPS}.order_by", also=_UNUSED),
    C("PROTECTED_TIME_ORDER_MEASURE_FORBIDDEN", f"{_TREND}.order_by.measure", "moving"),
    C("PROTECTED_TIME_ORDER_CHANGE_FORBIDDEN", f"{_TREND}.order_by.change", "absolute"),
    C("PROTECTED_TIME_ORDER_REQUIRES_BUCKET", f"{_RANK}.order_by", {"kind": "time_bucket", "direction": "asc"}),
    C("PROTECTED_COMPARISON_TIME_ORDER_FORBIDDEN", f"{_GROUPS}.order_by", {"kind": "time_bucket", "direction": "asc"}, also=((f"{_GROUPS}.order_by", "PROTECTED_TIME_ORDER_REQUIRES_BUCKET"),)),
    C("INVALID_PROTECTED_TOP_N", f"{_GROUPS}.top_n", 101),
    C("INVALID_PROTECTED_TOP_N", f"{_TREND}.top_n", 0),
    C("INVALID_PROTECTED_MINIMUM_GROUP_SIZE", f"{_GROUPS}.minimum_group_size", 1_000_001),
    C("PROTECTED_DERIVED_REQUIRED", f"{_GROUPS}.measures[2].derived", GONE),
    C("PROTECTED_DERIVED_DIRECT_FIELD_FORBIDDEN", f"{_GROUPS}.measures[2].field", "total_cents", at=f"{_GROUPS}.measures[2]"),
    C("PROTECTED_DERIVED_SHAPE_FORBIDDEN", f"{_GROUPS}.measures[1].derived", {}),
    C("INVALID_PROTECTED_DERIVED_SHAPE", f"{_GROUPS}.measures[2].derived.shape", "quotient"),
    C("INVALID_PROTECTED_DERIVED_NULL_POLICY", f"{_GROUPS}.measures[2].derived.null_policy", "zero"),
    C("PROTECTED_DERIVED_RELATIONSHIP_MISMATCH", f"{_GROUPS}.measures[2].derived.numerator.relationship", "buyer", at=f"{_GROUPS}.measures[2].derived"),
    C("INVALID_PROTECTED_PER_UNIT_SHAPE", f"{_GROUPS}.measures[2].derived.numerator.function", "avg", at=f"{_GROUPS}.measures[2].derived"),
    C("PROTECTED_DERIVED_OPERAND_REQUIRED", f"{_GROUPS}.measures[2].derived.numerator", GONE, also=((f"{_GROUPS}.measures[2].derived", "INVALID_PROTECTED_PER_UNIT_SHAPE"),)),
    C("INVALID_PROTECTED_DERIVED_OPERAND", f"{_TREND}.measures[0].derived.base_measure.function", "max"),
    C("PROTECTED_DERIVED_COUNT_SHAPE_INVALID", f"{_RANK}.measures[0].derived.base_measure.field", "id", at=f"{_RANK}.measures[0].derived.base_measure"),
    C("PROTECTED_RANK_DIRECTION_REQUIRED", f"{_RANK}.measures[0].derived.direction", GONE),
    C("PROTECTED_MOVING_WINDOW_INVALID", f"{_TREND}.measures[0].derived.window_size", 13),
    C("PROTECTED_TRANSFORM_DIRECTION_FORBIDDEN", f"{_TREND}.measures[0].derived.direction", "asc"),
    C("PROTECTED_TRANSFORM_WINDOW_FORBIDDEN", f"{_RANK}.measures[0].derived.window_size", 3),
    C("PROTECTED_TRANSFORM_COMPARISON_FORBIDDEN", f"{_RANK}.comparison", {"field": "made_at", "ranges": [{"start": {"fixed": 1}, "end": {"fixed": 2}}]}, at=f"{_RANK}.measures[0].derived"),
    C("PROTECTED_TRANSFORM_TIME_BUCKET_FORBIDDEN", f"{_RANK}.time_bucket", {"name": "month", "field": "made_at", "bucket": "month"}, at=f"{_RANK}.measures[0].derived"),
    C("PROTECTED_TRANSFORM_TIME_BUCKET_REQUIRED", f"{_TREND}.time_bucket", GONE, at=f"{_TREND}.measures[0].derived", also=((f"{_TREND}.order_by", "PROTECTED_TIME_ORDER_REQUIRES_BUCKET"),)),
    C("PROTECTED_TRANSFORM_TIME_BUCKET_UNORDERED", f"{_TREND}.time_bucket.bucket", "day_of_week", at=f"{_TREND}.measures[0].derived"),
    C("PROTECTED_TRANSFORM_DIMENSION_REQUIRED", f"{_RANK}.dimensions", [], at=f"{_RANK}.measures[0].derived"),
)
# fmt: on
CASES = (*FRAME, *CAPABILITIES, *PROPOSALS, *SETS, *POLICIES, *PROTECTED, *MEASURES)
WHOLE: tuple[tuple[Any, str, str], ...] = (
    ([], "$", "CONTRACT_NOT_OBJECT"),
    (None, "$", "CONTRACT_NOT_OBJECT"),
    (only(contexts=[]), "$.contexts", "CONTEXTS_REQUIRED"),
    (only(contexts={}), "$.contexts", "CONTEXTS_REQUIRED"),
    (only(capabilities=None), "$.capabilities", "CAPABILITIES_REQUIRED"),
)


def test_a_document_of_every_kind_is_in_order_and_nothing_is_warned_of() -> None:
    verdict = validate(document())
    assert (verdict.errors, verdict.warnings) == ((), ())


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_of_one_kind_is_in_order(kind: str) -> None:
    used = {"contexts": DOCUMENT["contexts"], "policies": DOCUMENT["policies"] if kind == "update" else []}
    assert validate(only(kind, **used)).errors == ()


def test_a_contract_that_grants_nothing_is_in_order() -> None:
    assert validate(only()).ok


@pytest.mark.requirement("public-contract:codes")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_breaks_a_rule_is_found_at_its_place_under_its_code_and_nothing_else_is(case: Case) -> None:
    broken = document()
    edit(broken, case.path, case.value)
    expected = {(f"$.{spelled(path)}", code) for path, code in ((case.at or case.path, case.code), *case.also)}
    assert {(issue.path, issue.code) for issue in validate(broken).errors} == expected


@pytest.mark.parametrize(("data", "path", "code"), WHOLE, ids=lambda value: str(value)[:24])
def test_a_document_that_lacks_its_frame_is_refused_for_that_alone(data: Any, path: str, code: str) -> None:
    assert [(issue.path, issue.code) for issue in validate(data).errors] == [(path, code)]


def test_what_is_for_local_demos_is_warned_of_and_is_no_error() -> None:
    data = only("read")
    edit(data, "resources[0].single_tenant_dev", True)
    edit(data, "capabilities[0].subject.single_tenant_dev", True)
    edit(data, "contexts[0].bindings[0].source", "static_dev")
    verdict = validate(data)
    assert verdict.ok
    assert sorted((issue.path, issue.code) for issue in verdict.warnings) == [
        ("$.capabilities[0].subject.single_tenant_dev", "SINGLE_TENANT_DEV"),
        ("$.contexts[0].bindings[0].source", "STATIC_DEV_BINDING"),
        ("$.resources[0].single_tenant_dev", "SINGLE_TENANT_DEV"),
    ]


def test_every_error_of_a_document_is_found_and_not_only_the_first() -> None:
    broken = document()
    for case in (FRAME[8], CAPABILITIES[4], PROPOSALS[0], SETS[4], PROTECTED[0]):
        edit(broken, case.path, case.value)
    codes = {issue.code for issue in validate(broken).errors}
    assert codes >= {FRAME[8].code, CAPABILITIES[4].code, PROPOSALS[0].code, SETS[4].code, PROTECTED[0].code}


@pytest.mark.requirement("public-contract:codes")
def test_every_code_has_a_case() -> None:
    tried = {case.code for case in CASES} | {code for _, _, code in WHOLE}
    assert tried == set(CODES) - set(WARNINGS)
