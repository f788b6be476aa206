"""What a MySQL or MariaDB credential may do, read from its own grants.

Facts only, judged in `core.posture`. Grants are read conservatively: what is not understood is a power, too. The text of a grant is
never shown, because MariaDB prints the password's hash in it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from synapsor.core.facts import May, Reach, ReceiptsTable, Rights
from synapsor.core.plan import Relation
from synapsor.core.receipts_table import LISTED
from synapsor.errors import Failure, SourceFailure
from synapsor.sources.mysql_catalogue import Ask, bases, column_privileges, definition_of, text_of
from synapsor.sql import trees

_NO_ANSWER = frozenset({Failure.UNAVAILABLE, Failure.TIMEOUT})
"""Failures that say nothing of what was asked about."""

_TOKEN = re.compile(r"""(`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")|([^\s`'",().@]+|[(),.@*])""")
_ROLE = re.compile(r"`(?:[^`]|``)+`(?:@`(?:[^`]|``)*`)?\Z")
_ROUTINES = frozenset({"PROCEDURE", "FUNCTION", "PACKAGE", "BODY"})
_HARMLESS = frozenset({"SELECT", "SHOW VIEW", "USAGE", "SHOW DATABASES"})
_ALL = frozenset({"ALL", "ALL PRIVILEGES"})
_ALTERING = frozenset({"DELETE", "DELETE HISTORY", "DROP", "ALTER", "TRIGGER", "INDEX", "REFERENCES"})
_UNSEEN_ROLE = "A ROLE"
"""What is held by who may use a role that nobody lets it look into."""
_WATCHING = frozenset(
    {
        "PROCESS",
        "REPLICATION CLIENT",
        "BINLOG MONITOR",
        "SLAVE MONITOR",
        "REPLICA MONITOR",
        "SHOW CREATE ROUTINE",
        "SHOW_ROUTINE",
    }
)
"""What only shows more of the server; every other right of its own counts as one to administer it, also what is not known here."""
_MAY = {
    **dict.fromkeys({"INSERT", "UPDATE", "LOCK TABLES", "ALTER ROUTINE"} | _ALTERING, May.CHANGE),
    **dict.fromkeys({"CREATE", "CREATE VIEW", "CREATE ROUTINE", "CREATE TABLESPACE", "EVENT"}, May.CREATE),
    **dict.fromkeys({"GRANT OPTION", "PROXY"}, May.GIVE_RIGHTS),
    **dict.fromkeys(_WATCHING, May.OTHER),
    "SUPER": May.EVERYTHING,
    "CREATE USER": May.CREATE_ROLES,
    "REPLICATION SLAVE": May.REPLICATE,
    "FILE": May.USE_FILES,
    "EXECUTE": May.RUN_DEFINER,
    "CREATE TEMPORARY TABLES": May.CREATE_TEMPORARY,
    _UNSEEN_ROLE: May.BECOME,
}
_BY_PLACE = frozenset({May.EVERYTHING_IN, May.CHANGE, May.CREATE, May.RUN_DEFINER})
_SPOILING = frozenset({"UPDATE", "DELETE"}) | _ALL
_DIGEST = ("binary", "32")
_FIXES = {
    "can_create_temporary": "REVOKE CREATE TEMPORARY TABLES.",
    "becomes_stronger": "REVOKE the role, or SET DEFAULT ROLE to it, so that what it may do is seen.",
    "receipts_refuse": "As the owner: ALTER TABLE … MODIFY outcome VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL"
    f" {LISTED}; on MySQL, and where the check has a name, DROP CONSTRAINT … first.",
}


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

    @property
    def may(self) -> May:
        """What it lets its holder do beside reading."""
        if self.privilege in _ALL:
            return May.EVERYTHING if self.schema is None else May.EVERYTHING_IN
        return _MAY.get(self.privilege, May.ADMINISTER)


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
        except SourceFailure as failed:
            if failed.kind in _NO_ANSWER:
                raise
            lines = []
            found.append(Grant(privilege=_UNSEEN_ROLE, columns=None, schema=None, table=role))
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
    except SourceFailure as failed:
        if failed.kind in _NO_ANSWER:
            raise
        return frozenset()  # every role is then asked for by name
    return frozenset(text_of(row[0]) or "" for row in rows if row[0] is not None)


async def rights(
    ask: Ask, user: str, relations: Collection[Relation], *, local: bool, receipts: Relation | None = None
) -> Rights:
    """Return what the credential may do with the given relations, and beyond."""
    held = await grants(ask)
    account = text_of((await ask("SELECT CURRENT_USER()"))[0][0]) or ""
    lossy, read_only, by_statement = await _settings(ask)
    return Rights(
        powers=_powers(held),
        reach=await _reaches(ask, held, relations),
        readable=tuple(dict.fromkeys(grant.scope for grant in held if grant.privilege == "SELECT")),
        receipts=await _receipts(ask, receipts, held) if receipts else None,
        lossy=lossy,
        in_clear=not (local or await _encrypted(ask)),
        anonymous=bool(user) and not account.rpartition("@")[0],
        read_only=read_only,
        read_committed=not by_statement,
        to_see_effects=frozenset({"PROCESS on *.*"}),
        fixes=_FIXES,
    )


def _powers(held: list[Grant]) -> dict[May, tuple[str, ...]]:
    over: dict[May, list[str]] = {}
    for grant in held:
        if grant.privilege not in _HARMLESS:
            place = grant.scope if grant.may in _BY_PLACE else f"{grant.privilege} on {grant.scope}"
            place = f"the role {grant.table}" if grant.may is May.BECOME else place
            over.setdefault(grant.may, []).append(place)
    return {may: tuple(dict.fromkeys(places)) for may, places in over.items()}


async def _reaches(ask: Ask, held: list[Grant], relations: Collection[Relation]) -> dict[Relation, Reach]:
    reach = {relation: await _reach(ask, held, relation) for relation in relations}
    for base in {base for known in reach.values() for base in known.behind} - set(reach):
        reach[base] = await _reach(ask, held, base)
    return reach


async def _reach(ask: Ask, held: list[Grant], relation: Relation) -> Reach:
    """Return what it may do: as the server says for what may be lacking, as the grants say for what may be too much."""
    allowed = await column_privileges(ask, relation)
    covering = [grant for grant in held if grant.covers(relation)]
    return Reach(
        reads=frozenset(name for name, privileges in allowed.items() if "select" in privileges),
        sees=_columns(covering, {"SELECT", *_ALL}, allowed),
        inserts=frozenset(name for name, privileges in allowed.items() if "insert" in privileges),
        updates=frozenset(name for name, privileges in allowed.items() if "update" in privileges),
        deletes=any(grant.privilege in {"DELETE", *_ALL} for grant in covering),
        alters=any(grant.privilege in (_ALTERING - {"DELETE"}) | _ALL for grant in covering),
        behind=await bases(ask, relation),
        could=Reach(
            updates=_columns(covering, {"UPDATE", *_ALL}, allowed),
            inserts=_columns(covering, {"INSERT", *_ALL}, allowed),
            deletes=any(grant.privilege in {"DELETE", *_ALL} for grant in covering),
            alters=any(grant.privilege in (_ALTERING - {"DELETE"}) | _ALL for grant in covering),
        ),
    )


def _columns(covering: Iterable[Grant], privileges: Collection[str], every: Iterable[str]) -> frozenset[str]:
    """Return the columns to which grants reach, of roles that are not in use as well."""
    limits = [grant.columns for grant in covering if grant.privilege in privileges]
    return frozenset(name for columns in limits for name in (every if columns is None else columns))


async def _receipts(ask: Ask, receipts: Relation, held: Collection[Grant]) -> ReceiptsTable | None:
    rows = await ask(
        "SELECT t.table_schema, t.table_name, t.engine, c.column_name, c.data_type, c.character_maximum_length, c.column_key"
        " FROM information_schema.tables t JOIN information_schema.columns c USING (table_schema, table_name)"
        " WHERE t.table_schema = %(p1)s AND t.table_name = %(p2)s AND t.engine IS NOT NULL",
        receipts.schema,
        receipts.name,
    )
    seen = [[text_of(cell) for cell in row] for row in rows]
    columns = {str(row[3]): row for row in seen if (row[0], row[1]) == (receipts.schema, receipts.name)}
    if not columns:
        return None
    return ReceiptsTable(
        columns=frozenset(columns),
        digests=frozenset(name for name, row in columns.items() if (row[4], str(row[5])) == _DIGEST),
        unique=(frozenset(name for name, row in columns.items() if row[6] == "PRI"),),
        transactional=all((row[2] or "").upper() == "INNODB" for row in columns.values()),
        checks=await _checks(ask, receipts),
        through=tuple([name async for name in _through(ask, receipts, held)]),
    )


async def _through(ask: Ask, receipts: Relation, held: Collection[Grant]) -> AsyncIterator[str]:
    """Yield the views that it may change and that lead to the receipts, or of which it is not shown where they lead."""
    spoiling = [grant for grant in held if grant.privilege in _SPOILING]
    for schema, name in await ask("SELECT table_schema, table_name FROM information_schema.views ORDER BY 1, 2"):
        view = Relation(schema=text_of(schema) or "", name=text_of(name) or "")
        if any(grant.covers(view) for grant in spoiling):
            definition, _ = await definition_of(ask, view)
            if not definition or receipts in await bases(ask, view):
                yield str(view)


async def _checks(ask: Ask, relation: Relation) -> dict[str, str]:
    """Return what the rows of a table are held to, in the server's own words: its list of checks MariaDB shows to the owner alone."""
    named = trees.text_of(trees.table(relation, alias=None), "mysql")
    try:
        rows = await ask(f"SHOW CREATE TABLE {named}")
    except SourceFailure as failed:
        if failed.kind in _NO_ANSWER:
            raise
        return {}
    return {"as it was made": text_of(rows[0][1]) or ""} if rows else {}


async def _encrypted(ask: Ask) -> bool:
    rows = await ask("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    return bool(rows and text_of(rows[0][1]))


async def _settings(ask: Ask) -> tuple[dict[str, tuple[str, str]], bool, bool]:
    """Return the settings under which a crash may lose a commit, whether the server refuses writes, and whether it logs statements.

    A log of statements cannot repeat what a READ COMMITTED transaction does, so that the server refuses its changes.
    """
    question = (
        "SELECT @@global.innodb_flush_log_at_trx_commit, @@global.log_bin, @@global.sync_binlog, @@global.read_only,"
        " @@session.binlog_format"
    )
    flush, log, sync, read_only, form = (text_of(cell) or "" for cell in (await ask(question))[0])
    asked = {"innodb_flush_log_at_trx_commit": flush, "sync_binlog": sync if log == "1" else "1"}
    lossy = {name: (value, "1") for name, value in asked.items() if value != "1"}
    return lossy, read_only != "0", log == "1" and form == "STATEMENT"
