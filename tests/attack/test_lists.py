"""Every list of proposals tells the same of one, whether a person looks at it on a terminal or in a browser."""

import html
from pathlib import Path

import pytest

from synapsor.approve.card.card import card_of
from synapsor.approve.card.outline import outline
from synapsor.approve.terminal.card import render as render_card
from synapsor.approve.terminal.inbox import render, summary
from tests.attack.credits import POLICY
from tests.attack.desk import hall
from tests.attack.test_console_amend import Clock, asked, form, sent
from tests.attack.undoing import open_credits
from tests.databases import load_sqlite

STEPPED = POLICY.replace("approval: {role: billing_lead", "approval: {step_up: low, role: billing_lead")


@pytest.mark.requirement("inbox:same-told")
async def test_the_lists_of_terminal_and_browser_tell_of_edits_more_time_questions_and_codes_in_the_same_words(
    tmp_path: Path,
) -> None:
    database, clock = load_sqlite(tmp_path / "billing.db"), Clock()
    async with open_credits(tmp_path / "project", database, STEPPED, clock=clock) as shop, hall(shop) as desk:
        first, second, third = await asked(desk), await asked(desk, number=2), await asked(desk, less="1.10")
        async with desk.client() as leo:
            await desk.login(leo)
            fields = await form(leo, first)
            assert (await sent(desk, leo, first, {**fields, "arg.less": "2.10"})).status_code == 303
            clock.later(hours=1)
            word = await desk.login(leo)
            assert (await sent(desk, leo, second, await form(leo, second, "extend"), "extend")).status_code == 303
            question = {"csrf": word, "question": "Which one?"}
            assert (await leo.post(f"/proposals/{third}/ask", data=question)).status_code == 303
            page = " ".join(html.unescape((await leo.get("/")).text).split())
        now, operators = clock.now(), shop.project.deciders()
        records = await shop.ledger.first_to_expire(now=now.isoformat(), limit=10)
        listed = " ".join(render(records, now=now, operators=operators, width=400).split())
        told = [outline(record, now=now, operators=operators) for record in records]
        card = render_card(await card_of(shop.ledger, records[0], operators=operators, now=now), width=200)
        data = [summary(record, now=now, operators=operators)["step_up"] for record in records]
    said = {each for one in told for each in (one.origin, one.asked) if each}
    assert said == {"edited by leo", "given more time by leo", "1 question asked about it, 1 not answered"}
    for words in (*said, "billing_lead, with a one-time code"):
        assert words in listed, words
        assert words in page.replace("</bdi>", "").replace("<bdi>", ""), words
    assert ("with a one-time code" in card, data) == (True, [True, True, True])
