"""How large a page is and how much work it takes: bounded, whatever rows, models and other proposals hold, and what is left out is said."""

import html
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from synapsor.approve.card.extent import ON_A_PAGE
from synapsor.approve.card.read import all_told, named
from synapsor.approve.card.teller import Teller
from synapsor.core.proposal import Proposal
from tests.attack.desk import Hall, hall, refusals
from tests.attack.shop import NOTE, open_shop
from tests.console import PAPER, policy
from tests.crowd import HOSTILE, MEGABYTE, WORD, Filed, another, file_all, row
from tests.databases import load_sqlite, sqlite_path
from tests.decisions import NOW

MOST_BYTES = 700_000
WIDE = 40


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop, hall(shop) as found:
        yield found


@pytest_asyncio.fixture
async def papers(tmp_path: Path) -> AsyncIterator[Hall]:
    database = load_sqlite(tmp_path / "billing.db")
    async with open_shop(tmp_path / "project", database, policy=policy()) as shop, hall(shop) as found:
        yield found


async def a_note(desk: Hall) -> Proposal:
    filed = await desk.shop.proposed(NOTE, {"invoice_id": "INV-3001", "note": "Call back."})
    return (await desk.shop.record(filed["id"])).proposal


async def page_of(client: httpx2.AsyncClient, proposal: str) -> str:
    answer = await client.get(f"/proposals/{proposal}")
    assert (answer.status_code, len(answer.content) < MOST_BYTES) == (200, True), len(answer.content)
    return html.unescape(answer.text)


@pytest.mark.requirement("console:page-size")
async def test_a_text_of_very_many_lines_or_places_is_cut_and_is_not_approved_on_the_page(desk: Hall) -> None:
    like = await a_note(desk)
    texts = {
        "lines": ("a\n" * 15_000, "b\n" * 15_000),
        "sentences": ("a! " * 15_000, "b! " * 15_000),
        "places": tuple(json.dumps({str(n): value for n in range(4000)}) for value in (1, 2)),
        "one long one": ("W" * MEGABYTE, "short"),
        "marks of a page": ("", "<'\"&>" * 15_000),
    }
    filed = [another(like, members=row(like, before={"note": old}, after=new)) for old, new in texts.values()]
    few = another(like, members=row(like, before={"note": "a\n" * 50}, after="b\n" * 50))
    await file_all(desk.shop.ledger, [*filed, few])
    async with desk.client() as client:
        await desk.login(client)
        for name, one in zip(texts, filed, strict=True):
            told = await page_of(client, one.proposal.id)
            cut = "This proposal is too large to be shown whole here" in told
            assert cut is (name != "marks of a page"), name
            assert not cut or 'action="/proposals/' + one.proposal.id + '/approve"' not in told
        assert "This proposal is too large to be shown whole here" not in await page_of(client, few.proposal.id)


@pytest.mark.requirement("console:page-size")
async def test_of_what_was_read_only_what_is_told_is_looked_through_and_the_rest_is_counted(desk: Hall) -> None:
    like = await a_note(desk)
    reads: list[Filed] = [
        another(like, rows=[[f"N-{n}", HOSTILE, "5500", None, "\u202e'" * 300] for n in range(10_000)]),
        another(like, rows=[["\u202e'" * 3000] * 5] * 3),
        another(like, rows=[]),
    ]
    await file_all(desk.shop.ledger, reads)
    for one, (most, all_of_them) in zip(reads, ((50, 10_000), (3, 3), (0, 0)), strict=True):
        (own,) = all_told(
            named(one.proposal, one.evidence, {}), Teller((), now=NOW, most=ON_A_PAGE.text), {}, ON_A_PAGE
        )
        (part,) = own.rows
        assert len(part.rows) <= most
        assert len(part.rows) + part.more == all_of_them
        characters = sum(len(value.text.text) for cells in part.rows for value in cells)
        assert ON_A_PAGE.read is not None
        assert characters <= ON_A_PAGE.read * 6  # as it is written out


