"""Slack's tokens, from the environment and from files: every mistake at once, and never a value in a sentence."""

import pytest

from bot.entry import tokens
from bot.entry.tokens import Tokens

SOCKET = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
HTTP = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef"}


def names(found):
    return [line.split(" ")[0].rstrip(":") for line in found.wrong]


@pytest.mark.parametrize(
    ("environment", "mode"), [(SOCKET, "socket"), (HTTP, "http"), (SOCKET | HTTP, "socket"), ({}, None)]
)
def test_what_is_set_decides_how_slack_is_heard(environment, mode):
    assert tokens.read(environment).tokens.mode == mode


@pytest.mark.parametrize("environment", [SOCKET, HTTP, SOCKET | HTTP])
def test_right_tokens_are_no_mistake(environment):
    assert tokens.read(environment).wrong == ()


def test_both_modes_at_once_say_which_one_it_is():
    [line] = tokens.read(SOCKET | HTTP).unwise
    assert "SLACK_SIGNING_SECRET is not used: SLACK_APP_TOKEN is set" in line


def test_both_missing_tokens_are_named():
    assert names(tokens.read({})) == ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"]


def test_without_any_token_nothing_keeps_a_bot_from_the_terminal():
    assert tokens.mistakes(tokens.read({}), is_web_on=True) == []


@pytest.mark.parametrize("name", [*SOCKET, "SLACK_SIGNING_SECRET"])
def test_one_token_alone_is_a_mistake(name):
    assert tokens.mistakes(tokens.read({name: (SOCKET | HTTP)[name]}), is_web_on=True) != []


@pytest.mark.hostile(58)
@pytest.mark.parametrize(
    "value", ["xapp-secret", "secret", "xoxp-secret", " xoxb-secret", "xoxb-secret\n", "xoxb-se cret", "xoxb-sécret"]
)
def test_a_token_of_another_kind_or_shape_is_named_and_not_shown(value):
    found = tokens.read(SOCKET | {"SLACK_BOT_TOKEN": value})
    assert names(found) == ["SLACK_BOT_TOKEN"]
    assert "cret" not in found.wrong[0]


@pytest.mark.parametrize("value", ["xoxb-0123456789abcdef", "5hort", "0123456789abcdef 0123456789abcdef"])
def test_a_signing_secret_that_is_none_is_named_and_not_shown(value):
    found = tokens.read(HTTP | {"SLACK_SIGNING_SECRET": value})
    assert names(found) == ["SLACK_SIGNING_SECRET"]
    assert value not in found.wrong[0]


def test_http_mode_needs_the_web_door():
    [line] = tokens.mistakes(tokens.read(HTTP), is_web_on=False)
    assert "[web] enabled = false" in line


@pytest.mark.hostile(58)
def test_no_repr_has_a_secret():
    assert repr(Tokens("xoxb-1", "xapp-1", "shh")) == "Tokens(url='')"


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    def write(content, mode=0o600):
        path = tmp_path / "bot-token"
        path.write_bytes(content)
        path.chmod(mode)
        return SOCKET | {"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": str(path)}

    return write


def test_a_token_may_stand_in_a_file(file):
    found = tokens.read(file(b"xoxb-filed\n"))
    assert (found.tokens.bot, found.wrong, found.unwise) == ("xoxb-filed", (), ())


@pytest.mark.hostile(
    57,
    "a token in a file that others may read, that is empty, a folder, 5 KB, no text",
    "told with what to do; never the value",
)
@pytest.mark.parametrize("mode", [0o640, 0o644, 0o606])
def test_a_file_that_others_may_read_is_told_and_used(file, mode):
    found = tokens.read(file(b"xoxb-filed", mode))
    assert (found.tokens.bot, found.wrong) == ("xoxb-filed", ())
    assert "others on this machine may read" in found.unwise[0]
    assert "xoxb-filed" not in found.unwise[0]


@pytest.mark.hostile(57)
@pytest.mark.parametrize(
    ("content", "why"), [(b"", "is empty"), (b"x" * 5000, "is too long"), (b"\xff\xfe", "it is no plain text")]
)
def test_a_file_that_holds_no_token_is_named_once(file, content, why):
    [line] = tokens.read(file(content)).wrong
    assert line.startswith("SLACK_BOT_TOKEN_FILE: ")
    assert why in line


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_a_file_that_is_none_is_named(tmp_path, path):
    [line] = tokens.read(SOCKET | {"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": str(tmp_path / path)}).wrong
    assert "can't be read" in line


def test_a_token_given_twice_is_a_mistake(file):
    [line] = tokens.read(file(b"xoxb-filed") | {"SLACK_BOT_TOKEN": "xoxb-2"}).wrong
    assert "both set" in line


def test_a_file_alone_that_can_not_be_read_keeps_the_bot_from_starting_in_the_terminal():
    assert tokens.mistakes(tokens.read({"SLACK_BOT_TOKEN_FILE": "nowhere"}), is_web_on=True) != []
