"""What a Postgres relation really reads: the relations behind a view, with whose rights, and under which row-security policies.

Whatever a catalogue cannot prove is told as a hazard, and what would let rows or rights through is one that stops the start.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeAlias

from synapsor.core.facts import Policy, TableSecurity
from synapsor.core.plan import Relation
from synapsor.sources.definitions import split_at_commas
from synapsor.sql.statement import RawRow

Look: TypeAlias = Callable[..., Awaitable[Sequence[RawRow]]]
"""Runs one catalogue query with its parameters and returns the rows."""

BASES = """
SELECT DISTINCT b.oid::int8, b.relkind::text, b.relrowsecurity, n.nspname::text, b.relname::text, coalesce(b.reloptions, '{}')
FROM pg_rewrite w
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
JOIN pg_class b ON b.oid = d.refobjid AND b.relkind IN ('r', 'p', 'v', 'm', 'f')
JOIN pg_namespace n ON n.oid = b.relnamespace
WHERE w.ev_class = $1::int8::oid AND b.oid <> w.ev_class
"""

DEFINERS = """
SELECT count(*)
FROM pg_rewrite w
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_proc'::regclass
JOIN pg_proc p ON p.oid = d.refobjid
WHERE w.ev_class = $1::int8::oid AND p.prosecdef AND p.provolatile = 'v'
"""

SECURITY = """
SELECT c.relrowsecurity, c.relforcerowsecurity, pg_has_role(current_user, c.relowner, 'MEMBER')
FROM pg_class c WHERE c.oid = $1::int8::oid
"""

POLICIES = """
SELECT p.polname::text, p.polcmd::text, p.polpermissive,
       coalesce(pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''),
       0 = ANY (p.polroles) OR EXISTS (
         SELECT FROM unnest(p.polroles) AS r(oid) WHERE r.oid <> 0 AND pg_has_role(current_user, r.oid, 'USAGE')),
       0 = ANY (p.polroles) OR EXISTS (
         SELECT FROM unnest(p.polroles) AS r(oid) WHERE r.oid <> 0 AND pg_has_role(current_user, r.oid, 'MEMBER'))
