"""Every rule of deciding: reason codes, risk, approvals, policies and workflows, each broken at its exact line and nothing else reported."""

import re

import pytest

from synapsor.contract.difference import Effect, differences
from synapsor.contract.load import read_text
from synapsor.contract.model import Contract
from synapsor.contract.telling import told
from tests.unit.contracts import GOOD as BASE

_MARK = re.compile(r"# ((?:SYN\d{3} ?)+)$")

GOOD = (
    BASE[: BASE.index("  billing.propose_note:")]
    + """\
  billing.propose_fee:
    description: Ask for a fee to be changed.
    propose: update invoices
    arguments:
      invoice_id: {type: string, max_length: 64}
      fee: {type: integer, minimum: 0, maximum: 100000}
      why: {type: string, one_of: [goodwill, mistake]}
    where: {id: $invoice_id}
    set: {fee: $fee}
    reason_code: $why
    risk:
      high: {fee: {before: {at_least: 5000}}, status: {before: {one_of: [open]}}}
      medium: {reason_code: [goodwill]}
    approval: {role: lead, high: {role: boss, quorum: 2}, medium: {expires_hours: 24}, policy: small_fees}
    worker: supervised
policies:
  small_fees:
    when: {fee: {before: {at_most: 2500}, change: {at_least: -2500, at_most: 0}}}
    reason_codes: [mistake]
    limits: {per_day: {count: 20, total: {fee: 10000}, of: tenant}}
workflows:
  fee_review:
    allow: [billing.inspect, billing.propose_fee]
    evidence: {billing.propose_fee: [billing.inspect]}
    settle: policy
"""
)

RISK = [
    ("an undeclared reason", "reason_code: $why", "reason_code: $whi # SYN401"),
    ("a reason of any text", "why: {type: string, one_of: [goodwill, mistake]}", "why: {type: string, max_length: 9}"),
    ("a reason that is no argument", "reason_code: $why", "reason_code: why # SYN105"),
    ("a condition on an unknown column", "status: {before: {one_of: [open]}}", "stat: {before: {one_of: [x]}}"),
    ("a condition on a denied column", "status: {before: {one_of: [open]}}", "card_token: {before: {one_of: [x]}}"),
    ("a range of text", "before: {one_of: [open]}", "before: {at_least: 1}"),
    ("a list of numbers", "before: {at_least: 5000}", "before: {one_of: ['5000']}"),
    ("a list as a change", "status: {before: {one_of: [open]}}", "note: {change: {one_of: [a]}}"),
    ("a list for a column", "status: {before: {one_of: [open]}}", "status: [open]"),
    ("no condition", "before: {at_least: 5000}", ""),
    ("no value", "before: {at_least: 5000}", "before: {}"),
    ("a range upside down", "before: {at_least: 5000}", "before: {at_least: 2, at_most: 1}"),
    ("the value afterwards of what is not set", "status: {before: {", "status: {after: {"),
    ("an unknown reason code", "{reason_code: [goodwill]}", "{reason_code: [goodwil]}"),
    ("a reason code twice", "{reason_code: [goodwill]}", "{reason_code: [goodwill, goodwill]}"),
    ("an unknown key of a condition", "before: {at_least: 5000}", "befor: {at_least: 5000}"),
]
EXPECTED = [
    "SYN365 SYN365 SYN401 SYN402",
    "SYN361 SYN365 SYN365",
    "SYN105",
    "SYN304",
    "SYN305",
    "SYN362",
    "SYN362",
    "SYN362 SYN364",
    "SYN362",
    "SYN363",
    "SYN363",
    "SYN363",
    "SYN364",
    "SYN365",
    "SYN308",
    "SYN101",
]
"""What each is refused for; a change of a column that is not set breaks two rules at once."""

