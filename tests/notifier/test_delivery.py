"""What becomes of what a channel is owed: looked for where its fate is unknown, and paused where nothing is taken."""

from datetime import timedelta

import pytest

from bot.domain import ChatUser, Event, EventKind, NotificationKind, Subscription
from bot.errors import DeliveryError, RefusalScope
from bot.messages.alerts import render_notification
from bot.notifier import CLOCK_TOLERANCE, MIN_UNSEARCHABLE_WAIT, SEARCH_DELAY, SEARCH_FOR, Notifier
from bot.rules.alerting import decide, routing
from bot.storage import Repository
from tests.support.acme import ACME, NOON, Clock, poll_page
from tests.support.fake_chat import FakeChat
from tests.support.pages import DOWN, incident, page, update
from tests.support.stores import place

pytestmark = pytest.mark.anyio

ALERT = "inc1:alert"


class NotifierSetup:
    """A database whose channel C1 is owed an alert and its reply, a chat that looks, and a notifier between them."""

    def __init__(self, repository):
        self.repository, self.chat, self.clock = repository, FakeChat(can_search_history=True), Clock()
        self.notifier = Notifier(repository, self.chat, self.clock, render_notification)

    def opens(self, body=DOWN, channel="C1"):
        """A poll of this page, and what it owes the channel."""
        world = self.repository.provider_state("acme") or poll_page(None, page(), NOON - timedelta(minutes=1)).state
        change = poll_page(world, body, self.clock())
        listening = [s for s in self.repository.subscriptions() if s.channel == channel]
        alerts = decide.decide(change, ACME, blind_after=3).alerts
        posts = [
            p
            for alert in alerts
            for p in routing.route_alert(alert, listening, self.repository.notified_channels(alert.incident))
        ]
        self.repository.record_transition(None, change, posts)

    def affects(self, surface):
        """Somebody is affected, which owes the message an edit and nothing else."""
        event = Event(EventKind.AFFECTED, "acme", self.clock(), incident="inc1", surface=surface, channel="C1")
        self.repository.user_actions.add_affected(event, ChatUser("U7", "Ada"))

    async def publish(self, channel="C1"):
        """What became of what is due to a channel, its kind first."""
        return [(d.post.kind, d.outcome, d.why) for d in await self.notifier.publish_to(channel)]

    async def breaks(self, code="unknown_outcome", **more):
        """An attempt that fails like this."""
        self.chat.failures = [DeliveryError(code, code=code, **more)]
        done = await self.publish()
        self.chat.said.clear()
        return done

    def restart(self):
        """Another process goes on."""
        self.notifier = Notifier(self.repository, self.chat, self.clock, render_notification)


@pytest.fixture
def scenario(tmp_path):
    repository = Repository.open(place(tmp_path / "b.db"))
    repository.subscribe(Subscription("C1", "acme", created_by="U1", created_at=NOON))
    scenario = NotifierSetup(repository)
    scenario.opens()
    yield scenario
    repository.close()


def archived():
    return {"code": "is_archived", "permanent": True, "blame": RefusalScope.CHANNEL, "remedy": "unarchive it"}


# --- a fate that is unknown -------------------------------------------------------------------------------------------


async def test_a_post_that_had_arrived_is_not_sent_again(scenario):
    await scenario.breaks()
    scenario.chat.there = {ALERT: "1.0"}
    scenario.clock.move(seconds=10)
    [first, second] = await scenario.publish()
    assert first == (NotificationKind.ALERT, "sent", "not again: it was delivered, only the response was lost")
    assert scenario.chat.said == [("find", "C1", ALERT), ("post", "C1", "1.0")]
    assert second[1:] == ("sent", "")


async def test_a_post_that_had_not_arrived_is_sent_again(scenario):
    await scenario.breaks()
    scenario.clock.move(seconds=10)
    [first, _] = await scenario.publish()
    assert first[2] == "again: it is not in the channel's history"


