"""A view that is not safe is named and not served: filters that run too early, rights of somebody else, code that it runs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from synapsor.config import load_config
from synapsor.core.facts import Finding
from synapsor.errors import UnsafeSource
from synapsor.examine import examine
from synapsor.runtime import open_project
from synapsor.sources import mysql_views, postgres_views
from tests.databases import Database, execute, fetch, table
from tests.projects import ACME, activate_all, write_project

POLICY = """\
synapsor: 1
contract: viewed
contexts:
  support: {tenant: session.tenant_id, principal: session.user}
tables:
  viewed:
    source: shop
    relation: billing.viewed
    key: id
    tenant: tenant_id
    columns: {id: text, tenant_id: text, num: integer, secret: denied}
capabilities:
  viewed.inspect:
    description: Look at one row of the view.
    read: viewed
    arguments: {row_id: {type: string, max_length: 64}}
    where: {id: $row_id}
  viewed.by_number:
    description: Find the rows of the view that have a number.
    read: viewed
    arguments: {number: {type: integer}}
    where: {num: $number}
"""
_DROP = {
    "postgres": (
        "DROP VIEW IF EXISTS billing.viewed, billing.inner_view CASCADE; DROP FUNCTION IF EXISTS billing.sneak() CASCADE;"
        "ALTER TABLE billing.hostile_invoices DISABLE ROW LEVEL SECURITY; DROP TABLE IF EXISTS billing.numbers CASCADE;"
        "REVOKE SELECT (secret) ON billing.hostile_invoices FROM synapsor_reader;"
    ),
    "mariadb": (
        "DROP VIEW IF EXISTS viewed; DROP VIEW IF EXISTS inner_view; DROP FUNCTION IF EXISTS sneak; DROP TABLE IF EXISTS numbers;"
    ),
}
_SNEAK = {
    "postgres": (
        "CREATE FUNCTION billing.sneak() RETURNS integer LANGUAGE sql SECURITY DEFINER VOLATILE AS"
        " $$ UPDATE billing.hostile_invoices SET note = 'written' RETURNING 1 $$;"
    ),
    "mariadb": (
        "CREATE FUNCTION sneak() RETURNS int DETERMINISTIC MODIFIES SQL DATA"
        " BEGIN UPDATE hostile_invoices SET note = 'written'; RETURN 1; END;"
    ),
}
_NUMBERS = """\
CREATE TABLE {schema}numbers (id varchar(20) PRIMARY KEY, tenant_id varchar(20) NOT NULL, word varchar(20) NOT NULL);
INSERT INTO {schema}numbers VALUES ('N-1', 'acme', '5'), ('N-9', 'globex', 'CANARY');
"""
UNSAFE = {
    "postgres a filter that runs too early": "CREATE VIEW billing.viewed AS SELECT id, tenant_id, version AS num FROM billing.hostile_invoices;",
    "postgres policies that do not bind": (
        "ALTER TABLE billing.hostile_invoices ENABLE ROW LEVEL SECURITY;"
        "CREATE VIEW billing.viewed WITH (security_barrier) AS SELECT id, tenant_id, version AS num FROM billing.hostile_invoices;"
    ),
    "postgres policies that do not bind behind another view": (
        "ALTER TABLE billing.hostile_invoices ENABLE ROW LEVEL SECURITY;"
        "CREATE VIEW billing.inner_view AS SELECT id, tenant_id, version AS num FROM billing.hostile_invoices;"
        "CREATE VIEW billing.viewed WITH (security_barrier, security_invoker) AS SELECT * FROM billing.inner_view;"
    ),
    "postgres a function with another's rights": (
        _SNEAK["postgres"]
        + "CREATE VIEW billing.viewed WITH (security_barrier) AS SELECT id, tenant_id, billing.sneak() AS num FROM billing.hostile_invoices;"
    ),
    "postgres a function with another's rights behind another view": (
        _SNEAK["postgres"]
        + "CREATE VIEW billing.inner_view AS SELECT id, tenant_id, billing.sneak() AS num FROM billing.hostile_invoices;"
        + "CREATE VIEW billing.viewed WITH (security_barrier) AS SELECT * FROM billing.inner_view;"
    ),
    "mariadb a stored function": _SNEAK["mariadb"]
    + "CREATE VIEW viewed AS SELECT id, tenant_id, sneak() AS num FROM hostile_invoices;",
    "mariadb a stored function behind another view": (
        _SNEAK["mariadb"]
        + "CREATE VIEW inner_view AS SELECT id, tenant_id, sneak() AS num FROM hostile_invoices;"
        + "CREATE SQL SECURITY INVOKER VIEW viewed AS SELECT id, tenant_id, num FROM inner_view;"
        + "GRANT SELECT, SHOW VIEW ON inner_view TO synapsor_reader@'127.0.0.1';"
    ),
}
_GRANT = {
    "postgres": "GRANT SELECT ON billing.viewed TO synapsor_reader;",
    "mariadb": "GRANT SELECT, SHOW VIEW ON viewed TO synapsor_reader@'127.0.0.1';",
}


@contextmanager
def viewed(database: Database, script: str, *, grant: str | None = None) -> Iterator[None]:
    execute(database, _DROP[database.engine] + script + (grant or _GRANT[database.engine]))
    try:
        yield
    finally:
        forget = "REVOKE ALL PRIVILEGES ON viewed FROM synapsor_reader@'127.0.0.1';"
        execute(database, (forget if database.engine == "mariadb" else "") + _DROP[database.engine])


async def doctor(root: Path, database: Database) -> list[Finding]:
    files = write_project(root, database, policy=POLICY)
    async with open_project(load_config(files.config_path)) as project:
        await activate_all(files, project)
        return list(await examine(project))


@pytest.mark.requirement("posture:safe-view")
@pytest.mark.parametrize("case", sorted(UNSAFE))
async def test_nothing_is_served_on_an_unsafe_view_and_reading_it_writes_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, case: str
) -> None:
    database: Database = request.getfixturevalue(f"{case.partition(' ')[0]}_db")
    files = write_project(tmp_path / "project", database, policy=POLICY)
    with viewed(database, UNSAFE[case]):
        async with open_project(load_config(files.config_path)) as project:
            await activate_all(files, project)
            findings = await examine(project)
            with pytest.raises(UnsafeSource):
                await project.desk()
    assert ("unsafe_relation", True) in {(f.rule, f.fatal) for f in findings}
    written = f"SELECT count(*) FROM {table(database, 'hostile_invoices')} WHERE note = 'written'"
    assert fetch(database, written) == [(0,)]


@pytest.mark.requirement("posture:safe-view")
async def test_a_denied_column_that_the_reader_may_see_behind_a_view_is_found(
    tmp_path: Path, mariadb_db: Database
) -> None:
    script = "CREATE SQL SECURITY INVOKER VIEW viewed AS SELECT id, tenant_id, version AS num FROM hostile_invoices;"
    more = "GRANT SELECT (secret) ON hostile_invoices TO synapsor_reader@'127.0.0.1';"
    with viewed(mariadb_db, script, grant=_GRANT["mariadb"] + more):
        try:
            found = await doctor(tmp_path / "project", mariadb_db)
        finally:
            execute(mariadb_db, more.replace("GRANT", "REVOKE").replace(" TO ", " FROM "))
    assert ("reader_sees_denied_column", True) in {(f.rule, f.fatal) for f in found}


@pytest.mark.requirement("posture:safe-view")
async def test_a_view_that_nobody_may_look_into_is_told(tmp_path: Path, mariadb_db: Database) -> None:
    script = "CREATE VIEW viewed AS SELECT id, tenant_id, version AS num FROM hostile_invoices;"
    with viewed(mariadb_db, script, grant="GRANT SELECT ON viewed TO synapsor_reader@'127.0.0.1';"):
        found = await doctor(tmp_path / "project", mariadb_db)
    told = [f for f in found if f.rule == "unsafe_relation"]
    assert [(f.fatal, "may not see" in f.message, "SHOW VIEW" in f.fix) for f in told] == [(False, True, True)]


@pytest.mark.requirement("posture:safe-view")
@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
async def test_an_error_in_computing_another_tenants_row_tells_nothing_and_doctor_names_the_filter(
    tmp_path: Path, request: pytest.FixtureRequest, engine: str
) -> None:
    database: Database = request.getfixturevalue(f"{engine}_db")
    if engine == "postgres":
        made = "CREATE VIEW billing.viewed WITH (security_barrier) AS SELECT id, tenant_id, word::int AS num FROM billing.numbers;"
        script = _NUMBERS.format(schema="billing.") + made
    else:
        script = (
            _NUMBERS.format(schema="")
            + "CREATE VIEW viewed AS SELECT id, tenant_id, CAST(word AS SIGNED) AS num FROM numbers;"
        )
    files = write_project(tmp_path / "project", database, policy=POLICY)
    with viewed(database, script):
        async with open_project(load_config(files.config_path)) as project:
            await activate_all(files, project)
            findings = await examine(project)
            desk = await project.desk()
            answers = [
                await desk.call("viewed.inspect", {"row_id": "N-1"}, ACME),
                await desk.call("viewed.inspect", {"row_id": "N-9"}, ACME),
                await desk.call("viewed.by_number", {"number": 5}, ACME),
            ]
    flagged = [f for f in findings if f.rule == "computed_filter"]
    assert [(f.message.split()[0], f.fatal) for f in flagged] == [("shop:", False)]
    assert "billing.viewed.num" in flagged[0].message
    assert answers[0]["data"]["row"]["num"] == 5
    assert answers[1]["error"]["code"] == "not_found"
    assert answers[2]["ok"] or answers[2]["error"]["code"] == "not_found"
    assert "CANARY" not in json.dumps(answers)


@pytest.mark.parametrize(
    ("definition", "computed"),
    [
        (" SELECT t.id,\n    t.a AS b\n   FROM s.t;", set()),
        (" SELECT t.id,\n    (t.a)::integer AS b\n   FROM s.t;", {"b"}),
        (" SELECT DISTINCT id,\n    f(a, b) AS b\n   FROM s.t;", {"b"}),
        (" SELECT id,\n    a AS b\n   FROM s.t\nUNION\n SELECT id, b FROM s.u;", {"id", "b"}),
        (" WITH x AS (SELECT 1)\n SELECT id, b FROM x;", {"id", "b"}),
        (" SELECT id,\n    ',' AS b\n   FROM s.t;", {"id", "b"}),
    ],
)
def test_what_a_view_of_postgres_computes_is_read_from_its_text(definition: str, computed: set[str]) -> None:
    assert postgres_views.computed(definition, ["id", "b"]) == computed


@pytest.mark.parametrize(
    ("definition", "reads", "unsafe"),
    [
        ("select `s`.`t`.`a` AS `a` from `s`.`t`", {"s.t"}, 0),
        ("select `x`.`a` AS `a` from (`s`.`t` `x` join `s`.`u` `y` on(`x`.`a` = `y`.`a`))", {"s.t", "s.u"}, 0),
        ("select 'from `no`.`no`' AS `a`,'`f`(' AS `b` from `s`.`t`", {"s.t"}, 0),
        ("select `s`.`f`(1) AS `a` from `s`.`t`", {"s.t"}, 1),
        ("select concat(`s`.`t`.`a`,'x') AS `a` from `s`.`t` where `f`() = 1", {"s.t"}, 1),
    ],
)
def test_what_a_view_of_mariadb_reads_and_runs_is_read_from_its_text(
    definition: str, reads: set[str], unsafe: int
) -> None:
    assert {str(relation) for relation in mysql_views.read_by(definition)} == reads
    assert len(mysql_views.hazards(definition)[1]) == unsafe
