"""A column that is masked, a token or for aggregates only: what a model sees of it, what the ledger keeps, and what cannot be guessed."""

import json
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.core.hidden import Keeper, Place, last_four
from synapsor.core.scope import Session
from synapsor.errors import IntegrityError
from synapsor.flow.propose import proposal_view
from tests.attack.people import CARD, MAIL, POLICY, SALARY, people_table
from tests.attack.shop import Shop, open_shop, reopened
from tests.attack.test_canaries import ledger_bytes, logged
from tests.databases import Database
from tests.projects import ACME, GLOBEX, leo_approves
from tests.schemas import conforms

INSPECT, LIST, NOTE, CONTACT = "people.inspect", "people.list", "people.propose_note", "people.propose_contact"
NOTES, PERSON = "people.propose_notes", "people.propose_person"
TOKEN = re.compile(r"tok_[0-9a-f]{32}\Z")
HIDDEN = (MAIL, CARD, "CANARY", "1234567", *(f"7712340{n}" for n in (1, 2, 9)))


@pytest_asyncio.fixture
async def people(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    with people_table(database):
        async with open_shop(tmp_path / "project", database, policy=POLICY) as found:
            yield found


async def person(shop: Shop, key: str = "P-1", session: Session = ACME) -> dict[str, Any]:
    answer = await shop.call(INSPECT, {"person": key}, session)
    assert answer["ok"], answer["error"]
    row: dict[str, Any] = answer["data"]["row"]
    return row


@pytest.mark.requirement("hidden:shown-as-reviewed")
async def test_each_column_is_shown_as_its_rule_says(people: Shop) -> None:
    row = await person(people)
    assert set(row) == {"id", "name", "card", "email", "note"}
    assert row["card"] == "…4321"
    assert TOKEN.match(row["email"])
    assert (await person(people, "P-2"))["card"] == "…"
    assert {name: value for name, value in (await person(people, "P-3")).items() if value is None} == {
        "card": None,
        "email": None,
    }


@pytest.mark.requirement("hidden:shown-as-reviewed")
async def test_what_is_answered_is_what_the_published_schema_says(people: Shop) -> None:
    calls = [(INSPECT, {"person": "P-1"}), (INSPECT, {"person": "P-3"}), (LIST, {})]
    calls += [(CONTACT, {"person": key, "address": "new@x", "number": "123"}) for key in ("P-1", "P-3")]
    for name, arguments in calls:
        answer = await people.call(name, arguments)
        assert answer["ok"]
        conforms(answer, people.desk.tools[name].output_schema)
        assert "salary" not in json.dumps(people.desk.tools[name].output_schema)


@pytest.mark.requirement("hidden:token-stable")
async def test_a_token_is_the_same_for_one_tenant_and_another_one_for_another(people: Shop) -> None:
    mine, same, theirs = await person(people), await person(people, "P-2"), await person(people, "P-9", GLOBEX)
    assert mine["email"] == same["email"] == (await person(people))["email"]
    assert theirs["email"] != mine["email"]
    listed = (await people.call(LIST))["data"]["rows"]
    assert [row["email"] for row in listed] == [mine["email"]] * 2


def test_a_token_is_another_one_for_another_column_relation_source_and_ledger() -> None:
    keeper = Keeper.of(lambda purpose: purpose.encode().ljust(32, b"."))
    places = [
        Place("s", "r", "c", "t"),
        Place("s", "r", "d", "t"),
        Place("s", "q", "c", "t"),
        Place("z", "r", "c", "t"),
    ]
    tokens = [keeper.token(place, "value") for place in places]
    tokens.append(Keeper.of(lambda purpose: purpose.encode().ljust(32, b"!")).token(places[0], "value"))
    tokens.append(keeper.token(Place("s", "r", "c", None), "value"))
    assert len(set(tokens)) == len(tokens)
    assert "value" not in repr(keeper)


def test_what_is_sealed_opens_only_in_its_own_place_and_unchanged() -> None:
    keeper = Keeper.of(lambda purpose: purpose.encode().ljust(32, b"."))
    place = Place("s", "", "c", "t")
    sealed = keeper.seal(place, "väl\ud800ue")
    assert sealed is not None
    assert keeper.unseal(place, sealed) == "väl\ud800ue"
    assert keeper.seal(place, "väl\ud800ue") == sealed
    assert (keeper.seal(place, None), keeper.unseal(place, None)) == (None, None)
    for other in (Place("s", "", "c", "u"), Place("s", "", "d", "t")):
        with pytest.raises(IntegrityError):
            keeper.unseal(other, sealed)
    for broken in (sealed[:-2], "A" + sealed[1:], "?"):
        with pytest.raises(IntegrityError):
            keeper.unseal(place, broken)


@pytest.mark.parametrize(("value", "seen"), [("", "…"), ("1234", "…"), ("1234567", "…"), ("12345678", "…5678")])
def test_of_a_short_value_nothing_is_shown(value: str, seen: str) -> None:
    assert last_four(value) == seen


@pytest.mark.requirement("canary:nowhere")
async def test_no_hidden_value_is_in_any_answer_log_report_or_byte_of_the_ledger(
    people: Shop, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[Any] = []
    for key in ("P-1", "P-2", "P-3", "P-9", "nobody"):
        for name, more in ((INSPECT, {}), (NOTE, {"words": "new"}), (CONTACT, {"address": "new@x", "number": "none"})):
            answer = await people.call(name, {"person": key, **more})
            uris = [f"synapsor://{kind}/{answer[kind]['id']}" for kind in ("proposal", "evidence") if answer[kind]]
            told += [answer, *[await people.desk.resource(uri, ACME) for uri in uris]]
            if answer["proposal"]:
                told.append(await people.call("synapsor.proposal_status", {"proposal_id": answer["proposal"]["id"]}))
    first = await people.call(LIST)
    told += [first, await people.call(LIST, {"cursor": first["data"]["next_cursor"]})]
    told.append(await people.call("people.of_one_address"))
    assert len(told[-1]["data"]["rows"]) == 2
    proposal = await people.proposed(NOTE, {"person": "P-2", "words": "other"})
    await leo_approves(people.files, people.project, proposal["id"], proposal["digest"])
    reports: list[Any] = []
    await (await people.worker(reports.append)).run(drain=True)
    assert [r["outcome"] for r in reports] == ["applied"]
    out, err = capfd.readouterr()
    told.append(await people.call("synapsor.proposal_status", {"proposal_id": proposal["id"]}))
    kept = ledger_bytes(people.files.root)
    # The one fixed value that the reviewer wrote into the contract itself is in the contract's own record.
    kept = kept.replace(b'"where":{"email":"' + MAIL.encode() + b'"}', b"")
    for value in HIDDEN:
        for place, text in {"answers": json.dumps(told), "logs": logged(caplog), "out": out, "err": err}.items():
            assert value not in text, (place, value)
        assert value.encode() not in kept, value


@pytest.mark.requirement("hidden:no-oracle")
async def test_a_proposal_tells_a_model_nothing_of_the_value_that_it_would_replace(people: Shop) -> None:
    known = (await person(people))["email"]
    right = await people.proposed(CONTACT, {"person": "P-1", "address": MAIL, "number": CARD})
    wrong = await people.proposed(CONTACT, {"person": "P-1", "address": "nobody@x", "number": "12345678"})
    assert (right["status"], wrong["status"]) == ("review_required", "review_required")
    for view in (right, wrong):
        changes = {change["column"]: change for change in view["changes"]}
        assert changes["email"]["before"] == known
        assert TOKEN.match(changes["email"]["after"])
        assert changes["email"]["after"] != known
        assert changes["card"]["before"] == "…4321"
    assert {c["column"]: c["after"] for c in wrong["changes"]}["card"] == "…5678"


@pytest.mark.requirement("hidden:guarded")
async def test_a_hidden_value_that_moved_behind_a_proposal_is_a_conflict(people: Shop) -> None:
    for column, value in (("card", "CANARY-moved-4321"), ("email", "moved@x"), ("salary", 5)):
        approved = await people.approved(NOTE, {"person": "P-2", "words": f"for {column}"})
        told = f"'{value}'" if isinstance(value, str) else value
        people.change(f"UPDATE {{people}} SET {column} = {told} WHERE id = 'P-2'")
        assert await people.work() == [("conflict", "version_moved")]
        assert await people.status(approved) == "conflict"


@pytest.mark.requirement("hidden:guarded")
async def test_a_hidden_value_is_replaced_as_it_was_approved(people: Shop) -> None:
    await people.approved(CONTACT, {"person": "P-1", "address": "ada@new.example", "number": "5555666677778888"})
    assert await people.work() == [("applied", "")]
    assert people.rows("SELECT email, card, salary FROM {people} WHERE id = 'P-1'") == [
        ("ada@new.example", "5555666677778888", int(SALARY))
    ]
    assert (await person(people))["card"] == "…8888"


@pytest.mark.requirement("hidden:guarded")
async def test_rows_chosen_by_a_hidden_column_are_changed_as_they_were_approved(people: Shop) -> None:
    await people.approved(NOTES, {"words": "both"})
    assert await people.work() == [("applied", "")]
    found = people.rows("SELECT id, note FROM {people} ORDER BY id")
    assert found == [("P-1", "both"), ("P-2", "both"), ("P-3", "three"), ("P-9", "nine")]


@pytest.mark.requirement("hidden:no-oracle")
async def test_a_model_is_not_told_that_the_row_of_a_hidden_value_did_not_move(people: Shop) -> None:
    hidden = (CONTACT, {"person": "P-1", "address": "new@x", "number": "1"}, "failed")
    shown = (NOTE, {"person": "P-2", "words": "new"}, "version_did_not_move")
    for name, arguments, told in (hidden, shown):
        record = await people.record(await people.approved(name, arguments))
        assert await people.work() == [("applied", "")]
        (receipt,) = (await people.record(record.proposal.id)).receipts
        still = replace(receipt, outcome="failed", code="version_did_not_move")
        view = proposal_view(replace(record, receipts=(still,)), people.desk._served[name])
        assert view["outcome"] == told


@pytest.mark.requirement("canary:nowhere")
async def test_what_the_database_fills_in_a_hidden_column_is_in_no_byte_of_the_ledger(people: Shop) -> None:
    await people.approved(PERSON, {"person": "P-4", "called": "Dee"})
    assert await people.work() == [("applied", "")]
    assert people.rows("SELECT email FROM {people} WHERE id = 'P-4'") == [("CANARY-default",)]
    assert b"CANARY-default" not in ledger_bytes(people.files.root)


@pytest.mark.requirement("hidden:shown-as-reviewed")
async def test_evidence_and_proposals_from_before_a_column_was_hidden_show_as_little_as_it_shows_now(
    tmp_path: Path, database: Database
) -> None:
    plain = (
        POLICY.replace("show: last_four, ", "").replace("show: token, ", "").replace(", reveal: privacy_officer", "")
    )
    with people_table(database):
        async with open_shop(tmp_path / "project", database, policy=plain) as before:
            answer = await before.call(INSPECT, {"person": "P-1"})
            assert answer["data"]["row"]["email"] == MAIL
            filed = await before.proposed(NOTE, {"person": "P-1", "words": "x"})
        before.files.root.joinpath("policies", "billing.yaml").write_text(POLICY, encoding="utf-8")
        async with reopened(before.files) as after:
            seen = await after.desk.resource(f"synapsor://evidence/{answer['evidence']['id']}", ACME)
            view = await after.desk.resource(f"synapsor://proposal/{filed['id']}", ACME)
            row = await person(after)
    assert seen is not None
    assert view is not None
    assert (seen["rows"][0]["card"], seen["rows"][0]["email"]) == ("…4321", row["email"])
    assert (view["before"]["card"], view["before"]["email"]) == ("…4321", row["email"])
    assert "CANARY" not in json.dumps([seen, view])
