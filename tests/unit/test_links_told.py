"""What is said of links to whoever reviews a contract: in plain words, as statements, as differences, and what is looked at twice."""

import pytest

from synapsor.contract.difference import Effect, differences
from synapsor.contract.lint.run import Linted, lint
from synapsor.contract.load import read_text
from synapsor.contract.model import Contract
from synapsor.contract.telling import told
from synapsor.flow.statements import statements
from synapsor.sql.statement import Dialect
from tests.unit.contracts import LINKED

INSPECT = "billing.inspect"
LIST = "{returns: [line, receiver.name], where: {count: {at_least: 1}, receiver.tier: gold}, order: [-count], rows: 20}"


def made(text: str = LINKED) -> Contract:
    reading = read_text(text, "linked.yaml")
    assert reading.problems == ()
    assert reading.contract is not None
    return reading.contract


def changed(old: str, new: str) -> str:
    assert LINKED.count(old) == 1
    return LINKED.replace(old, new)


MORE = [
    ("buyer.region.name]", "buyer.region.name, buyer.tier]"),
    ("where: {status: open, buyer.tier: plain}", "where: {status: open}"),
    ("      lines: {to: lines", "      other: {to: lines, on: {id: invoice_id}, many: true}\n      lines: {to: lines"),
    (f"    with:\n      lines: {LIST}\n", f"    with:\n      lines: {LIST.replace('20', '21')}\n"),
    (LIST, LIST.replace(", receiver.tier: gold", "")),
    (LIST, LIST.replace("at_least: 1", "at_least: 0")),
    (LIST, LIST.replace("[line, receiver.name]", "[line, receiver.name, weight]")),
    (LIST, LIST.replace("returns: [line, receiver.name], ", "")),
    ("order: [-fee]", "order: [-fee, buyer.region.name]"),
    (LIST, LIST.replace("order: [-count]", "order: [-receiver.name]")),
]


@pytest.mark.requirement("diff:never-less")
@pytest.mark.parametrize(("old", "new"), MORE)
def test_more_through_a_link_grows_and_less_shrinks(old: str, new: str) -> None:
    before, after = made(), made(changed(old, new))
    # Without `returns`, other columns are seen, and not the path: that grows, and shrinks too.
    effects = {d.effect for d in differences(before, after)}
    assert effects <= {Effect.GROWS, Effect.TRADES}
    assert effects
    assert {d.effect for d in differences(after, before)} <= {Effect.SHRINKS, Effect.TRADES}


@pytest.mark.requirement("diff:never-less")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("buyer: {to: buyers, on: {buyer_id: id}}\n      lines", "buyer: {to: buyers, on: {note: id}}\n      lines"),
        ("because: Regions come from one list.", "because: Because."),
        (
            "      buyer: {to: buyers, on: {buyer_id: id}}\n      lines",
            "      buyer: {to: buyers, on: {buyer_id: id}, because: So.}\n      lines",
        ),
        (", because: Regions come from one list.", ""),
    ],
)
def test_another_link_is_said_to_grow(old: str, new: str) -> None:
    found = differences(made(), made(changed(old, new)))
    assert any(d.effect.gains for d in found)


def test_the_order_of_a_list_changes_nothing_that_may_be_seen() -> None:
    (found,) = differences(made(), made(changed("order: [-count]", "order: [line]")))
    assert found.effect is Effect.CHANGES
    down, up = (made(changed("order: [-fee]", f"order: [{sign}buyer.name]")) for sign in ("-", ""))
    (found,) = differences(down, up)
    assert found.effect is Effect.CHANGES


@pytest.mark.requirement("explain:true")
@pytest.mark.parametrize("dialect", ["postgres", "mysql", "sqlite"])
def test_the_statements_of_a_read_are_those_of_its_row_and_its_lists(dialect: Dialect) -> None:
    row, lines = statements(made(), INSPECT, dialect)
    assert (row.purpose, lines.purpose) == ("the read", "the list lines, in the same transaction")
    assert (row.text.count("LEFT JOIN"), lines.text.count("LEFT JOIN")) == (2, 1)
    (listed,) = statements(made(), "billing.list_open", dialect)
    assert listed.text.count("LEFT JOIN") == 1
    (ordered,) = statements(made(changed("order: [-fee]", "order: [buyer.region.name]")), "billing.list_open", dialect)
    assert ordered.text.count("LEFT JOIN") == 2


COUNTED = (
    LINKED
    + """\
  billing.buyers:
    description: The invoices of each region.
    aggregate: invoices
    measures: {invoices: count, tiers: {count_distinct: buyer.tier}}
    group: {place: buyer.region.name}
"""
)


@pytest.mark.requirement("explain:true")
@pytest.mark.parametrize("dialect", ["postgres", "mysql", "sqlite"])
def test_an_aggregate_through_links_is_one_statement_and_says_what_it_counts(dialect: Dialect) -> None:
    (counted,) = statements(made(COUNTED), "billing.buyers", dialect)
    assert (counted.purpose, counted.text.count("LEFT JOIN")) == ("the count", 2)
    sections = {section.label: section.sentences for section in told(made(COUNTED), "billing.buyers")}
    assert sections["related"] == (
        "From buyers, only rows whose tenant is the tenant_id of the session.",
        "From regions, any row: it has a single tenant.",
        "A row for which there is none counts as one without a value there.",
        "A related row counts for each row that leads to it; those of one group may all lead to the same.",
    )
    assert "by place = buyer.region.name" in sections["seen"]


