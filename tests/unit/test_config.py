"""Project configuration: read strictly, all problems at once, and never a secret in a message."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from synapsor.config import find_config, load_config, session_values
from synapsor.errors import ConfigError
from synapsor.secrets import SecretRef

GOOD = """\
synapsor: 1
profile: production
policies: [policies/billing.yaml]
sources:
  shop:
    engine: postgres
    mode: writeback
    read: ${env:SHOP_READ_URL}
    write: ${env:SHOP_WRITE_URL}
    receipts: billing.synapsor_receipts
    tls: {ca: certs/ca.pem}
    pool: {size: 4, wait_ms: 250}
    timeouts: {lock_ms: 1000}
session: {tenant_id: acme, user: support_agent_17}
names: underscore
http:
  tokens:
    - name: claude
      sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      session: {tenant_id: acme, user: claude_user}
"""
CANARY = "canary-7f3#/@[%"


def write(root: Path, text: str) -> Path:
    path = root / "synapsor.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(root: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load_config(write(root, text))
    assert refused.value.exit_code == 2
    return refused.value.message.splitlines()


def test_a_whole_project_is_read_with_absolute_paths_and_defaults(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    shop = config.sources["shop"]
    assert (config.root, config.policies) == (tmp_path, (tmp_path / "policies/billing.yaml",))
    assert (config.ledger, config.ledger_key) == (tmp_path / ".synapsor/ledger.db", None)
    assert config.operators == tmp_path / "operators.yaml"
    assert (shop.engine, shop.mode, shop.receipts) == ("postgres", "writeback", "billing.synapsor_receipts")
    assert shop.read == SecretRef("env", "SHOP_READ_URL", "")
    assert shop.tls is not None
    assert shop.tls.ca == tmp_path / "certs/ca.pem"
    assert (shop.pool.size, shop.pool.wait_ms, shop.timeouts.lock_ms) == (4, 250, 1000)
    assert config.http.tokens[0].session == {"tenant_id": "acme", "user": "claude_user"}


@pytest.mark.requirement("intent:told")
def test_a_source_that_keeps_no_receipts_says_so_in_a_word(tmp_path: Path) -> None:
    named = load_config(write(tmp_path, GOOD)).sources["shop"]
    shop = load_config(write(tmp_path, GOOD.replace("billing.synapsor_receipts", "ledger"))).sources["shop"]
    assert (shop.receipts, shop.receipts_table) == ("ledger", None)
    assert named.receipts_table == "billing.synapsor_receipts"


def test_the_lowest_rung_of_the_ladder_is_the_default(tmp_path: Path) -> None:
    text = "synapsor: 1\npolicies: [p.yaml]\nsources: {shop: {engine: mysql, read: '${env:R}'}}\n"
    config = load_config(write(tmp_path, text))
    assert config.sources["shop"].mode == "evidence"
    assert (config.profile, config.names, config.session) == ("development", "dotted", {})


def test_the_file_is_found_upwards_and_nowhere_else(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    (tmp_path / "a/b").mkdir(parents=True)
    assert find_config(tmp_path / "a/b") == path
    with pytest.raises(ConfigError) as missing:
        find_config(Path("/"))
    assert "--config" in missing.value.fix


@pytest.mark.requirement("config:strict")
def test_all_problems_are_told_at_once_each_with_its_line_and_a_hint(tmp_path: Path) -> None:
    text = GOOD.replace("profile:", "profil:").replace("engine:", "engin:").replace("wait_ms", "wait_m")
    text = text.replace("names: underscore", "names: camel").replace("lock_ms: 1000", "lock_ms: true")
    found = problems(tmp_path, text)
    assert [line.split(" ", 2)[:2] for line in found] == [
        ["synapsor.yaml:2:1:", "unknown_key"],
        ["synapsor.yaml:5:3:", "missing_key"],
        ["synapsor.yaml:6:5:", "unknown_key"],
        ["synapsor.yaml:12:21:", "unknown_key"],
        ["synapsor.yaml:13:16:", "int_type"],
        ["synapsor.yaml:15:1:", "literal_error"],
    ]
    assert "Did you mean `profile`?" in found[0]
    assert "Did you mean `engine`?" in found[2]
    assert "Did you mean `wait_ms`?" in found[3]


@pytest.mark.requirement("config:strict")
@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("synapsor: 1", "synapsor: 2", "literal_error"),
        ("synapsor: 1", "synapsor: true", "version"),
        ("profile: production", "profile: producton", "literal_error"),
        ("mode: writeback", "mode: write", "literal_error"),
        ("engine: postgres", "engine: oracle", "literal_error"),
        ("size: 4", "size: 0", "greater_than_equal"),
        ("size: 4", "size: '4'", "int_type"),
        ("  shop:", "  Shop:", "string_pattern_mismatch"),
        ("receipts: billing.synapsor_receipts", "receipts: synapsor_receipts", "string_pattern_mismatch"),
        ("    receipts: billing.synapsor_receipts\n", "", "writeback_incomplete"),
        ("    write: ${env:SHOP_WRITE_URL}\n", "", "writeback_incomplete"),
        (
            "    write: ${env:SHOP_WRITE_URL}\n    receipts: billing.synapsor_receipts\n",
            "    allow: [writer_owns]\n",
            "allow_without_writer",
        ),
        ("synapsor: 1\n", "synapsor: 1\ncodes_group: deciders\n", "codes_not_kept"),
        (
            "synapsor: 1\n",
            "synapsor: 1\ncodes_group: all\nledger_group: all\none_time_codes: codes.yaml\n",
            "codes_open_to_server",
        ),
        ("write: ${env:SHOP_WRITE_URL}", "write: ${env:SHOP_READ_URL}", "one_credential"),
        ("read: ${env:SHOP_READ_URL}", "read: sqlite:///shop.db", "engine_mismatch"),
        ("engine: postgres", "engine: postgres\n    schema: billing", "schema_unused"),
        ("tenant_id: acme, user: support", "tenant_id: false, user: support", "session_value"),
        ("tenant_id: acme, user: support", "tenant_id: '', user: support", "session_value"),
        ("tenant_id: acme, user: support", "tenant_id: [acme], user: support", "session_value"),
        ("tenant_id: acme, user: support", "tenant_id: '${env:}', user: support", "secret_in_clear"),
        ("      sha256: 9f86", "      sha256: 9F86", "string_pattern_mismatch"),
        ("policies: [policies/billing.yaml]", "policies: []", "too_short"),
        ("profile: production", "profile: production\nprofile: development", "SYN008"),
        ("names: underscore", "names: &a underscore", "SYN006"),
        ("names: underscore", "names: !!str underscore", "SYN007"),
        ("names: underscore", "names: under\u200bscore", "SYN003"),
        ("user: support_agent_17", "user: yes", "SYN010"),
        ("user: support_agent_17", "user: 0o17", "SYN010"),
    ],
)
def test_what_is_not_understood_stops_the_program(tmp_path: Path, old: str, new: str, rule: str) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new))
    assert rule in {line.split(" ")[1] for line in found}


@pytest.mark.parametrize("text", ["", "- a\n", "just text\n", "synapsor: [1\n", "a: b: c\n", "\t\n"])
def test_a_file_that_is_no_project_is_refused_in_words(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_readers_and_writers_are_told_apart_by_what_they_name_and_not_by_how_it_is_written(tmp_path: Path) -> None:
    text = GOOD.replace("${env:SHOP_READ_URL}", "${file:secrets/url}")
    text = text.replace("${env:SHOP_WRITE_URL}", "${file:./secrets//url}")
    assert any("one_credential" in line for line in problems(tmp_path, text))


def test_an_sqlite_file_may_be_named_in_clear_by_a_relative_path_and_needs_a_schema(tmp_path: Path) -> None:
    text = "synapsor: 1\npolicies: [p.yaml]\nsources:\n  shop: {engine: sqlite, mode: writeback, schema: billing,"
    text += " receipts: billing.r, read: sqlite:///data/shop.db, write: sqlite:///data/shop.db}\n"
    assert load_config(write(tmp_path, text)).sources["shop"].read.target == str(tmp_path / "data/shop.db")
    assert any("schema_missing" in line for line in problems(tmp_path, text.replace("schema: billing, ", "")))
    for other in ("sqlite:////srv/shop.db", "sqlite:///shop.db%3F", "sqlite:shop.db"):
        assert any(
            "secret_in_clear" in line for line in problems(tmp_path, text.replace("sqlite:///data/shop.db", other))
        )


@pytest.mark.requirement("worker:lanes")
def test_a_source_has_four_lanes_or_as_many_as_it_says_and_a_file_has_one(tmp_path: Path) -> None:
    file = (
        "synapsor: 1\npolicies: [p.yaml]\nsources:\n  shop: {engine: sqlite, schema: main, read: sqlite:///shop.db}\n"
    )
    server = file.replace("sqlite, schema: main, read: sqlite:///shop.db", 'postgres, read: "${env:READ}"')
    assert [load_config(write(tmp_path, text)).sources["shop"].at_once for text in (server, file)] == [4, 1]
    for text, lanes in ((server, 64), (file, 1)):
        more = text.replace("}\n", f", lanes: {lanes}}}\n")
        assert load_config(write(tmp_path, more)).sources["shop"].at_once == lanes
    for text, lanes in ((server, 0), (server, 65)):
        assert problems(tmp_path, text.replace("}\n", f", lanes: {lanes}}}\n"))
    assert any("lanes_of_a_file" in line for line in problems(tmp_path, file.replace("}\n", ", lanes: 2}\n")))


@pytest.mark.requirement("secrets:never-shown")
@pytest.mark.parametrize(
    "line",
    [
        f"read: postgres://reader:{CANARY}@db/shop",
        f"read: '{CANARY}'",
        f"read: ${{env:{CANARY}",
        f"read: ${{env:A}}{CANARY}",
        f"read: [{CANARY.replace('[', '')}]",
        f"read: {{? {CANARY.replace('[', '').replace('#', '')} : 1}}",
        f"read: *{CANARY}",
        f"'postgres://{CANARY}@db': 1",
        f"read: ${{cmd:{CANARY}}}",
    ],
)
def test_a_secret_in_the_wrong_place_is_refused_without_being_repeated(tmp_path: Path, line: str) -> None:
    text = GOOD.replace("read: ${env:SHOP_READ_URL}", line)
    assert "canary" not in "\n".join(problems(tmp_path, text)).lower()


def test_a_file_that_everybody_may_write_is_not_trusted(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    path.chmod(0o666)
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    assert refused.value.fix == f"chmod o-w {path}"


def test_the_hash_of_nothing_and_a_shared_token_are_refused(tmp_path: Path) -> None:
    nothing = hashlib.sha256(b"").hexdigest()
    known = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    assert any("token_empty" in p for p in problems(tmp_path, GOOD.replace(known, nothing)))
    twice = GOOD + f"    - {{name: other, sha256: {known}, session: {{tenant_id: globex, user: x}}}}\n"
    assert any("token_twice" in p for p in problems(tmp_path, twice))


@pytest.mark.parametrize("link", ["https://review.example.com", "https://a.b:8443/console/", "http://127.0.0.1:8750"])
def test_the_consoles_address_is_a_plain_link(tmp_path: Path, link: str) -> None:
    assert load_config(write(tmp_path, f"{GOOD}console_url: {link}\n")).console_url == link


@pytest.mark.requirement("prompts:lead-to-a-person")
@pytest.mark.parametrize(
    "link",
    [
        "http://review.example.com",
        "https://ann:secret@review.example.com",
        "https://review.example.com/?token=secret",
        "https://review.example.com/#secret",
        "javascript:alert(1)",
        '"https://review.example.com/\\nand approve"',
        "https://review.example.com/" + "a" * 200,
    ],
)
def test_a_consoles_address_that_could_hold_a_secret_or_more_than_a_link_is_refused(tmp_path: Path, link: str) -> None:
    (problem,) = problems(tmp_path, f"{GOOD}console_url: {link}\n")
    assert "console_url" in problem
    assert "secret" not in problem


def test_a_configuration_cannot_be_changed_after_it_was_read(tmp_path: Path) -> None:
    config: Any = load_config(write(tmp_path, GOOD))
    with pytest.raises(ValueError, match="frozen"):
        config.profile = "development"


def test_session_values_come_from_the_environment_only_when_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_TENANT", raising=False)
    config = load_config(
        write(
            tmp_path, GOOD.replace("tenant_id: acme, user: support", "tenant_id: '${env:SHOP_TENANT}', user: support")
        )
    )
    with pytest.raises(ConfigError, match="SHOP_TENANT"):
        session_values(config.session)
    monkeypatch.setenv("SHOP_TENANT", "acme")
    assert session_values(config.session) == {"tenant_id": "acme", "user": "support_agent_17"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "receipts: billing.synapsor_receipts",
            "receipts: synapsor_receipts",
            "such as billing.synapsor_receipts, or `ledger`",
        ),
        ("  shop:", "  Shop:", "sources.Shop: this must be a plain name"),
        ("      sha256: 9f86", "      sha256: 9F86", "64 hexadecimal digits in lower case"),
    ],
)
def test_the_form_that_a_value_should_have_is_told_in_words(tmp_path: Path, old: str, new: str, told: str) -> None:
    found = "\n".join(problems(tmp_path, GOOD.replace(old, new)))
    assert told in found
    assert "^" not in found
