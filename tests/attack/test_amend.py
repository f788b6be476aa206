"""A reviewer edits or extends a proposal: what comes of it is inside the contract, of the same rows, and for somebody else to decide on."""

import asyncio
import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synapsor.approve.card.card import card_of
from synapsor.approve.identity.operators import revoke_operator
from synapsor.approve.terminal.card import render
from synapsor.core.amend import MOST_DEPTH
from synapsor.core.policy import outside
from synapsor.core.proposal import Proposal
from synapsor.core.scope import Session
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.flow.filing import Filing
from synapsor.flow.replay import replay
from synapsor.flow.signing import Signer
from synapsor.flow.undo import undo
from synapsor.ports import ProposalRecord
from synapsor.serve.prompts import Place, explained
from tests.attack.amending import WHY, asked, edited, extended, refused, signer_of
from tests.attack.credits import POLICY
from tests.attack.shop import Shop
from tests.attack.undoing import ADJUST, applied, credit, everything, open_credits
from tests.databases import Database
from tests.deciding import approve, reject
from tests.projects import ACME, GLOBEX, leo_approves

FIRST = ("open", "10.10", 5, None, True, 1)


async def proposed(shop: Shop, name: str = "credits.adjust", arguments: dict[str, Any] | None = None) -> str:
    """Return the handle of a proposal that waits."""
    return str((await shop.proposed(name, ADJUST if arguments is None else arguments))["id"])


async def approved_by(shop: Shop, who: str, proposal: Proposal) -> None:
    """Let an operator approve a proposal."""
    await approve(
        shop.ledger,
        proposal.id,
        digest=proposal.digest,
        signer=signer_of(shop, who),
        now=shop.project.clock.now(),
        operators=shop.files.operators,
    )


# ---- what an edit is ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("amend:anew", "amend:superseded")
async def test_an_edit_is_made_anew_of_the_row_as_it_is_and_takes_the_place_of_what_was_asked_for(books: Shop) -> None:
    handle = await proposed(books)
    books.change("UPDATE {credits} SET points = 8 WHERE tenant_id = 'acme' AND book = 'a' AND number = 1")
    old = (await books.record(handle)).proposal
    new = await edited(books, handle, {"less": "2.10", "note": "Agreed in writing."})
    assert new.members[0].before["points"] == "8"
    assert new.members[0].changes == {"amount": "8.00", "note": "Agreed in writing.", "points": "9", "state": "held"}
    assert new.arguments == {**ADJUST, "less": "2.10", "note": "Agreed in writing."}
    assert new.amends is not None
    told = (new.amends.kind, new.amends.proposal, new.amends.digest, new.amends.operator, new.amends.reason)
    assert told == ("edit", handle, old.digest, "mia", WHY)
    assert (new.amends.arguments, new.amends.editors, new.amends.depth) == (("less", "note"), ("mia",), 1)
    whose = ("tenant", "principal", "client", "workflow", "run", "capability", "rests_on")
    assert all(getattr(new, name) == getattr(old, name) for name in whose)
    assert new.digest != old.digest
    assert await books.status(handle) == "superseded"
    assert await books.status(new.id) == "review_required"
    await approved_by(books, "leo", new)
    assert await books.work() == [("applied", "")]
    assert credit(books) == ("held", "8.00", 9, "Agreed in writing.", True, 3)
    assert (await books.project.verify()).ok


@pytest.mark.requirement("amend:people-decide")
@pytest.mark.one_engine
async def test_who_edited_it_does_not_decide_on_it_and_who_asked_for_it_does_not_either(books: Shop) -> None:
    new = await edited(books, await proposed(books), {"less": "2.10"})
    for who, rule in (("mia", "own_edit"), ("leo", None)):
        if rule is None:
            await approved_by(books, who, new)
        else:
            with pytest.raises(DecisionRefused) as found:
                await approved_by(books, who, new)
            assert (found.value.rule, found.value.exit_code) == (rule, 5)
            with pytest.raises(DecisionRefused, match="edited"):
                await reject(
                    books.ledger,
                    new.id,
                    digest=new.digest,
                    signer=signer_of(books, who),
                    now=books.project.clock.now(),
                    reason="No.",
                    operators=books.files.operators,
                )
    assert await books.work() == [("applied", "")]


