"""What mappings and contracts need of a live catalogue and of a credential: one set of rules for all engines.

Adapters state facts; here they are judged, so that a guard mended for one engine is mended for all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from synapsor.contract.mapping import ColumnRule, Table
from synapsor.contract.model import Contract
from synapsor.contract.paths import compared_columns
from synapsor.core.facts import (
    RECEIPT_COLUMNS,
    RECEIPT_DIGESTS,
    RECEIPT_KEY,
    ColumnFacts,
    Finding,
    May,
    Needs,
    RelationFacts,
    Rights,
)
from synapsor.core.plan import COLLATE, Relation
from synapsor.core.receipts_table import refused_outcomes
from synapsor.errors import UnsafeSource
from synapsor.values import ColumnType

T = TypeVar("T")
_SHOWN = 5


UNSAFE = ("unsafe_relation", "row_security_")
"""How the rules begin by which nothing may start; by any other, what a mapping does not fit refuses while the others serve."""


def judge_read(table: Table, facts: RelationFacts | None) -> Iterator[Finding]:
    """Yield what stands between a mapping and being read as reviewed."""
    if facts is None:
        yield Finding(
            rule="relation_missing",
            message=f"{table.relation} is not there, or this credential may not see it.",
            fix="Grant SELECT on it or review the contract.",
        )
        return
    yield from (
        Finding(
            rule="unsafe_relation",
            message=f"{table.relation}: {hazard}",
            fix=_hazard_fix(table.relation, hazard),
            fatal=hazard in facts.perils,
        )
        for hazard in facts.hazards
    )
    for name, rule in table.allowed.items():
        column = facts.columns.get(name)
        if column is None:
            yield missing_column(table.relation, name)
        elif rule.type.value not in column.family:
            yield Finding(
                rule="column_type",
                message=f"{table.relation}.{name} is not {rule.type.value} in the database.",
                fix="Review the column's type.",
            )


def missing_column(relation: str, name: str, *, of_base: bool = False) -> Finding:
    """Return what is told of a column that is not there: alike for reader and writer, but for the base table behind what is read."""
    fix = "Mend the table's `columns` in the contract, review it and run `synapsor activate`."
    if of_base:
        fix = f"{fix} `write_to` is to have the columns under the same names."
    return Finding(rule="column_missing", message=f"{relation}.{name} is not there.", fix=fix)


def filtered(contract: Contract, table: Table) -> set[str]:
    """Return the columns of a mapping that capabilities choose rows by: its own, or those of a table that links lead from."""
    found = (pair for c in contract.capabilities.values() for pair in compared_columns(c, c.table, contract.tables))
    return {column for name, column in found if contract.tables[name] is table}


def judge_filters(table: Table, facts: RelationFacts | None, where: Iterable[str]) -> Iterator[Finding]:
    """Yield each column that rows are chosen by and that a view computes: an error in that could tell of another tenant's row."""
    for name in sorted({*where, *table.only, *table.key, *table.scope}):
        if facts is not None and name in facts.columns and facts.columns[name].computed:
            message = f"{table.relation}.{name} is computed by the view, and rows are chosen by it."
            fix = "Let the table hold the value, or filter by another column: an error in computing it may tell of another row."
            yield Finding(rule="computed_filter", message=message, fix=fix, fatal=False)


def _hazard_fix(relation: str, hazard: str) -> str:
    for option in ("security_barrier", "security_invoker"):
        if f"without {option}" in hazard:
            return f"ALTER VIEW {relation} SET ({option} = true);"
    if "may not see" in hazard:
        return (
            f"GRANT SELECT, SHOW VIEW ON {relation} TO the reader: what a view runs is shown to who may read all of it."
        )
    if "definer" in hazard.lower() or "stored function" in hazard:
        return "Map a view that calls no such function, or let the function be SECURITY INVOKER."
    return "Map a relation of which this is not true, or leave it knowingly; it stops nothing."


def refine(table: Table, facts: RelationFacts) -> Table:
    """Return the mapping with the limits of the live columns added, so that a value that would not fit is refused at once."""
    columns = {name: _refine(rule, facts, name) for name, rule in table.columns.items()}
    return table.model_copy(update={"columns": columns})


