"""Cards of pasted links, from Slack's events to its Web API: shown, refreshed, bounded, and never for a stranger's link.

The events are hand-written in the shape that Slack publishes (https://docs.slack.dev/reference/events/link_shared and
entity_details_requested).
"""

import asyncio
import logging
from dataclasses import replace

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_client import SlackClient
from bot.adapters.slack_features import SlackFeatures
from bot.domain import LinkPlace
from bot.errors import DeliveryError, RefusalScope, StoreError
from bot.notifier.limiter import EDITS_BURST, MessageLimiter
from bot.slack import link_cards
from bot.slack.command import slack_app
from bot.slack.link_cards import BoardAddress, LinkCards, board_address, register_link_cards
from tests.slack.test_command import settled
from tests.slack.test_interactions import slack, told
from tests.support import rendered

pytestmark = pytest.mark.anyio
__all__ = ["slack"]  # a fixture

URL = "https://status.acme.example/i-1"
BOARD = "https://brownout.example.com"
BOT = "UBOT"


def shared(*urls, channel="C1", ts="1772450100.000100", user="U1", **more):
    event = {
        "type": "link_shared",
        "channel": channel,
        "is_bot_user_member": True,
        "user": user,
        "message_ts": ts,
        "unfurl_id": f"{channel}.{ts}.abc",
        "source": "conversations_history",
        "links": [{"domain": "status.acme.example", "url": url} for url in urls],
        "event_ts": ts,
    }
    return {key: value for key, value in (event | more).items() if value is not None}


def opened(ref="incident/i-1", channel="C1", **more):
    event = {
        "type": "entity_details_requested",
        "user": "U1",
        "external_ref": {"id": ref, "type": "incident"},
        "entity_url": URL,
        "link": {"url": URL, "domain": "status.acme.example"},
        "app_unfurl_url": URL,
        "event_ts": "1772450100.000200",
        "trigger_id": "1.2.abc",
        "user_locale": "en-US",
        "channel": channel,
        "message_ts": "1772450100.000100",
        "thread_ts": None,
    }
    return {key: value for key, value in (event | more).items() if value is not None}


class FakeCards:
    """Keeps what it was asked to show; refuses with the codes that it was given, by what they are about."""

    def __init__(self):
        self.shown, self.panes, self.refusals = [], [], {}

    async def show_cards(self, place, *, entities=(), attachments=None):
        kind = "entities" if entities else "attachments"
        if error := self.refusals.get(kind):
            raise error
        self.shown.append((place, kind, [*entities] or dict(attachments)))

    async def present_details(self, trigger, entity):
        self.panes.append((trigger, entity))


def refusal(code, **more):
    return DeliveryError(code, code=code, permanent=True, blame=RefusalScope.POST, **more)


@pytest.fixture
def client():
    return FakeCards()


@pytest.fixture
def cards(scenario, client):
    scenario.breaks()

    async def ask(question):
        return question(scenario.queries())

    return LinkCards(
        ask,
        client,
        scenario.repository.link_cards,
        MessageLimiter(),
        SlackFeatures(scenario.now),
        scenario.now,
        BoardAddress(BOARD),
    )


async def paste(cards, *urls, body=None, **more):
    await cards.receive_links(shared(*urls, **more), body or {}, BOT)
    await cards.show_waiting()


def titles(client):
    return [e["entity_payload"]["attributes"]["title"]["text"] for _, _, entities in client.shown for e in entities]


async def test_a_link_of_an_incident_gets_a_card(cards, client):
    await paste(cards, URL)
    [(place, kind, [entity])] = client.shown
    rendered.keep_entity(entity)
    assert place == LinkPlace("C1", "1772450100.000100", "C1.1772450100.000100.abc", "conversations_history")
    assert (kind, entity["app_unfurl_url"]) == ("entities", URL)
    assert titles(client) == ["🔶 Acme Acme API partial outage"]


async def test_a_link_of_our_board_gets_a_card(cards, client):
    await paste(cards, f"{BOARD}/surfaces/acme-api")
    assert titles(client) == ["🔶 Acme API partial outage"]


