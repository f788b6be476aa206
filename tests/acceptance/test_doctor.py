"""Doctor looks at what is configured for people: the provider, the channels, the console and the companion. It sends nothing and tells no secret."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme
from aiosmtpd.smtp import AuthResult

from synapsor.approve.identity.keys import create_key
from synapsor.approve.identity.operators import add_operator
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.examine import examine
from synapsor.runtime import open_project
from synapsor.testing.idp import FakeIdp, serve_idp
from synapsor.testing.idp.provider import DISCOVERY, JWKS, Break
from tests.acceptance.test_notifier_mail import Box, server
from tests.companion import Companion, write_companion
from tests.databases import Database
from tests.identities import certificate_in
from tests.projects import ProjectFiles, opened

CANARY = "canary-9b41"
_BEFORE = {"reader_can_write", "writer_not_looked_at", "version_moved_by_trigger"}


@dataclass(kw_only=True)
class Office:
    """A project with a companion, and what doctor says of it."""

    companion: Companion

    @property
    def files(self) -> ProjectFiles:
        """The project's files."""
        return self.companion.files

    def write(self, more: str) -> None:
        """Add to the project's file, in the place of what was added before."""
        text, mark = self.files.config_path.read_text(encoding="utf-8"), "# more\n"
        self.files.config_path.write_text(text.partition(mark)[0] + mark + more, encoding="utf-8")

    async def rules(self, **given: Any) -> dict[str, bool]:
        """Return what is found by rule, and whether it is fatal."""
        async with open_project(self.files.config) as project:
            found = [f for f in await examine(project, **given) if f.rule not in _BEFORE]
        for finding in found:
            assert finding.fix, finding
            assert CANARY not in f"{finding.message} {finding.fix}"
        return {finding.rule: finding.fatal for finding in found}


@pytest.fixture
async def office(tmp_path: Path, sqlite_db: Database) -> Office:
    companion = write_companion(tmp_path / "project", sqlite_db)
    async with opened(companion.files):  # which activates its contract
        return Office(companion=companion)


@asynccontextmanager
async def provider(office: Office, **more: Any) -> AsyncIterator[FakeIdp]:
    certificate, _ = certificate_in(office.files.root)
    async with serve_idp(FakeIdp(**more), certificate=certificate) as idp:
        office.write(
            f"oidc: {{issuer: '{idp.issuer}', client_id: console, client_secret: '${{file:secrets/client}}', ca: ca.pem, allow_private: true}}\n"
        )
        secret(office, "client")
        yield idp


def secret(office: Office, name: str, value: str = CANARY) -> None:
    path = office.files.root / "secrets" / name
    path.touch(mode=0o600)
    path.write_text(value, encoding="utf-8")


async def test_doctor_finds_nothing_against_an_office_that_is_in_order(office: Office) -> None:
    assert await office.rules() == {}
    async with provider(office):
        assert await office.rules() == {}


@pytest.mark.requirement("doctor:provider")
async def test_doctor_asks_the_provider_what_a_login_would_need_of_it(office: Office) -> None:
    async with provider(office) as idp:
        idp.tell = lambda said: {**said, "issuer": "https://other.example"}
        assert await office.rules() == {"provider_issuer": True}
        idp.tell = lambda said: {**said, "token_endpoint": "http://evil.example/token"}
        assert await office.rules() == {"provider_unsafe": True}
        idp.tell = lambda said: said
        for broken, rule in ((Break.GARBAGE, "malformed"), (Break.REDIRECT, "redirects"), (Break.ERROR, "unreachable")):
            for page in (DISCOVERY, JWKS):
                idp.broken = {page: broken}
                assert await office.rules() == {f"provider_{rule}": True}
        idp.broken = {}
        idp.show = lambda _: {"keys": []}
        assert await office.rules() == {"provider_keys": True}
        idp.show = lambda said: {"keys": [{**key, "use": "enc"} for key in said["keys"]]}
        assert await office.rules() == {"provider_keys": True}
        idp.show = lambda said: said
        (office.files.root / "secrets" / "client").unlink()
        assert await office.rules() == {"secret_not_here": False}
    assert await office.rules() == {"provider_unreachable": True, "secret_not_here": False}


