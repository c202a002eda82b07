"""What a channel sees of a declared incident: sendable whatever people write, and nobody is mentioned by it."""

import json
from datetime import timedelta

import pytest

from bot.domain import ChatUser, DeclaredPlace, DeclaredSeverity
from bot.messages import declared, declared_export, declared_modals
from bot.queries import declared as declared_queries
from tests.support.declared import BOB, Team
from tests.support.slack_limits import assert_sendable, view_problems

HOSTILE = "<!channel> <@U1> *x* `y` & <https://evil.example|click> \x11\x1aC1 :memo:"
LONG = "y" * 3000
NAMES = [HOSTILE, LONG, "Checkout fails"]


@pytest.fixture
def team(scenario):
    return Team(scenario.breaks())


def view_of(team, title="Checkout fails", **more):
    found, _ = team.declares(title, **more)
    return declared_queries.view(team.queries, declared_queries.find(team.queries, found.number))


def everything(view):
    yield declared.card(view, "memo")
    yield declared.vendor_timeline(view)
    yield declared.summary(view)
    yield declared.close_offer(view, view.as_of)
    yield declared.reopen_offer(view)
    yield declared.already_declared(view.incident, "https://team.slack.example/archives/C1/p1")
    yield declared.listed([view.incident] * 3, view.as_of)
    yield declared.unchanged(view.incident, declared.CLOSE)
    yield declared.message_kept(view.incident, "1.2", is_new=True)
    yield from filter(None, (declared.reply(view, entry) for entry in view.entries))


@pytest.mark.parametrize("title", NAMES, ids=["hostile", "long", "plain"])
@pytest.mark.parametrize("is_closed", [False, True])
def test_every_message_is_one_that_slack_takes(team, title, is_closed):
    number = view_of(team, title, by=ChatUser("U1", HOSTILE), severity=DeclaredSeverity.SEV1).incident.number
    for text in (f"note {HOSTILE}", f"note {LONG}", "sev3", f"rename {HOSTILE}", "ack"):
        team.says(f"declared {number} {text}", by=ChatUser("U2", HOSTILE))
    if is_closed:
        team.presses(f"close {number}", by=BOB)
    view = declared_queries.view(team.queries, declared_queries.find(team.queries, number))
    for message in everything(view):
        assert_sendable(message)


@pytest.mark.parametrize("title", NAMES, ids=["hostile", "long", "plain"])
def test_every_form_is_one_that_slack_takes(team, title):
    view = view_of(team, title)
    forms = (
        declared_modals.declare_modal("C1", view.vendors, title=title, severity=DeclaredSeverity.SEV2),
        declared_modals.declare_modal("C1", (), title="", severity=DeclaredSeverity.SEV3, places=tuple(DeclaredPlace)),
        declared_modals.rename_modal(view.incident),
        declared_modals.link_modal(view.incident, [(title, "i-2"), ("x", "i-3")]),
    )
    assert [view_problems(form) for form in forms] == [[], [], [], []]


def test_a_long_timeline_keeps_its_newest_steps(team):
    number = view_of(team).incident.number
    for n in range(200):
        team.scenario.minute += 1
        team.says(f"declared {number} note Step {n}: {'word ' * 30}")
    view = declared_queries.view(team.queries, declared_queries.find(team.queries, number))
    message = declared.summary(view)
    shown = json.dumps(message.blocks, ensure_ascii=False)
    assert_sendable(message)
    assert ["Step 199:" in shown, "Step 0:" in shown, "earlier steps" in shown] == [True, False, True]


def test_a_time_of_another_day_has_its_date(team):
    number = view_of(team).incident.number
    team.scenario.minute += 24 * 60
    team.says(f"declared {number} note The day after")
    text = declared.summary(declared_queries.view(team.queries, declared_queries.find(team.queries, number))).text
    assert "3 Mar 11:15 UTC Us, ada: “The day after”" in text
    assert "11:15 UTC Us, ada: declared SEV2: Checkout fails" in text


def test_without_an_emoji_the_card_says_nothing_of_it(team):
    assert "Mark a message" not in json.dumps(declared.card(view_of(team)).attachments)


@pytest.mark.parametrize("form", list(declared_export.EXPORTERS))
def test_a_document_has_both_timelines_and_no_working_markup(team, form):
    number = view_of(team, HOSTILE).incident.number
    team.says(f"declared {number} note <script>alert(1)</script> & [a](b)")
    team.scenario.is_over()
    team.presses(f"close {number}", by=BOB)
    view = declared_queries.view(team.queries, declared_queries.find(team.queries, number))
    text = declared_export.EXPORTERS[form](view)
    assert ["We see errors." in text or "We see errors" in text, "alert(1)" in text.replace("\\", "")] == [True, True]
    if form == "html":
        assert "<script>" not in text
    if form == "markdown":
        assert "[a](b)" not in text
    if form == "json":
        body = json.loads(text)
        steps = [(step["label"], step["is_ours"]) for step in body["timeline"]]
        assert (body["schema"], body["state"], ("Acme", False) in steps, ("Us", True) in steps) == (
            *("declared/1", "closed"),
            *(True, True),
        )


def test_the_close_names_how_long_it_took(team):
    number = view_of(team).incident.number
    team.scenario.minute += timedelta(hours=2) / timedelta(minutes=1)
    team.presses(f"close {number}", by=BOB)
    found = declared_queries.find(team.queries, number)
    assert "Closed by bob at" in declared.closed_line(found)
    assert "after 2 h" in declared.closed_line(found)
