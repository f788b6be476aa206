"""Tokens of an identity provider at the companion: they say who somebody is, for this server alone, and take roles away but give none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from synapsor.approve.identity.operators import change_operator
from synapsor.core.statements import Identity
from synapsor.testing.idp import FakeIdp, serve_idp
from tests.companion import Companion, said, served, write_companion
from tests.databases import Database
from tests.identities import APPROVALS, LEO, SERVE, certificate_in
from tests.projects import opened

_OIDC = "oidc: {{issuer: '{issuer}', client_id: console, audience: '{audience}', roles_claim: roles, ca: ca.pem, allow_private: true}}\n"


@dataclass(kw_only=True)
class Both:
    """A companion and the provider that its project believes."""

    companion: Companion
    idp: FakeIdp

    async def refused(self) -> list[tuple[str, str, str]]:
        """Return the refused logins on record, oldest first: where, by which rule, and who."""
        async with opened(self.companion.files) as project:
            found = await (await project.ledger()).refused_logins(limit=99)
        return [(one.door, one.rule, one.subject) for one in reversed(found)]


@asynccontextmanager
async def both_of(tmp_path: Path, sqlite_db: Database) -> AsyncIterator[Both]:
    companion = write_companion(tmp_path / "project", sqlite_db)
    root = companion.files.root
    certificate, _ = certificate_in(root)
    async with serve_idp(FakeIdp(people={LEO: {"roles": ["billing_lead"]}}), certificate=certificate) as idp:
        with companion.files.config_path.open("a", encoding="utf-8") as config:
            config.write(_OIDC.format(issuer=idp.issuer, audience=APPROVALS))
        change_operator(root / "operators.yaml", "leo", login=Identity(issuer=idp.issuer, subject=LEO))
        async with opened(companion.files):  # which activates its contract
            yield Both(companion=companion, idp=idp)


@asynccontextmanager
async def talking(url: str, token: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode="2026-07-28") as client,
    ):
        yield client


@pytest.mark.requirement("oidc:bearer-audience", "oidc:recorded")
async def test_a_token_of_the_provider_says_whose_prompts_they_are_and_one_for_others_is_nobody_here(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with both_of(tmp_path, sqlite_db) as both:
        idp, asked = both.idp, await both.companion.filed()
        body = {"jsonrpc": "2.0", "id": 1, "method": "prompts/list"}
        form = {"Accept": "application/json, text/event-stream"}
        async with served(both.companion) as url, httpx2.AsyncClient(trust_env=False, timeout=60) as http:
            for audience, person in (
                (SERVE, LEO),
                ([APPROVALS, SERVE], LEO),
                ("console", LEO),
                (APPROVALS, "eve"),
            ):
                headers = {**form, "Authorization": f"Bearer {idp.token(person, audience=audience)}"}
                answered = await http.post(f"{url}/mcp", json=body, headers=headers)
                assert answered.status_code == 401
                assert "resource_metadata=" in answered.headers["www-authenticate"]
            told = await http.get(f"{url}/.well-known/oauth-protected-resource/mcp")
            assert [server.rstrip("/") for server in told.json()["authorization_servers"]] == [idp.issuer]
            async with talking(url, idp.token(LEO, audience=APPROVALS)) as client:
                await said(client, "review_proposal", proposal=asked["id"])
                code = both.companion.code(asked["digest"])
                decided = await said(client, "decide_proposal", proposal=asked["id"], verdict="approve", code=code)
        assert "was approved by leo" in decided
        assert await both.refused() == [
            ("approvals", "audience_wrong", ""),
            ("approvals", "audience_shared", ""),
            ("approvals", "audience_wrong", ""),
            ("approvals", "person_unknown", "eve"),
        ]


@pytest.mark.requirement("oidc:never-more")
async def test_a_token_without_the_role_takes_it_away_for_its_request_alone(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with both_of(tmp_path, sqlite_db) as both:
        root = both.companion.files.root
        change_operator(root / "operators.yaml", "leo", roles=("billing_lead", "head"))
        asked = await both.companion.filed()
        async with served(both.companion) as url:
            less = both.idp.token(LEO, audience=APPROVALS, roles=["head", "contract_reviewer"])
            async with talking(url, less) as client:
                assert asked["id"] not in await said(client, "review_queue")
                card = await said(client, "review_proposal", proposal=asked["id"])
                assert "It is not decided through a prompt (role_missing)" in card
                code = both.companion.code(asked["digest"])
                told = await said(client, "decide_proposal", proposal=asked["id"], verdict="approve", code=code)
                assert "needs the role billing_lead" in told
            assert await both.companion.status(asked["id"]) == ("review_required", 0, ["role_missing"])
            async with talking(url, both.idp.token(LEO, audience=APPROVALS)) as client:
                assert asked["id"] in await said(client, "review_queue")


@pytest.mark.requirement("oidc:never-more")
async def test_a_session_of_the_older_era_keeps_no_roles_from_one_request_to_the_next(
    tmp_path: Path, sqlite_db: Database
) -> None:
    async with both_of(tmp_path, sqlite_db) as both:
        asked = await both.companion.filed()
        change_operator(both.companion.files.root / "operators.yaml", "leo", roles=("billing_lead", "head"))
        less, all_of_them = (both.idp.token(LEO, audience=APPROVALS, roles=r) for r in (["head"], ["billing_lead"]))
        async with (
            served(both.companion) as url,
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {all_of_them}"}, trust_env=False, timeout=60) as http,
            Client(streamable_http_client(f"{url}/mcp", http_client=http), mode="legacy") as client,
        ):
            assert asked["id"] in await said(client, "review_queue")
            http.headers["Authorization"] = f"Bearer {less}"
            assert asked["id"] not in await said(client, "review_queue")
            http.headers["Authorization"] = f"Bearer {all_of_them}"
            assert asked["id"] in await said(client, "review_queue")
