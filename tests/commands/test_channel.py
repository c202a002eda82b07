"""What people do with buttons, verbs and modals, and what time brings: on a real store, a real engine and no Slack."""

from datetime import timedelta
from html import unescape

import pytest

from bot.app.reminders import ReminderHook
from bot.commands import buttons
from bot.commands.buttons import ButtonClick, ModalSubmission, handle_click
from bot.commands.registry import answer_command
from bot.domain import ChatUser, Condition, EventKind, Subscription, VerdictParameters
from bot.domain.subscription import TERMINAL
from bot.engine import Engine
from bot.messages import modals
from bot.queries.current import StatusQueries
from bot.storage import Repository
from tests.support.acme import ACME, NOON, Clock
from tests.support.fake_chat import FakeChannels
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import DOWN, incident, page, update
from tests.support.slack_limits import assert_sendable, view_problems
from tests.support.stores import place

pytestmark = pytest.mark.anyio

ADA, BOB = ChatUser("U1", "ada"), ChatUser("U2", "bob")
OPS = "<!subteam^S1|@ops>"
OVER = page(incident(update(api="major_outage"), update(3, "resolved", "Over.", NOON + timedelta(minutes=9))))
PARTLY = page(incident(update(api="partial_outage")), api="partial_outage")


class Bot:
    """A bot with two channels, ada and bob, and Acme's page."""

    def __init__(self, repository):
        self.repository, self.clock, self.web, self.chat = repository, Clock(), FakeFetcher(), FakeChannels()
        self.start()

    def start(self):
        self.engine = Engine(
            {"acme": ACME}, self.web, self.repository, self.chat, self.clock, lambda _: VerdictParameters()
        )
        self.queries = StatusQueries((ACME,), self.repository, self.clock, lambda _: VerdictParameters())
        self.vigil = ReminderHook(self.engine, self.repository)

    async def show(self, *bodies):
        for body in bodies:
            self.web.show(body)
            await self.engine.poll("acme")
            await self.engine.publish()
            self.clock.move(minutes=1)

    async def wait(self, **span):
        """Time passes; nothing else does."""
        self.clock.move(**span)
        self.engine.advance_time()
        self.vigil()
        await self.engine.publish()

    async def press(self, action, value="inc1", person=ADA, channel="C1"):
        reply = handle_click(self.queries, ButtonClick(action, value, channel, person))
        await self.engine.publish()
        if reply:
            assert_sendable(reply.message)
        return reply

    async def types(self, text, person=ADA, channel="C1"):
        reply = answer_command(self.queries, text, channel, person.id, person.name)
        assert_sendable(
            reply.message, mentions={f"{sign}{a}" for a in self.queries.admins for sign in ("@", "!subteam^")}
        )
        await self.engine.publish()
        return reply

    async def says(self, text, **more):
        return unescape((await self.types(text, **more)).message.text)

    def alert(self, channel="C1", ts=None):
        """The channel's first message as it looks now."""
        first = ts or next(t for c, t in self.chat.shown if c == channel)
        message = self.chat.shown[channel, first]
        small = [e for a in message.attachments for b in a["blocks"] if b["type"] == "context" for e in b["elements"]]
        return unescape("\n".join([message.text, *(e["text"] for e in small)]))

    def heard(self, channel="C1"):
        """What made a sound in the channel: messages of its own and broadcasts."""
        return [text for c, thread, loud, text in self.chat.posts if c == channel and (thread is None or loud)]


@pytest.fixture
def scenario(tmp_path):
    store = Repository.open(place(tmp_path / "b.db"))
    store.subscribe(Subscription("C1", "acme", created_at=NOON))
    yield Bot(store)
    store.close()


@pytest.fixture
async def outage(scenario):
    await scenario.show(page(), DOWN)
    return scenario


def kinds(scenario, channel="C1"):
    people = {
        EventKind.NOTE,
        EventKind.AFFECTED,
        EventKind.ACKED,
        EventKind.UNACKED,
        EventKind.MUTED,
        EventKind.UNMUTED,
    }
    return [str(e.kind) for e in scenario.repository.events("inc1", channel) if e.kind in people]


