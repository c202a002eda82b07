"""Incidents that a team declares: one for all who press at once, a thread, a close that says *safe to retry*."""

from dataclasses import replace

import pytest

from bot.commands.declared import submit_declaration, submit_edit
from bot.commands.registry import answer_command
from bot.commands.types import CommandResponse, ModalSubmission
from bot.domain import ChatUser, DeclaredEntryKind, DeclaredSeverity, ToolTarget
from bot.errors import UsageError
from bot.messages import declared_modals
from tests.support.declared import ADA, BOB, Team
from tests.support.scenario import incident

pytestmark = pytest.mark.anyio


@pytest.fixture
def team(scenario):
    """Acme's API has been down since 11:10; it is 11:15."""
    return Team(scenario.breaks())


def submits(team, view, *, by=ADA, title="Checkout fails", severity="sev1", **more):
    values = {declared_modals.TITLE: title, declared_modals.SEVERITY: severity, declared_modals.PLACE: "thread"}
    metadata = view["private_metadata"]
    return submit_declaration(team.queries, ModalSubmission(f"V-{by.id}", metadata, values | more, by))


def form(team, by=ADA):
    return team.presses("hits i-1", action="more", by=by).view


def kinds(team, number=1):
    return [entry.kind for entry in team.scenario.repository.declared.entries(number)]


# --- declaring --------------------------------------------------------------------------------------------------------


def test_the_button_opens_a_form_with_a_title_in_plain_words(team):
    view = form(team)
    [title] = [b["element"]["initial_value"] for b in view["blocks"] if b.get("block_id") == declared_modals.TITLE]
    assert title == "Acme Acme API partial outage"


def test_the_form_declares_an_incident(team):
    assert submits(team, form(team)) == {}
    found = team.scenario.repository.declared.find(1)
    assert (found.title, found.severity, found.declared.by, found.origin, found.incidents) == (
        *("Checkout fails", DeclaredSeverity.SEV1, ADA, "C1"),
        ("i-1",),
    )


def test_a_title_is_needed(team):
    assert declared_modals.TITLE in submits(team, form(team), title="   ")
    assert team.scenario.repository.declared.find(1) is None


def test_two_people_at_once_declare_one_incident_and_the_second_is_told(team):
    first, second = form(team), form(team, by=BOB)
    submits(team, first)
    told = submits(team, second, by=BOB)
    assert isinstance(told, CommandResponse)
    assert "ada declared this at" in told.message.text
    assert [d.number for d in team.scenario.repository.declared.open_incidents()] == [1]


def test_a_form_that_arrives_twice_declares_once(team):
    view = form(team)
    assert [submits(team, view), submits(team, view)] == [{}, {}]
    assert team.scenario.repository.declared.find(2) is None


def test_the_button_says_what_is_declared_already(team):
    team.declares()
    assert "ada declared this" in team.presses("hits i-1", action="more", by=BOB).message.text


def test_another_channel_declares_its_own(team):
    assert [team.declares()[0].number, team.declares(channel="C2", source="view2")[0].number] == [1, 2]


def test_after_the_close_it_may_be_declared_again(team):
    team.declares()
    team.says("declared 1 close")
    assert team.declares(source="view2")[1]


def test_an_unknown_incident_is_not_declared(team):
    with pytest.raises(UsageError):
        team.declares(incidents=("nothing",))


def test_people_of_another_workspace_declare_nothing(team):
    submission = ModalSubmission("V1", form(team)["private_metadata"], {"title": "x"}, ADA, other_team="T2")
    assert submit_declaration(team.queries, submission)
    assert team.scenario.repository.declared.find(1) is None


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("declare i-1", "Acme Acme API partial outage"),
        ("declare acme-api", "Acme Acme API partial outage"),
        ("declare acme api sev1 Checkout fails", "Checkout fails"),
        ("declare acme-web", "Acme on the web"),
    ],
)
def test_the_command_opens_the_form_with_what_was_typed(team, text, title):
    view = answer_command(team.queries, text, "C1", "U1", "ada").view
    [shown] = [b["element"]["initial_value"] for b in view["blocks"] if b.get("block_id") == declared_modals.TITLE]
    assert shown == title


def test_a_service_without_an_incident_is_declared_without_one(team):
    view = answer_command(team.queries, "declare acme-web", "C1", "U1", "ada").view
    assert declared_modals.read_metadata(view["private_metadata"]) == ("C1", ())


# --- the thread -------------------------------------------------------------------------------------------------------


