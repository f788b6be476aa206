"""Decisions of operators, their keys and the file that says whose keys are trusted."""

import datetime as dt
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from synapsor.approve.identity.keys import create_key, default_path, load_key, new_passphrase
from synapsor.approve.identity.operators import add_operator, change_operator, revoke_operator
from synapsor.core.moment import stamp
from synapsor.core.proposal import Status
from synapsor.core.review import may_decide
from synapsor.core.signatures import public_text
from synapsor.core.statements import Identity, Operator, signature_holds
from synapsor.errors import ConfigError, DecisionRefused, SynapsorError, UsageError
from synapsor.flow.activate import activate
from synapsor.flow.named import proposal_of
from synapsor.flow.signing import Signer
from synapsor.ledger.open import open_memory_ledger
from synapsor.operators import read_operators
from synapsor.secrets import Secret
from synapsor.testing.clock import TestClock
from tests.deciding import approve, reject
from tests.decisions import NOW, filed, person, proposal

PASSPHRASE = "canary correct horse"
# In pieces, so that nobody takes this file for one that holds a key.
PEM = b"-----BEGIN " + b"PRIVATE KEY-----\nAAAA\n-----END " + b"PRIVATE KEY-----\n"


@pytest.mark.requirement("ladder:enforced")
@pytest.mark.parametrize(("mode", "files"), [("writeback", True), ("review", False), ("evidence", False)])
async def test_only_a_source_in_writeback_mode_gets_a_job(mode: str, files: bool) -> None:
    ledger, asked = await filed()
    leo = person()
    record = await approve(
        ledger,
        asked.id,
        digest=asked.digest,
        signer=leo.signer,
        now=NOW,
        mode=mode,  # type: ignore[arg-type]  # one of the three
    )
    assert (record.status, record.job is not None) == (Status.APPROVED, files)
    due = await ledger.lease("w", now=stamp(NOW), until=stamp(NOW + dt.timedelta(minutes=1)), sources={"shop": 1})
    assert bool(due) is files


@pytest.mark.parametrize("reason", ["", "  ", "line\nbreak", "\x1b[31mred", "x" * 501, "\u202eback"])
async def test_a_rejection_needs_a_reason_that_can_be_told(reason: str) -> None:
    ledger, asked = await filed()
    leo = person()
    with pytest.raises(UsageError):
        await reject(ledger, asked.id, digest=asked.digest, signer=leo.signer, now=NOW, reason=reason)
    record = await ledger.proposal(asked.id)
    assert record is not None
    assert record.status is Status.REVIEW_REQUIRED


async def test_a_rejection_is_signed_and_keeps_its_reason() -> None:
    ledger, asked = await filed()
    leo = person()
    record = await reject(ledger, asked.id, digest=asked.digest, signer=leo.signer, now=NOW, reason="Not this month.")
    (signed,) = record.decisions
    assert (record.status, signed.decision.reason, signed.decision.verdict) == (
        Status.REJECTED,
        "Not this month.",
        "reject",
    )
    assert signature_holds(signed.decision, signed.signature, leo.operator)


async def test_every_handle_of_a_proposals_story_leads_to_it() -> None:
    ledger, asked = await filed()
    leo = person()
    record = await approve(ledger, asked.id, digest=asked.digest, signer=leo.signer, now=NOW)
    assert record.job is not None
    for handle in ("latest", asked.id, asked.branch, record.decisions[0].decision.id, record.job.id):
        assert (await proposal_of(ledger, handle)).proposal.id == asked.id
    for handle in ("wrp_" + "f" * 20, "nothing", "", asked.evidence, "' OR 1=1"):
        with pytest.raises(UsageError):
            await proposal_of(ledger, handle)


@pytest.mark.requirement("contract:activated-by-a-reviewer")
async def test_an_activation_is_signed_by_a_contract_reviewer_and_by_nobody_else() -> None:
    ledger = open_memory_ledger(clock=TestClock(NOW))
    rita, leo, mallory = person("rita", "contract_reviewer"), person("leo"), person("mallory")

    async def sign(operator: Operator, key: Ed25519PrivateKey) -> None:
        await activate(
            ledger,
            contract="billing",
            digest="sha256:" + "c" * 64,
            body={"synapsor": 1},
            sources={"shop": "sha256:" + "f" * 64},
            metadata={},
            signer=Signer(operator=operator, key=key),
            operators={operator.name: operator},
            now=NOW,
        )

    for operator, key, rule in (
        (leo.operator, leo.key, "role_missing"),
        (rita.operator, mallory.key, "wrong_key"),
        (replace(rita.operator, revoked=True), rita.key, "operator_revoked"),
    ):
        with pytest.raises(DecisionRefused) as refused:
            await sign(operator, key)
        assert refused.value.rule == rule
        assert await ledger.active_contract("billing") is None
    await sign(rita.operator, rita.key)
    active = await ledger.active_contract("billing")
    assert active is not None
    assert signature_holds(active.activation, active.signature, rita.operator)
    assert not signature_holds(active.activation, active.signature, leo.operator)


