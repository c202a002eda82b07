"""The rules of texts, held against an alert in every phase and against every broadcast (bot/docs/alerts.md)."""

import re

import pytest

from bot.domain import Notification, NotificationKind
from bot.messages import alert_view, markup, words
from bot.messages.alerts import render_notification
from bot.messages.words import STATUS_STYLES, Status
from tests.support.banned_words import banned_words
from tests.support.phases import BROADCASTS, PHASES
from tests.support.samples import parent
from tests.support.slack_limits import assert_sendable

PHASE = pytest.mark.parametrize("alert", PHASES.values(), ids=PHASES)
BROADCAST = pytest.mark.parametrize(("alert", "item"), BROADCASTS.values(), ids=BROADCASTS)
LINK = "https://acme.slack.example/archives/C1/p1"
EMOJI = re.compile(r":[a-z_]+:")
TOKEN = re.compile(r"<!date\^(\d+)\^[^|]*\|[^>]*>")


def visible(mrkdwn):
    """What a reader sees of Slack's markup."""
    shown = re.sub(r"<!date\^\d+\^[^|]*\|([^>]*) UTC>", r"\1", mrkdwn)
    shown = re.sub(r"<[^|>]*\|([^>]*)>", r"\1", shown)
    return EMOJI.sub("E", shown).replace("*", "")


def body(message):
    return message.blocks[1]["text"]["text"].splitlines()


def details(message):
    return [e for a in message.attachments for b in a["blocks"] if b["type"] == "context" for e in b["elements"]]


def words_of(message):
    texts = [message.blocks[0]["text"]["text"], *body(message), *(e["text"] for e in details(message))]
    return sum(len([w for w in visible(text).split() if w not in ("·", "E")]) for text in texts)


def broadcast(alert, item):
    return render_notification(Notification("C1", NotificationKind.REPLY, "k", alert, news=item))


# --- lengths ----------------------------------------------------------------------------------------------------------


@PHASE
def test_the_headline_has_60_characters_at_most(alert):
    assert len(alert_view.headline(alert).text) <= 60


@PHASE
def test_the_body_has_five_lines_of_95_visible_characters_at_most(alert):
    lines = body(render_notification(parent(alert), link_url=LINK))
    assert 1 <= len(lines) <= 5
    assert max(len(visible(line)) for line in lines) <= 95


@PHASE
def test_an_alert_has_85_words_at_most(alert):
    assert words_of(render_notification(parent(alert), link_url=LINK)) <= 85


@pytest.mark.parametrize(("phase", "most"), [("new", 65), ("one service", 40), ("all clear", 65)])
def test_the_usual_phases_are_shorter(phase, most):
    assert words_of(render_notification(parent(PHASES[phase]))) <= most


@BROADCAST
def test_a_broadcast_has_40_words_at_most(alert, item):
    assert len(broadcast(alert, item).text.split()) <= 40


@PHASE
def test_labels_of_buttons_are_short(alert):
    actions = [e for a in render_notification(parent(alert)).attachments for e in a["blocks"][-1]["elements"]]
    labels = [e["text"]["text"] for e in actions if e["type"] == "button"]
    assert all(len(label) <= 16 for label in labels)


# --- what a phone shows -----------------------------------------------------------------------------------------------


@PHASE
def test_the_text_is_words_only(alert):
    text = render_notification(parent(alert), link_url=LINK).text
    assert "<" not in text
    assert not EMOJI.search(text)
    assert text.isprintable()


@PHASE
def test_the_text_fits_a_phones_notification_or_says_what_is_decisive_in_it(alert):
    text = render_notification(parent(alert)).text
    assert len(text) <= 600
    first = text[:150]
    assert first.startswith(alert_view.headline(alert).text)
    groups = list(alert_view.advice_groups(alert))
    if groups and alert.closed_at is None:
        assert groups[0].phrase in first


@pytest.mark.parametrize(
    "phase", ["new", "wider", "monitoring", "resolved", "repeat", "suspected", "one service", "forty services"]
)
def test_a_phone_shows_status_service_advice_and_time(phase):
    text = render_notification(parent(PHASES[phase])).text[:150]
    assert any(str(status) in text for status in Status) or "down" in text
    assert "etry" in text
    assert re.search(r"\d\d:\d\d UTC", text)


@BROADCAST
def test_a_broadcast_says_what_is_decisive_in_150_characters(alert, item):
    text = broadcast(alert, item).text[:150]
    assert alert.provider_name in text
    assert "etry" in text


