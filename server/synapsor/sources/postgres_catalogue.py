"""What Postgres' catalogue says of a relation, as facts. Everything is asked by oid and compared here; no name is put into a text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from synapsor.core.facts import Collation, ColumnFacts, Effect, ForeignKey, RelationFacts
from synapsor.core.plan import ENUM, Relation
from synapsor.sources import postgres_views as views
from synapsor.sources.definitions import Trigger, moved_by
from synapsor.sources.postgres_views import Look
from synapsor.sql.statement import RawRow
from synapsor.values import ColumnType

_T = ColumnType
_FAMILIES: dict[str, frozenset[ColumnType]] = {
    "int2": frozenset({_T.INTEGER}),
    "int4": frozenset({_T.INTEGER}),
    "int8": frozenset({_T.INTEGER}),
    "numeric": frozenset({_T.NUMERIC}),
    "float4": frozenset({_T.FLOAT}),
    "float8": frozenset({_T.FLOAT}),
    "bool": frozenset({_T.BOOLEAN}),
    "uuid": frozenset({_T.UUID, _T.TEXT}),
    "json": frozenset({_T.JSON}),
    "jsonb": frozenset({_T.JSON}),
    "bytea": frozenset({_T.BYTES}),
    "bit": frozenset({_T.BITS}),
    "varbit": frozenset({_T.BITS}),
    "date": frozenset({_T.DATE}),
    "time": frozenset({_T.TIME}),
    "timestamp": frozenset({_T.TIMESTAMP}),
    "timestamptz": frozenset({_T.TIMESTAMPTZ}),
    "interval": frozenset({_T.INTERVAL}),
    "money": frozenset(),  # printed by the server's locale, which is nobody's reviewed shape
}
_RANGES = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
_CHARACTERS = frozenset({"varchar", "bpchar"})
_TIMES = frozenset({"time", "timestamp", "timestamptz"})
_MAX_SCALE = 1000
_HEADER = 4  # bytes that Postgres adds to the modifier of text and numeric types
_SIMPLE_VIEW = 4 | 8 | 16  # pg_relation_is_updatable: UPDATE, INSERT and DELETE reach one table behind the view

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_WHEN = re.compile(r" FOR EACH ROW WHEN (\(.*\)) EXECUTE (?:FUNCTION|PROCEDURE) ", re.DOTALL)
_OFF = {"D": "is switched off", "R": "fires only on a replica"}

RELATION = """
SELECT c.oid::int8, c.relkind::text, c.relrowsecurity, c.relpersistence::text, coalesce(c.reloptions, '{}'),
       pg_relation_is_updatable(c.oid, false),
       EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid),
       EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_type IN ('2', '3', '4'))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
"""

COLUMNS = """
WITH RECURSIVE typed AS (
  SELECT a.attnum, t.oid, t.typtype, t.typbasetype, a.atttypmod AS typmod, a.attnotnull AS required
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid = $1::int8::oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT d.attnum, t.oid, t.typtype, t.typbasetype, greatest(d.typmod, p.typtypmod), d.required OR p.typnotnull
  FROM typed d JOIN pg_type p ON p.oid = d.oid JOIN pg_type t ON t.oid = d.typbasetype
  WHERE d.typtype = 'd'
)
SELECT a.attname::text, format_type(t.oid, -1), t.typname::text, t.typtype::text, t.typcategory::text, b.typmod, b.required,
       a.attgenerated <> '', coalesce(l.collisdeterministic, true), pg_column_is_updatable(a.attrelid, a.attnum, false),
       has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
       (SELECT format('%I.%I', n.nspname, l.collname) FROM pg_namespace n WHERE n.oid = l.collnamespace AND l.collname <> 'default')
FROM pg_attribute a
JOIN typed b ON b.attnum = a.attnum AND b.typtype <> 'd'
JOIN pg_type t ON t.oid = b.oid
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE a.attrelid = $1::int8::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

UNIQUE = """
SELECT array_agg(a.attname::text)
FROM pg_index i
CROSS JOIN LATERAL unnest(i.indkey[0:i.indnkeyatts - 1]) AS k(attnum)
LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND a.attnum > 0
WHERE i.indrelid = $1::int8::oid AND i.indisunique AND i.indisvalid AND i.indisready AND i.indimmediate AND i.indpred IS NULL
GROUP BY i.indexrelid
HAVING bool_and(coalesce(a.attnotnull, false))
"""

