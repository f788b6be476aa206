"""What every tool answers: one closed envelope, the same as structured content and as text."""

from __future__ import annotations

from typing import Any

from synapsor.errors import Refusal

VERSION = "synapsor.envelope/1"


def success(
    capability: str,
    kind: str,
    summary: str,
    *,
    evidence: str | None,
    audit: str,
    data: Any = None,
    proposal: Any = None,
) -> dict[str, Any]:
    """Return the envelope of a call that was answered. A filed proposal is a success too."""
    return {
        "ok": True,
        "summary": summary,
        "capability": capability,
        "kind": kind,
        "data": data,
        "proposal": proposal,
        "error": None,
        "evidence": {"id": evidence} if evidence else None,
        "audit": {"id": audit},
        "source_database_changed": False,
    }


def failure(capability: str, kind: str, refusal: Refusal, *, audit: str | None) -> dict[str, Any]:
    """Return the envelope of a refused call; its words come from the closed table and from contract words only."""
    meaning = refusal.meaning
    message = f"{meaning.message} {refusal.detail}".rstrip()
    error = {
        "code": refusal.code.value,
        "message": message,
        "retryable": meaning.retryable,
        "retry_after_ms": meaning.retry_after_ms,
        "fix": meaning.fix,
    }
    return {
        "ok": False,
        "summary": message,
        "capability": capability,
        "kind": kind,
        "data": None,
        "proposal": None,
        "error": error,
        "evidence": None,
        "audit": {"id": audit} if audit else None,
        "source_database_changed": False,
    }
