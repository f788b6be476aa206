"""The mutants of synapsor.testing."""

from scripts.mutant_table.mutant import Mutant

MUTANTS = (
    Mutant(
        "trial.proves",
        "trial:as-production",
        "testing/trial.py",
        "refuse_fatal(await posture([self.contract], name, place))",
        "await posture([self.contract], name, place)",
        "tests/unit/test_trial.py -k production",
    ),
    Mutant(
        "cases.only-ok",
        "cases:run",
        "testing/expect.py",
        "            yield from check(value, seen)",
        "            yield from ()",
        "tests/unit/test_cases.py -k told_with_both_values",
    ),
    Mutant(
        "cases.types",
        "cases:run",
        "testing/expect.py",
        "    if text(expected) != text(got):",
        "    if str(expected) != str(got):",
        "tests/unit/test_cases.py -k 'exactly_and_in_order or told_with_both_values'",
    ),
    Mutant(
        "cases.reads-only",
        "cases:live",
        "testing/suite.py",
        'if tool.kind != "propose" and n in',
        "if n in",
        "tests/unit/test_cases.py -k 'live_source_is_read and sqlite'",
    ),
    Mutant(
        "cases.no-files",
        "cases:strict",
        "testing/memory.py",
        "return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK",
        "return sqlite3.SQLITE_OK",
        "tests/unit/test_cases.py -k runs_nothing",
    ),
)