REFERENCES = """
SELECT n.nspname::text, f.relname::text, array_agg(a.attname::text ORDER BY k.at), array_agg(b.attname::text ORDER BY k.at)
FROM pg_constraint c
JOIN pg_class f ON f.oid = c.confrelid
JOIN pg_namespace n ON n.oid = f.relnamespace
CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS k(own, theirs, at)
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.own
JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.theirs
WHERE c.conrelid = $1::int8::oid AND c.contype = 'f' AND c.convalidated
GROUP BY c.oid, n.nspname, f.relname
"""

TRIGGERS = """
SELECT p.prosrc, l.lanname::text, encode(t.tgargs, 'escape'), t.tgname::text, t.tgenabled::text,
       coalesce(array_length(t.tgattr::int2[], 1), 0) > 0,
       CASE WHEN t.tgqual IS NOT NULL THEN pg_get_triggerdef(t.oid) END
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang
WHERE t.tgrelid = $1::int8::oid AND NOT t.tgisinternal AND t.tgtype & 19 = 19
ORDER BY t.tgname
"""

ON_DELETE = """
WITH RECURSIVE reached AS (
  SELECT c.oid AS relid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1::text AND c.relname = $2::text
  UNION
  SELECT k.conrelid FROM reached r JOIN pg_constraint k ON k.confrelid = r.relid AND k.contype = 'f' AND k.confdeltype = 'c'
), parts AS (
  SELECT relid FROM reached UNION SELECT p.relid FROM reached r CROSS JOIN LATERAL pg_partition_tree(r.relid) p
)
SELECT t.tgname::text, false FROM parts JOIN pg_trigger t ON t.tgrelid = parts.relid
WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 8 = 8
UNION
SELECT w.rulename::text, false FROM parts JOIN pg_rewrite w ON w.ev_class = parts.relid AND w.ev_type = '4'
UNION
SELECT n.nspname || '.' || c.relname, true
FROM parts JOIN pg_constraint k ON k.confrelid = parts.relid AND k.contype = 'f' AND k.confdeltype IN ('c', 'n', 'd')
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY 2, 1
"""

IDENTITY = "SELECT system_identifier::text FROM pg_control_system()"
DATABASE = "SELECT oid::text FROM pg_database WHERE datname = current_database()"


async def identity(look: Look) -> list[str]:
    """Return what names this cluster and database."""
    return [str((await look(text))[0][0]) for text in (IDENTITY, DATABASE)]


async def describe(look: Look, relation: Relation) -> RelationFacts | None:
    """Return the facts of a relation, or None when the credential cannot see it."""
    found = await look(RELATION, relation.schema, relation.name)
    if not found:
        return None
    oid, kind, *_ = found[0]
    view = kind in {"v", "m"}
    every = await look(COLUMNS, oid)
    rows = [row for row in every if row[10]]
    bases = await views.all_bases(look, oid) if view else []
    guarded = await views.security(look, found[0], relation, bases)
    perils = await views.perils(look, found[0], bases)
    base = bases[0][0] if kind == "v" and len(bases) == 1 and found[0][5] & _SIMPLE_VIEW == _SIMPLE_VIEW else None
    own = frozenset(row[0] for row in rows)
    made: frozenset[str] = frozenset()
    if view:
        definition, names = str((await look(views.DEFINITION, oid))[0][0]), [row[0] for row in every]
        made = views.computed(definition, names)
        own &= views.straight(definition, names) if base is not None else frozenset()
    columns = await _columns(look, rows, base if view else oid, own, through_view=view)
    columns = {name: replace(facts, computed=name in made) for name, facts in columns.items()}
    several = _many_tables(found[0]) or (base is not None and await _is_inherited(look, bases[0]))
    unique = [] if (view and base is None) or several else await look(UNIQUE, base if view else oid)
    references = [] if view or several else await look(REFERENCES, oid)
    return RelationFacts(
        relation=relation,
        kind="view" if view else "table",
        columns=columns,
        unique=tuple(frozenset(names) for (names,) in unique if own.issuperset(names)),
        references=tuple(
            ForeignKey(to=Relation(schema=schema, name=name), columns=frozenset(zip(own, theirs, strict=True)))
            for schema, name, own, theirs in references
        ),
        hazards=(*perils, *_hazards(found[0])),
        perils=tuple(perils),
        row_security=guarded,
        traits=await views.traits(look, found[0], relation, bases, guarded),
    )


async def on_delete(look: Look, relation: Relation) -> tuple[Effect, ...]:
    """Return what removing a row does beside, as far as cascades lead on; every catalogue may be read by everybody."""
    rows = await look(ON_DELETE, relation.schema, relation.name)
    return tuple(Effect(name=name, cascades=cascades) for name, cascades in rows)


