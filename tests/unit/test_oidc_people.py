"""Who somebody is here, of whom a provider vouches for: the file says what they may do, and a token can only take away from it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from synapsor import runtime
from synapsor.approve.identity.attempts import Attempts
from synapsor.approve.identity.oidc import Rule, Speaker, Vouched, speaker
from synapsor.approve.identity.oidc.refusals import refused
from synapsor.cli.main import main
from synapsor.config import load_config
from synapsor.core.moment import stamp
from synapsor.core.statements import Identity, Operator
from synapsor.errors import LoginRefused
from synapsor.operators import read_operators
from synapsor.ports import SystemClock
from tests.databases import Database
from tests.projects import ProjectFiles, write_project

ISSUER = "https://idp.example/realms/main"
LEO = Identity(issuer=ISSUER, subject="leo-5f3c")


def vouched(identity: Identity = LEO, roles: set[str] | None = None) -> Vouched:
    given = None if roles is None else frozenset(roles)
    return Vouched(identity=identity, roles=given, issued_at=0, expires_at=300, authenticated_at=None)


def operator(name: str = "leo", login: Identity | None = LEO, *, revoked: bool = False) -> Operator:
    return Operator(name=name, key=None, roles=("billing_lead", "head"), login=login, revoked=revoked)


def found(who: Vouched, *operators: Operator) -> Speaker | str:
    known: Mapping[str, Operator] = {one.name: one for one in operators}
    try:
        return speaker(who, known)
    except LoginRefused as error:
        return error.rule if error.subject == who.identity.subject else "of somebody else"


@pytest.mark.requirement("oidc:never-more")
def test_a_login_has_the_roles_of_the_file_and_of_the_token_and_never_more() -> None:
    leo = operator()
    for roles, given in (
        (None, ("billing_lead", "head")),
        ({"head"}, ("head",)),
        ({"head", "contract_reviewer", "login_voucher", "*"}, ("head",)),
        ({"HEAD", "billing_lead "}, "roles_missing"),
        (set(), "roles_missing"),
    ):
        expected = given if isinstance(given, str) else Speaker(operator=leo, roles=given)
        assert found(vouched(roles=roles), leo) == expected


@pytest.mark.requirement("oidc:never-more")
def test_only_the_very_subject_of_the_very_issuer_is_somebody_here() -> None:
    leo = operator()
    for changed in (
        {"subject": "LEO-5F3C"},
        {"subject": "leo-5f3c "},
        {"subject": "leo"},
        {"issuer": ISSUER + "/"},
        {"issuer": "https://evil.example"},
    ):
        assert found(vouched(replace(LEO, **changed)), leo) == "person_unknown"
    assert found(vouched(), operator(login=None)) == "person_unknown"
    assert found(vouched()) == "person_unknown"


@pytest.mark.requirement("oidc:never-more")
def test_a_revoked_person_does_not_come_in_and_one_who_was_added_again_does() -> None:
    old, new = operator(revoked=True), operator("leo2")
    assert found(vouched(), old) == "person_revoked"
    assert found(vouched(), old, new) == Speaker(operator=new, roles=new.roles)
    assert found(vouched(), new, operator("leo3")) == "person_revoked", "two who are trusted are nobody"


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    made = write_project(tmp_path / "project", sqlite_db)
    with made.config_path.open("a") as config:
        config.write(f"\noidc: {{issuer: '{ISSUER}', client_id: console}}\n")
    return made


def run(files: ProjectFiles, *arguments: str) -> int:
    return main(["--config", str(files.config_path), "--json", "operator", *arguments])


def test_an_operator_may_be_added_by_their_login_alone_beside_a_key_and_changed(
    files: ProjectFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(files, "add", "mia", "--role", "head", "--login", ISSUER, "mia-1") == 0
    told = json.loads(capsys.readouterr().out)["operator"]
    assert (told["fingerprint"], told["login"]) == (None, {"issuer": ISSUER, "subject": "mia-1"})
    mia = read_operators(files.root / "operators.yaml")["mia"]
    assert (mia.key, mia.login) == (None, Identity(issuer=ISSUER, subject="mia-1"))
    assert run(files, "change", "mia", "--no-login") == 2
    assert run(files, "change", "mia", "--login", ISSUER, "mia-2") == 0
    assert run(files, "change", "leo", "--login", ISSUER, "leo-5f3c") == 0
    assert read_operators(files.root / "operators.yaml")["leo"].login == LEO
    assert run(files, "change", "leo", "--no-login") == 0
    assert read_operators(files.root / "operators.yaml")["leo"].login is None


@pytest.mark.parametrize(
    "given",
    [
        ("--login", "https://evil.example", "mia-1"),
        ("--login", ISSUER + "/", "mia-1"),
        ("--login", ISSUER, ""),
        ("--login", ISSUER, "mia\u200b"),
        ("--login", ISSUER, "m" * 256),
    ],
)
def test_a_login_that_could_let_nobody_in_is_not_added(files: ProjectFiles, given: tuple[str, ...]) -> None:
    before = (files.root / "operators.yaml").read_bytes()
    assert run(files, "add", "mia", "--role", "head", *given) == 2
    assert (files.root / "operators.yaml").read_bytes() == before


def test_two_people_do_not_have_one_login(files: ProjectFiles) -> None:
    assert run(files, "add", "mia", "--role", "head", "--login", ISSUER, "mia-1") == 0
    assert run(files, "add", "mo", "--role", "head", "--login", ISSUER, "mia-1") == 2
    assert run(files, "add", "mia-1", "--role", "head", "--login", ISSUER, "mo-1") == 2
    assert run(files, "revoke", "mia") == 0
    assert run(files, "add", "mo", "--role", "head", "--login", ISSUER, "mia-1") == 2
    assert run(files, "add", "mo", "--role", "head", "--login", ISSUER, "mia-1", "--principal", "mia") == 0


@pytest.mark.requirement("oidc:recorded")
def test_who_was_not_let_in_is_listed_for_whoever_is_to_add_them(
    files: ProjectFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    reviewer = ["--operator", "rita", "--key", str(files.root / "keys" / "rita.pem")]
    assert main(["--config", str(files.config_path), "activate", "--yes", *reviewer]) == 0
    asyncio.run(_knock(files))
    capsys.readouterr()
    assert run(files, "refused") == 0
    told = json.loads(capsys.readouterr().out)
    logins = [(one["rule"], one["subject"], one["issuer"]) for one in told["refused"]]
    decisions = [(one["rule"], one["operator"], one["proposal"]) for one in told["decisions"]]
    assert (logins, decisions) == ([("person_unknown", "mia-1", ISSUER)], [("role_missing", "mia", PROPOSAL)])
    assert main(["--config", str(files.config_path), "operator", "refused", "--limit", "1"]) == 0
    text = capsys.readouterr().out
    assert f"mia-1 of {ISSUER}" in text
    assert f"role_missing  mia, about {PROPOSAL}" in text


PROPOSAL = "wrp_00000000000000000000"


async def _knock(files: ProjectFiles) -> None:
    async with runtime.open_project(load_config(files.config_path)) as project:
        ledger = await project.ledger()
        await ledger.refused_decision(PROPOSAL, "mia", "role_missing", stamp(SystemClock().now()))
        attempts = Attempts(ledger=ledger, clock=SystemClock(), door="console", issuer=ISSUER)
        await attempts.refused(refused(Rule.PERSON_UNKNOWN, subject="mia-1"), "oidc")
