"""What a Postgres credential may do, itself or as any role that it may become, read from the catalogue.

Facts only; what they mean for a reader or a writer is judged in `core.posture`.
"""

from __future__ import annotations

from collections.abc import Collection

from synapsor.core.facts import May, Reach, ReceiptsTable, Rights
from synapsor.core.plan import Relation
from synapsor.core.receipts_table import LISTED
from synapsor.sources import postgres_rights as questions
from synapsor.sources.postgres_catalogue import UNIQUE
from synapsor.sources.postgres_views import Look, all_bases

_FIXES = {
    "bypasses_row_security": "ALTER ROLE … NOBYPASSRLS.",
    "creates_roles": "ALTER ROLE … NOCREATEROLE.",
    "replicates": "ALTER ROLE … NOREPLICATION.",
    "becomes_stronger": "REVOKE the membership, also where it is not inherited: SET ROLE needs no inheritance.",
    "can_create_temporary": "REVOKE TEMPORARY ON DATABASE … FROM PUBLIC.",
    "receipts_not_durable": "ALTER TABLE … SET LOGGED.",
    "receipts_refuse": f"As the owner: ALTER TABLE … DROP CONSTRAINT …, ADD {LISTED};",
}


async def rights(
    look: Look, relations: Collection[Relation], *, local: bool, receipts: Relation | None = None
) -> Rights:
    """Return what the credential may do with the given relations, those behind them, and beyond."""
    reach = {relation: await _reach(look, relation) for relation in relations}
    for base in {base for known in reach.values() for base in known.behind} - set(reach):
        reach[base] = await _reach(look, base)
    return Rights(
        powers=await _powers(look),
        reach=reach,
        update_to_hold=True,
        readable=tuple(f"{schema}.{name}" for schema, name in await look(questions.READABLE)),
        receipts=await _receipts(look, receipts) if receipts else None,
        lossy={name: (value, "on") for name, value in await look(questions.DURABLE)},
        in_clear=not (local or (await look(questions.ENCRYPTED))[0][0]),
        fixes=_FIXES,
    )


async def _powers(look: Look) -> dict[May, tuple[str, ...]]:
    superuser, bypasses, creates_roles, replicates, stronger = (await look(questions.ROLE))[0]
    flags = {
        May.EVERYTHING: superuser,
        May.PASS_ROW_SECURITY: bypasses,
        May.CREATE_ROLES: creates_roles,
        May.REPLICATE: replicates,
        May.CREATE_TEMPORARY_LIKE_ALL: (await look(questions.TEMPORARY))[0][0],
    }
    writable = [(f"{schema}.{name}", owned) for schema, name, owned in await look(questions.WRITABLE)]
    functions = await look(questions.DEFINERS)
    administers = [name for (name,) in await look(questions.ADMINISTERS)]
    if (await look(questions.HAS_PARAMETERS))[0][0]:
        administers += [name for (name,) in await look(questions.PARAMETERS)]
    places = {
        May.BECOME: stronger,
        May.GIVE_RIGHTS: [name for (name,) in await look(questions.GRANTS_ON)],
        May.ADMINISTER: administers,
        May.OTHER: [name for (name,) in await look(questions.WATCHES)],
        May.OWN: [*(name for name, owned in writable if owned), *(name for (name,) in await look(questions.OWNED))],
        May.CHANGE: [name for name, owned in writable if not owned],
        May.CREATE: [place for (place,) in await look(questions.CREATES)],
        May.RUN_DEFINER: [name for name, extension, volatile in functions if volatile and not extension],
        May.RUN_STABLE_DEFINER: [name for name, extension, volatile in functions if not volatile and not extension],
        May.RUN_EXTENSION: [name for name, extension, volatile in functions if volatile and extension],
    }
    return {may: () for may, flag in flags.items() if flag} | {may: tuple(over) for may, over in places.items() if over}


async def _reach(look: Look, relation: Relation) -> Reach:
    place = await look(questions.PLACE, relation.schema, relation.name)
    if not place:
        return Reach()
    oid, kind, _, deletes, alters, could_delete, could_alter = place[0]
    rows = await look(questions.COLUMN_RIGHTS, oid)
    reads, sees, updates, inserts, *could = (frozenset(row[0] for row in rows if row[at]) for at in (1, 2, 3, 4, 6, 7))
    bases = await all_bases(look, oid) if kind == "v" else []
    behind = frozenset(Relation(schema=row[3], name=row[4]) for row in bases)
    return Reach(
        reads=reads,
        sees=sees,
        updates=updates,
        inserts=inserts,
        deletes=deletes,
        alters=alters,
        behind=behind,
        could=Reach(updates=could[0], inserts=could[1], deletes=could_delete, alters=could_alter),
    )


async def _receipts(look: Look, receipts: Relation) -> ReceiptsTable | None:
    place = await look(questions.PLACE, receipts.schema, receipts.name)
    if not place or place[0][1] not in {"r", "p"}:
        return None
    oid, _, persistence, *_ = place[0]
    types = {row[0]: row[5] for row in await look(questions.COLUMN_RIGHTS, oid)}
    return ReceiptsTable(
        columns=frozenset(types),
        digests=frozenset(name for name, native in types.items() if native == "bytea"),
        unique=tuple(frozenset(names) for (names,) in await look(UNIQUE, oid)),
        durable=persistence == "p",
        checks={f"its constraint {name}": text for name, text in await look(questions.CHECKS, oid)},
        through=tuple(name for (name,) in await look(questions.THROUGH, oid)),
    )
