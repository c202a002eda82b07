"""The validator itself: it passes what Slack takes and names each thing that Slack would refuse."""

import pytest

from bot.domain import Message
from tests.support.slack_limits import assert_sendable, problems


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text, **more):
    return {"type": "mrkdwn", "text": text, **more}


def section(text="s", **more):
    return {"type": "section", "text": mrkdwn(text), **more}


def button(text="b", **more):
    return {"type": "button", "text": plain(text), "action_id": "a", "value": "v", **more}


def actions(*elements):
    return {"type": "actions", "elements": list(elements)}


def select(*options, **more):
    kind = {"type": "static_select", "action_id": "s", "placeholder": plain("p")}
    return {**kind, "options": [{"text": plain(text), "value": value} for text, value in options], **more}


GOOD = (
    {"type": "header", "text": plain("Claude API: major outage")},
    section("*Hold off.* <https://status.claude.com/incidents/1|Vendor's page> &lt;&amp;&gt;", block_id="b1"),
    {"type": "section", "text": mrkdwn("At <!date^1772452140^{time}|11:49 UTC>, says @here", verbatim=True)},
    {"type": "section", "fields": [mrkdwn("f"), plain("g")]},
    {"type": "divider"},
    {"type": "context", "elements": [mrkdwn("c"), {"type": "image", "image_url": "https://x/y.png", "alt_text": "z"}]},
    actions(
        button(
            style="danger",
            confirm={"title": plain("t"), "text": plain("t"), "confirm": plain("t"), "deny": plain("t")},
        ),
        select(("one", "1"), ("two", "2")),
    ),
)


def test_a_good_message_has_no_problems():
    assert problems(Message("Claude API: major outage. Hold off.", GOOD)) == []


def test_a_plain_text_message_has_no_problems():
    assert problems(Message("All quiet.")) == []


def test_every_problem_is_named_at_once():
    with pytest.raises(AssertionError) as caught:
        assert_sendable(Message("", (section("x" * 3001), {"type": "nope"})))
    assert "text: empty" in str(caught.value)
    assert "blocks[0].text: 3001 characters, 1 to 3000 are taken" in str(caught.value)
    assert "blocks[1]: no block type that slack_sdk knows: 'nope'" in str(caught.value)


@pytest.mark.parametrize(
    ("block", "where"),
    [
        (section(""), "text: 0 characters"),
        (section("x" * 3001), "text: 3001 characters"),
        ({"type": "section"}, "a section needs text or fields"),
        ({"type": "section", "fields": [mrkdwn("x" * 2001)]}, "fields[0].text: 2001 characters"),
        ({"type": "section", "fields": [mrkdwn("")]}, "fields[0].text: 0 characters"),
        ({"type": "section", "fields": [mrkdwn("f")] * 11}, "fields: 11 items"),
        ({"type": "header", "text": plain("x" * 151)}, "text: 151 characters"),
        ({"type": "header", "text": mrkdwn("x")}, "must be plain_text"),
        ({"type": "context", "elements": [mrkdwn("c")] * 11}, "elements: 11 items"),
        ({"type": "context", "elements": []}, "elements: 0 items"),
        ({"type": "context", "elements": [mrkdwn("c" * 3001)]}, "elements[0].text: 3001 characters"),
        (actions(*(button(action_id=f"a{i}") for i in range(26))), "elements: 26 items"),
        (actions(button("x" * 76)), "elements[0].text: 76 characters"),
        (actions(button(value="x" * 2001)), "elements[0].value: 2001 characters"),
        (actions(button(url="https://x/" + "y" * 3000)), "elements[0].url: 3010 characters"),
        (actions(button(accessibility_label="x" * 76)), "accessibility_label: 76 characters"),
        (actions(button(style="loud")), "style"),
        (actions(button(action_id="x" * 256)), "action_id: 256 characters"),
        (actions(select(("x" * 76, "1"))), "options[0].text: 76 characters"),
        (actions(select(("x", "1" * 151))), "options[0].value: 151 characters"),
        (actions(select(*[("x", "1")] * 101)), "options: 101 items"),
        (actions(select(("x", "1"), placeholder=plain("p" * 151))), "placeholder.text: 151 characters"),
        ({"type": "image", "image_url": "https://x/y.png", "alt_text": ""}, "alt_text"),
        ({"type": "image", "image_url": "https://x/y.png"}, "alt_text"),
        (section(block_id="x" * 256), "block_id: 256 characters"),
        (section(expland=True), "slack_sdk reads it as"),
        ({"type": "markdown", "text": "x" * 12_001}, "text: 12001 characters"),
    ],
)
def test_what_slack_refuses_is_named(block, where):
    assert any(where in line for line in problems(Message("t", (block,))))


def test_fifty_one_blocks_are_too_many():
    assert problems(Message("t", ({"type": "divider"},) * 51)) == ["blocks: 51 of them, at most 50"]


def test_all_blocks_together_have_a_limit():
    assert problems(Message("t", (section("x" * 2700),) * 5)) == ["blocks: 13500 characters together, at most 13000"]


def test_a_text_that_chat_update_refuses_is_named():
    assert problems(Message("é" * 4001)) == ["text: 4001 characters, at most 4000"]


def test_a_block_id_is_used_once():
    assert problems(Message("t", (section(block_id="b"),) * 2)) == ["block_id 'b' is used 2 times"]


def test_an_action_id_is_used_once_in_a_message():
    assert problems(Message("t", (actions(button()), actions(button())))) == ["action_id 'a' is used 2 times"]


TOKENS = ["!channel", "!here", "!everyone", "!subteam^S1", "@U123", "@W1|bob", "#c1", "!date^x", "javascript:1|x"]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("place", ["text", "mrkdwn", "field", "context", "markdown"])
def test_a_token_that_rings_or_misleads_is_named(token, place):
    words = f"look <{token}> here"
    message = {
        "text": Message(words),
        "mrkdwn": Message("t", (section(words),)),
        "field": Message("t", ({"type": "section", "fields": [mrkdwn(words)]},)),
        "context": Message("t", ({"type": "context", "elements": [mrkdwn(words)]},)),
        "markdown": Message("t", ({"type": "markdown", "text": words},)),
    }[place]
    [line] = problems(message)
    assert f"<{token}> is a token that we do not send" in line


def test_a_mention_that_was_asked_for_is_let_through():
    assert problems(Message("<!subteam^S1> look"), mentions={"!subteam^S1"}) == []


def test_a_raw_angle_bracket_is_named():
    assert problems(Message("a < b")) == ["text: a raw '<' before ' b'; write &lt;"]


def test_plain_text_may_hold_angle_brackets():
    assert problems(Message("t", ({"type": "header", "text": plain("<!channel>")},))) == []


def test_at_here_without_verbatim_is_named():
    [line] = problems(Message("t", (section("ping @here"),)))
    assert "verbatim" in line
