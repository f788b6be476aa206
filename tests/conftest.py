"""The databases every test may ask for: real servers, started when first needed; missing binaries fail in CI and skip elsewhere."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings

from synapsor.contract import load
from synapsor.contract.load import Reading
from synapsor.ledger.migrate import migrate, migrations
from synapsor.ledger.sqlite_file import connect
from synapsor.testing.memory import MemoryDatabase
from tests.commands import Run, commands
from tests.databases import Database, load_mariadb, load_memory, load_postgres, load_sqlite, reset
from tests.projects import ProjectFiles
from tests.servers import Server, start_mariadb, start_postgres

settings.register_profile("untimed", deadline=None)  # no test asserts a time
settings.register_profile("same", deadline=None, derandomize=True)


def pytest_configure(config: pytest.Config) -> None:
    """Draw the same examples in each run, for what was green is to be green again; without a time limit, as `make soak` does it, draw anew."""
    settings.load_profile("untimed" if config.getoption("timeout") == 0 else "same")


@pytest.fixture(scope="session", autouse=True)
def nobodys_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let no test find the keys of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session", autouse=True)
def ready_ledger() -> Iterator[None]:
    """Let each ledger that this process makes have a copy of tables that were made once, which takes a fifth of the time."""
    with closing(connect(":memory:")) as ready, pytest.MonkeyPatch.context() as patch:
        migrate(ready, migrations(), at="2026-01-01T00:00:00.000000Z")
        patch.setattr("synapsor.ledger.open.migrate", lambda connection, _steps, *, at: ready.backup(connection))  # noqa: ARG005
        yield


@pytest.fixture(scope="session", autouse=True)
def ready_contracts() -> Iterator[None]:
    """Let a flawless contract that this process has read be read no second time: a third of a test's time went into that."""
    real, ready = load.read_text, dict[str, Reading]()

    def read_text(text: str, file: str) -> Reading:
        if text not in ready:
            reading = real(text, file)
            if reading.problems or reading.contract is None:
                return reading
            ready[text] = reading
        known = ready[text]
        return replace(known, positions=replace(known.positions, file=file))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "read_text", read_text)
        yield


ENGINES = ("postgres", "mariadb", "sqlite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the other engines where a test is marked `one_engine`, but for `make soak`; without a time limit none has one of its own."""
    for item in items if config.getoption("timeout") == 0 else ():
        item.add_marker(pytest.mark.timeout(0), append=False)
    if os.environ.get("EVERY_ENGINE"):
        return
    others = [item for item in items if item.get_closest_marker("one_engine") and _engine(item) != "sqlite"]
    items[:] = [item for item in items if item not in set(others)]
    config.hook.pytest_deselected(items=others)


def _engine(item: pytest.Item) -> object:
    assert isinstance(item, pytest.Function)
    params = item.callspec.params
    return params["database"] if "database" in params else params["each_database"]


def _serve(start: Callable[[], Server]) -> Iterator[Server]:
    try:
        server = start()
    except FileNotFoundError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One Postgres for the whole run; a test that stops it starts its own instead."""
    yield from _serve(start_postgres)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[Server]:
    """One MariaDB for the whole run; a test that stops it starts its own instead."""
    yield from _serve(start_mariadb)


@pytest.fixture(scope="module")
def postgres_db(postgres_server: Server) -> Database:
    """A shop on Postgres, fresh for each module."""
    return load_postgres(postgres_server)


@pytest.fixture(scope="module")
def mariadb_db(mariadb_server: Server) -> Database:
    """A shop on MariaDB, fresh for each module."""
    return load_mariadb(mariadb_server)


@pytest.fixture
def sqlite_db(tmp_path: Path) -> Database:
    """A shop in a new SQLite file."""
    return load_sqlite(tmp_path / "billing.db")


@pytest.fixture
def memory_db() -> Iterator[Database]:
    """A shop in a SQLite database without a file."""
    with closing(MemoryDatabase()) as memory:
        yield load_memory(memory)


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest) -> Database:
    """The shop on each engine in turn, with the seed rows and nothing else."""
    return _fresh(request)


@pytest.fixture(params=[*ENGINES, "memory"])
def each_database(request: pytest.FixtureRequest) -> Database:
    """The same, and on the one without a file that is shipped for tests."""
    return _fresh(request)


def _fresh(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(f"{request.param}_db")
    if found.engine != "sqlite":
        reset(found)
    return found


@pytest.fixture
def run(files: ProjectFiles, capsys: pytest.CaptureFixture[str]) -> Run:
    """What runs a command in the project that a test's own `files` are of."""
    return commands(capsys, files)
