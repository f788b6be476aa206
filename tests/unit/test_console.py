"""The console's own rules, one by one: the way in, sessions and forms."""

import datetime as dt
import ipaddress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jinja2 import UndefinedError

from synapsor.approve.console.browsers import described
from synapsor.approve.console.guard import HEADERS
from synapsor.approve.console.rendering import environment
from synapsor.approve.console.sessions import MOST_SESSIONS, Sessions
from synapsor.approve.console.visit import MOST_FIELDS, cookie_name, read_form
from synapsor.approve.console.way import LOOPBACK, Way, way_of
from synapsor.config import load_config
from synapsor.config.console import ConsoleConfig
from synapsor.core.signatures import public_text
from synapsor.core.statements import Operator
from synapsor.errors import ConfigError, UsageError
from synapsor.flow.signing import SessionKey, Signer, signed_login
from tests.decisions import NOW, person
from tests.unit.test_config import GOOD, write

HOURS = dt.timedelta(hours=8)


def settings(**config: Any) -> ConsoleConfig:
    return ConsoleConfig.model_validate(config, context={"root": Path("/project")})


TLS = {"certificate": "c.pem", "key": "k.pem"}
PROXY = {"trusted": ["10.0.0.0/8"]}


@pytest.mark.requirement("console:public-needs-tls")
@pytest.mark.parametrize("listen", ["0.0.0.0:8750", "192.0.2.7:8750", "[::]:8750", "[::ffff:127.0.0.1]:8750"])
def test_the_console_is_not_served_beyond_the_machine_in_clear_nor_without_a_name(listen: str) -> None:
    for config in ({}, {"hosts": ["desk.example"]}, {"tls": TLS}, {"proxy": PROXY}):
        with pytest.raises(ConfigError):
            way_of(settings(**config), listen)
    ended_here = way_of(settings(tls=TLS, hosts=["desk.example"]), listen)
    assert (ended_here.secure, ended_here.hosts, ended_here.proxies) == (True, (*LOOPBACK, "desk.example"), ())
    behind = way_of(settings(proxy=PROXY, hosts=["desk.example"]), listen)
    assert (behind.secure, behind.hosts) == (True, ("desk.example",))
    assert behind.proxies == (ipaddress.ip_network("10.0.0.0/8"),)


@pytest.mark.requirement("console:public-needs-tls")
def test_a_proxy_is_named_and_nobody_else_speaks_for_it() -> None:
    with pytest.raises(ConfigError):
        way_of(settings(proxy={"trusted": ["127.0.0.1"]}), "127.0.0.1:8750")
    way = way_of(settings(proxy={"trusted": ["127.0.0.1", "10.0.0.0/8"]}, hosts=["desk.example"]), "127.0.0.1:8750")
    trusted = {peer: way.trusts(peer) for peer in ("127.0.0.1", "10.9.8.7", "192.0.2.1", "", "::1", "desk.example")}
    assert [peer for peer, is_trusted in trusted.items() if is_trusted] == ["127.0.0.1", "10.9.8.7"]
    assert way_of(settings(), None).trusts("")


