"""What every act of a person begins with: where everything is wrong with it at once, each verb refuses by the same rules in the same order."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import synapsor
from synapsor.core.proposal import Status
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.flow.acting import Acting, Verb, acting_as, acting_on
from synapsor.flow.amend import AMENDING
from synapsor.flow.ask import ASKING
from synapsor.flow.decider import Decider, Named
from synapsor.flow.objection import DECIDING
from synapsor.flow.reconcile import RESOLVING
from synapsor.flow.reveal import LOOKING
from synapsor.flow.signing import Signer
from synapsor.flow.undo import UNDOING
from synapsor.ledger.store import Ledger
from synapsor.ports import ProposalRecord
from tests.decisions import NOW, filed, person
from tests.sessions import known, trusted, vouched_session, voucher

VERBS: dict[str, Verb] = {
    "decide": DECIDING,
    "look": LOOKING,
    "ask": ASKING,
    "edit": AMENDING["edit"],
    "extend": AMENDING["extend"],
    "undo": UNDOING,
    "resolve": RESOLVING,
}
MIA, KEY = person("mia"), person("kim", "policy_signer")
PEOPLE = trusted(MIA, KEY)
THIEF = Signer(operator=KEY.operator, key=MIA.key)
BY_PROMPT = Named(operator=KEY.operator, by_prompt=True)
A_KEY = KEY.signer
A_PERSON = MIA.signer


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """An act, with what is wrong with it."""

    altered: bool = True
    who: Decider = THIEF
    shown: str | None = "sha256:" + "0" * 64
    record: ProposalRecord

    async def rule(self, ledger: Ledger, verb: Verb) -> str | None:
        """Return by which rule it is refused, or None; the ledger tells the record."""
        acting = Acting(who=self.who, operators=PEOPLE, now=NOW)
        act = acting_on(ledger, self.record, acting, verb, shown=self.shown)
        return await _refused(ledger, act, altered=self.altered, record=self.record)


async def _refused(ledger: Ledger, act: object, *, altered: bool, record: ProposalRecord | None = None) -> str | None:
    async def follow() -> None:
        if altered:
            raise IntegrityError("Event 4 of the ledger does not follow the one before it.")

    async def proposal(_: str) -> ProposalRecord | None:
        return record

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "follow", follow)
        if record is not None:
            patch.setattr(ledger, "proposal", proposal)
        try:
            async with act:  # type: ignore[attr-defined]
                return None
        except DecisionRefused as refused:
            return refused.rule


async def _attempts(ledger: Ledger, about: str) -> list[tuple[str, str]]:
    """Return who was refused what, oldest first."""
    told = await ledger.overview.refused_about(about, limit=20)
    return [(one.operator, one.rule) for one in reversed(told)]


def _open_and_not(record: ProposalRecord, name: str) -> tuple[ProposalRecord, ProposalRecord, str, str]:
    """Return a record to which a verb may be done and one to which not, and by which rules that and a key of nobody are refused."""
    if name == "undo":
        return replace(record, status=Status.APPLIED), record, "not_applied", "no_person"
    if name == "resolve":
        return replace(record, status=Status.RECONCILIATION_REQUIRED), record, "not_in_doubt", "role_missing"
    return record, replace(record, status=Status.REJECTED), "already_decided", "role_missing"


@pytest.mark.requirement("acting:one-opening")
@pytest.mark.parametrize("name", VERBS)
async def test_every_verb_refuses_in_one_order_and_each_refusal_is_on_record(name: str) -> None:
    ledger, asked = await filed()
    found = await ledger.proposal(asked.id)
    assert found is not None
    fit, closed, not_open, may_not = _open_and_not(found, name)
    attempt, verb = Attempt(record=replace(closed, differs=True)), VERBS[name]
    order: list[tuple[str, str]] = []

    async def refused(one: Attempt, rule: str) -> Attempt:
        assert await one.rule(ledger, verb) == rule
        order.append((one.who.name, rule))
        return one

    attempt = await refused(attempt, "ledger_altered")
    attempt = await refused(replace(attempt, altered=False), "wrong_key")
    if not verb.by_prompt:
        attempt = await refused(replace(attempt, who=BY_PROMPT), "not_by_prompt")
    attempt = await refused(replace(attempt, who=A_KEY), "not_what_was_shown")
    attempt = await refused(replace(attempt, shown=asked.digest), "records_differ")
    attempt = await refused(replace(attempt, record=closed), not_open)
    attempt = await refused(replace(attempt, record=fit), may_not)
    assert await replace(attempt, who=A_PERSON).rule(ledger, verb) is None
    assert await _attempts(ledger, asked.id) == order


@pytest.mark.requirement("acting:one-opening")
async def test_what_was_never_shown_is_of_this_ledger_all_the_same() -> None:
    ledger, asked = await filed()
    found = await ledger.proposal(asked.id)
    assert found is not None
    foreign = replace(found, proposal=replace(asked, ledger="another"))
    for verb in VERBS.values():
        attempt = Attempt(altered=False, who=A_PERSON, shown=None, record=foreign)
        assert await attempt.rule(ledger, verb) == "not_what_was_shown"


@pytest.mark.requirement("ledger:followed")
async def test_who_acts_does_so_upon_the_proposal_as_it_is_once_the_chain_was_followed() -> None:
    """Whatever somebody holds in their hand was read before."""
    ledger, asked = await filed()
    found = await ledger.proposal(asked.id)
    assert found is not None
    acting = Acting(who=A_PERSON, operators=PEOPLE, now=NOW)
    async with acting_on(ledger, replace(found, status=Status.REJECTED, differs=True), acting, ASKING) as current:
        assert current == await ledger.proposal(asked.id)
    other = replace(found, proposal=replace(asked, nonce="o" * 32))
    assert await _refused(ledger, acting_on(ledger, other, acting, ASKING), altered=False) == "not_what_was_shown"
    gone = replace(found, proposal=replace(asked, id="wrp_" + "9" * 20))
    assert await _refused(ledger, acting_on(ledger, gone, acting, ASKING), altered=False) == "no_such_proposal"


@pytest.mark.requirement("acting:one-opening")
async def test_an_act_that_is_upon_no_proposal_is_refused_in_the_same_order_and_recorded_of_what_it_is_about() -> None:
    ledger, _ = await filed()
    for who, altered, rule in (
        (THIEF, True, "ledger_altered"),
        (THIEF, False, "wrong_key"),
        (BY_PROMPT, False, "not_by_prompt"),
        (A_KEY, False, "role_missing"),
        (A_PERSON, False, None),
    ):
        acting = Acting(who=who, operators=PEOPLE, now=NOW)
        assert await _refused(ledger, acting_as(ledger, "billing", acting, "billing_lead"), altered=altered) == rule
    rules = ["ledger_altered", "wrong_key", "not_by_prompt", "role_missing"]
    assert await _attempts(ledger, "billing") == [("kim", rule) for rule in rules]


@pytest.mark.requirement("acting:one-opening")
async def test_what_is_only_listed_is_so_although_the_ledger_contradicts_itself_about_it() -> None:
    ledger, asked = await filed()
    found = await ledger.proposal(asked.id)
    assert found is not None
    doubtful, acting = replace(found, differs=True), Acting(who=A_PERSON, operators=PEOPLE, now=NOW)
    assert acting.check(doubtful, DECIDING, ledger=ledger.id, listed=True) == MIA.operator
    with pytest.raises(DecisionRefused, match="contradict"):
        acting.check(doubtful, DECIDING, ledger=ledger.id)


@pytest.mark.requirement("acting:one-opening")
async def test_nobody_acts_in_a_role_that_no_login_of_theirs_carries() -> None:
    ledger, asked = await filed()
    found, console = await ledger.proposal(asked.id), voucher()
    assert found is not None
    people = trusted(known(MIA), console)
    narrow = vouched_session(people["mia"], console, ledger.id, roles=())
    acting = Acting(who=narrow, operators=people, now=NOW)
    for name in ("decide", "look", "ask", "edit", "extend"):
        act = acting_on(ledger, found, acting, VERBS[name])
        assert await _refused(ledger, act, altered=False) == "role_missing"
    assert await _refused(ledger, acting_as(ledger, "x", acting, "billing_lead"), altered=False) == "role_missing"


@pytest.mark.requirement("acting:one-opening")
def test_no_verb_makes_these_checks_by_itself_and_none_signs_without_them() -> None:
    root = Path(synapsor.__file__).parent
    texts = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in root.rglob("*.py")}
    by_hand = {name for name, text in texts.items() if re.search(r"\bcheck_(chain|agrees|shown)\(", text)}
    # The two that define them; whoever shows a queue reads the chain, and does nothing with it.
    assert by_hand == {"flow/acting.py", "flow/chain.py", "flow/refused.py", "approve/companion/desk.py"}
    judges = {
        name for name, text in texts.items() if re.search(r"(?<!def )\bmay_(decide|amend|undo|resolve|act_as)\(", text)
    }
    # What a statement of before is verified by, besides; and an undo, which any person may ask for, of any proposal.
    # And a card, which tells of a resolution whether its signer may say so still.
    # And the companion's prompts, which tell who may steer, and lead to where they do.
    told = {"approve/card/decided.py", "approve/companion/desk.py"}
    assert {name for name in judges if not name.startswith("core/")} == {"flow/acting.py", "flow/undo.py"} | told
    signs = {
        name
        for name, text in texts.items()
        if name.startswith("flow/") and re.search(r"(\.speak|\bsigned_by|\bsigned_decision)\(", text)
    }
    begins = re.compile(r"from synapsor\.flow\.(acting|objection) import")
    # A policy signs by a program's key: no person is asked who they are.
    assert {name for name in signs if not begins.search(texts[name])} == {"flow/signing.py", "flow/automatic.py"}
