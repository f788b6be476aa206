"""`synapsor import` and policies that are public contracts: translated with types from a catalogue or a file, refused with exit code 6."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from synapsor.cli.main import main
from synapsor.contract.digest import contract_digest
from synapsor.contract.document import read_document
from synapsor.contract.load import load, read_file
from synapsor.contract.public.reading import is_public, read_public
from synapsor.contract.public.types import Types, read_types
from synapsor.contract.public.yaml_text import render
from synapsor.core.facts import ColumnFacts
from synapsor.core.kinds import kind_of
from synapsor.values import ColumnType
from tests.commands import Run
from tests.databases import Database
from tests.projects import ROOT, ProjectFiles, write_project
from tests.unit.contracts import GOOD
from tests.unit.public_contracts import GONE, edit, only
from tests.unit.public_types import RELATIONS


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db, profile="development")


def theirs(**changes: Any) -> dict[str, Any]:
    """Return a public contract over the shop's invoices."""
    document = only("read")
    del document["resources"]
    capability = document["capabilities"][0]
    del capability["model_withheld_fields"]
    capability["subject"] = {
        "schema": "billing",
        "table": "invoices",
        "primary_key": "id",
        "tenant_key": "tenant_id",
    }
    capability["visible_fields"] = ["id", "status", "late_fee_cents"]
    document["contexts"][0]["bindings"][0]["name"] = document["contexts"][0]["tenant_binding"] = "tenant_id"
    document["contexts"][0]["bindings"][1]["name"] = document["contexts"][0]["principal_binding"] = "user"
    for path, value in changes.items():
        edit(document, path, value)
    return document


def wrote(files: ProjectFiles, document: Any, name: str = "theirs.json") -> str:
    path = files.root / name
    path.write_text(document if isinstance(document, str) else json.dumps(document, indent=1), encoding="utf-8")
    return str(path)


@pytest.mark.requirement("public-contract:served")
def test_an_import_writes_a_contract_that_passes_the_check_and_serves_rows(run: Run, files: ProjectFiles) -> None:
    out = files.root / "policies" / "imported.yaml"
    done = run("import", wrote(files, theirs()), "--source", "shop", "--out", str(out))
    assert done.code == 0, done.err
    assert "changed  $.contexts[0].bindings[0]" in done.err
    assert run("check", str(out)).code == 0
    config = files.config_path.read_text(encoding="utf-8").replace("billing.yaml", "imported.yaml")
    files.config_path.write_text(config, encoding="utf-8")
    called = run("--json", "call", "shop.inspect_order", "--arg", "order_id=INV-3001")
    assert called.json["data"]["row"] == {"id": "INV-3001", "status": "overdue", "late_fee_cents": 5500}


def test_an_import_says_in_its_header_what_it_changed(run: Run, files: ProjectFiles) -> None:
    done = run("import", wrote(files, theirs()), "--source", "shop")
    assert done.code == 0
    header = done.out.partition("\nsynapsor: 1\n")[0]
    assert header.startswith("# Translated by `synapsor import` from the public contract theirs.json.")
    assert "#   $.capabilities[0].evidence: Evidence and audit are always kept" in header


def test_an_import_tells_all_of_it_as_one_document(run: Run, files: ProjectFiles) -> None:
    told = run("--json", "import", wrote(files, theirs()), "--source", "shop", "--name", "billing_two").json
    assert told["schema"] == "synapsor.import/1"
    assert (told["ok"], told["contract"], told["refused"], told["errors"]) == (True, "billing_two", [], [])
    assert yaml.safe_load(told["yaml"])["contract"] == "billing_two"
    assert told["digest"].startswith("sha256:")
    assert {one["word"] for one in told["changed"]} >= {"session_value", "evidence_always"}


def test_an_import_overwrites_nothing(run: Run, files: ProjectFiles) -> None:
    out = files.root / "policies" / "billing.yaml"
    before = out.read_bytes()
    assert run("import", wrote(files, theirs()), "--source", "shop", "--out", str(out)).code == 2
    assert out.read_bytes() == before


@pytest.mark.requirement("public-contract:codes")
def test_a_document_that_is_not_in_order_is_refused_with_2_and_its_codes(run: Run, files: ProjectFiles) -> None:
    broken = theirs(
        **{"capabilities[0].kept_out_fields": ["status"], "capabilities[0].args.tenant_id": {"type": "string"}}
    )
    path = wrote(files, broken)
    done = run("--json", "import", path, "--source", "shop")
    assert done.code == 2
    assert [(one["path"], one["code"]) for one in done.json["errors"]] == [
        ("$.capabilities[0].args.tenant_id", "MODEL_CONTROLLED_TRUST_ARG"),
        ("$.capabilities[0].kept_out_fields", "KEPT_OUT_FIELD_VISIBLE"),
    ]
    text = run("import", path, "--source", "shop").out
    assert "KEPT_OUT_FIELD_VISIBLE $.capabilities[0].kept_out_fields: A field that is kept out is not visible." in text


