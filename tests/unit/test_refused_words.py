"""The words for what an attempt to decide was refused by: every rule of our own has some, wherever it is written down."""

import ast
from collections.abc import Iterator

from synapsor.approve.refused_words import words_of
from tests.projects import ROOT

TABLES = {
    "cli/batch.py": "the rule by which the first that is left out was refused",
    "cli/outcome.py": "the codes of `errors.MEANINGS`",
    "core/draft.py": "REFUSED",
    "flow/amend.py": "REFUSED",
    "flow/undo.py": "REFUSED",
    "runtime.py": "the codes of `errors.MEANINGS`",
}
"""Where a rule is no literal, and from where it is then."""
NO_ATTEMPT = {"core/draft.py"}
"""Whose rules refuse nothing that anybody attempts on a proposal, so that none is on record."""


def test_every_rule_that_a_decision_is_refused_by_has_words() -> None:
    literal, elsewhere = set[str](), set[str]()
    for place, tree in _modules():
        for first in _rules(tree):
            if isinstance(first, ast.Constant):
                literal.add(str(first.value))
            else:
                elsewhere.add(place)
    assert elsewhere == set(TABLES), "a rule that no test here knows the words of"
    assert {"not_shown", "own_request"} <= literal
    assert [rule for rule in sorted(literal) if not words_of(rule)] == []


def test_every_rule_of_a_table_has_words() -> None:
    named = {
        rule
        for place, tree in _modules()
        if TABLES.get(place) == "REFUSED" and place not in NO_ATTEMPT
        for rule in _table(tree)
    }
    assert {"other_rows", "moved_on", "not_applied"} <= named
    assert [rule for rule in sorted(named) if not words_of(rule)] == []


def test_the_words_are_those_of_the_rule() -> None:
    assert words_of("other_rows") == "It would be about other rows than the agent asked for."
    assert words_of("not_applied") == "Only a change that was applied can be undone."
    assert words_of("nothing_to_change") == "The record already has these values."
    assert words_of("a rule of tomorrow") == ""


def _modules() -> Iterator[tuple[str, ast.Module]]:
    server = ROOT / "server" / "synapsor"
    for path in server.rglob("*.py"):
        yield path.relative_to(server).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _rules(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DecisionRefused":
            yield node.args[0]


def _table(tree: ast.Module) -> Iterator[str]:
    """Return the rules that a module's table names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "REFUSED":
            assert isinstance(node.value, ast.Dict)
            yield from (ast.literal_eval(key) for key in node.value.keys if key is not None)
