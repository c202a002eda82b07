"""A day of one channel, typed and clicked as people do: from the first word to the last, through the real process.

Twice: once over Socket Mode, and once with every request signed and posted to the bot's own web server.
"""

import json
import re

import pytest

from tests.e2e import day as days
from tests.e2e.day import DEPLOY, FIXED, GREEN, GROUP, SLOW, TITLE, WIDER
from tests.e2e.driver import elements, shown


@pytest.fixture(scope="module", params=["socket", "http"])
def day(worlds, request):
    with worlds(request.param) as world:
        yield days.live(world)


def words(shown):
    return json.dumps(shown, ensure_ascii=False)


# --- it begins --------------------------------------------------------------------------------------------------------


def test_the_bare_command_of_a_new_channel_says_how_to_begin(day):
    assert "/brownout subscribe claude" in day.seen["menu"]["text"]


def test_the_menu_has_a_surface_to_look_up_and_buttons(day):
    first, *rest = [element["type"] for element in elements(day.seen["menu"])]
    assert (first, set(rest)) == ("external_select", {"button"})


def test_subscribing_says_whom_it_rings(day):
    assert "mention @ops on outage" in day.said[f"subscribe acme mention:<{GROUP}|@ops>"]


def test_a_new_home_says_how_to_begin_and_that_nothing_is_broken(day):
    assert "operational" in words(day.seen["new home"])
    assert "Set up alerts in 2 steps" in words(day.seen["new home"])


def test_a_pick_in_home_opens_a_modal_with_it(day):
    assert day.seen["subscribe"]["blocks"][0]["element"]["initial_option"]["value"] == "acme-api"


def test_a_subscription_to_oneself_is_confirmed_in_direct_messages(day):
    assert "You now get alerts for Acme API" in day.direct[0]["text"]


# --- an outage --------------------------------------------------------------------------------------------------------


def test_the_outage_rings_the_group_once(day):
    assert [p["text"].endswith(f" <{GROUP}>") for p in day.posts if GROUP in p["text"]] == [True]


@pytest.mark.parametrize("post", [DEPLOY, WIDER, FIXED])
def test_each_post_of_the_vendor_is_in_the_thread(day, post):
    assert day.post(post)["thread_ts"] == day.seen["alert"]["ts"]


def test_it_was_one_message_from_the_first_word_to_the_last(day):
    assert day.seen["over"]["ts"] == day.seen["alert"]["ts"]
    assert len([a for a in day.alerts if TITLE in shown(a)]) == 1


def test_it_was_one_message_for_bob_himself_too(day):
    assert day.seen["alert to bob"]["ts"] == day.seen["over for bob"]["ts"]


def test_home_shows_the_trouble_with_its_verdict_and_what_to_do(day):
    assert "Acme partial outage: API, Web" in words(day.seen["troubled home"])
    assert "Acme API" in words(day.seen["advice"]["blocks"])


def test_a_muted_channel_has_the_end_in_the_thread_alone(day):
    assert not day.post(FIXED).get("reply_broadcast")


# --- what people do ---------------------------------------------------------------------------------------------------


def test_everybody_who_is_affected_counts_once(day):
    assert "2 people affected" in shown(day.seen["affected"])
    assert day.whispers["affected"]


def test_an_incident_of_several_surfaces_asks_which(day):
    assert "People affected: API 2, Web 1" in shown(day.seen["wider"])


def test_an_ack_says_who_and_is_not_undone_by_another(day):
    assert "Acknowledged by bob" in shown(day.seen["acknowledged"])
    assert "Only bob can undo it." in day.whispers["ack"][0]
    assert "Acknowledged by bob" in shown(day.seen["over"])


def test_a_typed_note_is_in_the_thread(day):
    assert "bob added a note:" in day.post("we moved the batch")["text"]
    assert day.post("we moved the batch")["thread_ts"] == day.seen["alert"]["ts"]


def test_the_note_s_modal_names_the_incident(day):
    assert TITLE in words(day.seen["note"]["blocks"])