def never(prompt: str) -> Secret:
    raise AssertionError(f"asked: {prompt}")


def answers(*texts: str) -> object:
    given = iter(texts)
    return lambda _: Secret(next(given))


@pytest.mark.requirement("operator-key:private")
def test_a_new_key_is_readable_by_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = tmp_path / "keys" / "leo.pem"
        key = create_key(path, passphrase=None)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert public_text(load_key(path, ask=never)) == public_text(key)


@pytest.mark.requirement("operator-key:private")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o644])
def test_a_key_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys" / "leo.pem"
    create_key(path, passphrase=None)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="access"):
        load_key(path, ask=never)
    path.chmod(0o600)
    path.parent.chmod(0o755)
    with pytest.raises(ConfigError, match="open to others"):
        load_key(path, ask=never)


@pytest.mark.parametrize("name", ["nope.pem", "no/such/dir/nope.pem", "operators.yaml/nope.pem"])
def test_a_key_that_is_not_there_is_said_first_whatever_its_directory_is(tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "operators.yaml").touch()
    with pytest.raises(ConfigError) as refused:
        load_key(tmp_path / name, ask=never)
    assert refused.value.message == f"There is no key file {tmp_path / name}."
    assert refused.value.fix == "Name your own key with --key, or make one with `synapsor operator add`."


def test_nobody_is_told_to_change_the_mode_of_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for path in (tmp_path / "shared" / "leo.pem", default_path("leo")):
        create_key(path, passphrase=None)
        path.parent.chmod(0o755)
    usual = default_path("leo").parent
    for path, such in ((tmp_path / "shared" / "leo.pem", f", such as {usual}"), (default_path("leo"), "")):
        for use in (load_key, lambda path: create_key(path.with_name("new.pem"), passphrase=None)):
            with pytest.raises(ConfigError) as refused:
                use(path)
            assert refused.value.fix == f"Keep the key in a directory of your own with mode 0700{such}."
    for no_file in (Path("/"), tmp_path, usual):
        with pytest.raises(ConfigError, match="not a regular file") as refused:
            load_key(no_file, ask=never)
        assert refused.value.fix == "Name your own key with --key."


