"""By which rule an attempt to decide was refused, in words: for whoever looks at it later, when only the rule is on record.

A rule that has no words here is told as it is; the tests hold that every rule of our own has some.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from synapsor.core.kept import ProposalRecord
from synapsor.errors import MEANINGS
from synapsor.flow.amend import REFUSED as EDIT_WORDS
from synapsor.flow.undo import REFUSED as UNDO_WORDS
from synapsor.ports import ReviewLedger

MOST: Final = 20
"""How many attempts are told one by one: the newest, for anybody who can knock can bring more about."""

WORDS: Final[Mapping[str, str]] = {
    "already_counted": "This person had approved it already, and counts once.",
    "already_decided": "It was decided or had ended already.",
    "alone": "It is not decided on together with others.",
    "asked_already": "The same waits already, asked for beside it.",
    "clock_behind": "The clock there stood before the moment of the proposal, or of an approval of it.",
    "clock_moved": "The clock there moved while it was decided.",
    "code_missing": "This approval takes a one-time code, and none was given.",
    "code_used": "The one-time code had been used before.",
    "covered": "It changes a hidden value that the person had not seen there.",
    "decided_meanwhile": "Somebody else decided meanwhile.",
    "digest_differs": "Another digest was given than that of what was shown.",
    "evidence_differs": "The evidence was not what the proposal was made from.",
    "expired": "Its time was over.",
    "form_foreign": "The form was not from the person's own session.",
    "ledger_altered": "The ledger had been altered, so nothing was decided by it.",
    "login_expired": "The login had expired.",
    "login_invalid": "The login did not hold, or was another person's.",
    "no_agent": "A person asked for it, so there is no agent to ask.",
    "no_codes": "This person has no one-time codes here.",
    "no_person": "It was the key of a program, and no person.",
    "no_such_proposal": "There was no such proposal.",
    "not_by_prompt": "It is not decided through a prompt: its contract does not allow that.",
    "not_confirmed": "It was not confirmed that it had been read.",
    "not_fully_shown": "It could not be shown there in full, and nobody approves what they have not seen.",
    "not_looked_at": "Its contract wants every row looked at just before an approval, and that could not be done there.",
    "not_shown": "It had not been shown to this person there, or had become another one.",
    "not_shown_here": "Its arguments were too large for a form.",
    "not_what_was_shown": "It was not what had been shown to the person.",
    "operator_revoked": "This person is not trusted any more.",
    "own_edit": "This person edited it, and nobody decides on their own edit.",
    "own_request": "This person asked for it, and nobody decides on their own request.",
    "records_differ": "The ledger's own records contradicted each other about it.",
    "role_missing": "This person, or their login, does not carry the role that it needs.",
    "same_person": "This person has asked for it or approved it under another name.",
    "stale_row": "A row was not as it was when the change was asked for, or could not be looked at.",
    "to_come": "The approval was of a moment that the clock there had not reached.",
    "too_many_codes": "This person had given too many one-time codes that day.",
    "too_many_questions": "Enough was asked about it.",
    "unknown_key": "Nobody who is trusted here has this key.",
    "unverified": "Nobody had proven who they were.",
    "voucher_untrusted": "The key of the server there, which says who somebody is, was not trusted any more.",
    "waits_for_group": "It had its approvals, and waited for those it stands or falls with.",
    "would_not_apply": "The worker would not apply it as things stood.",
    "wrong_code": "The one-time code was not theirs, not for this proposal or not of then.",
    "wrong_key": "It was signed with another key than this person's.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One attempt that was refused, as the ledger has it."""

    at: str
    operator: str
    rule: str
    words: str


def words_of(rule: str) -> str:
    """Return a rule in words; "" for one that has none."""
    told = WORDS.get(rule) or EDIT_WORDS.get(rule) or UNDO_WORDS.get(rule, "")
    return told or next((meaning.message for code, meaning in MEANINGS.items() if code.value == rule), "")


async def refused_of(record: ProposalRecord, ledger: ReviewLedger) -> tuple[tuple[Tried, ...], int]:
    """Return the newest refused attempts to decide on a proposal, newest first, and how many there were before them."""
    handles = [name for event in record.events for name in _refused(event)]
    told = []
    for handle in reversed(handles[-MOST:]):
        found = await ledger.find(handle)
        if found is not None:
            body = found["body"]
            rule = body["rule"]
            told.append(Tried(at=body["at"], operator=body["operator"], rule=rule, words=words_of(rule)))
    return tuple(told), max(0, len(handles) - MOST)


def _refused(event: Mapping[str, object]) -> list[str]:
    records = event.get("records")
    if not isinstance(records, Mapping):
        return []
    return [records[kind][0] for kind in records if kind == "refused_decision"]