@pytest.mark.requirement("public-contract:refused-by-name")
def test_what_cannot_be_honoured_ends_with_6_and_writes_nothing(run: Run, files: ProjectFiles) -> None:
    out = files.root / "out.yaml"
    path = wrote(files, theirs(**{"capabilities[0].lookup": GONE}))
    done = run("--json", "import", path, "--source", "shop", "--out", str(out))
    assert done.code == 6
    assert [(one["path"], one["word"]) for one in done.json["refused"]] == [
        ("$.capabilities[0].lookup", "lookup_missing")
    ]
    assert not out.exists()


@pytest.mark.requirement("public-contract:one-reading")
def test_a_key_that_is_given_twice_is_refused_with_2(run: Run, files: ProjectFiles) -> None:
    text = json.dumps(theirs()).replace('"lookup":', '"kind": "proposal", "lookup":')
    done = run("--json", "import", wrote(files, text), "--source", "shop")
    assert (done.code, [one["rule"] for one in done.json["problems"]]) == (2, ["json_duplicate_key"])


def test_without_a_project_or_types_an_import_says_what_is_missing(
    files: ProjectFiles, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert main(["--json", "import", wrote(files, theirs())]) == 6
    told = json.loads(capsys.readouterr().out)
    assert {one["word"] for one in told["refused"]} == {"types_missing", "source_unknown"}
    assert main(["import", wrote(files, theirs())]) == 6
    assert "\nfix: Take out what is named" in capsys.readouterr().out


def test_the_only_source_of_a_project_need_not_be_named(run: Run, files: ProjectFiles) -> None:
    named = run("import", wrote(files, theirs()), "--source", "shop")
    done = run("import", wrote(files, theirs()))
    assert (done.code, done.out) == (0, named.out)


def test_where_there_are_several_sources_one_is_to_be_named(run: Run, files: ProjectFiles) -> None:
    text = files.config_path.read_text(encoding="utf-8")
    more = "sources:\n  other: {engine: sqlite, schema: main, read: 'sqlite:///other.db'}\n"
    files.config_path.write_text(text.replace("sources:\n", more), encoding="utf-8")
    done = run("import", wrote(files, theirs()))
    assert done.code == 2
    assert "fix: --source NAME, with one of other, shop." in done.err
    broken = run("import", wrote(files, theirs(**{"capabilities[0].kept_out_fields": ["status"]})))
    assert (broken.code, "KEPT_OUT_FIELD_VISIBLE" in broken.out) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--source", "elsewhere"),
        ("--source", "Not A Name"),
        ("--types", "nowhere.yaml"),
        ("--source", "shop", "--name", "No Name"),
    ],
)
def test_a_source_types_file_or_name_that_is_wrong_ends_with_2(
    run: Run, files: ProjectFiles, arguments: tuple[str, ...]
) -> None:
    assert run("import", wrote(files, theirs()), *arguments).code == 2


@pytest.mark.parametrize("text", ["\xff", None, "x" * (1024 * 1024 + 1)], ids=["no UTF-8", "no file", "too large"])
def test_a_file_that_cannot_be_read_ends_with_2(run: Run, files: ProjectFiles, text: str | None) -> None:
    path = files.root / "odd.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    assert run("import", str(path), "--source", "shop").code == 2


@pytest.mark.requirement("public-contract:served")
def test_a_policy_that_is_a_public_contract_is_served_by_the_types_beside_it(run: Run, files: ProjectFiles) -> None:
    policy = wrote(files, theirs(), "policies/theirs.json")
    config = files.config_path.read_text(encoding="utf-8").replace("billing.yaml", "theirs.json")
    files.config_path.write_text(config, encoding="utf-8")
    missing = run("check")
    assert missing.code == 2
    assert "types_missing $: " in missing.out
    beside = files.root / "policies" / "theirs.types.yaml"
    imported = files.root / "imported.yaml"
    asked = ("--source", "shop", "--write-types", str(beside), "--out", str(imported))
    assert run("import", policy, *asked).code == 0
    checked = run("--json", "check")
    assert checked.code == 0, checked.out
    assert checked.json["contracts"][0]["digest"] == load(imported).digest
    called = run("--json", "call", "shop.inspect_order", "--arg", "order_id=INV-3001")
    assert called.json["data"]["row"]["late_fee_cents"] == 5500


@pytest.mark.requirement("public-contract:refused-by-name")
def test_a_policy_that_cannot_be_honoured_is_refused_at_its_line(files: ProjectFiles) -> None:
    policy = wrote(files, theirs(**{"capabilities[0].max_rows": 9}), "policies/theirs.json")
    types = {"source": "shop", "relations": {"billing.invoices": RELATIONS["shop.orders"]}}
    (files.root / "policies" / "theirs.types.yaml").write_text(yaml.safe_dump(types), encoding="utf-8")
    reading = read_file(Path(policy))
    assert reading.contract is None
    assert {problem.rule for problem in reading.problems} == {"type_unknown"}
    lines = Path(policy).read_text(encoding="utf-8").splitlines()
    unknown = next(problem for problem in reading.problems if problem.rule == "type_unknown")
    assert "status" in lines[unknown.line - 1] or "late_fee_cents" in lines[unknown.line - 1]


