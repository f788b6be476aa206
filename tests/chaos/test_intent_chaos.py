"""The worker killed at every named point over a source that keeps no receipts: applied once, or left to a person who can tell; never twice."""

from contextlib import closing
from pathlib import Path

import pytest

from synapsor.core.proposal import Status
from synapsor.flow.intents import INTENT_STEPS
from synapsor.work.failpoints import ALL_STEPS
from tests.attack.doubts import found, resolved
from tests.attack.shop import Shop
from tests.chaos.changes import ASK, KINDS, fill, write_chaos_project
from tests.chaos.herd import Herd, Signals, herd
from tests.chaos.history import Asked
from tests.chaos.recorder import effects, watch
from tests.databases import Database
from tests.projects import ProjectFiles, leo_approves, opened

pytestmark = pytest.mark.chaos

POINTS = (*INTENT_STEPS, *(step for step in ALL_STEPS if not step.startswith("apply.verdict")))
LEASE = 30.0
KNOWN = {"work.leased": Status.APPLIED, "work.settled": Status.APPLIED}
"""Points at which nothing is in doubt: before anything was intended, and after it was settled."""


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    made = write_chaos_project(tmp_path / "project", sqlite_db)
    text = made.config_path.read_text(encoding="utf-8")
    told = f"receipts: {sqlite_db.schema}.synapsor_receipts"
    assert told in text
    made.config_path.write_text(text.replace(told, "receipts: ledger"), encoding="utf-8")
    return made


@pytest.mark.timeout(300)  # some twenty workers, one after another
@pytest.mark.requirement("intent:never-guessed", "apply:exactly-once", "apply:outcome-true")
async def test_a_worker_that_is_killed_at_any_point_applies_once_or_leaves_what_a_person_can_tell(
    files: ProjectFiles,
) -> None:
    fill(files.database, ["one", "set", "group", *(f"gone {point}" for point in POINTS)])
    watch(files.database)
    async with opened(files) as project, herd(files) as flock:
        shop = Shop(files=files, project=project, desk=await project.desk(), ledger=await project.ledger())
        asked: dict[str, Asked] = {}
        for turn, point in enumerate(POINTS):
            kind = KINDS[turn % len(KINDS)]
            filed = await _filed(shop, kind, f"gone {point}" if kind == "delete" else kind, f"{kind} {point}")
            asked |= filed
            await _killed(files, flock, point)
            await (await flock.fork(drain=True, ahead=3 * LEASE)).ended()
            records = [await shop.record(one) for one in filed]
            wanted = KNOWN.get(point, Status.RECONCILIATION_REQUIRED)
            assert [record.status for record in records] == [wanted] * len(filed), point
            if wanted is Status.RECONCILIATION_REQUIRED:
                await _told(shop, records[0].proposal.id, applied=point in {"apply.committed", "work.applied"})
        records = [await shop.record(one) for one in asked]
        assert {record.status for record in records} == {Status.APPLIED, Status.FAILED}
        seen = effects(files.database)
        for record in records:
            mine = asked[record.proposal.id]
            rows = [
                e.invoice
                for e in seen
                if (e.invoice in mine.rows if mine.what == e.what == "delete" else e.new_mark == mine.mark)
            ]
            assert sorted(rows) == (sorted(mine.rows) if record.status is Status.APPLIED else []), mine
        assert (await project.verify()).ok


async def _filed(shop: Shop, kind: str, group: str, mark: str) -> dict[str, Asked]:
    """Return what was asked for by the handles of the proposals, all of them approved."""
    request = ASK[kind]("acme", group, mark)
    filed: dict[str, Asked] = {}
    digests: dict[str, str] = {}
    for each in (request, *request.others):
        proposal = await shop.proposed(each.capability, each.arguments, each.session)
        filed[proposal["id"]], digests[proposal["id"]] = each.asked, proposal["digest"]
    for handle, digest in digests.items():
        await leo_approves(shop.files, shop.project, handle, digest)
    return filed


async def _killed(files: ProjectFiles, flock: Herd, point: str) -> None:
    with closing(Signals(files.root / f"reached.{len(flock.children)}")) as signals:
        struck = await flock.fork(failpoint=f"{point}:kill9", pipe=signals.path, lease=LEASE, drain=True)
        assert await signals.next() == point
        await struck.wake_and_end()


async def _told(shop: Shop, handle: str, *, applied: bool) -> None:
    """Let a person look and say what became of it, without anything that speaks against it."""
    assert (await found(shop, handle)).whole == ("matches_proposed" if applied else "matches_before")
    said = await resolved(shop, handle, "applied" if applied else "not_applied")
    assert {one.contrary for one in said} == {False}