@pytest.mark.parametrize("url", ["https://status.acme.example/incidents/i-999", "https://example.com", "", "nonsense"])
async def test_any_other_link_gets_none(cards, client, url):
    await paste(cards, url)
    assert client.shown == []


async def test_several_links_of_one_message_get_their_cards_in_one_call(cards, client):
    await paste(cards, URL, "https://example.com/other", "https://status.acme.example/")
    [(_, _, entities)] = client.shown
    assert [e["app_unfurl_url"] for e in entities] == [URL, "https://status.acme.example/"]


async def test_of_very_many_links_in_a_message_the_first_get_cards(cards, client):
    await paste(cards, *(f"{URL}?n={n}" for n in range(40)))
    assert len(client.shown[0][2]) == link_cards.MAX_LINKS


@pytest.mark.parametrize("own", [{"user": BOT}, {"bot_id": "B1"}])
async def test_our_own_messages_get_none(cards, client, own):
    await paste(cards, URL, **own)
    assert client.shown == []


async def test_an_event_that_slack_repeats_for_hours_gets_none(cards, client, scenario):
    old = str(scenario.now().timestamp() - 3600)
    await paste(cards, URL, event_ts=old)
    assert client.shown == []


async def test_a_message_that_is_being_written_gets_a_card_that_is_not_kept(cards, client, scenario):
    await paste(cards, URL, channel="COMPOSER", source="composer", ts="b5a8-4f1c", event_ts="1772450100.000100")
    assert [kind for _, kind, _ in client.shown] == ["entities"]
    assert scenario.repository.link_cards.all() == ()


@pytest.mark.parametrize("url", [f"{URL}?token=secret", "https://me:secret@status.acme.example/i-1"])
async def test_a_link_that_may_hold_a_secret_is_neither_stored_nor_logged(cards, client, scenario, url, caplog):
    client.refusals = {"entities": DeliveryError("x", code="internal_error")}
    with caplog.at_level(logging.DEBUG):
        await paste(cards, url)
    client.refusals = {}
    await paste(cards, url)
    assert len(client.shown) == 1
    assert scenario.repository.link_cards.all() == ()
    assert "secret" not in caplog.text


async def test_in_a_channel_with_another_company_the_card_is_that_of_strangers(cards, scenario):
    await paste(cards, URL, body={"is_ext_shared_channel": True})
    assert [card.is_external for card in scenario.repository.link_cards.all()] == [True]


# --- fallbacks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["invalid_metadata_format", "feature_not_enabled", "invalid_arg_name"])
async def test_without_work_objects_the_link_gets_plain_blocks(cards, client, code):
    client.refusals = {"entities": refusal(code)}
    await paste(cards, URL)
    [(_, kind, shown)] = client.shown
    assert (kind, list(shown)) == ("attachments", [URL])


async def test_what_slack_does_not_have_is_not_asked_for_again_for_a_day(cards, client, scenario, caplog):
    client.refusals = {"entities": refusal("feature_not_enabled")}
    with caplog.at_level(logging.INFO):
        await paste(cards, URL)
        client.refusals = {}
        await paste(cards, URL, ts="1772450100.000200")
        scenario.minute += 25 * 60
        scenario.poll_page()
        await paste(cards, URL, ts="1772540600.000300")
    assert [kind for _, kind, _ in client.shown] == ["attachments", "attachments", "entities"]
    assert [r.message for r in caplog.records if "Work Objects" in r.message] == [
        "Slack takes no Work Objects (feature_not_enabled): links get plain cards; tried again once a day"
    ]


async def test_without_the_scope_nothing_is_asked_for_again_for_a_day(cards, client, scenario):
    client.refusals = {"entities": refusal("missing_scope")}
    await paste(cards, URL)
    client.refusals = {}
    await paste(cards, URL, ts="1772450100.000200")
    assert client.shown == []
    assert scenario.repository.link_cards.all() == ()


@pytest.mark.parametrize("code", ["cannot_unfurl_url", "cannot_unfurl_message", "channel_not_found"])
async def test_a_message_that_takes_no_card_is_forgotten(cards, client, scenario, code):
    client.refusals = {"entities": refusal(code)}
    await paste(cards, URL)
    assert scenario.repository.link_cards.all() == ()


