"""The statements that the compiler writes, letter by letter: what reaches a database is reviewed here."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.contract.changes import Operation
from synapsor.contract.conditions import Operator
from synapsor.core.plan import Column, Condition, Join, ReadPlan, ReadShape, Relation, WritePlan, WriteShape
from synapsor.core.writeback import SourceReceipt
from synapsor.sql.read import compile_read
from synapsor.sql.receipts import insert_receipt, receipts_ddl, select_receipt
from synapsor.sql.statement import Dialect
from synapsor.sql.trees import cast_to, identifier, placeholder
from synapsor.sql.write import compile_write
from synapsor.values import ColumnType, ValueUnfit

DIALECTS: tuple[Dialect, ...] = ("postgres", "mysql", "sqlite")
ID = Column("id", ColumnType.TEXT, "text")
TENANT = Column("tenant_id", ColumnType.TEXT, "text")
FEE = Column("fee", ColumnType.INTEGER, "bigint")
NOTE = Column("note", ColumnType.TEXT)
STATUS = Column("status", ColumnType.TEXT, "billing.invoice_status")
RELATION = Relation(schema="billing", name="invoices")
RECEIPTS = Relation(schema="billing", name="synapsor_receipts")

ONE = ReadShape(
    relation=RELATION, columns=(ID, FEE, TENANT), tenant=TENANT, where=(Condition(ID),), rows=1, bytes=1024, single=True
)
LIST = ReadShape(
    relation=RELATION,
    columns=(ID, FEE),
    tenant=TENANT,
    where=(Condition(STATUS), Condition(NOTE, Operator.NO_VALUE, 0)),
    order=((FEE, True), (ID, False)),
    rows=50,
    bytes=2048,
    single=False,
)
LOCK = dataclasses.replace(ONE, lock=True)
WRITE = WriteShape(relation=RELATION, scope=(TENANT,), key=(ID,), guards=(FEE, NOTE), sets=(FEE,))
RECEIPT = SourceReceipt(
    key=b"k" * 32,
    digest=b"d" * 32,
    proposal="prop_1",
    tenant="acme",
    outcome="applied",
    ledger_head=b"h" * 32,
    worker="w1",
)

SINGLE_TEXT = {
    "postgres": 'SELECT CASE WHEN OCTET_LENGTH(CAST("r"."id" AS text)) <= 1024 THEN CAST("r"."id" AS text) END,'
    ' CAST("r"."fee" AS text),'
    ' CASE WHEN OCTET_LENGTH(CAST("r"."tenant_id" AS text)) <= 1024 THEN CAST("r"."tenant_id" AS text) END,'
    ' 20 + COALESCE(OCTET_LENGTH(CAST("r"."id" AS text)), 0)'
    ' + COALESCE(OCTET_LENGTH(CAST("r"."tenant_id" AS text)), 0) > 1024 AS oversize,'
    " CAST(PG_CURRENT_SNAPSHOT() AS text) AS position"
    ' FROM "billing"."invoices" AS "r"'
    ' WHERE "r"."tenant_id" = CAST(CAST($1 AS text) AS text)'
    ' AND CAST("r"."tenant_id" AS text) COLLATE "C" = CAST($1 AS text)'
    ' AND "r"."id" = CAST(CAST($2 AS text) AS text)'
    ' AND CAST("r"."id" AS text) COLLATE "C" = CAST($2 AS text) LIMIT 2',
    "mysql": "SELECT CASE WHEN OCTET_LENGTH(CAST(`r`.`id` AS CHAR CHARACTER SET utf8mb4)) <= 1024"
    " THEN CAST(`r`.`id` AS CHAR CHARACTER SET utf8mb4) END, `r`.`fee` + 0,"
    " CASE WHEN OCTET_LENGTH(CAST(`r`.`tenant_id` AS CHAR CHARACTER SET utf8mb4)) <= 1024"
    " THEN CAST(`r`.`tenant_id` AS CHAR CHARACTER SET utf8mb4) END,"
    " 20 + COALESCE(OCTET_LENGTH(CAST(`r`.`id` AS CHAR CHARACTER SET utf8mb4)), 0)"
    " + COALESCE(OCTET_LENGTH(CAST(`r`.`tenant_id` AS CHAR CHARACTER SET utf8mb4)), 0) > 1024 AS oversize"
    " FROM `billing`.`invoices` AS `r`"
    " WHERE `r`.`tenant_id` = %(p1)s"
    " AND CAST(CAST(`r`.`tenant_id` AS CHAR CHARACTER SET utf8mb4) AS BINARY) = CAST(%(p1)s AS BINARY)"
    " AND `r`.`id` = %(p2)s"
    " AND CAST(CAST(`r`.`id` AS CHAR CHARACTER SET utf8mb4) AS BINARY) = CAST(%(p2)s AS BINARY) LIMIT 2",
    "sqlite": 'SELECT CASE WHEN LENGTH(CAST("r"."id" AS blob)) <= 1024 THEN "r"."id" END,'
    ' CASE WHEN LENGTH(CAST("r"."fee" AS blob)) <= 1024 THEN "r"."fee" END,'
    ' CASE WHEN LENGTH(CAST("r"."tenant_id" AS blob)) <= 1024 THEN "r"."tenant_id" END,'
    ' 0 + COALESCE(LENGTH(CAST("r"."id" AS blob)), 0) + COALESCE(LENGTH(CAST("r"."fee" AS blob)), 0)'
    ' + COALESCE(LENGTH(CAST("r"."tenant_id" AS blob)), 0) > 1024 AS oversize'
    ' FROM "billing"."invoices" AS "r"'
    ' WHERE "r"."tenant_id" = :p1 AND CAST("r"."tenant_id" AS blob) = CAST(:p1 AS blob)'
    ' AND "r"."id" = :p2 AND CAST("r"."id" AS blob) = CAST(:p2 AS blob) LIMIT 2',
}
LIST_TEXT = {
    "postgres": 'SELECT CASE WHEN "u"."total" <= 2048 THEN CAST("u"."c0" AS text) END, CAST("u"."c1" AS text),'
    ' "u"."total" > 2048 AS oversize, CAST(PG_CURRENT_SNAPSHOT() AS text) AS position'
    ' FROM (SELECT "t"."c0", "t"."c1", SUM("t"."size") OVER (ORDER BY "t"."c1" DESC, "t"."c0" ASC'
    ' ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS "total"'
    ' FROM (SELECT "r"."id" AS "c0", "r"."fee" AS "c1",'
    ' 20 + COALESCE(OCTET_LENGTH(CAST("r"."id" AS text)), 0) AS "size"'
    ' FROM "billing"."invoices" AS "r"'
    ' WHERE "r"."tenant_id" = CAST(CAST($1 AS text) AS text)'
    ' AND CAST("r"."tenant_id" AS text) COLLATE "C" = CAST($1 AS text)'
    ' AND "r"."status" = CAST(CAST($2 AS text) AS billing.invoice_status)'
    ' AND CAST("r"."status" AS text) COLLATE "C" = CAST($2 AS text)'
    ' AND "r"."note" IS NULL ORDER BY "r"."fee" DESC, "r"."id" ASC LIMIT 51) AS t) AS u'
    ' ORDER BY "u"."c1" DESC, "u"."c0" ASC',
    "mysql": "SELECT CASE WHEN `u`.`total` <= 2048 THEN CAST(`u`.`c0` AS CHAR CHARACTER SET utf8mb4) END,"
    " `u`.`c1` + 0, `u`.`total` > 2048 AS oversize"
    " FROM (SELECT `t`.`c0`, `t`.`c1`, SUM(`t`.`size`) OVER (ORDER BY `t`.`c1` DESC, `t`.`c0` ASC"
    " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS `total`"
    " FROM (SELECT `r`.`id` AS `c0`, `r`.`fee` AS `c1`,"
    " 20 + COALESCE(OCTET_LENGTH(CAST(`r`.`id` AS CHAR CHARACTER SET utf8mb4)), 0) AS `size`"
    " FROM `billing`.`invoices` AS `r`"
    " WHERE `r`.`tenant_id` = %(p1)s"
    " AND CAST(CAST(`r`.`tenant_id` AS CHAR CHARACTER SET utf8mb4) AS BINARY) = CAST(%(p1)s AS BINARY)"
    " AND `r`.`status` = %(p2)s"
    " AND CAST(CAST(`r`.`status` AS CHAR CHARACTER SET utf8mb4) AS BINARY) = CAST(%(p2)s AS BINARY)"
    " AND `r`.`note` IS NULL ORDER BY `r`.`fee` DESC, `r`.`id` ASC LIMIT 51) AS t) AS u"
    " ORDER BY `u`.`c1` DESC, `u`.`c0` ASC",
    "sqlite": 'SELECT CASE WHEN "u"."total" <= 2048 THEN "u"."c0" END, CASE WHEN "u"."total" <= 2048 THEN "u"."c1" END,'
    ' "u"."total" > 2048 AS oversize'
    ' FROM (SELECT "t"."c0", "t"."c1", SUM("t"."size") OVER (ORDER BY "t"."c1" DESC, "t"."c0" ASC'
    ' ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS "total"'
    ' FROM (SELECT "r"."id" AS "c0", "r"."fee" AS "c1",'
    ' 0 + COALESCE(LENGTH(CAST("r"."id" AS blob)), 0) + COALESCE(LENGTH(CAST("r"."fee" AS blob)), 0) AS "size"'
    ' FROM "billing"."invoices" AS "r"'
    ' WHERE "r"."tenant_id" = :p1 AND CAST("r"."tenant_id" AS blob) = CAST(:p1 AS blob)'
    ' AND "r"."status" = :p2 AND CAST("r"."status" AS blob) = CAST(:p2 AS blob)'
    ' AND "r"."note" IS NULL ORDER BY "r"."fee" DESC, "r"."id" ASC LIMIT 51) AS t) AS u'
    ' ORDER BY "u"."c1" DESC, "u"."c0" ASC',
}
WRITE_TEXT = {
    "postgres": 'UPDATE "billing"."invoices" AS "r" SET "fee" = CAST(CAST($1 AS text) AS bigint)'
    ' WHERE "r"."tenant_id" = CAST(CAST($2 AS text) AS text)'
    ' AND CAST("r"."tenant_id" AS text) COLLATE "C" = CAST($2 AS text)'
    ' AND "r"."id" = CAST(CAST($3 AS text) AS text) AND CAST("r"."id" AS text) COLLATE "C" = CAST($3 AS text)'
    ' AND CAST("r"."fee" AS text) COLLATE "C" IS NOT DISTINCT FROM CAST($4 AS text)'
    ' AND CAST("r"."note" AS text) COLLATE "C" IS NOT DISTINCT FROM CAST($5 AS text)',
    "mysql": "UPDATE `billing`.`invoices` AS `r` SET `fee` = %(p1)s"
    " WHERE `r`.`tenant_id` = %(p2)s"
    " AND CAST(CAST(`r`.`tenant_id` AS CHAR CHARACTER SET utf8mb4) AS BINARY) = CAST(%(p2)s AS BINARY)"
    " AND `r`.`id` = %(p3)s"
    " AND CAST(CAST(`r`.`id` AS CHAR CHARACTER SET utf8mb4) AS BINARY) = CAST(%(p3)s AS BINARY)"
    " AND `r`.`fee` <=> %(p4)s"
    " AND CAST(CAST(`r`.`note` AS CHAR CHARACTER SET utf8mb4) AS BINARY) <=> CAST(%(p5)s AS BINARY)",
    "sqlite": 'UPDATE "billing"."invoices" AS "r" SET "fee" = :p1'
    ' WHERE "r"."tenant_id" = :p2 AND CAST("r"."tenant_id" AS blob) = CAST(:p2 AS blob)'
    ' AND "r"."id" = :p3 AND CAST("r"."id" AS blob) = CAST(:p3 AS blob)'
    ' AND "r"."fee" IS :p4 AND CAST("r"."note" AS blob) IS CAST(:p5 AS blob)',
}


def _linked() -> ReadShape:
    def column(name: str, of: str, *via: str) -> Column:
        return Column(name, ColumnType.TEXT, "text", of, via)

    first = Join(
        relation=Relation(schema="billing", name="orders"),
        path="order",
        alias="l1",
        on=(
            (
                Column("order_no", ColumnType.INTEGER, "bigint"),
                Column("no", ColumnType.INTEGER, "bigint", "l1", ("order",)),
            ),
        ),
        tenant=column("tenant_id", "l1", "order"),
    )
    way = ("order", "buyer")
    second = Join(
        relation=Relation(schema="billing", name="buyers"),
        path="order.buyer",
        alias="l2",
        on=((column("buyer_id", "l1", "order"), column("id", "l2", *way)),),
        tenant=column("tenant_id", "l2", *way),
        where=(Condition(column("tier", "l2", *way)),),
    )
    return dataclasses.replace(
        ONE,
        columns=(ID, TENANT, column("name", "l2", *way), *(c for j in (first, second) for c in (j.presence, *j.scope))),
        joins=(first, second),
    )


LINKED = _linked()
LINKED_PLAN = ReadPlan(shape=LINKED, scope=("acme",), values=("INV-1",), joined=("acme", "acme", "gold"), time_ms=1)
LINKED_TEXT = {
    "postgres": '"billing"."invoices" AS "r"'
    ' LEFT JOIN "billing"."orders" AS "l1" ON "l1"."no" = "r"."order_no"'
    ' AND "l1"."tenant_id" = CAST(CAST($3 AS text) AS text) AND CAST("l1"."tenant_id" AS text) COLLATE "C" = CAST($3 AS text)'
    ' LEFT JOIN "billing"."buyers" AS "l2" ON "l2"."id" = "l1"."buyer_id"'
    ' AND CAST("l2"."id" AS text) COLLATE "C" = CAST("l1"."buyer_id" AS text) COLLATE "C"'
    ' AND "l2"."tenant_id" = CAST(CAST($4 AS text) AS text) AND CAST("l2"."tenant_id" AS text) COLLATE "C" = CAST($4 AS text)'
    ' AND "l2"."tier" = CAST(CAST($5 AS text) AS text) AND CAST("l2"."tier" AS text) COLLATE "C" = CAST($5 AS text)'
    + SINGLE_TEXT["postgres"][SINGLE_TEXT["postgres"].index(" WHERE ") :],
    "mysql": "`billing`.`invoices` AS `r`"
    " LEFT JOIN `billing`.`orders` AS `l1` ON `l1`.`no` = `r`.`order_no`"
    " AND `l1`.`tenant_id` = %(p3)s AND CAST(CAST(`l1`.`tenant_id` AS CHAR CHARACTER SET utf8mb4) AS BINARY) = CAST(%(p3)s AS BINARY)"
    " LEFT JOIN `billing`.`buyers` AS `l2` ON `l2`.`id` = `l1`.`buyer_id`"
    " AND CAST(CAST(`l2`.`id` AS CHAR CHARACTER SET utf8mb4) AS BINARY) = CAST(CAST(`l1`.`buyer_id` AS CHAR CHARACTER SET utf8mb4) AS BINARY)"
    " AND `l2`.`tenant_id` = %(p4)s AND CAST(CAST(`l2`.`tenant_id` AS CHAR CHARACTER SET utf8mb4) AS BINARY) = CAST(%(p4)s AS BINARY)"
    " AND `l2`.`tier` = %(p5)s AND CAST(CAST(`l2`.`tier` AS CHAR CHARACTER SET utf8mb4) AS BINARY) = CAST(%(p5)s AS BINARY)"
    + SINGLE_TEXT["mysql"][SINGLE_TEXT["mysql"].index(" WHERE ") :],
    "sqlite": '"billing"."invoices" AS "r"'
    ' LEFT JOIN "billing"."orders" AS "l1" ON "l1"."no" = "r"."order_no"'
    ' AND "l1"."tenant_id" = :p3 AND CAST("l1"."tenant_id" AS blob) = CAST(:p3 AS blob)'
    ' LEFT JOIN "billing"."buyers" AS "l2" ON "l2"."id" = "l1"."buyer_id"'
    ' AND CAST("l2"."id" AS blob) = CAST("l1"."buyer_id" AS blob)'
    ' AND "l2"."tenant_id" = :p4 AND CAST("l2"."tenant_id" AS blob) = CAST(:p4 AS blob)'
    ' AND "l2"."tier" = :p5 AND CAST("l2"."tier" AS blob) = CAST(:p5 AS blob)'
    + SINGLE_TEXT["sqlite"][SINGLE_TEXT["sqlite"].index(" WHERE ") :],
}
INSERT_TEXT = {
    "postgres": 'INSERT INTO "billing"."synapsor_receipts" ("receipt_key", "proposal_digest", "proposal_id", "tenant",'
    ' "outcome", "ledger_head", "worker") VALUES (CAST($1 AS bytea), CAST($2 AS bytea), CAST($3 AS text),'
    " CAST($4 AS text), CAST($5 AS text), CAST($6 AS bytea), CAST($7 AS text))",
    "mysql": "INSERT INTO `billing`.`synapsor_receipts` (`receipt_key`, `proposal_digest`, `proposal_id`, `tenant`,"
    " `outcome`, `ledger_head`, `worker`) VALUES (%(p1)s, %(p2)s, %(p3)s, %(p4)s, %(p5)s, %(p6)s, %(p7)s)",
    "sqlite": 'INSERT INTO "billing"."synapsor_receipts" ("receipt_key", "proposal_digest", "proposal_id", "tenant",'
    ' "outcome", "ledger_head", "worker") VALUES (:p1, :p2, :p3, :p4, :p5, :p6, :p7)',
}
SELECT_TEXT = {
    "postgres": 'SELECT "r"."proposal_digest", CAST("r"."outcome" AS text) FROM "billing"."synapsor_receipts" AS "r"'
    ' WHERE "r"."receipt_key" = CAST($1 AS bytea)',
    "mysql": "SELECT `r`.`proposal_digest`, CAST(`r`.`outcome` AS CHAR CHARACTER SET utf8mb4)"
    " FROM `billing`.`synapsor_receipts` AS `r` WHERE `r`.`receipt_key` = %(p1)s",
    "sqlite": 'SELECT "r"."proposal_digest", "r"."outcome" FROM "billing"."synapsor_receipts" AS "r"'
    ' WHERE "r"."receipt_key" = :p1',
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.requirement("sql:reviewed-text")
def test_a_single_read_lets_no_large_cell_out_and_fetches_one_row_more(dialect: Dialect) -> None:
    assert compile_read(ONE, dialect).text == SINGLE_TEXT[dialect]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_list_is_limited_first_and_then_cut_by_its_running_bytes(dialect: Dialect) -> None:
    assert compile_read(LIST, dialect).text == LIST_TEXT[dialect]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.requirement("sql:reviewed-text")
def test_a_related_row_is_joined_under_its_own_tenant_and_filters(dialect: Dialect) -> None:
    text = compile_read(LINKED, dialect).text
    assert text.partition(" FROM ")[2] == LINKED_TEXT[dialect]
    assert compile_read(LINKED, dialect).bind(LINKED_PLAN).params == ("acme", "INV-1", "acme", "acme", "gold")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_second_row_is_looked_for_only_where_none_is_proven_to_be_impossible(dialect: Dialect) -> None:
    unproven = dataclasses.replace(LINKED, joins=(LINKED.joins[0], dataclasses.replace(LINKED.joins[1], proven=False)))
    assert "doubled" not in compile_read(LINKED, dialect).text
    text = compile_read(unproven, dialect).text
    assert text.count("COUNT(*)") == 1
    quote = "`" if dialect == "mysql" else '"'
    counted = text.partition("COUNT(*)")[2].partition(" AS doubled")[0]
    assert f"AS {quote}d{quote} WHERE {quote}d{quote}.{quote}id{quote} = {quote}l1{quote}" in counted
    for name in ("tenant_id", "tier"):
        assert f"{quote}d{quote}.{quote}{name}{quote} = " in counted
    listed = dataclasses.replace(unproven, single=False, order=((ID, False),), total=True)
    assert compile_read(listed, dialect).text.count("COUNT(*)") == 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_rows_are_counted_without_what_is_not_asked_for(dialect: Dialect) -> None:
    listed = dataclasses.replace(LINKED, single=False, order=((ID, False),), total=True)
    counted = compile_read(listed, dialect).text.partition("COUNT(*)")[2].partition(" AS every")[0]
    assert "JOIN" not in counted
    tier = dataclasses.replace(listed, where=(Condition(ID), Condition(LINKED.joins[1].where[0].column)))
    assert compile_read(tier, dialect).text.partition("COUNT(*)")[2].partition(" AS every")[0].count("JOIN") == 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_lock_reads_the_bare_row(dialect: Dialect) -> None:
    text = compile_read(LOCK, dialect).text
    where = SINGLE_TEXT[dialect].partition(" FROM ")[2]
    assert text.partition(" FROM ")[2] == where + ("" if dialect == "sqlite" else " FOR UPDATE")
    assert "oversize" in text
    assert "position" not in text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_update_names_key_tenant_and_every_guard(dialect: Dialect) -> None:
    assert compile_write(WRITE, dialect).text == WRITE_TEXT[dialect]


_HELD = {
    "postgres": 'CAST("r"."note" AS text) COLLATE "C" IS NOT DISTINCT FROM CAST($4 AS text)',
    "mysql": "CAST(CAST(`r`.`note` AS CHAR CHARACTER SET utf8mb4) AS BINARY) <=> CAST(%(p4)s AS BINARY)",
    "sqlite": 'CAST("r"."note" AS blob) IS CAST(:p4 AS blob)',
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_delete_names_key_tenant_and_every_guard(dialect: Dialect) -> None:
    shape = dataclasses.replace(WRITE, operation=Operation.DELETE, guards=(FEE, NOTE), sets=())
    text, update = compile_write(shape, dialect).text, compile_write(WRITE_NOTE, dialect).text
    head = {
        "postgres": 'DELETE FROM "billing"."invoices" AS "r" WHERE ',
        "mysql": "DELETE `r` FROM `billing`.`invoices` AS `r` WHERE ",
        "sqlite": 'DELETE FROM "billing"."invoices" AS "r" WHERE ',
    }[dialect]
    assert text.startswith(head)
    assert text.count(" AND ") >= update.count(" AND ")
    plan = WritePlan(shape=shape, scope=("acme",), key=("INV-1",), guards=("5500", None), sets=())
    fee = "5500" if dialect == "postgres" else 5500
    assert compile_write(shape, dialect).bind(plan).params == ("acme", "INV-1", fee, None)
    assert text.endswith(_HELD[dialect])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_insert_fills_what_is_set_and_the_scope_and_compares_nothing(dialect: Dialect) -> None:
    shape = dataclasses.replace(WRITE, operation=Operation.INSERT, key=(), guards=(), sets=(ID, NOTE))
    text = compile_write(shape, dialect).text
    assert (
        text
        == {
            "postgres": (
                'INSERT INTO "billing"."invoices" ("id", "note", "tenant_id")'
                " VALUES (CAST(CAST($1 AS text) AS text), CAST(CAST($2 AS text) AS text), CAST(CAST($3 AS text) AS text))"
            ),
            "mysql": "INSERT INTO `billing`.`invoices` (`id`, `note`, `tenant_id`) VALUES (%(p1)s, %(p2)s, %(p3)s)",
            "sqlite": 'INSERT INTO "billing"."invoices" ("id", "note", "tenant_id") VALUES (:p1, :p2, :p3)',
        }[dialect]
    )
    plan = WritePlan(shape=shape, scope=("acme",), key=(), guards=(), sets=("n1", "x"))
    assert compile_write(shape, dialect).bind(plan).params == ("n1", "x", "acme")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_receipt_is_inserted_and_found_by_its_key(dialect: Dialect) -> None:
    insert, select = insert_receipt(RECEIPTS, dialect, RECEIPT), select_receipt(RECEIPTS, dialect, RECEIPT.key)
    assert insert.text == INSERT_TEXT[dialect]
    assert insert.params == (b"k" * 32, b"d" * 32, "prop_1", "acme", "applied", b"h" * 32, "w1")
    assert (select.text, select.params) == (SELECT_TEXT[dialect], (b"k" * 32,))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_parameters_stand_in_the_order_of_their_numbers(dialect: Dialect) -> None:
    read = compile_read(LIST, dialect).bind(ReadPlan(shape=LIST, scope=("acme",), values=("overdue",), time_ms=1))
    assert read.params == ("acme", "overdue")
    plan = WritePlan(shape=WRITE, scope=("acme",), key=("INV-1",), guards=("5500", None), sets=("0",))
    numbers = ("0", "5500") if dialect == "postgres" else (0, 5500)
    assert compile_write(WRITE, dialect).bind(plan).params == (numbers[0], "acme", "INV-1", numbers[1], None)


@pytest.mark.requirement("sql:values-bound")
@given(tenant=st.text(min_size=1), key=st.text(min_size=1), value=st.text())
@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_value_of_a_call_is_ever_in_a_text(dialect: Dialect, tenant: str, key: str, value: str) -> None:
    before = compile_read(ONE, dialect).text, compile_write(WRITE_NOTE, dialect).text
    read = compile_read(ONE, dialect).bind(ReadPlan(shape=ONE, scope=(tenant,), values=(key,), time_ms=1))
    plan = WritePlan(shape=WRITE_NOTE, scope=(tenant,), key=(key,), guards=(value,), sets=(value,))
    write = compile_write(WRITE_NOTE, dialect).bind(plan)
    assert (read.text, write.text) == before
    assert read.params == (tenant, key)
    assert write.params == (value, tenant, key, value)


WRITE_NOTE = WriteShape(relation=RELATION, scope=(TENANT,), key=(ID,), guards=(NOTE,), sets=(NOTE,))


@pytest.mark.parametrize("name", ['a"b', "a`b", "a%b", "a b", "", "1a", "a\n", "á", "a" * 64, "a.b", "%(p1)s"])
@pytest.mark.requirement("sql:plain-identifiers")
def test_a_name_that_could_leave_its_quotes_is_refused(name: str) -> None:
    with pytest.raises(ValueUnfit):
        identifier(name)


@pytest.mark.parametrize("name", ["text); DROP TABLE x", "varchar(3)", "text--", "", "a b.c d.e", 'x"', "text;"])
def test_a_type_that_is_more_than_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValueUnfit):
        cast_to(placeholder(1, "postgres"), name)


@pytest.mark.parametrize("dialect", ["mysql", "sqlite"])
def test_a_type_that_the_engine_does_not_have_is_refused(dialect: Dialect) -> None:
    shape = dataclasses.replace(ONE, columns=(ID, TENANT, Column("tags", ColumnType.ARRAY)))
    with pytest.raises(ValueUnfit):
        compile_read(shape, dialect)


@pytest.mark.parametrize(
    ("flags", "rows", "single", "kept", "cut_by"),
    [
        ([], 2, False, 0, None),
        ([0, 0], 2, False, 2, None),
        ([0, 0, 0], 2, False, 2, "rows"),
        ([0, 0, 1], 2, False, 2, "rows"),
        ([0, 1, 1], 2, False, 1, "bytes"),
        ([1], 2, False, 0, "bytes"),
        ([0], 1, True, 1, None),
        ([1], 1, True, 0, "bytes"),
        ([0, 0], 1, True, 2, None),
        ([0, 1], 1, True, 1, "bytes"),
    ],
)
def test_what_was_cut_and_by_which_limit_is_told(
    flags: list[int], rows: int, single: bool, kept: int, cut_by: str | None
) -> None:
    shape = dataclasses.replace(ONE, columns=(ID,), rows=rows, single=single)
    raw = [(None if flag else f"INV-{n}", flag) for n, flag in enumerate(flags)]
    seen = compile_read(shape, "sqlite").seen(ReadPlan(shape=shape, scope=("acme",), values=("x",), time_ms=1), raw)
    assert (len(seen.rows), seen.cut_by) == (kept, cut_by)
    assert None not in [row[0] for row in seen.rows]


def test_the_position_is_the_snapshot_where_the_engine_names_one() -> None:
    shape = dataclasses.replace(ONE, columns=(ID,))
    plan = ReadPlan(shape=shape, scope=("acme",), values=("x",), time_ms=1)
    assert compile_read(shape, "postgres").seen(plan, [("x", False, "7:7:")]).position == "7:7:"
    assert compile_read(shape, "postgres").seen(plan, []).position is None
    assert compile_read(shape, "sqlite").seen(plan, [("x", 0)]).position is None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_owner_s_script_grants_the_worker_no_more_than_adding_and_looking(dialect: Dialect) -> None:
    script = receipts_ddl(RECEIPTS, dialect, worker="synapsor_writer")
    grants = [line for line in script.splitlines() if line.startswith("GRANT")]
    expected = {
        "postgres": [
            'GRANT USAGE ON SCHEMA "billing" TO "synapsor_writer";',
            'GRANT SELECT, INSERT ON "billing"."synapsor_receipts" TO "synapsor_writer";',
        ],
        "mysql": ["GRANT SELECT, INSERT ON `billing`.`synapsor_receipts` TO `synapsor_writer`@'%';"],
        "sqlite": [],
    }
    assert grants == expected[dialect]
    with pytest.raises(ValueUnfit):
        receipts_ddl(RECEIPTS, dialect, worker="x'; DROP")
    with pytest.raises(ValueUnfit):
        receipts_ddl(RECEIPTS, dialect, host="x'; DROP")