def _refine(rule: ColumnRule, facts: RelationFacts, name: str) -> ColumnRule:
    column = facts.columns.get(name)
    if rule.denied or column is None:
        return rule
    narrow: dict[str, int] = {}
    if rule.type is ColumnType.TEXT and column.max_length is not None:
        narrow["max_length"] = min(column.max_length, rule.max_length or column.max_length)
    if rule.type is ColumnType.NUMERIC and column.scale is not None:
        narrow["scale"] = column.scale
    if rule.type is ColumnType.INTEGER and column.low is not None and column.high is not None:
        narrow["minimum"] = max(column.low, rule.minimum if rule.minimum is not None else column.low)
        narrow["maximum"] = min(column.high, rule.maximum if rule.maximum is not None else column.high)
    return rule.model_copy(update=narrow)


def natives(facts: RelationFacts) -> dict[str, str]:
    """Return each column's type name in the catalogue, for casts; behind it a collation that a comparison has to know of."""
    return {name: f"{column.native} {_collated(column)}".strip() for name, column in facts.columns.items()}


def _collated(column: ColumnFacts) -> str:
    known = column.collation
    if known is None or not (known.narrow or (known.cased and ColumnType.UUID in column.family)):
        return ""
    return COLLATE + known.name


_MORE = "writer_can_do_more"