async def test_a_card_that_was_not_shown_for_a_moment_is_shown_at_the_next_check(cards, client):
    client.refusals = {"entities": DeliveryError("x", code="unknown_outcome")}
    await paste(cards, URL)
    client.refusals = {}
    await cards.refresh()
    await cards.refresh()
    assert len(client.shown) == 1


# --- kept up to date --------------------------------------------------------------------------------------------------


async def test_a_card_changes_with_its_incident_and_not_without(cards, client, scenario):
    await paste(cards, URL)
    await cards.refresh()
    assert len(client.shown) == 1
    scenario.is_over()
    await cards.refresh()
    assert [place.ts for place, _, _ in client.shown] == ["1772450100.000100"] * 2
    assert titles(client)[1].startswith("🔄 Acme recovering")
    changed = [e["entity_payload"]["attributes"]["metadata_last_modified"] for _, _, es in client.shown for e in es]
    assert changed[1] > changed[0]


async def test_after_a_restart_the_cards_go_on(cards, client, scenario):
    await paste(cards, URL)
    scenario.is_over()
    again = replace(cards, features=SlackFeatures(scenario.now))
    await again.refresh()
    assert len(client.shown) == 2


async def test_an_incident_that_is_long_over_is_shown_once_more_and_forgotten(cards, client, scenario):
    await paste(cards, URL)
    scenario.is_over()
    await cards.refresh()
    scenario.minute += 60 * 24 * 2
    scenario.poll_page()
    await cards.refresh()
    assert titles(client)[-1] == "✅ Acme incident resolved: Acme API"
    await cards.refresh()
    assert scenario.repository.link_cards.all() == ()
    assert len(client.shown) == 3


async def test_a_card_is_forgotten_after_a_week(cards, scenario):
    await paste(cards, "https://status.acme.example/")
    scenario.minute += 60 * 24 * 8
    await cards.refresh()
    assert scenario.repository.link_cards.all() == ()


async def test_what_is_no_longer_known_keeps_its_last_card(cards, client, scenario):
    await paste(cards, URL)

    async def ask(question):
        return question(replace(scenario.queries(), providers=()))

    await replace(cards, ask=ask).refresh()
    assert len(client.shown) == 1
    assert scenario.repository.link_cards.all() == ()


# --- limits -----------------------------------------------------------------------------------------------------------


async def test_a_storm_of_links_is_bounded_and_the_newest_come_first(cards, client):
    for n in range(500):
        await cards.receive_links(shared(URL, ts=f"1772450100.{n:06}"), {}, BOT)
    assert len(cards._waiting) == link_cards.MAX_WAITING
    cards.limiter.cards.rate = 1e-9
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await cards.show_waiting()
    assert len(client.shown) <= EDITS_BURST
    assert client.shown[0][0].ts == "1772450100.000499"


async def test_a_429_stops_the_cards_for_as_long_as_slack_asks(cards, client, scenario):
    client.refusals = {"entities": DeliveryError("wait", code="ratelimited", retry_after=120)}
    await paste(cards, URL)
    client.refusals = {}
    await cards.refresh()
    assert client.shown == []
    scenario.minute += 3
    await cards.refresh()
    assert len(client.shown) == 1


async def test_while_messages_have_to_wait_cards_wait_too(cards, scenario):
    cards.limiter.limited("C1", scenario.now(), 60, is_edit=False)
    cards.limiter.limited("C2", scenario.now(), 60, is_edit=False)
    assert not cards.limiter.may_show_card(scenario.now())


# --- panes ------------------------------------------------------------------------------------------------------------


async def test_an_opened_pane_is_filled(cards, client):
    await cards.fill_pane(opened(), {})
    [(trigger, entity)] = client.panes
    rendered.keep_entity(entity)
    assert trigger == "1.2.abc"
    assert entity["external_ref"]["id"] == "incident/i-1"
    assert "timeline" in entity["entity_payload"]["display_order"]


