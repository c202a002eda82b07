"""What each kind of tool is sent: valid by the fields that its documentation names, whatever a vendor writes."""

import json
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from inline_snapshot import snapshot

from bot.domain import (
    ChatUser,
    DeclaredIncident,
    DeclaredPost,
    DeclaredSeverity,
    DeclaredStep,
    IncidentUserActions,
    NewsItem,
    NewsKind,
    Notification,
    NotificationKind,
    UserAction,
)
from bot.messages.announcement import announce
from bot.messages.tools import HTTP_KINDS, email
from bot.messages.tools.base import ToolAddress
from tests.support.phases import ALL_CLEAR, NEW, PHASES, WIDER
from tests.support.samples import alerts, at, hostile, item
from tests.support.tool_schemas import SCHEMAS, STEPS

SLOW = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
ADDRESSES = {
    "ntfy": "https://ntfy.example/team-topic",
    "googlechat": "https://chat.googleapis.example/v1/spaces/A/messages?key=k&token=t",
}
PEOPLE = IncidentUserActions()
ACK = NewsItem((NewsKind.ACKNOWLEDGED,), "ack:1", at(3), by="Ann")
OVER = NewsItem((NewsKind.ALL_CLEAR,), "over:1", at(271), broadcast=True)
WORSE = NewsItem((NewsKind.WORSE,), "ours:1", at(20), broadcast=True, worse=("web",))


def meaning(alert=NEW, news=None):
    kind = NotificationKind.ALERT if news is None else NotificationKind.REPLY
    return announce(Notification("notify:t", kind, f"i1:{news.key if news else 'alert'}", alert, news=news), PEOPLE)


STEPS_OF_A_DAY = {
    "triggered": meaning(),
    "updated": meaning(WIDER, WORSE),
    "acknowledged": meaning(NEW, ACK),
    "resolved": meaning(ALL_CLEAR, OVER),
}


def sent(kind, announcement):
    address = ToolAddress(ADDRESSES.get(kind, "https://tool.example/hook"), "secret-key")
    return HTTP_KINDS[kind].request(announcement, address, announcement.dedup_key)


def check(kind, announcement):
    request = sent(kind, announcement)
    if request is not None:
        schema = SCHEMAS[kind] if announcement.phase == "triggered" else STEPS.get(kind, SCHEMAS[kind])
        jsonschema.validate(json.loads(json.dumps(request.body)), schema)


@pytest.mark.parametrize("phase", STEPS_OF_A_DAY)
@pytest.mark.parametrize("kind", HTTP_KINDS)
def test_every_step_is_what_the_tool_documents(kind, phase):
    assert STEPS_OF_A_DAY[phase].phase == phase
    check(kind, STEPS_OF_A_DAY[phase])


def declared_step(step, title="Checkout fails", **more):
    incident = DeclaredIncident(
        *(7, title, DeclaredSeverity.SEV2, UserAction(ChatUser("U1", "Ann"), at(1)), "C1", ("i1",)),
        acked=UserAction(ChatUser("U2", "Bob"), at(2)),
        **more,
    )
    post = DeclaredPost(
        incident, step, incident.key, at(3), facts=("Claude outage: API",), url="https://status.example/i1"
    )
    return announce(Notification("notify:t", NotificationKind.ALERT, "declared:7:card", post), PEOPLE)


CLOSED = {"closed": UserAction(ChatUser("U2", "Bob"), at(30)), "safe_since": at(28)}
DECLARED_DAY = {
    "triggered": declared_step(DeclaredStep.OPENED),
    "updated": declared_step(DeclaredStep.UPDATED),
    "acknowledged": declared_step(DeclaredStep.ACKNOWLEDGED),
    "resolved": declared_step(DeclaredStep.CLOSED, **CLOSED),
}


@pytest.mark.parametrize("phase", DECLARED_DAY)
@pytest.mark.parametrize("kind", HTTP_KINDS)
def test_every_step_of_a_declared_incident_is_what_the_tool_documents(kind, phase):
    assert (DECLARED_DAY[phase].phase, DECLARED_DAY[phase].dedup_key) == (phase, "brownout/declared/7")
    check(kind, DECLARED_DAY[phase])


@pytest.mark.parametrize("kind", HTTP_KINDS)
@SLOW
@given(hostile)
def test_a_teams_worst_title_is_within_the_tools_limits(kind, words):
    check(kind, declared_step(DeclaredStep.OPENED, words[:150]))


