"""Whoever writes the ledger puts rows into it that are none of ours; each of them counts as nothing, and keeps nobody from deciding."""

import copy
import json
import sqlite3
from pathlib import Path
from typing import Any

import anyio
import pytest

from synapsor import handles
from synapsor.errors import IntegrityError
from tests.attack.desk import approval, hall
from tests.attack.shop import WAIVER, Shop, as_ledger_owner, open_shop
from tests.attack.test_console import a_note
from tests.databases import load_sqlite

AT = "2026-11-29T00:00:00.000000Z"
SIGNATURE = "A" * 86 + "=="
LOGIN = {
    "id": "log_x",
    "ledger": "led_x",
    "operator": "leo",
    "key": "A" * 43 + "=",
    "method": "key",
    "voucher": "",
    "issuer": "",
    "subject": "",
    "roles": ["billing_lead"],
    "client": "x",
    "at": AT,
    "expires_at": "2026-11-29T01:00:00.000000Z",
}


def _login(**changes: Any) -> dict[str, Any]:
    return {"login": {"login": {**LOGIN, **changes}, "signature": SIGNATURE}}


ODD: dict[str, dict[str, Any]] = {
    "a login from yesterday on": _login(at="yesterday"),
    "a login in no zone": _login(at="2026-11-29T00:00:00.000000"),
    "a login with a number of roles": _login(roles=5),
    "a list for a login": {"login": []},
    "half a character": {"decision": {"reason": "\ud800"}},
    "a number for an instant": {"decision": {"expires_at": 5}},
    "no instant": {"decision": {"at": "zzz"}},
    "an hour that there is not": {"decision": {"at": "2026-11-29T25:00:00.000000Z"}},
    "a year at the end of all": {"decision": {"at": "9999-12-31T23:59:59.999999Z"}},
    "an integer beyond any": {"decision": {"step_up": {"method": "totp", "step": 10**30, "code": "1"}}},
    "a code of no kind": {"decision": {"step_up": {"method": "zzz", "step": 1, "code": "1"}}},
    "a list of operators": {"decision": {"operator": ["leo"]}},
    "an unknown verdict": {"decision": {"verdict": "perhaps"}},
    "a field more": {"decision": {"more": "x"}},
    "no decision": {"decision": None},
}


def odd_decision(
    raw: sqlite3.Connection, proposal: str, digest: str, number: int, changes: dict[str, Any], *, between: str = ","
) -> str:
    """Insert a decision of which a part is what no decision has, or which is spelled as none is."""
    told: dict[str, Any] = {
        "id": handles.new("dec"),
        "ledger": "led_x",
        "proposal": proposal,
        "digest": digest,
        "verdict": "approve",
        "operator": "leo",
        "role": "billing_lead",
        "at": AT,
        "expires_at": "2027-01-01T00:00:00.000000Z",
        "reason": "",
        "nonce": "n" * 32,
    }
    handle = str(told["id"])
    body: dict[str, Any] = {"decision": told, "signature": SIGNATURE, "login": None}
    for name, changed in copy.deepcopy(changes).items():
        body[name] = {**told, **changed} if name == "decision" and changed is not None else changed
    text = json.dumps(body, separators=(between, ":"), sort_keys=True)
    put(raw, "decision", number, id=handle, at="zzz", proposal=proposal, operator="leo", verdict="approve", body=text)
    return handle


def put(raw: sqlite3.Connection, table: str, number: int, /, **columns: Any) -> None:
    """Insert a row of a kind, under a number far beyond all."""
    names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
    raw.execute(
        f"INSERT INTO {table} (seq, {names}) VALUES ({10_000 + number}, {marks})",
        tuple(columns.values()),
    )


def every_odd_row(raw: sqlite3.Connection, proposal: str, digest: str) -> list[str]:
    """Put a row of each odd form beside a proposal, and return what they are called."""
    found = [
        f"decision {odd_decision(raw, proposal, digest, number, changes)}"
        for number, changes in enumerate(ODD.values())
    ]
    found.append(f"decision {odd_decision(raw, proposal, digest, 200, {}, between=', ')}")
    columns = {"at": AT, "proposal": proposal, "operator": "leo"}
    for number, body in enumerate(("", "{", "[]", '{"a":1,"a":2}', "{ }", "[" * 3000, '{"q":NaN}'), 100):
        put(raw, "decision", number, id=f"dec_{number}", verdict="approve", body=body, **columns)
        put(raw, "question", number, id=f"que_{number}", body=body, **columns)
        found += [f"decision dec_{number}", f"question que_{number}"]
    raw.execute(
        "INSERT INTO decision (seq, id, at, proposal, operator, verdict, body)"
        " VALUES (10300, 'dec_300', CAST(x'ff' AS TEXT), ?, 'leo', 'approve', CAST(x'7bff7d' AS TEXT))",
        (proposal,),
    )
    return [*found, "decision dec_300"]


