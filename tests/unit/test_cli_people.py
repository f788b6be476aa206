"""What a person at a terminal is told before they type anything, and what they are shown to sign."""

import asyncio
import json
import subprocess
from argparse import Namespace
from pathlib import Path

import pytest

from synapsor.approve.identity.keys import create_key, default_path, load_key
from synapsor.approve.identity.operators import add_operator
from synapsor.cli.main import main
from synapsor.cli.roles import approving
from synapsor.cli.signer import named
from synapsor.contract.load import load
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.errors import UsageError
from synapsor.operators import read_operators
from synapsor.secrets import Secret
from tests.commands import at_terminal, key
from tests.databases import Database
from tests.projects import ProjectFiles, write_project

PASSPHRASE = "canary-passphrase"


@pytest.fixture
def files(tmp_path: Path, sqlite_db: Database) -> ProjectFiles:
    return write_project(tmp_path / "project", sqlite_db)


def have_keys(files: ProjectFiles, *names: str) -> None:
    """Put keys where this user's are kept."""
    folder = files.root / ".config" / "synapsor" / "keys"
    folder.mkdir(parents=True, mode=0o700)
    for name in names:
        (files.root / "keys" / f"{name}.pem").rename(folder / f"{name}.pem")


@pytest.mark.parametrize(
    ("who", "code", "told"),
    [
        (("--operator", "leo"), 5, "needs the role contract_reviewer"),
        (("--operator", "nobody"), 2, "no such operator"),
        (("--key", "/nope"), 2, "There is no key file /nope."),
    ],
)
def test_who_may_not_activate_is_told_before_they_are_asked(
    files: ProjectFiles, who: tuple[str, ...], code: int, told: str
) -> None:
    have_keys(files, "rita", "leo")
    ended, shown = at_terminal(files.command("activate", *who), files.environment)
    assert (ended, told in shown, "type the first" in shown) == (code, True, False), shown
    assert "chmod" not in shown


def test_a_revoked_reviewer_is_told_before_they_are_asked(files: ProjectFiles) -> None:
    assert main(["--config", str(files.config_path), "operator", "revoke", "rita"]) == 0
    ended, shown = at_terminal(files.command("activate", *key(files, "rita")), files.environment)
    assert (ended, "is revoked" in shown, "type the first" in shown) == (5, True, False), shown


def test_a_project_that_trusts_nobody_says_how_to_begin(files: ProjectFiles) -> None:
    (files.root / "operators.yaml").unlink()
    ended, shown = at_terminal(files.command("activate"), files.environment)
    assert (ended, "`synapsor operator add NAME --role contract_reviewer`" in shown) == (2, True), shown
    assert "type the first" not in shown


