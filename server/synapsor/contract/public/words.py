"""What a translation says of a public contract: refusals and changes by stable words, each with its place in the document.

A refusal is never softened into a change: what would grant more than the document does, or keep less of it, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REFUSALS: Final[dict[str, str]] = {
    "argument_optional": "An argument that stands for a key or a new value is always needed, so it is not optional.",
    "argument_unknown": "A patch or selection takes its value from an argument that is declared.",
    "argument_unused": "An argument of a proposal that nothing uses would be asked for and forgotten.",
    "approval_role_missing": "Only a role may approve, so `approval.required_role` is needed.",
    "binding_unsupported": "Tenant and principal come from the trusted session; hosted sessions and reviewed organizations are not served.",
    "breaks_our_rule": "The translation breaks a rule of `synapsor check`.",
    "delta_unsupported": "Sums of differences whatever their sign, and of what a new row was before, are not bounded here; bound the values before or after.",
    "engine_unsupported": "The engine is one that is served here, and the one of the configured source.",
    "enum_unsupported": "Listed values are texts; numbers and booleans are not listed here.",
    "kind_unsupported": "Reads, aggregates and proposals are served; external actions and answers are not.",
    "lookup_missing": "A read or a change of one row names the argument that is its key.",
    "name_clash": "Two names are one when written in lower case.",
    "name_unfit": "A name has letters, digits and underscores, begins with a letter, and is at most 63 long (31 before a dot).",
    "nothing_returned": "A capability shows at least one field beside those that the session decides.",
    "number_unsupported": "A number that is compared, set or bounded is whole, or stands for a decimal column.",
    "policy_unsupported": "A policy approves by numbers that it bounds, in mode green; other kinds and modes are not served, and none is left out.",
    "protected_read_unsupported": "A protected read's frozen digests, budgets per session and differencing limits are not kept here, and it is not served with less.",
    "resource_type_unsupported": "A resource is a table, or a view that is only read.",
    "session_clash": "One name of a session stands for one value; two contexts bind it to different ones.",
    "source_unknown": "Every capability's source is known: it is named, or there is only one.",
    "tenant_missing": "A context binds the tenant of its rows.",
    "text_unfit": "A description has at most 1000 characters, and an argument's at most 500.",
    "transition_unsupported": "A transition guard is about the field's own states.",
    "type_unknown": "Every column's type is known from the catalogue or the types file, and is one that is served.",
    "types_missing": "The format has no column types: they come from a source's catalogue or from a types file beside the contract.",
    "workflow_unsupported": "A workflow lists capabilities; its own evidence, approval, settlement and replay are not understood here.",
    "writeback_unsupported": "An approved change is applied by the worker in the source (`direct_sql`), or by an application (`app_handler`) whose `executor` has a plain name; other workers and `none` are not served.",
}
"""Why a document, or a part of it, is not served; the words never change their meaning."""

NOTES: Final[dict[str, str]] = {
    "argument_dropped": "Nothing uses this argument of a read, and it is left out.",
    "argument_typed": "The column holds whole numbers, so the argument is one.",
    "description_made": "The document describes nothing here; the description is made of the name.",
    "evidence_always": "Evidence and audit are always kept, under handles of our own.",
    "extension_ignored": "An extension key is passed over.",
    "delete_not_undone": "A removed row is not restored as it was, so this delete cannot be undone, and its card says so.",
    "guard_is_whole_row": "Nothing shows that the database moves a version, so the whole row must be as it was.",
    "handler_is_ours": "The application carries it out, and is asked by the protocol of our own.",
    "idempotency_is_ours": "An approved change takes effect once, by its own key.",
    "kept_out_elsewhere": "Something of the contract uses this column, so it is not denied; no capability that keeps it out shows it.",
    "limit_added": "A policy has a limit of the day here.",
    "length_added": "Every text has a longest length.",
    "number_narrowed": "A bound with decimals is narrowed to whole numbers.",
    "policy_unused": "No approval names this policy, and it is left out.",
    "principal_added": "The context binds no principal; a session must carry one here.",
    "records_ignored": "Sample records grant nothing, and are left out.",
    "renamed": "Names are in lower case here.",
    "rows_for_one_key": "One key is one row, whatever `max_rows` is.",
    "scope_not_shown": "The session decides this column, and no result shows it.",
    "session_value": "The session carries this value.",
    "single_tenant": "All rows belong to one tenant, as the document says for local demos; a reviewer must stand for it.",
    "source_named": "The source is the one that was named.",
    "total_counts_from_nothing": "A total counts what is changed here, so the policy approves only where the number was none before.",
    "total_shared_out": "Sums of new rows are not bounded here, so each row may have its even part of the sum, and none may be negative.",
    "totals_not_negative": "A total counts amounts whatever their sign, so none may be negative.",
    "withheld_everywhere": "A column that one capability withholds is a token in all of them.",
    "whole_numbers": "An argument for a decimal column is a whole number here.",
}
"""What a translation changes, always to the same or to less."""

WAITS: Final[dict[str, str]] = {}
"""What the translation writes already and this version does not serve yet; a line goes when its feature comes."""


@dataclass(frozen=True, slots=True, order=True)
class Said:
    """One refusal or change: where, by which word, and what it is about."""

    path: str
    word: str
    detail: str = ""

    @property
    def message(self) -> str:
        """The word's sentence, with what it is about."""
        sentence = {**REFUSALS, **WAITS, **NOTES}[self.word]
        return f"{sentence} {self.detail}".rstrip()