# --- I'm affected -----------------------------------------------------------------------------------------------------


async def test_everybody_counts_once_each_and_surface(outage):
    for person in (ADA, BOB, ADA):
        await outage.press("affected", "acme-api inc1", person)
    await outage.press("affected", "acme-web inc1")
    assert "People affected: API 2, acme-web 1" in outage.alert()


async def test_a_second_press_says_so(outage):
    await outage.press("affected", "acme-api inc1")
    assert "Already counted" in (await outage.press("affected", "acme-api inc1")).message.text


async def test_the_count_is_shown_in_every_channel_and_no_name_in_any(scenario):
    scenario.repository.subscribe(Subscription("C2", "acme", created_at=NOON))
    await scenario.show(page(), DOWN)
    await scenario.press("affected", "acme-api inc1", BOB)
    assert "1 person affected" in scenario.alert("C2")
    assert "bob" not in scenario.alert("C1") + scenario.alert("C2")


async def test_a_press_before_the_alert_is_sent_is_in_it(scenario):
    scenario.web.show(page())
    await scenario.engine.poll("acme")
    scenario.web.show(DOWN)
    await scenario.engine.poll("acme")
    await scenario.press("affected", "acme-api inc1")
    assert "1 person affected" in scenario.alert()


async def test_two_presses_at_the_same_moment_are_both_shown(outage):
    await outage.press("affected", "acme-api inc1", ADA)
    handle_click(outage.queries, ButtonClick("ack", "inc1", "C1", BOB))
    handle_click(outage.queries, ButtonClick("mute", "over inc1", "C1", ADA))
    await outage.engine.publish()
    for said in ("1 person affected", "Acknowledged by bob", "Muted until resolved"):
        assert said in outage.alert()


# --- ack --------------------------------------------------------------------------------------------------------------


async def test_an_ack_says_who_and_when_and_a_second_press_undoes_it(outage):
    await outage.press("ack", "on inc1", BOB)
    assert "Acknowledged by bob" in outage.alert()
    await outage.press("ack", "off inc1", BOB)
    assert "Acknowledged" not in outage.alert()
    assert kinds(outage) == ["acked", "unacked"]


async def test_another_persons_ack_is_not_undone(outage):
    await outage.press("ack", person=BOB)
    assert "bob acknowledged this at 12:02 UTC" in (await outage.press("ack", person=ADA)).message.text
    assert "Acknowledged by bob" in outage.alert()


async def test_an_ack_is_of_its_channel(scenario):
    scenario.repository.subscribe(Subscription("C2", "acme", created_at=NOON))
    await scenario.show(page(), DOWN)
    await scenario.press("ack")
    assert "Acknowledged" not in scenario.alert("C2")


async def test_all_of_it_outlives_a_restart(outage):
    await outage.press("affected", "acme-api inc1")
    await outage.press("ack", "on inc1")
    outage.start()
    await outage.press("ack", "off inc1")
    assert "1 person affected" in outage.alert()
    assert "Acknowledged" not in outage.alert()


@pytest.mark.hostile(37)
async def test_a_button_of_another_database_says_so(outage):
    assert "This message is out of date" in (await outage.press("ack", "nobody-knows")).message.text


# --- a deleted message ------------------------------------------------------------------------------------------------


async def test_a_message_that_was_deleted_is_posted_afresh_and_stays_the_one(outage):
    del outage.chat.shown["C1", "1"]
    await outage.press("ack")
    fresh = [p for p in outage.chat.posts if p[1] is None]
    assert len(fresh) == 2
    assert "Acknowledged by ada" in str([m.attachments for m in outage.chat.shown.values()])
    await outage.press("ack")
    assert len([p for p in outage.chat.posts if p[1] is None]) == 2


# --- mute -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "until"), [("1h", "<!date^1772456520^{time}|13:02 UTC>"), ("over", "resolved")])
async def test_a_mute_of_an_incident_is_shown_with_its_end(outage, word, until):
    await outage.press("mute", f"{word} inc1")
    assert f"Muted until {until}" in outage.alert()


async def test_a_mute_runs_out_by_itself(outage):
    await outage.press("mute", "1h inc1")
    await outage.wait(hours=1)
    assert "Muted" not in outage.alert()