APPROVAL = [
    ("a risk that there is not", "      medium: {reason_code: [goodwill]}\n", "", "SYN366"),
    ("nothing other", "medium: {expires_hours: 24}", "medium: {}", "SYN366"),
    ("fewer people for more risk", "quorum: 2}, medium: {expires_hours: 24}", "quorum: 2}, medium: {quorum: 3}", "SYN367"),
    ("a policy's role", "role: lead,", "role: policy_signer,", "SYN368"),
    ("a policy's role at a risk", "role: boss,", "role: policy_steward,", "SYN368"),
    ("a prompt for what is measured", "role: lead,", "role: lead, shadow: true, by_prompt: low,", "SYN369"),
    ("a role of the worker at a risk", "role: boss,", "role: writeback_operator,", "SYN368"),
    ("too many people", "quorum: 2}", "quorum: 11}", "SYN107"),
    ("nobody", "quorum: 2}", "quorum: 0}", "SYN107"),
    ("another worker", "worker: supervised", "worker: any", "SYN106"),
    ("an unknown policy", "policy: small_fees}", "policy: small_fee}", "SYN371 SYN371"),
    ("a policy that nobody names", ", policy: small_fees}", "}", "SYN371 SYN383"),
    ("a number without a condition", "when: {fee: {", "when: {amount: {", "SYN364 SYN372"),
    ("an unknown reason code of a policy", "[mistake]\n    limits", "[mistak]\n    limits", "SYN365"),
    ("a limit that says nothing", "{count: 20, total: {fee: 10000}, of: tenant}", "{of: tenant}", "SYN373"),
    (
        "a limit twice",
        "{count: 20, total: {fee: 10000}, of: tenant}",
        "[{count: 1, of: tenant}, {count: 2, of: tenant}]",
        "SYN373",
    ),
    ("a total of what is not set", "total: {fee: 10000}", "total: {amount: 10000}", "SYN374"),
    ("a total of a denied column", "total: {fee: 10000}", "total: {card_token: 10000}", "SYN305"),
    ("a limit of everybody", "of: tenant", "of: everybody", "SYN106"),
    ("no limit", "    limits: {per_day: {count: 20, total: {fee: 10000}, of: tenant}}\n", "", "SYN103"),
    ("a policy of nothing", "when: {fee: {before: {at_most: 2500}, change: {at_least: -2500, at_most: 0}}}", "when: {}", "SYN107"),
    ("an unknown capability", "[billing.inspect, billing.propose_fee]", "[billing.inspec, billing.inspect, billing.propose_fee]", "SYN381"),
    ("no capability's name", "[billing.inspect, billing.propose_fee]", "[inspect, billing.inspect, billing.propose_fee]", "SYN105"),
    ("a capability twice", "[billing.inspect, billing.propose_fee]", "[billing.inspect, billing.inspect, billing.propose_fee]", "SYN308"),
    ("evidence that is not allowed", "[billing.inspect, billing.propose_fee]", "[billing.propose_fee]", "SYN382"),
    ("evidence of a read", "evidence: {billing.propose_fee: [", "evidence: {billing.inspect: [", "SYN382"),
    ("a proposal as evidence", "[billing.inspect]}", "[billing.propose_fee]}", "SYN382"),
    ("evidence under no capability's name", "evidence: {billing.propose_fee: [", "evidence: {propose: [", "SYN105"),
    ("a policy that is settled by hand", "    settle: policy\n", "", "SYN383"),
    ("another settlement", "settle: policy", "settle: never", "SYN106"),
    ("another checkpoint", "settle: policy", "settle: policy\n    checkpoints: often", "SYN106"),
    (
        "two workflows of one proposal",
        "workflows:\n",
        "workflows:\n  again: {allow: [billing.propose_fee], settle: policy}\n",
        "SYN381",
    ),
]  # fmt: skip
CASES = [(name, good, bad, rules) for (name, good, bad), rules in zip(RISK, EXPECTED, strict=True)] + APPROVAL


