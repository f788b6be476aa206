"""A policy that is tested on the console's page: the same report as at the terminal, for whoever may activate, and nothing is changed by it."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from synapsor.approve.console import candidates
from synapsor.approve.console.candidates import MOST_TEXT, SPANS, charts_of
from synapsor.core.backtest import Day, Flips, Report
from synapsor.core.statements import SignedLogin, sign
from synapsor.flow.backtest import backtest
from synapsor.flow.signing import Signer
from tests.attack.desk import Hall, hall, word_of
from tests.attack.shop import WAIVER, open_shop
from tests.attack.test_worker_permission import AUTOMATIC, BILLING
from tests.databases import load_sqlite
from tests.deciding import reject

NONE = "\N{EN DASH}"
PAGE = "/charts/policies"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Hall]:
    """A console whose people approved one waiver and rejected another, under a contract without a policy."""
    database = load_sqlite(tmp_path / "billing.db")
    async with open_shop(tmp_path / "project", database, policy=BILLING) as shop, hall(shop) as found:
        await shop.approved(WAIVER, {"invoice_id": "INV-3002", "reason": "Paid the next day."})
        bad = await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": HOSTILE})
        await reject(
            shop.ledger,
            bad["id"],
            digest=bad["digest"],
            signer=Signer(operator=shop.files.operators["leo"], key=shop.files.keys["leo"]),
            operators=shop.files.operators,
            now=shop.project.clock.now(),
            reason=f"They pay late. {HOSTILE}",
        )
        await shop.work()
        yield found


async def asked(client: httpx2.AsyncClient, word: str, **form: str) -> tuple[int, str]:
    """Return the answer to a form, in plain words."""
    answer = await client.post(PAGE, data={"csrf": word, "days": "90", "kind": "text", "text": AUTOMATIC, **form})
    assert re.findall(r"<script>|<img|onerror=a[^l]", answer.text) == []
    return answer.status_code, " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


@pytest.mark.requirement("console:policy-test")
async def test_a_pasted_policy_is_reported_as_at_the_terminal_and_nothing_is_recorded_by_it(desk: Hall) -> None:
    async with desk.client() as client:
        word = await desk.login(client, "rita")
        before = await desk.shop.ledger.head()
        assert "Decide again" in (await client.get(PAGE)).text
        status, told = await asked(client, word)
        assert status == 200
        assert "Red. 1 proposal that a person had rejected would pass: look at each before you activate this." in told
        assert "Red: 1 that a person had rejected would pass" in told
        assert "billing.small_fees approves it; was rejected by leo" in told
        assert "late_fee_cents 5500 to 0 cents" in told
        assert "Green: 1 that people approved would pass: reviews that are saved" in told
        assert "2.0 Reviews a day, as it was" in told or "Reviews a day, as it was 2.0" in told
        status, told = await asked(client, word, capability="billing.propose_note")
        assert (status, "No proposal since" in told) == (200, True)
        for kind in ("files", "active"):
            status, told = await asked(client, word, kind=kind, text="")
            assert status == 200
            assert "Red:" not in told or "Red: 0" in told
        (desk.shop.files.root / "policies" / "billing.yaml").write_text(AUTOMATIC, encoding="utf-8")
        assert "Red: 1" in (await asked(client, word, kind="files", text=""))[1]
        assert "Red: 1" not in (await asked(client, word, kind="active", text=""))[1]
        assert await desk.shop.ledger.head() == before


@pytest.mark.requirement("console:policy-test")
async def test_only_who_may_activate_contracts_has_a_policy_tested(desk: Hall) -> None:
    async with desk.client() as client:
        word = await desk.login(client, "leo")
        shown = (await client.get(PAGE)).text
        assert "Decide again" not in shown
        assert "contract_reviewer" in shown
        status, told = await asked(client, word)
        assert (status, "Red" in told) == (403, False)
    async with desk.client() as client:
        assert (await asked(client, "none"))[0] == 303


@pytest.mark.requirement("console:policy-test")
async def test_a_login_that_does_not_carry_the_role_has_no_policy_tested_though_the_person_has_it(desk: Hall) -> None:
    async with desk.client() as client:
        code = await desk.begin(client)
        whole = await desk.sign(code, "rita")
        login = replace(whole.login, roles=())
        narrow = SignedLogin(login=login, signature=sign(login, desk.shop.files.keys["rita"]))
        assert (await desk.hand_over(code, narrow)).status_code == 200
        assert (await client.get("/login/wait")).headers["location"] == "/"
        word = word_of((await client.get("/settings")).text)
        shown = (await client.get(PAGE)).text
        assert ("Decide again" in shown, "contract_reviewer" in shown) == (False, True)
        status, told = await asked(client, word)
        assert (status, "Red" in told, "contract_reviewer" in told) == (403, False, True)


@pytest.mark.requirement("console:policy-test")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("synapsor: 1\ncontract: billing\nsurprise: yes\n", 3),
        (AUTOMATIC.replace("at_most: 6000", "at_most: <script>"), None),
        ("a: &a [1]\nb: [*a, *a]\n", None),
        ("[" * 30_000, None),
        ("- no\n- contract", 1),
        ("synapsor: 1\nname: \u202eevil\n", 2),
    ],
)
async def test_a_text_that_is_no_contract_is_told_by_its_lines_and_decides_nothing(
    desk: Hall, text: str, line: int | None
) -> None:
    async with desk.client() as client:
        word = await desk.login(client, "rita")
        status, told = await asked(client, word, text=text)
        assert status == 422
        assert "This contract is not in order, so nothing was decided" in told
        assert line is None or f"what you pasted , line {line}:" in told
        assert "What would be other" not in told


@pytest.mark.requirement("console:policy-test")
async def test_a_form_that_is_not_whole_or_too_large_is_refused(desk: Hall) -> None:
    async with desk.client() as client:
        word = await desk.login(client, "rita")
        for form in ({"kind": "file:///etc"}, {"days": "10000"}, {"text": " "}, {"text": "x" * (MOST_TEXT + 1)}):
            assert (await asked(client, word, **form))[0] == 400, form


@pytest.mark.requirement("console:policy-test")
async def test_one_policy_is_tested_at_a_time_and_none_for_longer_than_a_page_waits(
    desk: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*arguments: object, **options: object) -> Report:
        begun.set()
        await go_on.wait()
        return await backtest(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(candidates, "backtest", slow)
    async with desk.client() as client:
        word = await desk.login(client, "rita")
        first = asyncio.create_task(asked(client, word))
        await begun.wait()
        status, told = await asked(client, word)
        assert (status, "Somebody is having a policy tested at this moment." in told) == (400, True)
        go_on.set()
        assert (await first)[0] == 200
        go_on.clear()
        monkeypatch.setattr(candidates, "MOST_SECONDS", 0)
        status, told = await asked(client, word)
        assert (status, "There is more to decide again than a page waits for." in told) == (400, True)
        monkeypatch.setattr(candidates, "MOST_SECONDS", 60)
        go_on.set()
        assert (await asked(client, word))[0] == 200


@pytest.mark.requirement("console:policy-test")
def test_the_charts_have_every_day_between_the_first_and_the_last_and_add_up() -> None:
    lists = ("candidate", "crossings", "approves", "left", "money")
    kinds = ("red", "amber", "green", "unseen", "stricter")
    nothing: dict[str, Any] = {**dict.fromkeys(lists, ()), **dict.fromkeys(kinds, Flips(count=0, examples=()))}
    report = Report(
        since="2026-11-01T00:00:00Z",
        until="2026-11-05T00:00:00Z",
        days=4,
        looked_at=5,
        reviews_before=5,
        reviews_after=3,
        per_day=(
            Day(day="2026-11-01", came_in=3, by_person=2, undecided=1, would_policy=2, would_person=1, red=1),
            Day(day="2026-11-04", came_in=2, by_policy=2, unknown=2),
        ),
        **nothing,
    )
    was, would = charts_of(report)
    assert was.rows == (
        ("2026-11-04", (NONE, "2", NONE)),
        ("2026-11-03", (NONE, NONE, NONE)),
        ("2026-11-02", (NONE, NONE, NONE)),
        ("2026-11-01", ("2", NONE, "1")),
    )
    assert [bar.words for bar in would.drawings[0].bars] == [
        "2026-11-01: left to people, 1",
        "2026-11-01: approved by the candidate, 2",
        "2026-11-01: of these rejected by a person, 1",
        "2026-11-04: not told, 2",
    ]
    assert max(SPANS) <= 366
