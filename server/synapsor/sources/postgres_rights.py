"""The questions that a posture asks of Postgres' catalogue: what a credential may do, itself or as any role that it may become."""

MINE = "WITH mine AS (SELECT oid FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER'))"
"""Every role that the credential is or may become: a membership without inheritance is one SET ROLE away."""

USERS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"

ALTERING = """CASE WHEN current_setting('server_version_num')::int >= 170000 THEN 'TRUNCATE, TRIGGER, REFERENCES, MAINTAIN'
                ELSE 'TRUNCATE, TRIGGER, REFERENCES' END"""
"""What alters, empties or binds a table; a server refuses the word of a right that it does not know."""

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
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {USERS}
  AND EXISTS (
    SELECT FROM mine
    WHERE mine.oid = c.relowner
       OR has_schema_privilege(mine.oid, n.oid, 'USAGE') AND c.relkind <> 'm'
          AND (has_table_privilege(mine.oid, c.oid, 'INSERT, UPDATE, DELETE, ' || {ALTERING})
               OR c.relkind <> 'S' AND has_any_column_privilege(mine.oid, c.oid, 'INSERT, UPDATE, REFERENCES')))
ORDER BY 1, 2
"""  # noqa: S608  # constants of this module
"""A sequence is changed by whoever may set it back, and then every insert that draws from it fails."""

OWNED = f"""
{MINE}
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_shdepend d JOIN mine ON mine.oid = d.refobjid
WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o'
  AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND d.classid NOT IN ('pg_class'::regclass, 'pg_namespace'::regclass, 'pg_default_acl'::regclass, 'pg_user_mapping'::regclass)
ORDER BY 1
"""  # noqa: S608  # constants of this module
"""What else it owns, such as the function of a trigger, which it could drop with all that hangs on it; relations and schemas are asked for by themselves."""

GRANTS_ON = f"""
{MINE}, given(place, acl, owner) AS (
  SELECT n.nspname || '.' || c.relname, c.relacl, c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {USERS}
  UNION ALL
  SELECT n.nspname || '.' || c.relname, a.attacl, c.relowner
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {USERS}
  UNION ALL
  SELECT n.nspname || '.' || p.proname, p.proacl, p.proowner FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {USERS}
  UNION ALL
  SELECT 'schema ' || n.nspname, n.nspacl, n.nspowner FROM pg_namespace n WHERE {USERS}
  UNION ALL
  SELECT 'database', datacl, datdba FROM pg_database WHERE datname = current_database()
)
SELECT DISTINCT place FROM given CROSS JOIN LATERAL aclexplode(acl) AS a
WHERE a.is_grantable AND a.grantee <> owner AND a.grantee IN (SELECT oid FROM mine) ORDER BY 1
"""  # noqa: S608  # constants of this module
"""Where it holds a right that it may give to others, PUBLIC and the other credential among them."""

ADMINISTERS = f"""
{MINE}
SELECT r.rolname::text FROM mine JOIN pg_roles r ON r.oid = mine.oid
WHERE r.rolname IN ('pg_signal_backend', 'pg_signal_autovacuum_worker', 'pg_checkpoint', 'pg_maintain', 'pg_use_reserved_connections')
UNION
SELECT DISTINCT 'EXECUTE on ' || n.nspname || '.' || p.proname
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace CROSS JOIN LATERAL aclexplode(p.proacl) AS a
WHERE n.nspname IN ('pg_catalog', 'information_schema') AND a.grantee <> p.proowner
  AND (a.grantee = 0 OR EXISTS (
    SELECT FROM mine JOIN pg_roles r ON r.oid = mine.oid WHERE r.oid = a.grantee AND r.rolname NOT LIKE 'pg!_%' ESCAPE '!'))
