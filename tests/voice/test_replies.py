"""The answers to people's questions."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings
from inline_snapshot import snapshot

from bot.core import stroke as strokes
from bot.model import Blindness, Call, Condition, Habits, Impact, Stage, Subscription, World
from bot.voice import blocks, replies
from tests.core.pages import ACME, API, RED, RULES, after, at, incident, look, page, update, watched
from tests.voice.samples import hostile
from tests.voice.slack_limits import assert_sendable

OPEN = page(incident(update("u1", api=RED)), api=RED)
DEAF = Blindness("no answer in 10 s", "timeout")


def sendable(message):
    assert_sendable(replace(message, text=blocks.fit(message.text, blocks.TEXT)))
    return unescape(message.text)


def short(said):
    """Without the verdicts' reasons, which are the verdict's to test."""
    return re.sub(r"(Hold off Acme API).*", r"\1 …", said)


def status(*looks, world=None, minutes=0, hours=1):
    world = world or watched(*looks, hours=hours)[-1].world
    aged = strokes.tick(world, at(minutes), RULES).world
    return sendable(replies.status([(ACME, aged)], at(minutes)))


def title(said):
    return said.splitlines()[0]


# --- status -----------------------------------------------------------------------------------------------------------


def test_a_healthy_page_is_no_incident_known():
    assert status(look(0, page())) == "No incident known\nNo incident known at Acme."


def test_a_surface_in_trouble_is_named_with_condition_and_verdict():
    assert short(status(look(0, OPEN))) == snapshot("""\
1 surface in trouble
● Acme API (acme-api): down. Hold off Acme API …
Open since 2026-05-04 12:00 UTC: i1, investigating, last word 12:00 UTC
> Errors
Acme's page: readable, last look 0 s ago.\
""")


def test_a_bot_that_has_just_started_finds_no_trouble_in_that():
    world = after(look(0, page()))[-1].world
    assert title(status(world=world)) == "No incident known"


def test_a_page_that_cannot_be_read_is_never_called_well():
    said = status(look(0, page()), look(1, DEAF), minutes=1)
    assert title(said) == "1 page not readable"
    assert "No incident known" not in said


def test_what_was_seen_long_ago_is_never_called_well():
    said = status(look(0, page()), minutes=60 * 5)
    assert said == "1 page not looked at for long\nAcme's page: last readable 5 h ago, not looked at since."


def test_a_page_that_nobody_has_looked_at_is_not_called_well():
    said = sendable(replies.status([(ACME, World("acme"))], at(0)))
    assert said == "1 page not looked at yet\nNot looked at yet: Acme."


def test_an_incident_on_no_known_surface_is_not_called_well():
    vague = incident(update("u1", body="Hello."), name="News", impact=Impact.NONE)
    said = status(look(0, page(vague)))
    assert title(said) == "1 incident on no known surface"
    assert "No incident known" not in said


def test_a_maintenance_that_is_only_planned_is_no_trouble():
    planned = incident(update("m1", Stage.SCHEDULED, "We move house."), is_maintenance=True)
    assert title(status(look(0, page(maintenances=(planned,))))) == "No incident known"


def test_status_of_a_surface_answers_also_when_it_is_well():
    world = watched(look(0, page()))[-1].world
    said = sendable(replies.status_of(ACME, [API], world, at(0)))
    assert said.startswith("Acme: status\n○ Acme API (acme-api): working. Retry Acme API normally")


# --- retry ------------------------------------------------------------------------------------------------------------


def retry(*looks):
    world = watched(*looks)[-1].world
    return sendable(replies.retry(API, world.verdict("acme-api"), world.state("acme-api"), at(0)))


def test_retry_says_the_verdict_the_reason_and_what_to_do_meanwhile():
    assert short(retry(look(0, OPEN))) == snapshot("""\
Acme API: Hold off
Hold off Acme API …
Look again at 12:30 UTC; that is no promise.
Programs: Back off.\
""")


def test_retry_of_a_healthy_surface_gives_no_advice():
    assert "Back off." not in retry(look(0, page()))


def test_retry_before_the_first_look_is_unknown():
    assert sendable(replies.retry(API, None, None, at(0))) == "Acme API: unknown\nNobody has looked at its page yet."


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_subscribing_says_what_it_means_and_how_to_undo_it():
    world = watched(look(0, page()))[-1].world
    said = sendable(replies.subscribed("acme-api", [API], Condition.DEGRADED, world))
    assert said == (
        "This channel now hears of acme-api (Acme API), whatever the severity. Undo: /brownout unsubscribe acme-api"
    )


def test_subscribing_in_an_outage_says_how_it_stands():
    world = watched(look(0, OPEN))[-1].world
    assert "● Acme API" in sendable(replies.subscribed("acme", [API], Condition.MAJOR_OUTAGE, world))


@pytest.mark.parametrize("was", [True, False])
def test_unsubscribing_answers_either_way(was):
    assert "acme-api" in sendable(replies.unsubscribed("acme-api", was=was))


def test_an_empty_list_says_how_to_begin():
    assert "/brownout subscribe" in sendable(replies.listing([], Habits("C1"), at(0)))


def test_a_list_says_what_and_from_which_severity():
    said = sendable(
        replies.listing([Subscription("C1", "acme", Condition.MAJOR_OUTAGE, "U1", at(0))], Habits("C1"), at(0))
    )
    assert said.splitlines()[1] == "• acme, from “down” up, since 2026-05-04 12:00 UTC"


def test_the_catalogue_names_every_surface():
    assert all(s.id in sendable(replies.catalogue([ACME])) for s in ACME.surfaces)


@given(hostile, hostile)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_slack_takes_every_answer_about_a_hostile_vendor(name, iid):
    posted = incident(update("u1", api=RED), name=name, iid=iid.strip() or "i")
    world = after(look(0, page(posted, api=RED)))[-1].world
    sendable(replies.status([(ACME, world)], at(0)))
    sendable(replies.status_of(ACME, ACME.surfaces, world, at(0)))


def test_every_call_has_a_title():
    said = after(look(0, OPEN))[-1].world.verdict("acme-api")
    for call in Call:
        sendable(replies.retry(API, replace(said, call=call, review_at=at(5) + timedelta(0)), None, at(0)))
