"""Who asks, and on whose rows: trusted session values become the tenant token and the principal of one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from synapsor.contract.mapping import Table
from synapsor.contract.model import Context
from synapsor.core.tokens import from_trusted
from synapsor.errors import Code, Refusal
from synapsor.values import Token, ValueUnfit


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Values from trusted configuration or a verified token; never from a model.

    Attributes:
        values: what a context may name, such as `tenant_id` and `user`.
        client: which client or transport the call came through, for the audit.
        run: one connection of a client, by a name of its own; given by the transport, "" outside of any.
    """

    values: Mapping[str, str | int]
    client: str = "local"
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The tenant and principal of one call; `tenant` is None only for a reviewed single-tenant relation."""

    tenant: Token
    principal: str


def name_of(value: str) -> str:
    """Return the name, in a session, of a value that a context writes as `session.name`."""
    return value.removeprefix("session.")


def lacking(session: Session, context: Context, tables: Iterable[Table]) -> tuple[str, ...]:
    """Return the values that a call over these tables takes from a session and this one does not give, for an operator to read."""
    tenant = [context.tenant] if any(table.tenant_column is not None for table in tables) else []
    names = dict.fromkeys(name_of(value) for value in (*tenant, context.principal))
    return tuple(name for name in names if session.values.get(name) in {None, ""})


def scope_of(session: Session, context: Context, table: Table, related: Iterable[Table] = ()) -> Scope:
    """Return the scope of a call that reads a table and those that its links lead to.

    Raises:
        Refusal: the session lacks a value, or its type is not the tenant column's (`scope_unavailable`).
    """
    tables = (table, *related)
    tenants = [t.columns[t.tenant_column].type for t in tables if t.tenant_column is not None]
    principal = session.values.get(name_of(context.principal))
    if type(principal) is not str or not principal:
        raise Refusal(Code.SCOPE_UNAVAILABLE)
    try:
        for assigned in (t for t in tables if t.principal is not None):
            from_trusted(principal, assigned.columns[str(assigned.principal)].type)
        if not tenants:
            return Scope(tenant=None, principal=principal)
        tenant = session.values.get(name_of(context.tenant))
        return Scope(tenant=from_trusted(tenant, tenants[0]), principal=principal)
    except ValueUnfit:
        raise Refusal(Code.SCOPE_UNAVAILABLE) from None
