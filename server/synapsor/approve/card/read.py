"""What the agent read before it asked: the evidence that a proposal names, and the rest of the same run, with hidden values covered.

Only what the ledger holds as the proposal names it is told as proven. Few rows of each are told, and how many more there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Final

from synapsor.approve.card.cells import Copied, Value
from synapsor.approve.card.extent import MOST_COMPARED, Extent
from synapsor.approve.card.read_view import Evidence, Heading, Proof, Rows
from synapsor.approve.card.teller import Teller
from synapsor.core.copied import LEAST, MOST_TEXT, pieces, plain
from synapsor.core.proposal import Member, Proposal
from synapsor.values import Token, digest

ALSO: Final = 10
"""Reads of the same run that a card tells beside those that the proposal names."""

MOST_COPIES: Final = 3
_CELL: Final = 20
"""What a value takes at least, whatever it is."""
MOST_READ: Final = 1_000_000

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One read; `body` is None where the ledger does not hold it as it was."""

    handle: str
    capability: str
    own: bool
    proof: Proof
    body: Body | None

    @property
    def parts(self) -> Iterator[tuple[str | None, Body]]:
        """The rows, and the lists that came along with them, by name."""
        if self.body is not None:
            yield None, self.body
            yield from self.body.get("lists", {}).items()


def named(proposal: Proposal, evidence: Body | None, read: Mapping[str, Body | None]) -> tuple[Read, ...]:
    """Return the reads that a proposal names; `read` has what the ledger holds of each but its own."""
    own = (proposal.capability, proposal.evidence, proposal.evidence_digest)
    found = [_read(*own, evidence, own=True)]
    found += [_read(*one, read.get(one[1]), own=False) for one in proposal.rests_on]
    return tuple(found)


def others(proposal: Proposal, bodies: Sequence[Body]) -> tuple[Read, ...]:
    """Return those of the same run's reads that the proposal does not name."""
    known = {proposal.evidence, *(handle for _, handle, _ in proposal.rests_on)}
    return tuple(_recorded(body) for body in bodies if body["id"] not in known)


