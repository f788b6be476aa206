"""The pages about handlers: the application of the how-to applies as it stands there, and the protocol's page says what the code says."""

import hashlib
import json
import re
import types
from dataclasses import replace
from pathlib import Path

import pytest

from synapsor.handler import Answer, Job, read, sign
from synapsor.handler.answer import Confirmation, read_answer
from synapsor.handler.wire import CODES, MOST_AGAIN_SECONDS, MOST_AGE_SECONDS, MOST_ANSWER_BYTES, Ask, Came
from tests.databases import Database, execute
from tests.handlers.invoices import SECRET, url_of
from tests.handlers.serving import POLICY, handled_shop, prepare, served
from tests.projects import ROOT

HOW_TO = (ROOT / "docs" / "how-to" / "let-the-application-apply.md").read_text(encoding="utf-8")
EFFECTS = (ROOT / "docs" / "how-to" / "effects-outside.md").read_text(encoding="utf-8")
PROTOCOL = (ROOT / "docs" / "reference" / "handler.md").read_text(encoding="utf-8")


def block(page: str, kind: str) -> str:
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.requirement("docs:true")
async def test_the_application_of_the_page_applies_what_was_approved(
    tmp_path: Path, sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url_of(sqlite_db))
    monkeypatch.setenv("SYNAPSOR_SECRET", SECRET)
    application = types.ModuleType("application")
    exec(compile(block(HOW_TO, "python application"), "application", "exec"), application.__dict__)
    prepare(sqlite_db)
    policy = POLICY.replace("executor: app", "executor: shop_app")
    async with (
        served(application.app) as port,
        handled_shop(
            tmp_path / "project", sqlite_db, f"http://127.0.0.1:{port}/synapsor", policy=policy, name="shop_app"
        ) as shop,
    ):
        proposal = await shop.waiver()
        assert await shop.work() == [("applied", "")]
        assert shop.invoice() == (0, "Paid next day.", 2)
        assert await shop.status(proposal) == "applied"
    application.engine.dispose()


@pytest.mark.requirement("docs:true")
def test_the_examples_of_the_protocol_are_a_job_and_its_answer() -> None:
    job = read(block(PROTOCOL, "json request").encode())
    assert (job.ask, job.changes[0].members[0].changes) == (Ask.APPLY, {"late_fee_cents": 0})
    answer = read_answer(block(PROTOCOL, "json answer").encode())
    assert answer == Answer.of(job, Came.APPLIED)
    assert answer.body() == json.dumps(json.loads(block(PROTOCOL, "json answer"))).encode()


@pytest.mark.requirement("docs:true")
def test_the_protocols_page_has_each_word_number_and_signature_of_the_code() -> None:
    assert sign(SECRET, b"{}", executor="shop_app", at=1000) in PROTOCOL
    assert SECRET in PROTOCOL
    assert f"more\nthan {MOST_AGE_SECONDS} seconds" in PROTOCOL
    assert f"{MOST_ANSWER_BYTES // 2**20} MiB" in PROTOCOL
    assert set(re.findall(r"^\| `(conflict|failed)` \| `([a-z_]+)` \|", PROTOCOL, re.MULTILINE)) == {
        (came.value, code) for came, codes in CODES.items() for code in codes
    }
    assert set(re.findall(r"^\| (\d{3}) \| `([a-z_]+)` \|", PROTOCOL, re.MULTILINE)) == {
        (str(came.status), came.value) for came in Came
    }
    assert all(f"`{ask}`" in PROTOCOL for ask in Ask)


class NoFunds(Exception):
    """The provider does not pay."""


class Unreachable(Exception):
    """The provider does not answer."""


@pytest.mark.requirement("docs:true")
async def test_the_application_and_the_dispatcher_of_the_page_about_effects_do_what_it_says(
    tmp_path: Path, sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url_of(sqlite_db))
    monkeypatch.setenv("SYNAPSOR_SECRET", SECRET)
    application = types.ModuleType("application")
    paid: list[str] = []
    says: list[Exception | str] = ["receipt 7", Unreachable(), NoFunds("none")]

    def pay_out(job: Job, *, idempotency_key: str) -> str:
        paid.append(idempotency_key)
        said = says.pop()
        if isinstance(said, Exception):
            raise said
        return f"{said} for {job.id}"

    application.__dict__.update(pay_out=pay_out, NoFunds=NoFunds, Unreachable=Unreachable)
    for part in ("application", "dispatcher"):
        exec(compile(block(EFFECTS, f"python {part}"), part, "exec"), application.__dict__)
    application.__dict__["outbox"] = replace(application.outbox, again=0)
    prepare(sqlite_db)
    policy = POLICY.replace("executor: app", "executor: shop_app")
    async with (
        served(application.app) as port,
        handled_shop(
            tmp_path / "project", sqlite_db, f"http://127.0.0.1:{port}/synapsor", policy=policy, name="shop_app"
        ) as shop,
    ):
        refused = await shop.waiver()
        assert await shop.attempt() == [("accepted", "handler_accepted")]
        assert application.dispatch("pay-1")
        assert await shop.attempt() == [("failed", "handler_refused")]
        proposal = await shop.waiver()
        assert await shop.attempt() == [("accepted", "handler_accepted")]
        assert (application.dispatch("pay-1"), application.dispatch("pay-1")) == (True, False)
        execute(sqlite_db, "UPDATE synapsor_outbox SET due_at = 0")
        assert application.dispatch("pay-2")
        assert await shop.attempt() == [("already_applied", "")]
        assert shop.invoice() == (0, "Paid next day.", 2)
        assert [await shop.status(one) for one in (refused, proposal)] == ["failed", "applied"]
        assert (paid[1], len(set(paid))) == (paid[2], 2)
    application.engine.dispose()


@pytest.mark.requirement("docs:true")
def test_the_example_of_a_confirmation_is_an_answer() -> None:
    answer = read_answer(block(PROTOCOL, "json confirmed").encode())
    assert answer is not None
    confirmed = Confirmation(
        by="pay-1", at="2026-11-29T12:00:00.000000Z", evidence=f"sha256:{hashlib.sha256(b'password').hexdigest()}"
    )
    assert (answer.came, answer.confirmed) == (Came.ALREADY_APPLIED, confirmed)
    assert f"0 to {MOST_AGAIN_SECONDS}" in PROTOCOL
