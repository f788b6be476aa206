"""Every promise has a test and every test's promise is a promise: the manifest and the tests are compared both ways."""

import ast
from pathlib import Path

import pytest

from tests.requirements import REQUIREMENTS

TESTS = Path(__file__).parents[1]


def _shown() -> dict[str, list[str]]:
    """Return which tests show which promise, read from their decorators."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "requirement":
                for argument in node.args:
                    assert isinstance(argument, ast.Constant), f"{path.name}: an id is written out"
                    found.setdefault(str(argument.value), []).append(path.name)
    return found


def test_every_promise_is_shown_by_a_test() -> None:
    assert sorted(set(REQUIREMENTS) - set(_shown())) == []


def test_every_promise_that_a_test_names_is_in_the_manifest() -> None:
    assert sorted(set(_shown()) - set(REQUIREMENTS)) == []


@pytest.mark.parametrize("promise", sorted(REQUIREMENTS))
def test_a_promise_is_one_sentence_with_a_source(promise: str) -> None:
    requirement = REQUIREMENTS[promise]
    assert requirement.sentence.endswith(".")
    assert requirement.source
