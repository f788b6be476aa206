"""What people are told: hostile words stay words, in chat and in letters, and where to look is a plain link or a command."""

import datetime as dt
import email
import email.policy
import json
import re
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from synapsor.config.events import Event
from synapsor.config.notify import Email as EmailConfig
from synapsor.config.notify import Smtp
from synapsor.core.accepted import ACCEPTED
from synapsor.core.history import Entry
from synapsor.core.intents import CLEARED, INTENDED
from synapsor.core.moment import stamp
from synapsor.core.proposal import Status
from synapsor.core.resolving import REFUSED, WAITS
from synapsor.core.statements import SwitchState
from synapsor.core.steering import EVENTS as STEERED
from synapsor.errors import IntegrityError
from synapsor.ledger import store
from synapsor.notify.facts import facts_of
from synapsor.notify.mail import MailChannel
from synapsor.notify.message import Message, as_text, from_text, message_of
from synapsor.notify.notice import COUNTED_ONLY, EVENTS, UNTOLD, Notice, Told, as_data, from_data
from synapsor.notify.posting import Poster
from synapsor.notify.slack import SlackChannel
from synapsor.notify.wording import LONGEST, details, headline, short, where

NOW = dt.datetime(2026, 11, 23, 20, 17, tzinfo=dt.UTC)
LEDGER = Path(store.__file__).parent
PROPOSAL = "wrp_" + "0" * 20
HOSTILE = (
    "<!channel> <@U1> @here @everyone `code` *bold* _it_ <https://evil.example|Look> &lt; | [x](https://evil.example)\r\n"
    "Bcc: all@example.com\r\n\r\nAPPROVED \u202e\u2066\x1b[31m\x00\u200b " + "long " * 200
)


def notice(event: Event = Event.FILED, **changed: Any) -> Notice:
    fields: dict[str, Any] = {
        "key": "7",
        "at": stamp(NOW),
        "proposal": PROPOSAL,
        "capability": "billing.propose_note",
        "contract": "billing",
        "operation": "update",
        "rows": 1,
        "risk": "high",
        "role": "billing_lead",
        "need": 2,
        "principal": "agent-7",
        "client": "claude",
        "asked_at": stamp(NOW - dt.timedelta(minutes=5)),
        "expires_at": stamp(NOW + dt.timedelta(hours=3)),
    }
    return Notice(event=event, **{**fields, **changed})


def message(*notices: Notice) -> Message:
    return message_of("led_1", "team", notices, at=stamp(NOW))


def slack(told: Message, console_url: str | None = None) -> dict[str, Any]:
    channel = SlackChannel(Poster("https://hooks.example.com/x"), console_url)
    body: dict[str, Any] = json.loads(channel.shown(told, NOW))
    return body


def mail() -> MailChannel:
    people = EmailConfig.model_validate({"to": ["ann@example.com", "bob@example.com"], "from": "synapsor@example.com"})
    smtp = Smtp(host="mail.example.com")
    return MailChannel(people, smtp, password=None, tls=ssl.create_default_context(), console_url=None)


def hostile(event: Event = Event.FILED) -> Notice:
    told = (Told(row=1, column="note", before=HOSTILE, after=HOSTILE + "!"),)
    return notice(event, principal=HOSTILE, client=HOSTILE, role="lead", by=(HOSTILE,), policy=HOSTILE, told=told)


def test_a_letter_tells_who_must_look_at_what_by_when() -> None:
    assert mail().shown(message(notice()), NOW) == (
        "billing.propose_note waits for review (high risk).\n"
        "\n"
        f"  proposal   {PROPOSAL}\n"
        "  what       update of 1 row, high risk\n"
        "  needs      billing_lead, 2 people\n"
        "  asked by   agent-7, through claude\n"
        "  asked      5 min ago\n"
        "  expires    in 3 h 0 min\n"
        f"  look at it synapsor show {PROPOSAL}\n"
    )


def test_a_chat_message_tells_the_same_with_a_link() -> None:
    body = slack(message(notice()), "https://console.example.com")
    assert body["text"] == "billing.propose_note waits for review (high risk)"
    assert [block["text"]["text"] for block in body["blocks"]] == [
        "*billing.propose_note waits for review (high risk)*",
        f"proposal: `{PROPOSAL}`\nwhat: update of 1 row, high risk\nneeds: `billing_lead, 2 people`\nasked by: `agent-7, through claude`\nasked: 5 min ago\nexpires: in 3 h 0 min\n<https://console.example.com/proposals/{PROPOSAL}|Look at it>",
    ]


