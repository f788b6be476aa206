"""A mapping as models: one relation, its columns, and which of them give key, tenant, principal and version."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from synapsor.contract.base import SORTED, Column, Columns, Model, Name, RelationName, Text
from synapsor.contract.conditions import Filter
from synapsor.values import ColumnType

SETTABLE = frozenset(
    {
        ColumnType.TEXT,
        ColumnType.INTEGER,
        ColumnType.NUMERIC,
        ColumnType.BOOLEAN,
        ColumnType.DATE,
        ColumnType.TIMESTAMP,
        ColumnType.TIMESTAMPTZ,
        ColumnType.UUID,
    }
)
"""Types whose token can be computed without asking the database, so that they may stand in `set` and `where`."""

JOINED = frozenset({ColumnType.TEXT, ColumnType.INTEGER, ColumnType.UUID, ColumnType.DATE})
"""Types of which every engine agrees, in every column, what is equal; so that links may be made of them."""

RANGED = frozenset(
    {ColumnType.INTEGER, ColumnType.NUMERIC, ColumnType.DATE, ColumnType.TIMESTAMP, ColumnType.TIMESTAMPTZ}
)
"""Types of which every engine agrees what is more and what is less."""


Show = Literal["value", "last_four", "token", "aggregate"]
"""How much of a column a model sees; `value` is all of it, and is the same as saying nothing."""

REVEALER = "revealer"
"""The role that may look behind a token where its column names no other."""

Setting = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}\.[a-z][a-z0-9_]{0,62}$")]
"""The name of a setting that row-security policies read, such as `app.tenant_id`."""


class ColumnRule(Model):
    """One reviewed column: its type and what may be known about it. `denied` columns are named so that nobody adds them by mistake."""

    type: ColumnType = Field(default=ColumnType.TEXT, strict=False)
    denied: bool = False
    show: Show | None = None
    reveal: Name | None = None
    one_of: tuple[str, ...] | None = Field(default=None, strict=False, min_length=1)
    max_length: int | None = Field(default=None, ge=1, le=1_000_000)
    scale: int | None = Field(default=None, ge=0, le=38)
    minimum: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    maximum: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    unit: Text | None = None
    description: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        """Accept `id: text` and `card_token: denied` for the long form."""
        if isinstance(value, str):
            return {"denied": True} if value == "denied" else {"type": value}
        if isinstance(value, dict) and value.get("show") == "value":
            return {name: said for name, said in value.items() if name != "show"}
        return value


class RowSecurity(Model):
    """Postgres' own row security under a read and an apply: which settings carry the session's values for one transaction."""

    tenant: Setting | None = None
    principal: Setting | None = None

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings that every policy has to name."""
        return tuple(name for name in (self.tenant, self.principal) if name is not None)


class Link(Model):
    """The way from a row to its related row, or with `many` to its related rows: which columns are equal to which."""

    to: Name
    on: Annotated[dict[Column, Column], SORTED] = Field(min_length=1, max_length=8)
    many: bool = False
    because: Text | None = None


class SingleTenant(Model):
    """The reviewer's explicit statement that all rows of the relation belong to one tenant."""

    single_tenant: Literal[True]
    because: Text


def _tenant_kind(value: Any) -> str:
    return "<column>" if isinstance(value, str) else "<statement>"


class Table(Model):
    """A mapping: the only thing that can be read.

    `write_to` names the base table when `relation` is a view. `moves` lists columns that the database itself changes with every
    update (such as `updated_at`); any other change that was not approved rolls an apply back.
    """

    source: Name
    relation: RelationName
    write_to: RelationName | None = None
    key: Columns
    tenant: Annotated[
        Annotated[Column, Tag("<column>")] | Annotated[SingleTenant, Tag("<statement>")], Discriminator(_tenant_kind)
    ]
    principal: Column | None = None
    only: Annotated[dict[Column, Filter], SORTED] = Field(default_factory=dict)
    row_security: RowSecurity | None = None
    version: Column | Literal["whole_row"] | None = None
    moves: tuple[Column, ...] = Field(default=(), strict=False)
    links: Annotated[dict[Name, Link], SORTED] = Field(default_factory=dict)
    columns: Annotated[dict[Column, ColumnRule], SORTED] = Field(min_length=1)

    @property
    def allowed(self) -> dict[str, ColumnRule]:
        """The columns that may be read at all."""
        return {name: rule for name, rule in self.columns.items() if not rule.denied}

    @property
    def scope(self) -> tuple[str, ...]:
        """The columns that the session decides: the tenant's and the principal's."""
        return tuple(name for name in (self.tenant_column, self.principal) if name is not None)

    @property
    def returned(self) -> tuple[str, ...]:
        """What a capability returns when it names no columns: all that may be shown, but those that the session decides."""
        return tuple(n for n, rule in self.allowed.items() if n not in self.scope and rule.show != "aggregate")

    @property
    def hidden(self) -> dict[str, ColumnRule]:
        """The columns that a model does not see as they are."""
        return {name: rule for name, rule in self.allowed.items() if rule.show is not None}

    @property
    def tenant_column(self) -> str | None:
        """The tenant column, or None for a single-tenant relation."""
        return self.tenant if isinstance(self.tenant, str) else None