async def test_a_crash_while_it_left_is_looked_into_too(scenario):
    scenario.repository.mark_sending(scenario.repository.next_pending("C1").id, NOON)
    scenario.restart()
    scenario.chat.there = {ALERT: "1.0"}
    scenario.clock.move(seconds=10)
    assert (await scenario.publish())[0][2].startswith("not again")


async def test_nobody_looks_before_a_post_that_hangs_could_have_landed(scenario):
    await scenario.breaks()
    scenario.clock.move(seconds=SEARCH_DELAY.total_seconds() - 0.1)
    assert (await scenario.publish(), scenario.chat.said) == ([], [])


async def test_a_reply_is_looked_for_too(scenario):
    scenario.chat.burst = 1
    await scenario.publish()
    await scenario.breaks()
    scenario.chat.there = {"inc1:update:u1": "2.0"}
    scenario.clock.move(seconds=10)
    assert (await scenario.publish())[0][2].startswith("not again")


async def test_an_edit_is_not_looked_for(scenario):
    await scenario.publish()
    scenario.affects("web")
    await scenario.breaks()
    scenario.clock.move(seconds=10)
    await scenario.publish()
    assert [said[0] for said in scenario.chat.said] == ["edit"]


async def test_a_message_that_stands_for_a_deleted_one_is_not_taken_for_it(scenario):
    await scenario.publish()
    scenario.affects("web")
    gone, broken = (DeliveryError(code, code=code) for code in ("message_not_found", "unknown_outcome"))
    scenario.chat.failures = [gone, broken]
    await scenario.publish()
    scenario.chat.there = {ALERT: "ts1"}
    scenario.clock.move(seconds=10)
    scenario.chat.failures = [gone]
    assert (await scenario.publish())[0][2] == "again: it is not in the channel's history"


@pytest.mark.parametrize("more", [{"code": "missing_scope", "permanent": True}, {"code": "ratelimited"}])
async def test_where_the_history_may_not_be_read_it_is_sent_again_and_said_so(scenario, more):
    await scenario.breaks()
    scenario.clock.move(seconds=10)
    scenario.chat.failures = [DeliveryError("no", **more)]
    [first, _] = await scenario.publish()
    assert (
        first[2]
        == f"again: the outcome of the last attempt is unknown, and the channel's history can't be read ({more['code']})"
    )


async def test_where_the_history_can_not_be_read_now_the_post_waits(scenario):
    await scenario.breaks()
    scenario.clock.move(seconds=10)
    assert [outcome for _, outcome, _ in await scenario.breaks("http_500")] == ["later"]
    assert scenario.repository.next_pending("C1").is_in_doubt


async def test_but_not_for_long(scenario):
    await scenario.breaks()
    scenario.clock.at += SEARCH_FOR + timedelta(seconds=1)
    scenario.chat.failures = [DeliveryError("no", code="http_500")]
    assert [outcome for _, outcome, _ in await scenario.publish()] == ["sent", "sent"]


async def test_a_doubt_outlives_a_refusal(scenario):
    await scenario.breaks()
    scenario.clock.move(seconds=10)
    scenario.chat.failures = [None, DeliveryError("slow", code="ratelimited", retry_after=1)]
    await scenario.publish()
    scenario.chat.there = {ALERT: "1.0"}
    scenario.clock.move(seconds=10)
    assert (await scenario.publish())[0][2].startswith("not again")


async def test_a_poll_goes_back_to_the_first_attempt(scenario):
    for _ in range(2):
        scenario.chat.failures = (
            [None, DeliveryError("?", code="unknown_outcome")][-1:] if not scenario.chat.said else []
        )
        await scenario.breaks()
        scenario.clock.move(seconds=20)
    assert scenario.repository.next_pending("C1").doubted_from == NOON


async def test_a_poll_goes_back_further_by_what_the_chats_clock_may_be_behind(scenario):
    await scenario.breaks()
    scenario.clock.move(seconds=10)
    await scenario.publish()
    assert scenario.chat.looked_from == NOON - CLOCK_TOLERANCE


