"""What somebody may type, press or name, and what a vendor may write, so that it does more than be read."""

import json
import time
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from bot.commands import buttons, registry
from bot.commands.buttons import ButtonClick
from bot.domain import ChatUser, PollResult, ProviderState, Snapshot, VerdictParameters
from bot.formats import detection
from bot.messages.export import EXPORTERS, IncidentExport
from bot.messages.formatting import truncate
from bot.rules import transition
from tests.support.scenario import ACME, RED, START, Scenario, incident
from tests.support.slack_limits import assert_sendable

hostile = pytest.mark.hostile


@pytest.fixture
def scenario(tmp_path):
    scenario = Scenario(tmp_path / "town.db")
    scenario.breaks()
    yield scenario
    scenario.repository.close()


def say(scenario, text):
    """The answer, which Slack takes and which rings nobody."""
    reply = registry.answer_command(scenario.queries(), text, "C1", "U1", "ada")
    shown(reply.message)
    return reply.message.text


def shown(message):
    """Answers go to a response URL, which takes more text than an edit: it is cut where it is sent (test_slash)."""
    assert_sendable(replace(message, text=truncate(message.text, 4000)))


def rows(scenario):
    return {
        r["name"]: scenario.repository._db.rows(f'SELECT count(*) AS n FROM "{r["name"]}"')[0]["n"]  # noqa: S608
        for r in scenario.repository._db.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%_fts%'"
        )
    }


# --- what is typed ----------------------------------------------------------------------------------------------------

WRAPPED = {
    "<https://status.example.com|status.example.com>": "https://status.example.com",
    "<https://status.example.com>": "https://status.example.com",
    "https://status.example.com/\u200b": "https://status.example.com",
    "\u202ehttps://status.example.com\u202c": "https://status.example.com",
    "https://status.example.com\u00a0": "https://status.example.com",
    "\uff53tatus.example.com": "https://status.example.com",
}


@hostile(
    11,
    "Slack-wrapped text, smart quotes, NBSP, zero-width, RTL override",
    "unwrapped and folded, then read; shown escaped",
)
@pytest.mark.parametrize("typed", WRAPPED)
def test_an_address_is_what_it_looks_like(typed):
    assert detection.normalize_address(typed) == WRAPPED[typed]


@hostile(11)
@pytest.mark.parametrize(
    "typed",
    [
        "status \u201cacme-api\u201d",
        "status acme-api\u00a0",
        "retry \u200bacme-api",
        "status \u202eipa-emca",
        "\u202estatus",
        "status <https://acme.example|acme>",
        "status <@U1> <!channel> <!subteam^S1|@ops>",
        "subscribe \x00",
        "timeline \ud800",
        "why " + "\u0301" * 2000,
        "note " + "<!here> " * 500,
    ],
)
def test_whatever_is_typed_is_answered_and_rings_nobody(scenario, typed):
    assert say(scenario, typed)


INJECTIONS = [
    "'; DROP TABLE events; --",
    "x' OR '1'='1",
    '" UNION SELECT * FROM subscriptions --',
    "%' OR 1 --",
    "_",
    "%",
]


@hostile(
    22,
    "SQL in any argument of any verb: `'; DROP TABLE events; --`",
    "a word like any other; nothing is read or written by it",
)
@pytest.mark.parametrize(
    "verb", ["status", "retry", "summary", "timeline", "why", "subscribe", "unsubscribe", "uptime"]
)
def test_sql_is_a_word(scenario, verb):
    before = rows(scenario)
    assert all(say(scenario, f"{verb} {typed}") for typed in INJECTIONS)
    assert rows(scenario) == before


@hostile(22)
def test_sql_in_a_note_is_its_text(scenario):
    before = rows(scenario)
    for typed in INJECTIONS:
        say(scenario, f"note i-1 {typed}")
    after = rows(scenario)
    assert {name for name in after if after[name] != before.get(name)} <= {"events", "outbox"}
    assert all(typed in unescape(say(scenario, "timeline i-1")) for typed in INJECTIONS)


PATTERNS = ["(a+)+$" + "a" * 40 + "!", ".*.*.*.*=" * 20, "(" * 500, "[" * 500, "\\", "a" * 5000]


@hostile(23, "a regular expression that explodes: `(a+)+$`, `.*.*.*=`", "letters; answered at once")
@pytest.mark.parametrize("verb", ["status", "subscribe", "mute", "", "uptime acme-api"])
def test_a_pattern_is_letters(scenario, verb):
    began = time.monotonic()
    assert all(say(scenario, f"{verb} {typed}") for typed in PATTERNS)
    assert time.monotonic() - began < 3


@hostile(23)
@pytest.mark.parametrize(
    "text", ["a" * 20_000, "not " * 5000, "the API is " * 2000, "-" * 20_000, "\n" * 20_000, "&" * 20_000]
)
def test_no_vendors_text_makes_a_pattern_of_ours_explode(tmp_path, text):
    scenario = Scenario(tmp_path / "t.db")
    scenario.show((10, "investigating", text, RED), name=text)
    scenario.minute = 10
    began = time.monotonic()
    scenario.poll_page()
    say(scenario, "timeline i-1")
    assert time.monotonic() - began < 3
    scenario.repository.close()


# --- what is pressed --------------------------------------------------------------------------------------------------

FORGED = [
    "",
    "nobody-knows",
    "'; DROP TABLE acks --",
    "x" * 5000,
    "{}",
    "i-1 nobody",
    "i-1 acme-api extra",
    "\x00",
    "🙂",
]


