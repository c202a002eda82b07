"""What people type, in Slack's command, a mention or a direct message, each with its right answer.

The catalogue is the shipped one. Every row is answered from an empty channel; the last column is what it changes.
"""

from datetime import timedelta
from html import unescape

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot import settings
from bot.commands import grammar
from bot.commands.registry import COMMANDS, answer_command, is_read_only
from bot.domain import Subscription
from bot.queries.current import StatusQueries
from tests.support.acme import NOON
from tests.support.slack_limits import assert_sendable

SETTINGS = settings.load()
WATCHED = tuple(p for p in SETTINGS.providers if p.enabled)
OFF = tuple(p for p in SETTINGS.providers if not p.enabled)


@pytest.fixture
def queries(repository):
    return StatusQueries(WATCHED, repository, lambda: NOON, SETTINGS.rules_for, available=OFF)


def changed(repository, channel="C1"):
    """What the channel has afterwards: subscriptions with their severity, mutes with their hours, and reports."""
    found = {f"+{s.target}:{s.minimum}" for s in repository.subscriptions(channel)}
    found |= {
        f"mute {m.target} {(m.until - NOON) / timedelta(hours=1):g}h" for m in repository.user_actions.mutes(channel)
    }
    return found | {f"report {surface}" for surface in repository.user_actions.report_counts(NOON - timedelta(hours=1))}


