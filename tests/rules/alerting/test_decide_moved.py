"""A page that answers in another format is told as a move, once, and not as mere blindness."""

from datetime import timedelta

import pytest

from bot.domain import NoticeKind, PollFailure
from bot.rules.alerting import decide
from tests.support.acme import ACME, NOON, poll_page
from tests.support.pages import page


@pytest.mark.parametrize(
    ("code", "kind"),
    [("other_format", NoticeKind.MOVED), ("http_404", NoticeKind.BLIND), ("unparsable", NoticeKind.BLIND)],
)
def test_the_failure_that_people_hear_of_says_what_it_is(code, kind):
    world, told = poll_page(None, page(), NOON).state, []
    for minute in range(1, 6):
        change = poll_page(world, PollFailure("it looks like incident.io", code), NOON + timedelta(minutes=minute))
        world, told = change.state, [*told, *decide.decide(change, ACME, blind_after=3).notices]
    assert [(n.kind, n.why) for n in told] == [(kind, "it looks like incident.io")]