@pytest.mark.requirement("console:public-needs-tls")
@pytest.mark.parametrize("listen", ["8750", ":8750", "example.com:80", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:"])
def test_an_address_that_is_none_is_refused(listen: str) -> None:
    with pytest.raises(UsageError):
        way_of(settings(), listen)


@pytest.mark.requirement("console:unverified")
@pytest.mark.parametrize(
    ("console", "rule"),
    [
        ("{development_identity: dev}", "console_unverified"),
        ("{tls: {certificate: a, key: b}, proxy: {trusted: [127.0.0.1]}}", "console_tls_twice"),
        ("{listen: localhost}", "console_address"),
        ("{hosts: ['Desk.example:80']}", "hosts"),
        ("{proxy: {trusted: [everybody]}}", "trusted"),
        ("{sessions: {hours: 13}}", "hours"),
    ],
)
def test_a_console_that_contradicts_itself_stops_the_program(tmp_path: Path, console: str, rule: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(write(tmp_path, f"{GOOD}console: {console}\n"))
    assert rule in str(refused.value)


def a_session(sessions: Sessions, name: str = "leo", browser: str = "b") -> tuple[str, dict[str, Operator]]:
    """Begin a session of a person, and return its cookie and whom the project trusts."""
    who, key = person(name), Ed25519PrivateKey.generate()
    session = SessionKey(key=public_text(key), ledger="led_1", client="c", lasts=HOURS)
    login = signed_login(who.operator, who.key, session, now=NOW)
    signer = Signer(operator=who.operator, key=key, login=login)
    return sessions.open(name, signer, browser=browser, now=NOW), {name: who.operator}


def fresh() -> Sessions:
    return Sessions(ledger="led_1", idle=dt.timedelta(minutes=20), lasts=HOURS)


@pytest.mark.requirement("console:sessions")
def test_a_session_is_found_by_its_cookie_in_its_browser_while_its_person_is_trusted() -> None:
    for browser, change, holds in (
        ("b", {}, True),
        ("other", {}, False),
        ("b", {"revoked": True}, False),
        ("b", {"key": person().operator.key}, False),
        ("b", {"name": "mia"}, True),
    ):
        sessions = fresh()
        token, operators = a_session(sessions)
        trusted = {name: replace(one, **change) for name, one in operators.items()}
        found = sessions.find(token, browser=browser, now=NOW, operators=trusted)
        assert (found is not None) is (holds and "name" not in change), change
        # What did not hold once does not hold again.
        again = sessions.find(token, browser="b", now=NOW, operators=operators)
        assert (again is not None) is (found is not None)
    sessions = fresh()
    token, _ = a_session(sessions)
    assert sessions.find(token, browser="b", now=NOW, operators={}) is None


@pytest.mark.requirement("console:sessions")
def test_a_session_of_another_ledger_or_with_another_key_is_none() -> None:
    sessions = Sessions(ledger="led_2", idle=HOURS, lasts=HOURS)
    token, operators = a_session(sessions)
    assert sessions.find(token, browser="b", now=NOW, operators=operators) is None


@pytest.mark.requirement("console:sessions")
def test_only_so_many_sessions_are_kept_and_no_cookie_is_kept_at_all() -> None:
    sessions = fresh()
    first, operators = a_session(sessions)
    for number in range(MOST_SESSIONS):
        a_session(sessions, f"p{number}")
    assert sessions.find(first, browser="b", now=NOW, operators=operators) is None
    assert len(sessions._open) == MOST_SESSIONS
    token, _ = a_session(sessions, "last")
    assert token not in repr(sessions._open)


@pytest.mark.requirement("console:same-origin")
@pytest.mark.parametrize("body", [b"\xff", b"a", b"a=1&b", b"&".join(b"a=1" for _ in range(MOST_FIELDS + 1)), b"a=%ff"])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(UsageError):
        read_form(body)


def test_a_form_keeps_every_value_in_order() -> None:
    assert read_form(b"pick=a&pick=b+c&empty=&u=%C3%A9") == {"pick": ("a", "b c"), "empty": ("",), "u": ("é",)}
    assert read_form(b"") == {}


@pytest.mark.requirement("console:sessions")
def test_a_cookie_over_https_is_held_to_this_host_by_the_browser_itself() -> None:
    assert cookie_name("session", secure=True) == "__Host-synapsor-session"
    assert cookie_name("oidc", secure=True, place="/s-") == "__Secure-synapsor-oidc"
    assert cookie_name("waiting", secure=False, place="/s-") == "synapsor-waiting"


@pytest.mark.requirement("console:own-place")
def test_sessions_have_places_under_every_name_that_other_programs_may_answer_to() -> None:
    secure = Way(host="127.0.0.1", port=1, hosts=("desk.example",), secure=True)
    shared = ("127.0.0.1:1", "localhost", "LOCALHOST:1", "[::1]:1", "127.9.9.9", "a.localhost:80")
    assert [name for name in (*shared, "desk.example", "desk.example:443") if not secure.is_shared(name)] == [
        "desk.example",
        "desk.example:443",
    ]
    assert Way(host="127.0.0.1", port=1, hosts=("desk.example",), secure=False).is_shared("desk.example")


@pytest.mark.requirement("console:hostile-content")
def test_a_template_escapes_what_it_is_given_and_fails_on_what_it_is_not() -> None:
    made = environment().from_string("{{ a }}{{ a|seen }}{{ a|short }}{{ a|breakable }}")
    assert "<b>" not in made.render(a="<b>_.\u202e")
    with pytest.raises(UndefinedError):
        made.render()


@pytest.mark.requirement("console:headers")
def test_the_policy_of_every_page_allows_nothing_that_is_not_listed() -> None:
    rules = dict(rule.split(" ", 1) for rule in HEADERS["content-security-policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert {value for name, value in rules.items() if name.endswith("-src") and name != "default-src"} == {"'self'"}
    assert (rules["frame-ancestors"], rules["base-uri"], rules["form-action"]) == ("'none'", "'none'", "'self'")


@pytest.mark.parametrize(
    ("browser", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on an iPhone"),
        ("\x1b[31mleo, type yes", "a browser on an unknown system"),
        ("", "a browser on an unknown system"),
    ],
)
@pytest.mark.requirement("console:login-by-key")
def test_a_browser_is_told_in_words_of_ours(browser: str, words: str) -> None:
    assert described(browser) == words