async def test_a_mute_is_undone_by_the_same_button(outage):
    await outage.press("mute", "over inc1")
    await outage.press("mute", "off inc1")
    assert "Muted" not in outage.alert()
    assert kinds(outage) == ["muted", "unmuted"]


async def test_a_muted_incident_makes_no_sound_until_it_is_over(outage):
    await outage.press("mute", "over inc1")
    before = len(outage.heard())
    await outage.show(page(incident(update(api="major_outage")), api="major_outage", web="major_outage"))
    await outage.wait(hours=3)
    assert len(outage.heard()) == before
    outage.web.show(OVER, "/api/v2/incidents/inc1.json")
    await outage.show(*[OVER] * 20)
    assert outage.heard()[-1].startswith("Acme operational again.")


async def test_what_begins_under_a_mute_is_told_when_that_ends(scenario):
    await scenario.show(page())
    await scenario.types("mute all 2h")
    await scenario.show(DOWN)
    assert scenario.heard() == []
    await scenario.wait(hours=1)
    assert scenario.heard() == []
    await scenario.wait(hours=1)
    [told] = scenario.heard()
    assert told.startswith("Acme API outage.")
    assert [text for _, thread, _, text in scenario.chat.posts if thread and "We are looking into it." in text]


async def test_what_is_over_when_a_mute_ends_is_not_told(scenario):
    await scenario.show(page())
    await scenario.types("mute all 2h")
    scenario.web.show(OVER, "/api/v2/incidents/inc1.json")
    await scenario.show(DOWN, OVER)
    await scenario.wait(hours=3)
    assert scenario.heard() == []


async def test_what_waits_is_not_told_to_a_channel_that_left(scenario):
    await scenario.show(page())
    await scenario.types("mute all 2h")
    await scenario.show(DOWN)
    await scenario.types("unsubscribe acme")
    await scenario.wait(hours=3)
    assert scenario.heard() == []


async def test_unmute_tells_at_the_next_tick(scenario):
    await scenario.show(page())
    await scenario.types("mute acme-api 5h")
    await scenario.show(DOWN)
    assert "Alerts for Acme API are on again" in await scenario.says("unmute")
    await scenario.wait(seconds=15)
    assert len(scenario.heard()) == 1


async def test_a_mute_of_an_incident_is_listed_and_undone_by_its_id(outage):
    await outage.press("mute", "over inc1")
    assert "/brownout unmute inc1" in await outage.says("list")
    assert "Alerts for inc1 are on again" in await outage.says("unmute inc1")
    assert "unmute inc1" not in await outage.says("list")


async def test_a_mute_until_it_is_over_goes_with_the_incident(outage):
    await outage.press("mute", "over inc1")
    outage.web.show(OVER, "/api/v2/incidents/inc1.json")
    await outage.show(OVER)
    await outage.wait(seconds=15)
    assert "unmute inc1" not in await outage.says("list")


async def test_unmute_all_ends_a_mute_of_everything_and_nothing_else(scenario):
    await scenario.types("mute all 2h")
    await scenario.types("mute acme-api 2h")
    assert await scenario.says("unmute all") == "Alerts for everything are on again in this channel."
    assert "unmute acme-api" in await scenario.says("list")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mute acme-api 2h", "Acme API muted in this channel until 14:00 UTC"),
        ("mute acme 30m", "Acme muted in this channel until 12:30 UTC"),
        ("mute all", "Everything muted in this channel until 13:00 UTC"),
        ("mute", "Which service? Example: /brownout mute claude-login 2h"),
        ("mute 2h", "Which service? Example: /brownout mute claude-login 2h"),
        ("mute nonsense 2h", "No service called “nonsense”"),
        ("mute acme 1w", "Acme muted in this channel until 2026-03-09 12:00 UTC"),
        ("mute acme 1h30m", "Acme muted in this channel until 13:30 UTC"),
        ("mute acme 1h 30m", "Acme muted in this channel until 13:30 UTC"),
        ("mute acme 2 Hours", "Acme muted in this channel until 14:00 UTC"),
        ("mute all 3 days", "Everything muted in this channel until 2026-03-05 12:00 UTC"),
        ("mute acme 90s", "Acme muted in this channel until 12:01 UTC"),
        ("mute acme 99d", "“99d” is out of range (1m to 30d). Write 30m, 2h, until 14:00."),
        ("mute acme 0h", "“0h” is out of range"),
        ("mute acme 99999999w", "“99999999w” is out of range"),
        ("mute acme 1x", "“1x” is not a duration. Examples: 30m, 2h, until 14:00."),
        ("mute acme -1h", "“-1h” is not a duration"),
        ("mute acme 30", "“30” is not a duration"),
        ("unmute", "Nothing is muted"),
    ],
)
async def test_mute_says_what_until_when_and_how_to_undo_it(scenario, text, said):
    assert said in await scenario.says(text)


