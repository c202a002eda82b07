"""What may be typed after /brownout, and what comes back: from a real store of a small day."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.commands.registry import COMMANDS, answer_command
from bot.domain import Advice, Condition, Observation, OwnService, Subscription, VerdictParameters
from bot.errors import StoreError
from bot.queries.current import StatusQueries
from tests.support.acme import ACME, NOON, poll_page
from tests.support.pages import DOWN, page

NOW = NOON + timedelta(minutes=3)


@pytest.fixture
def queries(repository):
    return StatusQueries((ACME,), repository, lambda: NOW, lambda _: VerdictParameters())


@pytest.fixture
def ask(queries, repository):
    """Asks, after an outage that is two minutes old."""
    world = None
    for number, body in enumerate((page(), DOWN)):
        at = NOON + timedelta(minutes=number)
        change = poll_page(world, body, at)
        repository.record_transition(Observation("acme", at, "changed", body=body), change, [])
        world = change.state
    return lambda text, channel="C1": answer_command(queries, text, channel, "U1")


def said(reply):
    return reply.message.text


def test_nothing_typed_is_the_menu_and_that_begins_with_the_status(ask):
    assert said(ask("")) == said(ask("menu"))
    assert said(ask("")).startswith(said(ask("status")))


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_verb_answers_whatever_it_is_given(ask, verb):
    for words in ("", "acme", "acme-api", "inc1", "last", "nonsense", "* ' \" ; --"):
        assert said(ask(f"{verb} {words}"))


def test_verbs_are_known_in_any_case(ask):
    assert said(ask("STATUS")) == said(ask("status"))


def test_a_verb_with_a_slip_is_met_with_the_nearest(ask):
    assert "Did you mean status?" in said(ask("staus"))


def test_a_verb_that_is_like_nothing_is_met_with_help(ask):
    assert said(ask("xyzzy")) == "Unknown command “xyzzy”."


@pytest.mark.parametrize("verb", ["retry", "subscribe", "unsubscribe", "mute"])
def test_a_verb_that_needs_to_know_which_one_says_how_it_is_used(ask, verb):
    assert f"Which service? Example: /brownout {verb} claude" in said(ask(verb))


def test_a_surface_with_a_slip_is_met_with_the_nearest(ask):
    assert "Closest: acme-api" in said(ask("retry acme-apo"))


def test_a_surface_that_could_be_several_is_met_with_the_choice(ask):
    assert "Which one?" in said(ask("retry acme"))


def test_a_verdict_travels_beside_its_words(ask):
    assert ask("retry acme-api").call is Advice.HOLD_OFF


def test_a_surface_that_nobody_looked_at_is_unknown(queries):
    assert answer_command(queries, "retry acme-api", "C1").call is Advice.UNKNOWN


@pytest.mark.usefixtures("ask")
def test_verdicts_are_as_of_the_question(queries):
    late = StatusQueries(queries.providers, queries.repository, lambda: NOW + timedelta(hours=3), queries.rules)
    assert answer_command(late, "retry acme-api", "C1").call is Advice.UNKNOWN


@pytest.mark.parametrize("typed", ["last", "inc1", "acme", "acme-api", ""])
def test_an_incident_is_meant_by_its_id_or_by_what_it_hit(ask, typed):
    assert "Errors on the API" in said(ask(f"summary {typed}"))


def test_a_timeline_has_the_vendors_words(ask):
    assert "We are looking into it." in said(ask("timeline last"))


def test_no_incident_yet_is_an_answer(queries):
    assert "No incidents recorded yet" in said(answer_command(queries, "summary last", "C1"))


def test_a_surface_without_incidents_is_an_answer(ask):
    assert "No incidents recorded for acme.example" in said(ask("summary acme-web"))


def test_subscribing_tells_the_channel_how_to_undo_it(ask):
    reply = ask("subscribe acme")
    assert reply.in_channel
    assert "unsubscribe acme" in str(reply.message.blocks)


def test_subscribing_keeps_who_and_when_and_from_which_level_on(ask, repository):
    ask("subscribe acme-api min:major")
    assert repository.subscriptions("C1") == (Subscription("C1", "acme-api", Condition.MAJOR_OUTAGE, "U1", NOW),)


def test_several_targets_are_subscribed_in_one_go(ask, repository):
    ask("subscribe acme-api acme-web")
    assert [s.target for s in repository.subscriptions("C1")] == ["acme-api", "acme-web"]


def test_one_unknown_target_subscribes_to_none(ask, repository):
    ask("subscribe acme-api nonsense")
    assert repository.subscriptions() == ()


def test_an_unknown_level_names_the_levels(ask, repository):
    assert "Use: degraded, partial, outage, maintenance" in said(ask("subscribe acme min:awful"))
    assert repository.subscriptions() == ()


def test_a_level_alone_is_no_target(ask):
    assert "Which service?" in said(ask("subscribe min:major"))


def test_unsubscribing_from_nothing_is_told_to_who_asked_alone(ask):
    reply = ask("unsubscribe acme")
    assert not reply.in_channel
    assert "has no alerts for Acme" in said(reply)


def test_unsubscribing_tells_the_channel(ask, repository):
    ask("subscribe acme")
    assert ask("unsubscribe acme").in_channel
    assert repository.subscriptions() == ()


def test_a_list_is_of_this_channel(ask):
    ask("subscribe acme", "C2")
    assert "No subscriptions in this channel" in said(ask("list"))


def test_list_all_names_every_surface(ask):
    assert all(s.id in said(ask("list all")) for s in ACME.surfaces)


def test_sources_say_when_they_were_last_readable(ask):
    assert "Acme · checked 2 min ago · next check while a bot runs" in said(ask("sources"))


def test_help_names_every_verb(ask):
    assert all(verb in said(ask("help")) for verb in COMMANDS if verb not in ("menu", "help"))


def test_help_for_one_verb_names_it_alone(ask):
    assert said(ask("help retry")).count("/brownout") == 1


def test_a_database_that_fails_is_no_answer_of_ours(queries, repository):
    repository.close()
    with pytest.raises(StoreError):
        answer_command(queries, "status", "C1")


@pytest.mark.parametrize("text", ["status checkout", "checkout", "is our checkout down?", "status Our Checkout"])
@pytest.mark.usefixtures("ask")
def test_the_name_of_an_own_service_is_answered_with_what_it_uses(queries, text):
    own = OwnService("checkout", "Our checkout", ("acme-api",))
    reply = answer_command(replace(queries, own_services=lambda: [own]), text, "C1", "U1")
    assert said(reply).count("Acme API") >= 1
