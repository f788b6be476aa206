"""Whoever may write into the ledger's file, and has none of its keys, keeps nobody from hearing of all the rest."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.attack.shop import told_by_owner
from tests.ledger_records import at
from tests.notifying import Receiver, Telling, receiver, telling

pytestmark = pytest.mark.requirement("notify:odd-events")

TOLD = (
    "routes:\n  - to: [desk]\n    events: [filed, deferred, approved, waiting, policy_near_limit, policies_stopped]\n"
)
STOP = "psw_00000000000000000000"
NEAR = {"what": "count", "of": "policy", "observed": "8", "limit": "10"}
ODD: dict[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]] = {
    "near a word": ("policy_near_limit", {"policy": "billing.small_fees", "near": "x"}, {}),
    "near a number": ("policy_near_limit", {"policy": "billing.small_fees", "near": 5}, {}),
    "near nothing": ("policy_near_limit", {"policy": "billing.small_fees"}, {}),
    "near numbers": ("policy_near_limit", {"policy": "billing.small_fees", "near": [1]}, {}),
    "near a half": ("policy_near_limit", {"policy": "billing.small_fees", "near": [{"what": "count"}]}, {}),
    "near no word": ("policy_near_limit", {"policy": "billing.small_fees", "near": [{**NEAR, "of": [1]}]}, {}),
    "no policy": ("policy_near_limit", {"policy": {"a": "b"}, "near": [NEAR]}, {}),
    "left for no reason": ("policy_deferred", {"policy": "small_fees", "why": 5}, {}),
    "with no record": ("proposal_approved", {}, {"decision": 5}),
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Receiver]:
    with receiver(tmp_path) as running:
        yield running


@contextmanager
def owned(project: Telling) -> Iterator[sqlite3.Connection]:
    """Open the ledger's file without its triggers, as its owner can."""
    with closing(sqlite3.connect(project.root / ".synapsor" / "ledger.db")) as raw, raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        yield raw


def untold(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged as not told."""
    return [record.getMessage() for record in caplog.records if getattr(record, "action", "") == "untold"]


@pytest.mark.parametrize("odd", ODD)
async def test_an_event_that_cannot_be_read_is_told_of_nothing_and_all_others_are_told(
    tmp_path: Path, desk: Receiver, odd: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with telling(tmp_path / "project") as project:
        project.webhook(desk, TOLD)
        filed = await project.file()
    kind, facts, records = ODD[odd]
    with owned(project) as raw:
        seq = told_by_owner(raw, kind, filed.id, facts, **records)
        told_by_owner(raw, "policies_stopped", STOP, {})
    await project.tell(since=0)
    told = ["proposal.filed", "policies.stopped"]
    line = f"nothing is told of event {seq} of the ledger, which cannot be read. Run `synapsor verify`; everything else is told."
    assert ([got.data["type"] for got in desk.got], untold(caplog)) == (told, [line])
    await project.tell()
    assert ([got.data["type"] for got in desk.got], untold(caplog)) == (told, [line])


async def test_an_event_of_a_proposal_that_is_not_there_is_told_of_nothing(
    tmp_path: Path, desk: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    async with telling(tmp_path / "project") as project:
        project.webhook(desk, TOLD)
        await project.file()
    with owned(project) as raw:
        for subject in ("wrp_\u202e1", "billing", "wrp_\u202e1"):
            told_by_owner(raw, "proposal_approved", subject, {})
    await project.tell(since=0)
    assert [got.data["type"] for got in desk.got] == ["proposal.filed"]
    assert [line.partition(" of the ledger")[0] for line in untold(caplog)] == [
        "nothing is told of proposal wrp_\\u202e1",
        "nothing is told of proposal billing",
    ]


async def test_a_proposal_that_cannot_be_read_is_told_of_nothing_and_all_others_are_told_and_waited_for(
    tmp_path: Path, desk: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    async with telling(tmp_path / "project") as project:
        project.webhook(desk, TOLD)
        broken, whole = [await project.file(expires_at=at(10 * 86_400)) for _ in range(2)]
    with owned(project) as raw:
        raw.execute("UPDATE proposal SET body = '{}' WHERE id = ?", (broken.id,))
    async with project.notifier() as notifier:
        await notifier.start(0)
        await notifier.once()
        project.clock.move(hours=30)
        await notifier.once()
    told = [(got.data["type"], got.data["data"]["proposal"]) for got in desk.got]
    assert told == [("proposal.filed", whole.id), ("proposal.waiting", whole.id)]
    (line,) = untold(caplog)
    assert line.startswith(f"nothing is told of proposal {broken.id} of the ledger, ")


async def test_of_a_contract_that_cannot_be_read_no_value_is_told_and_all_else_is(
    tmp_path: Path, desk: Receiver
) -> None:
    async with telling(tmp_path / "project") as project:
        project.webhook(desk, TOLD)
        filed = await project.file(contract=await project.activate(propose_late_fee_waiver=("late_fee_cents",)))
    for body in ("{", "{}", '{"contract":5}'):
        with owned(project) as raw:
            raw.execute("UPDATE contract_version SET body = ?", (body,))
        (project.root / ".synapsor" / "notify.db").unlink(missing_ok=True)
        await project.tell(since=0)
        told = desk.got.pop().data["data"]
        assert (told["proposal"], "told" in told, "contract" in told) == (filed.id, False, False)
