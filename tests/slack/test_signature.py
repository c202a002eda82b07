"""Slack's signature: its own published example, every way to be wrong, and the same answer as Slack's own library."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import SignatureVerifier

from bot.slack.signature import sign, signature_error

# as published: docs.slack.dev/authentication/verifying-requests-from-slack
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # noqa: S105  (Slack's own example)
STAMP = "1531420618"
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url="
    b"https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
THEN = datetime.fromtimestamp(int(STAMP), UTC)


def test_slacks_published_example_is_signed_as_published():
    assert sign(SECRET, STAMP, BODY) == SIGNATURE


def test_slacks_published_example_is_right():
    assert signature_error(SECRET, [STAMP], [SIGNATURE], BODY, THEN) is None


@pytest.mark.parametrize("seconds", [-300, 299, 300])
def test_five_minutes_to_both_sides_are_near_enough(seconds):
    assert signature_error(SECRET, [STAMP], [SIGNATURE], BODY, THEN + timedelta(seconds=seconds)) is None


@given(
    body=st.binary(max_size=200),
    stamp=st.integers(0, 10**11),
    secret=st.text(st.characters(codec="ascii"), min_size=1).filter(str.strip),
)
def test_slacks_own_library_signs_alike(body, stamp, secret):
    try:
        body.decode()
    except UnicodeDecodeError:
        return
    assert sign(secret, str(stamp), body) == SignatureVerifier(secret).generate_signature(
        timestamp=str(stamp), body=body
    )


@given(other=st.binary(max_size=200))
def test_another_body_is_never_right(other):
    assert other == BODY or signature_error(SECRET, [STAMP], [SIGNATURE], other, THEN) == "a wrong signature"
