"""The companion looks at the source before a person approves, with credentials of its own; without them, what has to be looked at is not approved there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client

from synapsor.config.approvals import load_approvals, looking_with
from synapsor.errors import ConfigError
from tests.companion import BY_PROMPT, Companion, said, write_companion
from tests.databases import Database, execute, table
from tests.projects import opened

FRESH = BY_PROMPT.replace("by_prompt: high}", "by_prompt: high, fresh: true}")


async def write(root: Path, database: Database, *, read: str | None = None) -> Companion:
    companion = write_companion(root, database, policy=FRESH)
    if read is not None:
        with companion.path.open("a", encoding="utf-8") as file:
            file.write(read)
    async with opened(companion.files):  # which activates its contract
        return companion


def own_reader(root: Path, database: Database) -> str:
    """Give the companion a credential of its own, and take the project's from it."""
    path = root / "companion-read"
    path.touch(mode=0o600)
    path.write_text(database.read_url, encoding="utf-8")
    return "read: {shop: '${file:../companion-read}'}\n"


@asynccontextmanager
async def talking(companion: Companion) -> AsyncIterator[Client]:
    async with Client(companion.stdio(), mode="2026-07-28") as client:
        yield client


@pytest.mark.requirement("companion:looks")
async def test_without_a_credential_what_has_to_be_looked_at_is_not_approved_here_and_may_be_rejected(
    tmp_path: Path, sqlite_db: Database
) -> None:
    companion = await write(tmp_path / "project", sqlite_db)
    asked = await companion.filed()
    async with talking(companion) as client:
        card = await said(client, "review_proposal", proposal=asked["id"])
        assert "It is not approved through a prompt (not_looked_at)" in card
        assert "The rows as they are now" not in card
        given, digest = {"proposal": asked["id"]}, asked["digest"]
        told = await said(client, "decide_proposal", verdict="approve", code=companion.code(digest), **given)
        assert "nothing was decided (not_looked_at)" in told
        assert f"`synapsor approve {asked['id']}`" in told
        given |= {"reason": "not_needed", "code": companion.code(digest, "reject")}
        told = await said(client, "decide_proposal", verdict="reject", **given)
        assert "was rejected by leo" in told
    assert await companion.status(asked["id"]) == ("rejected", 1, ["not_looked_at"])


@pytest.mark.requirement("companion:looks", "live:fresh")
async def test_with_one_a_person_sees_how_the_rows_stand_and_approves_what_is_as_it_was(
    tmp_path: Path, sqlite_db: Database
) -> None:
    root = tmp_path / "project"
    companion = await write(root, sqlite_db, read=own_reader(tmp_path, sqlite_db))
    asked = await companion.filed()
    (root / "secrets" / "read").unlink()  # the project's own is none of the companion's business
    async with talking(companion) as client:
        card = await said(client, "review_proposal", proposal=asked["id"])
        assert "still as it was" in card
        assert f"To approve here: run `synapsor code {asked['id']}`" in card
        code = companion.code(asked["digest"])
        told = await said(client, "decide_proposal", proposal=asked["id"], verdict="approve", code=code)
    assert "was approved by leo" in told


@pytest.mark.requirement("companion:looks", "live:fresh")
async def test_a_row_that_moved_after_it_was_shown_is_not_approved(tmp_path: Path, sqlite_db: Database) -> None:
    companion = await write(tmp_path / "project", sqlite_db, read=own_reader(tmp_path, sqlite_db))
    asked = await companion.filed()
    async with talking(companion) as client:
        await said(client, "review_proposal", proposal=asked["id"])
        invoices = table(sqlite_db, "invoices")
        execute(sqlite_db, f"UPDATE {invoices} SET late_fee_cents = 1, row_version = row_version + 1")
        code = companion.code(asked["digest"])
        told = await said(client, "decide_proposal", proposal=asked["id"], verdict="approve", code=code)
        assert "nothing was decided (stale_row)" in told
        card = await said(client, "review_proposal", proposal=asked["id"])
        assert "a row is not as it was" in card
        assert "late_fee_cents" in card
    assert await companion.status(asked["id"]) == ("review_required", 0, ["stale_row"])


@pytest.mark.requirement("companion:own-credential")
@pytest.mark.parametrize(
    ("read", "said"),
    [
        ("read: {other: '${env:OTHER}'}\n", "other is no source of the project"),
        ("read: {shop: '${env:SHOP}', other: '${env:OTHER}'}\n", "other is no source of the project"),
        ("read: {shop: '${file:secrets/write}'}\n", "with the worker's credential"),
    ],
)
def test_it_looks_at_every_source_with_its_own_credential_and_with_no_writers(
    tmp_path: Path, sqlite_db: Database, read: str, said: str
) -> None:
    companion = write_companion(tmp_path / "project", sqlite_db)
    with companion.path.open("a", encoding="utf-8") as file:
        file.write(read)
    with pytest.raises(ConfigError) as refused:
        looking_with(companion.files.config, load_approvals(companion.path))
    assert said in refused.value.message