@pytest.mark.requirement("contract:load:strict")
@pytest.mark.parametrize(("good", "bad", "rules"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_broken_rule_of_deciding_is_reported_and_nothing_else(good: str, bad: str, rules: str) -> None:
    assert GOOD.count(good) == 1, "the case no longer fits the good contract"
    problems = read_text(GOOD.replace(good, bad.partition(" #")[0]), "x.yaml").problems
    assert sorted(p.rule for p in problems) == rules.split(), [str(p) for p in problems]
    assert all(p.line > 1 and p.message and p.column >= 1 for p in problems)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("before: {at_least: 5000}", "before: {at_most: 1, at_least: 2}"),
        ("{reason_code: [goodwill]}", "{reason_code: [goodwil]}"),
        ("medium: {expires_hours: 24}", "medium: {}"),
        ("total: {fee: 10000}", "total: {amount: 10000}"),
        ("evidence: {billing.propose_fee: [", "evidence: {billing.inspect: ["),
    ],
)
def test_a_problem_of_deciding_is_told_at_its_line(good: str, bad: str) -> None:
    text = GOOD.replace(good, bad)
    (problem,) = read_text(text, "x.yaml").problems
    assert problem.line == text[: text.index(bad)].count("\n") + 1


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"    returns: [id, status, fee]\n": "    retuns: [id]\n"}, "SYN101"),
        ({"    reason_code: $why\n": "    reason_cod: $why\n"}, "SYN101"),
        ({"    returns: [id, status, fee]\n": "    retuns: [id]\n", "policy: small_fees}": "policy: small}"}, "SYN101 SYN371"),
        ({"    returns: [id, status, fee]\n": "    retuns: [id]\n", "total: {fee:": "total: {note:"}, "SYN101 SYN374"),
    ],
)  # fmt: skip
def test_beside_a_capability_of_the_wrong_shape_only_what_is_wrong_is_told(changes: dict[str, str], rules: str) -> None:
    text = GOOD
    for good, bad in changes.items():
        assert good in text
        text = text.replace(good, bad)
    assert [p.rule for p in read_text(text, "x.yaml").problems] == rules.split()


_PAIR = (
    GOOD.replace(", policy: small_fees}", "}")
    .replace("    worker: supervised\n", "")
    .replace(GOOD[GOOD.index("policies:\n") : GOOD.index("workflows:\n")], "")
    .replace("    settle: policy\n", "    together: [billing.propose_fee, billing.propose_more]\n")
    .replace("[billing.inspect, billing.propose_fee]", "[billing.inspect, billing.propose_fee, billing.propose_more]")
)
_FEE = _PAIR[_PAIR.index("  billing.propose_fee:\n") : _PAIR.index("workflows:\n")]
TOGETHER = _PAIR.replace(
    "workflows:\n", _FEE.replace("billing.propose_fee", "billing.propose_more") + "workflows:\n", 1
)
_LIST = "together: [billing.propose_fee, billing.propose_more]"


@pytest.mark.requirement("group:whole")
@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        (_LIST, "together: [billing.propose_fee]", "nothing to stand or fall with"),
        (_LIST, "together: [billing.propose_fee, billing.inspect]", "`billing.inspect` is not a proposing capability"),
        (_LIST, "together: [billing.propose_fee, billing.propose_les]", "is not a proposing capability in `allow`"),
        (
            "[billing.inspect, billing.propose_fee, billing.propose_more]",
            "[billing.inspect, billing.propose_fee]",
            "`billing.propose_more` is not a proposing capability in `allow`",
        ),
        (
            "    approval: {role: lead, high",
            "    worker: supervised\n    approval: {role: lead, high",
            "for a supervised worker",
        ),
        ("    approval: {role: lead, high", "    undo: reviewed\n    approval: {role: lead, high", "may be undone"),
        (
            "    approval: {role: lead, high",
            "    executor: app\n    approval: {role: lead, high",
            "carried out by another one",
        ),
        (
            "    approval: {role: lead, high",
            "    approval: {shadow: true, role: lead, high",
            "a group is measured as a whole",
        ),
        ("    approval: {role: lead, high", "    context: other\n    approval: {role: lead, high", "another context"),
    ],
)
def test_what_cannot_stand_or_fall_together_is_refused(good: str, bad: str, message: str) -> None:
    problems = read_text(TOGETHER, "x.yaml").problems
    assert problems == (), [str(p) for p in problems]
    text = TOGETHER.replace(good, bad, 1)
    if "context" in message:
        text = re.sub(
            r"contexts:\n", "contexts:\n  other: {tenant: session.tenant_id, principal: session.user}\n", text
        )
        text = text.replace(
            "    where: {id: $invoice_id}\n    set:", "    context: support\n    where: {id: $invoice_id}\n    set:"
        )
        text = text.replace("    context: support\n", "", 1)
    told = [p for p in read_text(text, "x.yaml").problems if p.rule == "SYN384"]
    assert told, [str(p) for p in read_text(text, "x.yaml").problems]
    assert message in told[0].message