def test_the_public_half_is_written_beside_a_new_key_for_anybody_to_read(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "leo.pem"
    key = create_key(path, passphrase=None)
    public = path.with_suffix(".pub")
    assert (public.read_text(), stat.S_IMODE(public.stat().st_mode)) == (public_text(key) + "\n", 0o644)
    path.unlink()
    with pytest.raises(ConfigError, match="there already") as refused:
        create_key(path, passphrase=None)
    assert f'--public-key "$(cat {public})"' in refused.value.fix
    assert not path.exists()
    with pytest.raises(ConfigError, match="public keys"):
        create_key(path.with_name("new.pub"), passphrase=None)


def test_a_key_is_never_written_over_and_never_read_through_a_link(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "leo.pem"
    create_key(path, passphrase=None)
    before = path.read_bytes()
    with pytest.raises(ConfigError):
        create_key(path, passphrase=None)
    assert path.read_bytes() == before
    link = path.with_name("link.pem")
    link.symlink_to(path)
    with pytest.raises(ConfigError):
        load_key(link, ask=never)


@pytest.mark.requirement("operator-key:private")
def test_a_passphrase_opens_a_key_and_a_wrong_one_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys" / "leo.pem"
    key = create_key(path, passphrase=Secret(PASSPHRASE))
    assert public_text(load_key(path, ask=lambda _: Secret(PASSPHRASE))) == public_text(key)
    assert b"Synapsor-Key: scrypt-1 " in path.read_bytes()
    for wrong in ("", "other", PASSPHRASE + " "):
        with pytest.raises(SynapsorError) as refused:
            load_key(path, ask=lambda _, wrong=wrong: Secret(wrong))  # type: ignore[misc]  # bound on purpose
        assert "canary" not in refused.value.message
    # An environment variable is no way in: every process that the operator starts would have it.
    monkeypatch.setenv("SYNAPSOR_OPERATOR_PASSPHRASE", PASSPHRASE)
    with pytest.raises(SynapsorError):
        load_key(path, ask=lambda _: Secret("other"))


def test_a_new_passphrase_is_asked_for_twice() -> None:
    first = new_passphrase(answers(PASSPHRASE, PASSPHRASE))  # type: ignore[arg-type]  # answers in turn
    assert first is not None
    assert first.reveal() == PASSPHRASE
    assert new_passphrase(answers("")) is None  # type: ignore[arg-type]  # as above
    for wrong in (("short",), (PASSPHRASE, "another one")):
        with pytest.raises(UsageError):
            new_passphrase(answers(*wrong))  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    "content",
    [b"", b"not a key", PEM, b"Synapsor-Key: scrypt-1 \n", b"\xff" * 100],
)
def test_what_is_no_key_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys" / "leo.pem"
    create_key(path, passphrase=None)
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        load_key(path, ask=never)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "leo.pem"
    create_key(path, passphrase=None)
    path.write_bytes(generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ConfigError):
        load_key(path, ask=never)


def test_keys_are_kept_in_the_users_configuration_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path("leo") == tmp_path / "synapsor/keys/leo.pem"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path("leo") == tmp_path / ".config/synapsor/keys/leo.pem"


def test_operators_are_written_and_read_back_and_a_revoked_one_stays_on_record(tmp_path: Path) -> None:
    path = tmp_path / "operators.yaml"
    assert read_operators(path) == {}
    leo = person(
        "leo", "billing_lead", "refunds", principals=("leo@shop", "yes", "0123", "1e5", "Léo 😀", "a: b # c", '"\\')
    )
    rita = person("no", "contract_reviewer", "null")
    add_operator(path, leo.operator)
    assert add_operator(path, rita.operator) == {"leo": leo.operator, "no": rita.operator} == read_operators(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    revoke_operator(path, "leo")
    assert read_operators(path)["leo"].revoked
    assert [p.name for p in tmp_path.iterdir()] == ["operators.yaml"]


@pytest.mark.requirement("approval:another-person")
@pytest.mark.parametrize(
    ("name", "principals"),
    [
        ("leo2", ("LEO",)),
        ("lea", ("support_agent_17",)),
        ("lea", ("Support_Agent_17 ",)),
        ("support_agent_17", ()),
        ("lea", ("ｌｅｏ",)),
    ],
)
def test_one_person_has_one_entry_under_any_alias(tmp_path: Path, name: str, principals: tuple[str, ...]) -> None:
    path = tmp_path / "operators.yaml"
    add_operator(path, person("leo", principals=("support_agent_17",)).operator)
    before = path.read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="same person"):
        add_operator(path, person(name, principals=principals).operator)
    assert path.read_text(encoding="utf-8") == before
    revoke_operator(path, "leo")
    with pytest.raises(ConfigError, match="does not go by all of the same names"):
        add_operator(path, person(name, principals=principals).operator)
    same = person(name, principals=(*principals, "leo", "support_agent_17")).operator
    assert add_operator(path, same)[name] == same


@pytest.mark.requirement("approval:another-person")
def test_a_person_who_comes_back_by_their_login_is_still_all_that_they_were(tmp_path: Path) -> None:
    path, who = tmp_path / "operators.yaml", Identity(issuer="https://id.example", subject="u-1")
    leo = replace(person("leo", principals=("support_agent_17",)).operator, login=who)
    add_operator(path, leo)
    revoke_operator(path, "leo")
    back = replace(person("leonie").operator, login=who)
    with pytest.raises(ConfigError) as refused:
        add_operator(path, back)
    assert refused.value.fix == "Give it those too: --principal leo --principal support_agent_17."
    add_operator(path, replace(back, principals=("leo", "support_agent_17")))
    with pytest.raises(ConfigError):
        change_operator(path, "leonie", principals=("leo",))
    with pytest.raises(DecisionRefused, match="own request"):
        may_decide(proposal(), read_operators(path)["leonie"], now=stamp(NOW))


def test_one_key_has_one_name_even_after_it_was_revoked(tmp_path: Path) -> None:
    path = tmp_path / "operators.yaml"
    leo = person("leo").operator
    add_operator(path, leo)
    revoke_operator(path, "leo")
    with pytest.raises(ConfigError, match="same key"):
        add_operator(path, Operator(name="lea", key=leo.key, roles=leo.roles))
    with pytest.raises(UsageError, match="already"):
        add_operator(path, person("leo").operator)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("roles:", "role:"),
        ("synapsor: 1", "synapsor: 2"),
        ('  "leo":', "  Leo:"),
        ('["billing_lead"]', '["Billing Lead"]'),
        ('key: "', 'key: "A'),
        ("key: ", "key: ' '  #"),
        ("operators:", "operators: &x"),
        ('["billing_lead"]', "[]"),
        ("    roles:", "    revoked: 'no'\n    roles:"),
    ],
)
def test_an_operator_file_that_was_edited_wrongly_stops_the_program(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "operators.yaml"
    add_operator(path, person("leo").operator)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError):
        read_operators(path)


@pytest.mark.parametrize(
    ("name", "role"), [("Leo", "billing_lead"), ("leo", "Billing"), ("", "x"), ("leo\n", "x"), ("../leo", "x")]
)
def test_an_operator_with_an_odd_name_or_role_is_refused(tmp_path: Path, name: str, role: str) -> None:
    with pytest.raises(UsageError):
        add_operator(tmp_path / "operators.yaml", person(name, role).operator)
    with pytest.raises(UsageError):
        add_operator(tmp_path / "operators.yaml", person("leo", principals=("l\u200beo",)).operator)
    assert not (tmp_path / "operators.yaml").exists()
