"""Answers to a login that are not the answer to this login: replayed, of another session, of another issuer, of another person."""

from typing import Any

import pytest

from synapsor.approve.identity.oidc import pending
from synapsor.errors import LoginRefused
from synapsor.testing.idp import IdpClient
from tests.identities import CLIENT, CONSOLE, LEO, Identities, identities, rule_of

Answer = list[tuple[str, str]]


async def finish(here: Identities, answer: Answer, sealed: str | None, session: str = "s1") -> str:
    return await rule_of(here.login.finish(answer, sealed, session=session))


def without(answer: Answer, name: str) -> Answer:
    return [pair for pair in answer if pair[0] != name]


def but(answer: Answer, name: str, value: str) -> Answer:
    return [*without(answer, name), (name, value)]


@pytest.mark.requirement("oidc:one-answer")
async def test_an_answer_counts_once() -> None:
    async with identities() as here:
        begun = await here.login.begin(session="s1")
        answer = await here.visit(begun)
        assert await finish(here, answer, begun.sealed) == "let in"
        assert await finish(here, answer, begun.sealed) == "login_replayed"
        again = await here.visit(begun)
        assert await finish(here, again, begun.sealed) == "login_replayed"


@pytest.mark.requirement("oidc:one-answer")
async def test_answers_that_let_nobody_in_shut_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MOST_ANSWERED", 2)
    async with identities() as here:
        for _ in range(5):
            begun = await here.login.begin(session="s1")
            answer = but(await here.visit(begun), "code", "guessed")
            assert await finish(here, answer, begun.sealed) == "code_refused"
        assert [await rule_of(here.log_in()) for _ in range(3)] == ["let in", "let in", "login_busy"]
        here.clock.move(minutes=21)
        assert await rule_of(here.log_in()) == "let in"


@pytest.mark.requirement("oidc:one-answer")
async def test_a_code_that_was_used_before_is_refused_by_the_provider() -> None:
    async with identities() as here:
        first = await here.login.begin(session="s1")
        answer = await here.visit(first)
        assert await finish(here, answer, first.sealed) == "let in"
        second = await here.login.begin(session="s1")
        fresh = await here.visit(second)
        assert await finish(here, but(fresh, "code", dict(answer)["code"]), second.sealed) == "code_refused"


@pytest.mark.requirement("oidc:one-answer")
async def test_an_answer_to_another_login_or_session_is_refused() -> None:
    async with identities() as here:
        mine, other = await here.login.begin(session="s1"), await here.login.begin(session="s2")
        answer, others = await here.visit(mine), await here.visit(other)
        found = {
            "another login's answer": await finish(here, others, mine.sealed),
            "no state": await finish(here, without(answer, "state"), mine.sealed),
            "an empty state": await finish(here, but(answer, "state", ""), mine.sealed),
            "another session": await finish(here, answer, mine.sealed, session="s2"),
            "no session": await finish(here, answer, mine.sealed, session=""),
            "another session's login": await finish(here, others, other.sealed),
            "no login": await finish(here, answer, None),
            "an empty login": await finish(here, answer, ""),
            "a login of nobody's": await finish(here, answer, "AAAA" * 40),
            "a changed login": await finish(here, answer, mine.sealed[:-8] + "AAAAAAA="),
            "a login with letters that are none": await finish(here, answer, mine.sealed + "é"),
            "a login of a megabyte": await finish(here, answer, mine.sealed * 4000),
        }
        assert found == {
            "another login's answer": "state_wrong",
            "no state": "state_wrong",
            "an empty state": "state_wrong",
            "another session": "session_wrong",
            "no session": "session_wrong",
            "another session's login": "session_wrong",
            "no login": "login_unknown",
            "an empty login": "login_unknown",
            "a login of nobody's": "login_unknown",
            "a changed login": "login_unknown",
            "a login with letters that are none": "login_unknown",
            "a login of a megabyte": "login_unknown",
        }
        assert await finish(here, answer, mine.sealed) == "let in", "none of it took the answer away"


@pytest.mark.requirement("oidc:one-answer")
async def test_a_code_of_another_login_is_refused_by_its_challenge_and_a_token_by_its_nonce() -> None:
    async with identities() as here:
        mine, other = await here.login.begin(session="s1"), await here.login.begin(session="s2")
        answer, others = await here.visit(mine), await here.visit(other)
        assert await finish(here, but(answer, "code", dict(others)["code"]), mine.sealed) == "code_refused"

        mine = await here.login.begin(session="s1")
        answer = await here.visit(mine)
        here.idp.instead = here.idp.token(LEO, audience=CLIENT, nonce="another")
        assert await finish(here, answer, mine.sealed) == "nonce_wrong"


@pytest.mark.requirement("oidc:one-answer")
async def test_an_answer_that_takes_too_long_is_refused_whichever_way_the_clock_went() -> None:
    async with identities() as here:
        for minutes in (10, -10):
            begun = await here.login.begin(session="s1")
            answer = await here.visit(begun)
            here.clock.move(minutes=minutes)
            assert await finish(here, answer, begun.sealed) == "login_expired"


