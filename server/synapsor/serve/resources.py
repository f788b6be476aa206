"""The two kinds of record that a session may look at again by URI: its own proposals and its own evidence.

Whatever is not the session's own, not there or not a URI of ours gets one answer, the same bytes for all of them.
"""

from __future__ import annotations

import re
from typing import Final

from mcp.types import (
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceResult,
    ResourceTemplate,
    TextResourceContents,
)

ID: Final = "id"
EVIDENCE_URI: Final = f"synapsor://evidence/{{{ID}}}"
PROPOSAL_URI: Final = f"synapsor://proposal/{{{ID}}}"
_JSON = "application/json"
_URI = re.compile(r"synapsor://(?:proposal|evidence)/[A-Za-z0-9_-]{1,64}\Z")

TEMPLATES = ListResourceTemplatesResult(
    resource_templates=[
        ResourceTemplate(
            name="evidence",
            uri_template=EVIDENCE_URI,
            description="What one of your reads returned, as it was recorded.",
            mime_type=_JSON,
        ),
        ResourceTemplate(
            name="proposal",
            uri_template=PROPOSAL_URI,
            description="One of your proposals and where it stands.",
            mime_type=_JSON,
        ),
    ]
)
NOTHING_LISTED = ListResourcesResult(resources=[])


def is_ours(uri: str) -> bool:
    """Whether this is spelled like a URI that could name a record."""
    return _URI.match(uri) is not None


def contents(uri: str, text: str) -> ReadResourceResult:
    """Return a record as the answer to `resources/read`."""
    return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=_JSON, text=text)])
