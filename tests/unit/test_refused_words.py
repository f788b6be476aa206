"""The words for what an attempt to decide was refused by: every rule of our own has some."""

import ast

from synapsor.approve.refused_words import words_of
from tests.projects import ROOT


def test_every_rule_that_a_decision_is_refused_by_has_words() -> None:
    rules: set[str] = set()
    for path in (ROOT / "server").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DecisionRefused":
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    rules.add(first.value)
    assert {"not_shown", "own_request"} <= rules
    assert [rule for rule in sorted(rules) if not words_of(rule)] == []
    assert words_of("other_rows") == "It would be about other rows than the agent asked for."
    assert words_of("nothing_to_change") == "The record already has these values."
    assert words_of("a rule of tomorrow") == ""