@pytest.mark.requirement("public-contract:codes")
def test_a_policy_that_is_not_in_order_is_refused_with_the_formats_own_codes(run: Run, files: ProjectFiles) -> None:
    policy = wrote(files, theirs(**{"capabilities[0].kept_out_fields": ["status"]}), "policies/theirs.json")
    done = run("--json", "check", policy)
    assert done.code == 2
    assert [problem["rule"] for problem in done.json["problems"]] == ["KEPT_OUT_FIELD_VISIBLE"]


def test_a_policy_with_types_that_are_wrong_is_refused_for_them(run: Run, files: ProjectFiles) -> None:
    policy = wrote(files, theirs(), "policies/theirs.json")
    (files.root / "policies" / "theirs.types.yaml").write_text("relations: {billing.invoices: {id: varchar}}\n")
    done = run("--json", "check", policy)
    assert (done.code, [problem["rule"] for problem in done.json["problems"]]) == (2, ["types_invalid"])


def test_a_policy_with_unseen_characters_is_refused_before_it_is_read(run: Run, files: ProjectFiles) -> None:
    policy = wrote(files, json.dumps(theirs()).replace("Look at", "Look\u200b at"), "policies/theirs.json")
    raw = Path(policy).read_text(encoding="utf-8").replace("\\u200b", "\u200b")
    done = run("--json", "check", wrote(files, raw, "policies/theirs.json"))
    assert {problem["rule"] for problem in done.json["problems"]} == {"SYN003"}


def test_a_contract_of_ours_in_json_is_still_ours(tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    file.write_text(json.dumps(yaml.safe_load(GOOD)), encoding="utf-8")
    assert not is_public(file.read_text(encoding="utf-8"))
    assert load(file).contract.contract == "billing"


@pytest.mark.parametrize(
    "text", ['{"spec_version": "0.1", }', '{"kind": "SynapsorContract"', '{"spec_version":' + "[" * 9999]
)
def test_a_broken_document_of_the_format_is_taken_for_one(text: str) -> None:
    assert is_public(text)


@pytest.mark.parametrize("text", ["", "[]", "- a\n", "{relations: {}}", "x", '["x", 1]'])
def test_whatever_is_no_types_file_is_refused(text: str) -> None:
    types, problems = read_types(text, "types.yaml")
    assert types is None or (types.relations == {} and text == "{relations: {}}")
    assert problems or text == "{relations: {}}"


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126)),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), inner, min_size=1, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), PLAIN, min_size=1, max_size=4))
def test_what_is_written_is_read_back_alike_by_the_strict_reader(data: dict[str, Any]) -> None:
    document = read_document(render(data), "x")
    assert document.problems == []
    assert document.data == data


@pytest.mark.parametrize(
    ("native", "family", "high", "kind"),
    [
        ("uuid", {"uuid", "text"}, None, ColumnType.UUID),
        ("numeric", {"numeric", "integer"}, None, ColumnType.NUMERIC),
        ("", {"text", "numeric", "date"}, None, ColumnType.TEXT),
        ("", {"integer", "boolean"}, 127, ColumnType.BOOLEAN),
        ("", {"integer", "boolean"}, 2**63 - 1, ColumnType.INTEGER),
        ("", {"timestamptz", "timestamp"}, None, ColumnType.TIMESTAMPTZ),
        ("", {"text", "json"}, None, ColumnType.TEXT),
    ],
)
def test_a_column_gets_the_type_that_a_reviewer_would_choose(
    native: str, family: set[str], high: int | None, kind: ColumnType
) -> None:
    found = kind_of(ColumnFacts(name="x", native=native, family=frozenset(family), high=high))
    assert found is not None
    assert found.type is kind


def test_a_column_of_no_reviewed_type_has_none_and_what_is_too_large_is_left_out() -> None:
    assert kind_of(ColumnFacts(name="x", native="money", family=frozenset())) is None
    wide = kind_of(
        ColumnFacts(name="x", native="varchar", family=frozenset({"text"}), max_length=2_000_000, moves=True)
    )
    assert wide is not None
    assert (wide.max_length, wide.moves) == (None, True)


def test_the_digest_of_a_policy_is_that_of_the_translated_contract(run: Run, files: ProjectFiles) -> None:
    out = files.root / "a.yaml"
    done = run("--json", "import", wrote(files, theirs()), "--source", "shop", "--out", str(out))
    assert done.json["digest"] == contract_digest(load(out).contract)


@pytest.mark.requirement("docs:true")
def test_the_document_and_the_types_of_the_how_to_are_translated_as_it_says() -> None:
    page = (ROOT / "docs" / "how-to" / "import-a-public-contract.md").read_text(encoding="utf-8")
    document, kinds = (re.findall(rf"```{info}\n(.*?)```", page, re.DOTALL)[0] for info in ("json", "yaml"))
    types, problems = read_types(kinds, "fees.types.yaml")
    assert (types is not None, problems) == (True, ())
    reading = read_public(document, types or Types(), name="fees")
    assert reading.problems("fees.json") == ()
    contract = reading.contract()
    assert contract is not None
    assert contract.tables["invoices"].version == "row_version"
    assert contract.tables["invoices"].columns["card_token"].denied