async def test_who_can_not_look_does_not_hurry(scenario):
    scenario.chat.can_search_history = False
    await scenario.breaks()
    assert scenario.repository.next_pending("C1").due_at == NOON + MIN_UNSEARCHABLE_WAIT


# --- a channel that takes nothing -------------------------------------------------------------------------------------


async def test_a_channel_that_takes_nothing_is_paused_with_all_that_it_is_owed(scenario):
    assert await scenario.breaks(**archived()) == [(NotificationKind.ALERT, "paused", "is_archived")]
    assert (scenario.repository.pending_channels(scenario.clock()), scenario.repository.channel_pause("C1").code) == (
        (),
        "is_archived",
    )


async def test_a_second_refusal_for_the_same_reason_is_not_said_again(scenario):
    await scenario.breaks(**archived())
    scenario.repository.resume_channel("C1")
    scenario.clock.move(seconds=2)
    assert [why for *_, why in await scenario.breaks(**archived())] == [""]


async def test_a_channel_that_refused_is_tried_again_after_one_five_fifteen_and_sixty_minutes(scenario):
    scenario.repository.subscribe(Subscription("C2", "acme", created_at=NOON))
    scenario.opens(
        page(incident(), incident(update(api="partial_outage"), number=2), api="partial_outage"), channel="C2"
    )
    waited = []
    for _ in range(6):
        scenario.chat.failures = [DeliveryError("no", **archived())]
        await scenario.publish("C2")
        [paused] = scenario.repository.paused_channels()
        waited.append((paused.probe_at - scenario.clock()).total_seconds() / 60)
        scenario.clock.at = paused.probe_at
    assert waited == [1, 5, 15, 60, 60, 60]


async def test_a_channel_that_an_outage_waits_for_is_tried_every_minute(scenario):
    for _ in range(3):
        await scenario.breaks(**archived())
        scenario.clock.move(minutes=1)
    assert "C1" in scenario.repository.pending_channels(scenario.clock())


async def test_a_new_outage_tries_a_paused_channel_at_once(scenario):
    await scenario.breaks(**archived())
    scenario.clock.move(seconds=5)
    scenario.opens(page(incident(), incident(number=2), api="major_outage"))
    assert "C1" in scenario.repository.pending_channels(scenario.clock())


@pytest.mark.parametrize("more", [{"code": "is_archived"}, {"code": "not_in_channel"}])
async def test_a_refused_edit_pauses_nothing(scenario, more):
    await scenario.publish()
    scenario.affects("web")
    scenario.chat.failures = [DeliveryError("no", permanent=True, blame=RefusalScope.CHANNEL, **more)]
    assert [outcome for _, outcome, _ in await scenario.publish()] == ["refused"]
    assert scenario.repository.channel_pause("C1") is None


async def test_a_new_alert_does_not_wait_behind_a_refused_edit(scenario):
    await scenario.publish()
    scenario.affects("web")
    scenario.chat.failures = [DeliveryError("no", **archived())]
    await scenario.publish()
    scenario.opens(page(incident(), incident(number=2), api="major_outage"))
    assert scenario.repository.next_pending("C1", scenario.clock()).post.key == "inc2:alert"


async def test_a_channel_that_takes_posts_again_gets_what_is_still_open_and_the_log_says_so(scenario):
    await scenario.breaks(**archived())
    scenario.repository.resume_channel("C1")
    scenario.clock.move(seconds=2)
    [first, *_] = await scenario.publish()
    assert first == (NotificationKind.ALERT, "sent", "the channel accepts messages again")
    assert scenario.repository.channel_pause("C1") is None


async def test_what_is_over_by_then_is_not_sent(scenario):
    await scenario.breaks(**archived())
    scenario.opens(page(incident(update(api="major_outage"), update(3, "resolved", "Over."))))
    scenario.repository.resume_channel("C1")
    scenario.clock.move(seconds=2)
    assert await scenario.publish() == []


