"""The page of one proposal: its whole card, what it rests on, and where this person may, the forms to decide.

A page is bounded. What does not fit is said, and nobody approves here what was not shown whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.card.card import card_of
from synapsor.approve.card.cells import Row
from synapsor.approve.card.extent import ON_A_PAGE, Extent
from synapsor.approve.card.now import with_now
from synapsor.approve.card.outline import WITH_CODE
from synapsor.approve.card.shown import unseen
from synapsor.approve.card.view import RECEIPTLESS, Card
from synapsor.approve.console.acting import may_here, objection_here
from synapsor.approve.console.draft import draft_path, may_be_drafted
from synapsor.approve.console.entries import asks_for_digest
from synapsor.approve.console.kept import kept
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.core.moment import stamp
from synapsor.core.overview import Search
from synapsor.core.presets import REJECT_WORDS
from synapsor.core.proposal import Proposal, Status
from synapsor.core.records import to_body
from synapsor.core.statements import Operator
from synapsor.core.steering import standing
from synapsor.errors import DecisionRefused
from synapsor.flow.amend import AMENDING
from synapsor.flow.ask import ASKING
from synapsor.flow.ask_shadow import ASKING_SHADOW
from synapsor.flow.named import proposal_of
from synapsor.flow.resting import Rest, holding, resting
from synapsor.flow.steering import steering
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule
from synapsor.values import canonical

MOST_BYTES: Final = 120_000
"""How large a proposal, with those that stand or fall with it, is shown with every text in full."""
MOST_PIECES: Final = 1500
"""In how many lines and places of texts and documents differences are shown in full: each is small, and takes much of a page."""
MOST_ROWS: Final = 100
MOST_PASSED: Final = 25
"""How many of the oldest that wait are looked through for one that a person may decide on."""
TYPED: Final = 8
"""How much of a digest a person types, where the risk asks for more than a tick."""
_FIXES: Final = {
    Rule.NOT_FULLY_SHOWN: "It is too large for a page. Decide in your terminal, which shows all of it.",
    Rule.COVERED: "Reveal it here, or decide in your terminal.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A card as far as a page shows it.

    Attributes:
        whole: all that is decided on is on the page.
        rows: those that are on it.
        hides: it changes a value that stays hidden here.
        against: why this person may not approve it here, or None.
        may_reject: whether this person may still reject it.
        may_uncover: nothing else is against it but that its values are hidden.
    """

    card: Card
    whole: bool
    rows: tuple[Row, ...]
    hides: bool
    against: DecisionRefused | None
    may_reject: bool
    may_uncover: bool

    @property
    def moved(self) -> bool:
        """Whether a row was found not to be as it was."""
        return self.card.now is not None and self.card.now.live.state == "changed"

    @property
    def types(self) -> bool:
        """Whether an approval has the beginning of the digest typed, and not a tick alone."""
        return asks_for_digest(self.card.risk.text)


def routes(room: Room) -> Iterable[Route]:
    """Return the page."""
    yield page(room, "/proposals/{handle}", _proposal)


async def _proposal(visit: Visit) -> Response:
    record = await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))
    return await proposal_page(visit, record)


async def proposal_page(
    visit: Visit,
    record: ProposalRecord,
    *,
    trouble: str = "",
    status: int = HTTPStatus.OK,
    whole: Proposal | None = None,
) -> Response:
    """Return the page of a proposal, with what went wrong before; `whole` is the proposal with its hidden values, the look recorded."""
    room = visit.room
    head, _ = await room.ledger.head()
    # As it is at that event, whatever was recorded since it was asked for.
    record = await room.ledger.proposal(record.proposal.id) or record
    proposal = record.proposal
    looked = await looked_at(visit, record, room.operators(), whole=whole, uncovered=whole is not None)
    if looked.against is None and whole is not None:
        visit.session.uncovered.add(proposal.digest)
    if looked.against is None:
        seen = await room.given.looks.now(proposal, who=visit.session.name)
        looked = replace(looked, card=with_now(looked.card, proposal, seen, now=visit.now, beside_it=ON_A_PAGE))
    return await visit.page(
        "proposal.html",
        status=status,
        looked=looked,
        card=looked.card,
        receiptless_words=RECEIPTLESS,
        step_up=proposal.step_up,
        with_code=WITH_CODE,
        typed=TYPED,
        presets=REJECT_WORDS,
        may_ask=may_here(visit, record, ASKING),
        may_edit=may_here(visit, record, AMENDING["edit"]),
        may_extend=may_here(visit, record, AMENDING["extend"]),
        may_measure=_may_measure(visit, record),
        may_cancel=_may_cancel(visit, record),
        rests=await _rests(visit, record),
        draft=draft_path(proposal.id) if may_be_drafted(record) else "",
        uncovered=whole is not None,
        applies=room.given.modes.get(proposal.source) == "writeback",
        following=await _following(visit, proposal.id),
        trouble=trouble,
        head=head,
        automatic=room.given.automatic,
        kept=kept(visit.request.url.path, visit.form, same=visit.sent("digest") == record.shown),
    )