FROM pg_policy p WHERE p.polrelid = $1::int8::oid
ORDER BY 1
"""

DEFINITION = "SELECT coalesce(pg_get_viewdef($1::int8::oid), '')"

INHERITED = "SELECT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = $1::int8::oid)"

EVERY_TRIGGER = """
SELECT t.tgname::text, pg_get_triggerdef(t.oid), t.tgenabled::text, md5(p.prosrc)
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = $1::int8::oid AND NOT t.tgisinternal
ORDER BY 1
"""

_NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_]\w*)'
_PLAIN = re.compile(rf"(?:{_NAME}\.)*{_NAME}(?: AS {_NAME})?\Z")
_ONE_TABLE = re.compile(rf"(?:{_NAME}\.)*{_NAME}(?: {_NAME})?(?= WHERE | GROUP BY | ORDER BY | LIMIT | OFFSET |\Z)")
"""A table and no list of other names for its columns."""
_SEVERAL = re.compile(r"\b(?:UNION|INTERSECT|EXCEPT)\b")
_TRUE = ("=true", "=on", "=1", "=yes")
_VERBS = {"r": ("select",), "a": ("insert",), "w": ("update",), "d": ("delete",)}
_EVERY = ("select", "insert", "update", "delete")


async def all_bases(look: Look, oid: int) -> list[RawRow]:
    """Return every relation behind a view, through other views."""
    seen: dict[int, RawRow] = {}
    waiting = [oid]
    while waiting:
        for row in await look(BASES, waiting.pop()):
            if row[0] not in seen:
                seen[row[0]] = row
                if row[1] == "v":
                    waiting.append(row[0])
    return list(seen.values())


def has_option(options: Sequence[str], name: str) -> bool:
    """Tell whether an option of a view is set."""
    settings = {option.lower() for option in options}
    return any(name + value in settings for value in _TRUE)


async def perils(look: Look, row: RawRow, bases: Sequence[RawRow]) -> list[str]:
    """Return what makes a view unsafe to serve; the views behind it count as well."""
    oid, kind, options = row[0], row[1], row[4]
    if kind != "v":
        return []
    found = []
    inner = [base for base in bases if base[1] == "v"]
    if not has_option(options, "security_barrier"):
        found.append(
            "a view without security_barrier: a cheap function in a filter may see rows before the tenant filter does."
        )
    if any(base[2] for base in bases) and not _invoked(options, inner):
        found.append(
            "a view without security_invoker over a table with row security: the table's policies do not bind its reader."
        )
    for view in (oid, *(base[0] for base in inner)):
        if (await look(DEFINERS, view))[0][0]:
            found.append(
                "a view that calls a volatile SECURITY DEFINER function: reading it may run code with its owner's rights."
            )
            break
    return found


def _invoked(options: Sequence[str], inner: Sequence[RawRow]) -> bool:
    """Tell whether a view and all views behind it read with the rights of who asks."""
    return has_option(options, "security_invoker") and all(has_option(base[5], "security_invoker") for base in inner)


async def security(look: Look, row: RawRow, relation: Relation, bases: Sequence[RawRow]) -> tuple[TableSecurity, ...]:
    """Return the row security of a table, or of every table behind a view."""
    if row[1] != "v":
        return (await _table(look, row[0], relation, invoked=row[1] in {"r", "p"}),)
    inner = [base for base in bases if base[1] == "v"]
    invoked = _invoked(row[4], inner)
    tables = [base for base in bases if base[1] != "v"]
    return tuple([await _table(look, b[0], Relation(schema=b[3], name=b[4]), invoked=invoked) for b in tables])


async def _table(look: Look, oid: int, relation: Relation, *, invoked: bool) -> TableSecurity:
    enabled, forced, owned = (await look(SECURITY, oid))[0]
    policies = [
        Policy(
            name=name,
            verbs=_VERBS.get(command, _EVERY),
            permissive=permissive,
            using=using,
            check=check,
            binds=binds,
        )
        for name, command, permissive, using, check, binds, may_bind in await look(POLICIES, oid)
        if binds or (permissive and may_bind)
    ]
    return TableSecurity(
        relation=relation, enabled=enabled, forced=forced, owned=owned, invoked=invoked, policies=tuple(policies)
    )


async def traits(
    look: Look, row: RawRow, relation: Relation, bases: Sequence[RawRow], guarded: Sequence[TableSecurity]
) -> dict[str, str]:
    """Return what else a reviewed shape consists of: definitions of views, triggers, and policies."""
    found: dict[str, str] = {}
    every = [(row[0], row[1], relation, row[4]), *((b[0], b[1], Relation(schema=b[3], name=b[4]), b[5]) for b in bases)]
    for oid, kind, place, options in every:
        if kind in {"v", "m"}:
            told = " ".join(str((await look(DEFINITION, oid))[0][0]).split())
            found[f"definition of {place}"] = told
            found[f"options of {place}"] = ", ".join(sorted(options))
        async for name, text in _triggers(look, oid):
            found[f"trigger {name} of {place}"] = text
    for table in guarded:
        found[f"row security of {table.relation}"] = f"{'on' if table.enabled else 'off'}{', forced' * table.forced}"
        for p in table.policies:
            way = "permissive" if p.permissive else "restrictive"
            found[f"policy {p.name} of {table.relation}"] = f"{way} {' '.join(p.verbs)}: {p.using} check {p.check}"
    return found


def computed(definition: str, names: Sequence[str]) -> frozenset[str]:
    """Return the columns of a view that are more than a column of what it reads; when in doubt, all of them are."""
    text = " ".join(definition.rstrip("; \n").split())
    head, _, _ = text.partition(" FROM ")
    if not head.startswith("SELECT ") or _SEVERAL.search(text):
        return frozenset(names)
    items = split_at_commas(head.removeprefix("SELECT ").removeprefix("DISTINCT "))
    if len(items) != len(names):
        return frozenset(names)
    return frozenset(name for name, item in zip(names, items, strict=True) if not _PLAIN.match(item.strip()))


def straight(definition: str, names: Sequence[str]) -> frozenset[str]:
    """Return the columns of a view over one table that are its table's columns of the same names; when in doubt, none."""
    text = " ".join(definition.rstrip("; \n").split())
    head, _, tail = text.partition(" FROM ")
    if not _ONE_TABLE.match(tail):
        return frozenset()
    plain = frozenset(names) - computed(definition, names)
    items = split_at_commas(head.removeprefix("SELECT ").removeprefix("DISTINCT "))
    # The server says `AS` wherever a view calls a column by another name than its table does.
    return frozenset(name for name, item in zip(names, items, strict=False) if name in plain and " AS " not in item)


async def _triggers(look: Look, oid: int) -> AsyncIterator[tuple[str, str]]:
    for name, text, enabled, body in await look(EVERY_TRIGGER, oid):
        yield name, f"{text} ({enabled}, {body})"
