"""A session comes from configuration or from the token of the request, and from nowhere else."""

import hashlib

import pytest

from synapsor.core.scope import Session
from synapsor.errors import ConfigError
from synapsor.serve.identity import Bearer, StaticSession, TokenBook, TokenSession, current, generate_token, hash_token

TOKEN = "t" * 32
BEARER = Bearer(
    name="alice", sha256=hashlib.sha256(TOKEN.encode()).hexdigest(), values={"tenant_id": "acme", "user": "alice"}
)


def test_a_static_session_is_the_configured_one() -> None:
    assert StaticSession({"user": "alice"}).session() == Session(values={"user": "alice"}, client="stdio")


def test_a_token_session_is_the_current_tokens_and_empty_without_one() -> None:
    assert TokenSession().session() == Session(values={}, client="http")
    slot = current.set(BEARER)
    try:
        assert TokenSession().session() == Session(values=BEARER.values, client="http:alice")
    finally:
        current.reset(slot)
    assert TokenSession().session().values == {}


@pytest.mark.parametrize("scheme", [b"Bearer ", b"bearer ", b"BEARER  "])
def test_the_right_token_is_known_by_its_hash(scheme: bytes) -> None:
    assert TokenBook([BEARER]).verify(scheme + TOKEN.encode()) == BEARER


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        TOKEN.encode(),
        b"Basic " + TOKEN.encode(),
        b"Bearer " + TOKEN.encode() + b" ",
        b"Bearer " + TOKEN.encode() + b"\n",
        b"Bearer " + TOKEN.encode() + b" x",
        b"Bearer " + TOKEN.encode()[:-1],
        b"Bearer " + TOKEN.upper().encode(),
        b"Bearer " + BEARER.sha256.encode(),
        b"Bearer " + b"t" * 10_000,
        "Bearer \u0442".encode() * 32,
    ],
)
def test_any_other_header_is_nobody(header: bytes) -> None:
    assert TokenBook([BEARER]).verify(header) is None


def test_the_hash_of_nothing_opens_nothing() -> None:
    empty = Bearer(name="empty", sha256=hashlib.sha256(b"").hexdigest(), values={})
    assert TokenBook([empty]).verify(b"") is None
    assert TokenBook([empty]).verify(b"Bearer ") is None


@pytest.mark.parametrize(
    "bearers",
    [
        [],
        [Bearer(name="a", sha256="", values={})],
        [Bearer(name="a", sha256="A" * 64, values={})],
        [Bearer(name="a", sha256=TOKEN, values={})],
        [BEARER, Bearer(name="bob", sha256=BEARER.sha256, values={})],
        [BEARER, Bearer(name="alice", sha256="0" * 64, values={})],
    ],
)
def test_a_book_without_usable_tokens_is_refused(bearers: list[Bearer]) -> None:
    with pytest.raises(ConfigError):
        TokenBook(bearers)


def test_generated_tokens_are_long_and_different_and_short_ones_are_not_hashed() -> None:
    one, other = generate_token(), generate_token()
    assert one != other
    assert len(one) >= 43
    assert hash_token(one) == hashlib.sha256(one.encode()).hexdigest()
    for bad in ("", "t" * 31, "t" * 31 + " ", "t" * 31 + "é", "t" * 513):
        with pytest.raises(ConfigError):
            hash_token(bad)


def test_no_repr_shows_session_values() -> None:
    assert "acme" not in repr(BEARER) + repr(StaticSession({"tenant_id": "acme"}))
