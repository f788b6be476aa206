"""The questions that a posture asks of Postgres' catalogue: what a credential may do, itself or as any role that it may become."""

MINE = "WITH mine AS (SELECT oid FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER'))"
"""Every role that the credential is or may become: a membership without inheritance is one SET ROLE away."""

USERS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"

ROLE = """
SELECT r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolreplication,
       ARRAY(SELECT m.rolname::text FROM pg_roles m
             WHERE m.oid <> r.oid AND pg_has_role(r.oid, m.oid, 'MEMBER')
               AND (m.rolsuper OR m.rolbypassrls OR m.rolcreaterole OR m.rolreplication
                    OR m.rolname IN ('pg_write_all_data', 'pg_read_server_files', 'pg_write_server_files',
                                     'pg_execute_server_program', 'pg_create_subscription'))
             ORDER BY 1)
FROM pg_roles r WHERE r.rolname = current_user
"""

WRITABLE = f"""
{MINE}
SELECT n.nspname::text, c.relname::text, EXISTS (SELECT FROM mine WHERE mine.oid = c.relowner)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {USERS}
  AND EXISTS (
    SELECT FROM mine
    WHERE mine.oid = c.relowner
       OR has_schema_privilege(mine.oid, n.oid, 'USAGE') AND c.relkind <> 'm'
          AND (has_table_privilege(mine.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
               OR has_any_column_privilege(mine.oid, c.oid, 'INSERT, UPDATE')))
ORDER BY 1, 2
"""  # noqa: S608  # constants of this module

READABLE = f"""
{MINE}
SELECT n.nspname::text, c.relname::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {USERS}
  AND EXISTS (SELECT FROM mine WHERE has_schema_privilege(mine.oid, n.oid, 'USAGE')
                                 AND has_any_column_privilege(mine.oid, c.oid, 'SELECT'))
ORDER BY 1, 2
"""  # noqa: S608  # constants of this module

CREATES = f"""
{MINE}
SELECT 'schema ' || n.nspname FROM pg_namespace n
WHERE n.nspname !~ '^pg_temp'
  AND EXISTS (SELECT FROM mine WHERE mine.oid = n.nspowner OR has_schema_privilege(mine.oid, n.oid, 'CREATE'))
UNION ALL
SELECT 'database' FROM pg_database d WHERE d.datname = current_database()
  AND EXISTS (SELECT FROM mine WHERE mine.oid = d.datdba OR has_database_privilege(mine.oid, d.oid, 'CREATE'))
UNION ALL
SELECT 'the server' WHERE EXISTS (SELECT FROM mine JOIN pg_roles r ON r.oid = mine.oid WHERE r.rolcreatedb)
ORDER BY 1
"""  # noqa: S608  # constants of this module
"""An owner of a schema or a database may create there again whenever it likes, and drop what others have."""

THROUGH = f"""
{MINE.replace("WITH", "WITH RECURSIVE")}, above(oid) AS (
  SELECT $1::int8::oid
  UNION
  SELECT w.ev_class FROM above JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = above.oid
  JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
)
SELECT DISTINCT n.nspname || '.' || c.relname
FROM above JOIN pg_class c ON c.oid = above.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid <> $1::int8::oid AND {USERS} AND EXISTS (
  SELECT FROM mine WHERE has_schema_privilege(mine.oid, n.oid, 'USAGE')
    AND (has_table_privilege(mine.oid, c.oid, 'UPDATE, DELETE') OR has_any_column_privilege(mine.oid, c.oid, 'UPDATE')))
ORDER BY 1
"""  # noqa: S608  # constants of this module
"""The views over a table, and whatever has a rule that leads to it, that a credential may change: it does so with their owner's rights."""

TEMPORARY = "SELECT has_database_privilege(current_database(), 'TEMPORARY')"

DEFINERS = f"""
{MINE}
SELECT n.nspname || '.' || p.proname, EXISTS (
         SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {USERS} AND p.prorettype <> 'trigger'::regtype AND p.prorettype <> 'event_trigger'::regtype
  AND (p.prosecdef AND p.provolatile = 'v' OR p.proname LIKE 'dblink%')
  AND NOT EXISTS (SELECT FROM mine WHERE mine.oid = p.proowner)
  AND EXISTS (SELECT FROM mine WHERE has_schema_privilege(mine.oid, n.oid, 'USAGE')
                                 AND has_function_privilege(mine.oid, p.oid, 'EXECUTE'))
ORDER BY 1
"""  # noqa: S608  # constants of this module

PLACE = f"""
{MINE}
SELECT c.oid::int8, c.relkind::text, c.relpersistence::text,
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'DELETE'),
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'TRUNCATE, TRIGGER'),
       EXISTS (SELECT FROM mine WHERE has_schema_privilege(mine.oid, n.oid, 'USAGE')
                                  AND has_table_privilege(mine.oid, c.oid, 'DELETE')),
       EXISTS (SELECT FROM mine WHERE has_schema_privilege(mine.oid, n.oid, 'USAGE')
                                  AND has_table_privilege(mine.oid, c.oid, 'TRUNCATE, TRIGGER'))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""  # noqa: S608  # constants of this module

COLUMN_RIGHTS = f"""
{MINE}
SELECT a.attname::text,
       has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT'),
       EXISTS (SELECT FROM mine WHERE has_schema_privilege(mine.oid, n.oid, 'USAGE')
                                  AND has_column_privilege(mine.oid, c.oid, a.attnum, 'SELECT')),
       has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'UPDATE'),
       has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'INSERT'),
       format_type(a.atttypid, -1),
       EXISTS (SELECT FROM mine WHERE has_schema_privilege(mine.oid, n.oid, 'USAGE')
                                  AND has_column_privilege(mine.oid, c.oid, a.attnum, 'UPDATE')),
       EXISTS (SELECT FROM mine WHERE has_schema_privilege(mine.oid, n.oid, 'USAGE')
                                  AND has_column_privilege(mine.oid, c.oid, a.attnum, 'INSERT'))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = $1::int8::oid AND a.attnum > 0 AND NOT a.attisdropped
"""  # noqa: S608  # constants of this module

ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"

DURABLE = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting <> 'on'"

CHECKS = """
SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::int8::oid AND contype = 'c' ORDER BY conname
"""
