"""The words of a page: what commands share with pages names no option there, and code is set as code and nothing else."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import synapsor
from synapsor.approve.console.wording import OPTIONS, coded, on_a_page
from synapsor.core.advice import WORDS
from synapsor.flow.steering import HINTS
from synapsor.refusals import Rule

PACKAGE = Path(synapsor.__file__).parent
SHARED = (*sorted((PACKAGE / "flow").glob("*.py")), PACKAGE / "core" / "review.py", PACKAGE / "runtime.py")
"""Where what is refused gets words that commands and pages both tell."""


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(each.value) if isinstance(each, ast.Constant) else "X" for each in node.values)


@cache
def fixes() -> set[str]:
    """Return every fix that `flow`, the rules of review and the tables of refusals and of advice tell."""
    found: set[str] = set()
    for path in SHARED:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "fix":
                found |= set(_texts(node.value))
    return found | WORDS | set(HINTS.values()) | {rule.fix for rule in Rule if rule.fix}


@pytest.mark.requirement("console:page-words")
def test_no_fix_names_an_option_of_a_command_on_a_page() -> None:
    assert len(fixes()) > 25
    assert [fix for fix in map(on_a_page, fixes()) if re.search(r"(?<![`\w] )--[a-z]", fix) and "`" not in fix] == []
    assert [fix for fix in map(on_a_page, fixes()) if "synapsor inbox" in fix] == []


@pytest.mark.requirement("console:page-words")
def test_every_phrase_that_pages_say_otherwise_is_one_that_commands_say() -> None:
    assert [phrase for phrase in OPTIONS if not any(phrase in fix for fix in fixes())] == []


@pytest.mark.requirement("console:page-words", "console:hostile-content")
@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("Run `synapsor verify`.", "Run <code>synapsor verify</code>."),
        ("`<b>`", "<code>&lt;b&gt;</code>"),
        ("<b> ` alone", "&lt;b&gt; ` alone"),
        ("a\u202eb", "a\\u202eb"),
        ("``", "``"),
    ],
)
def test_what_stands_in_backticks_is_code_and_everything_is_escaped(words: str, page: str) -> None:
    assert coded(words) == page
