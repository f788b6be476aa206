"""What a Postgres credential can do beyond its job, and what it lacks for it, as findings.

A reader that could write, own, become somebody stronger or see a denied column is refused: the grants are the first of the three
layers that keep a read from writing, and the only one that still holds when this program is at fault.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping

from synapsor.core.facts import Finding
from synapsor.core.plan import Relation
from synapsor.sources import postgres_rights as rights
from synapsor.sources.postgres_catalogue import UNIQUE, Look, all_bases
from synapsor.sql.receipts import KEY, WRITTEN

_SHOWN = 5


async def of_reader(
    look: Look, reads: Mapping[Relation, frozenset[str]], denied: Mapping[Relation, frozenset[str]], *, local: bool
) -> tuple[Finding, ...]:
    """Return what the read credential can do beyond reading the given columns."""
    found = [finding async for finding in _of_role(look, "reader")]
    if found and found[0].rule == "reader_superuser":
        return tuple(found)  # everything else is true of a superuser, and would hide this
    found += [finding async for finding in _reader_writes(look, {*reads, *denied})]
    found += [finding async for finding in _reader_sees(look, reads, denied)]
    found += await _in_clear(look, "reader", local=local)
    return tuple(found)


async def of_writer(
    look: Look, writes: Mapping[Relation, frozenset[str]], receipts: Relation, *, local: bool
) -> tuple[Finding, ...]:
    """Return what the write credential lacks for the given updates and receipts, and what it can do beyond them."""
    found = [finding async for finding in _of_role(look, "writer")]
    if found and found[0].rule == "writer_superuser":
        return tuple(found)
    for relation, columns in writes.items():
        found += [finding async for finding in _writer_lacks(look, relation, columns)]
    found += [finding async for finding in _receipts(look, receipts)]
    found += [finding async for finding in _writer_beyond(look, {*writes, receipts})]
    found += await _in_clear(look, "writer", local=local)
    found += [
        Finding(
            rule="not_durable",
            message=f"The server runs with {name} = {setting}: a crash may lose what it has acknowledged.",
            fix=f"Set {name} = on.",
            fatal=False,
        )
        for name, setting in await look(rights.DURABLE)
    ]
    return tuple(found)


async def _of_role(look: Look, who: str) -> AsyncIterator[Finding]:
    superuser, bypasses, creates_roles, replicates, stronger = (await look(rights.ROLE))[0]
    if superuser:
        yield Finding(
            rule=f"{who}_superuser",
            message=f"The {who} is a superuser.",
            fix="Use a role of its own with the grants it needs.",
        )
        return
    if bypasses:
        yield Finding(
            rule=f"{who}_bypasses_row_security", message=f"The {who} has BYPASSRLS.", fix="ALTER ROLE … NOBYPASSRLS."
        )
    if creates_roles:
        yield Finding(
            rule=f"{who}_creates_roles",
            message=f"The {who} has CREATEROLE and may give itself more.",
            fix="ALTER ROLE … NOCREATEROLE.",
        )
    if replicates:
        yield Finding(
            rule=f"{who}_replicates",
            message=f"The {who} has REPLICATION and may copy everything.",
            fix="ALTER ROLE … NOREPLICATION.",
        )
    if stronger:
        yield Finding(
            rule=f"{who}_becomes_stronger",
            message=f"The {who} is a member of {_some(stronger)}.",
            fix="REVOKE the membership, also where it is not inherited: SET ROLE needs no inheritance.",
        )


async def _reader_writes(look: Look, listed: set[Relation]) -> AsyncIterator[Finding]:
    writable = [(Relation(schema=schema, name=name), owned) for schema, name, owned in await look(rights.WRITABLE)]
    if owned := [str(relation) for relation, owns in writable if owns and relation in listed]:
        yield Finding(
            rule="reader_owns",
            message=f"The reader owns {_some(owned)}.",
            fix="Let another role own the tables and views.",
        )
    if others := [str(relation) for relation, owns in writable if not (owns and relation in listed)]:
        yield Finding(
            rule="reader_can_write",
            message=f"The reader may change {_some(others)}.",
            fix="REVOKE INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER; grant SELECT alone.",
        )
    if places := [place for (place,) in await look(rights.CREATES)]:
        yield Finding(
            rule="reader_can_create",
            message=f"The reader may create objects in {_some(places)}.",
            fix="REVOKE CREATE, also from PUBLIC.",
        )
    if (await look(rights.TEMPORARY))[0][0]:
        yield Finding(
            rule="reader_can_create_temporary",
            message="The reader may create temporary tables.",
            fix="REVOKE TEMPORARY ON DATABASE … FROM PUBLIC.",
            fatal=False,
        )
    functions = await look(rights.DEFINERS)
    if own := [name for name, extension in functions if not extension]:
        yield Finding(
            rule="reader_can_run_definer",
            message=f"The reader may run {_some(own)} with the rights of its owner.",
            fix="REVOKE EXECUTE ON FUNCTION … FROM PUBLIC and grant it to the roles that call it.",
        )
    if foreign := [name for name, extension in functions if extension]:
        yield Finding(
            rule="reader_can_run_extension",
            message=f"The reader may run {_some(foreign)}, which can act with other rights.",
            fix="REVOKE EXECUTE ON FUNCTION … FROM PUBLIC.",
            fatal=False,
        )


async def _reader_sees(
    look: Look, reads: Mapping[Relation, frozenset[str]], denied: Mapping[Relation, frozenset[str]]
) -> AsyncIterator[Finding]:
    for relation, columns in reads.items():
        readable = {row[0] for row in await _column_rights(look, relation) if row[1]}
        if lacking := sorted(columns - readable):
            yield Finding(
                rule="reader_cannot_read",
                message=f"The reader may not read {_some(lacking)} of {relation}.",
                fix="GRANT SELECT on the reviewed columns.",
            )
    behind: set[Relation] = set()
    for relation, columns in denied.items():
        bases = await _bases(look, relation)
        behind |= bases
        for place in sorted({relation, *bases}, key=str):
            readable = {row[0] for row in await _column_rights(look, place) if row[2]}
            if seen := sorted(columns & readable):
                yield Finding(
                    rule="reader_sees_denied_column",
                    message=f"The reader may read {_some(seen)} of {place}, which the contract denies.",
                    fix="Grant SELECT on a view or on single columns without it.",
                )
    others = [str(Relation(schema=schema, name=name)) for schema, name in await look(rights.READABLE)]
    if more := [name for name in others if name not in {str(r) for r in reads}]:
        yield Finding(
            rule="reader_sees_more",
            message=f"The reader may also read {_some(more)}, which no contract names.",
            fix="REVOKE SELECT where it is not needed.",
            fatal=False,
        )


async def _writer_lacks(look: Look, relation: Relation, columns: frozenset[str]) -> AsyncIterator[Finding]:
    found = await _column_rights(look, relation)
    updatable, readable = {row[0] for row in found if row[3]}, {row[0] for row in found if row[1]}
    if lacking := sorted(columns - updatable):
        yield Finding(
            rule="writer_cannot_update",
            message=f"The writer may not update {_some(lacking)} of {relation}.",
            fix="GRANT UPDATE on exactly these columns.",
        )
    if lacking := sorted(columns - readable):
        yield Finding(
            rule="writer_cannot_read",
            message=f"The writer may not read {_some(lacking)} of {relation}.",
            fix="GRANT SELECT on the reviewed columns.",
        )
    if beyond := sorted(updatable - columns):
        yield Finding(
            rule="writer_can_do_more",
            message=f"The writer may also update {_some(beyond)} of {relation}, which no contract sets.",
            fix="GRANT UPDATE on single columns alone.",
            fatal=False,
        )


async def _receipts(look: Look, receipts: Relation) -> AsyncIterator[Finding]:
    fix = "Run what `synapsor receipts ddl` prints, as the owner."
    place = await look(rights.PLACE, receipts.schema, receipts.name)
    if not place or place[0][1] not in {"r", "p"}:
        yield Finding(rule="receipts_missing", message=f"There is no table {receipts} for receipts.", fix=fix)
        return
    oid, _, persistence, _, alters = place[0]
    found = await look(rights.COLUMN_RIGHTS, oid)
    native = {row[0]: row[5] for row in found}
    if missing := [name for name in WRITTEN if name not in native]:
        yield Finding(rule="receipts_shape", message=f"{receipts} has no {_some(missing)}.", fix=fix)
    if wrong := [name for name in (KEY, "proposal_digest", "ledger_head") if native.get(name, "bytea") != "bytea"]:
        yield Finding(rule="receipts_shape", message=f"{_some(wrong)} of {receipts} is not bytea.", fix=fix)
    if [KEY] not in [sorted(names) for (names,) in await look(UNIQUE, oid)]:
        yield Finding(rule="receipts_key", message=f"{KEY} of {receipts} is not its primary key.", fix=fix)
    if persistence != "p":
        yield Finding(
            rule="receipts_not_durable",
            message=f"{receipts} is not logged: a crash would empty it.",
            fix=f"ALTER TABLE {receipts} SET LOGGED.",
        )
    granted = {row[0] for row in found if row[1] and row[4]}
    if lacking := [name for name in WRITTEN if name in native and name not in granted]:
        yield Finding(
            rule="receipts_privilege",
            message=f"The writer may not insert and read {_some(lacking)} of {receipts}.",
            fix=fix,
        )
    if alters or any(row[3] for row in found):
        yield Finding(
            rule="receipts_can_change",
            message=f"The writer may change or remove rows of {receipts}.",
            fix="REVOKE UPDATE, DELETE, TRUNCATE: receipts are only ever added.",
            fatal=False,
        )


async def _writer_beyond(look: Look, listed: set[Relation]) -> AsyncIterator[Finding]:
    writable = [(Relation(schema=schema, name=name), owned) for schema, name, owned in await look(rights.WRITABLE)]
    wider = [str(relation) for relation, owns in writable if owns or relation not in listed]
    wider += [place for (place,) in await look(rights.CREATES)]
    if wider:
        yield Finding(
            rule="writer_can_do_more",
            message=f"The writer also owns, may change or may create objects in {_some(wider)}.",
            fix="Grant the writer the reviewed columns and the receipts alone.",
            fatal=False,
        )


async def _in_clear(look: Look, who: str, *, local: bool) -> list[Finding]:
    if local or (await look(rights.ENCRYPTED))[0][0]:
        return []
    return [
        Finding(
            rule=f"{who}_in_clear", message=f"The {who}'s connection is not encrypted.", fix="Use sslmode=verify-full."
        )
    ]


async def _column_rights(look: Look, relation: Relation) -> list[tuple[str, bool, bool, bool, bool, str]]:
    place = await look(rights.PLACE, relation.schema, relation.name)
    return [tuple(row) for row in await look(rights.COLUMN_RIGHTS, place[0][0])] if place else []


async def _bases(look: Look, relation: Relation) -> set[Relation]:
    place = await look(rights.PLACE, relation.schema, relation.name)
    if not place or place[0][1] != "v":
        return set()
    return {Relation(schema=row[3], name=row[4]) for row in await all_bases(look, place[0][0])}


def _some(names: Iterable[str]) -> str:
    """Return the first few names; a whole catalogue helps nobody."""
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
