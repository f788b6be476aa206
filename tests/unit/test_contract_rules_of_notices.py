"""What a contract lets out in notifications: reviewed, told in plain words, growing authority, and never a hidden or denied column."""

from pathlib import Path

import pytest

from synapsor.cli.lint import looked_at
from synapsor.contract.difference import Effect, differences
from synapsor.contract.load import load
from synapsor.contract.model import Contract
from synapsor.contract.telling import told
from synapsor.errors import ContractError

BILLING = (Path(__file__).parents[2] / "policies" / "billing.yaml").read_text(encoding="utf-8")
NAME = "billing.propose_late_fee_waiver"
_AT = "    approval: {role: billing_lead, expires_hours: 72}\n"


def file(folder: Path, notify: str, *replaced: tuple[str, str]) -> Path:
    text = BILLING.replace(_AT, f"    notify: {notify}\n{_AT}" if notify else _AT, 1)
    for old, new in replaced:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = folder / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def contract(folder: Path, notify: str) -> Contract:
    return load(file(folder, notify)).contract


def test_what_may_be_told_is_part_of_what_is_reviewed(tmp_path: Path) -> None:
    sections = {s.label: s.sentences for s in told(contract(tmp_path, "[status, late_fee_cents]"), NAME)}
    sentence = "Notifications may tell the values of status, late_fee_cents, where the project sends any."
    assert sentence in sections["decided by"]
    assert load(file(tmp_path, "[status]")).digest != load(file(tmp_path, "")).digest


@pytest.mark.requirement("notify:values-reviewed")
def test_telling_more_is_authority_that_grows(tmp_path: Path) -> None:
    none, one, two = (contract(tmp_path, said) for said in ("", "[status]", "[status, late_fee_cents]"))
    path = ("capabilities", NAME, "notify")
    for before, after, effect in (
        (none, one, Effect.GROWS),
        (one, two, Effect.GROWS),
        (two, one, Effect.SHRINKS),
        (one, none, Effect.SHRINKS),
    ):
        assert [(d.path, d.effect) for d in differences(before, after)] == [(path, effect)]


@pytest.mark.parametrize(
    ("notify", "replaced", "rule"),
    [
        ("[no_such]", (), "SYN304"),
        ("[card_token]", (), "SYN305"),
        ("[tenant_id]", (), "SYN306"),
        ("[status, status]", (), "SYN308"),
        ("[customer]", (("customer: text", "customer: {type: text, show: token}"),), "SYN811"),
        ("[customer]", (("customer: text", "customer: {type: text, show: last_four}"),), "SYN811"),
        ("[order.status]", (), "SYN105"),
    ],
)
@pytest.mark.requirement("notify:values-reviewed")
def test_a_column_that_is_not_for_everybody_is_not_told(
    tmp_path: Path, notify: str, replaced: tuple[tuple[str, str], ...], rule: str
) -> None:
    with pytest.raises(ContractError) as refused:
        load(file(tmp_path, notify, *replaced))
    assert [p.rule for p in refused.value.problems] == [rule]


def test_a_lint_warns_of_what_looks_personal_or_was_written_by_anybody(tmp_path: Path) -> None:
    _, remarks = looked_at([file(tmp_path, "[note, status]")])
    assert [r.rule for r in remarks if r.rule == "LNT604"] == ["LNT604"]
    _, remarks = looked_at([file(tmp_path, "[status]")])
    assert [r.rule for r in remarks if r.rule == "LNT604"] == []