@pytest.mark.requirement("doctor:provider")
async def test_doctor_tells_of_a_provider_in_clear_or_of_another_authority_or_in_ones_own_network(
    office: Office,
) -> None:
    config = office.files.config_path
    async with provider(office):
        trustme.CA().cert_pem.write_to_path(str(office.files.root / "ca.pem"))
        assert await office.rules() == {"provider_unreachable": True}
        (office.files.root / "ca.pem").write_text("none", encoding="utf-8")
        assert await office.rules() == {"provider_ca": True}
    async with serve_idp(FakeIdp(), certificate=None) as idp:
        office.write(f"oidc: {{issuer: '{idp.issuer}', client_id: console, allow_private: true}}\n")
        assert await office.rules() == {"provider_in_clear": True}
        config.write_text(config.read_text(encoding="utf-8").replace("production", "development"), encoding="utf-8")
        assert await office.rules() == {"provider_in_clear": False}


@pytest.mark.requirement("doctor:channels")
async def test_doctor_resolves_the_secrets_and_addresses_of_channels_and_calls_none(office: Office) -> None:
    good = base64.b64encode(b"k" * 32).decode()
    webhook = "notify: {{channels: {{lead: {{webhook: {{url: '{url}', secret: '${{file:secrets/hook}}'{more}}}}}}}}}\n"
    secret(office, "hook", good)
    for url, more, rules in (
        ("https://1.1.1.1/hook", "", {}),
        ("https://127.0.0.1:9/hook", "", {"channel_address_refused": True}),
        ("https://127.0.0.1:9/hook", ", allow_private: [127.0.0.0/8]", {}),
        ("https://169.254.169.254/", ", allow_private: [169.254.0.0/16]", {"channel_address_refused": True}),
        ("https://nowhere.invalid/", "", {"channel_name_not_resolved": True}),
        (f"https://user:{CANARY}@1.1.1.1/", "", {"channel_address": True}),
        ("${env:SYNAPSOR_TEST_NOT_SET}", "", {"secret_not_here": False}),
    ):
        office.write(webhook.format(url=url, more=more))
        assert await office.rules() == rules, url
    office.write(webhook.format(url="https://1.1.1.1/", more=""))
    secret(office, "hook", CANARY)
    assert await office.rules() == {"channel_secret": True}
    (office.files.root / "secrets" / "hook").chmod(0o644)
    assert await office.rules() == {"file_open": True}
    (office.files.root / "secrets" / "hook").unlink()
    assert await office.rules() == {"secret_not_here": False}


@pytest.mark.requirement("doctor:channels")
async def test_doctor_reaches_the_mail_server_through_tls_and_hands_it_no_letter(
    office: Office, tmp_path: Path
) -> None:
    box = Box()

    def mail(port: int, more: str = "") -> None:
        channel = "channels: {lead: {email: {to: [ann@example.com], from: synapsor@example.com}}}"
        smtp = f"smtp: {{host: 127.0.0.1, port: {port}, ca: '{tmp_path / 'mail.pem'}'{more}}}"
        office.write(f"notify: {{{channel}, {smtp}}}\n")

    async with server(box, tmp_path) as port:
        mail(port)
        assert await office.rules() == {}
    assert await office.rules() == {"smtp_not_connected": True}
    async with server(box, tmp_path, tls="none") as port:
        mail(port)
        assert await office.rules() == {"smtp_not_offered": True}
    async with server(box, tmp_path, name="127.0.0.2") as port:
        mail(port)
        assert await office.rules() == {"smtp_tls_refused": True}
    login = ", user: ann, password: '${file:secrets/mail}'"
    (office.files.root / "secrets" / "mail").unlink(missing_ok=True)
    async with server(
        box, tmp_path, authenticator=lambda *_: AuthResult(success=False, handled=False), auth_require_tls=True
    ) as port:
        mail(port, login)
        assert await office.rules() == {"secret_not_here": False}
        secret(office, "mail")
        assert await office.rules() == {"smtp_login_refused": True}
    assert box.letters == []


@pytest.mark.requirement("doctor:console")
async def test_doctor_tells_how_the_console_could_be_overheard_or_is_not_where_links_lead(office: Office) -> None:
    for more, rules in (
        ("console: {listen: '0.0.0.0:8750', hosts: [console.example]}", {"console_way": True}),
        ("console: {listen: '0.0.0.0:8750', proxy: {trusted: [10.0.0.1]}}", {"console_way": True}),
        ("console: {hosts: [console.example], proxy: {trusted: [0.0.0.0/0]}}", {"proxy_anybody": True}),
        ("console: {hosts: [console.example], proxy: {trusted: [10.0.0.1]}}", {}),
        ("console_url: https://console.example/", {"console_name": True}),
        ("console_url: https://localhost/", {"console_scheme": True}),
        ("console_url: http://127.0.0.1:8750/", {}),
    ):
        office.write(more + "\n")
        assert await office.rules() == rules, more
    chain, _ = certificate_in(office.files.root)
    chain.key.chmod(0o600)
    tls = "console: {{tls: {{certificate: '{chain}', key: '{key}'}}}}\n"
    office.write(tls.format(chain=chain.chain, key=chain.key))
    assert await office.rules() == {}
    office.write(tls.format(chain=chain.chain, key=office.files.root / "keys" / "leo.pem"))
    assert await office.rules() == {"console_certificate": True}
    office.write(tls.format(chain=chain.chain, key=chain.key))
    chain.key.chmod(0o640)
    assert await office.rules() == {"file_open": True}


