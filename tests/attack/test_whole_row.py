"""A guard over the whole row: the smallest change of any column by anybody is a conflict, and an untouched row is not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from synapsor.values import ColumnType
from tests.attack.shop import Shop, open_shop
from tests.conformance.specimens import TYPES
from tests.databases import Database
from tests.sources import columns_of, open_reader, relation

pytestmark = pytest.mark.requirement("apply:stale-conflicts")

_POLICY = """\
synapsor: 1
contract: specimens
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  specimens:
    source: shop
    relation: billing.specimens
    key: id
    tenant: tenant_id
    version: whole_row
    columns:
%s
capabilities:
  specimens.propose_note:
    description: Ask for the note of one specimen to be replaced.
    propose: update specimens
    arguments: {specimen: {type: string, max_length: 64}, note: {type: string, max_length: 500}}
    where: {id: $specimen}
    set: {note: $note}
    returns: [id]
    approval: {role: billing_lead}
"""
_UNSEEN = {"row_version", "updated_at", "c_any"}
"""What the trigger moves, and what has no type of its own."""

NUDGES: Mapping[str, list[tuple[str, str, str]]] = {
    "postgres": [
        ("SP-1", "c_smallint", "8"),
        ("SP-1", "c_bigint", "9007199254740992"),
        ("SP-1", "c_numeric_12_2", "1250.51"),
        ("SP-1", "c_numeric", "12.34"),  # equal, but not the same
        ("SP-1", "c_real", "1.5000001"),
        ("SP-2", "c_real", "0"),  # it was -0
        ("SP-4", "c_double", "'-Infinity'"),
        ("SP-1", "c_double", "2.2500000000000004"),
        ("SP-1", "c_bool", "NULL"),
        ("SP-1", "c_text", "'plain text '"),
        ("SP-1", "c_varchar", "'Plain'"),
        ("SP-1", "c_char", "'ab c'"),
        ("SP-3", "c_bytea", "'\\x00FF27225C0B'"),
        ("SP-1", "c_json", '\'{"a":1, "b": [true, null]}\''),  # a space less
        ("SP-1", "c_jsonb", '\'{"a": 1.0, "b": [true, null]}\''),  # equal to jsonb
        ("SP-1", "c_int_array", "'{1,2}'"),
        ("SP-1", "c_int_array", "'[0:2]={1,2,3}'"),
        ("SP-2", "c_text_array", '\'{NULL,NULL,"a,b","q\\"q","","back\\\\slash"}\''),
        ("SP-1", "c_uuid", "'00112233-4455-6677-8899-aabbccddeefe'"),
        ("SP-2", "c_date", "'0044-03-15'"),
        ("SP-4", "c_time", "'00:00:00'"),  # it was 24:00
        ("SP-3", "c_timestamp", "'20000-01-01 00:00:00.000002'"),
        ("SP-3", "c_timestamptz", "'-infinity'"),
        ("SP-1", "c_timestamptz", "'2026-01-31 13:14:15.000001+00'"),
        ("SP-1", "c_interval", "'30 days'"),  # equal to one month
        ("SP-1", "c_enum", "'open'"),
        ("SP-1", "c_bit", "B'10100100'"),
    ],
    "mariadb": [
        ("SP-1", "c_tinyint", "8"),
        ("SP-1", "c_tinyint_unsigned", "8"),
        ("SP-1", "c_bigint", "9007199254740992"),
        ("SP-3", "c_bigint_unsigned", "18446744073709551614"),
        ("SP-1", "c_decimal_12_2", "1250.51"),
        ("SP-4", "c_decimal_30_10", "0.0000000002"),
        ("SP-4", "c_float", "0.10000001"),  # both are shown as 0.1
        ("SP-1", "c_double", "2.2500000000000004"),
        ("SP-1", "c_bool", "NULL"),
        ("SP-1", "c_bit1", "b'0'"),
        ("SP-1", "c_bit8", "b'10100100'"),
        ("SP-1", "c_varchar", "'Plain'"),  # equal in the column's collation
        ("SP-4", "c_varchar", "'trail  '"),  # so is this
        ("SP-3", "c_text", "'FIRST LINE'"),
        ("SP-1", "c_char", "'AB'"),
        ("SP-1", "c_mediumtext", "'plain text '"),
        ("SP-3", "c_blob", "x'00FF27225C0B'"),
        ("SP-1", "c_varbinary", "x'DEADBEEF00'"),
        ("SP-1", "c_binary", "x'DEADBE'"),
        ("SP-2", "c_json", '\'{"a":1.0,"a":2,"big":12345678901234567891}\''),
        ("SP-1", "c_enum", "'open'"),
        ("SP-1", "c_set", "'red'"),
        ("SP-1", "c_uuid", "'00112233-4455-6677-8899-aabbccddeefe'"),
        ("SP-2", "c_date", "NULL"),  # it was the zero date
        ("SP-4", "c_date", "'2024-01-01'"),
        ("SP-1", "c_time", "'13:14:16'"),
        ("SP-4", "c_time6", "'00:00:00.000001'"),  # it was minus that
        ("SP-2", "c_datetime", "'1000-01-01'"),
        ("SP-3", "c_datetime6", "'9999-12-31 23:59:59.999998'"),
        ("SP-1", "c_timestamp6", "'2026-01-31 13:14:15.123457'"),
        ("SP-4", "c_year", "2000"),  # it was 0000
    ],
    "sqlite": [
        ("SP-1", "c_integer", "9007199254740992"),
        ("SP-1", "c_real", "2.2500000000000004"),
        ("SP-4", "c_real", "9e999"),
        ("SP-1", "c_text", "'plain text '"),
        ("SP-1", "c_blob", "x'DEADBEEF00'"),
        ("SP-1", "c_numeric", "'1250.5'"),
        ("SP-1", "c_bool", "NULL"),
        ("SP-1", "c_json", '\'{"a":1, "b": [true, null]}\''),
        ("SP-1", "c_uuid", "'00112233-4455-6677-8899-aabbccddeefe'"),
        ("SP-1", "c_date", "'2026-01-30'"),
        ("SP-1", "c_time", "'13:14:15.0'"),
        ("SP-1", "c_timestamp", "'2026-01-31 13:14:15.123457'"),
        ("SP-1", "c_timestamptz", "'2026-01-31 13:14:15.123456+01'"),
    ],
}
"""A specimen, one of its columns, and a value that a careless comparison takes for what was there."""


async def policy_of(database: Database) -> str:
    """Return a contract over every typed column of the specimens."""
    source = open_reader(database)
    where = relation(database, "specimens")
    facts = await source.describe(where)
    assert facts is not None
    wanted = {n: ColumnType(t) for n, t in TYPES.items() if n in facts.columns and t in facts.columns[n].family}
    columns = await columns_of(source, where, **wanted)
    await source.aclose()
    return _POLICY % "\n".join(f"      {name}: {c.type.value}" for name, c in columns.items() if name not in _UNSEEN)


async def _outcome(shop: Shop, specimen: str, note: str, behind: str = "") -> list[tuple[str, str]]:
    await shop.approved("specimens.propose_note", {"specimen": specimen, "note": note})
    if behind:
        shop.change(behind)
    return await shop.work()


async def test_a_row_of_any_values_is_applied_to_while_it_is_untouched(tmp_path: Path, database: Database) -> None:
    async with open_shop(tmp_path / "project", database, policy=await policy_of(database)) as shop:
        before = _rows(shop)
        for specimen in ("SP-1", "SP-2", "SP-3", "SP-4", "SP-5"):
            assert await _outcome(shop, specimen, "applied") == [("applied", "")], specimen
        assert _rows(shop) == before


async def test_the_smallest_change_of_any_column_behind_an_approval_is_a_conflict(
    tmp_path: Path, database: Database
) -> None:
    async with open_shop(tmp_path / "project", database, policy=await policy_of(database)) as shop:
        loose = "SET sql_mode = ''; " if database.engine == "mariadb" else ""
        for number, (specimen, column, value) in enumerate(NUDGES[database.engine]):
            nudge = f"{loose}UPDATE {_table(database)} SET {column} = {value} WHERE id = '{specimen}'"
            found = await _outcome(shop, specimen, f"note {number}", nudge.replace("{", "{{").replace("}", "}}"))
            assert found == [("conflict", "version_moved")], (specimen, column, value)
        notes = shop.rows("SELECT count(*) FROM {specimens} WHERE note LIKE 'note %'")
        assert notes == [(0,)]


def _table(database: Database) -> str:
    return "billing.specimens" if database.engine == "postgres" else "specimens"


def _rows(shop: Shop) -> list[tuple[str, ...]]:
    """Return every typed column of every specimen of acme as text."""
    lite = shop.database.engine == "sqlite"
    named, place = (
        ("name", "pragma_table_info('specimens')")
        if lite
        else ("column_name", "information_schema.columns WHERE table_name = 'specimens'")
    )
    columns = sorted({row[0] for row in shop.rows(f"SELECT {named} FROM {place}") if row[0].startswith("c_")})
    shown = [f"{name}::text" if shop.database.engine == "postgres" else f"hex({name})" for name in columns]
    return shop.rows(f"SELECT {', '.join(shown)} FROM {{specimens}} WHERE tenant_id = 'acme' ORDER BY id")
