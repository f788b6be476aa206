"""The documentation is what the code says: generated pages are fresh, and every link, command, example and word is real."""

import ast
import inspect
import json
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scripts.reference import CONFIG_MEANINGS, LEDGER_RULES, rendered, subcommands
from synapsor.cli.lint import looked_at
from synapsor.cli.parser import build_parser
from synapsor.config import Model as ConfigModel
from synapsor.config import load_config
from synapsor.contract import approval, mapping, measures, model, workflow
from synapsor.contract.lint.lints import Severity
from synapsor.contract.load import load
from synapsor.contract.rules import RULES
from synapsor.core.outcome import Why, why_failed, why_refused
from synapsor.errors import Code, Failure, LedgerFailure
from synapsor.ledger.sqlite_file import REPLACED, TROUBLES
from synapsor.refusals import Rule
from synapsor.sources import mysql_catalogue, postgres_catalogue
from synapsor.testing.cases import load_cases
from synapsor.testing.suite import run_in_memory
from synapsor.values import ColumnType, to_json

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server" / "synapsor"
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted(
    [
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md")),
    ]
)
CORE = [
    import_module(f"synapsor.core.{name}")
    for name in (
        "aggregate",
        "backtest",
        "budget",
        "count",
        "deciding",
        "draft",
        "evidence",
        "facts",
        "form",
        "hidden",
        "links",
        "measure",
        "outcome",
        "past",
        "plan",
        "policy",
        "presenter",
        "proposal",
        "question",
        "quorum",
        "redecide",
        "review",
        "scope",
        "suppress",
        "totals",
        "undo",
        "writeback",
    )
]

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_INLINE = re.compile(r"`(synapsor(?: [^`]*)?)`")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(page: Path, info: str) -> Iterator[str]:
    return (body for found, body in _FENCE.findall(text_of(page)) if found.strip() == info)


def examples(info: str) -> list[Any]:
    return [
        pytest.param(body, id=f"{name_of(page)}-{number}")
        for page in PAGES
        for number, body in enumerate(blocks(page, info), start=1)
    ]


def command_lines(page: Path) -> Iterator[str]:
    """Yield each line of a shell example that starts synapsor, continued lines joined and environment and pipes cut off."""
    for info in ("sh", "console"):
        for body in blocks(page, info):
            for line in body.replace("\\\n", " ").splitlines():
                found = re.search(
                    r"(?:^|[|;] |\$ |&& |\s)(?:\.venv/bin/)?(synapsor(?:\s.*)?)$", line.split(" #")[0].rstrip()
                )
                if found and not line.lstrip().startswith(("#", "ExecStart", "cd ")):
                    yield re.split(r" (?:\||>|2>|&|&&) ?", found[1])[0]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page as its hosts make them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(_FENCE.sub("", text_of(page))))
    return {heading.strip().replace(" ", "-") for heading in plain}


def class_names(module: ModuleType) -> list[str]:
    return [
        name
        for name, found in inspect.getmembers(module, inspect.isclass)
        if found.__module__ == module.__name__ and not name.startswith("_")
    ]