# --- report, note, list -----------------------------------------------------------------------------------------------


async def test_reports_count_people_and_are_in_the_status(scenario):
    await scenario.show(page())
    await scenario.types("report acme-api I see <@U2|bob> &amp; errors")
    await scenario.types("report acme-api")
    said = await scenario.says("report acme-api", person=BOB)
    assert "2 people report Acme API" in said
    assert "Reported here within the last hour: Acme API (2 people)." in await scenario.says("status")
    assert "Acme API (2 people)" in await scenario.says("status acme-api")


async def test_reports_fade(scenario):
    await scenario.show(page())
    await scenario.types("report acme-api")
    await scenario.wait(minutes=61)
    assert "Reported" not in await scenario.says("status")


async def test_a_channel_s_timeline_has_its_messages_and_not_each_time_they_were_drawn_again(outage):
    await outage.press("ack")
    said = await outage.says("timeline inc1 deliveries")
    assert ("alert sent to C1" in said, "alert updated" in said) == (True, False)
    assert "sent to" not in await outage.says("timeline inc1")


async def test_the_command_line_s_timeline_has_that_too(outage):
    await outage.press("ack")
    assert "alert updated sent to C1" in await outage.says("timeline inc1 deliveries", channel=TERMINAL)
    assert "sent to" not in await outage.says("timeline inc1", channel=TERMINAL)


async def test_a_report_of_an_open_incident_is_in_its_timeline_for_its_channel(outage):
    await outage.types("report acme-api it hangs", person=BOB)
    assert "bob reported Acme API" in await outage.says("timeline inc1")
    assert "it hangs" not in await outage.says("timeline inc1", channel="C2")


@pytest.mark.parametrize("text", ["report", "report nonsense", "report acme it hangs"])
async def test_a_report_needs_one_surface(scenario, text):
    await scenario.show(page())
    assert "?" in await scenario.says(text) or "no surface" in await scenario.says(text)


async def test_a_note_is_in_the_thread_and_in_the_summary(outage):
    await outage.types("note we moved the batch", person=BOB)
    assert "bob added a note:\n“we moved the batch”" in outage.chat.posts[-1][3]
    assert "> we moved the batch" in await outage.says("summary inc1")


async def test_a_note_modal_that_arrives_twice_is_one_note(outage):
    view = (await outage.press("note")).view
    assert view_problems(dict(view)) == []
    for _ in range(2):
        buttons.submit_note(
            outage.queries, ModalSubmission("V1", view["private_metadata"], {"note": "we moved it"}, BOB)
        )
    await outage.engine.publish()
    assert [text for *_, text in outage.chat.posts if "we moved it" in text] != []
    assert kinds(outage) == ["note"]


async def test_an_empty_note_is_none(outage):
    buttons.submit_note(outage.queries, ModalSubmission("V1", "C1 inc1", {"note": "  "}, BOB))
    assert kinds(outage) == []


# --- subscriptions ----------------------------------------------------------------------------------------------------


async def test_a_group_that_is_mentioned_is_rung_by_a_complete_outage(scenario):
    assert "mention @ops on outage" in await scenario.says(f"subscribe acme mention:{OPS}")
    await scenario.show(page(), DOWN)
    assert scenario.heard()[0].endswith("<!subteam^S1>")


