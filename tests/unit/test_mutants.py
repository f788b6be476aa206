"""The table of mutants is honest: each breaks something that is there, and names a promise and tests that exist."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from scripts.mutant_table import MUTANTS, Mutant
from scripts.mutants import occurrences, place
from tests.requirements import REQUIREMENTS

ROOT = Path(__file__).parents[2]


def test_every_mutant_has_a_name_of_its_own() -> None:
    assert len({m.id for m in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.id)
def test_a_mutant_changes_a_text_that_stands_once_in_its_file(mutant: Mutant) -> None:
    assert occurrences(mutant, ROOT) == 1
    assert mutant.new != mutant.old
    if mutant.file.endswith(".py"):
        ast.parse(place(mutant, ROOT).read_text(encoding="utf-8").replace(mutant.old, mutant.new))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.id)
def test_a_mutant_names_a_promise_and_tests_that_there_are(mutant: Mutant) -> None:
    assert mutant.promise in REQUIREMENTS
    path, *options = shlex.split(mutant.tests)
    text = (ROOT / path).read_text(encoding="utf-8")
    words = re.findall(r"\w+", options[1]) if options else []
    wanted = [w for w in words if w not in {"and", "or", "not", "memory", "sqlite", "postgres", "mariadb"}]
    names = re.findall(r"def (test_\w+)", text)
    assert all(any(word in name for name in names) for word in wanted)
