"""``override``: what is true for a channel until a time, who said so, and for nobody else."""

from dataclasses import replace

import pytest

from bot.commands.registry import answer_command
from bot.domain import Advice


@pytest.fixture
def town(town):
    """The API has been down since 11:10; it is 11:15."""
    return town.breaks()


def say(town, text, channel="C1", user="U1", name="Ann"):
    return answer_command(town.desk(), text, channel, user, name).message.text


def verdict(town, channel="", service="acme-api"):
    desk = town.desk().seen_from(channel)
    provider, surface = desk.resolve_surface(service)
    return desk.provider_state(provider).verdict(surface.id)


def test_not_us_is_safe_in_this_channel_only(town):
    said = say(town, "override acme-api not us 2h")
    assert "does not affect us until" in said
    here, elsewhere = verdict(town, "C1"), verdict(town, "C2")
    assert (here.call, here.reason_code) == (Advice.RETRY_NORMALLY, "override_not_us")
    assert elsewhere == verdict(town)
    assert "Ann says that its trouble does not affect this channel" in here.reason


def test_broken_for_us_holds_a_service_in_this_channel_only(town):
    say(town, "override acme-web broken for us until 14:00")
    here = verdict(town, "C1", "acme-web")
    assert (here.call, here.exposure, here.reason_code) == (Advice.HOLD_OFF, 0.0, "override_broken")
    assert verdict(town, "C2", "acme-web").call is Advice.RETRY_NORMALLY


def test_an_override_ends_by_itself(town):
    say(town, "override acme-api broken 30m")
    town.minute += 29
    assert verdict(town, "C1").reason_code == "override_broken"
    town.minute += 1
    assert verdict(town, "C1").reason_code != "override_broken"


def test_an_override_is_ended_by_a_word(town):
    say(town, "override acme-api broken")
    assert "the advice is ours again" in say(town, "override acme-api end")
    assert verdict(town, "C1") == verdict(town)


def test_what_is_set_is_listed_with_its_author(town):
    assert "Nothing is set here" in say(town, "override")
    say(town, "override acme-api broken 2h")
    assert "Ann: Acme API is broken for us, until" in say(town, "override")


@pytest.mark.parametrize(
    "text", ["override acme-api", "override acme-api maybe", "override not us", "override broken end"]
)
def test_what_is_not_clear_is_asked(town, text):
    say(town, text)
    assert town.book.user_actions.overrides() == ()


def test_not_us_holds_new_alerts_like_a_mute(town):
    say(town, "override acme-api not us 2h")
    [mute] = town.book.channel_preferences()["C1"].mutes
    assert (mute.target, mute.mark.by.name) == ("acme-api", "Ann")


def test_the_answer_for_programs_has_it_in_its_basis_without_a_name(town):
    say(town, "override acme-api broken 2h")
    desk = replace(town.desk(), channel="C1", is_anonymous=True)
    provider, surface = desk.resolve_surface("acme-api")
    form = desk.verdict_json(provider, surface)
    assert [b["state"] for b in form["basis"] if b["source"] == "override"] == ["broken"]
    assert (form["verdict"], "Ann" in str(form)) == ("hold_off", False)


def test_the_answer_for_programs_without_a_channel_knows_of_none(town):
    say(town, "override acme-api broken 2h")
    desk = town.desk()
    form = desk.verdict_json(*desk.resolve_surface("acme-api"))
    assert "override" not in str(form)
