"""Why a person's attempt to decide is refused: a closed table of rules, and the one place where each has its words and its exit code."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self


class Rule(StrEnum):
    """What a refused decision is called.

    Attributes:
        exit_code: what a command ends with: 1 refused, 2 no such thing, 3 stale, 5 authority.
        words: what it means, for whoever looks at the attempt later; and the message, where a refusal brings none of its own.
        fix: what to do about it, where a refusal brings nothing of its own.
    """

    exit_code: int
    words: str
    fix: str

    def __new__(cls, value: str, exit_code: int, words: str, fix: str = "") -> Self:
        """Return the member whose value is its name on record."""
        rule = str.__new__(cls, value)
        rule._value_ = value
        rule.exit_code, rule.words, rule.fix = exit_code, words, fix
        return rule

    # a decision, or a signed look
    ALONE = "alone", 1, "It is not decided on together with others."
    ALREADY_COUNTED = "already_counted", 1, "This person had approved it already, and counts once."
    ALREADY_DECIDED = "already_decided", 3, "It was decided or had ended already."
    ASKED_ALREADY = "asked_already", 3, "The same waits already, asked for beside it."
    CLOCK_BEHIND = (
        "clock_behind",
        3,
        "The clock there stood before the moment of the proposal, or of an approval of it.",
    )
    CLOCK_MOVED = "clock_moved", 3, "The clock there moved while it was decided."
    CODE_MISSING = "code_missing", 1, "This approval takes a one-time code, and none was given."
    CODE_USED = "code_used", 5, "The one-time code had been used before."
    COVERED = "covered", 1, "It changes a hidden value that the person had not seen there."
    DECIDED_MEANWHILE = "decided_meanwhile", 3, "Somebody else decided meanwhile."
    DIGEST_DIFFERS = "digest_differs", 3, "Another digest was given than that of what was shown."
    EVIDENCE_DIFFERS = "evidence_differs", 5, "The evidence was not what the proposal was made from."
    EXPIRED = "expired", 3, "Its time was over."
    FORM_FOREIGN = "form_foreign", 5, "The form was not from the person's own session."
    LEDGER_ALTERED = "ledger_altered", 5, "The ledger had been altered, so nothing was decided by it."
    LOGIN_EXPIRED = "login_expired", 5, "The login had expired."
    LOGIN_INVALID = "login_invalid", 5, "The login did not hold, or was another person's."
    LOGIN_TO_COME = "login_to_come", 5, "The login was of a moment that the clock there had not reached."
    NO_AGENT = "no_agent", 1, "A person asked for it, so there is no agent to ask."
    NO_CODES = "no_codes", 5, "This person has no one-time codes here."
    NO_PERSON = "no_person", 5, "It was the key of a program, and no person."
    NO_SUCH_PROPOSAL = "no_such_proposal", 2, "There was no such proposal."
    NOT_BY_PROMPT = "not_by_prompt", 5, "It is not decided through a prompt: its contract does not allow that."
    NOT_CONFIRMED = "not_confirmed", 1, "It was not confirmed that it had been read."
    NOT_FULLY_SHOWN = (
        "not_fully_shown",
        1,
        "It could not be shown there in full, and nobody approves what they have not seen.",
    )
    NOT_LOOKED_AT = (
        "not_looked_at",
        3,
        "Its contract wants every row looked at just before an approval, and that could not be done there.",
    )
    NOT_MEASURED = (
        "not_measured",
        3,
        "An approval of it is over what the worker measures of the change, and that is not there.",
        "Let the worker run, and look at it again; it can be rejected as it is.",
    )
    NOT_SHOWN = "not_shown", 1, "It had not been shown to this person there, or had become another one."
    NOT_SHOWN_HERE = "not_shown_here", 1, "Its arguments were too large for a form."
    NOT_WHAT_WAS_SHOWN = "not_what_was_shown", 5, "It was not what had been shown to the person."
    OPERATOR_REVOKED = "operator_revoked", 5, "This person is not trusted any more."
    OWN_EDIT = "own_edit", 5, "This person edited it, and nobody decides on their own edit."
    OWN_REQUEST = "own_request", 5, "This person asked for it, and nobody decides on their own request."
    RECORDS_DIFFER = "records_differ", 5, "The ledger's own records contradicted each other about it."
    ROLE_MISSING = "role_missing", 5, "This person, or their login, does not carry the role that it needs."
    SAME_PERSON = "same_person", 5, "This person has asked for it or approved it under another name."
    STALE_ROW = "stale_row", 3, "A row was not as it was when the change was asked for, or could not be looked at."
    TO_COME = "to_come", 3, "The approval was of a moment that the clock there had not reached."
    TOO_MANY_CODES = "too_many_codes", 5, "This person had given too many one-time codes that day."
    SHADOW_APPROVED = (
        "shadow_approved",
        3,
        "Somebody had approved it, or what it stands or falls with, with what was measured of it or without.",
        "Approve what they approved, or reject it.",
    )
    SHADOW_ELSEWHERE = (
        "shadow_elsewhere",
        1,
        "An application carries it out, so the worker cannot carry it out and roll it back.",
    )
    TOO_MANY_SHADOWS = "too_many_shadows", 1, "Enough was measured of it.", "Decide by what is known."
    TOO_MANY_QUESTIONS = "too_many_questions", 1, "Enough was asked about it."
    UNKNOWN_KEY = "unknown_key", 5, "Nobody who is trusted here has this key."
    UNVERIFIED = "unverified", 5, "Nobody had proven who they were."
    VOUCHER_UNTRUSTED = (
        "voucher_untrusted",
        5,
        "The key of the server there, which says who somebody is, was not trusted any more.",
    )
    WAITS_FOR_GROUP = "waits_for_group", 1, "It had its approvals, and waited for those it stands or falls with."
    WOULD_NOT_APPLY = "would_not_apply", 3, "The worker would not apply it as things stood."
    WRONG_CODE = "wrong_code", 5, "The one-time code was not theirs, not for this proposal or not of then."
    WRONG_KEY = "wrong_key", 5, "It was signed with another key than this person's."

    # steering the worker
    JOB_DONE = "job_done", 3, "Its job is done, so nothing is left to steer.", "Look at it with `synapsor show`."
    NOT_GIVEN_UP = (
        "not_given_up",
        1,
        "Its job was not given up: a worker applies it, or tries it again.",
        "See `synapsor jobs list`; `synapsor cancel` keeps it from being applied.",
    )
    OTHER_PAUSE = (
        "other_pause",
        3,
        "Somebody had paused it, or let it go on, since the person looked.",
        "Look at it again: nothing was changed.",
    )
    OTHER_SWITCH = (
        "other_switch",
        3,
        "Somebody had stopped automatic approval, or started it, since the person looked.",
        "Look at it again: nothing was changed.",
    )
    NOTHING_TO_CANCEL = "nothing_to_cancel", 3, "Only what is approved and not done yet can be canceled."

    # an edit, or more time
    NOT_AMENDABLE = "not_amendable", 1, "It cannot be edited or extended by itself."
    NOTHING_TO_EDIT = (
        "nothing_to_edit",
        1,
        "A removal has no value that could be another one.",
        "Approve it or reject it.",
    )
    NOTHING_EDITED = (
        "nothing_edited",
        1,
        "These are the arguments that it has already.",
        "Give the values that should be others, or only more time by extending it.",
    )
    AMENDED_TOO_OFTEN = (
        "amended_too_often",
        1,
        "What an agent asks for is edited and extended 8 times at the most.",
        "Decide on it, or reject it and have it proposed again.",
    )
    OTHER_ROWS = (
        "other_rows",
        1,
        "It would be about other rows than the agent asked for.",
        "Reject it, and say in the reason which rows are meant.",
    )

    # an undo
    NOT_APPLIED = (
        "not_applied",
        1,
        "Only a change that was applied can be undone.",
        "Look at where it stands with `synapsor show`: what waits can be rejected, and what was rejected or failed has changed nothing.",
    )
    RECONCILIATION_REQUIRED = (
        "reconciliation_required",
        3,
        "Nobody knows whether it was applied, so a person looks at its source first.",
        "`synapsor reconcile inspect` shows its rows beside what was proposed.",
    )
    RESOLVED_BY_PERSON = (
        "resolved_by_person",
        1,
        "A person said that it was applied, and no receipt does, so nothing is undone by it.",
        "Look at the row, and have the change asked for that is wanted now.",
    )
    HARD_DELETE_RESTORE_UNSAFE = (
        "hard_delete_restore_unsafe",
        1,
        "A removed row cannot be restored as it was, so nothing is restored.",
        "Have the row asked for anew.",
    )
    NOT_REVERSIBLE = (
        "not_reversible",
        1,
        "The contract that is activated now does not let it be undone.",
        "Have the change asked for that puts it right, or have the contract reviewed with `undo: reviewed`.",
    )
    TOO_DEEP = "too_deep", 1, "Undos of undos end after 16.", "Have the change asked for that is wanted now."
    ALREADY_UNDONE = (
        "already_undone",
        3,
        "It is undone already, or somebody has asked for that.",
        "See `synapsor show` of the change, which names its undos.",
    )
    NOT_RECORDED = (
        "not_recorded",
        3,
        "How an added row was left is not on record, so nobody can tell whether it was worked with since.",
        "Look at the row, and have the change asked for that is wanted now.",
    )
    MOVED_ON = (
        "moved_on",
        3,
        "Others have changed since what an undo would set back or remove, so nothing is undone.",
        "Look at the row, and have the change asked for that is wanted now.",
    )
    NOTHING_TO_UNDO = (
        "nothing_to_undo",
        3,
        "All that the change set is set back already, so nothing is left to undo.",
        "Look at the row: somebody has put it right by another change.",
    )

    # a resolution
    NOT_IN_DOUBT = (
        "not_in_doubt",
        3,
        "Only what nobody knows the end of is resolved by a person.",
        "`synapsor reconcile list` names what waits for one.",
    )
    CONTRARY = (
        "contrary",
        1,
        "What was seen of its rows speaks against that, or they could not be looked at.",
        "Look at them with `synapsor reconcile inspect`; if you know better, say so with --contrary, which stays on record.",
    )
    SEEN_MOVED = (
        "seen_moved",
        3,
        "Its rows changed while it was being resolved.",
        "Look at them again with `synapsor reconcile inspect`.",
    )

    # a drafted policy
    NOT_APPROVED = (
        "not_approved",
        1,
        "Only what people approved becomes a policy: not what was rejected, waits, or was approved by a policy.",
        "Name approved proposals; `synapsor inbox --all` lists them.",
    )
    ENDED_ILL = (
        "ended_ill",
        1,
        "It ended in a conflict, failed or was undone, which is nothing to repeat without a person.",
        "Leave it out.",
    )
    IS_UNDO = "is_undo", 1, "An undo is for people.", "Leave it out."
    OTHER_CAPABILITY = (
        "other_capability",
        1,
        "The proposals are of several capabilities, and a draft is of one.",
        "Draft a policy for each by itself.",
    )
    NO_CAPABILITY = (
        "no_capability",
        1,
        "No contract of this project proposes under this name any more.",
        "Put the contract back under `policies:`, or leave it out.",
    )
    HIDDEN_COLUMN = (
        "hidden_column",
        1,
        "It changes a column that is not shown as it is, and a policy judges no such column.",
        "Leave its decision to people.",
    )
    NO_BOUNDED_NUMBER = (
        "no_bounded_number",
        1,
        "It sets no number that could be bounded, so nothing would hold the policy to what was approved.",
        "Leave its decision to people, or write a policy yourself: docs/how-to/approve-by-policy.md.",
    )
    ONLY_PEOPLE = (
        "only_people",
        1,
        "No policy may approve it: it is of high risk, takes several people, is about several rows or removes one.",
        "Leave its decision to people.",
    )
    NOT_IN_ORDER = (
        "not_in_order",
        1,
        "The contract with the draft in it would not be in order.",
        "Mend the contract first, or leave the decision to people.",
    )
    DIFFERS_NOW = (
        "differs_now",
        1,
        "The contract as it is now would make something else of the same request.",
        "Leave it out, or name proposals of the contract as it is now.",
    )


AMENDING: Final = (
    Rule.NOT_AMENDABLE,
    Rule.NOTHING_TO_EDIT,
    Rule.NOTHING_EDITED,
    Rule.AMENDED_TOO_OFTEN,
    Rule.OTHER_ROWS,
)
"""Why nothing is edited or extended."""

STEERING: Final = (Rule.JOB_DONE, Rule.NOT_GIVEN_UP, Rule.NOTHING_TO_CANCEL)
"""Why a job is not steered so."""

UNDOING: Final = (
    Rule.NOT_APPLIED,
    Rule.RECONCILIATION_REQUIRED,
    Rule.RESOLVED_BY_PERSON,
    Rule.HARD_DELETE_RESTORE_UNSAFE,
    Rule.NOT_REVERSIBLE,
    Rule.TOO_DEEP,
    Rule.ALREADY_UNDONE,
    Rule.NOT_RECORDED,
    Rule.MOVED_ON,
    Rule.NOTHING_TO_UNDO,
)
"""Why no undo is filed."""

RESOLVING: Final = (Rule.NOT_IN_DOUBT, Rule.CONTRARY, Rule.SEEN_MOVED)
"""Why nothing is resolved."""

DRAFTING: Final = (
    Rule.NOT_APPROVED,
    Rule.ENDED_ILL,
    Rule.IS_UNDO,
    Rule.OTHER_CAPABILITY,
    Rule.NO_CAPABILITY,
    Rule.HIDDEN_COLUMN,
    Rule.NO_BOUNDED_NUMBER,
    Rule.ONLY_PEOPLE,
    Rule.NOT_IN_ORDER,
    Rule.DIFFERS_NOW,
)
"""Why no policy is drafted."""