@pytest.mark.requirement("console:page-size")
async def test_many_wide_reads_share_what_a_page_tells(desk: Hall) -> None:
    like = await a_note(desk)
    wide = another(like, rows=[["x" * 600] * WIDE] * 50)
    evidence = {**wide.evidence, "columns": [[f"c{n}", "text"] for n in range(WIDE)]}
    parts = {f"list_{n}": {"columns": evidence["columns"], "rows": evidence["rows"]} for n in range(8)}
    (read,) = named(like, None, {})
    told = all_told(
        [read.__class__(handle="ev", capability="c", own=True, proof="proven", body={**evidence, "lists": parts})],
        Teller((), now=NOW, most=ON_A_PAGE.text),
        {},
        ON_A_PAGE,
    )
    shown = sum(len(value.text.text) for part in told[0].rows for cells in part.rows for value in cells)
    assert ON_A_PAGE.read is not None
    assert shown <= ON_A_PAGE.read
    assert [len(part.rows) + part.more for part in told[0].rows] == [50] * 9


@pytest.mark.requirement("console:page-size")
async def test_texts_of_a_megabyte_in_a_key_a_value_a_person_and_a_client_are_listed_in_short(desk: Hall) -> None:
    like = await a_note(desk)
    texts = ("W" * MEGABYTE, (HOSTILE * 9000)[:MEGABYTE], "a\u0301\u0302\u0303 \u202e" * (MEGABYTE // 6))
    filed = [
        another(like, members=row(like, key=text, before={"note": text}, after=text + "."), principal=text, client=text)
        for text in texts
    ]
    await file_all(desk.shop.ledger, filed)
    async with desk.client() as client:
        await desk.login(client)
        for path in ("/", "/history", "/?q=evil", *(f"/proposals/{one.proposal.id}" for one in filed)):
            answer = await client.get(path)
            assert (answer.status_code, len(answer.content) < MOST_BYTES) == (200, True), path
            assert "\u202e" not in answer.text


@pytest.mark.requirement("console:page-size", "console:batch")
async def test_a_page_of_several_shows_as_much_as_that_of_one_and_what_has_no_room_is_not_approved_with_them(
    desk: Hall,
) -> None:
    like = await a_note(desk)
    befores = {
        "huge": [(HOSTILE * 9000)[:MEGABYTE]] * 2,
        "word": [WORD] * 9,
        "lines": ["a\n" * 900] * 2,
        "wide": ["<'&>" * 1500] * 6,
        "small": ["Short."] * 3,
    }
    new = like.members[0].changes["note"]
    assert new is not None
    filed = {
        kind: [another(like, members=row(like, before={"note": text}, after=new)) for text in texts]
        for kind, texts in befores.items()
    }
    everything = [one.proposal for several in filed.values() for one in several]
    await file_all(desk.shop.ledger, [one for several in filed.values() for one in several])
    async with desk.client() as client:
        word = await desk.login(client)
        answer = await client.post("/batch", data={"csrf": word, "pick": [one.id for one in everything]})
        assert (answer.status_code, len(answer.content) < MOST_BYTES) == (200, True), len(answer.content)
        together = set(re.findall(r'name="pick" value="(\S+) sha256:', answer.text))
        shown = {kind: sum(one.proposal.id in together for one in several) for kind, several in filed.items()}
        assert shown == {"huge": 0, "word": 9, "lines": 1, "wide": 2, "small": 3}
        assert answer.text.count("It does not fit on this page with the others.") == len(everything) - len(together)
        picks = [f"{one.id} {one.digest}" for one in everything]
        sent = await client.post("/batch/approve", data={"csrf": word, "seen": "yes", "pick": picks})
        assert sent.status_code == 200
    alone = {one.id for one in everything} - together
    assert {tuple(refusals(desk.shop, name)) for name in alone} == {(("leo", "alone"),)}
    assert [name for name in together if ("leo", "alone") in refusals(desk.shop, name)] == []


@pytest.mark.requirement("console:page-size")
@pytest.mark.parametrize("text", ["W" * MEGABYTE, (HOSTILE * 9000)[:MEGABYTE]])
async def test_a_row_that_has_become_a_megabyte_since_is_told_in_short_beside_the_proposal(
    papers: Hall, text: str
) -> None:
    shop = papers.shop
    filed = await shop.proposed(PAPER, {"paper": "H-acme-01", "note": "Short."})
    with closing(sqlite3.connect(sqlite_path(shop.files.database))) as raw, raw:
        assert raw.execute("UPDATE hostile_invoices SET note = ? WHERE id = 'H-acme-01'", (text,)).rowcount == 1
    async with papers.client() as client:
        await papers.login(client)
        told = await page_of(client, filed["id"])
    assert "a row is not as it was: the worker would end this in a conflict" in told
    assert str(MEGABYTE) in told.replace(",", "")