@pytest.mark.requirement("amend:people-decide")
@pytest.mark.one_engine
async def test_an_editor_of_long_ago_does_not_decide_on_what_others_edited_and_extended_since(books: Shop) -> None:
    first = await edited(books, await proposed(books), {"less": "2.10"})
    second = await edited(books, first.id, {"note": "Other words."}, operator="leo")
    third = await extended(books, second.id, operator="leo")
    assert third.amends is not None
    assert (third.amends.editors, third.amends.depth, third.amends.arguments) == (("mia", "leo"), 3, ())
    for who in ("mia", "leo"):
        with pytest.raises(DecisionRefused) as found:
            await approved_by(books, who, third)
        assert found.value.rule == "own_edit"


@pytest.mark.requirement("amend:people-decide")
@pytest.mark.one_engine
async def test_no_policy_approves_what_a_reviewer_edited_or_extended(books: Shop) -> None:
    handle = await proposed(books, arguments={**ADJUST, "less": "0.50"})
    assert (await books.record(handle)).proposal.policy == "small"
    new = await extended(books, handle)
    assert new.policy is None
    (loaded,) = books.project.contracts()
    left = outside(replace(new, policy="small"), loaded.contract)
    assert left is not None
    assert left.why == "amended"
    assert await books.ledger.policies.waiting(now="2020-01-01T00:00:00.000000Z", sources=("shop",), limit=9) == ()


@pytest.mark.requirement("amend:anew")
async def test_more_time_is_the_same_change_with_a_new_digest_and_fresh_guards_and_the_same_person_may_decide(
    books: Shop,
) -> None:
    handle = await proposed(books)
    old = (await books.record(handle)).proposal
    books.change("UPDATE {credits} SET points = 8 WHERE tenant_id = 'acme' AND book = 'a' AND number = 1")
    new = await extended(books, handle, operator="leo")
    assert (new.arguments, new.request, new.members[0].before["row_version"]) == (old.arguments, old.request, "2")
    assert new.expires_at > old.expires_at
    await approved_by(books, "leo", new)
    assert await books.work() == [("applied", "")]
    assert await books.status(handle) == "superseded"


@pytest.mark.requirement("amend:told")
@pytest.mark.one_engine
async def test_the_agent_is_told_what_took_the_place_of_its_proposal_and_nobody_elses(books: Shop) -> None:
    handle = await proposed(books)
    new = await edited(books, handle, {"less": "2.10"})
    status = {"proposal_id": handle}
    view = (await books.call("synapsor.proposal_status", status))["proposal"]
    assert view["superseded_by"] == {"id": new.id, "because": "edited", "arguments": ["less"]}
    assert (view["status"], view["allowed_next"]) == ("superseded", ["see_successor", "tell_user"])
    headed = await books.desk.own.proposal(handle, ACME)
    assert headed is not None
    assert f"its place took: {new.id}, edited" in str(explained(headed, Place()).messages[0])
    view = (await books.call("synapsor.proposal_status", {"proposal_id": new.id}))["proposal"]
    assert view["amends"] == {"id": handle, "because": "edited", "arguments": ["less"], "comment": WHY}
    assert (view["status"], view["superseded_by"]) == ("review_required", None)
    assert view["after"]["amount"] == "8.00"
    assert "mia" not in str(view)
    for other in (GLOBEX, Session(values={"tenant_id": "acme", "user": "somebody"}, client="t")):
        answer = await books.call("synapsor.proposal_status", {"proposal_id": new.id}, other)
        assert answer["error"]["code"] == "not_found"
    again = (await books.call("credits.adjust", {**ADJUST, "less": "2.10"}))["proposal"]
    assert again["id"] == new.id


@pytest.mark.requirement("amend:shown")
@pytest.mark.one_engine
async def test_the_card_says_what_a_reviewer_changed_of_what_the_agent_sent_over_all_edits(books: Shop) -> None:
    handle = await proposed(books)
    first = await edited(books, handle, {"less": "2.10"})
    second = await edited(books, first.id, {"less": "1.10", "note": "Less."}, operator="leo")
    record = await books.record(second.id)
    card = await card_of(
        books.ledger, record, operators=books.files.operators, now=books.project.clock.now(), full=True
    )
    assert card.amends is not None
    changed = {
        one.name.text: (one.before and one.before.text.text, one.after and one.after.text.text)
        for one in card.amends.edited
    }
    assert changed == {"less": ("3.10", "1.10"), "note": ("Agreed by phone.", "Less.")}
    assert [name.text for name in card.amends.editors] == ["mia", "leo"]
    assert {one.name.text: one.text.text for one in card.sent} == {n: str(v) for n, v in ADJUST.items()}
    text = render(card, width=120)
    assert text.index("by leo, in the place of") < text.index("What the agent sent")
    assert "the agent sent" in text
    old = await card_of(
        books.ledger, await books.record(handle), operators=books.files.operators, now=books.project.clock.now()
    )
    assert [(end.how.text, end.by and end.by.text) for end in old.ends] == [("superseded", first.id)]