@pytest.mark.requirement("doctor:companion")
async def test_doctor_tells_what_of_the_companion_is_open_shared_or_beside_the_agent(office: Office) -> None:
    root, path = office.files.root, office.companion.path
    text = path.read_text(encoding="utf-8")

    def entry(words: list[str]) -> dict[str, Any]:
        return {"command": "synapsor", "args": words}

    for file in (root / "keys" / "approvals.pem", root / "secrets" / "codes.yaml"):
        file.chmod(0o640)
        assert await office.rules() == {"file_open": True}
        file.chmod(0o600)
    path.chmod(0o664)
    assert await office.rules() == {"file_writable": False}
    path.chmod(0o666)
    assert await office.rules() == {"approvals_unreadable": True}
    path.chmod(0o644)
    servers = {"agent": entry(["serve"]), "approvals": entry(["approvals", "--config", "approvals.yaml"])}
    for client, key in ((root / ".mcp.json", "mcpServers"), (root / "mcp.json", "servers")):
        client.write_text(json.dumps({key: servers}), encoding="utf-8")
        assert await office.rules() == {"companion_beside_agent": True}
        foreign = {"command": "other", "args": ["serve"]}
        client.write_text(json.dumps({key: {**servers, "agent": foreign}}), encoding="utf-8")
        assert await office.rules() == {}
        client.write_text(json.dumps({key: {"agent": servers["agent"]}}), encoding="utf-8")
        assert await office.rules() == {}
        client.write_text("[1", encoding="utf-8")
        assert await office.rules() == {}
    (_, _, shared) = text.rpartition("sha256: ")
    office.write(
        f"http: {{tokens: [{{name: a, sha256: {shared.strip().rstrip('}')}, session: {{tenant_id: acme}}}}]}}\n"
    )
    assert (await office.rules())["token_shared"]
    office.write(f"policy_key: {root / 'keys' / 'approvals.pem'}\n")
    assert await office.rules() == {"key_shared": False}
    office.write("")
    path.write_text(text.replace("operator: leo", "operator: nobody"), encoding="utf-8")
    assert await office.rules() == {"companion_nobody": False}
    path.write_text(text + f"also: {CANARY}\n", encoding="utf-8")
    assert await office.rules() == {"approvals_unreadable": True}
    path.write_text(text + "read: {other: '${env:SYNAPSOR_TEST_NOT_SET}'}\n", encoding="utf-8")
    assert await office.rules() == {"companion_sources": True, "secret_not_here": False}
    other = create_key(root / "keys" / "other.pem", passphrase=None)
    path.write_text(text.replace("approvals.pem", "other.pem"), encoding="utf-8")
    assert await office.rules() == {"voucher_untrusted": True}
    add_operator(root / "operators.yaml", Operator(name="other", key=public_text(other), roles=("billing_lead",)))
    path.write_text(text.replace("approvals.pem", "other.pem").replace("operator: approvals", "operator: other"))
    assert await office.rules() == {"voucher_untrusted": True}
    path.unlink()
    assert await office.rules() == {}
    assert await office.rules(approvals=path) == {"approvals_unreadable": True}


@pytest.mark.requirement("doctor:companion")
async def test_doctor_as_a_command_ends_with_1_and_shows_each_finding_with_its_fix(office: Office) -> None:
    office.companion.path.chmod(0o666)
    command = office.files.command("doctor", "--approvals", str(office.companion.path))
    done = await anyio.run_process(command, env=office.files.environment, check=False)
    assert done.returncode == 1
    shown = " ".join(done.stdout.decode().split())
    assert "✗ approvals_unreadable Everybody may write approvals.yaml" in shown
    assert "fix: chmod o-w" in shown
    assert shown.endswith("✗ 1 finding must be mended.")
