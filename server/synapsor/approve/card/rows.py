"""The rows of a card: what becomes of each column, what must still be so, and what several rows come to in all."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from synapsor.approve.card.cells import Action, Change, Field, JsonDiff, MovedOn, Row, Total
from synapsor.approve.card.differences import lines, paths, step
from synapsor.approve.card.read import Copies
from synapsor.approve.card.teller import Teller
from synapsor.approve.card.terms import Terms
from synapsor.core.change import totals_of
from synapsor.core.plain import Text
from synapsor.core.proposal import Member, Proposal
from synapsor.core.restore import Since
from synapsor.core.scripts import mixed
from synapsor.errors import Refusal
from synapsor.values import ColumnType, Token

_WRITTEN = frozenset({ColumnType.TEXT.value, ColumnType.JSON.value, ColumnType.ARRAY.value})
_COUNTED = frozenset({ColumnType.INTEGER.value, ColumnType.NUMERIC.value})


def action_of(proposal: Proposal) -> Action:
    """Return what is done to every row."""
    return "removed" if proposal.deletes else "added" if proposal.inserts else "changed"


def row_of(
    proposal: Proposal, member: Member, number: int, *, terms: Terms, teller: Teller, aside: Teller, copies: Copies
) -> Row:
    """Return a row; what does not change is told by `aside`, since nobody needs to have seen it in full."""
    bound = () if proposal.deletes or proposal.inserts else tuple(n for n in terms.bounds if n not in member.changes)
    free = {proposal.advances, *proposal.moves}
    rest = [] if proposal.deletes else [n for n in member.before if n not in member.changes and n not in bound]
    return Row(
        number=number,
        action=action_of(proposal),
        key=teller.key(member),
        changes=(
            *(
                _set(proposal, member, name, terms=terms, teller=teller, aside=aside, copies=copies)
                for name in member.changes
            ),
            *(_same(member, name, terms, teller) for name in bound),
            *(_removed(member, name, teller) for name in (member.before if proposal.deletes else ())),
        ),
        effects=tuple(teller.reviewed(words) for words in terms.effects) if proposal.deletes else (),
        unchanged=tuple(_held(member, name, aside) for name in rest if name not in free),
        moved=tuple(_held(member, name, aside) for name in rest if name in free),
        guards=tuple(_held(member, name, teller) for name in proposal.guards),
        depends=tuple(teller.field(path, teller.value(path, token)) for path, token in member.depends.items()),
        moved_on=_moved_on(terms.since[number - 1], teller) if terms.since else None,
    )


def _moved_on(found: Since, teller: Teller) -> MovedOn | None:
    if found == Since():
        return None
    others, back = (tuple(teller.text(name) for name in names) for names in (found.others, found.back))
    return MovedOn(others=others, back=back, written=found.written)


def totals(proposal: Proposal, terms: Terms, teller: Teller) -> Iterator[Total]:
    """Yield what the numbers of several rows come to: of the changed columns, and of those that totals are reviewed of."""
    kinds = dict(proposal.columns)
    named = [n for n in dict.fromkeys((*terms.totals, *proposal.changed)) if kinds.get(n) in _COUNTED]
    for name in named if proposal.members[1:] else ():
        try:
            sums = totals_of(proposal.members, name)
        except Refusal:
            sums = dict.fromkeys(("before", "after", "change"))
        known = {which: teller.value(name, token) if token is not None else None for which, token in sums.items()}
        yield Total(
            name=teller.text(name),
            before=known["before"],
            after=known["after"],
            difference=known["change"],
            bounds=_reviewed(terms.totals.get(name), teller),
        )


def _set(
    proposal: Proposal, member: Member, name: str, *, terms: Terms, teller: Teller, aside: Teller, copies: Copies
) -> Change:
    """Return what a column is set to. Of a covered one it cannot be told that it holds that already."""
    token = member.changes[name]
    known = member.before.get(name)
    is_known = known is None or name not in teller.covered
    if not proposal.inserts and known == token and is_known:
        return _same(member, name, terms, teller)
    compared = not proposal.inserts and name not in teller.covered
    places = paths(name, known, token, aside) if compared else None
    copied, whole = copies.of(member, name) if teller.kind(name) in _WRITTEN else ((), True)
    return Change(
        name=teller.text(name),
        kind=teller.kind(name),
        how="added" if proposal.inserts else "set",
        before=None if proposal.inserts else teller.before(member, name),
        after=teller.value(name, token),
        bounds=_reviewed(terms.bounds.get(name), teller),
        difference=step(name, known, token, teller) if compared else None,
        lines=lines(name, known, token, aside) if compared else None,
        paths=places,
        notes=tuple(_notes(known if compared else None, token, places, compared=whole)),
        copied=copied,
    )


def _same(member: Member, name: str, terms: Terms, teller: Teller) -> Change:
    held = teller.before(member, name)
    bounds = _reviewed(terms.bounds.get(name), teller)
    return Change(name=teller.text(name), kind=teller.kind(name), how="same", before=held, after=held, bounds=bounds)


def _removed(member: Member, name: str, teller: Teller) -> Change:
    held = teller.before(member, name)
    return Change(name=teller.text(name), kind=teller.kind(name), how="removed", before=held, after=None)


def _held(member: Member, name: str, teller: Teller) -> Field:
    return teller.field(name, teller.before(member, name))


def _notes(before: Token, after: Token, places: JsonDiff | None, *, compared: bool) -> Iterator[Text]:
    """Yield what should be looked at twice in a new value."""
    if before is not None and after is not None and _normal(before) == _normal(after):
        yield Text("the two look alike and differ in their characters")
    elif places is not None and not places.paths:
        yield Text("the two documents say the same and differ in how they are written")
    if after is not None and (alphabets := mixed(after)):
        yield Text(f"one word has letters of {alphabets}, which look alike")
    if not compared:
        yield Text("there is too much of it, or of what was read, to compare all of the one with all of the other")


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _reviewed(sentence: str | None, teller: Teller) -> Text | None:
    return teller.reviewed(sentence) if sentence else None
