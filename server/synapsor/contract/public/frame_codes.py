"""The codes of the public format for everything around a proposal and a protected read: one sentence each, in the format's spelling."""

from __future__ import annotations

from typing import Final

DOCUMENT: Final[dict[str, str]] = {
    "CONTRACT_NOT_OBJECT": "A contract is a JSON object.",
    "UNSUPPORTED_SPEC_VERSION": "`spec_version` is 0.1.",
    "INVALID_KIND": "`kind` is SynapsorContract.",
    "UNKNOWN_CORE_FIELD": "A key is one of the format's, or begins with `x-cloud-`, `x-runner-` or `x-experimental-`.",
    "INLINE_SECRET_OR_URL": "No database URL, bearer token or other secret stands in a contract.",
    "METADATA_NOT_OBJECT": "`metadata` is an object.",
    "INVALID_METADATA_NAME": "`metadata.name` is a text that is not blank.",
    "INVALID_METADATA_TAGS": "`metadata.tags` is a list of texts that are not blank.",
    "RESOURCES_NOT_ARRAY": "`resources` is a list.",
    "CONTEXTS_REQUIRED": "There is at least one context.",
    "CAPABILITIES_REQUIRED": "`capabilities` is a list; an empty one grants nothing.",
}

RESOURCES: Final[dict[str, str]] = {
    "RESOURCE_NOT_OBJECT": "A resource is an object.",
    "INVALID_RESOURCE_NAME": "A resource's name is an identifier, or two with a dot between them.",
    "DUPLICATE_RESOURCE_NAME": "A resource's name is given once.",
    "INVALID_RESOURCE_ENGINE": "A resource's engine is postgres, mysql or synapsor.",
    "INVALID_RESOURCE_IDENTIFIER": "A resource's schema, table and primary key are identifiers.",
    "INVALID_TENANT_KEY": "A tenant key is an identifier.",
    "TENANT_KEY_REQUIRED": "There is a tenant key, unless `single_tenant_dev` is true.",
    "INVALID_CONFLICT_KEY": "A resource's conflict key is an identifier.",
}

CONTEXTS: Final[dict[str, str]] = {
    "CONTEXT_NOT_OBJECT": "A context is an object.",
    "INVALID_CONTEXT_NAME": "A context's name is an identifier, or two with a dot between them.",
    "DUPLICATE_CONTEXT_NAME": "A context's name is given once.",
    "BINDINGS_REQUIRED": "A context has at least one binding.",
    "BINDING_NOT_OBJECT": "A binding is an object.",
    "INVALID_BINDING_NAME": "A binding's name is an identifier.",
    "DUPLICATE_BINDING_NAME": "A binding's name is given once in its context.",
    "INVALID_BINDING_SOURCE": "A binding's source is session, environment, cloud_session, static_dev, http_claim or reviewed_organization.",
    "INVALID_BINDING_KEY": "A binding's key is a text that is not blank.",
    "UNKNOWN_CONTEXT_BINDING": "`tenant_binding` and `principal_binding` name a binding of their context.",
}

CAPABILITIES: Final[dict[str, str]] = {
    "CAPABILITY_NOT_OBJECT": "A capability is an object.",
    "INVALID_CAPABILITY_NAME": "A capability's name is two identifiers with a dot between them.",
    "DUPLICATE_CAPABILITY_NAME": "A capability's name is given once.",
    "INVALID_CAPABILITY_KIND": "A capability's kind is read, aggregate_read, proposal, external_action or answer_with_evidence.",
    "UNKNOWN_CONTEXT": "`context` names a declared context.",
    "INVALID_RETURNS_HINT": "`returns_hint` is a text that is not blank.",
    "LOOKUP_NOT_OBJECT": "`lookup` is an object.",
    "UNKNOWN_LOOKUP_ARG": "`lookup.id_from_arg` names a declared argument.",
    "VISIBLE_FIELDS_REQUIRED": "`visible_fields` is a list, and only an aggregate's may be empty.",
    "INVALID_KEPT_OUT_FIELDS": "`kept_out_fields` is a list.",
    "INVALID_MODEL_WITHHELD_FIELDS": "`model_withheld_fields` is a list.",
    "INVALID_FIELD_IDENTIFIER": "A field of a list is an identifier.",
    "DUPLICATE_FIELD": "A list names a field once.",
    "KEPT_OUT_FIELD_VISIBLE": "A field that is kept out is not visible.",
    "MODEL_WITHHELD_FIELD_KEPT_OUT": "A field that is withheld from the model is not kept out.",
    "EVIDENCE_NOT_OBJECT": "A capability's `evidence` is an object, and so is each sample of evidence.",
    "INVALID_EVIDENCE_REQUIRED": "`evidence.required` is true or false.",
    "INVALID_EVIDENCE_SOURCES": "`evidence.sources` is a list of texts that are not blank.",
    "INVALID_MAX_ROWS": "`max_rows` is a whole number above 0.",
    "PROPOSAL_REQUIRED": "A capability of kind proposal has a `proposal`.",
    "PROPOSAL_ONLY_FOR_PROPOSAL_KIND": "Only a capability of kind proposal has a `proposal`.",
    "AGGREGATE_READ_REQUIRED": "An aggregate read has an `aggregate`.",
    "AGGREGATE_ONLY_FOR_AGGREGATE_READ": "Only an aggregate read has an `aggregate`.",
    "LEGACY_AGGREGATE_WITH_PROTECTED_READ": "An aggregate read has an `aggregate` or a `protected_read`, not both.",
    "NESTED_VALUE_NOT_OBJECT": "A nested block is an object.",
}

