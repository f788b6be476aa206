"""The twelve groups of the public format, played on live Postgres and MariaDB: import, activate, ask, decide, apply, look at the rows."""

from pathlib import Path

import pytest

from synapsor.contract.public.words import WAITS
from tests.conformance.public_run import group, imported, make_tables, names, play
from tests.databases import Database

SERVERS = ("postgres", "mariadb")


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Database:
    """The shop on each server in turn."""
    found: Database = request.getfixturevalue(f"{request.param}_db")
    return found


def test_there_are_the_twelve_groups_of_the_format() -> None:
    assert names() == [
        "aggregate-policy-limits",
        "aggregate-read",
        "approval-quorum",
        "auto-approval",
        "bounded-set-threats",
        "kept-out-fields",
        "manual-approval",
        "numeric-bounds",
        "principal-row-scope",
        "proposal-capability",
        "read-capability",
        "reversible-change-sets",
    ]


@pytest.mark.parametrize("name", names())
def test_no_group_waits_for_what_is_not_served_yet(name: str) -> None:
    assert sorted(set(group(name)["needs"]) & set(WAITS)) == []


@pytest.mark.requirement("public-contract:served")
@pytest.mark.parametrize("name", names())
async def test_a_group_plays_out_as_it_is_written(name: str, server: Database, tmp_path: Path) -> None:
    said = group(name)
    make_tables(server, said["tables"])
    files, done = imported(tmp_path / "project", server, said)
    assert done.returncode == 0, done.stdout + done.stderr
    await play(files, said)
