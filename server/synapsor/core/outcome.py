"""What may come of an approved proposal: the outcome of an attempt, and why, in one closed list of words.

A receipt, a job and the agent's view of a proposal carry these words and no others; none can be made up where it is raised.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from synapsor.core.proposal import Status
from synapsor.errors import Failure


class Outcome(StrEnum):
    """What came of one attempt to apply."""

    APPLIED = "applied"
    ALREADY_APPLIED = "already_applied"
    CONFLICT = "conflict"
    FAILED = "failed"
    CANCELED = "canceled"
    RECONCILIATION_REQUIRED = "reconciliation_required"
    ACCEPTED = "accepted"
    RETRY = "retry"

    @property
    def status(self) -> Status | None:
        """The proposal status it leads to; None while the job stays open."""
        if self in {Outcome.ACCEPTED, Outcome.RETRY}:
            return None
        return Status.APPLIED if self is Outcome.ALREADY_APPLIED else Status(self.value)


class _Told(StrEnum):
    """A word that has its meaning beside it."""

    meaning: str

    def __new__(cls, word: str, meaning: str) -> Self:
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member


class Why(_Told):
    """Why an attempt did not apply; the kinds of `errors.Failure` are among them, under the same words."""

    # The proposal, its approval and its contract, before the source is touched.
    PROPOSAL_MISSING = "proposal_missing", "The job names a proposal that the ledger does not have."
    DIGEST_MISMATCH = "digest_mismatch", "The job is not about this proposal, or the proposal is of another ledger."
    REJECTED = "rejected", "Somebody rejected the proposal."
    APPROVAL_MISSING = "approval_missing", "The job names a decision that the ledger does not have."
    APPROVAL_INVALID = "approval_invalid", "The approval's signature does not hold, or it is about something else."
    APPROVAL_EXPIRED = (
        "approval_expired",
        "The approval or the proposal expired before the commit. Rolled back.",
    )
    APPROVAL_TO_COME = (
        "approval_to_come",
        "The approval is of a moment that the worker's clock has not reached. Put off until then; nothing is given up.",
    )
    RECORDS_DIFFER = (
        "records_differ",
        "The ledger's own records contradict each other: a proposal of the job is not where its events say, was settled before, or has a decision that is not told of or is gone. Its job is closed, no proposal is moved, and `synapsor verify` names what was altered.",
    )
    QUORUM_MISSING = "quorum_missing", "Fewer different people than the proposal needs approve it as things stand."
    APPROVAL_OPERATOR_REVOKED = "approval_operator_revoked", "The key that approved has been revoked since."
    APPROVAL_OWN_REQUEST = "approval_own_request", "The approver is the one who asked."
    APPROVAL_OWN_EDIT = "approval_own_edit", "The approver is one of those who edited it."
    APPROVAL_ROLE_MISSING = "approval_role_missing", "The approver does not have the role any more."
    APPROVAL_NO_PERSON = "approval_no_person", "The approver is a policy's key, and a person is needed."
    POLICY_OFF = "policy_off", "A policy approved it, and automatic approval is off or stopped now."
    POLICY_CHANGED = "policy_changed", "A policy approved it, and the activated contract's policy would not."
    CONTRACT_NOT_ACTIVE = (
        "contract_not_active",
        "The contract that the proposal was made under is not the one that is active now.",
    )
    ACTIVATION_INVALID = (
        "activation_invalid",
        "The contract's activation is not signed by a trusted, unrevoked `contract_reviewer` of this ledger.",
    )
    CAPABILITY_GONE = "capability_gone", "The activated contract does not propose under this name any more."
    ROLE_CHANGED = "role_changed", "The activated contract asks for another role."
    NEED_CHANGED = (
        "need_changed",
        "The activated contract computes another risk, quorum, policy, reason code or time to wait.",
    )
    WORKFLOW_CHANGED = (
        "workflow_changed",
        "The proposal does not rest on what the workflow of the activated contract asks for.",
    )
    GROUP_BROKEN = (
        "group_broken",
        "The proposals of the job are not the whole of one group that stands or falls together.",
    )
    GROUP_FAILED = (
        "group_failed",
        "Another proposal of its group could not be applied, and they stand or fall together.",
    )
    SOURCE_CHANGED = "source_changed", "The activated contract names another source."
    RELATION_CHANGED = "relation_changed", "The activated contract writes to another relation."
    TENANT_CHANGED = "tenant_changed", "The activated contract names another tenant column."
    PRINCIPAL_CHANGED = "principal_changed", "The activated contract names another principal column."
    TENANT_MISSING = "tenant_missing", "The proposal has no tenant although its relation has a tenant column."
    KEY_CHANGED = "key_changed", "The proposal's key is not that of the activated contract."
    COLUMNS_CHANGED = (
        "columns_changed",
        "The proposal does not change, or did not read, the columns that the activated contract names.",
    )
    GUARDS_CHANGED = "guards_changed", "The proposal's guards are not those of the activated contract."
    HIDDEN_UNREADABLE = (
        "hidden_unreadable",
        "A hidden value of the proposal cannot be opened with this ledger's key.",
    )
    OPERATION_CHANGED = "operation_changed", "The activated contract does something else to its rows."
    OUTSIDE_CONTRACT = (
        "outside_contract",
        "The row or the change is not what the activated contract makes of the arguments.",
    )
    ORIGINAL_MISSING = (
        "original_missing",
        "The ledger does not have the change that this proposal would undo, or has another one under its handle.",
    )
    AMENDMENT_INVALID = (
        "amendment_invalid",
        "The proposal says that an operator edited or extended it, and no operator who is trusted now has signed that.",
    )
    UNDO_NOT_ASKED = "undo_not_asked", "No operator who is trusted now has signed that this undo is asked for."
    NOT_REVERSIBLE = "not_reversible", "The activated contract does not let this change be undone."
    TOO_DEEP = "too_deep", "It would undo an undo of an undo, and so on, more often than is allowed."
    MAPPING_CHANGED = (
        "mapping_changed",
        "The undone change was made under another mapping, or of other columns, than the activated contract has.",
    )
    NOT_THE_INVERSE = (
        "not_the_inverse",
        "The rows and values are not exactly those that take back the change from what the proposal says it saw.",
    )
    EXECUTOR_CHANGED = "executor_changed", "The activated contract has another executor carry it out."
    EXECUTOR_MISSING = (
        "executor_missing",
        "This worker has no executor of the name that the contract gives. Tried again.",
    )
    SOURCE_NOT_WRITABLE = "source_not_writable", "The source is not in `mode: writeback` for this worker."
    RELATION_MISSING = "relation_missing", "The relation is not there, or the worker may not see it. Tried again."

    NOT_MEASURED = (
        "not_measured",
        "The approvals are not over one effect that the ledger's own record says was measured of this proposal.",
    )
    # What people who steer the worker have said.
    CANCELED = "canceled", "A person canceled it before it was applied."
    DISCARDED = "discarded", "Its job was given up, and an operator discarded it."
    CANCEL_UNPROVEN = (
        "cancel_unproven",
        "A person canceled it, and nobody who is trusted now has signed that. It is neither applied nor canceled, until somebody who is trusted cancels it again.",
    )
    JOB_PARKED = (
        "job_parked",
        "Its job was given up, and nobody who is trusted now has signed that it is to be tried again.",
    )

    # The row, in the source's transaction.
    ROW_GONE = "row_gone", "The row is not there any more under its key and tenant."
    VERSION_MOVED = (
        "version_moved",
        "A guard no longer holds what it held when the proposal was made. Nothing was written.",
    )
    DEPENDENCY_MOVED = (
        "dependency_moved",
        "A related row that the change depends on is gone or not as it was when the proposal was made. Nothing was written.",
    )
    GUARD_FAILED = "guard_failed", "The guarded change matched no row. Rolled back."
    INSERT_DUPLICATE = (
        "insert_duplicate",
        "A row with these `dedup` columns is there already. Nothing was written.",
    )
    STILL_THERE = "still_there", "After the delete the row was still there. Rolled back."
    DELETE_EFFECTS = (
        "delete_effects",
        "Triggers or foreign keys would do more than the reviewed delete. Rolled back.",
    )
    TOO_LARGE = (
        "too_large",
        "A row that was looked at is larger than any that a proposal could have shown. Rolled back.",
    )
    MORE_THAN_ONE_ROW = "more_than_one_row", "More than one row answered to the key. Rolled back."
    VERSION_DID_NOT_MOVE = "version_did_not_move", "The change did not move the version column. Rolled back."
    AFTER_IMAGE = "after_image", "After the change the row was not exactly what was approved. Rolled back."
    EFFECT_DIFFERS = (
        "effect_differs",
        "The change did something else than what was measured and approved. Rolled back.",
    )
    EFFECT_VARIES = (
        "effect_varies",
        "The change did something else each time it was measured, so no apply could be held to it. Rolled back.",
    )
    EFFECT_ELSEWHERE = (
        "effect_elsewhere",
        "An application carries it out, so the worker cannot carry it out and roll it back.",
    )
    EFFECT_STAYS = (
        "effect_stays",
        "A part of the change is in a table that does not roll back, so it cannot be measured. What is there of it, stays.",
    )
    RECEIPT_OF_ANOTHER_DIGEST = (
        "receipt_of_another_digest",
        "The source has a receipt under this proposal's key, but for another digest. Nothing was done.",
    )
    RECEIPTS_DIFFER = (
        "receipts_differ",
        "The source has receipts of some proposals of the group and not of others, or with other outcomes. Nothing was done.",
    )
    ORIGINAL_NOT_APPLIED = (
        "original_not_applied",
        "No receipt says that the change to be undone was applied under its digest. Nothing was written.",
    )
    LEASE_LOST = (
        "lease_lost",
        "The worker could not prolong its lease in time, so the job may be another worker's by now. Rolled back, and left to whoever has it.",
    )
    INTENT_UNRESOLVED = (
        "intent_unresolved",
        "An attempt was about to apply it, nobody knows what became of that, and the source keeps no receipts that could tell. A person resolves it: `synapsor reconcile`.",
    )
    RECEIPT_RACED = "receipt_raced", "Another worker's receipt came first. The next attempt reads it."
    RECORDED_BEFORE = "recorded_before", "An earlier receipt in the source already says so."

    # The application's handler, which carries it out in the worker's stead.
    HANDLER_UNREACHED = (
        "handler_unreached",
        "The handler could not be reached, so nothing was handed over. Tried again.",
    )
    HANDLER_UNKNOWN = (
        "handler_unknown",
        "The handler's answer was lost, late, or none of the protocol: what it did is not known. It is asked again under the same key.",
    )
    HANDLER_BUSY = "handler_busy", "The handler wants to be asked later. Tried again."
    HANDLER_DENIED = "handler_denied", "The handler does not accept the worker's signature. Tried again."
    HANDLER_DIFFERS = (
        "handler_differs",
        "The handler's answer names another key or digest, or says that it applied other rows than were approved.",
    )
    HANDLER_ACCEPTED = (
        "handler_accepted",
        "The application has accepted it and will do it; it is asked again what has come of it, and nothing is begun anew.",
    )
    HANDLER_OVERDUE = (
        "handler_overdue",
        "The application had accepted it, and did not say in time what has come of it. It may be done, or be done later; of an effect outside of the database the rows tell nothing.",
    )
    HANDLER_FORGOT = (
        "handler_forgot",
        "The application had accepted it, and says now that it knows nothing of it. It may be done; of an effect outside of the database the rows tell nothing.",
    )
    EFFECT_STANDS = (
        "effect_stands",
        "The application's outside effect was made, and its rows could not be changed as they were approved.",
    )
    RESOLUTION_UNPROVEN = (
        "resolution_unproven",
        "Nobody who is trusted now, and may say so, has signed what became of it. The application is not asked.",
    )
    HANDLER_ABANDONED = (
        "handler_abandoned",
        "The application has given it up, because a person said what became of it: nothing of it is done from now on.",
    )
    HANDLER_APPLIED = "handler_applied", "The application says that it was applied."
    HANDLER_REFUSED = "handler_refused", "The application refuses the change by a rule of its own."
    HANDLER_UNSUPPORTED = "handler_unsupported", "The application's handler does not carry out this capability."

    # How the source failed: `errors.Failure`, word for word.
    UNAVAILABLE = "unavailable", "The source could not be reached, or the connection was lost. Tried again."
    BUSY = "busy", "The pool or the server had no room. Tried again."
    TIMEOUT = "timeout", "A statement or the wait for a lock took too long. Rolled back and tried again."
    TRANSIENT = "transient", "A deadlock or a serialization failure. Rolled back and tried again."
    DRIFT = "drift", "A value, column or type is not what was reviewed. Rolled back."
    DENIED = "denied", "The worker's credential may not do this. Tried again."
    CONSTRAINT = "constraint", "The database's own rule (check, foreign key, unique) refused the change. Rolled back."
    VALUE = "value", "A value does not fit its column. Rolled back."
    UNKNOWN_COMMIT = "unknown_commit", "The answer to the commit was lost. The receipt is asked what became of it."
    OTHER = "other", "The source failed in a way that is none of the others. Rolled back."

    INTERNAL = "internal", "The worker's own code failed, and nothing is known of the attempt. Tried again."


def why_failed(failure: Failure) -> Why:
    """Return the word for how a source failed."""
    return Why[failure.name]


def why_refused(rule: str) -> Why:
    """Return the word for the rule by which an approval does not count."""
    return Why[f"APPROVAL_{rule.upper()}"]


def meaning_of(code: str) -> str:
    """Return what a code that a record keeps means, in a sentence; "" of one that nobody knows."""
    return next((one.meaning for one in Why if one == code), "")
