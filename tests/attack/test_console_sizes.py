"""How large a page is and how much work it takes: bounded, whatever rows, models and other proposals hold, and what is left out is said."""

import html
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from synapsor.approve.extent import ON_A_PAGE
from synapsor.approve.read import all_told, named
from synapsor.approve.teller import Teller
from synapsor.core.proposal import Proposal
from tests.attack.desk import Hall, hall
from tests.attack.shop import NOTE, open_shop
from tests.crowd import HOSTILE, MEGABYTE, Filed, another, file_all, row
from tests.databases import load_sqlite
from tests.decisions import NOW

MOST_BYTES = 700_000
WIDE = 40


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Hall]:
    async with open_shop(tmp_path / "project", load_sqlite(tmp_path / "billing.db")) as shop, hall(shop) as found:
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