def members_of(path: Path, name: str) -> Iterator[ast.Attribute]:
    """Yield every `name.member` of a file."""
    for node in ast.walk(ast.parse(text_of(path))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            yield node


@pytest.mark.parametrize("name", sorted(rendered()))
def test_a_generated_page_is_fresh(name: str) -> None:
    assert text_of(REFERENCE / name) == rendered()[name], "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    dead: list[str] = []
    for link in _LINK.findall(_FENCE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_named_in_text_is_real(page: Path) -> None:
    known = subcommands(build_parser())
    unknown: list[str] = []
    for line in _INLINE.findall(text_of(page)):
        words = [word for word in line.split()[1:] if not word.startswith("-")]
        inner = subcommands(known[words[0]]) if words and words[0] in known else {}
        if words and (words[0] not in known or (inner and len(words) > 1 and words[1] not in inner)):
            unknown.append(line)
    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
@pytest.mark.requirement("docs:true")
def test_every_command_line_in_an_example_is_accepted(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused: list[str] = []
    for line in command_lines(page):
        try:
            build_parser().parse_args(shlex.split(line)[1:])
        except SystemExit as ended:
            if ended.code != 0:
                refused.append(f"{line}: {capsys.readouterr().err}")
    assert refused == []


@pytest.mark.parametrize("text", examples("yaml contract"))
def test_every_contract_in_the_docs_is_in_order(text: str, tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    file.write_text(text, encoding="utf-8")
    assert load(file).digest.startswith("sha256:")
    _, remarks = looked_at([file])
    assert [r for r in remarks if r.severity is not Severity.NOTE and not r.allowed] == []


@pytest.mark.requirement("docs:true")
@pytest.mark.parametrize("text", examples("yaml cases"))
async def test_every_file_of_cases_in_the_docs_holds(text: str, tmp_path: Path) -> None:
    for folder in ("policies", "fixtures"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "billing.yaml").symlink_to(ROOT / "policies" / "billing.yaml")
    file = tmp_path / "own" / "billing.test.yaml"
    file.write_text(text, encoding="utf-8")
    cases = load_cases(file)
    assert [(o.name, o.mismatches) for o in await run_in_memory(cases, list(cases.held.cases)) if not o.passed] == []


@pytest.mark.parametrize("text", examples("yaml synapsor.yaml"))
def test_every_configuration_in_the_docs_is_in_order(text: str, tmp_path: Path) -> None:
    file = tmp_path / "synapsor.yaml"
    file.write_text(text, encoding="utf-8")
    assert load_config(file).root == tmp_path


@pytest.mark.parametrize("text", examples("json"))
def test_every_json_in_the_docs_is_json(text: str) -> None:
    assert json.loads(text)


def test_there_are_examples_of_every_kind() -> None:
    assert len(examples("yaml contract")) >= 2
    assert len(examples("yaml cases")) >= 1
    assert len(examples("yaml synapsor.yaml")) >= 2
    assert sum(1 for page in PAGES for _ in command_lines(page)) >= 20


def test_every_error_code_is_documented() -> None:
    page = text_of(REFERENCE / "errors.md")
    assert [code for code in Code if f"| `{code.value}` |" not in page] == []


@pytest.mark.requirement("contract:rules:documented")
def test_every_rule_of_check_is_documented() -> None:
    page = text_of(REFERENCE / "rules.md")
    assert [rule for rule in RULES if rule not in page] == []


def test_every_reason_to_refuse_a_decision_is_documented_and_no_other() -> None:
    page = text_of(REFERENCE / "errors.md")
    given = {
        node.attr for path in SERVER.rglob("*.py") for node in members_of(path, "Rule") if path.name != "refusals.py"
    }
    assert [
        rule for rule in Rule if f"| `{rule}` |" not in page or rule.name not in given or not rule.words.endswith(".")
    ] == []


def test_every_way_in_which_the_ledger_fails_is_documented_and_no_other() -> None:
    assert sorted(LEDGER_RULES) == sorted(
        {LedgerFailure("").rule, REPLACED, *(rule for rule, _, _ in TROUBLES.values())}
    )


def test_every_way_a_source_can_fail_is_among_the_reasons_that_a_receipt_can_give() -> None:
    assert [why_failed(failure).value for failure in Failure] == [failure.value for failure in Failure]


def test_every_rule_by_which_an_approval_does_not_count_is_among_them_too() -> None:
    rules = {Rule[node.attr] for node in members_of(SERVER / "core" / "review.py", "Rule")}
    assert len(rules) > 5  # they were found at all
    assert {why_refused(rule).value for rule in rules} == {f"approval_{rule}" for rule in rules}


def test_every_reason_is_given_somewhere_and_says_what_it_means() -> None:
    given = {node.attr for path in SERVER.rglob("*.py") for node in members_of(path, "Why")}
    reached = {why_failed(failure).name for failure in Failure} | {f"APPROVAL_{rule.upper()}" for rule in Rule}
    assert [why for why in Why if why.name not in given | reached or not why.meaning.endswith(".")] == []


def test_every_key_of_the_configuration_has_a_meaning_and_no_other_has() -> None:
    keys = {
        kind.__name__: [field.alias or name for name, field in kind.model_fields.items()]
        for kind in ConfigModel.__subclasses__()
    }
    assert {kind: sorted(names) for kind, names in keys.items()} == {
        kind: sorted(meanings) for kind, meanings in CONFIG_MEANINGS.items()
    }


def test_every_command_says_what_it_does() -> None:
    silent = [
        name for name, command in subcommands(build_parser()).items() if not (command.description or "").endswith(".")
    ]
    assert silent == []


@pytest.mark.parametrize("module", [*CORE, approval, measures, model, workflow], ids=lambda m: str(m.__name__))
def test_every_noun_of_the_code_is_in_the_glossary(module: ModuleType) -> None:
    page = text_of(ROOT / "docs" / "glossary.md")
    assert [name for name in class_names(module) if name != "Model" and f"`{name}`" not in page] == []


def test_every_column_type_is_documented() -> None:
    page = text_of(REFERENCE / "types.md")
    by_token, _, by_engine = page.partition("## On each engine")
    assert [t for t in ColumnType if f"| `{t.value}`" not in by_token] == []
    assert [t for t in ColumnType if f"| `{t.value}` |" not in by_engine] == []


def _type_rows() -> list[Any]:
    table, _, _ = text_of(REFERENCE / "types.md").partition("## On each engine")
    rows = re.findall(r"^\| `(\w+)`([^|]*)\| `([^`]+)` \| `([^`]+)` \|$", table, re.MULTILINE)
    return [pytest.param(kind, token, shown, id=f"{kind}{more.strip()}") for kind, more, token, shown in rows]


@pytest.mark.parametrize(("kind", "token", "shown"), _type_rows())
def test_a_token_becomes_the_json_that_is_documented(kind: str, token: str, shown: str) -> None:
    assert json.dumps(to_json(token, ColumnType(kind))) == shown


def _native_rows() -> dict[str, list[str]]:
    _, _, part = text_of(REFERENCE / "types.md").partition("## Which columns may be reviewed")
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|([^|]*)\|$", part.partition("## What may be set")[0], re.MULTILINE)
    return {kind: [postgres, mysql] for kind, postgres, mysql in rows}


def test_the_types_of_each_database_are_documented_under_what_they_may_be_reviewed_as() -> None:
    rows = _native_rows()
    postgres = {n: {str(k) for k in kinds} for n, kinds in postgres_catalogue._FAMILIES.items()}
    mysql = {**mysql_catalogue._FAMILIES, **{name: {"integer"} for name in mysql_catalogue._WIDTH}}
    missing = [f"{n}: {kind}" for n, kinds in postgres.items() for kind in kinds if f"`{n}`" not in rows[kind][0]]
    missing += [f"{n}: {kind}" for n, kinds in mysql.items() for kind in kinds if f"`{n}`" not in rows[kind][1]]
    assert missing == []


def test_the_types_that_may_be_set_are_documented() -> None:
    _, _, part = text_of(REFERENCE / "types.md").partition("## What may be set or compared")
    rows = re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
    assert sorted(rows) == sorted(kind.value for kind in mapping.SETTABLE)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_change_is_approved_and_never_merged(page: Path) -> None:
    assert re.findall(r"\bmerg\w*", text_of(page).replace("merge keys", ""), re.IGNORECASE) == []