async def test_the_card_is_posted_and_the_vendors_timeline_begins_its_thread(team):
    team.declares()
    await team.delivers()
    card, timeline = team.shown()
    assert card.startswith("SEV2: Checkout fails.")
    assert "Acme Acme API partial outage" in card
    assert timeline == team.thread()[0]
    assert "Acme, investigating: “We see errors.”" not in card
    assert "investigating" in timeline


async def test_the_vendors_timeline_is_edited_as_it_grows(team):
    team.declares()
    await team.delivers()
    team.scenario.show((10, "investigating", "We see errors."), (20, "identified", "A deploy."))
    team.scenario.minute = 20
    team.scenario.poll_page()
    await team.delivers()
    assert len(team.thread()) == 1
    assert "“A deploy.”" in team.shown()[1]


async def test_what_is_due_is_posted_once_however_often_it_is_worked_out(team):
    team.declares()
    for _ in range(3):
        await team.delivers()
    assert len(team.chat.posts) == 2


async def test_a_note_goes_to_the_thread(team):
    team.declares()
    await team.delivers()
    team.says("declared 1 note We queue orders")
    await team.delivers()
    assert "We queue orders" in team.thread()[-1]


async def test_severity_and_title_are_changed_with_a_word_in_the_thread(team):
    team.declares()
    team.presses("sev1 1")
    submit_edit(team.queries, ModalSubmission("V2", "rename 1", {"rename": "All is down"}, BOB))
    await team.delivers()
    assert team.shown()[0].startswith("SEV1: All is down.")
    assert ["set the severity to SEV1" in team.thread()[1], "bob changed the title" in team.thread()[2]] == [True, True]


def test_what_is_so_already_changes_nothing(team):
    team.declares()
    assert team.presses("ack 1") is None
    assert "Acknowledged by ada" in team.presses("ack 1", by=BOB).message.text
    assert kinds(team) == [DeclaredEntryKind.DECLARED, DeclaredEntryKind.ACKED]


async def test_another_incident_of_a_vendor_can_be_linked(team):
    team.declares()
    team.scenario.shown.append(incident((16, "investigating", "Logins fail."), name="Logins", identity="i-2"))
    team.scenario.minute = 16
    team.scenario.poll_page()
    team.says("declared 1 link i-2")
    await team.delivers()
    assert team.scenario.repository.declared.find(1).incidents == ("i-1", "i-2")
    assert "Logins fail." in team.shown()[1]


def test_another_channel_can_not_read_it(team):
    team.declares()
    assert "No incident No. 1 was declared here" in team.says("declared 1", channel="C2")
    assert "No incident was declared here" in team.says("declared", channel="C2")


def test_the_list_names_the_open_ones(team):
    team.declares()
    assert "No. 1 SEV2: Checkout fails" in team.says("declared")


@pytest.mark.parametrize("text", ["declared x", "declared 1 burn", "declared 9", "declared 1 rename"])
def test_what_is_not_clear_is_asked(team, text):
    team.declares()
    team.says(text)
    assert kinds(team) == [DeclaredEntryKind.DECLARED]


# --- the end ----------------------------------------------------------------------------------------------------------


async def test_a_close_before_it_is_safe_says_so(team):
    team.declares()
    team.presses("close 1")
    await team.delivers()
    assert "It was not safe to retry yet." in team.shown()[0]
    assert "resolved" not in team.shown()[0]


def over(team, minutes=90):
    """The vendor resolves at 11:46, and the advice is *safe to retry* some time after that."""
    team.scenario.is_over()
    team.scenario.poll_page(until=minutes)


async def test_safe_to_retry_offers_to_close_and_closes_nothing(team):
    team.declares()
    await team.delivers()
    over(team)
    await team.delivers()
    [offer] = [text for text in team.broadcasts() if "Close your incident?" in text]
    assert offer.startswith("Safe to retry since")
    assert team.scenario.repository.declared.find(1).is_open


async def test_the_close_says_since_when_it_is_safe_and_leaves_both_timelines(team):
    team.declares()
    team.says("declared 1 note We queue orders")
    over(team)
    team.presses("close 1", by=BOB)
    await team.delivers()
    summary = team.thread()[-1]
    assert "Closed by bob" in summary
    assert "Safe to retry since" in summary
    assert [words in summary for words in ("We see errors.", "We queue orders", "safe to retry", "Us, ada")] == [
        True
    ] * 4
    posted = summary.index("We see errors."), summary.index("declared SEV2"), summary.index("We queue orders")
    assert list(posted) == sorted(posted)