async def test_it_is_rung_once_also_when_it_gets_worse_later(scenario):
    await scenario.types(f"subscribe acme mention:{OPS}")
    await scenario.show(page(), PARTLY, DOWN, PARTLY, DOWN)
    assert len([text for text in scenario.heard() if "<!subteam^S1>" in text]) == 1


async def test_a_vendors_mention_rings_nobody_beside_ours(scenario):
    await scenario.types(f"subscribe acme mention:{OPS}")
    hostile = incident(update(api="major_outage", body="<!channel> <!subteam^S2>"), name="<!here> <!subteam^S1>")
    await scenario.show(page(), page(hostile, api="major_outage"))  # Chat refuses any other token
    assert len(scenario.heard()) == 1


async def test_another_channel_can_be_named(scenario):
    said = await scenario.says("subscribe acme <#C2|random>")
    assert said.startswith("#C2 now gets alerts for Acme")
    assert [s.channel for s in scenario.repository.subscriptions()] == ["C1", "C2"]


async def test_an_ambiguous_word_offers_a_button_for_each(scenario):
    reply = await scenario.types("retry acme")
    [row] = [b for b in reply.message.blocks if b["type"] == "actions"]
    assert [e["value"] for e in row["elements"]] == ["retry acme-api", "retry acme-web"]
    chosen = handle_click(scenario.queries, ButtonClick("ask:1", "retry acme-web", "C1", ADA))
    assert chosen.message.text.startswith("acme.example")


# --- settings ---------------------------------------------------------------------------------------------------------


def fill(scenario, **values):
    return buttons.submit_settings(scenario.queries, ModalSubmission("V9", "C1", values, ADA))


async def test_settings_open_a_modal_that_shows_what_is_so(scenario):
    await scenario.types(f"subscribe acme min:major mention:{OPS}")
    view = dict((await scenario.types("settings")).view)
    assert view_problems(view) == []
    assert modals.read_settings_metadata(view["private_metadata"])[0] == "C1"


async def test_a_channel_that_listens_to_nothing_has_nothing_to_set(scenario):
    reply = await scenario.types("settings", channel="C9")
    assert reply.view is None
    assert "No subscriptions in this channel" in reply.message.text


async def test_settings_are_kept_told_and_shown(scenario):
    assert fill(scenario, minimum="major_outage", maintenance="on", quiet="22-7 Europe/Berlin") == {}
    await scenario.engine.publish()
    [told] = scenario.heard()
    assert told == (
        "ada changed the alert settings of this channel: outage only; maintenance alerts; quiet hours 22:00-07:00"
        " Europe/Berlin."
    )
    assert [s.minimum for s in scenario.repository.subscriptions("C1")] == [Condition.MAJOR_OUTAGE]
    assert "Quiet hours: 22:00-07:00 Europe/Berlin" in await scenario.says("list")


async def test_what_is_left_empty_in_a_menu_stays(scenario):
    await scenario.types(f"subscribe acme min:major mention:{OPS}")
    fill(scenario, minimum="", mention="", quiet="")
    [now] = scenario.repository.subscriptions("C1")
    assert (now.minimum, now.mention) == (Condition.MAJOR_OUTAGE, "!subteam^S1|@ops")


async def test_a_ring_is_switched_off_by_choosing_nobody(scenario):
    await scenario.types(f"subscribe acme mention:{OPS}")
    fill(scenario, mention="nobody", quiet="")
    assert [s.mention for s in scenario.repository.subscriptions("C1")] == [""]


async def test_settings_that_change_nothing_tell_nothing(scenario):
    fill(scenario, quiet="")
    assert scenario.repository.pending_channels() == ()


async def test_quiet_hours_that_are_none_are_told_in_the_modal(scenario):
    assert "Use HH:MM-HH:MM" in fill(scenario, quiet="at night")["quiet"]


async def test_quiet_hours_keep_an_alert_until_the_morning(scenario):
    fill(scenario, quiet="12:00-15:00")
    await scenario.show(page(), PARTLY)
    assert [t for t in scenario.heard() if "Acme API" in t] == []
    await scenario.wait(hours=3)
    assert [t for t in scenario.heard() if "Acme API partial outage" in t] != []