@pytest.mark.parametrize("event", list(Event))
def test_every_event_has_words_and_a_digest_counts_it(event: Event) -> None:
    bare = event.about.topic in {"policies", "worker", "attempts"}
    one = Notice(key="1", event=event, at=stamp(NOW)) if bare else notice(event)
    assert headline(message(one))
    assert headline(message(one, replace(one, key="8"))) == f"2 {event.about.counted}"
    assert "no known name" not in mail().shown(message(one, replace(one, key="8")), NOW)
    assert mail().shown(message(one), NOW).count("\n") >= 1
    assert slack(message(one))["blocks"]


@pytest.mark.requirement("notify:hostile-words")
def test_no_word_of_others_is_markup_a_mention_or_a_link_in_a_chat() -> None:
    for told in (message(hostile()), message(hostile(), hostile(Event.APPROVED)), message(notice(capability=HOSTILE))):
        body = slack(told, "https://console.example.com")
        assert (body["link_names"], body["parse"], body["unfurl_links"]) == (False, "none", False)
        for text in (body["text"], *(block["text"]["text"] for block in body["blocks"])):
            assert len(text) <= 3000
            ours = text.replace(f"<https://console.example.com/proposals/{PROPOSAL}|Look at it>", "")
            ours = ours.replace("<https://console.example.com/|Look at it>", "")
            assert not set(ours) & {"<", ">", "@", "|"}
            for line in ours.split("\n"):
                assert line.count("`") % 2 == 0
                outside = "".join(line.split("`")[::2])
                assert "evil" not in outside
            assert not set(text) & {"\r", "\x1b", "\x00", "\u202e", "\u2066", "\u200b"}


@pytest.mark.requirement("notify:hostile-words")
def test_no_word_of_others_becomes_a_header_or_a_line_of_a_letter() -> None:
    for told in (message(hostile()), message(hostile(), hostile(Event.REJECTED)), message(notice(capability=HOSTILE))):
        letter = email.message_from_bytes(mail().letter(told, NOW).as_bytes(), policy=email.policy.default)
        assert sorted(letter.keys()) == sorted(
            [
                "Subject",
                "From",
                "To",
                "Date",
                "Message-ID",
                "Auto-Submitted",
                "X-Synapsor-Delivery",
                "MIME-Version",
                "Content-Type",
                "Content-Transfer-Encoding",
            ]
        )
        assert letter["To"] == "ann@example.com, bob@example.com"
        assert (letter["X-Synapsor-Delivery"], letter["Auto-Submitted"]) == (told.id, "auto-generated")
        text = letter.get_content().replace("\r\n", "\n")
        assert not set(text) & {"\r", "\x1b", "\x00", "\u202e", "\u2066", "\u200b"}
        assert not [line for line in text.splitlines() if line.startswith(("Bcc", "APPROVED"))]


@pytest.mark.requirement("notify:hostile-words")
def test_a_long_word_is_cut_and_says_so() -> None:
    assert short("x" * 121) == "x" * LONGEST + "…"
    assert short("x" * 120) == "x" * 120
    assert len(short("\x00" * 10_000_000)) == LONGEST + 1


def test_what_became_of_it_meanwhile_is_told() -> None:
    told = {words.label: words.text for words in details(notice(stands="applied"), NOW)}
    assert told["by now"] == "it is applied"


@pytest.mark.requirement("approval:right-to-left")
@pytest.mark.parametrize(
    ("before", "after"), [("\u05d0\u05d1", "\u05d2\u05d3"), ("1", "\u0661\u0662"), ("\u0633\u0644", "2")]
)
def test_values_of_letters_that_run_from_the_right_have_words_and_no_arrow_between_them(
    before: str, after: str
) -> None:
    told = (Told(row=1, column="note", before=before, after=after),)
    found = {w.label: w.text for w in details(notice(told=told), NOW)}
    assert found["note"] == f"{before}, and is to be {after}"


def test_values_are_told_as_they_were_and_as_they_would_be() -> None:
    told = (Told(row=1, column="fee", before="5500", after="0"), Told(row=2, column="fee", before=None, after="7"))
    found = {w.label: w.text for w in details(notice(rows=2, told=told), NOW)}
    assert (found["fee of row 1"], found["fee of row 2"]) == ("5500 → 0", "nothing → 7")
    for operation, said in (("delete", "5500"), ("insert", "0")):
        found = {w.label: w.text for w in details(notice(operation=operation, told=told[:1]), NOW)}
        assert found["fee"] == said