def _many_tables(row: RawRow) -> bool:
    """Tell whether rows of several plain tables answer under one name, so that no index of one proves anything."""
    return bool(row[1] == "r" and row[6])


async def _is_inherited(look: Look, base: RawRow) -> bool:
    """Tell the same of the table behind a view."""
    return base[1] == "r" and bool((await look(views.INHERITED, base[0]))[0][0])


async def _columns(
    look: Look, rows: Sequence[RawRow], table: int | None, straight: Collection[str], *, through_view: bool
) -> dict[str, ColumnFacts]:
    triggers = await look(TRIGGERS, table) if table is not None else []
    behind = {row[0]: row for row in await look(COLUMNS, table)} if through_view and table is not None else {}
    facts: dict[str, ColumnFacts] = {}
    for row in rows:
        # A view's column is called nullable whatever it shows; the table's own column knows better.
        # What it calls by another name than the table is not that table's column of this name.
        known = behind.get(row[0]) if row[9] and row[0] in straight else None
        own = row if known is None or known[1] != row[1] else known
        facts[row[0]] = _column(own, triggers if row[0] in straight else ())
    return facts


def _column(row: RawRow, triggers: Sequence[RawRow]) -> ColumnFacts:
    name, native, base, typtype, category, typmod, required, generated, deterministic, _, _, collation = row
    family = frozenset({_T.ARRAY}) if category == "A" else _FAMILIES.get(base, frozenset({_T.TEXT}))
    scale = _scale(base, typmod)
    moves, stays = moved_by((_trigger(row) for row in triggers if _assigns(row, name)), name)
    if base == "numeric" and scale == 0:
        family |= {_T.INTEGER}
    return ColumnFacts(
        name=name,
        native=ENUM + native if typtype == "e" else native,
        family=frozenset(kind.value for kind in family),
        nullable=not required,
        max_length=typmod - _HEADER if base in _CHARACTERS and typmod > _HEADER else None,
        scale=scale,
        low=-_RANGES[base] if base in _RANGES else None,
        high=_RANGES[base] - 1 if base in _RANGES else None,
        exact=bool(deterministic) and base not in {"citext", "bpchar"} and typtype != "c",
        moves=generated or moves,
        stays="" if generated else stays,
        approximate=base in {"float4", "float8"},
        # Only the database's own gives way to every other one.
        collation=Collation(name=collation) if collation is not None else None,
    )


def _scale(base: str, typmod: int) -> int | None:
    if base == "numeric" and typmod >= _HEADER:
        scale = (typmod - _HEADER) & 0x7FF
        return (
            scale if scale <= _MAX_SCALE else None
        )  # a negative scale rounds before the point, which no contract can say
    if base in _TIMES:
        return typmod if typmod >= 0 else 6
    return None


def _assigns(trigger: RawRow, column: str) -> bool:
    """Tell whether a BEFORE UPDATE row trigger sets a column, as far as its text shows; when in doubt it does not."""
    source, language, arguments, *_ = trigger
    if language == "plpgsql":
        source = _COMMENT.sub(" ", source)
        word = re.escape(column)
        # At the start of a statement: `=` assigns there, and compares everywhere else.
        assigns = rf'(?:\A|;|\b(?:BEGIN|THEN|ELSE|LOOP)\b)\s*NEW\s*\.\s*(?:"{word}"|{word}\b)\s*:?='
        return re.search(assigns, source, re.IGNORECASE) is not None
    return column in str(arguments or "").split("\\000")


def _trigger(row: RawRow) -> Trigger:
    _, _, _, name, enabled, some, definition = row
    found = _WHEN.search(definition or "")
    return Trigger(name=name, off=_OFF.get(enabled, ""), some=some, when=found[1] if found else definition or "")


def _hazards(row: RawRow) -> Iterator[str]:
    _, kind, row_security, persistence, _, _, inherited, rewritten = row
    if kind == "m":
        yield "a materialized view: it is as old as its last refresh."
    if kind == "f":
        yield "a foreign table: limits, snapshots and roll-backs depend on another server."
    if kind == "r" and inherited:
        yield "a table with inheriting tables: their rows are read and changed, too, and no key is unique across them."
    if kind in {"r", "p"} and rewritten:
        yield "a table with a rewrite rule: a change may do something else than it says."
    if kind == "r" and persistence == "u":
        yield "an unlogged table: a crash empties it."
    if kind in {"r", "p"} and row_security:
        yield "a table with row security: what is seen depends on its policies as well."