@hostile(
    37,
    "a button's value that we never made: of another database, SQL, 5,000 letters, JSON",
    "a sentence; nothing is changed",
)
@pytest.mark.parametrize("action", buttons.CLICK_HANDLERS)
def test_a_forged_press_changes_nothing_of_others(scenario, action):
    before = rows(scenario)
    for value in FORGED:
        reply = buttons.handle_click(scenario.queries(), ButtonClick(action, value, "C1", ChatUser("U1", "ada")))
        if reply and reply.message:
            shown(reply.message)
    after = rows(scenario)
    assert {n for n in after if after[n] < before.get(n, 0)} == set()
    assert all(after[n] == before[n] for n in ("incidents", "subscriptions", "verdicts", "conditions"))


# --- what vendors write -----------------------------------------------------------------------------------------------

TEMPLATES = "{{7*7}} {% raw %} {0.__class__} {name} %s %(x)s ${jndi:ldap://x} $(id) `id` <%= 7*7 %> \\u003cb\\u003e"


@hostile(
    41,
    "`{{7*7}}`, `{0.__class__}`, `%s`, `${jndi:...}`, `$(id)` in a title and a post",
    "shown as it stands, on the board and in Slack",
)
def test_what_looks_like_a_template_is_text(tmp_path):
    scenario = Scenario(tmp_path / "t.db")
    scenario.show((10, "investigating", TEMPLATES, RED), name=TEMPLATES)
    scenario.minute = 10
    scenario.poll_page()
    told = [unescape(say(scenario, verb)) for verb in ("timeline i-1", "summary i-1")]
    assert all("{{7*7}}" in text and "{0.__class__}" in text and "49" not in text for text in told)
    scenario.repository.close()


EVIL = "x\r\nATTENDEE:mailto:a@evil.example\r\nEND:VEVENT\n## Heading\n<script>alert(1)</script> ![p](http://evil.example/p.png)"


def dossier(identity="i-1", url="https://status.acme.example/i-1"):
    shown = incident((10, "investigating", EVIL, RED), name=EVIL, identity=identity, url=url)
    now = START + timedelta(minutes=20)
    world = transition.apply_poll(ProviderState("acme"), PollResult(now, _page(shown)), _rules()).state
    [known] = world.open_incidents
    provider = replace(ACME, name="Acme")
    return IncidentExport(provider, known, (), (EVIL,), (), {s.id: s for s in ACME.surfaces}, now)


def _page(*shown):
    return Snapshot("acme", "Acme", (), shown, ())


def _rules():
    return transition.TransitionContext(ACME, VerdictParameters(), {})


@hostile(
    44,
    "a title, id, label or address that is iCalendar, Markdown or HTML, exported",
    "escaped for the form it goes into",
)
def test_a_calendar_has_no_line_that_a_vendor_wrote():
    text = EXPORTERS["ics"](dossier(EVIL, "https://x.example/\r\nATTENDEE:mailto:b@evil.example"))
    starts = [line.partition(":")[0] for line in text.split("\r\n") if line and not line.startswith(" ")]
    assert "ATTENDEE" not in starts
    assert starts.count("END") == 2
    assert "\n" not in text.replace("\r\n", "")


@hostile(44)
def test_a_wiki_page_has_no_heading_no_picture_and_no_html_that_a_vendor_wrote():
    text = EXPORTERS["markdown"](dossier(EVIL, "https://x.example/"))
    assert [line for line in text.splitlines() if line.startswith("#")][1:] == ["## Timeline (UTC)"]
    assert "![p](" not in text
    assert "<script>" not in text


@hostile(44)
def test_an_exported_page_has_no_script_and_no_picture():
    text = EXPORTERS["html"](dossier(EVIL, "https://x.example/"))
    assert "<script" not in text
    assert "<img" not in text


@hostile(44)
def test_an_exported_object_is_one_object():
    assert json.loads(EXPORTERS["json"](dossier(EVIL)))["incident"]["id"] == EVIL


# --- what pages do ----------------------------------------------------------------------------------------------------


def looks(world, at, *shown):
    return transition.apply_poll(world, PollResult(at, _page(*shown)), _rules())


@hostile(
    24,
    "a page that changes its order and its ETag at every look, flaps, and dates its posts back and ahead",
    "told by content alone; edits that wait become one",
)
def test_another_order_is_no_news():
    shown = [incident((10, "investigating", f"Post {n}.", RED), identity=f"i-{n}") for n in range(5)]
    now = START + timedelta(minutes=20)
    world = looks(ProviderState("acme"), now, *shown).state
    again = looks(world, now + timedelta(seconds=20), *reversed(shown))
    assert [e for e in again.events if e.kind != "verdict_changed"] == []


@hostile(24)
def test_posts_from_the_past_and_the_future_are_told_once(tmp_path):
    scenario = Scenario(tmp_path / "t.db")
    scenario.poll_page()
    scenario.minute = 10
    for _ in range(3):
        scenario.show((-50_000, "investigating", "Long ago.", RED), (50_000, "identified", "Next month."))
        scenario.poll_page()
    told = [e for e in scenario.repository.events("i-1") if e.kind == "update_posted"]
    assert len({e.update for e in told}) == len(told) <= 2
    scenario.repository.close()


@hostile(13)
def test_two_hundred_kilobytes_of_a_vendors_words_are_an_answer_that_slack_takes(tmp_path):
    scenario = Scenario(tmp_path / "t.db")
    text = "*bold* _x_ ~~~ ```\n" * 10_000
    scenario.show((10, "investigating", text, RED), name=text[:5000])
    scenario.minute = 10
    scenario.poll_page()
    for verb in ("timeline i-1", "summary i-1", "status", "why i-1", "status acme-api"):
        assert say(scenario, verb)
    scenario.repository.close()