async def test_what_happened_in_quiet_hours_is_one_broadcast_after_them(scenario):
    await scenario.show(page(), PARTLY)
    fill(scenario, quiet="12:00-15:00")
    over = page(incident(update(api="partial_outage"), update(3, "resolved", "Over.", NOON + timedelta(minutes=4))))
    scenario.clock.move(minutes=3)
    for _ in range(40):
        await scenario.show(over)
    before = len(scenario.chat.posts)
    await scenario.wait(hours=3)
    loud = [(thread, text) for _, thread, is_loud, text in scenario.chat.posts if is_loud]
    assert len(loud) == 1 == len(scenario.chat.posts) - before
    assert loud[0][1].startswith("Acme operational again.")


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.hostile(
    39, "`unsubscribe`, `settings`, `mute all` by somebody who is no admin", "told who may; nothing is changed"
)
@pytest.mark.parametrize("text", ["unsubscribe acme", "settings", "mute all 2h"])
async def test_what_undoes_other_peoples_work_is_for_admins(scenario, text):
    scenario.queries = StatusQueries(
        (ACME,), scenario.repository, scenario.clock, lambda _: VerdictParameters(), frozenset({"U2"})
    )
    assert "Only admins can do this: <@U2>" in await scenario.says(text, person=ADA)
    assert "admins" not in await scenario.says(text, person=BOB)


async def test_members_of_a_group_of_admins_are_admins(scenario):
    groups = {"S1": frozenset({"U2"})}
    scenario.queries = StatusQueries(
        (ACME,), scenario.repository, scenario.clock, lambda _: VerdictParameters(), frozenset({"S1"}), groups=groups
    )
    assert "Only admins can do this: <!subteam^S1>." in await scenario.says("unsubscribe acme", person=ADA)
    assert "No more alerts for Acme" in await scenario.says("unsubscribe acme", person=BOB)


async def test_while_slack_does_not_tell_who_is_in_the_group_nobody_is(scenario):
    scenario.queries = StatusQueries(
        (ACME,), scenario.repository, scenario.clock, lambda _: VerdictParameters(), frozenset({"S1"})
    )
    told = await scenario.says("unsubscribe acme", person=BOB)
    assert "Slack does not say now who is in that group" in told


@pytest.mark.parametrize("text", ["mute acme-api 2h", "subscribe acme", "status", "unmute"])
async def test_everything_else_is_for_everybody(scenario, text):
    scenario.queries = StatusQueries(
        (ACME,), scenario.repository, scenario.clock, lambda _: VerdictParameters(), frozenset({"U2"})
    )
    assert "admins" not in await scenario.says(text, person=ADA)


# --- alerts that waited ---


def two(**status):
    return page(
        incident(update(api="partial_outage")),
        incident(update(5, at=NOON, api="partial_outage"), number=2, name="Slow logins"),
        **status,
    )


@pytest.fixture
async def waited(scenario):
    """Two incidents that began in quiet hours, which have ended."""
    fill(scenario, quiet="11-13 UTC")
    await scenario.show(page(), two(api="partial_outage"))
    before = len(scenario.chat.posts)
    while scenario.clock.at < NOON + timedelta(hours=1):
        scenario.clock.move(minutes=3)
        await scenario.show(two(api="partial_outage"))
    await scenario.wait(seconds=1)
    return scenario, scenario.chat.posts[before:]


async def test_what_waited_for_the_end_of_quiet_hours_is_one_message(waited):
    _, [(channel, thread, _, text)] = waited
    assert (channel, thread, "2 incidents began while this channel was quiet and are still open" in text) == (
        "C1",
        None,
        True,
    )


async def test_its_thread_takes_the_end_of_each_and_it_stays_as_it_is(waited):
    scenario, [(*_, text)] = waited
    over = [
        incident(update(api="partial_outage"), update(3, "resolved", "Over.", NOON + timedelta(hours=2))),
        incident(
            update(5, at=NOON, api="partial_outage"),
            update(6, "resolved", "Over.", NOON + timedelta(hours=2)),
            number=2,
            name="Slow logins",
        ),
    ]
    before = len(scenario.chat.posts)
    await scenario.show(page(*over))
    threads = {thread for _, thread, _, _ in scenario.chat.posts[before:]}
    assert (threads, scenario.alert(ts=next(iter(threads)))) == ({str(before)}, text)


