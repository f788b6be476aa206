"""The statements of an aggregate, letter by letter, and what none of them may hold."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapsor.contract.conditions import Operator
from synapsor.contract.measures import TAKES, Function, Unit
from synapsor.core.aggregate import AggregatePlan, AggregateShape, GroupColumn, MeasureColumn
from synapsor.core.plan import Column, Condition, Relation
from synapsor.sql.aggregate import compile_aggregate
from synapsor.sql.statement import Dialect
from synapsor.values import ColumnType

DIALECTS: tuple[Dialect, ...] = ("postgres", "mysql", "sqlite")
STATUS, FEE = Column("status", ColumnType.TEXT), Column("fee", ColumnType.INTEGER)
NOTE, TENANT = Column("note", ColumnType.TEXT), Column("tenant_id", ColumnType.TEXT)
SHAPE = AggregateShape(
    relation=Relation(schema="billing", name="invoices"),
    groups=(GroupColumn(name="state", column=STATUS),),
    measures=(MeasureColumn(name="fees", function=Function.SUM, column=FEE),),
    tenant=TENANT,
    where=(Condition(NOTE, Operator.NO_VALUE, 0),),
    minimum=5,
    most=500,
    rows=50,
    bytes=2048,
)
TEXTS = {
    "postgres": (
        'SELECT CASE WHEN "u"."total" <= 2048 THEN "u"."k0" END, CASE WHEN "u"."total" <= 2048 THEN "u"."n0" END, CASE WHEN "u"."total" <= 2048 THEN "u"."n0_0" END, CASE WHEN "u"."total" <= 2048 THEN "u"."v0_0" END, CASE WHEN "u"."total" <= 2048 THEN "u"."l0" END, CASE WHEN "u"."total" <= 2048 THEN "u"."h0" END, CASE WHEN "u"."total" > 2048 THEN 1 ELSE 0 END AS oversize, CAST(PG_CURRENT_SNAPSHOT() AS text) AS position'
        ' FROM (SELECT "g"."k0", "g"."n0", "g"."n0_0", "g"."v0_0", "g"."l0", "g"."h0", SUM("g"."size") OVER () AS "total"'
        ' FROM (SELECT "k"."k0" AS "k0", COUNT("k"."one") AS "n0", COUNT("k"."m0") AS "n0_0", CAST(SUM("k"."m0") AS text) AS "v0_0", MIN("k"."w0") AS "l0", MAX("k"."w0") AS "h0", 40 + CASE WHEN MAX(COALESCE(OCTET_LENGTH("k"."k0"), 0)) > 1000 THEN 2049 ELSE MAX(COALESCE(OCTET_LENGTH("k"."k0"), 0)) END AS "size"'
        ' FROM (SELECT "b"."k0", "b"."m0", "b"."w0", "b"."one"'
        ' FROM (SELECT CAST("r"."status" AS text) COLLATE "C" AS "k0", "r"."fee" AS "m0", CAST("r"."tenant_id" AS text) COLLATE "C" AS "w0", 1 AS "one"'
        ' FROM "billing"."invoices" AS "r"'
        ' WHERE "r"."tenant_id" = CAST(CAST($1 AS text) AS text) AND CAST("r"."tenant_id" AS text) COLLATE "C" = CAST($1 AS text) AND "r"."note" IS NULL) AS b) AS k'
        ' GROUP BY "k"."k0" LIMIT 501) AS g) AS u'
    ),
    "mysql": (
        "SELECT CASE WHEN `u`.`total` <= 2048 THEN `u`.`k0` END, CASE WHEN `u`.`total` <= 2048 THEN `u`.`n0` END, CASE WHEN `u`.`total` <= 2048 THEN `u`.`n0_0` END, CASE WHEN `u`.`total` <= 2048 THEN `u`.`v0_0` END, CASE WHEN `u`.`total` <= 2048 THEN `u`.`l0` END, CASE WHEN `u`.`total` <= 2048 THEN `u`.`h0` END, CASE WHEN `u`.`total` > 2048 THEN 1 ELSE 0 END AS oversize"
        " FROM (SELECT `g`.`k0`, `g`.`n0`, `g`.`n0_0`, `g`.`v0_0`, `g`.`l0`, `g`.`h0`, SUM(`g`.`size`) OVER () AS `total`"
        " FROM (SELECT `k`.`k0` AS `k0`, COUNT(`k`.`one`) AS `n0`, COUNT(`k`.`m0`) AS `n0_0`, CAST(SUM(`k`.`m0`) AS CHAR) AS `v0_0`, MIN(`k`.`w0`) AS `l0`, MAX(`k`.`w0`) AS `h0`, 40 + CASE WHEN MAX(COALESCE(OCTET_LENGTH(`k`.`k0`), 0)) > 1000 THEN 2049 ELSE MAX(COALESCE(OCTET_LENGTH(`k`.`k0`), 0)) END AS `size`"
        " FROM (SELECT `b`.`k0`, `b`.`m0`, `b`.`w0`, `b`.`one`"
        " FROM (SELECT CAST(CAST(`r`.`status` AS CHAR CHARACTER SET utf8mb4) AS BINARY) AS `k0`, `r`.`fee` AS `m0`, CAST(CAST(`r`.`tenant_id` AS CHAR CHARACTER SET utf8mb4) AS BINARY) AS `w0`, 1 AS `one`"
        " FROM `billing`.`invoices` AS `r`"
        " WHERE `r`.`tenant_id` = %(p1)s AND CAST(CAST(`r`.`tenant_id` AS CHAR CHARACTER SET utf8mb4) AS BINARY) = CAST(%(p1)s AS BINARY) AND `r`.`note` IS NULL) AS b) AS k"
        " GROUP BY `k`.`k0` LIMIT 501) AS g) AS u"
    ),
    "sqlite": (
        'SELECT CASE WHEN "u"."total" <= 2048 THEN "u"."k0" END, CASE WHEN "u"."total" <= 2048 THEN "u"."n0" END, CASE WHEN "u"."total" <= 2048 THEN "u"."n0_0" END, CASE WHEN "u"."total" <= 2048 THEN "u"."v0_0" END, CASE WHEN "u"."total" <= 2048 THEN "u"."l0" END, CASE WHEN "u"."total" <= 2048 THEN "u"."h0" END, CASE WHEN "u"."total" > 2048 THEN 1 ELSE 0 END AS oversize'
        ' FROM (SELECT "g"."k0", "g"."n0", "g"."n0_0", "g"."v0_0", "g"."l0", "g"."h0", SUM("g"."size") OVER () AS "total"'
        ' FROM (SELECT "k"."k0" AS "k0", COUNT("k"."one") AS "n0", COUNT("k"."m0") AS "n0_0", SYNAPSOR_SUM("k"."m0") AS "v0_0", MIN("k"."w0" COLLATE "BINARY") AS "l0", MAX("k"."w0" COLLATE "BINARY") AS "h0", 40 + CASE WHEN MAX(COALESCE(LENGTH(CAST("k"."k0" AS blob)), 0)) > 1000 THEN 2049 ELSE MAX(COALESCE(LENGTH(CAST("k"."k0" AS blob)), 0)) END AS "size"'
        ' FROM (SELECT "b"."k0", "b"."m0", "b"."w0", "b"."one"'
        ' FROM (SELECT "r"."status" AS "k0", "r"."fee" AS "m0", "r"."tenant_id" AS "w0", 1 AS "one"'
        ' FROM "billing"."invoices" AS "r"'
        ' WHERE "r"."tenant_id" = :p1 AND CAST("r"."tenant_id" AS blob) = CAST(:p1 AS blob) AND "r"."note" IS NULL) AS b) AS k'
        ' GROUP BY "k"."k0" COLLATE "BINARY" LIMIT 501) AS g) AS u'
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_text_of_an_aggregate(dialect: Dialect) -> None:
    assert compile_aggregate(SHAPE, dialect).text == TEXTS[dialect]


@st.composite
def shapes(draw: st.DrawFn) -> AggregateShape:
    def column(kinds: frozenset[ColumnType]) -> Column:
        kind = draw(st.sampled_from(sorted(kinds)))
        return Column(f"c_{kind.value}", kind)

    groups = []
    for at in range(draw(st.integers(0, 3))):
        unit = draw(st.none() | st.sampled_from(list(Unit)))
        if unit is None:
            groups.append(GroupColumn(name=f"g{at}", column=STATUS))
        else:
            zone = draw(st.sampled_from(["Asia/Tokyo", "UTC"]))
            groups.append(
                GroupColumn(name=f"g{at}", column=column(frozenset({ColumnType.TIMESTAMPTZ})), unit=unit, zone=zone)
            )
    measures = [MeasureColumn(name="n", function=Function.COUNT)]
    for function in draw(st.lists(st.sampled_from(list(TAKES)), max_size=4)):
        measures.append(MeasureColumn(name=f"m{len(measures)}", function=function, column=column(TAKES[function])))
    day = Column("day", ColumnType.DATE)
    periods = ((Condition(day, Operator.ABOVE),), (Condition(day, Operator.AT_MOST),)) if draw(st.booleans()) else ()
    return AggregateShape(
        relation=Relation(schema="billing", name="invoices"),
        groups=tuple(groups),
        measures=tuple(measures),
        tenant=TENANT,
        principal=draw(st.none() | st.just(NOTE)),
        where=(Condition(STATUS, Operator.ONE_OF, 3),),
        periods=periods,
        minimum=5,
        most=50,
        rows=5,
        bytes=2048,
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=40)
@given(shapes())
def test_a_statement_holds_names_numbers_and_placeholders_and_binds_each_token_once(
    dialect: Dialect, shape: AggregateShape
) -> None:
    template = compile_aggregate(shape, dialect)
    assert "'" not in template.text
    assert ";" not in template.text
    scope = tuple(column.name for column in shape.scope)
    values = ("CANARY",) * (3 + 2 * (len(shape.periods) > 0))
    statement = template.bind(AggregatePlan(shape=shape, scope=scope, values=values, time_ms=1))
    assert "CANARY" not in statement.text
    placed = {int(number) for number in re.findall(r"(?:\$|:p|%\(p)([0-9]+)", statement.text)}
    assert placed == set(range(1, len(statement.params) + 1))
    # The rows are filtered in the innermost query, the tenant first, and nothing else is said of which rows there are.
    assert statement.text.count(" WHERE ") == 1
    quote = "`" if dialect == "mysql" else '"'
    assert statement.text.partition(" WHERE ")[2].startswith(f"{quote}r{quote}.{quote}tenant_id{quote} = ")