async def test_a_channel_that_is_not_paused_is_not_tried(scenario):
    assert scenario.repository.resume_channel("C1") is False


async def test_a_refusal_of_one_post_pauses_nothing(scenario):
    await scenario.breaks("no_text", permanent=True)
    assert scenario.repository.channel_pause("C1") is None


async def test_a_refusal_of_the_bot_pauses_no_channel(scenario):
    await scenario.breaks("token_revoked", permanent=True, blame=RefusalScope.WORKSPACE)
    assert (scenario.repository.channel_pause("C1"), scenario.repository.pending_channels()) == (None, ("C1",))


# --- one notification that is refused -----------------------------------------------------------------------------------


def locked():
    return DeliveryError("locked", code="restricted_action_thread_locked", permanent=True, blame=RefusalScope.POST)


def unknown(code="mercury_in_retrograde"):
    return DeliveryError(code, code=code, blame=RefusalScope.UNKNOWN)


async def test_a_reply_that_its_thread_refuses_is_posted_outside_it(scenario):
    scenario.chat.failures = [None, locked()]
    await scenario.publish()
    assert [said[:3] for said in scenario.chat.said] == [
        ("post", "C1", None),
        ("post", "C1", "ts1"),
        ("post", "C1", None),
    ]


async def test_a_reply_that_is_refused_outside_its_thread_too_is_given_up(scenario):
    scenario.chat.failures = [None, locked(), locked()]
    assert [outcome for _, outcome, _ in await scenario.publish()] == ["sent", "refused", "parked"]


async def test_the_next_alert_does_not_wait_behind_a_reply_with_an_unknown_refusal(scenario):
    scenario.chat.failures = [None, unknown()]
    await scenario.publish()
    scenario.opens(page(incident(), incident(number=2), api="major_outage"))
    assert scenario.repository.next_pending("C1", scenario.clock()).post.key == "inc2:alert"


async def test_an_unknown_refusal_of_an_alert_is_final_after_some_tries_and_minutes(scenario):
    began, outcomes = scenario.clock(), []
    while "parked" not in outcomes:
        scenario.chat.failures = [unknown()] * 9
        outcomes += [outcome for _, outcome, _ in await scenario.publish()]
        scenario.clock.move(seconds=5)
    assert (scenario.clock() - began > timedelta(minutes=5), outcomes.count("refused") >= 4) == (True, True)


async def test_replies_of_one_thread_stay_in_order_while_one_is_refused(scenario):
    scenario.chat.failures = [None, unknown()]
    await scenario.publish()
    scenario.opens(page(incident(update(api="major_outage"), update(2, "identified", "Found.")), api="major_outage"))
    assert scenario.repository.next_pending("C1", scenario.clock()).post.kind is NotificationKind.EDIT


async def test_an_edit_that_its_channel_refuses_is_tried_after_one_five_fifteen_and_sixty_minutes(scenario):
    await scenario.publish()
    scenario.affects("web")
    waits = []
    for _ in range(4):
        scenario.chat.failures = [DeliveryError("no", **archived())]
        tried_at = scenario.clock()
        await scenario.publish()
        while scenario.repository.next_pending("C1", scenario.clock()) is None:
            scenario.clock.move(seconds=30)
        waits.append((scenario.clock() - tried_at).total_seconds() / 60)
    assert waits == [1, 5, 15, 60]


async def test_an_edit_does_not_go_before_the_message_that_it_is_about(scenario):
    scenario.chat.failures = [unknown()]
    scenario.chat.burst = 1
    await scenario.publish()
    scenario.affects("web")
    assert await scenario.publish() == []


async def test_what_was_given_up_is_listed_with_its_reason(scenario):
    await scenario.breaks("no_text", permanent=True)
    assert [(p.channel, p.key, p.error) for p in scenario.repository.untold_parked()] == [("C1", ALERT, "no_text")]