async def test_it_closes_by_itself_only_where_that_was_asked(team):
    team.declares(closes_when_safe=True)
    await team.delivers()
    over(team)
    await team.delivers()
    found = team.scenario.repository.declared.find(1)
    assert not found.is_open
    assert found.safe_since is not None
    assert "as asked when it was declared" in team.shown()[0]


async def test_a_reopened_incident_of_the_vendor_offers_to_reopen(team):
    team.declares()
    over(team)
    team.presses("close 1")
    await team.delivers()
    team.scenario.show((10, "investigating", "We see errors."), (91, "investigating", "It is back."))
    team.scenario.minute = 91
    team.scenario.poll_page()
    await team.delivers()
    [offer] = [text for text in team.broadcasts() if "Open your incident again?" in text]
    team.presses("reopen 1")
    await team.delivers()
    assert offer.startswith("Acme: open again.")
    assert team.shown()[0].startswith("SEV2: Checkout fails.")


# --- tools ------------------------------------------------------------------------------------------------------------


def notified(team, tool="notify:oncall"):
    deliveries = team.scenario.repository.tool_deliveries(tool)
    return [delivery.key for delivery in reversed(deliveries)]


def with_tool(team, **more):
    return replace(team, tools=(ToolTarget("oncall", declared=True, **more),))


def test_a_tool_that_wants_them_is_triggered_acknowledged_and_ended(team):
    team = with_tool(team)
    team.declares()
    team.presses("ack 1")
    team.presses("close 1")
    assert notified(team) == ["declared:1:card", "declared:1:e2", "declared:1:e3"]


@pytest.mark.parametrize("more", [{"to": ("globex",)}, {"to": ("acme-web",)}])
def test_a_tool_gets_only_what_it_wants(team, more):
    team = with_tool(team, **more)
    team.declares()
    assert notified(team) == []


def test_a_tool_without_the_option_gets_none(team):
    team = replace(team, tools=(ToolTarget("oncall"),))
    team.declares()
    assert notified(team) == []


def test_an_author_without_a_name_is_no_problem(team):
    found, _ = team.declares(by=ChatUser("U9"))
    assert found.declared.by.id == "U9"


# --- what happens to messages and channels ----------------------------------------------------------------------------


async def test_a_deleted_card_is_posted_again_and_has_the_next_replies(team):
    team.declares()
    await team.delivers()
    del team.chat.shown["C1", "1"]
    team.presses("sev1 1")
    await team.delivers()
    assert [text.partition(".")[0] for text in team.shown()][1:] == [
        "SEV1: Checkout fails",
        "ada set the severity to SEV1",
    ]
    assert "set the severity" in team.thread("3")[0]


async def test_a_deleted_timeline_of_the_vendor_is_posted_again_in_the_thread(team):
    team.declares()
    await team.delivers()
    del team.chat.shown["C1", "2"]
    team.scenario.show((10, "investigating", "We see errors."), (20, "identified", "A deploy."))
    team.scenario.minute = 20
    team.scenario.poll_page()
    await team.delivers()
    assert [text.partition("\n")[0] for text in team.thread()] == ["Timeline of Acme", "Timeline of Acme"]
    assert "A deploy." in team.thread()[1]


async def test_a_channel_with_a_new_id_keeps_its_incidents(team):
    team.declares()
    await team.delivers()
    team.scenario.repository.move_channel("C1", "C9", team.scenario.now())
    team.chat.shown = {("C9", ts): message for (_, ts), message in team.chat.shown.items()}
    team.says("declared 1 note Still here", channel="C9")
    await team.delivers()
    assert "Still here" in team.thread("1", "C9")[0]


async def test_what_a_paused_channel_waits_for_is_not_dropped(team):
    team.declares()
    assert team.scenario.repository.drop_what_is_over("C1") == 0
    await team.delivers()
    assert team.shown()[0].startswith("SEV2: Checkout fails.")


async def test_a_mute_of_the_service_holds_nothing_of_it_back(team):
    team.says("mute acme 2h")
    team.declares()
    await team.delivers()
    assert len(team.shown()) == 2


def test_the_note_command_still_means_the_vendors_incident(team):
    team.declares()
    assert team.scenario.repository.user_actions.latest_incident("C1") is None


def test_a_number_that_no_database_takes_is_none_that_was_declared_here(team):
    assert "was declared here" in team.says("declared 99999999999999999999")