@pytest.mark.requirement("oidc:one-answer")
async def test_an_answer_of_another_issuer_or_of_nobody_is_refused() -> None:
    async def tried(**changed: str | None) -> str:
        begun = await here.login.begin(session="s1")
        answer = await here.visit(begun)
        for name, value in changed.items():
            answer = without(answer, name) if value is None else but(answer, name, value)
        return await finish(here, answer, begun.sealed)

    async with identities() as here:
        assert await tried(iss="https://evil.example") == "answer_issuer"
        assert await tried(iss=here.idp.issuer + "/") == "answer_issuer"
        assert await tried(iss=None) == "answer_issuer"
        assert await tried(error="access_denied") == "answer_refused"
        assert await tried(code=None) == "answer_malformed"
        assert await tried(code="") == "answer_malformed"
        assert await tried(code="a\nb") == "answer_malformed"
        assert await tried(code="c" * 5000) == "answer_malformed"
        assert await tried(response="eyJh") == "answer_malformed"
    async with identities() as here:
        here.idp.names_itself = False
        assert await tried() == "let in"
        assert await tried(iss="https://evil.example") == "answer_issuer"


@pytest.mark.requirement("oidc:one-answer")
async def test_a_parameter_that_is_there_twice_is_refused() -> None:
    async with identities() as here:
        for name in ("code", "state", "iss"):
            begun = await here.login.begin(session="s1")
            answer = await here.visit(begun)
            twice = [*answer, (name, dict(answer)[name])]
            assert await finish(here, twice, begun.sealed) == "answer_malformed"


@pytest.mark.requirement("oidc:one-answer")
async def test_a_person_who_declines_is_not_logged_in() -> None:
    async with identities() as here:
        begun = await here.login.begin(session="s1")
        assert await finish(here, await here.visit(begun, person=""), begun.sealed) == "answer_refused"


async def of_claims(here: Identities, **changed: Any) -> str:
    def claim(said: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**said, **changed}.items() if value is not None}

    here.idp.claim = claim
    return await rule_of(here.log_in())


@pytest.mark.requirement("oidc:token")
async def test_the_token_of_a_login_was_issued_for_this_login_and_to_this_client() -> None:
    async with identities() as here:
        now = here.idp.now()
        assert await of_claims(here, nonce=None) == "claim_missing"
        assert await of_claims(here, nonce="") == "claim_form"
        assert await of_claims(here, nonce=["n"]) == "claim_form"
        assert await of_claims(here, iat=now - 631) == "token_stale"
        assert await of_claims(here, iat=now - 630) == "let in"
        assert await of_claims(here, aud=[CLIENT, "other"]) == "claim_missing"
        assert await of_claims(here, aud=[CLIENT, "other"], azp="other") == "party_wrong"
        assert await of_claims(here, aud=[CLIENT, "other"], azp=CLIENT) == "let in"
        assert await of_claims(here, azp="other") == "party_wrong"
        assert await of_claims(here, azp=[CLIENT]) == "claim_form"
        assert await of_claims(here, azp=CLIENT) == "let in"


@pytest.mark.requirement("oidc:new-proof")
async def test_a_login_that_asks_for_a_new_proof_takes_no_old_one() -> None:
    async with identities(max_age_s=0) as here:
        arrived = await here.log_in()
        assert arrived.vouched.authenticated_at == here.idp.now()
        here.idp.ignores_prompt_for_s = 31
        assert await rule_of(here.log_in()) == "authentication_old"
        here.idp.ignores_prompt_for_s = 30
        assert await rule_of(here.log_in()) == "let in"
        here.idp.claim = lambda said: {name: value for name, value in said.items() if name != "auth_time"}
        assert await rule_of(here.log_in()) == "claim_missing"
    async with identities() as here:
        here.idp.ignores_prompt_for_s = 9999
        assert await rule_of(here.log_in()) == "let in", "without `max_age_s` a login does not ask when"


@pytest.mark.requirement("oidc:one-answer")
@pytest.mark.parametrize(
    "back",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/a\r\nSet-Cookie: x",
        "javascript:alert(1)",
        "",
        "/#x",
        "/ a",
    ],
)
async def test_a_page_to_come_back_to_is_one_of_the_console(back: str) -> None:
    async with identities() as here:
        assert (await here.log_in(back=back)).back == "/"


@pytest.mark.requirement("oidc:client-secret")
async def test_a_wrong_secret_and_a_client_of_another_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT_SECRET", "canary-wrong")
    async with identities(client_secret="${env:CLIENT_SECRET}") as here:
        here.idp.clients[CLIENT] = IdpClient(id=CLIENT, redirects=(CONSOLE,), secret="right")
        begun = await here.login.begin(session="s1")
        with pytest.raises(LoginRefused) as refused:
            await here.login.finish(await here.visit(begun), begun.sealed, session="s1")
        assert refused.value.rule == "code_refused"
        assert "canary" not in f"{refused.value} {begun} {here.config!r}"


@pytest.mark.requirement("oidc:new-proof")
async def test_a_project_may_ask_that_a_person_has_proven_lately_who_they_are() -> None:
    async with identities(max_age_s=300) as here:
        asked = (await here.login.begin(session="s1")).url
        assert ("max_age=300" in asked, "prompt" in asked) == (True, False)
        here.idp.ignores_prompt_for_s = 330
        assert await rule_of(here.log_in()) == "let in"
        here.idp.ignores_prompt_for_s = 331
        assert await rule_of(here.log_in()) == "authentication_old"
    async with identities(max_age_s=0) as here:
        asked = (await here.login.begin(session="s1")).url
        assert ("max_age=0" in asked, "prompt=login" in asked) == (True, True)
        here.idp.ignores_prompt_for_s = 31
        assert await rule_of(here.log_in()) == "authentication_old"
