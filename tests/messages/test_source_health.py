"""What ``sources`` says: the worst first, in one line each, with what nobody knows left out or named."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.domain import PollStatistics, PostingDelay, SourceHealth, SourceState
from bot.messages import source_health
from bot.rules.source_health import rank_sources
from tests.support.acme import NOON
from tests.support.slack_limits import problems

FINE = SourceHealth(
    "acme",
    "statuspage",
    "Statuspage",
    "https://status.acme.example",
    interval_s=60,
    seen_at=NOON - timedelta(seconds=12),
)
BLIND = SourceHealth(
    "globex",
    "feed",
    "a feed",
    "https://globex.example",
    interval_s=60,
    seen_at=NOON - timedelta(hours=3),
    blind_since=NOON - timedelta(minutes=40),
    failures=38,
    why="globex.example answered 404 (Not Found)",
)


def test_a_source_is_one_line_with_all_that_is_known():
    pulse = PollStatistics(60, NOON + timedelta(seconds=34), looks=120, late=2, worst_s=31)
    [said] = rank_sources([SourceHealth(**_fields(FINE) | {"pulse": pulse, "lag": PostingDelay(48.2, 12)})], NOON)
    assert source_health.source_line(said, NOON) == snapshot(
        "✅ **acme** · checked 12 s ago · next check in 34 s · posts arrive 48 s after their time (median, n = 12) · 2 of our 120 checks began late, the worst by 31 s · status.acme.example (Statuspage)"
    )


def test_a_blind_source_says_for_how_long_and_why():
    [said] = rank_sources([BLIND], NOON)
    assert source_health.source_line(said, NOON) == snapshot(
        "❔ **globex** · unreadable since 2026-03-02 11:20 UTC (globex.example answered 404 (Not Found), 38 failed checks) · last good check 3 h ago · next check every 60 s while a bot runs · globex.example (a feed)"
    )


def test_the_headline_counts_them():
    told = source_health.sources_message(rank_sources([FINE, BLIND], NOON), NOON).text.splitlines()
    assert told[0] == "2 sources: 1 OK, 1 unreadable"


def test_the_worst_comes_first():
    unseen = SourceHealth("later", "feed", "a feed", "https://later.example")
    stale = SourceHealth(**_fields(FINE) | {"provider": "old", "seen_at": NOON - timedelta(hours=1)})
    found = rank_sources([FINE, unseen, stale, BLIND], NOON)
    assert [(s.provider, s.state) for s in found] == [
        ("globex", SourceState.BLIND),
        ("old", SourceState.STALE),
        ("later", SourceState.UNSEEN),
        ("acme", SourceState.READABLE),
    ]


def test_of_two_blind_ones_the_longer_blind_is_first():
    less = SourceHealth(**_fields(BLIND) | {"provider": "a", "failures": 3})
    assert [s.provider for s in rank_sources([less, BLIND], NOON)] == ["globex", "a"]


@pytest.mark.parametrize(
    ("left", "said"), [(None, "being checked now"), (0.2, "next check now"), (-3, "next check now"), (20, "in 20 s")]
)
def test_when_the_next_poll_is_comes_from_the_running_bot(left, said):
    at = NOON + timedelta(seconds=left) if left is not None else None
    [found] = rank_sources([SourceHealth(**_fields(FINE) | {"pulse": PollStatistics(60, at)})], NOON)
    assert said in source_health.source_line(found, NOON)


def test_an_answer_that_is_cut_says_how_many_are_left_out():
    many = [SourceHealth(**_fields(BLIND) | {"provider": f"p{n}"}) for n in range(200)]
    message = source_health.sources_message(rank_sources(many, NOON), NOON)
    assert "more; the command line shows all of it" in str(message.blocks[-1])


@given(st.text(max_size=3000), st.text(max_size=300))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_slack_takes_whatever_a_source_says_of_itself(why, url):
    many = [SourceHealth(**_fields(BLIND) | {"provider": f"p{n}", "why": why, "url": url}) for n in range(70)]
    message = source_health.sources_message(rank_sources(many, NOON), NOON)
    assert not [p for p in problems(message) if "text" not in p.casefold()]


def _fields(source):
    return {name: getattr(source, name) for name in SourceHealth.__slots__}
