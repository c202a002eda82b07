"""How many messages may leave, and what a 429 teaches."""

from datetime import timedelta

from bot.notifier.limiter import POSTS_BURST, POSTS_PER_S, MessageLimiter
from tests.support.acme import NOON


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def drained():
    limiter = MessageLimiter()
    for number in range(int(POSTS_BURST)):
        limiter.sent(f"C{number}", NOON, is_edit=False)
    return limiter


def test_a_channel_gets_one_message_a_second():
    limiter = MessageLimiter()
    limiter.sent("C1", NOON, is_edit=False)
    assert [limiter.is_free("C1", after(s)) for s in (0.9, 1)] == [False, True]


def test_a_burst_is_followed_by_the_usual_rate():
    limiter = drained()
    assert [limiter.may_post(after(s)) for s in (0, 1 / POSTS_PER_S)] == [False, True]


def test_edits_do_not_use_up_what_posts_may():
    limiter = MessageLimiter()
    for number in range(20):
        limiter.sent(f"C{number}", NOON, is_edit=True)
    assert (limiter.may_post(NOON), limiter.may_edit(NOON)) == (True, False)


def test_a_429_of_one_channel_stops_that_channel():
    limiter = MessageLimiter()
    limiter.limited("C1", NOON, 30, is_edit=False)
    assert (limiter.is_free("C1", after(29)), limiter.is_free("C2", after(2)), limiter.may_post(after(2))) == (
        False,
        True,
        True,
    )


def test_a_429_of_two_channels_in_a_row_stops_all_posts():
    limiter = MessageLimiter()
    limiter.limited("C1", NOON, 30, is_edit=False)
    limiter.limited("C2", after(2), 30, is_edit=False)
    assert [limiter.may_post(after(s)) for s in (31, 33)] == [False, True]


def test_it_is_slower_after_a_429():
    limiter = MessageLimiter()
    limiter.limited("C1", NOON, 1, is_edit=False)
    assert limiter.posts.rate < POSTS_PER_S


def test_a_clock_that_is_set_back_keeps_nothing_waiting():
    limiter = MessageLimiter()
    limiter.sent("C1", NOON, is_edit=False)
    assert limiter.is_free("C1", NOON - timedelta(hours=2))


def test_several_429_of_one_moment_slow_it_down_once():
    limiter = MessageLimiter()
    for number in range(8):
        limiter.limited(f"C{number}", NOON, 1, is_edit=False)
    assert limiter.posts.rate > POSTS_PER_S / 2


def test_the_usual_rate_is_back_within_two_minutes_of_the_last_429():
    limiter = MessageLimiter()
    for second in range(0, 600, 2):
        limiter.limited(f"C{second}", after(second), 1, is_edit=False)
    limiter.may_post(after(720))
    assert limiter.posts.rate == POSTS_PER_S
