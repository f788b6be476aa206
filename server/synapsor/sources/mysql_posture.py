"""What a MySQL or MariaDB credential is able to do, read from its own grants.

Grants are read conservatively: what is not understood is reported. The text of a grant is never shown, because MariaDB prints the
password's hash in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from synapsor.core.facts import Finding
from synapsor.core.plan import Relation
from synapsor.errors import SourceFailure
from synapsor.sources.mysql_catalogue import Ask, column_names, readable_columns, text_of
from synapsor.sql import receipts as receipt_table

_TOKEN = re.compile(r"""(`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")|([^\s`'",().@]+|[(),.@*])""")
_ROLE = re.compile(r"`(?:[^`]|``)+`(?:@`(?:[^`]|``)*`)?\Z")
_ROUTINES = frozenset({"PROCEDURE", "FUNCTION", "PACKAGE", "BODY"})
_READING = frozenset({"SELECT", "SHOW VIEW", "USAGE"})
_HARMLESS = frozenset({"SHOW DATABASES"})
_ALL = frozenset({"ALL", "ALL PRIVILEGES"})
_RULES = {
    "EXECUTE": "reader_can_run_definer",
    "FILE": "reader_can_use_files",
    "GRANT OPTION": "reader_can_grant",
    "PROXY": "reader_can_grant",
    "CREATE TEMPORARY TABLES": "reader_can_create_temporary",
}
_WRITING = frozenset(
    {
        "INSERT",
        "UPDATE",
        "DELETE",
        "CREATE",
        "DROP",
        "ALTER",
        "INDEX",
        "TRIGGER",
        "EVENT",
        "REFERENCES",
        "CREATE VIEW",
        "LOCK TABLES",
    }
    | {"CREATE ROUTINE", "ALTER ROUTINE", "DELETE HISTORY", "CREATE TABLESPACE"}
)
_ADMINISTRATORS = frozenset(
    {"ALL PRIVILEGES", "ALL", "SUPER", "GRANT OPTION", "CREATE USER", "FILE", "SHUTDOWN", "RELOAD", "PROXY", "SET USER"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One privilege as the server states it.

    Attributes:
        columns: those that it is limited to, or None.
        schema, table: None stands for every one; a schema may hold the wildcards of LIKE.
    """

    privilege: str
    columns: frozenset[str] | None
    schema: str | None
    table: str | None
    routine: bool = False

    def covers(self, relation: Relation) -> bool:
        """Tell whether it reaches a relation."""
        if self.routine or (self.table is not None and self.table != relation.name):
            return False
        return self.schema is None or (
            self.schema == relation.schema if self.table is not None else _like(self.schema, relation.schema)
        )

    @property
    def scope(self) -> str:
        """Where it holds, in words."""
        return f"{self.schema or '*'}.{self.table or '*'}"


def _like(pattern: str, name: str) -> bool:
    parts = re.split(r"(\\.|%|_)", pattern)
    regex = "".join({"%": ".*", "_": "."}.get(part) or re.escape(part.removeprefix("\\")) for part in parts)
    return re.fullmatch(regex, name, re.DOTALL) is not None


def parse_grant(text: str) -> tuple[list[Grant], list[str]]:
    """Return the privileges and the quoted role names of one line of SHOW GRANTS; what is not understood becomes `UNKNOWN`."""
    tokens = [(quoted or plain, bool(quoted)) for quoted, plain in _TOKEN.findall(text)]
    words = [token if quoted else token.upper() for token, quoted in tokens]
    if not words or words[0] in {"REVOKE", "SET"}:  # a partial revoke takes away; SET DEFAULT ROLE repeats a grant
        return [], []
    if words[0] != "GRANT" or "TO" not in words:
        return [_unknown()], []
    upto = words.index("TO")
    if "ON" not in words[:upto]:
        names = "".join(words[1:upto]).split(",")
        return ([], names) if all(_ROLE.match(name) for name in names) else ([_unknown()], [])
    on = words.index("ON")
    place = words[on + 1 : upto]
    routine = bool(_ROUTINES.intersection(place))
    schema, table = _place([word for word in place if word not in _ROUTINES | {"TABLE"}])
    grants = [
        Grant(privilege=p, columns=c, schema=schema, table=table, routine=routine) for p, c in _privileges(words[1:on])
    ]
    rest = words[upto:]
    if any(pair == ("GRANT", "OPTION") for pair in pairwise(rest)):
        grants.append(Grant(privilege="GRANT OPTION", columns=None, schema=schema, table=table, routine=routine))
    return grants, []


def _unknown() -> Grant:
    return Grant(privilege="UNKNOWN", columns=None, schema=None, table=None)


def _place(words: list[str]) -> tuple[str | None, str | None]:
    # Anything but `schema.table`, such as the user of a PROXY, counts as everywhere.
    if len(words) != 3 or words[1] != ".":  # noqa: PLR2004  # schema, dot, table
        return None, None
    schema, table = (None if word == "*" else _bare(word) for word in (words[0], words[2]))
    return schema, table


def _bare(word: str) -> str:
    return word[1:-1].replace(word[0] * 2, word[0]) if word[0] in "`'\"" else word


def _privileges(words: list[str]) -> Iterator[tuple[str, frozenset[str] | None]]:
    name: list[str] = []
    columns: list[str] | None = None
    inside = False
    for word in [*words, ","]:
        if word == "(":
            columns, inside = [], True
        elif word == ")":
            inside = False
        elif inside:
            if word != "," and columns is not None:
                columns.append(_bare(word))
        elif word == ",":
            yield " ".join(name), frozenset(columns) if columns is not None else None
            name, columns = [], None
        else:
            name.append(word)


async def grants(ask: Ask) -> list[Grant]:
    """Return every privilege of this credential, those of its roles and of PUBLIC included; a role it may not look into is one."""
    found: list[Grant] = []
    # MariaDB lists the privileges of roles that are enabled, MySQL those of roles that it is asked to use.
    enabled = await _enabled_roles(ask)
    asked: set[str] = set()
    pending = [("SHOW GRANTS", "")]
    while pending:
        question, role = pending.pop()
        if question in asked:
            continue
        asked.add(question)
        try:
            lines = [text_of(row[0]) or "" for row in await ask(question.replace("%", "%%"))]
        except SourceFailure:
            lines = []
            found.append(Grant(privilege=f"THE ROLE {role}", columns=None, schema=None, table=None))
        for line in lines:
            privileges, roles = parse_grant(line)
            found += privileges
            for name in roles:
                using = f"CURRENT_USER() USING {name}" if "@" in name else name
                if _bare(name) not in enabled:
                    pending.append((f"SHOW GRANTS FOR {using}", name))
    return found


async def _enabled_roles(ask: Ask) -> frozenset[str]:
    try:
        rows = await ask("SELECT role_name FROM information_schema.enabled_roles")
    except SourceFailure:
        return frozenset()  # every role is then asked for by name
    return frozenset(text_of(row[0]) or "" for row in rows if row[0] is not None)


async def reader_findings(
    ask: Ask, user: str, reads: Mapping[Relation, frozenset[str]], denied: Mapping[Relation, frozenset[str]]
) -> tuple[Finding, ...]:
    """Say what a read credential lacks for what was reviewed, and what it can do beyond it."""
    held = await grants(ask)
    found = [*await _shadowed(ask, user)]
    for rule, beyond in _by_rule(held).items():
        fix = "Give it SELECT (and SHOW VIEW) on the reviewed relations, and nothing else."
        found.append(Finding(rule=rule, message=f"The reader holds {beyond}.", fix=fix))
    for relation, columns in _sorted(reads):
        if lacking := sorted(columns - await readable_columns(ask, relation)):
            message = f"The reader may not read {', '.join(lacking)} of {relation}."
            found.append(
                Finding(rule="reader_cannot_read", message=message, fix="GRANT SELECT on the reviewed columns.")
            )
    for relation, columns in _sorted(denied):
        there = columns & await column_names(ask, relation) if columns else columns
        if seen := sorted(_columns_of(held, "SELECT", relation, there)):
            message = f"The reader may read {', '.join(seen)} of {relation}, which the contract denies."
            fix = "Grant SELECT on the reviewed columns only, or on a view without the denied ones."
            found.append(Finding(rule="reader_sees_denied_column", message=message, fix=fix))
    named = {str(relation) for relation in reads}
    if more := [g.scope for g in held if g.privilege == "SELECT" and g.scope not in named]:
        message = f"The reader may also read {', '.join(dict.fromkeys(more))}, which no contract names."
        found.append(
            Finding(rule="reader_sees_more", message=message, fix="REVOKE SELECT where it is not needed.", fatal=False)
        )
    return tuple(found)


def _sorted(columns: Mapping[Relation, frozenset[str]]) -> list[tuple[Relation, frozenset[str]]]:
    return sorted(columns.items(), key=lambda item: str(item[0]))


def _by_rule(held: list[Grant]) -> dict[str, str]:
    rules: dict[str, list[str]] = {}
    for grant in held:
        if grant.privilege not in _READING | _HARMLESS:
            rules.setdefault(_rule(grant), []).append(f"{grant.privilege} on {grant.scope}")
    return {rule: ", ".join(dict.fromkeys(beyond)) for rule, beyond in rules.items()}


def _rule(grant: Grant) -> str:
    if grant.privilege == "SUPER" or (grant.privilege in _ALL and grant.schema is None):
        return "reader_superuser"
    if grant.privilege in _WRITING | _ALL:
        return "reader_can_write"
    return _RULES.get(grant.privilege, "reader_is_privileged")


def _columns_of(held: list[Grant], privilege: str, relation: Relation, wanted: frozenset[str]) -> frozenset[str]:
    """Return which of the wanted columns a privilege reaches."""
    reached: frozenset[str] = frozenset()
    for grant in held:
        if grant.privilege in {privilege, *_ALL} and grant.covers(relation):
            reached |= wanted if grant.columns is None else wanted & grant.columns
    return reached


async def _shadowed(ask: Ask, user: str) -> list[Finding]:
    rows = await ask("SELECT CURRENT_USER()")
    if (text_of(rows[0][0]) or "").rpartition("@")[0] or not user:
        return []
    return [
        Finding(
            rule="anonymous_user",
            message="The server took this credential for the anonymous user, whose grants are other ones.",
            fix="Drop the anonymous user, or create the credential's user for this host.",
        )
    ]


_DIGEST_BYTES = 32
_DIGESTS = (receipt_table.KEY, "proposal_digest", "ledger_head")
_DDL_FIX = "Let the owner run `synapsor receipts ddl`."


async def writer_findings(
    ask: Ask, user: str, writes: Mapping[Relation, frozenset[str]], receipts: Relation
) -> tuple[Finding, ...]:
    """Say what a write credential lacks for its updates and receipts, and what it could do beyond them."""
    held = await grants(ask)
    found = [*await _shadowed(ask, user)]
    for relation, columns in _sorted(writes):
        found += _missing(held, relation, columns)
    found += await _receipt_findings(ask, held, receipts)
    found += _beyond(held, writes, receipts)
    found += await _durability(ask)
    return tuple(found)


def _missing(held: list[Grant], relation: Relation, columns: frozenset[str]) -> Iterator[Finding]:
    if lacking := sorted(columns - _columns_of(held, "UPDATE", relation, columns)):
        yield Finding(
            rule="writer_cannot_update",
            message=f"The writer may not update {relation}: {', '.join(lacking)}.",
            fix=f"GRANT UPDATE ({', '.join(lacking)}) ON {relation} to it.",
        )
    if not any(g.privilege in {"SELECT", *_ALL} and g.covers(relation) for g in held):
        yield Finding(
            rule="writer_cannot_read",
            message=f"The writer may not read {relation}.",
            fix=f"GRANT SELECT on the mapped columns of {relation} to it.",
        )


async def _receipt_findings(ask: Ask, held: list[Grant], receipts: Relation) -> list[Finding]:
    every = frozenset(receipt_table.WRITTEN)
    rows = await ask(
        "SELECT t.table_schema, t.table_name, t.engine, c.column_name, c.data_type, c.character_maximum_length, c.column_key"
        " FROM information_schema.tables t JOIN information_schema.columns c USING (table_schema, table_name)"
        " WHERE t.table_schema = %(p1)s AND t.table_name = %(p2)s",
        receipts.schema,
        receipts.name,
    )
    seen = [[text_of(cell) for cell in row] for row in rows]
    columns = {row[3]: row for row in seen if (row[0], row[1]) == (receipts.schema, receipts.name)}
    if not columns:
        return [
            Finding(
                rule="receipts_missing", message=f"{receipts} is not there, or the writer may not see it.", fix=_DDL_FIX
            )
        ]
    if lacking := sorted(every - set(columns)):
        return [Finding(rule="receipts_shape", message=f"{receipts} has no {', '.join(lacking)}.", fix=_DDL_FIX)]
    found: list[Finding] = []
    key = columns[receipt_table.KEY]
    if (key[2] or "").upper() != "INNODB":
        found.append(
            Finding(
                rule="receipts_not_transactional",
                message=f"{receipts} does not roll back with the change.",
                fix="Make it an InnoDB table.",
            )
        )
    if wrong := [n for n in _DIGESTS if (columns[n][4], columns[n][5]) != ("binary", str(_DIGEST_BYTES))]:
        found.append(
            Finding(rule="receipts_shape", message=f"{', '.join(wrong)} of {receipts} is not binary(32).", fix=_DDL_FIX)
        )
    if [name for name, row in columns.items() if row[6] == "PRI"] != [receipt_table.KEY]:
        message = f"{receipt_table.KEY} of {receipts} is not its primary key."
        found.append(Finding(rule="receipts_key", message=message, fix=_DDL_FIX))
    if lacking := [p for p in ("SELECT", "INSERT") if _columns_of(held, p, receipts, every) != every]:
        found.append(
            Finding(
                rule="receipts_privilege",
                message=f"The writer lacks {' and '.join(lacking)} on {receipts}.",
                fix=f"GRANT SELECT, INSERT ON {receipts} to it.",
            )
        )
    if any(g.privilege in {"UPDATE", "DELETE", "DROP", *_ALL} and g.covers(receipts) for g in held):
        message = f"The writer may change or remove rows of {receipts}."
        fix = "REVOKE UPDATE, DELETE, DROP: receipts are only ever added."
        found.append(Finding(rule="receipts_can_change", message=message, fix=fix, fatal=False))
    return found


def _beyond(held: list[Grant], writes: Mapping[Relation, frozenset[str]], receipts: Relation) -> Iterator[Finding]:
    extra: list[str] = []
    for grant in held:
        if grant.privilege in _READING | _HARMLESS or (grant.privilege == "INSERT" and grant.scope == str(receipts)):
            continue
        wanted = next(
            (columns for relation, columns in writes.items() if grant.scope == str(relation)), frozenset[str]()
        )
        if grant.privilege == "UPDATE" and grant.columns is not None and grant.columns <= wanted:
            continue
        extra.append(f"{grant.privilege} on {grant.scope}")
    if extra:
        powers = {grant.privilege for grant in held} & _ADMINISTRATORS
        yield Finding(
            rule="writer_superuser" if powers else "writer_can_do_more",
            message=f"The writer holds more than it needs: {', '.join(dict.fromkeys(extra))}.",
            fix="Grant UPDATE on the columns that contracts change, SELECT on the mapped ones, and SELECT, INSERT on the receipts.",
            fatal=bool(powers),
        )


async def _durability(ask: Ask) -> Iterator[Finding]:
    rows = await ask(
        "SELECT @@global.innodb_flush_log_at_trx_commit, @@global.log_bin, @@global.sync_binlog, @@global.read_only"
    )
    flush, log, sync, read_only = (text_of(cell) for cell in rows[0])
    found = []
    if flush != "1" or (log == "1" and sync != "1"):
        found.append(
            Finding(
                rule="not_durable",
                message="The server may lose commits that it has acknowledged when its host loses power.",
                fix="Set innodb_flush_log_at_trx_commit=1 and sync_binlog=1.",
                fatal=False,
            )
        )
    if read_only != "0":
        found.append(
            Finding(
                rule="source_is_read_only",
                message="The server refuses writes (read_only).",
                fix="Point the write credential at the primary.",
                fatal=False,
            )
        )
    return iter(found)
