"""The one way on which a value of a row gets to a model or into the ledger: each column as its reviewed rule shows it.

A masked value is kept as the model saw it, a tokenised one is kept sealed beside its token, and one for aggregates is not kept at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from synapsor.contract.mapping import REVEALER, ColumnRule, Table
from synapsor.contract.paths import split, table_at
from synapsor.core.evidence import Kept, Rows
from synapsor.core.hidden import NOTHING, Keeper, Place, last_four
from synapsor.core.proposal import Member, Proposal
from synapsor.values import ColumnType, Json, Token, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Veil:
    """How a column is hidden, and the place that its tokens belong to, by whatever path it is reached.

    Attributes:
        tenanted: its rows have tenants; the tokens of a table without are the same for all.
    """

    rule: ColumnRule
    relation: str
    column: str
    tenanted: bool


@dataclass(frozen=True, kw_only=True)
class Presenter:
    """Shows the columns of one statement.

    Attributes:
        hidden: the columns that are not shown as they are, by their paths.
    """

    keeper: Keeper
    source: str
    hidden: Mapping[str, Veil]

    def shown(self, path: str, token: Token, kind: ColumnType, *, tenant: Token) -> Json:
        """Return what a model sees of a value.

        Raises:
            ValueUnfit: the value is not of its reviewed type.
        """
        return self.form(path, token, tenant) if path in self.hidden else to_json(token, kind)

    def form(self, path: str, token: Token, tenant: Token) -> Token:
        """Return what stands for a value of a hidden column; a missing value is shown as missing."""
        veil = self.hidden[path]
        if token is None:
            return None
        if veil.rule.show == "token":
            whose = tenant if veil.tenanted else None
            return self.keeper.token(Place(self.source, veil.relation, veil.column, whose), token)
        return last_four(token) if veil.rule.show == "last_four" else NOTHING

    def again(self, path: str, kept: Token, kind: ColumnType, *, tenant: Token, hidden: Collection[str]) -> Json:
        """Return what a model sees of a recorded value: as it was kept, or less, where its column is hidden by now."""
        return kept if path in hidden else self.shown(path, kept, kind, tenant=tenant)

    def proposed(self, name: str, token: Token, kind: ColumnType, proposal: Proposal) -> Json:
        """Return what a model sees of a value that a proposal would set; its token is the proposal's own and matches no other.

        With the token of the row, a model could have the token of any text made and look for it in what it reads.
        """
        if name in self.hidden and self.hidden[name].rule.show == "token" and token is not None:
            return self.keeper.token(Place(self.source, proposal.id, name, proposal.tenant), token)
        return self.shown(name, token, kind, tenant=proposal.tenant)

    def kept(self, described: Sequence[list[str]], seen: Rows, tenant: Token) -> Kept:
        """Return what evidence keeps of the rows that were seen."""
        if not self.hidden:
            return Kept(columns=list(described), rows=[list(row) for row in seen.rows])
        stay = [at for at, name in enumerate(seen.columns) if not self._left_out(name)]
        rows = [[self._cell(seen.columns[at], row[at], tenant) for at in stay] for row in seen.rows]
        kept = [seen.columns[at] for at in stay if seen.columns[at] in self.hidden]
        return Kept(
            columns=[list(described[at]) for at in stay],
            rows=rows,
            hidden={name: [str(self.hidden[name].rule.show), self._role(name)] for name in kept},
            sealed={name: self._sealed(name, seen, tenant) for name in kept if self._role(name)},
        )

    def _cell(self, name: str, token: Token, tenant: Token) -> Token:
        return self.form(name, token, tenant) if name in self.hidden else token

    def _role(self, name: str) -> str:
        rule = self.hidden[name].rule
        return (rule.reveal or REVEALER) if rule.show == "token" else ""

    def _left_out(self, name: str) -> bool:
        return name in self.hidden and self.hidden[name].rule.show == "aggregate"

    def _sealed(self, name: str, seen: Rows, tenant: Token) -> dict[str, Token]:
        at = seen.columns.index(name)
        place = Place(self.source, "", name, tenant)
        values = {row[at] for row in seen.rows if row[at] is not None}
        return {
            str(self.form(name, value, tenant)): self.keeper.seal(place, value) for value in sorted(values, key=str)
        }

    def sealed(self, member: Member, tenant: Token) -> Member:
        """Return a row of a proposal with its hidden values sealed, and what a model sees of those."""
        if not self.hidden:
            return member
        row = member.before
        sealed = {
            name: self.keeper.seal(Place(self.source, "", name, tenant), token) if name in self.hidden else token
            for name, token in row.items()
        }
        told = {name: self.form(name, token, tenant) for name, token in row.items() if name in self.hidden}
        return replace(member, before=sealed, hidden=told)


def presenter_of(paths: Iterable[str], table: Table, tables: Mapping[str, Table], keeper: Keeper) -> Presenter:
    """Return what shows the columns at these paths, and every column of the table itself."""
    hidden: dict[str, Veil] = {}
    for path in (*table.allowed, *paths):
        links, column = split(path)
        target = table_at(links, table, tables)
        rule = target.columns.get(column) if target is not None else None
        if target is not None and rule is not None and rule.show is not None:
            tenanted = target.tenant_column is not None
            hidden[path] = Veil(rule=rule, relation=target.relation, column=column, tenanted=tenanted)
    return Presenter(keeper=keeper, source=table.source, hidden=hidden)


def opened(proposal: Proposal, keeper: Keeper) -> Proposal:
    """Return a proposal with its rows as the database had them; what is digested and signed is the sealed one.

    Raises:
        IntegrityError: a value was sealed by another ledger, or changed.
    """
    if not proposal.hidden:
        return proposal
    members = tuple(replace(m, before=_unsealed(m, proposal, keeper)) for m in proposal.members)
    return replace(proposal, members=members)


def _unsealed(member: Member, proposal: Proposal, keeper: Keeper) -> dict[str, Token]:
    return {
        name: keeper.unseal(Place(proposal.source, "", name, proposal.tenant), token)
        if name in member.hidden
        else token
        for name, token in member.before.items()
    }


def covered(proposal: Proposal) -> Proposal:
    """Return a proposal with its rows as the model saw them, for whoever only looks."""
    if not proposal.hidden:
        return proposal
    return replace(proposal, members=tuple(replace(m, before={**m.before, **m.hidden}) for m in proposal.members))