def test_a_webhook_names_the_declared_incident():
    body = sent("webhook", DECLARED_DAY["resolved"]).body
    declared = {key: body["data"]["declared"][key] for key in ("number", "severity", "declared_by", "incidents")}
    assert body["type"] == "declared.resolved"
    assert declared == {"number": 7, "severity": "sev2", "declared_by": "Ann", "incidents": ["i1"]}


@pytest.mark.parametrize("kind", HTTP_KINDS)
def test_every_phase_of_an_alert_is_what_the_tool_documents(kind):
    for alert in PHASES.values():
        check(kind, meaning(alert))


@pytest.mark.parametrize("kind", HTTP_KINDS)
@SLOW
@given(alerts())
def test_a_vendors_worst_alert_is_within_the_tools_limits(kind, alert):
    check(kind, meaning(alert))


@pytest.mark.parametrize("kind", HTTP_KINDS)
@SLOW
@given(hostile)
def test_a_vendors_worst_words_are_within_the_tools_limits(kind, words):
    check(kind, meaning(NEW, item(NewsKind.UPDATE, quote=words)))


@pytest.mark.parametrize("kind", ["alertmanager", "incidentio", "rootly"])
def test_a_tool_without_acknowledgements_is_sent_none(kind):
    assert sent(kind, STEPS_OF_A_DAY["acknowledged"]) is None


def test_pagerduty_is_triggered_acknowledged_and_resolved_by_one_key():
    events = [sent("pagerduty", step).body for step in STEPS_OF_A_DAY.values()]
    assert [(e["event_action"], e["dedup_key"]) for e in events] == [
        ("trigger", "brownout/acme/i1"),
        ("trigger", "brownout/acme/i1"),
        ("acknowledge", "brownout/acme/i1"),
        ("resolve", "brownout/acme/i1"),
    ]


def test_pagerduty_gets_service_and_severity():
    payload = sent("pagerduty", meaning()).body["payload"]
    assert (payload["summary"], payload["severity"], payload["component"]) == snapshot(
        ("Acme web partial outage", "error", "acme-web, acme-console, acme-code")
    )


def test_opsgenie_is_closed_by_the_alias_of_its_beginning():
    assert sent("opsgenie", STEPS_OF_A_DAY["resolved"]).url == snapshot(
        "https://tool.example/hook/brownout%2Facme%2Fi1/close?identifierType=alias"
    )


def test_alertmanager_gets_the_same_labels_at_the_end_and_an_end_in_the_past():
    begun, ended = (sent("alertmanager", STEPS_OF_A_DAY[p]).body[0] for p in ("triggered", "resolved"))
    assert begun["labels"] == ended["labels"]
    assert ended["endsAt"] == "2026-05-04T16:31:00Z"


def test_nobody_is_mentioned_in_discord():
    assert sent("discord", meaning(NEW, item(quote="@everyone <@123>"))).body["allowed_mentions"] == {"parse": []}


def test_nobody_is_mentioned_in_mattermost():
    quoted = sent("mattermost", meaning(replace(NEW, title="@channel"), item(quote="@all look @here")))
    assert not any(word in str(quoted.body) for word in ("@all", "@here", "@channel"))


def test_a_vendors_link_is_shown_as_text_in_a_card():
    card = sent("teams", meaning(NEW, item(quote="[click](https://evil.example)"))).body["attachments"][0]["content"]
    assert "[click](https://evil.example)" not in str(card)


def test_a_vendors_markup_is_escaped_in_html():
    quoted = sent("googlechat", meaning(NEW, item(quote="<b>hi</b>"))).body
    assert "<b>hi</b>" not in str(quoted)


def test_a_mail_says_what_to_do_and_quotes_nobody_as_markup():
    content = email.content(meaning(NEW, item(quote="<script>")), "k")
    assert "Don't retry" in email.content(meaning(), "k").text
    assert "<script>" not in content.html


def test_the_mails_of_an_incident_are_one_conversation_and_each_has_an_id_that_stays():
    mails = [email.content(step, step.dedup_key) for step in STEPS_OF_A_DAY.values()]
    assert len({m.thread_id for m in mails}) == 1
    assert len({m.message_id for m in mails}) == 4
    assert email.content(meaning(), "k") == email.content(meaning(), "k")