@pytest.mark.parametrize("ref", ["incident/i-999", "task/1", "", "provider/nobody"])
async def test_a_pane_of_something_unknown_says_so(cards, client, ref):
    await cards.fill_pane(opened(ref), {})
    assert client.panes == [("1.2.abc", None)]


async def test_a_pane_that_was_opened_outside_a_channel_shows_what_every_channel_may_see(cards, client):
    await cards.fill_pane(opened(channel=None, message_ts=None), {})
    assert client.panes[0][1]["external_ref"]["id"] == "incident/i-1"


async def test_very_many_panes_at_once_are_not_all_filled(cards, client):
    for _ in range(100):
        await cards.fill_pane(opened(), {})
    assert len(client.panes) == EDITS_BURST


# --- through Bolt and Slack's Web API ---------------------------------------------------------------------------------


@pytest.fixture
def send(slack, cards):
    url = f"{slack.url}/api/"
    bolt = slack_app(AsyncWebClient(token="xoxb-1", base_url=url), lambda *_: None)  # noqa: S106
    cards.client = SlackClient("xoxb-1", base_url=url)
    register_link_cards(bolt, cards)

    async def dispatch(event, **more):
        body = {
            "type": "event_callback",
            "team_id": "T1",
            "api_app_id": "A1",
            "event_id": "Ev1",
            "event": event,
            **more,
        }
        answer = await bolt.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))
        await settled()
        await cards.show_waiting()
        return answer

    return dispatch


async def test_slack_is_told_of_a_card_by_its_id_of_the_links(send, slack):
    assert (await send(shared(URL))).status == 200
    [call] = told(slack, "chat.unfurl")
    assert (call["unfurl_id"], call["source"]) == ("C1.1772450100.000100.abc", "conversations_history")
    assert [e["entity_type"] for e in call["metadata"]["entities"]] == ["slack#/entities/incident"]
    assert "channel" not in call


async def test_without_that_id_slack_is_told_the_message(send, slack):
    await send(shared(URL, unfurl_id=None, source=None))
    [call] = told(slack, "chat.unfurl")
    assert (call["channel"], call["ts"]) == ("C1", "1772450100.000100")


async def test_a_refused_work_object_is_sent_as_plain_blocks(send, slack):
    slack.refused = {"chat.unfurl": "invalid_metadata_format"}
    await send(shared(URL))
    first, second = told(slack, "chat.unfurl")
    assert "metadata" in first
    assert list(second["unfurls"]) == [URL]


async def test_slack_gets_the_pane_with_the_trigger(send, slack):
    await send(opened())
    [call] = told(slack, "entity.presentDetails")
    assert call["trigger_id"] == "1.2.abc"
    assert call["metadata"]["entity_type"] == "slack#/entities/incident"


async def test_slack_gets_an_error_for_a_pane_of_nothing(send, slack):
    await send(opened("incident/i-999"))
    [call] = told(slack, "entity.presentDetails")
    assert call["error"] == {"status": "not_found"}


@pytest.mark.parametrize(
    ("url", "origins", "is_public", "framed"),
    [
        (BOARD, link_cards.SLACK_ORIGINS, True, True),
        (BOARD, link_cards.SLACK_ORIGINS, False, False),
        (BOARD, (), True, False),
        ("http://brownout.example.com", link_cards.SLACK_ORIGINS, True, False),
        ("", link_cards.SLACK_ORIGINS, True, False),
    ],
)
def test_slack_frames_a_public_board_that_allows_it(url, origins, is_public, framed):
    assert board_address(url, origins, is_public=is_public).is_framed is framed


async def test_a_card_that_cannot_be_stored_is_shown_all_the_same(cards, client):
    class Unwritable:
        def add(self, _):
            raise StoreError("the database is another bot's")

    await paste(replace(cards, store=Unwritable()), URL)
    assert len(client.shown) == 1


async def test_a_failing_database_ends_nothing(cards, client, scenario):
    await paste(cards, URL)
    scenario.repository.close()
    await cards._guarded(cards.refresh())
    assert len(client.shown) == 1
