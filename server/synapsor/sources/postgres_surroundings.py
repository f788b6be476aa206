"""What stands around a Postgres table: every catalogue may be read by everybody, so nothing of a table stays unseen."""

from __future__ import annotations

from synapsor.core.plan import Relation
from synapsor.core.surroundings import Action, Reference, Referrer, Surroundings, Trigger, Unseen
from synapsor.sources.postgres_views import Look
from synapsor.sql.statement import RawRow

_RELATION = """
SELECT c.oid::int8, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""

# A partitioned table's own keys and triggers are made again on every part; the first of them stand for all.
_REFERRERS = """
SELECT k.conname::text, n.nspname::text, c.relname::text, k.confdeltype::text, k.confupdtype::text,
       array_agg(a.attname::text ORDER BY p.at), array_agg(b.attname::text ORDER BY p.at)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS p(theirs, own, at)
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.theirs
JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = p.own
WHERE k.contype = 'f' AND k.conparentid = 0
  AND (k.confrelid = $1::int8::oid OR k.confrelid IN (SELECT relid FROM pg_partition_ancestors($1::int8::oid::regclass)))
GROUP BY k.oid, n.nspname, c.relname
ORDER BY n.nspname, c.relname, k.conname
"""

_REFERENCES = """
SELECT k.conname::text, n.nspname::text, c.relname::text,
       array_agg(a.attname::text ORDER BY p.at), array_agg(b.attname::text ORDER BY p.at)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.confrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS p(own, theirs, at)
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.own
JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = p.theirs
WHERE k.conrelid = $1::int8::oid AND k.contype = 'f'
  AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.oid = k.conparentid AND o.conrelid = k.conrelid)
GROUP BY k.oid, n.nspname, c.relname
ORDER BY n.nspname, c.relname, k.conname
"""

_TRIGGERS = """
WITH parts AS (
  SELECT $1::int8::oid AS relid UNION SELECT relid FROM pg_partition_tree($1::int8::oid::regclass)
)
SELECT DISTINCT t.tgname::text, t.tgtype::int,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr::int2[]) ORDER BY 1)
FROM pg_trigger t JOIN parts ON parts.relid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
UNION
SELECT w.rulename::text, CASE w.ev_type WHEN '2' THEN 16 WHEN '3' THEN 4 ELSE 8 END | 64, '{}'
FROM pg_rewrite w JOIN parts ON parts.relid = w.ev_class WHERE w.ev_type IN ('2', '3', '4')
ORDER BY 1, 2
"""

_GENERATED = """
SELECT a.attname::text FROM pg_attribute a
WHERE a.attrelid = $1::int8::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> ''
ORDER BY a.attnum
"""

_ACTIONS = {
    "a": Action.NO_ACTION,
    "r": Action.RESTRICT,
    "c": Action.CASCADE,
    "n": Action.SET_NULL,
    "d": Action.SET_DEFAULT,
}
_BEFORE, _INSTEAD = 2, 64
_EVENTS = {4: "insert", 8: "delete", 16: "update"}
_BEHIND_A_VIEW = frozenset({Unseen.REFERRERS, Unseen.REFERENCES, Unseen.TRIGGERS})


async def surroundings(look: Look, relation: Relation) -> Surroundings | None:
    """Return what stands around a relation, or None where there is none; of a view it is not looked at what stands behind it."""
    found = await look(_RELATION, relation.schema, relation.name)
    if not found:
        return None
    oid, kind = found[0]
    triggers = tuple(_trigger(row) for row in await look(_TRIGGERS, oid))
    if kind in {"v", "m", "f"}:
        return Surroundings(relation=relation, triggers=triggers, unseen=_BEHIND_A_VIEW)
    return Surroundings(
        relation=relation,
        referrers=tuple(_referrer(row) for row in await look(_REFERRERS, oid)),
        references=tuple(
            Reference(name=name, to=Relation(schema=schema, name=table), columns=tuple(zip(own, theirs, strict=True)))
            for name, schema, table, own, theirs in await look(_REFERENCES, oid)
        ),
        triggers=triggers,
        generated=tuple(row[0] for row in await look(_GENERATED, oid)),
    )


def _referrer(row: RawRow) -> Referrer:
    name, schema, table, on_delete, on_update, theirs, own = row
    return Referrer(
        name=name,
        relation=Relation(schema=schema, name=table),
        columns=tuple(zip(theirs, own, strict=True)),
        on_delete=_ACTIONS[on_delete],
        on_update=_ACTIONS[on_update],
    )


def _trigger(row: RawRow) -> Trigger:
    name, kind, columns = row
    timing = "instead of" if kind & _INSTEAD else "before" if kind & _BEFORE else "after"
    return Trigger(name=name, timing=timing, events=_events(kind), columns=frozenset(columns))


def _events(kind: int) -> frozenset[str]:
    return frozenset(event for bit, event in _EVENTS.items() if kind & bit)
