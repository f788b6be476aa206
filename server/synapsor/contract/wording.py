"""Words that a model may not be given: argument names that claim authority, and texts that name what is hidden."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_RESERVED = frozenset(
    """
    tenant principal user role roles actor approver reviewer onbehalfof impersonate
    approve reject decide decision apply commit confirm force dryrun proposal proposalid branch branchid runid evidence evidenceid
    sql query table tables tablename column columns columnname allowedcolumns relation schema schemaname
    database databasename databaseurl dsn host hostname url uri password passwd secret token accesstoken apikey bearer
    authorization connection connectionstring version rowversion expectedversion idempotencykey
    select returns limit offset cursor nextcursor order orderby groupby having where filter filters scope scopes capability
    """.split()  # noqa: SIM905  # words are easier to review than quotes and commas
)
_RESERVED_BEGINNINGS = (
    "tenant",
    "principal",
    "approval",
    "approved",
    "source",
    "session",
    "sql",
    "credential",
    "synapsor",
)


AUTHORITY_FIX: Final = (
    "The session decides scope, and a person approves; name a value after what it is about, such as `order_id`."
)


def claims_authority(name: str, trusted: Iterable[str] = ()) -> bool:
    """Tell whether an argument's name sounds like scope, authority or query text, in any spelling (`tenantId`, `TENANT_ID`).

    `trusted` are names that the session decides.
    """
    plain = _plain(name)
    return plain in _RESERVED or plain.startswith(_RESERVED_BEGINNINGS) or plain in {_plain(t) for t in trusted}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def names_hidden(text: str, hidden: Iterable[str]) -> str:
    """Return the first hidden name that a text holds as a word of its own, or ""."""
    found = (
        name
        for name in hidden
        if re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", text, re.IGNORECASE)
    )
    return next(found, "")
