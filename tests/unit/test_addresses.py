"""Which addresses may be asked or told something: public ones, private ones by permission, and some in no case."""

import ipaddress
from pathlib import Path

import pytest

from synapsor.config.notify import Notify
from synapsor.errors import ConfigError
from synapsor.notify.addresses import check_addresses
from synapsor.web.addresses import ANY, is_allowed, is_public, parsed

PUBLIC = ("93.184.216.34", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1")
PRIVATE = (
    "127.0.0.1",
    "127.255.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "::1",
    "fd00::1",
)
ALSO_PRIVATE = (
    "192.0.2.1",
    "203.0.113.9",
    "192.88.99.1",
    "240.0.0.1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "fec0::1",
    "4000::1",
)
NEVER = (
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.0.1",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "ff02::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2001:0:7f00:1::1",
)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_allowed(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))
    assert is_allowed(ipaddress.ip_address(text), ())


@pytest.mark.parametrize("text", [*PRIVATE, *ALSO_PRIVATE])
@pytest.mark.requirement("notify:addresses")
def test_an_address_that_is_not_public_needs_its_network_to_be_allowed(text: str) -> None:
    address = ipaddress.ip_address(text)
    other = ipaddress.ip_network("10.99.0.0/16" if address.version == 4 else "fd99::/16")
    assert not is_allowed(address, ())
    assert not is_allowed(address, (other,))
    assert is_allowed(address, (ipaddress.ip_network(text),))


@pytest.mark.parametrize("text", NEVER)
@pytest.mark.requirement("notify:addresses")
def test_some_addresses_are_allowed_to_nobody(text: str) -> None:
    assert not is_allowed(ipaddress.ip_address(text), ANY)


@pytest.mark.parametrize("text", ["fe80::1%eth0", "localhost", "", "127.1", "0x7f.0.0.1", "2130706433"])
def test_what_is_no_plain_address_is_none(text: str) -> None:
    assert parsed(text) is None


@pytest.mark.requirement("notify:addresses")
@pytest.mark.parametrize(
    ("url", "allowed", "refused"),
    [
        ("https://127.0.0.1:9/x", [], True),
        ("https://[::1]/x", [], True),
        ("https://169.254.169.254/", ["169.254.0.0/16"], True),
        ("https://127.0.0.1:9/x", ["127.0.0.0/8"], False),
        ("https://93.184.216.34/x", [], False),
        ("https://desk.example.com/x", [], False),
    ],
)
def test_an_address_that_is_written_out_and_never_sent_to_is_refused_at_once(
    tmp_path: Path, url: str, allowed: list[str], *, refused: bool
) -> None:
    webhook = {"url": url, "secret": "${env:HOOK}", "allow_private": allowed}
    notify = Notify.model_validate({"channels": {"desk": {"webhook": webhook}}}, context={"root": tmp_path})
    if not refused:
        check_addresses(notify)
        return
    with pytest.raises(ConfigError) as found:
        check_addresses(notify)
    assert "channel desk" in found.value.message
    assert "allow_private" in found.value.fix
