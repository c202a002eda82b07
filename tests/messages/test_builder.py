"""Paragraphs -> one message, inside every limit, whole in its text."""

from dataclasses import replace
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.messages import block_kit, formatting
from bot.messages.builder import Paragraph, build_message
from tests.support.samples import NOON, hostile
from tests.support.slack_limits import assert_sendable

SLOW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def as_slack_gets_it(message):
    """What the server sends: the text is cut there and only there."""
    return replace(message, text=block_kit.truncate_mrkdwn(message.text, block_kit.MAX_TEXT))


def drawn(message):
    return "\n".join(str(b.get("text", {}).get("text", "")) for b in message.blocks)


@pytest.mark.hostile(
    12,
    "an incident called `<!channel> <@U1> <!subteam^S1> <https://evil|status.good.com>`",
    "escaped: rings nobody, no link but ours",
)
def test_a_vendors_mention_is_shown_as_letters():
    message = build_message("Title", [Paragraph("<!channel> help", is_quote=True)])
    assert drawn(message) == "Title\n> &lt;!channel&gt; help"


def test_bold_is_bold_in_slack_and_plain_in_text():
    message = build_message("", ["**claude** `x`"])
    assert (drawn(message), message.text) == ("*claude* `x`", "claude x")


def test_a_quote_keeps_its_stars():
    assert build_message("", [Paragraph("**really**", is_quote=True)]).text == "&gt; **really**"


def test_every_line_of_a_quote_is_marked():
    assert unescape(build_message("", [Paragraph("a\nb", is_quote=True)]).text) == "> a\n> b"


def test_a_long_list_is_packed_and_nothing_of_it_is_left_out():
    message = build_message("Many", [f"line {n}" for n in range(400)])
    assert "line 399" in drawn(message)
    assert len(message.blocks) < block_kit.MAX_BLOCKS


def test_what_does_not_fit_is_counted():
    message = build_message("Many", ["x" * 2000] * 20)
    assert drawn(message).endswith("… and 14 more; the command line shows all of it")


def test_the_text_is_whole_where_the_blocks_are_not():
    assert build_message("Many", ["x" * 2000] * 20).text.count("x") == 40_000


@given(hostile, st.lists(st.tuples(hostile, st.booleans()), max_size=60))
@SLOW
def test_slack_takes_every_sheet(title, paragraphs):
    said = [Paragraph(text, quoted) for text, quoted in paragraphs if text.strip() or quoted]
    assert_sendable(as_slack_gets_it(build_message(title.strip() or "Title", said)))


# --- the shapes below -------------------------------------------------------------------------------------------------


@given(st.integers(20, 120))
def test_a_cut_leaves_no_half_of_a_time_or_a_link(limit):
    text = f"Since {block_kit.local_date(NOON)}: " + "<https://acme.example|Acme> " * 9
    kept = block_kit.truncate_mrkdwn(text, limit)
    assert kept.count("<") == kept.count(">")


@given(st.text("a<>&`*", max_size=80), st.integers(15, 60))
def test_escaped_text_that_is_cut_has_no_raw_sign(text, limit):
    assert "<" not in block_kit.truncate_mrkdwn(block_kit.escape(text), limit)


@given(hostile, st.integers(20, 200))
@SLOW
def test_a_cut_leaves_no_half_of_an_escape(text, limit):
    kept = block_kit.truncate_mrkdwn(block_kit.escape(text), limit).removesuffix("… (cut)")
    assert unescape(kept) in text


@given(hostile, st.integers(20, 200))
@SLOW
def test_a_cut_is_never_too_long_and_says_that_it_is_one(text, limit):
    kept = formatting.truncate(text, limit)
    assert len(kept) <= limit
    assert kept == text or kept.endswith("… (cut)")


@pytest.mark.parametrize("one", ["e\u0301", "\U0001f469\u200d\U0001f4bb", "\U0001f44d\U0001f3fd", "\u0915\u093f"])
@pytest.mark.parametrize("limit", range(20, 26))
def test_a_cut_is_never_inside_a_character(one, limit):
    kept = formatting.truncate(one * 40, limit).removesuffix("… (cut)")
    assert kept == one * (len(kept) // len(one))


@pytest.mark.hostile(12)
@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a|b", "https://a>b", "https://a b", "", "https://a<b"])
def test_only_a_clean_web_address_becomes_a_link(url):
    assert block_kit.safe_link(url, "page") == "page"


def test_a_label_ends_no_link():
    assert block_kit.safe_link("https://a.example", "x|y>z") == "<https://a.example|x¦y&gt;z>"


def test_a_date_has_a_fallback_in_utc():
    assert block_kit.local_date(NOON) == f"<!date^{int(NOON.timestamp())}^{{time}}|12:00 UTC>"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-300, "0 s"), (0, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "1 h"), (12120, "3 h 22 min"), (187200, "2 d 4 h")],
)
def test_a_span_in_words(seconds, said):
    assert formatting.format_duration(seconds) == said
