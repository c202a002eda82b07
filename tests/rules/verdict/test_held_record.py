"""How many re-openings by a rule held: the record that is published with a verdict."""

from bot.domain import Advice, Verdict
from bot.rules.verdict import held_record
from tests.support.acme import NOON


def verdict(call, rule):
    return Verdict("acme-api", call, NOON, 0.5, "", rule)


def test_a_re_opening_has_its_record():
    held, of = held_record.held_of(verdict(Advice.RETRY_GENTLY, "recovering"))
    assert 0 < held <= of
    assert held_record.held_text(verdict(Advice.RETRY_GENTLY, "recovering")).endswith(
        f"{held} of {of} such re-openings held for an hour."
    )


def test_what_is_no_re_opening_has_none():
    assert held_record.held_text(verdict(Advice.HOLD_OFF, "down")) == ""