SUBJECTS: Final[dict[str, str]] = {
    "SUBJECT_REQUIRED": "A capability's `subject` is an object.",
    "UNKNOWN_RESOURCE": "`subject.resource` names a declared resource.",
    "INVALID_SUBJECT_IDENTIFIER": "Without a resource, a subject's schema, table and primary key are identifiers.",
    "INVALID_PRINCIPAL_SCOPE_KEY": "`principal_scope_key` is an identifier.",
    "PRINCIPAL_SCOPE_TENANT_REQUIRED": "A principal scope stands beside a tenant key.",
    "PRINCIPAL_SCOPE_BINDING_REQUIRED": "A principal scope needs a context whose principal binding is required.",
    "MODEL_CONTROLLED_PRINCIPAL_SCOPE": "The column of a principal scope is not an argument.",
    "PRINCIPAL_SCOPE_WRITE_FORBIDDEN": "The column of a principal scope is neither allowed nor patched.",
}

ARGUMENTS: Final[dict[str, str]] = {
    "ARGS_REQUIRED": "`args` is an object with at least one argument, except for aggregates and protected reads.",
    "INVALID_ARG_NAME": "An argument's name is an identifier.",
    "MODEL_CONTROLLED_TRUST_ARG": "An argument carries no tenant, principal, identifier, URL or version.",
    "ARG_NOT_OBJECT": "An argument is an object.",
    "INVALID_ARG_TYPE": "An argument's type is string, number, boolean or object_array.",
    "INVALID_ARG_DESCRIPTION": "An argument's description is a text that is not blank.",
    "INVALID_MAX_LENGTH": "`max_length` is a whole number above 0.",
    "INVALID_MINIMUM": "`minimum` is a number.",
    "INVALID_MAXIMUM": "`maximum` is a number.",
    "NUMERIC_BOUNDS_REQUIRE_NUMBER": "`minimum` and `maximum` belong to a number.",
    "INVALID_ARG_NUMERIC_RANGE": "An argument's `minimum` is not above its `maximum`.",
    "INVALID_ARG_ENUM": "`enum` has 1 to 64 values.",
    "ARG_ENUM_TYPE_MISMATCH": "A value of `enum` is of the argument's type, and not null.",
    "ARG_ENUM_DUPLICATE_VALUE": "`enum` holds each value once.",
    "INVALID_OBJECT_ARRAY_MAX_ITEMS": "An object_array has `max_items` from 1 to 100.",
    "OBJECT_ARRAY_FIELDS_REQUIRED": "An object_array has 1 to 64 `fields`.",
    "NESTED_OBJECT_ARRAY_FORBIDDEN": "A field of an object_array is a single value.",
    "OBJECT_ARRAY_SCALAR_OPTION_FORBIDDEN": "An object_array has no `max_length`, `minimum`, `maximum` or `enum` of its own.",
    "OBJECT_ARRAY_OPTIONS_REQUIRE_OBJECT_ARRAY": "`max_items` and `fields` belong to an object_array.",
}

AGGREGATES: Final[dict[str, str]] = {
    "INVALID_AGGREGATE_FUNCTION": "`aggregate.function` is count, sum or avg.",
    "AGGREGATE_MINIMUM_GROUP_SIZE_REQUIRED": "`minimum_group_size` is a whole number from 1 to 1,000,000.",
    "COUNT_MODE_REQUIRED": "A count has `count_mode` rows or non_null.",
    "COUNT_ROWS_COLUMN_FORBIDDEN": "A count of rows names no column.",
    "COUNT_COLUMN_REQUIRED": "A count of values names its column.",
    "COUNT_MODE_COUNT_ONLY": "`count_mode` belongs to a count.",
    "AGGREGATE_NUMERIC_COLUMN_REQUIRED": "A sum or average names its column.",
    "AGGREGATE_MODEL_ARGS_FORBIDDEN": "An aggregate read has no arguments.",
    "AGGREGATE_LOOKUP_FORBIDDEN": "An aggregate read has no lookup.",
    "AGGREGATE_VISIBLE_ROWS_FORBIDDEN": "An aggregate read shows no fields.",
    "AGGREGATE_EVIDENCE_REQUIRED": "An aggregate read requires evidence and query audit.",
    "FIXED_SELECTION_REQUIRED": "An aggregate's `selection` is an object.",
    "INVALID_FIXED_SELECTION": "`selection.all` has 1 to 8 terms.",
    "PREDICATE_TERM_NOT_OBJECT": "A term of a selection is an object.",
    "INVALID_PREDICATE_COLUMN": "A term's column is an identifier.",
    "INVALID_PREDICATE_OPERATOR": "A term's operator is eq.",
    "FIXED_PREDICATE_VALUE_REQUIRED": "A term's value is a single value, written in the contract.",
}

