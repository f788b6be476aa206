"""What `notify:` of synapsor.yaml may say, and what it is told of a mistake."""

from pathlib import Path

import pytest

from synapsor.config import load_config
from synapsor.config.notify import Notify
from synapsor.errors import ConfigError

_HEAD = """\
synapsor: 1
policies: [billing.yaml]
sources:
  shop: {engine: sqlite, schema: main, read: "sqlite:///shop.db"}
notify:
"""
_WEBHOOK = "channels: {desk: {webhook: {url: https://hooks.example.com/x, secret: '${env:HOOK}'}}}\n"
_MAIL = "channels: {lead: {email: {to: [ann@example.com], from: us@example.com}}}\n"


def read(folder: Path, notify: str) -> Notify:
    file = folder / "synapsor.yaml"
    file.write_text(_HEAD + "".join(f"  {line}\n" for line in notify.splitlines()), encoding="utf-8")
    found = load_config(file).notify
    assert found is not None
    return found


def test_the_state_lies_beside_the_ledger_unless_it_is_put_elsewhere(tmp_path: Path) -> None:
    assert read(tmp_path, _WEBHOOK).state == tmp_path / ".synapsor" / "notify.db"
    assert read(tmp_path, _WEBHOOK + "state: /srv/notify.db\n").state == Path("/srv/notify.db")


@pytest.mark.parametrize(
    ("notify", "said"),
    [
        ("channels: {}\n", "channels"),
        ("channels: {desk: {}}\n", "exactly one of webhook, slack and email"),
        ("channels: {desk: {slack: {url: 'https://hooks.slack.com/services/T0KEN'}}}\n", "secret reference"),
        ("channels: {desk: {webhook: {url: https://h.example.com, secret: T0KEN}}}\n", "secret reference"),
        ("channels: {desk: {webhook: {url: 'file:///T0KEN', secret: '${env:HOOK}'}}}\n", "an https address"),
        (_WEBHOOK.replace("secret", "allow_private: [10.0.0.1/8], secret"), "a network such as"),
        (_WEBHOOK + "routes: [{to: [nobody]}]\n", "no such channel"),
        (_WEBHOOK + "routes: [{to: [desk], events: [filled]}]\n", "events"),
        (_WEBHOOK + "routes: [{to: [desk], events: []}]\n", "events"),
        (_WEBHOOK.replace("}}}", "}, quiet: {from: '22:00', to: '07:00', zone: Berlin}}}"), "IANA time zone"),
        (_WEBHOOK.replace("}}}", "}, quiet: {from: '24:00', to: '07:00', zone: UTC}}}"), "quiet.from"),
        (_WEBHOOK.replace("}}}", "}, quiet: {from: '07:00', to: '07:00', zone: UTC}}}"), "begin when they end"),
        (_MAIL, "e-mail needs `smtp`"),
        (_MAIL + "smtp: {host: mail.example.com, tls: none}\n", "TLS only"),
        (_MAIL + "smtp: {host: mail.example.com, user: us}\n", "belong together"),
        (
            _MAIL.replace("ann@example.com", '"ann@example.com\\nBcc: x@example.com"') + "smtp: {host: localhost}\n",
            "to",
        ),
        (_MAIL.replace("us@example.com", "'<us@example.com>'") + "smtp: {host: localhost}\n", "from"),
        (_WEBHOOK + "retries: 3\n", "not known"),
    ],
)
def test_a_mistake_is_named_at_its_place_and_no_secret_with_it(tmp_path: Path, notify: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, notify)
    assert said in refused.value.message
    assert "T0KEN" not in refused.value.message