# ---- what is refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("amend:bounded")
@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"less": "a lot"}, "invalid_arguments"),
        ({"note": "x" * 201}, "invalid_arguments"),
        ({"tenant_id": "globex"}, "invalid_arguments"),
        ({"state": "closed"}, "invalid_arguments"),
        ({"number": "1"}, "invalid_arguments"),
        ({"number": 2}, "other_rows"),
        ({"book": "b"}, "other_rows"),
        ({"book": "none"}, "not_found"),
        ({"less": "3.10"}, "nothing_edited"),
        ({}, "nothing_edited"),
    ],
)  # fmt: skip
async def test_an_edit_outside_of_the_contract_or_of_the_rows_is_refused_before_anything_is_signed(
    books: Shop, values: dict[str, Any], rule: str
) -> None:
    handle = await proposed(books)
    before = everything(books)

    def never() -> Any:
        raise AssertionError("nobody is asked for a key")

    assert await refused(books, handle, values, unlock=never) == rule
    assert await books.status(handle) == "review_required"
    assert everything(books) == before


@pytest.mark.requirement("amend:bounded")
async def test_an_edit_keeps_to_the_bounds_of_the_contract_that_is_activated(
    tmp_path: Path, database: Database
) -> None:
    bound = "bounds: {points: {change: {at_least: 1}}"
    policy = POLICY.replace(bound, bound + ", amount: {after: {at_least: 5}}")
    async with open_credits(tmp_path / "project", database, policy) as shop:
        handle = await proposed(shop)
        assert await refused(shop, handle, {"less": "5.11"}) == "out_of_bounds"
        assert (await edited(shop, handle, {"less": "5.10"})).members[0].changes["amount"] == "5.00"


@pytest.mark.requirement("amend:bounded")
@pytest.mark.one_engine
async def test_what_stands_with_others_undoes_or_removes_is_not_edited(books: Shop) -> None:
    gone = await proposed(books, "credits.drop", {"book": "b", "number": 1})
    assert await refused(books, gone, {"number": 2}) == "nothing_to_edit"
    new = await extended(books, gone)
    await approved_by(books, "leo", new)
    assert await books.work() == [("applied", "")]
    assert credit(books, "b") is None
    original = await applied(books, "credits.adjust", ADJUST)
    served = await books.project.activated("credits.adjust")
    who = books.files.operators["mia"]
    signer = Signer(operator=who, key=books.files.keys["mia"])
    asking = Filing(
        record=await books.record(original),
        served=served,
        operator=who,
        operators=lambda: books.files.operators,
        unlock=lambda: signer,
        reason="Wrong.",
        now=books.project.clock.now(),
    )
    undone = (await undo(books.ledger, asking)).proposal
    await books.project.reader("shop")._pool.tidied()  # type: ignore[attr-defined]  # no event tells
    for values in ({"less": "1.00"}, None):
        assert await refused(books, undone.id, values, operator="leo") == "not_amendable"


@pytest.mark.requirement("amend:anew")
async def test_an_added_row_and_a_set_are_edited_while_they_are_of_the_same_rows(books: Shop) -> None:
    added = await proposed(books, "credits.add", {"book": "new", "number": 7, "amount": "1.50"})
    assert await refused(books, added, {"number": 8}) == "other_rows"
    new = await edited(books, added, {"amount": "1.25"})
    await approved_by(books, "leo", new)
    items = [{"number": n, "amount": f"{n}.25"} for n in (1, 2)]
    several = await proposed(books, "credits.add_all", {"list": items})
    assert await refused(books, several, {"list": items[:1]}) == "other_rows"
    less = [{"number": n, "amount": "0.10"} for n in (1, 2)]
    set_ = await edited(books, several, {"list": less})
    await approved_by(books, "leo", set_)
    assert await books.work() == [("applied", ""), ("applied", "")]
    assert credit(books, "new", 7) == ("open", "1.25", 3, None, True, 1)
    assert credit(books, "many", 2) == ("open", "0.10", 3, None, True, 1)
    closing = await proposed(books, "credits.close_all", {"book": "a"})
    books.change("UPDATE {credits} SET state = 'held' WHERE tenant_id = 'acme' AND book = 'a' AND number = 2")
    assert await refused(books, closing, None) == "other_rows"