UNKNOWN, SEVERAL, NEAR = "Unknown command", "Which one?", "Closest:"
QUESTIONS = [
    # --- status, with and without its name, in any case and with grammar
    ("", "No data yet."),
    ("status", "No data yet."),
    ("STATUS", "No data yet."),
    ("status all", "No data yet."),
    ("status everything?", "No data yet."),
    ("menu", "No data yet."),
    ("claude", "Claude"),
    ("Claude", "Claude"),
    ("claude?", "Claude"),
    ("status claude", "Claude"),
    ("status of claude", "Claude"),
    ("status for the claude api please", "Claude API"),
    ("claude status", "Claude"),
    ("anthropic", "Claude"),
    ("chatgpt", "OpenAI"),
    ("chat gpt", "OpenAI"),
    ("gh", "GitHub"),
    ("gcp", "Google Cloud"),
    ("copilot", "GitHub Copilot"),
    ("codex", "Codex"),
    ("claude-api", "Claude API"),
    ("claude api", "Claude API"),
    ("Claude\u00a0API", "Claude API"),
    ("claude\u2011api", "Claude API"),
    ("`claude-api`", "Claude API"),
    ("githubactions", "GitHub Actions"),
    ("github actions", "GitHub Actions"),
    ("pull requests", "GitHub PRs"),
    ("claude sign in", "Claude login"),
    ("status claude, github", "GitHub"),
    ("status claude and openai", "OpenAI"),
    # --- questions in words
    ("is claude down?", "Claude"),
    ("is Claude down", "Claude"),
    ("Is the claude api up?", "Claude API"),
    ("is claude ok?", "Claude"),
    ("is chat gpt working right now?", "OpenAI"),
    ("claude down?", "Claude"),
    ("claude is down", "Claude"),
    ("isn\u2019t claude down?", "Claude"),
    ("are github actions slow today?", "GitHub Actions"),
    ("what's up with claude?", "Claude"),
    ("how is openai doing?", "OpenAI"),
    ("does copilot work?", "GitHub Copilot"),
    ("hey, is github down for anyone else?", "GitHub"),
    ("is anything down?", "No data yet."),
    ("what is broken?", "No data yet."),
    ("what's down", "No data yet."),
    ("is claude down in europe?", "Claude"),
    # --- retry, in words too
    ("retry claude-api", "Claude API"),
    ("retry claude api?", "Claude API"),
    ("retry the claude api please", "Claude API"),
    ("can I retry claude-api?", "Claude API"),
    ("is it safe to retry claude-api?", "Claude API"),
    ("should we retry claude-api now?", "Claude API"),
    ("claude-api retry", "Claude API"),
    ("retry claude-api, openai-api", "OpenAI API"),
    ("retry", "Which service? Example: /brownout retry claude-api"),
    ("retry claude", SEVERAL),
    ("can I retry?", "Which service?"),
    # --- the past
    ("history", "all providers"),
    ("history claude", "Claude"),
    ("history claude for 30d", "Claude"),
    ("claude history", "Claude"),
    ("history 2 weeks github", "GitHub"),
    ("history last 7 days", "all providers"),
    ("history claude last week", "Claude"),
    ("/brownout claude", "Claude"),
    ("uptime claude-api 90d", "Claude API"),
    ("summary", "No incidents recorded yet."),
    ("summary last", "No incidents recorded yet."),
    ("summary claude", "No incidents recorded for Claude."),
    ("summary abc123", "No incident “abc123”."),
    ("timeline", "Which incident?"),
    ("why", "No incidents recorded yet."),
    ("why is claude down?", "No incidents recorded for Claude."),
    ("history claude 1x", "“1x” is not a duration."),
    ("history claude yesterday", "No incidents recorded for Claude in 2 days"),
    ("uptime claude-api today", "Claude API"),
    ("what happened", "No incidents recorded yet."),
    ("what happened last week?", "No incidents recorded for all providers in 7 days"),
    ("what happened to claude", "No incidents recorded for Claude in 30 days"),
    ("last incident", "No incidents recorded yet."),
    # --- other questions
    ("help", "/brownout"),
    ("help mute", "mute"),
    ("help me", "Ask: status"),
    ("help with mute", "/brownout mute"),
    ("/help", "Ask: status"),
    ("/status claude", "Claude"),
    ("commands", "Ask: status"),
    ("services", "more providers are available but not watched"),
    ("list", "No subscriptions in this channel."),
    ("list all", " more providers are available but not watched"),
    ("sources", "claude"),
    # --- slips and parts are questions
    ("claud", "“claud” matches 9 services"),
    ("antropic", NEAR),
    ("retry antropic", NEAR),
    ("retry claude-aip", "Closest: claude-api"),
    ("api", "“api” matches"),
    ("is the api down?", "“api” matches"),
    ("login", "“login” matches"),
    ("github act", "Closest: github-actions"),
    ("gitub", NEAR),
    ("zebra", UNKNOWN),
    ("ping", UNKNOWN),
    ("xyzzy frobnicate", UNKNOWN),
    ("staus", "Did you mean status?"),
    ("subscrbe claude", "Did you mean subscribe?"),
    ("unmut claude", "Did you mean unmute?"),
    ("retry zebra", "No service called “zebra”."),
    ("is zebra down?", "No service called “zebra”."),
    ("mistral", "Mistral is available but not watched."),
    ("is mistral down?", "Mistral is available but not watched."),
    ("retry mistral api", "is available but not watched."),
    ("?", "No data yet."),
    ("* ' \" ; --", UNKNOWN),
]
CHANGES = [
    # --- subscriptions
    ("subscribe claude", "+claude:degraded"),
    ("Subscribe to Claude", "+claude:degraded"),
    ("please subscribe claude", "+claude:degraded"),
    ("subscribe claude please", "+claude:degraded"),
    ("subscribe claude, github and openai", "+claude:degraded +github:degraded +openai:degraded"),
    ("subscribe claude github", "+claude:degraded +github:degraded"),
    ("subscribe claude claude-api", "+claude:degraded +claude-api:degraded"),  # ids, though both words are in one name
    ("subscribe claude claude Claude anthropic", "+claude:degraded"),
    ("subscribe claude code, github actions", "+claude-code:degraded +github-actions:degraded"),
    ("subscribe chat gpt", "+openai:degraded"),
    ("subscribe copilot", "+github-copilot:degraded"),
    ("subscribe all of claude", "+claude:degraded"),
    ("subscribe claude min:major", "+claude:major_outage"),
    ("subscribe claude MIN:Major", "+claude:major_outage"),
    ("subscribe claude min:critical", "+claude:major_outage"),
    ("subscribe claude min:minor", "+claude:degraded"),
    ("subscribe claude min:outage", "+claude:major_outage"),
    ("subscribe claude outage only", "+claude:major_outage"),
    ("subscribe claude partial", "+claude:partial_outage"),
    ("subscribe claude from partial up", "+claude:partial_outage"),
    ("subscribe claude all severities", "+claude:degraded"),
    ("subscribe Cloudflare Access and Zero Trust", "+cloudflare-access:degraded"),
    ("subscribe slack calls and huddles, claude", "+slack-huddles:degraded +claude:degraded"),
    # --- mutes, with the time anywhere
    ("mute claude-api", "mute claude-api 1h"),
    ("mute claude-api 2h", "mute claude-api 2h"),
    ("mute claude-api for 2h", "mute claude-api 2h"),
    ("mute for 2h claude-api", "mute claude-api 2h"),
    ("mute 2h claude-api", "mute claude-api 2h"),
    ("mute claude-api for 1 h 30 min", "mute claude-api 1.5h"),
    ("mute claude api and claude code 2h", "mute claude-api 2h mute claude-code 2h"),
    ("mute claude-api until 14:00", "mute claude-api 2h"),
    ("mute claude-api until 3pm", "mute claude-api 3h"),
    ("mute until 14:30 claude-api", "mute claude-api 2.5h"),
    ("mute claude-api until 14:00 Europe/Berlin", "mute claude-api 1h"),
    ("mute claude-api until 11:00", "mute claude-api 23h"),
    ("mute claude-api for an hour", "mute claude-api 1h"),
    ("mute claude-api two hours", "mute claude-api 2h"),
    ("mute claude-api for three days", "mute claude-api 72h"),
    ("mute all 30m", "mute all 0.5h"),
    ("mute everything for 2h", "mute all 2h"),
    # --- reports, with prose behind the name
    ("report claude-login I can't log in", "report claude-login"),
    ("report claude login is down", "report claude-login"),
    ("report that the claude api is slow", "report claude-api"),
    ("report codex hangs", "report openai-codex"),
    ("report copilot", "report github-copilot"),
]
REFUSED = [
    ("report not working", "Which service?"),
    ("report I can't log in", "Which service?"),
    ("report search is broken", "Which service?"),
    ("report messages don't arrive", "Which service?"),
    ("report claude is down", "“Claude” has 9 services. Which one?"),
    ("report antropic is slow", "Which service?"),
    ("report", "Which service?"),
    ("report all", "Which service?"),
    ("report mistral is slow", "Mistral is available but not watched."),
    ("subscribe", "Which service? Example: /brownout subscribe claude"),
    ("subscribe antropic", NEAR),
    ("subscribe claud", "“claud” matches 9 services"),
    ("subscribe claude, antropic", NEAR),
    ("subscribe api", "“api” matches"),
    ("subscribe c", "No service called “c”."),
    ("subscribe not working", "No service called “not”."),
    ("subscribe mistral", "Mistral is available but not watched."),
    ("subscribe claude min:severe", "Unknown severity “severe”. Use: degraded, partial, outage, maintenance."),
    ("subscribe claude severe", "No service called “severe”."),
    ("subscribe claude mention:@ops", "Can't mention “@ops”."),
    ("subscribe min:major", "Which service?"),
    ("unsubscribe antropic", NEAR),
    ("unsubscribe claude", "This channel has no alerts for Claude."),
    ("mute", "Which service?"),
    ("mute 2h", "Which service?"),
    ("mute claud 2h", "“claud” matches 9 services"),
    ("mute claude-api 99x", "“99x” is not a duration. Examples: 30m, 2h, until 14:00."),
    ("mute claude-api 99d", "is out of range"),
    ("mute claude-api until lunch", "“lunch” is not a time."),
    ("mute claude-api until 25:00", "“25:00” is not a time."),
    ("mute claude-api until", "is not a time."),
    ("mute claude-api forever", "“forever” is not a duration. Examples: 30m, 2h, until 14:00."),
    ("mute claude-api tonight", "“tonight” is not a duration."),
    ("mute claude-api until tomorrow", "“tomorrow” is not a duration."),
    ("snooze claude-api 2h", UNKNOWN),
    ("silence claude", UNKNOWN),
    ("delete claude", UNKNOWN),
    ("remove claude", UNKNOWN),
    ("subscribe to my newsletter", "No service called “newsletter”."),
    ("subscribe #general claude", "No service called"),
    ("'; DROP TABLE subscriptions; --", UNKNOWN),
    ("claude; rm -rf /", UNKNOWN),
    ("subscribe <script>alert(1)</script>", "No service called"),
    ("unmute", "Nothing is muted in this channel."),
    ("unmute claude", "Nothing is muted in this channel."),
    ("mut claude 2h", "Did you mean `mute`?"),
    ("settings quiet 22-7", "Only the digest can be set by words"),
    ("note", "What is the note?"),
    ("label", "Which label?"),
]