POLICIES: Final[dict[str, str]] = {
    "POLICIES_NOT_ARRAY": "`policies` is a list.",
    "POLICY_NOT_OBJECT": "A policy is an object.",
    "INVALID_POLICY_NAME": "A policy's name is an identifier, or two with a dot between them.",
    "DUPLICATE_POLICY_NAME": "A policy's name is given once.",
    "INVALID_POLICY_KIND": "A policy's kind is approval, settlement, scope or custom.",
    "INVALID_POLICY_MODE": "A policy's mode is green, yellow, red, manual or block.",
    "POLICY_RULES_NOT_ARRAY": "A policy's `rules` is a list.",
    "APPROVAL_POLICY_RULE_NOT_OBJECT": "A rule of an approval policy is an object.",
    "INVALID_APPROVAL_POLICY_FIELD": "A rule's field is an identifier.",
    "INVALID_APPROVAL_POLICY_MAX": "A rule's `max` is a whole number from 0.",
    "APPROVAL_POLICY_LIMITS_NOT_ARRAY": "A policy's `limits` is a list that is not empty.",
    "APPROVAL_POLICY_LIMITS_KIND_REQUIRED": "`limits` belong to an approval policy.",
    "APPROVAL_POLICY_LIMIT_NOT_OBJECT": "A limit is an object.",
    "INVALID_APPROVAL_POLICY_LIMIT_KIND": "A limit's kind is count or total.",
    "INVALID_APPROVAL_POLICY_LIMIT_MAX": "A limit's `max` is a whole number from 0.",
    "INVALID_APPROVAL_POLICY_LIMIT_PERIOD": "A limit's period is day.",
    "INVALID_APPROVAL_POLICY_LIMIT_SCOPE": "A limit's scope is tenant_policy or tenant_policy_object.",
    "APPROVAL_POLICY_TOTAL_FIELD_REQUIRED": "A limit on a total names its field.",
    "APPROVAL_POLICY_COUNT_FIELD_FORBIDDEN": "A limit on a count names no field.",
    "APPROVAL_POLICY_ROLE_REQUIRED": "An approval by policy names the role that decides otherwise.",
    "APPROVAL_POLICY_REQUIRED": "An approval by policy names its policy.",
    "UNKNOWN_APPROVAL_POLICY": "`approval.policy` names a declared policy.",
    "APPROVAL_POLICY_KIND_REQUIRED": "`approval.policy` names a policy of kind approval.",
    "APPROVAL_POLICY_MODE_REQUIRED": "`approval.policy` belongs to mode policy.",
    "APPROVAL_POLICY_FIELD_NOT_NUMERIC": "A rule's field is a number in each capability that the policy decides on.",
    "APPROVAL_POLICY_MAX_EXCEEDS_BOUND": "A rule's `max` is not above the field's own bound.",
    "APPROVAL_POLICY_TOTAL_FIELD_NOT_NUMERIC": "A total's field is a number in each capability that the policy decides on.",
}

WORKFLOWS: Final[dict[str, str]] = {
    "WORKFLOWS_NOT_ARRAY": "`workflows` is a list.",
    "WORKFLOW_NOT_OBJECT": "A workflow is an object.",
    "INVALID_WORKFLOW_NAME": "A workflow's name is two identifiers with a dot between them.",
    "DUPLICATE_WORKFLOW_NAME": "A workflow's name is given once.",
    "WORKFLOW_CAPABILITIES_REQUIRED": "A workflow allows at least one capability.",
    "UNKNOWN_CAPABILITY": "A workflow and a sample proposal name declared capabilities.",
}

RECORDS: Final[dict[str, str]] = {
    "EVIDENCE_NOT_ARRAY": "The sample `evidence` is a list.",
    "RECEIPT_NOT_ARRAY": "The sample `receipts` is a list.",
    "RECEIPT_NOT_OBJECT": "A sample receipt is an object.",
    "EXTERNAL_ACTION_NOT_ARRAY": "The sample `external_actions` is a list.",
    "EXTERNAL_ACTION_NOT_OBJECT": "A sample external action is an object.",
    "PROPOSALS_NOT_ARRAY": "The sample `proposals` is a list.",
    "PROPOSAL_NOT_OBJECT": "A sample proposal is an object.",
    "INVALID_PROPOSAL_ID": "A sample proposal's id is a text that is not blank.",
    "REPLAY_NOT_ARRAY": "The sample `replay` is a list.",
    "REPLAY_RECORD_NOT_OBJECT": "A sample replay is an object.",
    "INVALID_REPLAY_ID": "A sample replay's id is a text that is not blank.",
    "REPLAY_EVENTS_REQUIRED": "A sample replay's `events` is a list.",
}

WARNINGS: Final[dict[str, str]] = {
    "SINGLE_TENANT_DEV": "`single_tenant_dev` is for local demos only.",
    "STATIC_DEV_BINDING": "A `static_dev` binding is for local demos only.",
}
