"""Slack's tokens, from the environment and from files: every mistake at once, and never a value in a sentence."""

import pytest

from bot.slack import credentials
from bot.slack.credentials import SlackTokens

SOCKET = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
HTTP = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef"}


def names(found):
    return [line.split(" ")[0].rstrip(":") for line in found.errors]


@pytest.mark.parametrize(
    ("environment", "mode"), [(SOCKET, "socket"), (HTTP, "http"), (SOCKET | HTTP, "socket"), ({}, None)]
)
def test_what_is_set_decides_how_slack_is_heard(environment, mode):
    assert credentials.read_tokens(environment).tokens.mode == mode


@pytest.mark.parametrize("environment", [SOCKET, HTTP, SOCKET | HTTP])
def test_right_tokens_are_no_mistake(environment):
    assert credentials.read_tokens(environment).errors == ()


def test_both_modes_at_once_say_which_one_it_is():
    [line] = credentials.read_tokens(SOCKET | HTTP).warnings
    assert "SLACK_SIGNING_SECRET is not used: SLACK_APP_TOKEN is set" in line


def test_both_missing_tokens_are_named():
    assert names(credentials.read_tokens({})) == ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"]


def test_without_any_token_nothing_keeps_a_bot_from_the_terminal():
    assert credentials.startup_mistakes(credentials.read_tokens({}), is_web_on=True) == []


@pytest.mark.parametrize("name", [*SOCKET, "SLACK_SIGNING_SECRET"])
def test_one_token_alone_is_a_mistake(name):
    assert credentials.startup_mistakes(credentials.read_tokens({name: (SOCKET | HTTP)[name]}), is_web_on=True) != []


@pytest.mark.hostile(58)
@pytest.mark.parametrize(
    "value", ["xapp-secret", "secret", "xoxp-secret", " xoxb-secret", "xoxb-secret\n", "xoxb-se cret", "xoxb-sécret"]
)
def test_a_token_of_another_kind_or_shape_is_named_and_not_shown(value):
    found = credentials.read_tokens(SOCKET | {"SLACK_BOT_TOKEN": value})
    assert names(found) == ["SLACK_BOT_TOKEN"]
    assert "cret" not in found.errors[0]


@pytest.mark.parametrize("value", ["xoxb-0123456789abcdef", "5hort", "0123456789abcdef 0123456789abcdef"])
def test_a_signing_secret_that_is_none_is_named_and_not_shown(value):
    found = credentials.read_tokens(HTTP | {"SLACK_SIGNING_SECRET": value})
    assert names(found) == ["SLACK_SIGNING_SECRET"]
    assert value not in found.errors[0]


def test_http_mode_needs_the_web_interface():
    [line] = credentials.startup_mistakes(credentials.read_tokens(HTTP), is_web_on=False)
    assert "[web] enabled = false" in line


@pytest.mark.hostile(58)
def test_no_repr_has_a_secret():
    assert repr(SlackTokens("xoxb-1", "xapp-1", "shh")) == "SlackTokens(url='')"


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
    found = credentials.read_tokens(file(b"xoxb-filed\n"))
    assert (found.tokens.bot, found.errors, found.warnings) == ("xoxb-filed", (), ())


@pytest.mark.hostile(
    57,
    "a token in a file that others may read, that is empty, a folder, 5 KB, no text",
    "told with what to do; never the value",
)
@pytest.mark.parametrize("mode", [0o640, 0o644, 0o606])
def test_a_file_that_others_may_read_is_told_and_used(file, mode):
    found = credentials.read_tokens(file(b"xoxb-filed", mode))
    assert (found.tokens.bot, found.errors) == ("xoxb-filed", ())
    assert "others on this machine may read" in found.warnings[0]
    assert "xoxb-filed" not in found.warnings[0]


@pytest.mark.hostile(57)
@pytest.mark.parametrize(
    ("content", "why"), [(b"", "is empty"), (b"x" * 5000, "is too long"), (b"\xff\xfe", "it is no plain text")]
)
def test_a_file_that_holds_no_token_is_named_once(file, content, why):
    [line] = credentials.read_tokens(file(content)).errors
    assert line.startswith("SLACK_BOT_TOKEN_FILE: ")
    assert why in line


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_a_file_that_is_none_is_named(tmp_path, path):
    [line] = credentials.read_tokens(
        SOCKET | {"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": str(tmp_path / path)}
    ).errors
    assert "can't be read" in line


def test_a_token_given_twice_is_a_mistake(file):
    [line] = credentials.read_tokens(file(b"xoxb-filed") | {"SLACK_BOT_TOKEN": "xoxb-2"}).errors
    assert "both set" in line


def test_a_file_alone_that_can_not_be_read_keeps_the_bot_from_starting_in_the_terminal():
    assert (
        credentials.startup_mistakes(credentials.read_tokens({"SLACK_BOT_TOKEN_FILE": "nowhere"}), is_web_on=True) != []
    )


# --- read again ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path):
    """Tokens from files, in use."""
    for name, value in (("bot", "xoxb-1"), ("app", "xapp-1")):
        (tmp_path / name).write_text(value)
        (tmp_path / name).chmod(0o600)
    environment = {"SLACK_BOT_TOKEN_FILE": str(tmp_path / "bot"), "SLACK_APP_TOKEN_FILE": str(tmp_path / "app")}
    return credentials.TokenSource(environment, credentials.read_tokens(environment).tokens)


def test_a_token_file_that_was_written_again_gives_another_token(source, tmp_path):
    (tmp_path / "bot").write_text("xoxb-2")
    assert (source.reload(), source.tokens.bot) == (True, "xoxb-2")


def test_who_uses_the_token_is_told(source, tmp_path):
    told = []
    source.on_change.append(told.append)
    (tmp_path / "bot").write_text("xoxb-2")
    source.reload()
    assert told == [source.tokens]


def test_the_same_token_is_nothing_new(source):
    assert source.reload() is False


def test_a_file_that_is_wrong_for_a_moment_keeps_the_token_in_use(source, tmp_path):
    (tmp_path / "bot").write_text("")
    assert (source.reload(), source.tokens.bot) == (False, "xoxb-1")


@pytest.mark.parametrize(("environment", "may_change"), [(SOCKET, False), ({"SLACK_BOT_TOKEN_FILE": "/x"}, True)])
def test_a_token_in_the_environment_stays_what_it_is(environment, may_change):
    assert credentials.TokenSource(environment, SlackTokens("xoxb-1")).may_change is may_change