ORDER BY 1
"""  # noqa: S608  # constants of this module
"""How it may reach into the server beside the rows: other sessions, and functions that only a superuser may run unless they are granted."""

PARAMETERS = f"""
{MINE}
SELECT DISTINCT a.privilege_type || ' ON PARAMETER ' || g.parname FROM pg_parameter_acl g CROSS JOIN LATERAL aclexplode(g.paracl) AS a
WHERE a.grantee = 0 OR (a.grantee IN (SELECT oid FROM mine WHERE oid <> 10)) ORDER BY 1
"""  # noqa: S608  # constants of this module
"""What it may set that else only a superuser may: `session_replication_role` switches off triggers and foreign keys."""

HAS_PARAMETERS = "SELECT to_regclass('pg_catalog.pg_parameter_acl') IS NOT NULL"

WATCHES = f"""
{MINE}
SELECT r.rolname::text FROM mine JOIN pg_roles r ON r.oid = mine.oid
WHERE r.rolname IN ('pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables') ORDER BY 1
"""  # noqa: S608  # constants of this module
"""The roles that show what other sessions do."""

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
UNION ALL
SELECT 'foreign data wrapper ' || w.fdwname FROM pg_foreign_data_wrapper w
WHERE EXISTS (SELECT FROM mine WHERE has_foreign_data_wrapper_privilege(mine.oid, w.oid, 'USAGE'))
ORDER BY 1
"""  # noqa: S608  # constants of this module
"""An owner of a schema or a database may create there again whenever it likes, and drop what others have."""

THROUGH = f"""
{MINE.replace("WITH", "WITH RECURSIVE")}, above(oid) AS (
  SELECT $1::int8::oid
  UNION
  SELECT leads.oid FROM above CROSS JOIN LATERAL (
    SELECT w.ev_class FROM pg_depend d JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = above.oid
    UNION ALL
    SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = above.oid
    UNION ALL
    SELECT k.confrelid FROM pg_constraint k WHERE k.conrelid = above.oid AND k.contype = 'f'
      AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
  ) AS leads(oid)
)
SELECT DISTINCT n.nspname || '.' || c.relname
FROM above JOIN pg_class c ON c.oid = above.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid <> $1::int8::oid AND {USERS} AND EXISTS (
  SELECT FROM mine WHERE has_schema_privilege(mine.oid, n.oid, 'USAGE')
    AND (has_table_privilege(mine.oid, c.oid, 'UPDATE, DELETE, TRUNCATE') OR has_any_column_privilege(mine.oid, c.oid, 'UPDATE')))
ORDER BY 1
"""  # noqa: S608  # constants of this module
"""The views over a table, whatever has a rule that leads to it, and whatever takes its rows along, that a credential may change: it does so with
their owner's rights. The tables that hold a part of its rows are those rows.
"""

TEMPORARY = "SELECT has_database_privilege(current_database(), 'TEMPORARY')"

DEFINERS = f"""
{MINE}
SELECT n.nspname || '.' || p.proname, EXISTS (
         SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'), p.provolatile = 'v'
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {USERS} AND p.prorettype <> 'trigger'::regtype AND p.prorettype <> 'event_trigger'::regtype
  AND (p.prosecdef OR p.proname LIKE 'dblink%')
  AND NOT EXISTS (SELECT FROM mine WHERE mine.oid = p.proowner)
  AND EXISTS (SELECT FROM mine WHERE has_schema_privilege(mine.oid, n.oid, 'USAGE')
                                 AND has_function_privilege(mine.oid, p.oid, 'EXECUTE'))
ORDER BY 1
"""  # noqa: S608  # constants of this module

PLACE = f"""
{MINE}
SELECT c.oid::int8, c.relkind::text, c.relpersistence::text,
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'DELETE'),
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, {ALTERING}),
       EXISTS (SELECT FROM mine WHERE has_schema_privilege(mine.oid, n.oid, 'USAGE')
                                  AND has_table_privilege(mine.oid, c.oid, 'DELETE')),
       EXISTS (SELECT FROM mine WHERE has_schema_privilege(mine.oid, n.oid, 'USAGE')
                                  AND has_table_privilege(mine.oid, c.oid, {ALTERING}))
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
