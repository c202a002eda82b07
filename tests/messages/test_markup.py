"""One text, in Slack's markup and in words."""

from datetime import UTC, datetime, timedelta

from hypothesis import given

from bot.messages import markup
from tests.support.samples import NOON, hostile

TEXT = f"{markup.emoji(':warning:')} {markup.bold('Acme & Co:')} at {markup.time(NOON, NOON)}"


def test_slack_gets_markup():
    assert markup.to_mrkdwn(TEXT) == ":warning: *Acme &amp; Co:* at <!date^1777896000^{time}|12:00 UTC>"


def test_phones_get_words():
    assert markup.to_plain(TEXT) == "Acme & Co: at 12:00 UTC"


def test_a_time_of_another_day_has_its_date():
    text = markup.time(NOON, NOON + timedelta(days=1))
    assert markup.to_plain(text) == "4 May 12:00 UTC"
    assert "{date_short_pretty} {time}" in markup.to_mrkdwn(text)


def test_a_link_is_its_label_in_words():
    text = markup.link("https://acme.example/a?b&c", "“A|B”")
    assert (markup.to_mrkdwn(text), markup.to_plain(text)) == ("<https://acme.example/a?b&c|“A¦B”>", "“A|B”")


def test_what_is_no_address_is_no_link():
    assert markup.to_mrkdwn(markup.link("javascript:alert(1)", "here")) == "here"


def test_times_in_our_sentences_become_the_readers_own_of_the_nearest_day():
    midnight = datetime(2026, 5, 5, 0, 10, tzinfo=UTC)
    text = markup.with_times("no errors since 23:50 UTC", midnight)
    assert markup.to_plain(text) == "no errors since 4 May 23:50 UTC"


@given(hostile)
def test_no_text_of_a_vendor_is_markup(words):
    assert markup.to_plain(markup.clean(words)) == markup.clean(words)
    assert "<" not in markup.to_mrkdwn(markup.clean(words))


def test_a_time_after_a_date_is_not_taken_for_the_nearest_one():
    text = "Last good check 2 Mar 16:59 UTC, or 2026-03-02 16:59 UTC."
    assert markup.with_times(text, NOON) == text
