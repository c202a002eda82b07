"""Whatever is logged or printed loses its secrets on the way, and nothing else."""

import io
import logging
import sys

import pytest

from bot.app import redaction
from bot.app.redaction import PLACEHOLDER, RedactingFormatter, redact_secrets

SECRETS = {
    "a bot token": ("xoxb-12-34-abCD", "the token xoxb-12-34-abCD is refused"),
    "an app token": ("xapp-1-A0-7-abc", "xapp-1-A0-7-abc"),
    "a rotated token": ("xoxe.xoxb-1-abc", "got xoxe.xoxb-1-abc."),
    "a refresh token": ("xoxe-1-abc", "'xoxe-1-abc'"),
    "a response url": ("T0/1/abc", "POST https://hooks.slack.com/commands/T0/1/abc failed"),
    "a webhook": ("T0/B0/xyz", "https://hooks.slack.com/services/T0/B0/xyz"),
    "a socket's ticket": ("abc-def", "wss://wss-primary.slack.com/link/?ticket=abc-def&app_id=1"),
    "a payload's response url": ("127.0.0.1/r/9", '{"response_url": "http://127.0.0.1/r/9", "a": 1}'),
    "a header": ("abc.def", "Authorization: Bearer abc.def"),
    "a header in a repr": ("abc.def", "{'authorization': 'Basic abc.def'}"),
    "a bearer": ("abcdef123456", "sent Bearer abcdef123456"),
    "a writer's token": ("brownout_" + "aB-_" * 11, f"the token brownout_{'aB-_' * 11} is not known"),
    "an address with a password": ("pa55", "https://me:pa55@status.example.com/"),
}


@pytest.mark.hostile(58)
@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_gone(name):
    secret, text = SECRETS[name]
    assert secret in text
    assert secret not in redact_secrets(text)
    assert PLACEHOLDER in redact_secrets(text)


@pytest.mark.parametrize(
    "text",
    [
        "12:06 Claude API: hold off until 12:36 UTC (review)",
        "https://status.example.com/incidents/1?x=1",
        "the bearer of news; authorization is refused; 3:4@5",
        "see https://slack.com/api/ and docs.slack.com/link/",
    ],
)
def test_what_is_no_secret_stays(text):
    assert redact_secrets(text) == text


def test_a_secret_that_is_known_needs_no_shape():
    assert redact_secrets("the secret is 8f742231b10e", ["8f742231b10e"]) == f"the secret is {PLACEHOLDER}"


@pytest.fixture
def log():
    """A logger whose every word is kept as it would be written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(RedactingFormatter(logging.Formatter("%(message)s"), ["shh-known"]))
    logger = logging.Logger("any")  # noqa: LOG001  (one that nothing else knows)
    logger.addHandler(handler)
    return logger, written


def test_arguments_of_a_log_line_lose_theirs(log):
    logger, written = log
    logger.warning("%s and %r", "xoxb-1-a", {"token": "shh-known"})
    assert written.getvalue() == f"{PLACEHOLDER} and {{'token': '{PLACEHOLDER}'}}\n"


@pytest.mark.hostile(58)
def test_a_traceback_loses_its_own(log):
    logger, written = log
    try:
        raise ValueError("bad token xoxb-1-a")  # noqa: TRY301
    except ValueError:
        logger.exception("no")
    assert "ValueError: bad token [secret]" in written.getvalue()


def test_a_crash_loses_its_own(monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    redaction.install_redaction(["shh-known"])
    sys.excepthook(KeyError, KeyError("xoxb-1-a shh-known"), None)
    assert "xoxb" not in (said := capsys.readouterr().err)
    assert PLACEHOLDER in said


def test_a_secret_that_begins_as_a_shorter_one_does_leaves_no_rest():
    assert redact_secrets("key abcdef-123456", ("abcdef", "abcdef-123456")) == "key [secret]"
