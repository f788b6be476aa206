"""A login or a bearer token that was not accepted, as the ledger keeps it: by which rule, and never a word of the token.

Who it was is said only where that is proven: a subject that the provider's own signature vouches for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from synapsor.core.moment import Instant

Door = Literal["console", "approvals"]
Way = Literal["oidc", "bearer", "key", "code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLogin:
    """One refused attempt.

    Attributes:
        door: what somebody tried to get into.
        way: how.
        issuer, subject: whom the provider vouches for, though they are not let in; "" where nobody is vouched for.
        unrecorded: how many more were refused since the one before, and are not on record by themselves.
    """

    id: str
    at: Instant
    door: Door
    way: Way
    rule: str
    issuer: str
    subject: str
    unrecorded: int