def test_of_several_keys_the_only_one_with_the_role_is_meant(
    files: ProjectFiles, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    have_keys(files, "rita", "leo")
    monkeypatch.setenv("HOME", str(files.root))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    base = ["--config", str(files.config_path)]
    assert main([*base, "activate", "--yes"]) == 0
    assert "signed by rita" in capsys.readouterr().out
    assert main([*base, "operator", "add", "ruth", "--role", "contract_reviewer", "--no-passphrase"]) == 0
    assert main([*base, "activate", "--yes"]) == 2
    assert "not clear who you are: rita or ruth" in capsys.readouterr().err


@pytest.mark.requirement("board:own-key")
def test_of_several_keys_the_only_one_that_a_contract_has_decide_opens_the_board(
    files: ProjectFiles, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    have_keys(files, "rita", "leo")
    monkeypatch.setenv("HOME", str(files.root))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    base = ["--config", str(files.config_path), "operator", "add"]
    for name, role in (("console", "login_voucher"), ("robot", "policy_signer"), ("rosa", "policy_steward")):
        assert main([*base, name, "--role", role, "--no-passphrase"]) == 0
    nobody = Namespace(operator=None, key=None)
    roles = asyncio.run(approving(files.config))
    assert roles == {"billing_lead"}
    found = named(nobody, read_operators(files.config.operators), roles=roles)
    assert found is not None
    assert found.name == "leo"
    capsys.readouterr()
    with pytest.raises(UsageError) as unclear:  # whoever logs in may be any person, and is no key of a process
        named(nobody, read_operators(files.config.operators), roles=())
    assert unclear.value.message.endswith("who you are: leo or rita or rosa.")
    assert main([*base, "mia", "--role", "billing_lead", "--no-passphrase"]) == 0
    with pytest.raises(UsageError) as several:
        named(nobody, read_operators(files.config.operators), roles=roles)
    assert several.value.message.endswith("who you are: leo or mia.")


def test_a_voucher_beside_one_persons_key_makes_nobody_unclear(
    files: ProjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_keys(files, "leo")
    monkeypatch.setenv("HOME", str(files.root))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    base = ["--config", str(files.config_path), "operator", "add"]
    assert main([*base, "console", "--role", "login_voucher", "--no-passphrase"]) == 0
    found = named(Namespace(operator=None, key=None), read_operators(files.config.operators), roles=())
    assert found is not None
    assert found.name == "leo"


def test_a_call_names_the_session_values_that_are_missing_to_its_operator(
    files: ProjectFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["--config", str(files.config_path), "--json", "call", "billing.list_overdue", "--as"]
    assert main(["--config", str(files.config_path), "activate", "--yes", *key(files, "rita")]) == 0
    for given, missing in (("tenant_id=acme", "user"), ("user=ann", "tenant_id"), ("x=y", "tenant_id, user")):
        capsys.readouterr()
        assert main([*base, given]) == 1
        out, err = capsys.readouterr()
        assert json.loads(out)["error"]["code"] == "scope_unavailable"
        assert f"the session lacks {missing}\n" in err
        assert "--as, which stands for the whole session" in " ".join(err.split())


def test_an_operator_who_is_there_is_changed_and_not_added(
    files: ProjectFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["--config", str(files.config_path), "operator"]
    assert main([*base, "add", "leo", "--role", "head"]) == 2
    assert "`synapsor operator change leo --role" in " ".join(capsys.readouterr().err.split())
    assert main([*base, "revoke", "leo"]) == 0
    assert main([*base, "add", "leo", "--role", "head"]) == 2
    assert "a revoked name is not used again" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("command", "actions"), [("operator", "add, change"), ("policy", "stop, start, status")])
def test_a_command_without_its_action_names_the_actions(
    command: str, actions: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command])
    assert ended.value.code == 2
    assert f"required: ACTION, one of {actions}" in capsys.readouterr().err


def test_a_rejection_without_a_reason_is_refused_before_anything_is_asked(files: ProjectFiles) -> None:
    ended, shown = at_terminal(files.command("reject", *key(files, "leo")), files.environment)
    assert (ended, "needs a reason" in shown, "type the first" in shown) == (2, True, False), shown


AGGREGATE = """
  billing.fees:
    description: Late fees of each state and month.
    aggregate: invoices
    measures: {invoices: count, fees: {sum: late_fee_cents}}
    group: {state: status, month: {month: updated_at, zone: Europe/Berlin}}
    compare:
      column: due_date
      periods: {current: {at_least: '2025-12-01'}, previous: {below: '2025-12-01'}}
    limits: {calls_per_day: 9, variants_per_day: 3}
"""


def shown_to_sign(files: ProjectFiles, *wide: str) -> list[str]:
    """Return the lines that a reviewer is shown before the question."""
    environment = {**files.environment, **({"COLUMNS": wide[0]} if wide else {})}
    ended, shown = at_terminal(files.command("activate", *key(files, "rita")), environment, "no")
    assert (ended, "nothing was signed" in shown) == (2, True), shown
    return shown[: shown.index("To activate it")].splitlines()


def flat(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


@pytest.mark.requirement("explain:true")
def test_what_is_signed_is_shown_as_explain_tells_it(
    files: ProjectFiles, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = shown_to_sign(files, "80")
    assert main(["--config", str(files.config_path), "explain"]) == 0
    explained = capsys.readouterr().out.splitlines()
    start = shown.index(explained[0])
    assert shown[start : start + len(explained)] == explained
    assert max(map(len, shown)) <= 80
    assert "{" not in flat(shown)
    for said in (
        "2 capabilities read, 2 ask for a change. Who may approve: billing_lead.",
        "is billing.invoice_review of the source shop, changed in billing.invoices",
        "denied card_token",
        "read all of it as new. digest sha256:",
    ):
        assert said in flat(shown), shown


@pytest.mark.requirement("diff:never-less")
def test_what_is_signed_is_compared_with_what_is_active_and_what_did_not_change_is_only_named(
    files: ProjectFiles,
) -> None:
    assert main(["--config", str(files.config_path), "activate", "--yes", *key(files, "rita")]) == 0
    policy = files.root / "policies" / "billing.yaml"
    text = policy.read_text(encoding="utf-8")
    assert "There is no difference." in flat(shown_to_sign(files))
    policy.write_text(text.replace("at_most: 10000", "at_most: 20000"), encoding="utf-8")
    lines = shown_to_sign(files, "80")
    assert [line for line in lines if line.startswith("billing.propose")] == ["billing.propose_late_fee_waiver"]
    said = flat(lines)
    # Of several digests the one to type is called so, and stands last.
    assert said.rindex("digest sha256:") > said.rindex("to ")
    assert "As they were: billing.inspect_invoice, billing.list_overdue, billing.propose_note." in said
    assert "Authority grows (1)" in said
    assert "10000 → 20000" in said
    # Who may see a column changed for each capability that does not return it, too.
    policy.write_text(text.replace("due_date: date", "due_date: denied").replace(", due_date]", "]"), encoding="utf-8")
    assert "As they were:" not in flat(shown_to_sign(files))


def test_an_active_version_that_is_not_what_was_signed_is_not_compared(files: ProjectFiles) -> None:
    assert main(["--config", str(files.config_path), "activate", "--yes", *key(files, "rita")]) == 0
    assert (
        main(
            [
                "--config",
                str(files.config_path),
                "operator",
                "add",
                "ruth",
                "--role",
                "contract_reviewer",
                "--no-passphrase",
                "--key",
                str(files.root / "keys" / "ruth.pem"),
            ]
        )
        == 0
    )
    operators = files.root / "operators.yaml"
    entries = operators.read_text(encoding="utf-8")
    start, end = entries.index('  "rita":'), entries.index('  "ruth":')
    operators.write_text(entries[:start] + entries[end:], encoding="utf-8")
    _, shown = at_terminal(files.command("activate", *key(files, "ruth")), files.environment, "no")
    said = "not compared with the active version. The signature of this earlier activation does not hold."
    assert said in " ".join(shown.split())
    assert "read all of it as new" in shown


def test_every_comparison_and_whose_rows_they_are_is_shown_before_it_is_signed(files: ProjectFiles) -> None:
    policy = files.root / "policies" / "billing.yaml"
    text = policy.read_text(encoding="utf-8")
    fee = "late_fee_cents: {above: 0, at_most: 900}"
    where = "{status: {one_of: [overdue, open]}, " + fee + ", note: {has_value: true}, waiver_reason: null}"
    for old, new in (
        ("tenant: tenant_id\n", "tenant: tenant_id\n    principal: owner\n"),
        ("columns:\n", "columns:\n      owner: text\n"),
        (
            "where: {status: overdue}",
            f"where: {where}",
        ),
    ):
        assert old in text
        text = text.replace(old, new)
    policy.write_text(text, encoding="utf-8")
    said = flat(shown_to_sign(files))
    for words in (
        "rows one tenant's, by tenant_id; one person's, by owner",
        "Only rows whose tenant_id is the tenant_id of the session. Only rows whose owner is the user of the session.",
        "which late_fee_cents is more than 0 late_fee_cents is at most 900 note has a value status is one of",
        'status is one of "overdue", "open" waiver_reason has no value',
    ):
        assert words in said, said


def test_what_an_aggregate_tells_is_shown_before_it_is_signed(files: ProjectFiles) -> None:
    policy = files.root / "policies" / "billing.yaml"
    policy.write_text(policy.read_text(encoding="utf-8") + AGGREGATE, encoding="utf-8")
    said = flat(shown_to_sign(files))
    for words in (
        "computes fees = sum of late_fee_cents",
        "computes invoices = count of rows",
        "by month = month of updated_at in Europe/Berlin",
        "by state = status",
        'current period: due_date >= "2025-12-01"',
        'previous period: due_date < "2025-12-01"',
        "tells nothing of fewer than 5 rows",
        "One call: at most 50 groups of 500, 262,144 bytes of text, 2 s.",
        "One person: at most 9 calls a day. One person: at most 3 different questions a day.",
    ):
        assert words in said, said
    policy.write_text(policy.read_text(encoding="utf-8") + "    minimum_group: 1\n", encoding="utf-8")
    assert "tells of single rows: `minimum_group` is 1" in flat(shown_to_sign(files))


@pytest.mark.requirement("operator-key:private")
def test_a_key_that_is_there_already_is_refused_before_a_passphrase_is_asked_for(files: ProjectFiles) -> None:
    path = files.root / "keys" / "leo.pem"
    add = files.command("operator", "add", "lea", "--role", "billing_lead", "--key")
    ended, shown = at_terminal([*add, str(path)], files.environment)
    assert (ended, "there already" in shown, "--public-key" in shown, "passphrase" in shown) == (2, True, True, False)
    ended, shown = at_terminal([*add, str(path.with_name("lea.pem"))], files.environment, PASSPHRASE, PASSPHRASE)
    assert (ended, "New passphrase (8 or more characters, empty for none):" in shown) == (0, True), shown


@pytest.fixture
def locked(files: ProjectFiles) -> tuple[str, ...]:
    """A person with every role, whose key has a passphrase."""
    path = files.root / "keys" / "lena.pem"
    made = create_key(path, passphrase=Secret(PASSPHRASE))
    roles = ("billing_lead", "contract_reviewer", "policy_steward")
    add_operator(files.root / "operators.yaml", Operator(name="lena", key=public_text(made), roles=roles))
    return "--operator", "lena", "--key", str(path)


@pytest.mark.requirement("cli:passphrase-last")
def test_a_passphrase_is_asked_for_last(files: ProjectFiles, locked: tuple[str, ...]) -> None:
    def told(*command: str, answers: tuple[str, ...] = ()) -> tuple[int, bool, str]:
        code, shown = at_terminal(files.command(*command, *locked), files.environment, *answers)
        return code, "Passphrase of" in shown, shown

    digest = load(files.root / "policies" / "billing.yaml").digest
    assert told("activate", answers=("no",))[:2] == (2, False)
    assert told("activate", answers=(digest[7:15], PASSPHRASE))[:2] == (0, True)
    assert told("rollback", "billing", "--yes")[:2] == (2, False)  # there is no earlier version
    assert told("policy", "stop", "--reason", "a\nb")[:2] == (2, False)
    call = ["call", "billing.propose_late_fee_waiver", "--arg", "invoice_id=INV-3001", "--arg", "reason=Paid."]
    done = subprocess.run(files.command(*call), env=files.environment, check=True, capture_output=True, text=True)
    proposal = json.loads(done.stdout)["proposal"]
    assert told("approve", "--reason", "x" * 501)[:2] == (2, False)
    assert told("approve", "--digest", "0" * 64)[:2] == (3, False)
    assert told("approve", answers=("no",))[:2] == (2, False)
    assert told("undo", "--reason", "Not applied yet.")[:2] == (1, False)
    ended = told("approve", answers=(proposal["digest"][7:15], PASSPHRASE))
    assert ended[:2] == (0, True), ended
    assert ended[2].index("type the first") < ended[2].index("Passphrase of")


@pytest.mark.requirement("cli:passphrase-last")
@pytest.mark.parametrize(
    ("roles", "place", "told"),
    [
        (("policy_signer", "billing_lead"), "new.pem", "and something else"),
        (("Billing Lead",), "new.pem", "cannot be used"),
        (("billing_lead",), "leo.pem/new.pem", "cannot be created"),
        (("billing_lead",), "leo.pem", "there already"),
    ],
)
def test_a_new_passphrase_is_asked_for_when_everything_else_is_in_order(
    files: ProjectFiles, roles: tuple[str, ...], place: str, told: str
) -> None:
    named = [part for role in roles for part in ("--role", role)]
    add = files.command("operator", "add", "lea", *named, "--key", str(files.root / "keys" / place))
    ended, shown = at_terminal(add, files.environment)
    assert (ended, told in " ".join(shown.split()), "New passphrase" in shown) == (2, True, False), shown
    assert not (files.root / "keys" / "new.pem").exists()


def test_one_key_is_trusted_in_two_projects_by_its_public_half(
    files: ProjectFiles, tmp_path: Path, sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert (
        main(["--config", str(files.config_path), "operator", "add", "mia", "--role", "lead", "--no-passphrase"]) == 0
    )
    path = default_path("mia")
    other = write_project(tmp_path / "other", sqlite_db)
    line = f'exec "$@" --public-key "$(cat {path.with_suffix(".pub")})"'
    add = ["sh", "-c", line, "sh", *other.command("operator", "add", "mia", "--role", "lead")]
    subprocess.run(add, env=other.environment, check=True, capture_output=True)
    for project in (files, other):
        entry = (project.root / "operators.yaml").read_text()
        assert public_text(load_key(path)) in entry


@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("role", ["", "app_writer"])
def test_a_guessed_role_is_called_a_guess_in_the_script_and_beside_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    engine: str,
    known: bool,
    role: str,
) -> None:
    (tmp_path / "synapsor.yaml").write_text(
        "synapsor: 1\npolicies: [p.yaml]\nsources:\n  shop:\n"
        f"    engine: {engine}\n    read: ${{env:R}}\n    write: ${{env:W}}\n    receipts: billing.synapsor_receipts\n"
    )
    monkeypatch.delenv("W", raising=False)
    if known:
        monkeypatch.setenv("W", f"{engine}://url_writer:{PASSPHRASE}@127.0.0.1/shop")
    chosen = ("--role", role) if role else ()
    assert main(["--config", str(tmp_path / "synapsor.yaml"), "receipts", "ddl", *chosen]) == 0
    done = capsys.readouterr()
    guess = "the role synapsor_writer is a guess; name the worker's own with --role NAME"
    guessed = not known and not role
    assert (guess in done.err, f"-- Look first: {guess}.\n" in done.out) == (guessed, guessed)
    assert (role or ("url_writer" if known else "synapsor_writer")) in done.out
    assert PASSPHRASE not in done.out + done.err


def test_a_file_has_no_role_to_guess(files: ProjectFiles, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(files.config_path), "receipts", "ddl"]) == 0
    done = capsys.readouterr()
    assert ("guess" in done.out, done.err) == (False, "")


def test_no_command_at_all_prints_the_help_and_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    done = capsys.readouterr()
    assert (done.out, "exit codes:" in done.err, "approve" in done.err) == ("", True, True)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["aprove"], "approve"),
        (["--json", "chek"], "check"),
        (["operator", "revok"], "revoke"),
        (["receipts", "dll"], "ddl"),
        (["zzzzzz"], None),
    ],
)
def test_a_mistyped_command_names_the_nearest(
    capsys: pytest.CaptureFixture[str], typed: list[str], meant: str | None
) -> None:
    with pytest.raises(SystemExit) as end:
        main(typed)
    told = capsys.readouterr().err
    assert (end.value.code, "did you mean" in told) == (2, meant is not None)
    assert meant is None or f"did you mean `{meant}`?" in told
