"""``override``: what is true for a channel until a time, who said so, and for nobody else."""

from dataclasses import replace

import pytest

from bot.commands.registry import answer_command
from bot.domain import Advice


@pytest.fixture
def scenario(scenario):
    """The API has been down since 11:10; it is 11:15."""
    return scenario.breaks()


def say(scenario, text, channel="C1", user="U1", name="Ann"):
    return answer_command(scenario.queries(), text, channel, user, name).message.text


def verdict(scenario, channel="", service="acme-api"):
    queries = scenario.queries().seen_from(channel)
    provider, surface = queries.resolve_surface(service)
    return queries.provider_state(provider).verdict(surface.id)


def test_not_us_is_safe_in_this_channel_only(scenario):
    said = say(scenario, "override acme-api not us 2h")
    assert "does not affect us until" in said
    here, elsewhere = verdict(scenario, "C1"), verdict(scenario, "C2")
    assert (here.call, here.reason_code) == (Advice.RETRY_NORMALLY, "override_not_us")
    assert elsewhere == verdict(scenario)
    assert "Ann says that its trouble does not affect this channel" in here.reason


def test_broken_for_us_holds_a_service_in_this_channel_only(scenario):
    say(scenario, "override acme-web broken for us until 14:00")
    here = verdict(scenario, "C1", "acme-web")
    assert (here.call, here.exposure, here.reason_code) == (Advice.HOLD_OFF, 0.0, "override_broken")
    assert verdict(scenario, "C2", "acme-web").call is Advice.RETRY_NORMALLY


def test_an_override_ends_by_itself(scenario):
    say(scenario, "override acme-api broken 30m")
    scenario.minute += 29
    assert verdict(scenario, "C1").reason_code == "override_broken"
    scenario.minute += 1
    assert verdict(scenario, "C1").reason_code != "override_broken"


def test_an_override_is_ended_by_a_word(scenario):
    say(scenario, "override acme-api broken")
    assert "the advice is ours again" in say(scenario, "override acme-api end")
    assert verdict(scenario, "C1") == verdict(scenario)


def test_what_is_set_is_listed_with_its_author(scenario):
    assert "Nothing is set here" in say(scenario, "override")
    say(scenario, "override acme-api broken 2h")
    assert "Ann: Acme API is broken for us, until" in say(scenario, "override")


@pytest.mark.parametrize(
    "text", ["override acme-api", "override acme-api maybe", "override not us", "override broken end"]
)
def test_what_is_not_clear_is_asked(scenario, text):
    say(scenario, text)
    assert scenario.repository.user_actions.overrides() == ()


def test_not_us_holds_new_alerts_like_a_mute(scenario):
    say(scenario, "override acme-api not us 2h")
    [mute] = scenario.repository.channel_preferences()["C1"].mutes
    assert (mute.target, mute.mark.by.name) == ("acme-api", "Ann")


def test_the_answer_for_programs_has_it_in_its_basis_without_a_name(scenario):
    say(scenario, "override acme-api broken 2h")
    queries = replace(scenario.queries(), channel="C1", is_anonymous=True)
    provider, surface = queries.resolve_surface("acme-api")
    form = queries.verdict_json(provider, surface)
    assert [b["state"] for b in form["basis"] if b["source"] == "override"] == ["broken"]
    assert (form["verdict"], "Ann" in str(form)) == ("hold_off", False)


def test_the_answer_for_programs_without_a_channel_knows_of_none(scenario):
    say(scenario, "override acme-api broken 2h")
    queries = scenario.queries()
    form = queries.verdict_json(*queries.resolve_surface("acme-api"))
    assert "override" not in str(form)
