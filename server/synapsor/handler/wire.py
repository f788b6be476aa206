"""The words of the protocol between the worker and an application's handler; docs/reference/handler.md says what they mean.

Both sides import them from here, so that neither has a word that the other one does not know.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, Final

VERSION: Final = 1
NAME: Final = "synapsor-handler"
SIGNATURE: Final = "Synapsor-Signature"
SIGNATURE_VARIABLE: Final = "SYNAPSOR_SIGNATURE"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
MOST_BYTES: Final = 33_554_432
"""The largest job: a proposal shows at most 8 MiB of column text, and JSON may write each byte as several."""

MOST_ANSWER_BYTES: Final = MOST_BYTES
MOST_DETAIL: Final = 200
MOST_AGAIN_SECONDS: Final = 86_400
"""When a handler wants to be asked again at the latest; the worker asks sooner, and says so in the reference."""

MOST_AGE_SECONDS: Final = 300
LEAST_SECRET: Final = 24


class Ask(StrEnum):
    """What the worker asks a handler to do."""

    APPLY = "apply"
    LOOK = "look"
    """Say what is recorded under the keys, and change nothing."""
    CLOSE = "close"
    """Record that it was not applied, unless something is recorded already; nothing is applied under the key after that."""
    ABANDON = "abandon"
    """The same of what was accepted and may have been begun: begin nothing of it from now on. A person has said what became of it."""


class Came(StrEnum):
    """What a handler says has come of a job."""

    APPLIED = "applied"
    ALREADY_APPLIED = "already_applied"
    CONFLICT = "conflict"
    FAILED = "failed"
    ACCEPTED = "accepted"
    """It is recorded and will be done; it is not done yet, and may be from now on whatever is asked."""
    NOTHING = "nothing"
    """Nothing is recorded under the key; the answer to `look` alone."""

    @property
    def status(self) -> int:
        """The HTTP status that goes with it."""
        return _STATUS[self]


_STATUS: Final = {
    Came.APPLIED: 200,
    Came.ALREADY_APPLIED: 200,
    Came.ACCEPTED: 202,
    Came.CONFLICT: 409,
    Came.FAILED: 422,
    Came.NOTHING: 404,
}
CONFLICTS: Final = frozenset(
    {
        "row_gone",
        "version_moved",
        "insert_duplicate",
        "receipt_of_another_digest",
        "receipts_differ",
        "effect_stands",
    }
)
"""Why a handler says `conflict`: the rows are not as they were, or its own receipts say something else."""

FAILURES: Final = frozenset(
    {"refused", "unsupported", "expired", "constraint", "value", "after_image", "closed", "abandoned"}
)
"""Why a handler says `failed`."""

CODES: Final = {Came.CONFLICT: CONFLICTS, Came.FAILED: FAILURES}


def strict(body: bytes) -> Any:
    """Return the JSON of a message.

    Raises:
        ValueError: it is none, says a key twice, or holds a number that is no whole one.
    """
    try:
        return json.loads(body.decode(), object_pairs_hook=_once, parse_float=_refuse, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is said twice")
    return made


def _refuse(_: str) -> Any:
    raise ValueError("not a whole number")
