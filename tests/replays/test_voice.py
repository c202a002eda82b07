"""The rules of texts over recorded days: better news never lowers the advice, times stand still, one word a thing."""

import json
import re
from functools import cache, partial
from itertools import pairwise

import pytest

from bot.domain import Advice, Condition, EventKind, NotificationKind, Stage
from bot.messages import alert_view
from bot.messages.alerts import render_notification
from tests.replays import made_days
from tests.replays.transcript import DEMO, GOLDEN, HERE, changes_of_polls, kept_changes_of, posts_of
from tests.support.banned_words import banned_words

LEVELS = {Advice.RETRY_NORMALLY: 0, Advice.RETRY_GENTLY: 1, Advice.HOLD_OFF: 2, Advice.FAIL_OVER: 2}
NEAR_THE_END = {Stage.MONITORING, Stage.RESOLVED, Stage.COMPLETED, Stage.POSTMORTEM}
HISTORIES = [
    ("claude", "claude/2026-03-02.json"),
    ("claude", "llm-2021-2023/anthropic.json"),
    ("openai", "llm-2021-2023/openai.json"),
]


def is_better_news(event):
    """A step towards the end: the vendor posts *monitoring* or *resolved*, or a component is operational again."""
    if event.kind in (EventKind.UPDATE_POSTED, EventKind.INCIDENT_RESOLVED):
        return event.stage in NEAR_THE_END
    return event.kind is EventKind.SURFACE_CHANGED and event.condition is Condition.OPERATIONAL


def fallen(changes):
    """Advice that fell in a transition with better news only, without the vendor's word that errors remain."""
    steps = 0
    for change in changes:
        news = [e for e in change.events if e.kind is not EventKind.VERDICT_CHANGED]
        remains = any(a.residual for a in change.state.hits)
        if not news or remains or not all(map(is_better_news, news)):
            continue
        steps += 1
        for event in change.events:
            old, new = (
                (world.verdict(event.surface) for world in (change.before, change.state))
                if event.surface
                else (None, None)
            )
            if old and new and {old.call, new.call} <= LEVELS.keys():
                is_lower = LEVELS[new.call] > LEVELS[old.call]
                if is_lower or (old.call is new.call is Advice.RETRY_GENTLY and new.exposure < old.exposure):
                    yield change.at, event.surface, old.call, old.exposure, new.call, new.exposure, new.reason_code
    assert steps > 0


def test_better_news_of_the_demo_day_never_lowers_the_advice():
    assert list(fallen(kept_changes_of(DEMO, "claude"))) == []


@pytest.mark.parametrize(("provider", "path"), HISTORIES)
def test_better_news_of_a_recorded_history_never_lowers_the_advice(shared, provider, path):
    assert list(fallen(kept_changes_of(shared / path, provider))) == []


def days():
    """The demo's day and those of our own making: pairs of transitions and their provider."""
    yield pytest.param(partial(kept_changes_of, DEMO, "claude"), "claude", id="demo-day")
    for name, (provider, _) in made_days.DAYS.items():
        yield pytest.param(partial(changes_of_day, name), provider, id=name)


@cache
def changes_of_day(name):
    """The transitions of a day of our own making, which is replayed once in a run."""
    provider, polls = made_days.DAYS[name]
    return tuple(changes_of_polls(polls(), provider))


def alerts_of(changes, provider):
    """The state and the alert, whenever a channel's message of an open incident is posted or edited."""
    for change, posts in posts_of(changes, provider):
        for post in posts:
            if post.kind in (NotificationKind.ALERT, NotificationKind.EDIT) and post.about.closed_at is None:
                yield change.state, post.about


@pytest.mark.parametrize(("changes", "provider"), [*days()])
def test_a_next_update_does_not_move_until_it_is_reached(changes, provider):
    shown = {}
    for _, alert in alerts_of(changes(), provider):
        before = shown.get(alert.incident)
        if before is not None and alert.as_of < before:
            assert alert.next_update == before
        shown[alert.incident] = alert.next_update


@pytest.mark.parametrize(("changes", "provider"), [*days()][1:])  # the demo's day is replayed change by change
def test_a_message_with_a_next_update_is_edited_when_it_is_reached(changes, provider):
    times = {}
    for _, alert in alerts_of(changes(), provider):
        times.setdefault(alert.incident, []).append((alert.as_of, alert.next_update))
    late = [
        (a, b) for rows in times.values() for (_, a), (b, _) in pairwise(rows) if a and (b - a).total_seconds() > 60
    ]
    assert late == []


@pytest.mark.parametrize(("changes", "provider"), [*days()])
def test_the_next_update_of_an_alert_is_that_of_its_services(changes, provider):
    for state, alert in alerts_of(changes(), provider):
        for line in alert.lines:
            verdict = state.verdict(line.surface)
            if alert.next_update and verdict.review_at and verdict.incidents == (alert.incident,):
                assert verdict.review_at == alert.next_update


@pytest.mark.parametrize(("changes", "provider"), [*days()])
def test_a_time_that_is_ahead_has_not_passed(changes, provider):
    for _, alert in alerts_of(changes(), provider):
        body = "\n".join(alert_view.lines(alert))
        ahead = re.findall(r"(?:next update by|from|re-check|planned end) \S*?\^(\d+)", body)
        assert all(int(at) > alert.as_of.timestamp() for at in ahead), body


def own_words(message):
    """What we say in a message, without what we quote of the vendor."""
    return re.sub(r"“[^”]*”|(?m:^>.*$)", "", f"{message['text']} {json.dumps(message['blocks'], ensure_ascii=False)}")


@pytest.mark.parametrize("name", [name for name in GOLDEN if name.endswith(".ndjson")])
def test_a_recorded_day_has_standard_words(name):
    rows = map(json.loads, (HERE / name).read_text(encoding="utf-8").splitlines())
    assert [(row["at"], found) for row in rows if (found := banned_words(own_words(row)))] == []


@pytest.mark.parametrize(("changes", "provider"), [*days()])
def test_no_broadcast_of_a_day_is_said_twice_or_has_more_than_40_words(changes, provider):
    texts = [
        render_notification(post).text
        for _, posts in posts_of(changes(), provider)
        for post in posts
        if post.news and post.news.broadcast
    ]
    assert max((len(text.split()) for text in texts), default=0) <= 40
    assert len(set(texts)) == len(texts)
