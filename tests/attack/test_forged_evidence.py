"""Whoever writes the ledger's file puts a read there that nobody made, or another role into one that somebody did: nothing rests on it, and
nobody looks behind anything by it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from synapsor.errors import DecisionRefused, UsageError
from synapsor.flow.reveal import behind, reveal
from synapsor.testing import Trial
from synapsor.values import canonical, digest_bytes
from tests.attack.amending import signer_of
from tests.attack.people import MAIL, POLICY, people_table
from tests.attack.shop import Shop, as_ledger_owner, open_shop, told_by_owner
from tests.databases import Database
from tests.unit.deciding import fees
from tests.unit.test_workflow import WORKFLOW, ask, read

pytestmark = pytest.mark.requirement("evidence:as-recorded")
Raw = Any
HANDLE = "f" * 20
LIST = "billing.list_overdue"


async def looked(shop: Shop, subject: str) -> dict[str, str]:
    """Let leo, who is a lead and no privacy officer, look behind a token or what a bundle keeps of a column."""
    asked = await behind(shop.ledger, subject, "email")
    operators, now = shop.files.operators, shop.project.clock.now()
    _, values = await reveal(
        shop.ledger, asked, signer=signer_of(shop, "leo"), operators=operators, reason="Curious.", now=now
    )
    return values


async def test_who_puts_their_own_role_into_the_evidence_looks_behind_nothing_by_it(
    tmp_path: Path, sqlite_db: Database
) -> None:
    with people_table(sqlite_db):
        async with open_shop(tmp_path / "project", sqlite_db, policy=POLICY) as shop:
            seen = await shop.call("people.inspect", {"person": "P-1"})
            subjects = seen["data"]["row"]["email"], seen["evidence"]["id"]
            for subject in subjects:
                with pytest.raises(DecisionRefused, match="privacy_officer"):
                    await looked(shop, subject)
            with as_ledger_owner(shop) as raw:
                raw.execute("UPDATE evidence SET body = replace(body, 'privacy_officer', 'billing_lead')")
            for subject in subjects:
                with pytest.raises(UsageError, match="no such token or evidence"):
                    await looked(shop, subject)
            with as_ledger_owner(shop) as raw:
                (value,) = raw.execute("SELECT count(*) FROM reveal WHERE instr(body, ?)", (MAIL,)).fetchone()
            assert value == 0


async def test_a_bundle_that_somebody_put_before_it_hides_no_honest_one(tmp_path: Path, sqlite_db: Database) -> None:
    with people_table(sqlite_db):
        async with open_shop(tmp_path / "project", sqlite_db, policy=POLICY) as shop:
            token = (await shop.call("people.inspect", {"person": "P-1"}))["data"]["row"]["email"]
            await shop.call("people.inspect", {"person": "P-2"})
            with as_ledger_owner(shop) as raw:
                raw.execute(
                    "UPDATE evidence SET body = replace(body, 'privacy', ?) WHERE seq = (SELECT max(seq) FROM evidence)",
                    (token,),
                )
            with pytest.raises(DecisionRefused, match="privacy_officer"):
                await looked(shop, token)


def unguarded(trial: Trial) -> Raw:
    """Return the ledger's own connection, as whoever owns its file has one: no trigger and no foreign key stands."""
    raw = trial.ledger._connection._writer  # type: ignore[attr-defined]  # it is in memory, where nobody else comes to it
    raw.execute("PRAGMA foreign_keys = OFF")
    return raw


def planted(raw: Raw, *, tells: bool) -> None:
    """Make a read of the list out of that of the row; `tells`: with an event of one's own that says so."""
    names = ("query_audit", "evidence")
    rows = {name: raw.execute(f"SELECT * FROM {name} ORDER BY seq LIMIT 1").fetchone() for name in names}
    new = {"query_audit": {"id": f"aud_{HANDLE}", "evidence": f"ev_{HANDLE}"}, "evidence": {"id": f"ev_{HANDLE}"}}
    texts = {n: canonical({**orjson.loads(row["body"]), **new[n], "capability": LIST}) for n, row in rows.items()}
    named = {n: [str(new[n]["id"]), digest_bytes(n, text)] for n, text in texts.items()}
    seq = told_by_owner(raw, "read", f"aud_{HANDLE}", {}, **named) if tells else 900
    for name, row in rows.items():
        row |= {**new[name], "seq": seq, "capability": LIST, "body": texts[name].decode()}
        raw.execute(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))


@pytest.mark.parametrize("tells", [False, True], ids=["without an event", "with an event of their own"])
async def test_a_read_that_nobody_made_is_nothing_to_rest_a_proposal_on(*, tells: bool) -> None:
    async with fees(WORKFLOW) as trial:
        await trial.call("billing.inspect", invoice_id="INV-3001")
        planted(unguarded(trial), tells=tells)
        assert (await ask(trial))["error"]["message"].endswith(f"Missing in this run: {LIST}.")
        assert await trial.ledger.evidence(f"ev_{HANDLE}") is None


CHANGES = {
    "another run's": "UPDATE query_audit SET run = :run",
    "another run's, all of it": "UPDATE query_audit SET run = :run, body = replace(body, 'run_other', :run)",
    "of another row": "UPDATE evidence SET body = replace(body, 'INV-3002', 'INV-3001')",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_read_that_was_another_one_is_nothing_to_rest_a_proposal_on(change: str) -> None:
    async with fees(WORKFLOW) as trial:
        await read(trial, replace(trial.session, run="run_other"))
        await read(trial, invoice="INV-3002")
        raw = unguarded(trial)
        guards = raw.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for guard in guards:
            raw.execute(f"DROP TRIGGER {guard['name']}")
        raw.execute(change, {"run": trial.session.run})
        for guard in guards:
            raw.execute(guard["sql"])
        assert (await ask(trial))["error"]["code"] == "evidence_required"
