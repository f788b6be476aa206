"""What the shop itself writes down of every change, and what else can be asked of it without believing Synapsor: receipts, canaries."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from synapsor.runtime import Project
from tests.chaos.filing import record_of
from tests.chaos.history import Asked, Effect, History, Left
from tests.databases import Database, execute, fetch, table
from tests.projects import ProjectFiles

_DID = ("update", "insert", "delete")
_NOTED = "what, invoice, tenant, old_mark, new_mark, at"
_NOW = {
    "postgres": """to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    "mariadb": "DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')",
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')",
}
_OLD, _NEW = "OLD.waiver_reason", "NEW.waiver_reason"
_SEEN = {
    "update": f"'update', NEW.id, NEW.tenant_id, {_OLD}, {_NEW}",
    "insert": f"'insert', NEW.id, NEW.tenant_id, NULL, {_NEW}",
    "delete": f"'delete', OLD.id, OLD.tenant_id, {_OLD}, NULL",
}


def _postgres() -> str:
    now = _NOW["postgres"]
    branches = "".join(
        f"IF TG_OP = '{did.upper()}' THEN INSERT INTO billing.effects ({_NOTED}) VALUES ({_SEEN[did]}, {now}); END IF;\n"
        for did in _DID
    )
    return f"""
CREATE TABLE billing.effects (seq bigserial PRIMARY KEY, what text, invoice text, tenant text, old_mark text, new_mark text,
  at text);
CREATE FUNCTION billing.note_effect() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
{branches}  RETURN NULL;
END $$;
""" + "".join(
        f"CREATE TRIGGER note_{did} AFTER {did} ON billing.invoices FOR EACH ROW EXECUTE FUNCTION billing.note_effect();\n"
        for did in _DID
    )


def _others(now: str, made: str, updated: str, end: str, begin: str = "") -> str:
    when = {"update": updated, "insert": "INSERT", "delete": "DELETE"}
    return made + "".join(
        f"CREATE TRIGGER note_{did} AFTER {when[did]} ON invoices FOR EACH ROW {begin}"
        f"INSERT INTO effects ({_NOTED}) SELECT {_SEEN[did]}, {now};{end}\n"
        for did in _DID
    )


_WATCH = {
    "postgres": _postgres(),
    "mariadb": _others(
        _NOW["mariadb"],
        "CREATE TABLE effects (seq bigint AUTO_INCREMENT PRIMARY KEY, what varchar(10), invoice varchar(64), tenant varchar(64),"
        " old_mark varchar(500), new_mark varchar(500), at varchar(30)) ENGINE=InnoDB;\n",
        "UPDATE",
        "",
    ),
    # The shop's own trigger counts the version in an update of its own, which is no second effect.
    "sqlite": _others(
        _NOW["sqlite"],
        "CREATE TABLE effects (seq INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, invoice TEXT, tenant TEXT, old_mark TEXT,"
        " new_mark TEXT, at TEXT) STRICT;\n",
        "UPDATE OF waiver_reason",
        " END;",
        "BEGIN ",
    ),
}
_UNWATCH = {
    "postgres": "DROP TABLE IF EXISTS billing.effects; DROP FUNCTION IF EXISTS billing.note_effect CASCADE",
    "mariadb": "".join(f"DROP TRIGGER IF EXISTS note_{did}; " for did in _DID) + "DROP TABLE IF EXISTS effects",
}


def watch(database: Database) -> None:
    """Let the shop write down every change of an invoice from now on."""
    execute(database, _WATCH[database.engine])


def unwatch(database: Database) -> None:
    """Let it forget what it wrote, and write no more."""
    if database.engine in _UNWATCH:
        execute(database, _UNWATCH[database.engine])


def effects(database: Database) -> list[Effect]:
    """Return every change, in order."""
    rows = fetch(database, f"SELECT seq, {_NOTED} FROM {table(database, 'effects')} ORDER BY seq")
    return [Effect(*row) for row in rows]


def left(database: Database) -> list[Left]:
    """Return the receipts that the source holds."""
    rows = fetch(
        database,
        f"SELECT receipt_key, proposal_digest, proposal_id, tenant, outcome FROM {table(database, 'synapsor_receipts')}",
    )
    return [Left(bytes(key), bytes(digest), *(str(cell) for cell in cells)) for key, digest, *cells in rows]


def canaries(root: Path, word: bytes = b"CANARY") -> list[str]:
    """Return the files of a project in which a value that nobody may keep is found."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return [path.name for path in files if word in path.read_bytes()]


async def gathered(files: ProjectFiles, project: Project, asked: dict[str, Asked]) -> History:
    """Return all that the checker is to judge, at the end of a test."""
    return History(
        effects=await asyncio.to_thread(effects, files.database),
        receipts=await asyncio.to_thread(left, files.database),
        records=[await record_of(project, proposal) for proposal in asked],
        operators=files.operators,
        asked=asked,
        verified=(await project.verify()).first_bad,
        canaries=await asyncio.to_thread(canaries, files.root),
        strangers=[one for one in await asyncio.to_thread(_handles, files.config.ledger) if one not in asked],
    )


def _handles(ledger: Path) -> list[str]:
    """Return the handles of all proposals that are on record."""
    with closing(sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True)) as reader:
        return [handle for (handle,) in reader.execute("SELECT id FROM proposal ORDER BY seq")]