@pytest.mark.requirement("shadow:group")
def test_a_group_may_be_measured_as_a_whole() -> None:
    text = TOGETHER.replace("    approval: {role: lead", "    approval: {shadow: true, role: lead")
    assert text.count("shadow: true") == 2
    assert read_text(text, "x.yaml").problems == ()


def test_what_a_policy_approves_does_not_stand_or_fall_with_others() -> None:
    text = GOOD.replace("settle: policy", "settle: policy\n    together: [billing.propose_fee, billing.inspect]")
    told = [p.message for p in read_text(text, "x.yaml").problems if p.rule == "SYN384"]
    assert "`billing.propose_fee` may be approved by a policy." in told


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (f"    {_LIST}\n", "", Effect.GROWS),
        (
            "[billing.propose_fee, billing.propose_more]\n",
            "[billing.propose_more, billing.propose_fee]\n",
            Effect.TRADES,
        ),
    ],
)
def test_what_need_not_be_applied_together_any_more_grows(before: str, after: str, effect: Effect) -> None:
    one, two = (read_text(text, "x.yaml").contract for text in (TOGETHER, TOGETHER.replace(before, after)))
    assert one is not None
    assert two is not None
    (found,) = differences(one, two)
    assert (found.effect, found.path[-1]) == (effect, "together")


def test_the_good_contract_of_deciding_is_in_order() -> None:
    reading = read_text(GOOD, "x.yaml")
    assert reading.problems == ()
    assert isinstance(reading.contract, Contract)


def test_one_limit_means_the_same_as_a_list_of_one() -> None:
    listed = GOOD.replace(
        "{count: 20, total: {fee: 10000}, of: tenant}", "[{count: 20, total: {fee: 10000}, of: tenant}]"
    )
    assert read_text(listed, "x.yaml").contract == read_text(GOOD, "x.yaml").contract


GROWS, SHRINKS, TRADES, CHANGES = Effect.GROWS, Effect.SHRINKS, Effect.TRADES, Effect.CHANGES


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        ("role: lead,", "role: lead, quorum: 2,", SHRINKS),
        ("high: {role: boss, quorum: 2}", "high: {role: boss, quorum: 3}", SHRINKS),
        ("high: {role: boss, quorum: 2}", "high: {role: boss}", GROWS),
        ("      medium: {reason_code: [goodwill]}\n", "      medium: {reason_code: [mistake]}\n", TRADES),
        ("before: {at_most: 2500}", "before: {at_most: 2501}", GROWS),
        ("before: {at_most: 2500}", "before: {at_most: 2499}", SHRINKS),
        ("[mistake]\n    limits", "[mistake, goodwill]\n    limits", GROWS),
        ("    reason_codes: [mistake]\n", "", GROWS),
        ("    worker: supervised\n", "", SHRINKS),
        ("{billing.propose_fee: [billing.inspect]}", "{}", GROWS),
        ("settle: policy", "settle: policy\n    checkpoints: proposals", CHANGES),
    ],
)
def test_a_difference_in_deciding_is_told_for_what_it_does_to_authority(old: str, new: str, effect: Effect) -> None:
    assert GOOD.count(old) == 1
    before, after = (read_text(text, "x.yaml").contract for text in (GOOD, GOOD.replace(old, new)))
    assert before is not None
    assert after is not None
    assert [difference.effect for difference in differences(before, after)] == [effect]
    back = {GROWS: SHRINKS, SHRINKS: GROWS}.get(effect, effect)
    assert [difference.effect for difference in differences(after, before)] == [back]


def test_a_contract_is_told_with_all_that_decides() -> None:
    contract = read_text(GOOD, "x.yaml").contract
    assert contract is not None
    sections = {part.label: " ".join(part.sentences) for part in told(contract, "billing.propose_fee")}
    assert "or where the project allows that the policy small_fees, approves" in sections["does"]
    assert "High risk when fee is at least 5000 before the change" in sections["decided by"]
    assert sections["read before"].startswith("billing.inspect: answered in the same connection")
