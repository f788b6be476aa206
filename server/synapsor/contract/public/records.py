"""The sample records of a public contract: they show what a run looks like and grant nothing."""

from __future__ import annotations

from typing import Final

from synapsor.contract.public.forms import is_list, is_text
from synapsor.contract.public.part import Part

_SAMPLES: Final = (
    ("evidence", "EVIDENCE", ("handle", "capability", "query_fingerprint", "items")),
    (
        "receipts",
        "RECEIPT",
        ("id", "proposal_id", "status", "idempotency_key", "source_database_mutated", "rows_affected"),
    ),
    ("external_actions", "EXTERNAL_ACTION", ("id", "action", "handler", "idempotency_key", "receipt")),
)


def judge_records(document: Part, capabilities: frozenset[str]) -> None:
    """Report what is wrong with the sample records of a document."""
    for key, stem, known in _SAMPLES:
        document.may((key, is_list, f"{stem}_NOT_ARRAY"))
        for record in document.items(key, f"{stem}_NOT_OBJECT"):
            record.closed(*known)
    document.may(("proposals", is_list, "PROPOSALS_NOT_ARRAY"), ("replay", is_list, "REPLAY_NOT_ARRAY"))
    for proposal in document.items("proposals", "PROPOSAL_NOT_OBJECT"):
        proposal.closed("id", "capability", "subject", "status", "diff", "evidence_handle")
        proposal.needs(
            ("id", is_text, "INVALID_PROPOSAL_ID"),
            (
                "capability",
                lambda name: is_text(name) and (not capabilities or name in capabilities),
                "UNKNOWN_CAPABILITY",
            ),
        )
    for replay in document.items("replay", "REPLAY_RECORD_NOT_OBJECT"):
        replay.closed("id", "proposal_id", "run_id", "events")
        replay.needs(("id", is_text, "INVALID_REPLAY_ID"), ("events", is_list, "REPLAY_EVENTS_REQUIRED"))