def test_a_link_holds_nothing_but_the_handle() -> None:
    assert where(notice(), "https://c.example.com/") == f"https://c.example.com/proposals/{PROPOSAL}"
    assert where(notice(), None) == f"synapsor show {PROPOSAL}"


def test_a_notice_and_a_message_are_kept_as_they_are() -> None:
    whole = hostile(Event.CONFLICT)
    assert from_data(json.loads(json.dumps(as_data(whole)))) == whole
    told = message(whole, notice(Event.FILED))
    assert from_text(told.id, told.channel, as_text(told)) == told


@pytest.mark.requirement("notify:at-least-once")
def test_a_message_has_the_same_id_whenever_it_is_made_of_the_same_and_another_one_else() -> None:
    one = message(notice())
    assert message_of("led_1", "team", [notice(principal="other")], at=stamp(NOW + dt.timedelta(days=1))).id == one.id
    others = [
        message_of("led_2", "team", [notice()], at=stamp(NOW)),
        message_of("led_1", "desk", [notice()], at=stamp(NOW)),
        message(notice(key="8")),
        message(notice(), notice(key="8")),
    ]
    assert len({one.id, *(m.id for m in others)}) == 5


def test_every_event_of_the_ledger_is_told_or_known_not_to_be() -> None:
    calls = re.compile(r"""event\(\s*"([a-z_]+)",""")
    named = {kind for file in LEDGER.glob("*.py") for kind in calls.findall(file.read_text(encoding="utf-8"))}
    named |= {f"proposal_{status}" for status in Status if status is not Status.REVIEW_REQUIRED}
    named |= {f"policies_{state}" for state in get_args(SwitchState)} | {"policy_near_limit", "policy_used"}
    named |= {*STEERED.values(), "worker_paused", "worker_resumed"}
    named |= {INTENDED, CLEARED, ACCEPTED, WAITS, REFUSED}
    assert named == set(EVENTS) | UNTOLD | COUNTED_ONLY
    assert len(named) == len(EVENTS) + len(UNTOLD) + len(COUNTED_ONLY)


@pytest.mark.requirement("accepted:told")
def test_of_a_job_that_was_given_up_nobody_is_told_that_it_was_not_applied_and_that_an_application_had_accepted_it() -> (
    None
):
    for accepted in (False, True):
        dead = notice(Event.WRITEBACK_DEAD, code="busy", accepted=accepted)
        assert from_data(as_data(dead)) == dead
        assert "not applied" not in headline(message(dead))
        assert ("it may be done" in " ".join(one.text for one in details(dead, NOW))) == accepted


@pytest.mark.requirement("reconcile:given-up")
def test_that_an_application_says_otherwise_than_a_person_is_told_at_once_with_its_word() -> None:
    facts = {"resolution": "res_1", "code": "handler_applied"}
    entry = Entry(seq=7, hash="", at=stamp(NOW), kind=REFUSED, subject=PROPOSAL, facts=facts)
    told = notice(EVENTS[REFUSED], code=facts_of(entry).code, risk="low")
    assert (told.urgent, "says otherwise" in headline(message(told))) == (True, True)
    assert "handler_applied: The application says that it was applied." in [one.text for one in details(told, NOW)]
    with pytest.raises(IntegrityError):
        facts_of(replace(entry, facts={"code": 7}))


@pytest.mark.requirement("notify:hostile-words")
def test_a_block_of_a_chat_is_cut_between_lines_and_still_says_where_to_look() -> None:
    told = tuple(Told(row=row, column=f"c{row}", before="<" * 500, after="`" * 500) for row in range(1, 6))
    body = slack(message(notice(rows=5, told=told * 3)), "https://console.example.com")
    text = body["blocks"][1]["text"]["text"]
    assert len(text) <= 3000
    assert text.endswith("|Look at it>")
    assert all(line.count("`") % 2 == 0 for line in text.split("\n"))


@pytest.mark.requirement("notify:no-values")
def test_a_digest_tells_no_value_even_where_a_single_message_would() -> None:
    told = (Told(row=1, column="fee", before="5500", after="0"),)
    assert message(notice(told=told)).notices[0].told == told
    assert [n.told for n in message(notice(told=told), notice(key="8", told=told)).notices] == [(), ()]