def answer(queries, text):
    """The answer in words, which Slack takes."""
    message = answer_command(queries, text, "C1", "U1", "ada").message
    assert_sendable(message)
    return unescape(message.text).replace("`", "")


def test_there_are_enough_of_them():
    assert len(QUESTIONS) + len(CHANGES) + len(REFUSED) >= 120


@pytest.mark.parametrize(("typed", "said"), QUESTIONS)
def test_a_question_is_answered(queries, repository, typed, said):
    assert said in answer(queries, typed)
    assert changed(repository) == set()


@pytest.mark.parametrize(("typed", "change"), CHANGES)
def test_a_sure_name_is_acted_on(queries, repository, typed, change):
    answer(queries, typed)
    assert sorted(changed(repository)) == sorted(change.replace(" +", "|+").replace(" mute", "|mute").split("|"))


@pytest.mark.parametrize(("typed", "said"), REFUSED)
def test_what_is_not_sure_is_asked(queries, repository, typed, said):
    assert said.replace("`", "") in answer(queries, typed)
    assert changed(repository) == set()


@pytest.mark.parametrize(
    ("typed", "buttons"),
    [
        ("mute claude-aip for 2h", ["mute claude-api for 2h"]),
        ("subscribe gitub", ["subscribe github"]),
        ("staus claude", ["status claude", "help"]),
        ("ping", ["status", "help"]),
        ("zebra", ["status", "help"]),
        ("retry zebra", ["list all"]),
        ("mistral", ["watch mistral"]),
        ("summary abc123", ["history"]),
        ("report claude is slow", ["report claude-web is slow", "report claude-mobile is slow"]),
    ],
)
def test_a_question_has_a_button_for_each_answer(queries, typed, buttons):
    blocks = answer_command(queries, typed, "C1", "U1", "ada").message.blocks
    offered = [e["value"] for b in blocks if b["type"] == "actions" for e in b["elements"] if "value" in e]
    assert offered[: len(buttons)] == buttons