@PHASE
def test_the_blocks_alone_name_every_advice(alert):
    text = " ".join(body(render_notification(parent(alert))))
    if alert.closed_at is None and alert.missed is None:
        assert all(group.phrase in text for group in alert_view.advice_groups(alert))


# --- emoji and colours ------------------------------------------------------------------------------------------------

WORDS_AFTER = {style.emoji: [status] for status, style in STATUS_STYLES.items()} | {
    style.emoji: [style.phrase] for style in words.ADVICE_STYLES.values()
}
WORDS_AFTER[":white_check_mark:"] = ["Safe to retry", "operational", "completed", "removed"]
WORDS_AFTER[":arrow_right_hook:"] = ["Use instead"]
WORDS_AFTER[":grey_question:"] = ["unknown", "Unknown"]
WORDS_AFTER[":red_circle:"] = ["outage", "down"]
WORDS_AFTER[":large_orange_diamond:"] = ["outage", "down"]
WORDS_AFTER[":information_source:"] = ["incident"]


@PHASE
def test_after_each_emoji_stands_its_word(alert):
    message = render_notification(parent(alert))
    for line in (message.blocks[0]["text"]["text"], *body(message)):
        for emoji in EMOJI.findall(line):
            assert any(word in line.partition(emoji)[2] for word in WORDS_AFTER[emoji]), line


@PHASE
def test_the_headlines_emoji_is_the_worst_status_and_the_bar_has_its_colour(alert):
    message = render_notification(parent(alert))
    bad = alert_view.bad_lines(alert)
    [attachment] = message.attachments
    emoji = message.blocks[0]["text"]["text"].partition(" ")[0]
    if bad:
        style = STATUS_STYLES[min((alert_view.status_of(line) for line in bad), key=lambda status: status.rank)]
        assert (emoji, attachment["color"]) == (style.emoji, style.bar)
    else:
        assert attachment["color"] in {STATUS_STYLES[s].bar for s in Status if not s.is_bad}


# --- figures, times, counts -------------------------------------------------------------------------------------------


@PHASE
def test_every_percentage_says_of_what(alert):
    message = render_notification(parent(alert))
    for text in (message.text, *body(message), *(e["text"] for e in details(message))):
        assert all(re.match(r"% (load|of \d)", text[m.start() :]) for m in re.finditer("%", text))


@PHASE
def test_every_clock_time_in_blocks_is_the_readers_own(alert):
    message = render_notification(parent(alert), link_url=LINK)
    assert not re.search(r"\d\d:\d\d", message.blocks[0]["text"]["text"])
    for text in (*body(message), *(e["text"] for e in details(message))):
        assert not re.search(r"\d\d:\d\d", TOKEN.sub("", text))


@PHASE
def test_no_time_that_is_ahead_has_passed(alert):
    for line in body(render_notification(parent(alert))):
        for match in re.finditer(r"(next update by|from|re-check|planned end) \*?<!date\^(\d+)", line):
            assert int(match[2]) > alert.as_of.timestamp(), line


def test_down_counts_outages_and_partial_outages_only():
    assert alert_view.headline(PHASES["forty services"]).text == "Acme: 3 down, 37 degraded"


def test_nothing_is_shown_as_safe_while_the_page_is_not_readable():
    assert "Safe to retry" not in str(render_notification(parent(PHASES["unreadable"])).blocks)


# --- Slack, banned words ----------------------------------------------------------------------------------------------


def rendered():
    for alert in PHASES.values():
        yield render_notification(parent(alert), link_url=LINK)
    for alert, item in BROADCASTS.values():
        yield broadcast(alert, item)


def test_no_rendered_text_has_a_banned_word():
    for message in rendered():
        assert banned_words(f"{message.text} {message.blocks} {message.attachments}") == [], message.text


def test_slack_takes_every_phase_and_every_broadcast():
    for message in rendered():
        assert_sendable(message)


@PHASE
def test_an_alert_has_text_blocks_and_a_bar(alert):
    message = render_notification(parent(alert))
    assert message.text
    assert len(message.blocks) == 2
    assert len(message.attachments) == 1


@PHASE
def test_no_sentence_of_an_alert_is_longer_than_20_words(alert):
    for line in alert_view.lines(alert):
        for sentence in re.split(r"[.·]\s", markup.to_plain(line)):
            assert len(sentence.split()) <= 20, sentence