@pytest.mark.requirement("amend:by-whom")
@pytest.mark.one_engine
async def test_only_a_person_with_the_role_other_than_the_requester_edits_with_their_own_key(
    books: Shop,
) -> None:
    handle = await proposed(books)
    assert await refused(books, handle, {"less": "1.00"}, operator="rita") == "role_missing"
    theirs = lambda: signer_of(books, "mia", key="leo")  # noqa: E731
    assert await refused(books, handle, {"less": "1.00"}, unlock=theirs) == "wrong_key"
    path = books.files.config.operators
    books.files.operators = revoke_operator(path, "mia")
    assert await refused(books, handle, {"less": "1.00"}) == "operator_revoked"


@pytest.mark.requirement("amend:by-whom")
@pytest.mark.one_engine
async def test_an_edit_by_who_is_not_trusted_any_more_is_neither_approved_nor_applied(books: Shop) -> None:
    new = await edited(books, await proposed(books), {"less": "2.10"})
    await approved_by(books, "leo", new)
    books.files.operators = revoke_operator(books.files.config.operators, "mia")
    before = everything(books)
    assert await books.work() == [("failed", "amendment_invalid")]
    assert everything(books) == before


@pytest.mark.requirement("amend:superseded")
@pytest.mark.one_engine
async def test_nothing_is_put_in_the_place_of_what_is_decided_or_has_expired(books: Shop) -> None:
    decided = await books.approved("credits.adjust", ADJUST)
    assert await refused(books, decided, {"less": "1.00"}) == "already_decided"
    waits = await proposed(books, arguments={**ADJUST, "number": 2, "less": "0.01"})
    late = books.project.clock.now() + dt.timedelta(days=4)
    assert await refused(books, waits, None, now=late) == "expired"
    assert await refused(books, waits, {"less": "0.02"}, now=late) == "expired"