def test_the_choices_that_do_not_fit_in_a_row_are_in_a_menu(queries):
    blocks = answer_command(queries, "subscribe claud", "C1", "U1", "ada").message.blocks
    [row] = [b for b in blocks if b["type"] == "actions"]
    offered = [e["value"] for e in row["elements"] if "value" in e]
    offered += [o["value"] for e in row["elements"] for o in e.get("options", ())]
    assert offered == [
        "subscribe claude",
        *(f"subscribe {s.id}" for p in WATCHED if p.id == "claude" for s in p.surfaces),
    ]


@pytest.mark.parametrize("verb", ["subscribe", "unsubscribe", "mute", "unmute", "note", "label", "report", "watch"])
def test_a_courtesy_before_a_command_does_not_make_it_a_question(verb):
    assert not is_read_only(f"please {verb} claude")


IDS = {t.id for p in WATCHED for t in (p, *p.surfaces)}
FRAGMENTS = [
    "claud",
    "antropic",
    "not",
    "all",
    "working",
    "git",
    "api",
    "chat",
    "open",
    "ai",
    "log",
    "s",
    "min:",
    "for",
]
WORDS = st.sampled_from([*FRAGMENTS, *sorted(IDS), "2h", ",", "and", "until", "the", "copilot", "down", "14:00"])


@example(["not", "working"])
@example(["all"])
@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(WORDS, st.text(max_size=6)), min_size=1, max_size=5))
def test_a_subscription_is_only_ever_of_what_was_surely_named(queries, repository, typed):
    text = " ".join(typed)
    answer_command(queries, f"subscribe {text}", "C1", "U1", "ada")
    sure = _surely_named(queries, typed)
    targets = {s.target for s in repository.subscriptions("C1")}
    for target in targets:
        repository.unsubscribe("C1", target)
    assert targets <= sure


def _surely_named(queries, typed):
    """The targets that some words next to each other name exactly, and every provider where ``all`` was typed."""
    words = " ".join(typed).replace(",", " , ").split()
    spans = [" ".join(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1)]
    found = [queries.find_targets(span)[1] for span in spans]
    named = {targets[0].id for targets in found if len(targets) == 1}
    return named | ({p.id for p in WATCHED} if not grammar.ALL_WORDS.isdisjoint(w.casefold() for w in words) else set())


@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(COMMANDS)), st.text(alphabet="abcdeflnoprtu -", min_size=3, max_size=12))
def test_letters_that_name_nothing_change_nothing(queries, repository, verb, typed):
    if any(queries.find_targets(word)[1] for word in _spans(typed)) or grammar.is_all(typed.split()):
        return
    if verb in ("note", "label"):
        return
    repository.subscribe(Subscription("C9", "claude", created_at=NOON))
    answer_command(queries, f"{verb} {typed}", "C9", "U1", "ada")
    assert changed(repository, "C9") == {"+claude:degraded"}


def _spans(typed):
    words = typed.split()
    return [" ".join(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1)]
