"""The one way on which a value of a row gets to a model or into the ledger: each column as its reviewed rule shows it.

A masked value is kept as the model saw it, a tokenised one is kept sealed beside its token, and one for aggregates is not kept at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from synapsor.contract.mapping import REVEALER, ColumnRule, Show, Table
from synapsor.core.evidence import Kept, Rows
from synapsor.core.hidden import NOTHING, Keeper, Place, last_four
from synapsor.core.proposal import Proposal
from synapsor.values import Json, Token, to_json


@dataclass(frozen=True, kw_only=True)
class Presenter:
    """Shows the columns of one mapping.

    Attributes:
        columns: the rules of every allowed column.
        hidden: those that are not shown as they are.
    """

    keeper: Keeper
    source: str
    relation: str
    columns: Mapping[str, ColumnRule]
    hidden: Mapping[str, Show]

    def shown(self, name: str, token: Token, tenant: Token) -> Json:
        """Return what a model sees of a value.

        Raises:
            ValueUnfit: the value is not of its reviewed type.
        """
        if name in self.hidden:
            return self.form(name, token, tenant)
        return to_json(token, self.columns[name].type)

    def form(self, name: str, token: Token, tenant: Token) -> Token:
        """Return what stands for a value of a hidden column; a missing value is shown as missing."""
        show = self.hidden[name]
        if token is None:
            return None
        if show == "token":
            return self.keeper.token(Place(self.source, self.relation, name, tenant), token)
        return last_four(token) if show == "last_four" else NOTHING

    def again(self, name: str, kept: Token, kind: Any, tenant: Token, *, hidden: bool) -> Json:
        """Return what a model sees of a recorded value: as it was kept, or less, where its column is hidden by now."""
        if hidden:
            return kept
        return self.form(name, kept, tenant) if name in self.hidden else to_json(kept, kind)

    def proposed(self, name: str, token: Token, proposal: Proposal) -> Json:
        """Return what a model sees of a value that a proposal would set; its token is the proposal's own and matches no other.

        With the token of the row, a model could have the token of any text made and look for it in what it reads.
        """
        if name in self.hidden and self.hidden[name] == "token" and token is not None:
            return self.keeper.token(Place(self.source, proposal.id, name, proposal.tenant), token)
        return self.shown(name, token, proposal.tenant)

    def kept(self, described: Sequence[list[str]], seen: Rows, tenant: Token) -> Kept:
        """Return what evidence keeps of the rows that were seen."""
        if not self.hidden:
            return Kept(columns=list(described), rows=[list(row) for row in seen.rows])
        stay = [at for at, name in enumerate(seen.columns) if self.hidden.get(name) != "aggregate"]
        rows = [[self._cell(seen.columns[at], row[at], tenant) for at in stay] for row in seen.rows]
        kept = [seen.columns[at] for at in stay if seen.columns[at] in self.hidden]
        return Kept(
            columns=[list(described[at]) for at in stay],
            rows=rows,
            hidden={name: [self.hidden[name], self._role(name)] for name in kept},
            sealed={name: self._sealed(name, seen, tenant) for name in kept if self.hidden[name] == "token"},
        )

    def _cell(self, name: str, token: Token, tenant: Token) -> Token:
        return self.form(name, token, tenant) if name in self.hidden else token

    def _role(self, name: str) -> str:
        return (self.columns[name].reveal or REVEALER) if self.hidden[name] == "token" else ""

    def _sealed(self, name: str, seen: Rows, tenant: Token) -> dict[str, Token]:
        at = seen.columns.index(name)
        place = Place(self.source, "", name, tenant)
        values = {row[at] for row in seen.rows if row[at] is not None}
        return {
            str(self.form(name, value, tenant)): self.keeper.seal(place, value) for value in sorted(values, key=str)
        }

    def sealed_row(self, row: Mapping[str, Token], tenant: Token) -> tuple[dict[str, Token], dict[str, Token]]:
        """Return a row with its hidden values sealed, and what a model sees of those."""
        if not self.hidden:
            return dict(row), {}
        sealed = {
            name: self.keeper.seal(Place(self.source, "", name, tenant), token) if name in self.hidden else token
            for name, token in row.items()
        }
        return sealed, {name: self.form(name, token, tenant) for name, token in row.items() if name in self.hidden}


def presenter_of(table: Table, keeper: Keeper) -> Presenter:
    """Return what shows the columns of a mapping."""
    hidden = {name: rule.show for name, rule in table.hidden.items() if rule.show is not None}
    return Presenter(keeper=keeper, source=table.source, relation=table.relation, columns=table.allowed, hidden=hidden)


def opened(proposal: Proposal, keeper: Keeper) -> Proposal:
    """Return a proposal with its row as the database had it; what is digested and signed is the sealed one.

    Raises:
        IntegrityError: a value was sealed by another ledger, or changed.
    """
    if not proposal.hidden:
        return proposal
    before = {
        name: keeper.unseal(Place(proposal.source, "", name, proposal.tenant), token)
        if name in proposal.hidden
        else token
        for name, token in proposal.before.items()
    }
    return replace(proposal, before=before)


def covered(proposal: Proposal) -> Proposal:
    """Return a proposal with its row as the model saw it, for whoever only looks."""
    return replace(proposal, before={**proposal.before, **proposal.hidden}) if proposal.hidden else proposal
