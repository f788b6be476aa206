"""How a project says which provider it believes."""

from pathlib import Path

import pytest

from synapsor.config import load_config
from synapsor.errors import ConfigError

BASE = """
synapsor: 1
policies: [policies]
sources: {shop: {engine: sqlite, schema: main, read: sqlite:///shop.db}}
"""


def loaded(tmp_path: Path, oidc: str) -> str:
    """Return what is wrong with a part of the configuration, or "" and nothing."""
    file = tmp_path / "synapsor.yaml"
    file.write_text(f"{BASE}oidc: {{{oidc}}}\n")
    try:
        load_config(file)
    except ConfigError as refused:
        return str(refused)
    return ""


GOOD = "issuer: 'https://idp.example/realms/main', client_id: console"


def test_an_issuer_and_a_client_are_enough(tmp_path: Path) -> None:
    assert loaded(tmp_path, GOOD) == ""
    found = load_config(tmp_path / "synapsor.yaml").oidc
    assert found is not None
    assert (found.algorithms, found.scopes, found.roles_claim) == (
        ("RS256", "PS256", "ES256", "EdDSA"),
        ("openid",),
        (),
    )
    assert (found.leeway_s, found.max_lifetime_s, found.max_age_s, found.allow_private) == (30, 43_200, None, False)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("algorithms: [HS256]", "algorithms"),
        ("algorithms: [none]", "algorithms"),
        ("algorithms: []", "algorithms"),
        ("leeway_s: 61", "leeway_s"),
        ("max_lifetime_s: 86401", "max_lifetime_s"),
        ("max_age_s: -1", "max_age_s"),
        ("audience: console", "audience_shared"),
        ("scopes: [profile]", "scope_missing"),
        ("scopes: ['openid profile']", "scopes"),
        ("client_secret: swordfish", "secret_in_clear"),
        ("alogrithms: [RS256]", "Did you mean `algorithms`?"),
        ("roles_claim: ''", "roles_claim"),
    ],
)
@pytest.mark.requirement("oidc:token")
def test_what_would_be_unsafe_is_refused(tmp_path: Path, more: str, told: str) -> None:
    said = loaded(tmp_path, f"{GOOD}, {more}")
    assert told in said
    assert "swordfish" not in said


@pytest.mark.parametrize(
    "issuer",
    [
        "http://idp.example",
        "idp.example",
        "ftp://idp.example",
        "https://",
        "https://leo:pw@idp.example",
        "https://idp.example/?realm=main",
        "https://idp.example/#main",
        "https://idp.example:99999",
        "https://idp.exämple",
        "https://idp.example/a b",
        "http://localhost.evil.example",
        "http://10.0.0.1:8080",
    ],
)
@pytest.mark.requirement("oidc:provider")
def test_an_issuer_is_an_https_address(tmp_path: Path, issuer: str) -> None:
    assert "oidc.issuer" in loaded(tmp_path, f"issuer: '{issuer}', client_id: console")


def test_a_provider_on_this_machine_has_to_be_meant(tmp_path: Path) -> None:
    for issuer in ("http://localhost:8080", "http://127.0.0.1:8080/realms/x", "https://[::1]:8443"):
        assert "issuer_private" in loaded(tmp_path, f"issuer: '{issuer}', client_id: console")
        assert loaded(tmp_path, f"issuer: '{issuer}', client_id: console, allow_private: true") == ""