def _may_measure(visit: Visit, record: ProposalRecord) -> bool:
    """Tell whether this person may have it measured, where a worker carries changes out at all."""
    is_written = visit.room.given.modes.get(record.proposal.source) == "writeback"
    return is_written and may_here(visit, record, ASKING_SHADOW)


def _may_cancel(visit: Visit, record: ProposalRecord) -> bool:
    """Tell whether this person may cancel it, where nobody has said so yet."""
    if record.job is None or standing(record.together).asked is not None:
        return False
    signer = visit.session.signer
    return signer is not None and may_here(visit, record, steering("cancel", signer))


async def _rests(visit: Visit, record: ProposalRecord) -> tuple[Rest, ...]:
    """Return what keeps workers from the job of an approved proposal."""
    if record.job is None or record.status is not Status.APPROVED:
        return ()
    source = record.proposal.source
    return holding(await resting(visit.room.ledger, (source,), visit.room.operators()), source)


async def _following(visit: Visit, this: str) -> str | None:
    """Return the next proposal that waits for a decision of this very person; of a long queue only the oldest are looked at."""
    room, operators = visit.room, visit.room.operators()
    found = await room.overview.waiting(Search(), after=None, now=stamp(visit.now), limit=MOST_PASSED)
    for one in found.ids:
        record = await room.ledger.proposal(one) if one != this else None
        if record is not None and await objection_here(visit, record, operators) is None:
            return one
    return None


async def looked_at(
    visit: Visit,
    record: ProposalRecord,
    operators: Mapping[str, Operator],
    *,
    whole: Proposal | None = None,
    uncovered: bool = False,
    beside_it: Extent = ON_A_PAGE,
) -> Looked:
    """Return the card, with every text in full where the proposal is not too large for that.

    `uncovered` says that this person sees the hidden values that it changes, or has seen them.
    """
    proposal, ledger = record.proposal, visit.room.ledger
    group = (proposal, *(other.proposal for other in record.group))
    small = sum(len(canonical(to_body(each))) for each in group) <= MOST_BYTES
    tell = partial(
        card_of,
        ledger,
        record,
        operators=operators,
        now=visit.now,
        whole=whole,
        beside_it=beside_it,
        receiptless=visit.room.given.receiptless,
    )
    card = await tell(full=small)
    if card.full and pieces_of(card) > MOST_PIECES:
        card = await tell()
    rows = card.rows[:MOST_ROWS]
    is_whole = card.whole and len(rows) == len(card.rows)
    known = await objection_here(visit, record, operators)
    hidden = unseen(card, proposal, "approve", whole=is_whole, uncovered=uncovered, fixes=_FIXES)
    return Looked(
        card=card,
        rows=rows,
        whole=is_whole,
        hides=proposal.changes_hidden,
        against=known or hidden,
        may_reject=await objection_here(visit, record, operators, "reject") is None,
        may_uncover=known is None and hidden is not None and hidden.rule is Rule.COVERED,
    )


def pieces_of(card: Card) -> int:
    """Return in how many lines and places the differences of a card are told."""
    return sum(
        (len(each.lines.lines) if each.lines else 0) + (len(each.paths.paths) if each.paths else 0)
        for row in card.rows
        for each in row.changes
    )