def all_told(reads: Sequence[Read], teller: Teller, units: Mapping[str, str], extent: Extent) -> tuple[Evidence, ...]:
    """Return reads with some of their rows, the same share of what may be told for each list.

    `units` are those of the columns of the proposal's own table.
    """
    parts = sum(1 for read in reads for _ in read.parts)
    share = extent if extent.read is None else replace(extent, read=extent.read // max(1, parts))
    return tuple(_told(read, teller, units if read.own else {}, share) for read in reads)


def _told(read: Read, teller: Teller, units: Mapping[str, str], share: Extent) -> Evidence:
    return Evidence(
        handle=teller.text(read.handle),
        own=read.own,
        proof=read.proof,
        capability=teller.text(read.capability),
        at=teller.moment(str(read.body["at"])) if read.body is not None else None,
        rows=tuple(_rows(name, part, teller.beside(part["columns"], units=units), share) for name, part in read.parts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    read: Read
    part: str | None
    row: int
    column: str
    text: str
    values: Mapping[str, Token]


class Copies:
    """Finds new texts again in what was read; how much is compared for one card is bounded, and what is not is said."""

    def __init__(self, reads: Sequence[Read], teller: Teller, *, most: int = MOST_COMPARED) -> None:
        """Look into these reads, as far as `most` characters go, however many new texts there are."""
        self._teller = teller
        self._cells: list[_Cell] = []
        self._texts: list[str] = []
        self._size, self._is_all = 0, True
        self._left = most
        room = min(MOST_READ, most)
        cells = (cell for read in reads for cell in _cells(read))
        for number, cell in enumerate(cells):
            if number == room // _CELL:
                self._is_all = False
                break
            if self._size + len(cell.text) > room:
                self._is_all = False
                continue
            self._size += len(cell.text)
            self._cells.append(cell)
            self._texts.append(plain(cell.text))

    def of(self, member: Member, name: str) -> tuple[tuple[Copied, ...], bool]:
        """Return where else the new text of a column stands, and whether everything was compared."""
        new = member.changes[name]
        if new is None or len(new) < LEAST:
            return (), True
        if self._left < self._size:
            return (), False
        self._left -= self._size
        found = pieces(new, member.before.get(name), self._texts)
        told = _once(_copied(self._cells[piece.at], piece.text, member, self._teller) for piece in found)
        return told[:MOST_COPIES], self._is_all and len(new) <= MOST_TEXT


def _read(capability: str, handle: str, told_digest: str, body: Body | None, *, own: bool) -> Read:
    proof: Proof = "missing" if body is None else "proven" if digest("evidence", body) == told_digest else "altered"
    kept = body if proof == "proven" else None
    return Read(handle=handle, capability=capability, own=own, proof=proof, body=kept)


def _recorded(body: Body) -> Read:
    """Return a read that nothing but the ledger's chain vouches for, so its form is not to be relied on."""
    is_it = all(_is_formed(part) for part in (body, *dict(body.get("lists", {})).values()))
    return Read(
        handle=str(body["id"]),
        capability=str(body.get("capability")),
        own=False,
        proof="recorded" if is_it else "altered",
        body=body if is_it else None,
    )


def _is_formed(part: Body) -> bool:
    columns, rows = part.get("columns"), part.get("rows")
    return (
        isinstance(columns, list)
        and all(isinstance(c, list) and len(c) == 2 and all(isinstance(t, str) for t in c) for c in columns)  # noqa: PLR2004  # name and type
        and isinstance(rows, list)
        and all(
            isinstance(row, list) and len(row) == len(columns) and all(t is None or isinstance(t, str) for t in row)
            for row in rows
        )
    )


def _fitting(rows: Sequence[Sequence[Token]], share: Extent) -> Sequence[Sequence[Token]]:
    """Return the first rows, as many as may be told."""
    first = rows[: share.rows]
    if share.read is None:
        return first
    most = share.text or share.read
    sizes = accumulate(sum(_CELL + min(len(token or ""), most) for token in row) for row in first)
    return first[: sum(size <= share.read for size in sizes)]


def _rows(name: str | None, part: Body, teller: Teller, share: Extent) -> Rows:
    hidden = part.get("hidden", {})
    columns = [column for column, _ in part["columns"]]
    rows = _fitting(part["rows"], share)

    def cell(column: str, token: Token) -> Value:
        covered = column in hidden and token is not None
        return teller.hidden(column, token or "") if covered else teller.value(column, token)

    return Rows(
        name=teller.perhaps(name),
        columns=tuple(
            Heading(
                name=teller.text(column),
                kind=teller.kind(column),
                hidden=teller.text(hidden[column][0]) if column in hidden else None,
            )
            for column in columns
        ),
        rows=tuple(tuple(cell(column, token) for column, token in zip(columns, row, strict=True)) for row in rows),
        more=len(part["rows"]) - len(rows),
        cut_by=teller.perhaps(part.get("cut_by")),
    )


def _cells(read: Read) -> Iterator[_Cell]:
    for part, body in read.parts:
        columns = [column for column, _ in body["columns"]]
        for number, row in enumerate(body["rows"], 1):
            values = dict(zip(columns, row, strict=True))
            for column, token in values.items():
                if token is not None:
                    yield _Cell(read=read, part=part, row=number, column=column, text=token, values=values)


def _once(found: Iterable[Copied]) -> tuple[Copied, ...]:
    """Return what was found, of the same row the first read alone where several reads hold it."""
    kept: dict[object, Copied] = {}
    for at, one in enumerate(found):
        kept.setdefault((one.piece.text, one.piece.digest, one.column.text) if one.same_row else at, one)
    return tuple(kept.values())


def _copied(cell: _Cell, piece: str, member: Member, teller: Teller) -> Copied:
    return Copied(
        piece=teller.text(piece),
        evidence=teller.text(cell.read.handle),
        capability=teller.text(cell.read.capability),
        list=teller.perhaps(cell.part),
        row=cell.row,
        column=teller.text(cell.column),
        same_row=cell.part is None and all(cell.values.get(name) == token for name, token in member.key),
    )
