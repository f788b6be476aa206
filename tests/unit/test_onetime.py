"""One-time codes against the vectors of their standards and an independent implementation."""

import base64
import datetime as dt
from dataclasses import replace

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.core.moment import stamp
from synapsor.core.onetime import code_of, ocra, proof_of, recognised, step_at, step_up_holds
from synapsor.core.statements import CodeMethod, StepUp
from tests.decisions import NOW
from tests.sessions import SECRET

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "ac" * 32
SHA512_SEED = (b"12345678901234567890" * 4)[:64]

pytestmark = pytest.mark.requirement("approval:one-time-code")


@given(st.binary(min_size=20, max_size=20), st.integers(min_value=0, max_value=2**32))
def test_an_authenticator_shows_the_same_code(secret: bytes, step: int) -> None:
    shown = pyotp.TOTP(base64.b32encode(secret).decode()).at(step * 30)
    assert code_of("totp", secret, DIGEST, step) == shown


@pytest.mark.parametrize(
    ("question", "response"),
    [("00000000", "95209754"), ("11111111", "55907591"), ("22222222", "22048402"), ("33333333", "24218844")],
)
def test_a_bound_code_is_computed_as_rfc_6287_has_it(question: str, response: str) -> None:
    digits = format(int(question), "x")
    raw = bytes.fromhex(digits.ljust(len(digits) + len(digits) % 2, "0"))
    assert ocra(SHA512_SEED, "OCRA-1:HOTP-SHA512-8:QN08-T1M", raw, 0x132D0B6) == response


@pytest.mark.parametrize(("method", "seconds"), [("totp", 30), ("bound", 60)])
def test_a_code_is_good_in_its_interval_and_beside_it_and_no_longer(method: CodeMethod, seconds: int) -> None:
    step = step_at(method, stamp(NOW))
    code = code_of(method, SECRET, DIGEST, step)
    for late in (-1, 0, 1):
        at = stamp(NOW + dt.timedelta(seconds=late * seconds))
        assert recognised(method, code, SECRET, DIGEST, at) == StepUp(
            method=method, step=step, proof=proof_of(method, SECRET, DIGEST, step)
        )
    for late in (-2, 2):
        assert recognised(method, code, SECRET, DIGEST, stamp(NOW + dt.timedelta(seconds=late * seconds))) is None


def test_a_bound_code_is_good_for_its_digest_alone_and_is_no_code_of_an_authenticator() -> None:
    at = stamp(NOW)
    bound = code_of("bound", SECRET, DIGEST, step_at("bound", at))
    assert recognised("bound", bound, SECRET, OTHER, at) is None
    assert recognised("totp", bound, SECRET, DIGEST, at) is None
    assert code_of("totp", SECRET, DIGEST, 5) == code_of("totp", SECRET, OTHER, 5)


@pytest.mark.parametrize("method", ["totp", "bound"])
def test_what_is_recorded_of_a_code_holds_only_as_it_was(method: CodeMethod) -> None:
    at = stamp(NOW)
    step = step_at(method, at)
    kept = recognised(method, code_of(method, SECRET, DIGEST, step), SECRET, DIGEST, at)
    assert kept is not None
    assert step_up_holds(kept, SECRET, DIGEST, at)
    assert not step_up_holds(kept, None, DIGEST, at)
    assert not step_up_holds(None, SECRET, DIGEST, at)
    assert not step_up_holds(kept, SECRET[::-1], DIGEST, at)
    assert not step_up_holds(kept, SECRET, OTHER, at)
    assert not step_up_holds(replace(kept, step=step + 1), SECRET, DIGEST, at)
    assert not step_up_holds(replace(kept, proof=code_of(method, SECRET, DIGEST, step)), SECRET, DIGEST, at)
    assert not step_up_holds(kept, SECRET, DIGEST, stamp(NOW + dt.timedelta(minutes=5)))


@pytest.mark.parametrize("given_code", ["", "12345", "1234567", "１２３４５６", "-12345", "12 456", "\ud800"])
def test_what_is_no_code_is_no_code(given_code: str) -> None:
    assert recognised("totp", given_code, SECRET, DIGEST, stamp(NOW)) is None
