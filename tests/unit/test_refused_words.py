"""Whatever an attempt was refused by is told in words, when only the rule is on record."""

from synapsor.approve.refused_words import words_of
from synapsor.core import amend, undo
from synapsor.errors import Code
from synapsor.refusals import Rule


def test_every_rule_that_a_decision_is_refused_by_has_words() -> None:
    assert [rule for rule in (*Rule, *Code) if words_of(str(rule)) != rule.words or not rule.words.endswith(".")] == []


def test_no_two_rules_have_one_name_on_record() -> None:
    assert {rule.value for rule in Rule} & {code.value for code in Code} == set()


def test_the_words_are_those_of_the_rule() -> None:
    assert words_of("other_rows") == "It would be about other rows than the agent asked for."
    assert words_of("not_applied") == "Only a change that was applied can be undone."
    assert words_of("nothing_to_change") == "The record already has these values."
    assert words_of("a rule of tomorrow") == ""


def test_the_numbers_in_the_words_are_those_that_hold() -> None:
    assert f" {amend.MOST_DEPTH} times " in Rule.AMENDED_TOO_OFTEN.words
    assert Rule.TOO_DEEP.words.endswith(f" after {undo.MOST_DEPTH}.")
