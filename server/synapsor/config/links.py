"""Links that are shown to people and models as they stand: an address and a path, and no place in them for a secret."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

Link = Annotated[
    str,
    StringConstraints(
        max_length=200,
        pattern=r"^(https://[A-Za-z0-9.-]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$",
    ),
]
"""An `https` address, or one of this machine: no user, query or fragment."""
