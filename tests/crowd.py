"""A ledger with very many and hostile proposals: each is filed as any other, in one transaction."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from synapsor.core.proposal import Member, Proposal
from synapsor.handles import evidence_of
from synapsor.ledger import proposals
from synapsor.ledger.chain import Book
from synapsor.ledger.reads import seen_records
from synapsor.ledger.repetitions import Repetitions
from synapsor.ledger.store import Ledger
from synapsor.values import digest
from tests.ledger_records import handle, seen

SCRIPT = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
HOSTILE = SCRIPT + "{{ 7*7 }} \u202eevil\u2066 \x07\u200b\u2028 'quoted' &amp; <style>*{display:none}</style>"
WORD = "W" * 3000
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A proposal that is to be filed, with what it rests on."""

    proposal: Proposal
    evidence: dict[str, Any]
    audit: dict[str, Any]


def another(like: Proposal, *, rows: Sequence[Sequence[str | None]] | None = None, **changed: Any) -> Filed:
    """Return a new proposal like one that is there, resting on `rows`, with other fields."""
    audit, evidence = seen()
    if rows is not None:
        evidence["rows"] = rows
    assert evidence["id"] == evidence_of(audit["id"])
    made = replace(
        like,
        id=handle("wrp"),
        branch=handle("rb"),
        nonce=secrets.token_hex(16),
        request=digest("request", secrets.token_hex(16)),
        evidence=evidence["id"],
        evidence_digest=digest("evidence", evidence),
        **changed,
    )
    return Filed(proposal=made, evidence=evidence, audit=audit)


def row(
    like: Proposal, *, key: str | None = None, before: Mapping[str, str | None] | None = None, after: str = "x"
) -> tuple[Member, ...]:
    """Return the one row of a note with another key, values before and note after."""
    (member,) = like.members
    named = member.key if key is None else (("id", key),)
    return (replace(member, key=named, before={**member.before, **(before or {})}, changes={"note": after}),)


async def file_all(ledger: Ledger, filed: Sequence[Filed]) -> None:
    """File proposals in one transaction."""

    async def job(book: Book) -> None:
        for one in filed:
            seen = seen_records(one.audit, one.evidence)
            await proposals.file(book, one.proposal, seen, Repetitions(), ledger._trust)

    await ledger._write(job)
