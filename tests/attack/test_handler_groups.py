"""A group that an application carries out is one job: all of it in one transaction, or nothing."""

import json
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import MetaData, Table, create_engine, select
from sqlalchemy.orm import Session

from synapsor.handler import Answer, Change, Job, check, read
from synapsor.handler.once import Rows, once, receipts
from synapsor.handler.outbox import Outbox
from synapsor.handler.wire import Came
from synapsor.handler_ports import Heard, Reply
from tests.attack.shop import Shop
from tests.attack.tasks import POLICY, tasks_table
from tests.attack.test_groups import GROUPED, approved
from tests.attack.test_operations import everything
from tests.databases import Database
from tests.handlers.answering import Answering
from tests.handlers.invoices import url_of
from tests.handlers.serving import handled_shop, prepare

pytestmark = [pytest.mark.one_engine, pytest.mark.requirement("executor:group")]


class Tasks:
    """An application that owns its tasks, in this process."""

    name = "app"
    accepted_seconds = 3600.0

    def __init__(self, database: Database) -> None:
        self.engine = create_engine(url_of(database))
        self.table = Table("tasks", MetaData(), autoload_with=self.engine)
        self.asked: list[dict[str, object]] = []

    async def ask(self, body: bytes, *, key: str) -> Reply:
        self.asked.append(json.loads(body) | {"header": key})
        with closing(Session(self.engine)) as session:
            answer = self.handle(session, read(body))
        return Reply(heard=Heard.ANSWERED, status=answer.came.status, body=answer.body())

    def handle(self, session: Session, job: Job) -> Answer:
        return once(session, job, self.change, table=receipts())

    def change(self, session: Session, change: Change) -> Rows:
        rows: Rows = []
        for member in change.members:
            named = {**change.scope, **member.key}
            mine = [self.table.c[name] == value for name, value in named.items()]
            look = select(self.table).where(*mine)
            check(change, member, session.execute(look).mappings().first())
            if change.operation == "delete":
                session.execute(self.table.delete().where(*mine))
            elif change.operation == "insert":
                # The column is text, and SQLite knows no decimal numbers.
                made = {n: str(v) if isinstance(v, Decimal) else v for n, v in {**named, **member.changes}.items()}
                session.execute(self.table.insert().values(**made))
            else:
                session.execute(self.table.update().where(*mine).values(**member.changes))
            rows = [*rows, session.execute(look).mappings().first()]
        return rows


class TasksLater(Tasks):
    """The same with an outbox."""

    def handle(self, session: Session, job: Job) -> Answer:
        return self.outbox.accept(session, job)

    @property
    def outbox(self) -> Outbox:
        return Outbox(apply=self.change, again=0)


@pytest_asyncio.fixture
async def grouped(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    policy = GROUPED.replace("    approval:", "    executor: app\n    approval:").replace(
        "    accepts: {triggers: [tasks_gone]}\n", ""
    )
    assert policy.count("executor: app") == POLICY.count("approval:")
    prepare(database)
    with tasks_table(database):
        async with handled_shop(tmp_path / "project", database, "http://127.0.0.1:9/", policy=policy) as found:
            yield found


async def test_all_of_a_group_is_handed_over_as_one_job_and_applied(grouped: Shop) -> None:
    ids = await approved(grouped)
    application = Tasks(grouped.database)
    assert await grouped.attempt(handlers={"app": application}) == [("applied", "")]
    assert [await grouped.status(each) for each in ids] == ["applied"] * 3
    (job,) = application.asked
    assert isinstance(job["changes"], list)
    assert [change["operation"] for change in job["changes"]] == ["update", "insert", "delete"]
    assert job["header"] == job["changes"][0]["key"]
    application.engine.dispose()


@pytest.mark.requirement("outbox:once")
async def test_all_of_a_group_is_accepted_claimed_and_confirmed_as_one(grouped: Shop) -> None:
    ids = await approved(grouped)
    application, before = TasksLater(grouped.database), everything(grouped)
    assert await grouped.attempt(handlers={"app": application}) == [("accepted", "handler_accepted")]
    assert everything(grouped) == before
    with closing(Session(application.engine)) as session:
        claim = application.outbox.claim(session, "pay-1")
        assert claim is not None
        assert application.outbox.claim(session, "pay-2") is None
        application.outbox.confirm(session, claim, Came.APPLIED)
    assert await grouped.attempt(handlers={"app": application}) == [("already_applied", "")]
    assert [await grouped.status(each) for each in ids] == ["applied"] * 3
    assert everything(grouped) != before
    application.engine.dispose()


async def test_one_conflict_leaves_a_whole_group_undone(grouped: Shop) -> None:
    ids = await approved(grouped)
    application = Tasks(grouped.database)
    grouped.change("DELETE FROM {tasks} WHERE id = 3")
    before = everything(grouped)
    assert await grouped.attempt(handlers={"app": application}) == [("conflict", "row_gone")]
    assert [await grouped.status(each) for each in ids] == ["conflict"] * 3
    assert everything(grouped) == before
    application.engine.dispose()


async def test_a_part_of_a_group_that_is_recorded_alone_is_for_a_person(grouped: Shop) -> None:
    await approved(grouped)
    application = Tasks(grouped.database)
    lost = Answering(lambda _: Reply(heard=Heard.UNREACHED))
    await grouped.attempt(handlers={"app": lost})
    job = read(json.dumps(lost.asked[0]).encode())
    with closing(Session(application.engine)) as session:
        alone = once(session, replace(job, changes=job.changes[:1]), application.change)
    assert isinstance(alone, Answer)
    before = everything(grouped)
    assert await grouped.attempt(handlers={"app": application}) == [("reconciliation_required", "receipts_differ")]
    assert everything(grouped) == before
    application.engine.dispose()
