"""The contract as pydantic models: frozen, strict, unknown keys refused.

What these models cannot say cannot be granted. Rules that need more than one object live in `check.py`. Every mapping is kept in
the order of its names, so that the order of keys in a file changes nothing: not a digest, not a plan, not a result.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from synapsor.values import SAFE_INTEGER, ColumnType

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Column = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
RelationName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}\.[A-Za-z_][A-Za-z0-9_]{0,62}$")]
CapabilityName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}\.[a-z][a-z0-9_]{0,62}$")]
SessionKey = Annotated[str, StringConstraints(pattern=r"^session\.[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Scalar = str | int | bool | None
"""A constant (`overdue`, 0), or an argument (`$invoice_id`); `$$` begins a constant that starts with a dollar sign."""

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

_SORTED = AfterValidator(lambda given: dict(sorted(given.items())))


class Model(BaseModel):
    """What every part of a contract is: immutable, strict and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True)


class ColumnRule(Model):
    """One reviewed column: its type and what may be known about it. `denied` columns are named so that nobody adds them by mistake."""

    type: ColumnType = Field(default=ColumnType.TEXT, strict=False)
    denied: bool = False
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
        return value


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
    key: Column
    tenant: Annotated[
        Annotated[Column, Tag("<column>")] | Annotated[SingleTenant, Tag("<statement>")], Discriminator(_tenant_kind)
    ]
    version: Column | Literal["whole_row"] | None = None
    moves: tuple[Column, ...] = Field(default=(), strict=False)
    columns: Annotated[dict[Column, ColumnRule], _SORTED] = Field(min_length=1)

    @property
    def allowed(self) -> dict[str, ColumnRule]:
        """The columns that may be read at all."""
        return {name: rule for name, rule in self.columns.items() if not rule.denied}

    @property
    def returned(self) -> tuple[str, ...]:
        """What a capability returns when it names no columns: all that are allowed, but the tenant's."""
        return tuple(name for name in self.allowed if name != self.tenant)

    @property
    def tenant_column(self) -> str | None:
        """The tenant column, or None for a single-tenant relation."""
        return self.tenant if isinstance(self.tenant, str) else None


class Context(Model):
    """Which trusted session values give the tenant and the principal."""

    tenant: SessionKey
    principal: SessionKey


class Argument(Model):
    """One typed input that the model fills in. It never carries scope."""

    type: Literal["string", "integer", "number", "boolean"]
    description: Text | None = None
    max_length: int | None = Field(default=None, ge=1, le=100_000)
    minimum: int | None = Field(default=None, ge=-SAFE_INTEGER, le=SAFE_INTEGER)
    maximum: int | None = Field(default=None, ge=-SAFE_INTEGER, le=SAFE_INTEGER)
    one_of: tuple[str, ...] | None = Field(default=None, strict=False, min_length=1, max_length=64)


class Limits(Model):
    """What one call may take at the most: rows, bytes of column text, milliseconds in the source."""

    rows: int = Field(default=50, ge=1, le=1000)
    bytes: int = Field(default=262_144, ge=1024, le=8_388_608)
    time_ms: int = Field(default=2000, ge=50, le=60_000)


class Range(Model):
    """Inclusive bounds of a number."""

    at_least: int | None = Field(default=None, ge=-SAFE_INTEGER, le=SAFE_INTEGER)
    at_most: int | None = Field(default=None, ge=-SAFE_INTEGER, le=SAFE_INTEGER)


class Bound(Model):
    """What a changed column must satisfy before the change, after it, and in between."""

    before: Range | None = None
    after: Range | None = None
    change: Range | None = None


class Approval(Model):
    """Who may approve, and for how long a proposal waits."""

    role: Name
    expires_hours: int = Field(default=72, ge=1, le=24 * 90)


class _Capability(Model):
    description: Annotated[str, StringConstraints(min_length=8, max_length=1000)]
    context: Name | None = None
    arguments: Annotated[dict[Name, Argument], _SORTED] = Field(default_factory=dict)
    where: Annotated[dict[Column, Scalar], _SORTED] = Field(default_factory=dict)
    returns: tuple[Column, ...] | None = Field(default=None, strict=False, min_length=1)
    limits: Limits = Field(default_factory=Limits)


class ReadCapability(_Capability):
    """A guarded read: one row when `where` names the key, otherwise a list."""

    read: Name
    order: tuple[Annotated[str, StringConstraints(pattern=r"^-?[A-Za-z_][A-Za-z0-9_]{0,62}$")], ...] = Field(
        default=(), strict=False
    )


class ProposeCapability(_Capability):
    """A write proposal for a single-row update."""

    propose: Annotated[str, StringConstraints(pattern=r"^update [a-z][a-z0-9_]{0,62}$")]
    set: Annotated[dict[Column, Scalar], _SORTED] = Field(min_length=1)
    bounds: Annotated[dict[Column, Bound], _SORTED] = Field(default_factory=dict)
    approval: Approval

    @property
    def table(self) -> str:
        """The mapping that is written to."""
        return self.propose.removeprefix("update ")


Capability = ReadCapability | ProposeCapability


def _verb(value: Any) -> str:
    proposes = "propose" in value if isinstance(value, dict) else isinstance(value, ProposeCapability)
    return "<propose>" if proposes else "<read>"


_Verbs = Annotated[
    Annotated[ReadCapability, Tag("<read>")] | Annotated[ProposeCapability, Tag("<propose>")], Discriminator(_verb)
]
"""The verb picks the model, so that a mistake is reported against one kind and not against both."""


class Contract(Model):
    """One reviewed file: who may ask what of which rows."""

    synapsor: Literal[1]
    contract: Name
    contexts: Annotated[dict[Name, Context], _SORTED] = Field(min_length=1)
    tables: Annotated[dict[Name, Table], _SORTED] = Field(min_length=1)
    capabilities: Annotated[dict[CapabilityName, _Verbs], _SORTED] = Field(min_length=1)

    def context_of(self, capability: Capability) -> Context:
        """The capability's context; the only one when it names none."""
        return self.contexts[capability.context] if capability.context else next(iter(self.contexts.values()))

    def table_of(self, capability: Capability) -> Table:
        """The mapping that a capability reads or writes."""
        return self.tables[capability.read if isinstance(capability, ReadCapability) else capability.table]


def is_argument(value: Scalar) -> bool:
    """Tell whether a `where` or `set` value names an argument."""
    return isinstance(value, str) and value.startswith("$") and not value.startswith("$$")


def constant(value: Scalar) -> Scalar:
    """Return the constant behind a `where` or `set` value, with `$$` unescaped."""
    return value[1:] if isinstance(value, str) and value.startswith("$$") else value


def shown(capability: Capability, table: Table) -> tuple[str, ...]:
    """Return the columns that a result holds; a proposal shows what it changes as well."""
    columns = capability.returns or table.returned
    return columns if isinstance(capability, ReadCapability) else tuple(dict.fromkeys((*columns, *capability.set)))


def alias(capability: str) -> str:
    """Return the capability's name for clients that allow no dot."""
    return capability.replace(".", "__")
