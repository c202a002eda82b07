"""What is left of looks: the last of each source, and how late posts were seen."""

from datetime import timedelta

import pytest

from bot.domain import Observation, PollFailure, PostingDelay
from tests.support.acme import NOON, poll_page
from tests.support.pages import incident, page, update

AGES = timedelta(days=90)


@pytest.fixture
def see(repository):
    """A poll of a body so many seconds after noon."""

    def see(seconds, body):
        at = NOON + timedelta(seconds=seconds)
        outcome = body.code if isinstance(body, PollFailure) else "changed"
        raw = None if isinstance(body, PollFailure) else body
        why = body.why if isinstance(body, PollFailure) else ""
        repository.record_transition(
            Observation("acme", at, outcome, why, raw), poll_page(repository.provider_state("acme"), body, at), []
        )

    return see


def lag(repository, at=NOON):
    return repository.poll_log.posting_delay("acme", at - AGES)


def posted(*seconds):
    """A page with one incident that was posted, and posted to, so many seconds after noon."""
    told = [update(n, at=NOON + timedelta(seconds=s)) for n, s in enumerate(seconds)]
    return page(incident(*told))


def test_the_last_poll_is_there_with_what_was_wrong_with_it(repository, see):
    see(0, page())
    see(60, PollFailure("it answered 404", "http_404"))
    last = repository.poll_log.last_polls()["acme"]
    assert (last.at, last.why) == (NOON + timedelta(seconds=60), "it answered 404")


def test_a_usable_poll_has_nothing_wrong_with_it(repository, see):
    see(0, PollFailure("it answered 404", "http_404"))
    see(60, page())
    assert repository.poll_log.last_polls()["acme"].why == ""


def test_the_lag_is_the_median_from_the_time_a_post_carries_to_when_it_was_seen(repository, see):
    see(0, page())
    see(60, posted(50))
    see(120, posted(50, 90))
    see(180, posted(50, 90, 100))
    assert lag(repository) == PostingDelay(30.0, 3)


def test_what_was_there_at_the_first_poll_is_not_counted(repository, see):
    see(600, posted(0))
    assert lag(repository) is None


def test_what_came_while_nobody_looked_is_not_counted(repository, see):
    see(0, page())
    see(7200, posted(60))
    assert lag(repository) is None


def test_what_came_while_the_page_was_not_readable_is_not_counted(repository, see):
    see(0, page())
    for n in range(1, 10):
        see(60 * n, PollFailure("it answered 500", "http_500"))
    see(600, posted(60))
    assert lag(repository) is None


def test_what_was_posted_long_ago_is_not_counted(repository, see):
    see(0, page())
    see(60, posted(50))
    assert lag(repository, NOON + AGES + timedelta(days=1)) is None


def test_a_post_from_a_clock_ahead_of_ours_is_no_negative_lag(repository, see):
    see(0, page())
    see(60, posted(90))
    assert lag(repository) == PostingDelay(0.0, 1)
