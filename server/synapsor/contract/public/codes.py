"""Every code of the public format with its sentence, by chapter; `docs/reference/public-codes.md` is rendered from here."""

from __future__ import annotations

from typing import Final

from synapsor.contract.public import frame_codes as frame
from synapsor.contract.public import proposal_codes as proposals
from synapsor.contract.public import protected_codes as protected

WARNINGS: Final = frame.WARNINGS

CHAPTERS: Final[dict[str, dict[str, str]]] = {
    "The document": frame.DOCUMENT,
    "Resources": frame.RESOURCES,
    "Contexts": frame.CONTEXTS,
    "Capabilities": frame.CAPABILITIES,
    "Subjects": frame.SUBJECTS,
    "Arguments": frame.ARGUMENTS,
    "Aggregates": frame.AGGREGATES,
    "Proposals": proposals.PROPOSALS,
    "Operations": proposals.OPERATIONS,
    "Sets of rows": proposals.SETS,
    "Protected reads": protected.PROTECTED,
    "What a protected read selects": protected.SELECTION,
    "Relationships of a protected read": protected.RELATIONSHIPS,
    "Measures of a protected read": protected.MEASURES,
    "Derived measures": protected.DERIVED,
    "Policies": frame.POLICIES,
    "Workflows": frame.WORKFLOWS,
    "Sample records": frame.RECORDS,
}

CODES: Final[dict[str, str]] = {
    code: sentence for chapter in (*CHAPTERS.values(), WARNINGS) for code, sentence in chapter.items()
}
