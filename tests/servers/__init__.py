"""Real Postgres and MariaDB servers for the tests: fresh, on loopback, with TLS, gone with the test run.

`start_postgres()` and `start_mariadb()` return a `Server` with stop, crash, kill, pause and restart. Linux only.
"""

from tests.servers.mariadb import find_mariadb, start_mariadb
from tests.servers.postgres import find_postgres, start_postgres
from tests.servers.process import Server, ServerDown, StopMode

__all__ = ["Server", "ServerDown", "StopMode", "find_mariadb", "find_postgres", "start_mariadb", "start_postgres"]
