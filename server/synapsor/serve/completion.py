"""Completion of handles: of the one argument of a prompt, and of the two resource templates; of a session's own records and nothing else."""

from __future__ import annotations

from typing import Final

from mcp.types import CompleteRequestParams, CompleteResult, Completion, PromptReference

from synapsor.handles import Kind
from synapsor.serve.prompts import ARGUMENT, EXPLAIN
from synapsor.serve.resources import EVIDENCE_URI, ID, PROPOSAL_URI

MOST_TYPED: Final = 64
_TEMPLATES: Final[dict[str, Kind]] = {PROPOSAL_URI: "proposal", EVIDENCE_URI: "evidence"}


def asked_for(params: CompleteRequestParams) -> Kind | None:
    """Return of what kind the handles are that can stand where the client types; None where there is nothing to complete."""
    if isinstance(params.ref, PromptReference):
        return "proposal" if (params.ref.name, params.argument.name) == (EXPLAIN, ARGUMENT) else None
    return _TEMPLATES.get(params.ref.uri) if params.argument.name == ID else None


def completed(handles: list[str]) -> CompleteResult:
    """Return the handles as the answer to `completion/complete`."""
    return CompleteResult(completion=Completion(values=handles))