def test_a_note_by_modal_is_in_the_thread_and_rings_nobody(day):
    [note] = [m for m in day.thread if "all is well" in m["text"]]
    assert "&lt;!channel&gt; tomorrow &amp; all is well." in note["text"]


def test_a_note_is_in_the_timeline_of_its_channel_and_of_no_other(day):
    assert "we moved the batch" in day.said["timeline in C1"]
    assert "the batch" not in day.said["timeline in C2"]


def test_a_report_is_in_the_status_without_a_name(day):
    said = day.said["status after a report"]
    assert "Reported here within the last hour: Acme API (" in said
    assert re.search(r"\bada\b", said) is None


def test_a_mute_says_until_when_and_turns_into_its_own_undoing_even_after_a_restart(day):
    assert "Muted until resolved" in shown(day.seen["muted"])
    assert "Unmute" in [e.get("text", {}).get("text") for e in elements(day.seen["muted"])]


# --- looking back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [TITLE, "we moved the batch", "Acme API 2"])
def test_the_summary_tells_it_all(day, told):
    assert told in day.said["summary inc1"]


def test_the_timeline_by_a_button_is_for_who_pressed_it(day):
    assert DEPLOY in day.whispers["timeline"][0]


def test_a_shared_summary_is_for_everybody_and_says_who_shared_it(day):
    assert day.seen["shared"]["text"].startswith("bob shared: summary inc1")
    assert "ephemeral_to" not in day.seen["shared"]


def test_an_exported_summary_arrives_as_files(day):
    assert [f["name"] for f in day.seen["files"]["files"]] == ["acme-inc1.md", "acme-inc1.json", "acme-inc1.png"]
    assert "bob exported the incident inc1 of Acme." in day.seen["files"]["text"]


def test_a_digest_that_was_missed_is_told_late_and_of_its_own_day(day):
    assert day.seen["digest"]["text"].endswith(": no incidents for Acme (1 day).")  # until then; the outage is of today


# --- what only we see at first ----------------------------------------------------------------------------------------


def test_what_a_probe_sees_alone_is_told_as_suspected(day):
    assert "Acme Login" in day.seen["suspected"]["text"]
    assert "not on the status page" in shown(day.seen["suspected"])


def test_the_vendor_s_incident_takes_the_same_message_over(day):
    assert day.seen["taken over"]["ts"] == day.seen["suspected"]["ts"]
    assert [day.post(post)["thread_ts"] for post in (SLOW, GREEN)] == [day.seen["suspected"]["ts"]] * 2


def test_the_second_incident_links_to_the_message_of_the_first(day):
    link = f"http://team.slack.local/archives/C1/p{day.seen['alert']['ts'].replace('.', '')}"
    assert link in shown(day.seen["taken over"])


def test_two_incidents_and_a_suspicion_were_two_messages(day):
    assert len([a for a in day.alerts if a["text"].startswith("Acme ")]) == 2


# --- it ends ----------------------------------------------------------------------------------------------------------


def test_who_subscribes_a_private_channel_is_told_to_invite_the_bot(day):
    assert "Type /invite @brownout there." in day.said["in a private channel"]


def test_the_settings_open_as_a_modal(day):
    assert day.seen["settings"]["callback_id"] == "settings"


def test_settings_that_make_no_sense_say_so_in_the_modal(day):
    assert "Use HH:MM-HH:MM" in day.errors["quiet"]


def test_settings_are_told_to_the_channel(day):
    assert "quiet hours 22:00-07:00 Europe/Berlin" in day.post("changed the alert settings of this channel")["text"]


def test_the_list_says_how_the_channel_is_told(day):
    assert "Quiet hours: 22:00-07:00 Europe/Berlin" in day.said["list"]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("mute all 2h", "Everything muted in this channel until"),
        ("unmute", "are on again"),
        ("unsubscribe acme", "No more alerts for Acme in this channel."),
    ],
)
def test_what_changes_the_channel_is_confirmed(day, typed, answer):
    assert answer in day.said[typed]


def test_a_subscription_is_ended_in_home(day):
    assert "home_change" not in words(day.seen["last home"])