async def test_worse_news_goes_before_an_earlier_reply_of_another_thread(scenario):
    scenario.opens(page(incident(), incident(number=2), api="major_outage"))
    scenario.chat.burst = 2
    await scenario.publish()
    scenario.opens(page(incident(), incident(update(2, "identified", "Found."), number=2), api="major_outage"))
    ranks = [row["rank"] for row in scenario.repository._db.rows("SELECT rank FROM outbox WHERE state = 'waiting'")]
    assert set(ranks) >= {5, 7}


# --- the wait between attempts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("attempts", "wait_s"), [(1, 1.0), (5, 2.0736), (20, 31.948), (40, 300)])
async def test_the_wait_grows_with_the_attempts_up_to_five_minutes(scenario, attempts, wait_s):
    for _ in range(attempts):
        await scenario.breaks("ratelimited")
        attempted_at = scenario.clock()
        scenario.clock.move(minutes=5)
    due_at = scenario.repository.next_pending("C1").due_at
    assert (due_at - attempted_at).total_seconds() == pytest.approx(wait_s, abs=0.01)


# --- a clock that was set back ----------------------------------------------------------------------------------------


async def test_what_was_deferred_before_the_clock_went_back_leaves_at_once_where_nobody_knows_by_how_much(scenario):
    await scenario.breaks("ratelimited", retry_after=30)
    scenario.clock.move(hours=-2)
    assert (await scenario.publish())[0][:2] == (NotificationKind.ALERT, "sent")


@pytest.mark.parametrize("step_s", [-90, -7200])
async def test_a_wait_keeps_its_length_where_the_step_is_known(scenario, step_s):
    await scenario.breaks("ratelimited", retry_after=30)
    scenario.clock.move(seconds=step_s)
    scenario.repository.shift_due_times(scenario.clock(), timedelta(seconds=step_s))
    early = await scenario.publish()
    scenario.clock.move(seconds=31)
    assert (early, (await scenario.publish())[0][:2]) == ([], (NotificationKind.ALERT, "sent"))


async def test_what_is_in_doubt_is_looked_for_soon_after_the_clock_went_back(scenario):
    await scenario.breaks()
    scenario.clock.move(hours=-2)
    scenario.repository.shift_due_times(scenario.clock(), timedelta(hours=-2))
    scenario.clock.move(seconds=SEARCH_DELAY.total_seconds() + 1)
    assert [outcome for _, outcome, _ in await scenario.publish()][:1] == ["sent"]


async def test_a_paused_channel_is_tried_after_its_wait_though_the_clock_went_back(scenario):
    await scenario.breaks(**archived())
    scenario.clock.move(hours=-2)
    scenario.repository.shift_due_times(scenario.clock(), timedelta(hours=-2))
    probe = scenario.repository._db.rows("SELECT probe_at FROM pauses")[0]["probe_at"]
    assert probe <= (scenario.clock() + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize(("is_good", "outcome"), [(True, "paused"), (False, "stopped"), (None, "stopped")])
async def test_a_refused_token_stops_everything_unless_the_chat_says_that_it_accepts_it(scenario, is_good, outcome):
    scenario.chat.is_token_good = is_good
    done = await scenario.breaks("token_revoked", permanent=True, blame=RefusalScope.WORKSPACE, is_token=True)
    assert ([o for _, o, _ in done], scenario.notifier.stop is None) == ([outcome], outcome == "paused")


async def test_a_channel_that_refused_a_good_token_stops_everything_once_the_token_is_refused_everywhere(scenario):
    scenario.chat.is_token_good = True
    await scenario.breaks("token_revoked", permanent=True, blame=RefusalScope.WORKSPACE, is_token=True)
    scenario.chat.is_token_good = False
    scenario.clock.move(minutes=2)
    done = await scenario.breaks("token_revoked", permanent=True, blame=RefusalScope.WORKSPACE, is_token=True)
    assert [outcome for _, outcome, _ in done] == ["stopped"]