@pytest.mark.requirement("diff:never-less")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tiers: {count_distinct: buyer.tier}}", "tiers: {count_distinct: buyer.name}}"),
        (
            "tiers: {count_distinct: buyer.tier}}",
            "tiers: {count_distinct: buyer.tier}, names: {count_distinct: buyer.name}}",
        ),
        ("{place: buyer.region.name}", "{place: buyer.name}"),
        ("{place: buyer.region.name}", "{place: buyer.region.name, tier: buyer.tier}"),
    ],
)
def test_another_measure_or_group_behind_a_link_grows(old: str, new: str) -> None:
    assert COUNTED.count(old) == 1
    assert any(d.effect.gains for d in differences(made(COUNTED), made(COUNTED.replace(old, new))))


@pytest.mark.requirement("explain:true")
def test_it_is_told_which_columns_of_related_rows_are_not_seen_as_they_are() -> None:
    masked = made(changed("name: text, tier:", "name: {type: text, show: token, reveal: privacy}, tier:"))
    sections = {section.label: section.sentences for section in told(masked, INSPECT)}
    assert "buyer.name is shown as token, behind which privacy may look." in sections["seen"]
    assert "lines.receiver.name is shown as token, behind which privacy may look." in sections["related"]


@pytest.mark.requirement("explain:true")
def test_it_is_told_what_a_change_requires_and_which_rows_it_holds() -> None:
    said = "    requires: {status: open, buyer.tier: gold}\n    unchanged: [buyer.region.name]\n    set: {note: $words}"
    sections = {
        s.label: s.sentences for s in told(made(changed("    set: {note: $words}", said)), "billing.propose_note")
    }
    assert 'only if buyer.tier is "gold"' in sections["changes"]
    assert "A row that is not as is required, or whose related row is not." in sections["refused"]
    assert (
        "So must buyer.tier, buyer.region.name, in related rows that are locked meanwhile." in sections["when applied"]
    )
    assert "Where there is no such row, nothing is proposed." in sections["related"]


@pytest.mark.requirement("explain:true")
def test_it_is_told_whose_related_rows_are_seen_and_which_come_along() -> None:
    sections = {section.label: section.sentences for section in told(made(), INSPECT)}
    assert sections["seen"] == ("id, status, buyer.name, buyer.region.name",)
    assert sections["related"] == (
        "From buyers, only rows whose tenant is the tenant_id of the session.",
        "From regions, any row: it has a single tenant.",
        "From lines, only rows whose tenant_id is the tenant_id of the session.",
        "Where there is no such row, the result says null in its place.",
        "At most 20 rows of lines come along: line, receiver.name.",
        "Of lines: count is at least 1",
        'Of lines: receiver.tier is "gold"',
    )
    ordered = made(changed("order: [-fee]", "order: [buyer.region.name, -fee]"))
    sections = {section.label: section.sentences for section in told(ordered, "billing.list_open")}
    assert sections["does"][1] == "Ordered by buyer.region.name, then by fee, largest first."
    assert sections["related"] == (
        "From buyers, only rows whose tenant is the tenant_id of the session.",
        "From regions, any row: it has a single tenant.",
        "Where there is no such row, the result says null in its place.",
        "In an order, it stands where rows without a value stand.",
    )


def rules(text: str) -> list[str]:
    contract = made(text)
    found = lint([Linted(contract=contract, positions=read_text(text, "linked.yaml").positions, text=text)])
    return [remark.rule for remark in found if remark.rule.startswith("LNT2")]


def test_what_looks_personal_is_found_behind_a_link_and_what_a_link_uses_is_used() -> None:
    base = rules(LINKED)
    mapped = changed("ssn_1: denied", "email: text, ssn_1: denied")
    assert sorted(rules(mapped)) == sorted([*base, "LNT202"])  # nothing uses it
    shown = mapped.replace("buyer.region.name]", "buyer.region.name, buyer.email]")
    assert sorted(rules(shown)) == sorted([*base, "LNT201"])
    ordered = mapped.replace("order: [-fee]", "order: [buyer.email]")
    assert sorted(rules(ordered)) == sorted(base)  # an order uses it, and shows it to nobody
    listed = mapped.replace("[line, receiver.name]", "[line, receiver.email]")
    assert sorted(rules(listed)) == sorted([*base, "LNT201"])
    document = changed("[line, receiver.name]", "[line, raw]")
    assert sorted(rules(document)) == sorted([*base, "LNT205"])


@pytest.mark.requirement("explain:true")
def test_an_insert_says_what_is_made_of_it_and_what_its_related_row_must_be_like() -> None:
    said = """\
    propose: insert invoices
    arguments:
      invoice_id: {type: string, max_length: 64}
    set: {id: {from: proposal}, buyer_id: $invoice_id, due: {from: now}}
    dedup: [tenant_id, id]
    requires: {buyer.tier: gold}
    approval: {role: lead}
"""
    text = LINKED.replace("    tenant: tenant_id\n", "    tenant: tenant_id\n    only: {paid: false}\n", 1)
    contract = made(text[: text.index("    propose: update invoices")] + said)
    sections = {s.label: s.sentences for s in told(contract, "billing.propose_note")}
    assert sections["changes"][:3] == (
        "buyer_id becomes what the model gives as $invoice_id",
        "due becomes the moment at which it is proposed",
        "id becomes the proposal's handle",
    )
    assert sections["when applied"] == (
        "No row with the same tenant_id, id may be there; otherwise nothing is applied.",
        (
            "buyer.tier must be as it was when the change was asked for, in a related row that is locked meanwhile; "
            "otherwise nothing is applied, either."
        ),
    )
    assert "which" not in sections
    assert sections["bounds"] == ("No number is bounded.",)
    assert "A row that is there already." in sections["refused"]
    assert "A row outside the bounds." not in sections["refused"]
