"""Cards of links as Slack takes them: Work Objects, panes, and plain blocks instead."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import Advice, LinkKind, LinkSubject, Message
from bot.messages import link_cards, markup, words
from bot.messages.link_cards import CardButton, CardContent, PaneContent
from bot.messages.words import Status
from tests.support import rendered
from tests.support.samples import NOON
from tests.support.slack_limits import assert_sendable

URL = "https://status.acme.example/incidents/inc1?x=1"
SUBJECT = LinkSubject(LinkKind.INCIDENT, "acme~inc1")
ADVICE = f"{markup.emoji(':no_entry:')} {markup.bold(words.ADVICE_STYLES[Advice.HOLD_OFF].phrase)}"
CONTENT = CardContent(
    SUBJECT,
    "Acme partial outage: API",
    Status.PARTIAL_OUTAGE,
    (f"{ADVICE}{markup.SEPARATOR}next update by {markup.time(NOON, NOON)}",),
    "https://brownout.example.com/incidents/acme~inc1",
    NOON,
    details=(f"Acme, investigating since {markup.time(NOON, NOON)}: {markup.link(URL, '“Errors”')}",),
    services=("API",),
    buttons=tuple(CardButton(f"ask:{n}", f"Button {n}", f"status acme-{n}") for n in range(9)),
    began_at=NOON,
    next_update=NOON + timedelta(minutes=15),
    used_by=("Checkout",),
)


def card(**changes):
    entity = link_cards.card_entity(replace(CONTENT, **changes), URL)
    rendered.keep_entity(entity)
    return entity


def pane(**changes):
    entity = link_cards.pane_entity(replace(PaneContent(CONTENT), **changes))
    rendered.keep_entity(entity)
    return entity


def values(entity):
    payload = entity["entity_payload"]
    return {name: f["value"] for name, f in payload["fields"].items()} | {
        f["key"]: f["value"] for f in payload["custom_fields"]
    }


def test_a_card_is_an_incident_with_a_stable_reference():
    entity = card()
    assert entity["entity_type"] == "slack#/entities/incident"
    assert entity["external_ref"] == {"id": "incident/acme~inc1", "type": "incident"}
    assert (entity["app_unfurl_url"], entity["url"]) == (URL, CONTENT.page_url)


def test_the_reference_leads_back_to_the_subject():
    assert link_cards.subject_of(card()["external_ref"]) == SUBJECT
    assert link_cards.subject_of({"id": "board"}) == LinkSubject(LinkKind.BOARD)


@pytest.mark.parametrize("ref", [{}, {"id": None}, {"id": "task/1"}, {"id": ""}])
def test_another_apps_reference_leads_nowhere(ref):
    assert link_cards.subject_of(ref) is None


def test_the_title_is_the_headline_with_its_emoji():
    assert card()["entity_payload"]["attributes"]["title"] == {"text": "🔶 Acme partial outage: API"}


def test_the_fields_say_status_advice_services_and_since():
    assert values(card()) == {
        "status": "Partial outage",
        "description": "⛔ Don't retry · next update by 12:00 UTC",
        "service": "API",
        "date_created": int(NOON.timestamp()),
        "date_updated": int(NOON.timestamp()),
        "next_update": int(NOON.timestamp()) + 900,
        "detail_0": "Acme, investigating since 12:00 UTC: “Errors”",
        "used_by": "Checkout",
    }


def test_every_field_has_its_place():
    payload = card()["entity_payload"]
    named = [*payload["fields"], *(f["key"] for f in payload["custom_fields"])]
    assert sorted(payload["display_order"]) == sorted(named)


def test_what_to_do_and_until_when_comes_before_the_rest():
    assert card()["entity_payload"]["display_order"][:4] == ["status", "description", "next_update", "service"]


def test_the_colour_repeats_the_word():
    assert {
        s: card(status=s)["entity_payload"]["fields"]["status"]["tag_color"] for s in Status
    } == link_cards.TAG_COLOURS


def test_of_many_buttons_two_are_shown_and_five_are_behind_a_menu():
    actions = card()["entity_payload"]["actions"]
    assert [len(actions[kind]) for kind in ("primary_actions", "overflow_actions")] == [2, 5]


def test_without_buttons_there_are_no_actions():
    assert "actions" not in card(buttons=())["entity_payload"]


def test_a_vendors_words_can_mention_no_one():
    entity = card(details=("“<!channel> <@U1> <https://evil.example|click>”",), title="<!here>", services=("<!here>",))
    assert "<" not in str(entity)


def test_a_card_with_a_page_for_its_pane_says_so_without_the_address():
    entity = link_cards.card_entity(CONTENT, URL, has_pane_page=True)
    rendered.keep_entity(entity)
    assert entity["entity_payload"]["attributes"]["full_size_preview"] == {"is_supported": True}


def test_the_pane_has_the_page_in_a_frame():
    entity = pane(preview_url="https://brownout.example.com/embed/incidents/inc1")
    assert entity["entity_payload"]["attributes"]["full_size_preview"] == {
        "is_supported": True,
        "preview_url": "https://brownout.example.com/embed/incidents/inc1",
        "mime_type": "text/html",
    }


def test_the_pane_has_services_timeline_and_the_last_words():
    entity = pane(services=("🔶 API: partial outage · don't retry",), timeline=("12:01 b", "12:00 a"), quote="We look.")
    shown = values(entity)
    assert (shown["services"], shown["timeline"], shown["quote"]) == (
        "🔶 API: partial outage · don't retry",
        "12:01 b\n12:00 a",
        "“We look.”",
    )
    assert "app_unfurl_url" not in entity


def test_a_long_timeline_is_cut():
    assert len(values(pane(timeline=("x" * 200,) * 40))["timeline"]) <= 2900


def test_the_time_of_a_card_makes_no_other_card():
    assert replace(CONTENT, as_of=NOON + timedelta(hours=1)).digest == CONTENT.digest


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "x"},
        {"status": None},
        {"lines": ()},
        {"details": ()},
        {"next_update": None},
        {"used_by": ()},
        {"buttons": ()},
    ],
)
def test_whatever_is_shown_makes_another_card(changes):
    assert replace(CONTENT, **changes).digest != CONTENT.digest


def test_plain_blocks_say_the_same_within_slacks_limits():
    attachment = link_cards.card_attachment(CONTENT)
    assert_sendable(Message("Acme partial outage: API", attachments=(attachment,)))
    text = attachment["blocks"][0]["text"]["text"]
    assert text.startswith(":large_orange_diamond: *Acme partial outage: API*\n:no_entry: *Don't retry*")
    assert "<!date^" in text
    assert attachment["color"] == "#E06C00"
    assert len(attachment["blocks"][-1]["elements"]) == 3


def test_plain_blocks_escape_a_vendors_words():
    attachment = link_cards.card_attachment(replace(CONTENT, title="<!channel>", details=("<!here>",)))
    assert_sendable(Message("x", attachments=(attachment,)))