@pytest.mark.requirement("amend:superseded")
@pytest.mark.one_engine
async def test_one_that_is_approved_while_it_is_edited_stays_approved(
    books: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await proposed(books)
    old, record = (await books.record(handle)).proposal, books.ledger.amend

    async def late(*edit: Any) -> ProposalRecord:
        await leo_approves(books.files, books.project, handle, old.digest)
        return await record(*edit)

    monkeypatch.setattr(books.ledger, "amend", late)
    with pytest.raises(DecisionRefused) as found:
        await edited(books, handle, {"less": "2.10"})
    assert found.value.rule == "already_decided"
    assert await books.work() == [("applied", "")]
    assert credit(books) == ("held", "7.00", 6, "Agreed by phone.", True, 2)


@pytest.mark.requirement("amend:superseded")
@pytest.mark.one_engine
async def test_of_two_edits_and_an_approval_at_once_one_stands(books: Shop) -> None:
    handle = await proposed(books)
    digest = (await books.record(handle)).proposal.digest
    results = await asyncio.gather(
        edited(books, handle, {"less": "2.10"}),
        edited(books, handle, {"less": "1.10"}, operator="leo"),
        leo_approves(books.files, books.project, handle, digest),
        return_exceptions=True,
    )
    won = [r for r in results if not isinstance(r, BaseException)]
    assert len(won) == 1
    assert all(isinstance(r, DecisionRefused) for r in results if isinstance(r, BaseException))
    open_ = [
        r.proposal.id for r in await books.ledger.inbox(status=None, limit=9) if r.status.value == "review_required"
    ]
    assert len(open_) == (0 if await books.status(handle) == "approved" else 1)


@pytest.mark.requirement("amend:superseded")
@pytest.mark.one_engine
async def test_a_superseded_one_is_not_approved_any_more(books: Shop) -> None:
    handle = await proposed(books)
    old = (await books.record(handle)).proposal
    await edited(books, handle, {"less": "2.10"})
    with pytest.raises(DecisionRefused) as found:
        await leo_approves(books.files, books.project, handle, old.digest)
    assert found.value.rule == "already_decided"
    assert await books.work() == []


@pytest.mark.requirement("amend:superseded")
@pytest.mark.one_engine
async def test_an_edit_into_what_waits_already_is_refused(books: Shop) -> None:
    handle = await proposed(books)
    await proposed(books, arguments={**ADJUST, "less": "2.10"})
    assert await refused(books, handle, {"less": "2.10"}) == "asked_already"
    assert await books.status(handle) == "review_required"


@pytest.mark.requirement("amend:bounded")
@pytest.mark.one_engine
async def test_a_request_is_amended_a_few_times_and_then_decided(books: Shop) -> None:
    handle = await proposed(books)
    for _ in range(MOST_DEPTH):
        handle = (await extended(books, handle)).id
    assert await refused(books, handle, None) == "amended_too_often"
    assert await refused(books, handle, {"less": "1.00"}) == "amended_too_often"
    await approved_by(books, "leo", (await books.record(handle)).proposal)
    assert await books.work() == [("applied", "")]


# ---- questions ----------------------------------------------------------------------------------------------------------------


async def answer(shop: Shop, handle: str, question: str, text: str = "The customer, by phone.") -> dict[str, Any]:
    return await shop.call("synapsor.answer_question", {"proposal_id": handle, "question_id": question, "text": text})


@pytest.mark.requirement("question:asked")
@pytest.mark.one_engine
async def test_a_reviewer_asks_the_agent_answers_and_the_proposal_waits_on(books: Shop) -> None:
    handle = await proposed(books)
    signed = await asked(books, handle)
    view = (await books.call("synapsor.proposal_status", {"proposal_id": handle}))["proposal"]
    question = signed.question
    told = {"id": question.id, "text": "Who agreed to that?", "at": question.at, "answered": False}
    assert (view["questions"], view["status"]) == ([told], "review_required")
    assert view["allowed_next"] == ["answer_question", "wait"]
    headed = await books.desk.own.proposal(handle, ACME)
    assert headed is not None
    assert f'a person asks ({question.id}): "Who agreed to that?"' in str(explained(headed, Place()).messages[0])
    envelope = await answer(books, handle, question.id)
    assert envelope["ok"]
    assert (envelope["kind"], envelope["proposal"]["questions"]) == ("propose", [{**told, "answered": True}])
    assert envelope["proposal"]["allowed_next"] == ["wait"]
    record = await books.record(handle)
    card = await card_of(books.ledger, record, operators=books.files.operators, now=books.project.clock.now())
    (shown,) = card.questions
    assert (shown.by.text, shown.text.text, shown.doubt) == ("leo", "Who agreed to that?", None)
    assert shown.answer is not None
    assert shown.answer.text == "The customer, by phone."
    text = render(card, width=120)
    places = [
        text.index(words) for words in ("What the agent sent", "A question to", "Who agreed to", "The customer, by")
    ]
    assert places == sorted(places)
    assert (await books.project.verify()).ok


@pytest.mark.requirement("question:answered-once")
@pytest.mark.one_engine
async def test_a_question_that_was_open_when_its_proposal_was_replaced_was_never_answered(books: Shop) -> None:
    handle = await proposed(books)
    question = (await asked(books, handle)).question.id
    new = await extended(books, handle)
    refused_ = (await answer(books, handle, question))["error"]
    assert refused_["code"] == "question_closed"
    for one, over in ((new, True), (handle, True)):
        record = await books.record(one if isinstance(one, str) else one.id)
        card = await card_of(books.ledger, record, operators=books.files.operators, now=books.project.clock.now())
        assert [(talk.answer, talk.over) for talk in card.questions] == [(None, over)]
        assert "it was never answered" in render(card, width=120)


@pytest.mark.requirement("question:answered-once")
@pytest.mark.one_engine
async def test_an_answer_is_of_ones_own_proposal_given_once_and_checked(books: Shop) -> None:
    handle, other = await proposed(books), await proposed(books, "credits.hold", {"book": "b", "number": 1})
    question = (await asked(books, handle)).question.id
    bad: list[dict[str, Any]] = [
        {"proposal_id": handle, "question_id": question},
        {"proposal_id": handle, "question_id": question, "text": ""},
        {"proposal_id": handle, "question_id": question, "text": " \n"},
        {"proposal_id": handle, "question_id": question, "text": "x" * 2001},
        {"proposal_id": handle, "question_id": question, "text": "a\0b"},
        {"proposal_id": handle, "question_id": question, "text": "\ud800"},
        {"proposal_id": handle, "question_id": question, "text": 1},
        {"proposal_id": handle, "question_id": 1, "text": "a"},
        {"proposal_id": 1, "question_id": question, "text": "a"},
        {"proposal_id": handle, "question_id": question, "text": "a", "approve": True},
    ]
    for arguments in bad:
        envelope = await books.call("synapsor.answer_question", arguments)
        assert (envelope["ok"], envelope["error"]["code"]) == (False, "invalid_arguments"), arguments
    for proposal, asked_ in ((other, question), (handle, "que_" + "0" * 20), ("wrp_" + "0" * 20, question)):
        assert (await answer(books, proposal, asked_))["error"]["code"] == "not_found"
    for stranger in (GLOBEX, Session(values={"tenant_id": "acme", "user": "somebody"}, client="t")):
        sent = {"proposal_id": handle, "question_id": question, "text": "Mine."}
        assert (await books.call("synapsor.answer_question", sent, stranger))["error"]["code"] == "not_found"
    assert (await answer(books, handle, question))["ok"]
    assert (await answer(books, handle, question))["ok"]
    assert (await answer(books, handle, question, "Another."))["error"]["code"] == "question_closed"
    (exchange,) = (await books.record(handle)).exchanges
    assert exchange.answer is not None
    assert exchange.answer.text == "The customer, by phone."


@pytest.mark.requirement("question:asked")
@pytest.mark.one_engine
async def test_questions_are_few_signed_and_by_who_may_decide(books: Shop) -> None:
    handle = await proposed(books)
    with pytest.raises(DecisionRefused) as found:
        await asked(books, handle, operator="rita")
    assert found.value.rule == "role_missing"
    for _ in range(5):
        await asked(books, handle)
    with pytest.raises(DecisionRefused) as found:
        await asked(books, handle)
    assert found.value.rule == "too_many_questions"
    old = (await books.record(handle)).proposal
    question = (await books.record(handle)).exchanges[0].asked.question.id
    await leo_approves(books.files, books.project, handle, old.digest)
    with pytest.raises(DecisionRefused) as found:
        await asked(books, handle)
    assert found.value.rule == "already_decided"
    assert (await answer(books, handle, question))["error"]["code"] == "question_closed"


@pytest.mark.requirement("question:asked")
@pytest.mark.one_engine
async def test_a_question_that_nobody_signed_is_told_as_such_and_one_about_another_proposal_is_not_recorded(
    books: Shop,
) -> None:
    handle = await proposed(books)
    signed = await asked(books, handle)
    other = await proposed(books, "credits.hold", {"book": "b", "number": 1})
    record = await books.record(other)
    carried = replace(signed, question=replace(signed.question, id="que_" + "1" * 20, proposal=other))
    with pytest.raises(IntegrityError):
        await books.ledger.ask(carried)
    forged = replace(carried, question=replace(carried.question, digest=record.proposal.digest))
    await books.ledger.ask(forged)
    card = await card_of(
        books.ledger, await books.record(other), operators=books.files.operators, now=books.project.clock.now()
    )
    assert card.questions[0].doubt is not None


@pytest.mark.requirement("question:asked")
@pytest.mark.one_engine
async def test_who_waits_for_a_decision_is_woken_by_a_question(books: Shop) -> None:
    handle = await proposed(books)

    async def ask_soon() -> None:
        while books.desk._room.empty:  # noqa: ASYNC110  # the room tells nobody
            await asyncio.sleep(0)
        await asked(books, handle)

    waited, _ = await asyncio.gather(
        books.desk.call("synapsor.wait_for_decision", {"proposal_id": handle, "seconds": 50}, ACME), ask_soon()
    )
    assert waited["proposal"]["allowed_next"] == ["answer_question", "wait"]


@pytest.mark.requirement("question:asked", "amend:proven")
@pytest.mark.one_engine
async def test_the_story_of_a_proposal_tells_and_proves_its_amendment_and_its_questions(books: Shop) -> None:
    new = await edited(books, await proposed(books), {"less": "2.10"})
    question = (await asked(books, new.id)).question
    await answer(books, new.id, question.id)
    report = await replay(books.ledger, new.id, books.files.operators)
    assert (report.ok, [step.name for step in report.steps][2:4]) == (True, ["proposed", "inquired"])
    told = report.steps[3]
    assert told.facts["answer"]["text"] == "The customer, by phone."
    assert len(told.checks) == 4
    stranger = {**books.files.operators, "mia": books.files.operators["rita"], "leo": books.files.operators["rita"]}
    found = await replay(books.ledger, new.id, stranger)
    assert [check.what.split(" ")[2] for check in found.differences] == ["mia", "leo"]