ALLOWABLE = ("writer_owns", "writer_writes_more", "writer_can_create", "writer_can_alter")
"""What a writer can do that no change needs, each with a rule of its own: in production it is refused, unless it is allowed by name."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """How a power is judged.

    Attributes:
        reader, writer: the rule that it breaks; all that breaks `_MORE` is told as one finding, and what breaks none is not told.
        fatal: for a reader. For a writer, everything but `_MORE` and what is refused only in production is.
    """

    says: str
    reader: str
    writer: str = _MORE
    fatal: bool = True


_POWERS: dict[May, _Rule] = {
    May.EVERYTHING: _Rule("is a superuser", "reader_superuser", "writer_superuser"),
    May.EVERYTHING_IN: _Rule("may do everything in {over}", "reader_can_write", "writer_superuser"),
    May.PASS_ROW_SECURITY: _Rule(
        "is above row security", "reader_bypasses_row_security", "writer_bypasses_row_security"
    ),
    May.CREATE_ROLES: _Rule("may create roles and so give itself more", "reader_creates_roles", "writer_creates_roles"),
    May.REPLICATE: _Rule("may copy everything, as a replica does", "reader_replicates", "writer_replicates"),
    May.BECOME: _Rule("may become {over}", "reader_becomes_stronger", "writer_becomes_stronger"),
    May.GIVE_RIGHTS: _Rule("may give rights away ({over})", "reader_can_grant", "writer_superuser"),
    May.USE_FILES: _Rule("may use the server's files ({over})", "reader_can_use_files", "writer_superuser"),
    May.ADMINISTER: _Rule("holds {over}", "reader_is_privileged", "writer_superuser"),
    May.OWN: _Rule("owns {over}", "reader_owns", "writer_owns"),
    May.CHANGE: _Rule("may change {over}", "reader_can_write", "writer_writes_more"),
    May.CREATE: _Rule("may create objects in {over}", "reader_can_create", "writer_can_create"),
    May.CREATE_TEMPORARY: _Rule("may create temporary tables", "reader_can_create_temporary"),
    May.CREATE_TEMPORARY_LIKE_ALL: _Rule("may create temporary tables", "reader_can_create_temporary", "", fatal=False),
    May.RUN_DEFINER: _Rule("may run {over} with another's rights", "reader_can_run_definer"),
    May.RUN_STABLE_DEFINER: _Rule(
        "may run {over} with another's rights; that it only reads is its own word",
        "reader_can_run_stable_definer",
        fatal=False,
    ),
    May.RUN_EXTENSION: _Rule(
        "may run {over}, which can act with other rights", "reader_can_run_extension", fatal=False
    ),
    May.OTHER: _Rule("holds {over}", "reader_is_privileged"),
}

_OWN_ROLE = "Use a role of its own with the grants it needs."
_OWNER_MAKES_IT = "Run what `synapsor receipts ddl` prints, as the owner."
_FIXES = {
    **dict.fromkeys(("superuser", "bypasses_row_security", "creates_roles", "replicates"), _OWN_ROLE),
    "becomes_stronger": _OWN_ROLE,
    "is_privileged": "Give it SELECT on the reviewed relations, and nothing else.",
    "can_grant": "REVOKE it: what may be read is for the owner to say.",
    "can_use_files": "REVOKE FILE.",
    "owns": "Let another role own the tables and views.",
    "can_write": "REVOKE INSERT, UPDATE, DELETE and the like; grant SELECT alone.",
    "can_create": "REVOKE CREATE, also from PUBLIC.",
    "writes_more": "REVOKE it: what no contract changes, this credential must not.",
    "can_alter": "REVOKE everything on it but SELECT, INSERT, UPDATE and DELETE.",
    "can_create_temporary": "REVOKE it, also from PUBLIC.",
    "can_run_definer": "REVOKE EXECUTE, also from PUBLIC, and grant it to the roles that call it.",
    "can_run_stable_definer": "REVOKE EXECUTE, also from PUBLIC, where the credential has no need to call it.",
    "can_run_extension": "REVOKE EXECUTE, also from PUBLIC.",
    "cannot_read": "GRANT SELECT on the reviewed columns.",
    "cannot_update": "GRANT UPDATE on exactly these columns.",
    "cannot_insert": "GRANT INSERT on exactly these columns.",
    "cannot_hold": "GRANT UPDATE on one column of it that is harmless: the server locks rows for nobody who could not change them.",
    "cannot_delete": "GRANT DELETE on exactly this relation.",
    "sees_denied_column": "Grant SELECT on the reviewed columns alone, or on a view without the denied ones.",
    "sees_more": "REVOKE SELECT where it is not needed.",
    "can_do_more": "Grant it UPDATE, INSERT or DELETE where contracts ask for them, SELECT on the mapped ones, and SELECT and INSERT on the receipts.",
    "in_clear": "Use TLS on the whole way to the server, behind a pooler too.",
    "anonymous_user": "Drop the anonymous user, or create the credential's own user for this host.",
    "read_committed_refused": "Set binlog_format to MIXED or ROW.",
    "source_is_read_only": "Point the write credential at the primary.",
    "receipts_in_ledger": "Where the owner allows a table, run what `synapsor receipts ddl` prints and name it; see docs/how-to/reconcile.md.",
    **dict.fromkeys(("receipts_missing", "receipts_shape", "receipts_key", "receipts_privilege"), _OWNER_MAKES_IT),
    "receipts_refuse": "Make the table anew with what `synapsor receipts ddl` prints, and copy its rows, as the owner.",
    "receipts_not_transactional": "Use a transactional table (InnoDB).",
    "receipts_not_durable": "Make it a logged table.",
    "receipts_can_change": "REVOKE UPDATE, DELETE and the like: receipts are only ever added.",
}


def judge_reader(
    rights: Rights, reads: Mapping[Relation, frozenset[str]], denied: Mapping[Relation, frozenset[str]]
) -> Iterator[Finding]:
    """Yield what a read credential lacks for the given columns, and what it can do beyond reading them."""
    yield from _judge_connection(rights, "reader")
    # Two powers over one place may read alike; what is found is told once.
    yield from dict.fromkeys(
        _found(rights, _POWERS[m].reader, f"The reader {_said(m, o)}.", fatal=_POWERS[m].fatal and rights.grants)
        for m, o in _judged(rights).items()
    )
    if not rights.grants or May.EVERYTHING in rights.powers:
        return
    for relation, columns in _sorted(reads):
        if lacking := columns - rights.reach[relation].reads:
            yield _found(rights, "reader_cannot_read", f"The reader may not read {_some(lacking)} of {relation}.")
    for place, columns in _sorted(_denied_at(rights, denied)):
        if seen := columns & rights.reach[place].sees:
            message = f"The reader may read {_some(seen)} of {place}, which the contract denies."
            yield _found(rights, "reader_sees_denied_column", message)
    named = {str(relation) for relation in reads}
    if more := [place for place in rights.readable if place not in named]:
        message = f"The reader may also read {_some(more)}, which no contract names."
        yield _found(rights, "reader_sees_more", message, fatal=False)


def judge_writer(rights: Rights, writes: Mapping[Relation, Needs], receipts: Relation | None) -> Iterator[Finding]:
    """Yield what a write credential and its server lack for the given changes and receipts, and what it can do beyond them."""
    yield from _judge_connection(rights, "writer")
    for may, over in _judged(rights).items():
        if (rule := _POWERS[may].writer) not in {_MORE, "", *ALLOWABLE}:
            yield _found(rights, rule, f"The writer {_said(may, over)}.")
    yield from _judge_lacking(rights, writes)
    yield from _judge_receipts(rights, receipts)
    more: dict[str, list[str]] = {}
    for rule, said in _needless(rights, writes, receipts):
        more.setdefault(rule, []).append(said)
    for rule, those in more.items():
        message = f"The writer can do more than contracts need: it {'; '.join(those)}."
        yield _found(rights, rule, message, fatal=False)
    for name, (value, safe) in rights.lossy.items():
        message = f"The server runs with {name} = {value}: a crash may lose what it has acknowledged."
        yield Finding(rule="not_durable", message=message, fix=f"Set {name} = {safe}.", fatal=False)
    if not rights.read_committed:
        message = "The server logs statements, and refuses changes in READ COMMITTED transactions."
        yield _found(rights, "read_committed_refused", message)
    if rights.read_only:
        yield _found(rights, "source_is_read_only", "The server refuses writes.", fatal=False)


def _judge_lacking(rights: Rights, writes: Mapping[Relation, Needs]) -> Iterator[Finding]:
    for relation, needs in _sorted(writes):
        reach = rights.reach[relation]
        if lacking := needs.updates - reach.updates:
            yield _found(rights, "writer_cannot_update", f"The writer may not update {_some(lacking)} of {relation}.")
        if lacking := needs.inserts - reach.inserts:
            yield _found(rights, "writer_cannot_insert", f"The writer may not insert {_some(lacking)} into {relation}.")
        if needs.holds and rights.update_to_hold and not (reach.updates or reach.deletes):
            message = f"The writer may not lock rows of {relation}, on which changes depend."
            yield _found(rights, "writer_cannot_hold", message)
        if needs.deletes and not reach.deletes:
            yield _found(rights, "writer_cannot_delete", f"The writer may not delete rows of {relation}.")
        if rights.grants and (lacking := (needs.reads | needs.updates | needs.inserts) - reach.reads):
            yield _found(rights, "writer_cannot_read", f"The writer may not read {_some(lacking)} of {relation}.")


def refuse_fatal(findings: Iterable[Finding]) -> None:
    """Let nothing start on what must not be.

    Raises:
        UnsafeSource: with every fatal finding.
    """
    if fatal := [f for f in findings if f.fatal]:
        fixes = sorted({f.fix for f in fatal if f.fix})
        raise UnsafeSource("\n".join(f"{f.rule}: {f.message}" for f in fatal), fix="\n".join(fixes))


def _judge_connection(rights: Rights, who: str) -> Iterator[Finding]:
    if rights.anonymous:
        message = f"The server took the {who} for the anonymous user, whose grants are other ones."
        yield _found(rights, "anonymous_user", message)
    if rights.in_clear:
        yield _found(rights, f"{who}_in_clear", f"The {who}'s connection is not encrypted.")


def _judge_receipts(rights: Rights, receipts: Relation | None) -> Iterator[Finding]:
    if receipts is None:
        message = "The source keeps no receipts: where the end of an attempt is not known, only a person can tell it."
        yield _found(rights, "receipts_in_ledger", message, fatal=False)
        return
    table, reach = rights.receipts, rights.reach[receipts]
    if table is None:
        message = f"There is no table {receipts} for receipts, or the writer may not see it."
        yield _found(rights, "receipts_missing", message)
        return
    there = [name for name in RECEIPT_COLUMNS if name in table.columns]
    if lacking := set(RECEIPT_COLUMNS) - table.columns:
        yield _found(rights, "receipts_shape", f"{receipts} has no {_some(lacking)}.")
    if wrong := {name for name in RECEIPT_DIGESTS if name in there} - table.digests:
        yield _found(rights, "receipts_shape", f"{_some(wrong)} of {receipts} does not keep 32 bytes as they are.")
    if RECEIPT_KEY in there and frozenset({RECEIPT_KEY}) not in table.unique:
        yield _found(rights, "receipts_key", f"{RECEIPT_KEY} of {receipts} is not its primary key.")
    for name, refused in refused_outcomes(table):
        yield _found(rights, "receipts_refuse", f"{receipts} does not take the outcome {_some(refused)}: {name}.")
    if not table.transactional:
        yield _found(rights, "receipts_not_transactional", f"{receipts} does not roll back with the change.")
    if not table.durable:
        yield _found(rights, "receipts_not_durable", f"A crash would empty {receipts}.")
    if lacking := set(there) - (reach.reads & reach.inserts):
        message = f"The writer may not insert and read {_some(lacking)} of {receipts}."
        yield _found(rights, "receipts_privilege", message)
    if rights.grants and (reach.most.spoils or table.through):
        by_role = ", by a role that it may become" if reach.most.spoils and not reach.spoils else ""
        through = f" through {_some(table.through)}" if table.through else ""
        message = f"The writer may change or remove rows of {receipts}{by_role}{through}."
        yield _found(rights, "receipts_can_change", message, fatal=False)


def _needless(rights: Rights, writes: Mapping[Relation, Needs], receipts: Relation | None) -> Iterator[tuple[str, str]]:
    """Yield what a writer can do that no apply asks of it, by the rule that it breaks; nothing of a superuser, who can do everything."""
    if not rights.grants or May.EVERYTHING in rights.powers:
        return
    # What it may do with these relations their own reach says, column by column.
    known = {str(relation) for relation in (*writes, *filter(None, (receipts,)))}
    needed = rights.to_see_effects if any(needs.deletes for needs in writes.values()) else frozenset()
    for may, places in rights.powers.items():
        over = tuple(p for p in places if p not in needed and (may is not May.CHANGE or p not in known))
        if _POWERS[may].writer in {_MORE, *ALLOWABLE} and (over or not places):
            yield _POWERS[may].writer, _said(may, over)
    for relation, needs in _sorted(writes):
        reach = rights.reach[relation].most
        more = reach.updates - needs.updates
        is_lock = rights.update_to_hold and needs.holds and not needs.updates and len(more) == 1
        if more and not is_lock:
            yield _MORE, f"may update {_some(more)} of {relation}"
        if more := reach.inserts - needs.inserts:
            yield _MORE, f"may insert {_some(more)} into {relation}"
        if reach.deletes and not needs.deletes:
            yield _MORE, f"may remove rows of {relation}"
        if reach.alters:
            yield "writer_can_alter", f"may alter or empty {relation}"


def _judged(rights: Rights) -> Mapping[May, tuple[str, ...]]:
    """Return the powers; of a superuser only that it is one, for then all the others are true as well."""
    return {May.EVERYTHING: ()} if May.EVERYTHING in rights.powers else rights.powers


def _denied_at(rights: Rights, denied: Mapping[Relation, frozenset[str]]) -> dict[Relation, frozenset[str]]:
    """Return the denied columns of each relation, and of those behind it."""
    found: dict[Relation, frozenset[str]] = {}
    for relation, columns in denied.items():
        for place in {relation, *rights.reach[relation].behind}:
            found[place] = found.get(place, frozenset()) | columns
    return found


def _found(rights: Rights, rule: str, message: str, *, fatal: bool = True) -> Finding:
    word = rule.removeprefix("reader_").removeprefix("writer_")
    return Finding(rule=rule, message=message, fix=rights.fixes.get(word) or _FIXES[word], fatal=fatal)


def _said(may: May, over: tuple[str, ...]) -> str:
    return _POWERS[may].says.format(over=_some(over))


def _sorted(said: Mapping[Relation, T]) -> list[tuple[Relation, T]]:
    return sorted(said.items(), key=lambda item: str(item[0]))


def _some(names: Collection[str]) -> str:
    """Return the first few names; a whole catalogue helps nobody."""
    listed = sorted(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