@pytest.mark.requirement("ledger:unreadable")
async def test_what_is_none_of_ours_counts_as_nothing_and_reviewers_go_on(tmp_path: Path) -> None:
    async with (
        open_shop(tmp_path / "p", load_sqlite(tmp_path / "billing.db")) as shop,
        hall(shop) as desk,
        desk.client() as client,
    ):
        proposal, digest = await a_note(desk)
        word = await desk.login(client)
        with as_ledger_owner(shop) as raw:
            odd = every_odd_row(raw, proposal, digest)
        assert sorted((await shop.record(proposal)).unreadable) == sorted(odd)
        for path in ("/", f"/proposals/{proposal}", "/history", "/charts", "/ledger", "/worker"):
            assert (await client.get(path)).status_code == 200, path
        page = await client.get(f"/proposals/{proposal}")
        assert f"{len(odd)} records beside it are none of ours, and counted as nothing" in page.text
        assert (await client.post(f"/proposals/{proposal}/approve", data=approval(word, digest))).status_code == 303
        assert await shop.work() == [("applied", "")]
        assert not (await shop.project.verify()).ok


@pytest.mark.requirement("ledger:unreadable")
async def test_what_was_approved_is_applied_whatever_lies_beside_it(tmp_path: Path) -> None:
    async with open_shop(tmp_path / "p", load_sqlite(tmp_path / "billing.db")) as shop:
        approved = await shop.waiver()
        with as_ledger_owner(shop) as raw:
            every_odd_row(raw, approved, (await shop.record(approved)).proposal.digest)
        assert await shop.work() == [("applied", "")]
        assert shop.invoice() == (0, "Paid next day.", 2)


@pytest.mark.requirement("ledger:unreadable")
async def test_an_event_that_follows_none_loses_nothing_of_what_was_approved(tmp_path: Path) -> None:
    async with open_shop(tmp_path / "p", load_sqlite(tmp_path / "billing.db")) as shop:
        approved = await shop.waiver()
        told = {"at": AT, "facts": {}, "kind": "policy_deferred", "records": {}, "subject": approved}
        body = json.dumps(told, separators=(",", ":"), sort_keys=True)
        with as_ledger_owner(shop) as raw:
            put(
                raw,
                "event",
                0,
                at=AT,
                kind="policy_deferred",
                subject=approved,
                body=body,
                prev="x",
                hash="x",
                seal="x",
            )
        assert (await shop.record(approved)).unreadable == ("event 10000",)
        with pytest.raises(IntegrityError, match="does not follow"):
            await shop.work()
        with as_ledger_owner(shop) as raw:
            raw.execute("DELETE FROM event WHERE seq = 10000")
        assert await shop.work() == [("applied", "")]
        assert [receipt.attempt for receipt in (await shop.record(approved)).receipts] == [1]


@pytest.mark.requirement("ledger:unreadable")
async def test_a_proposal_that_cannot_be_read_is_told_to_who_asks_for_it_and_keeps_no_other_from_being_seen(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path / "p", load_sqlite(tmp_path / "billing.db")) as shop:
        broken = (await shop.proposed(WAIVER, {"invoice_id": "INV-3001", "reason": "Paid."}))["id"]
        whole = (await shop.proposed(WAIVER, {"invoice_id": "INV-3002", "reason": "Paid."}))["id"]
        with as_ledger_owner(shop) as raw:
            raw.execute("UPDATE proposal SET body = '{' WHERE id = ?", (broken,))
        with pytest.raises(IntegrityError):
            await shop.ledger.proposal(broken)
        assert [record.proposal.id for record in await shop.ledger.inbox(status=None, limit=9)] == [whole]
        told = {command: await _command(shop, *command) for command in (("show", broken), ("show", whole), ("inbox",))}
        assert {command[0:1]: code for command, code in told.items() if command[-1] != whole} == {
            ("show",): 5,
            ("inbox",): 0,
        }
        assert told["show", whole] == 0
        assert await shop.work() == []


async def _command(shop: Shop, *arguments: str) -> int:
    ran = await anyio.run_process(
        shop.files.command(*arguments), env=shop.files.environment, cwd=shop.files.root, check=False
    )
    assert b"Unexpected" not in ran.stderr
    return ran.returncode