async def test_one_that_waited_is_an_alert_as_ever(scenario):
    fill(scenario, quiet="11-13 UTC")
    await scenario.show(page(), PARTLY)
    before = len(scenario.chat.posts)
    await scenario.wait(hours=2)
    assert "while this channel was quiet" not in scenario.chat.posts[before][3]


async def test_a_channel_whose_time_zone_nobody_knows_holds_up_no_other(scenario):
    scenario.repository.subscribe(Subscription("C2", "acme", created_at=NOON))
    fill(scenario, quiet="11-13 UTC")
    scenario.repository._db.write("UPDATE habits SET zone = 'Mars/Phobos' WHERE channel = 'C1'")
    await scenario.show(page(), PARTLY)
    assert {channel for channel, thread, _, text in scenario.chat.posts if "Acme API partial outage" in text} == {
        "C1",
        "C2",
    }


# --- reminders and episodes -------------------------------------------------------------------------------------------


async def test_reminders_widen_and_end(outage):
    before = len(outage.heard())
    for _ in range(4 * 24 * 4):
        await outage.wait(minutes=15)
    reminders = [t for t in outage.heard()[before:] if "still open after" in t]
    assert len(reminders) == 6


async def test_an_ack_ends_the_reminders(outage):
    await outage.press("ack")
    await outage.wait(hours=5)
    assert [t for t in outage.heard() if "still open" in t] == []


async def test_a_restart_repeats_no_reminder(outage):
    await outage.wait(minutes=31)
    outage.start()
    await outage.wait(minutes=1)
    assert len([t for t in outage.heard() if "still open" in t]) == 1


async def test_an_episode_is_no_wall(outage):
    second = incident(update(2, api="major_outage", at=NOON + timedelta(minutes=2)), number=2, name="Errors again")
    both = page(incident(), second, api="major_outage")
    await outage.show(both)
    nexts = [p for p in outage.chat.posts if "Related incident: “Errors again”" in p[3]]
    assert [(thread, loud) for _, thread, loud, _ in nexts] == [("1", False)]
    assert len([p for p in outage.chat.posts if p[1] is None]) == 2


# --- menus ------------------------------------------------------------------------------------------------------------


async def test_the_menu_shows_what_is_broken_and_leads_on(outage):
    reply = await outage.types("")
    assert reply.message.text.startswith("Acme API outage")
    row, _ = [b for b in reply.message.blocks if b["type"] == "actions"]
    for element in row["elements"][1:]:
        await outage.press(element["action_id"], element["value"])


async def test_a_picked_surface_is_shown_with_what_to_do_next(outage):
    reply = await outage.press("pick", "acme-api")
    assert "Acme API" in reply.message.text
    values = [e["value"] for b in reply.message.blocks if b["type"] == "actions" for e in b["elements"]]
    assert values == ["why inc1", "subscribe acme-api", "report acme-api", "status acme-api"]


async def test_a_shared_answer_says_who_and_what(outage):
    reply = await outage.press("share", "retry acme-api", BOB)
    assert reply.in_channel
    assert reply.message.text.startswith("bob shared: retry acme-api\n")


async def test_only_questions_are_shared(outage):
    assert not (await outage.press("share", "unsubscribe acme")).in_channel
    assert len(outage.repository.subscriptions("C1")) == 1


@pytest.mark.parametrize("verb", ["status", "retry acme-api", "list", "sources", "summary", "timeline inc1"])
async def test_every_answer_to_a_question_can_be_shared(outage, verb):
    *_, row = [b for b in (await outage.types(verb)).message.blocks if b["type"] == "actions"]
    assert next((e["action_id"], e["value"]) for e in row["elements"]) == ("share", verb)


async def test_a_summary_can_be_exported_too_and_names_its_incident(outage):
    [timeline_row, row] = [b for b in (await outage.types("summary")).message.blocks if b["type"] == "actions"]
    assert [e["value"] for e in timeline_row["elements"]] == ["timeline inc1"]
    assert [(e["action_id"], e["value"]) for e in row["elements"]][1:] == [("export", "summary inc1")]
