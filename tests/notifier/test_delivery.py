"""What becomes of what a channel is owed: looked for where its fate is unknown, and paused where nothing is taken."""

from datetime import timedelta

import pytest

from bot.domain import ChatUser, Event, EventKind, NotificationKind, Subscription
from bot.errors import DeliveryError, RefusalScope
from bot.messages.alerts import render_notification
from bot.notifier import CLOCK_TOLERANCE, MIN_UNSEARCHABLE_WAIT, SEARCH_DELAY, SEARCH_FOR, Notifier
from bot.rules.alerting import decide, routing
from bot.storage import Repository
from tests.support.acme import ACME, NOON, Clock, look
from tests.support.fake_chat import FakeChat
from tests.support.pages import DOWN, incident, page, update
from tests.support.stores import place

pytestmark = pytest.mark.anyio

ALERT = "inc1:alert"


class NotifierSetup:
    """A book whose channel C1 is owed an alert and its reply, a chat that looks, and a courier between them."""

    def __init__(self, book):
        self.book, self.chat, self.clock = book, FakeChat(can_search_history=True), Clock()
        self.courier = Notifier(book, self.chat, self.clock, render_notification)

    def opens(self, body=DOWN, channel="C1"):
        """A look at this page, and what it owes the channel."""
        world = self.book.provider_state("acme") or look(None, page(), NOON - timedelta(minutes=1)).state
        stroke = look(world, body, self.clock())
        listening = [s for s in self.book.subscriptions() if s.channel == channel]
        alerts = decide.decide(stroke, ACME, blind_after=3).alerts
        posts = [
            p
            for alert in alerts
            for p in routing.route_alert(alert, listening, self.book.notified_channels(alert.incident))
        ]
        self.book.record_transition(None, stroke, posts)

    def affects(self, surface):
        """Somebody is affected, which owes the message an edit and nothing else."""
        event = Event(EventKind.AFFECTED, "acme", self.clock(), incident="inc1", surface=surface, channel="C1")
        self.book.user_actions.add_affected(event, ChatUser("U7", "Ada"))

    async def publish(self, channel="C1"):
        """What became of what is due to a channel, its kind first."""
        return [(d.post.kind, d.outcome, d.why) for d in await self.courier.publish_to(channel)]

    async def breaks(self, code="unknown_outcome", **more):
        """An attempt that fails like this."""
        self.chat.failures = [DeliveryError(code, code=code, **more)]
        done = await self.publish()
        self.chat.said.clear()
        return done

    def restart(self):
        """Another process goes on."""
        self.courier = Notifier(self.book, self.chat, self.clock, render_notification)


@pytest.fixture
def town(tmp_path):
    book = Repository.open(place(tmp_path / "b.db"))
    book.subscribe(Subscription("C1", "acme", created_by="U1", created_at=NOON))
    town = NotifierSetup(book)
    town.opens()
    yield town
    book.close()


def archived():
    return {"code": "is_archived", "permanent": True, "blame": RefusalScope.CHANNEL, "remedy": "unarchive it"}


# --- a fate that is unknown -------------------------------------------------------------------------------------------


async def test_a_post_that_had_arrived_is_not_sent_again(town):
    await town.breaks()
    town.chat.there = {ALERT: "1.0"}
    town.clock.move(seconds=10)
    [first, second] = await town.publish()
    assert first == (NotificationKind.ALERT, "sent", "not again: it was delivered, only the response was lost")
    assert town.chat.said == [("find", "C1", ALERT), ("post", "C1", "1.0")]
    assert second[1:] == ("sent", "")


async def test_a_post_that_had_not_arrived_is_sent_again(town):
    await town.breaks()
    town.clock.move(seconds=10)
    [first, _] = await town.publish()
    assert first[2] == "again: it is not in the channel's history"


async def test_a_crash_while_it_left_is_looked_into_too(town):
    town.book.mark_sending(town.book.next_pending("C1").id, NOON)
    town.restart()
    town.chat.there = {ALERT: "1.0"}
    town.clock.move(seconds=10)
    assert (await town.publish())[0][2].startswith("not again")


async def test_nobody_looks_before_a_post_that_hangs_could_have_landed(town):
    await town.breaks()
    town.clock.move(seconds=SEARCH_DELAY.total_seconds() - 0.1)
    assert (await town.publish(), town.chat.said) == ([], [])


async def test_a_reply_is_looked_for_too(town):
    town.chat.burst = 1
    await town.publish()
    await town.breaks()
    town.chat.there = {"inc1:update:u1": "2.0"}
    town.clock.move(seconds=10)
    assert (await town.publish())[0][2].startswith("not again")


async def test_an_edit_is_not_looked_for(town):
    await town.publish()
    town.affects("web")
    await town.breaks()
    town.clock.move(seconds=10)
    await town.publish()
    assert [said[0] for said in town.chat.said] == ["edit"]


async def test_a_message_that_stands_for_a_deleted_one_is_not_taken_for_it(town):
    await town.publish()
    town.affects("web")
    gone, broken = (DeliveryError(code, code=code) for code in ("message_not_found", "unknown_outcome"))
    town.chat.failures = [gone, broken]
    await town.publish()
    town.chat.there = {ALERT: "ts1"}
    town.clock.move(seconds=10)
    town.chat.failures = [gone]
    assert (await town.publish())[0][2] == "again: it is not in the channel's history"


@pytest.mark.parametrize("more", [{"code": "missing_scope", "permanent": True}, {"code": "ratelimited"}])
async def test_where_the_history_may_not_be_read_it_is_sent_again_and_said_so(town, more):
    await town.breaks()
    town.clock.move(seconds=10)
    town.chat.failures = [DeliveryError("no", **more)]
    [first, _] = await town.publish()
    assert (
        first[2]
        == f"again: the outcome of the last attempt is unknown, and the channel's history can't be read ({more['code']})"
    )


async def test_where_the_history_can_not_be_read_now_the_post_waits(town):
    await town.breaks()
    town.clock.move(seconds=10)
    assert [outcome for _, outcome, _ in await town.breaks("http_500")] == ["later"]
    assert town.book.next_pending("C1").is_in_doubt


async def test_but_not_for_long(town):
    await town.breaks()
    town.clock.at += SEARCH_FOR + timedelta(seconds=1)
    town.chat.failures = [DeliveryError("no", code="http_500")]
    assert [outcome for _, outcome, _ in await town.publish()] == ["sent", "sent"]


async def test_a_doubt_outlives_a_refusal(town):
    await town.breaks()
    town.clock.move(seconds=10)
    town.chat.failures = [None, DeliveryError("slow", code="ratelimited", retry_after=1)]
    await town.publish()
    town.chat.there = {ALERT: "1.0"}
    town.clock.move(seconds=10)
    assert (await town.publish())[0][2].startswith("not again")


async def test_a_poll_goes_back_to_the_first_attempt(town):
    for _ in range(2):
        town.chat.failures = [None, DeliveryError("?", code="unknown_outcome")][-1:] if not town.chat.said else []
        await town.breaks()
        town.clock.move(seconds=20)
    assert town.book.next_pending("C1").doubted_from == NOON


async def test_a_poll_goes_back_further_by_what_the_chats_clock_may_be_behind(town):
    await town.breaks()
    town.clock.move(seconds=10)
    await town.publish()
    assert town.chat.looked_from == NOON - CLOCK_TOLERANCE


async def test_who_can_not_look_does_not_hurry(town):
    town.chat.can_search_history = False
    await town.breaks()
    assert town.book.next_pending("C1").due_at == NOON + MIN_UNSEARCHABLE_WAIT


# --- a channel that takes nothing -------------------------------------------------------------------------------------


async def test_a_channel_that_takes_nothing_is_paused_with_all_that_it_is_owed(town):
    assert await town.breaks(**archived()) == [(NotificationKind.ALERT, "paused", "is_archived")]
    assert (town.book.pending_channels(town.clock()), town.book.channel_pause("C1").code) == ((), "is_archived")


async def test_a_second_refusal_for_the_same_reason_is_not_said_again(town):
    await town.breaks(**archived())
    town.book.resume_channel("C1")
    town.clock.move(seconds=2)
    assert [why for *_, why in await town.breaks(**archived())] == [""]


async def test_a_channel_that_refused_is_tried_again_after_one_five_fifteen_and_sixty_minutes(town):
    town.book.subscribe(Subscription("C2", "acme", created_at=NOON))
    town.opens(page(incident(), incident(update(api="partial_outage"), number=2), api="partial_outage"), channel="C2")
    waited = []
    for _ in range(6):
        town.chat.failures = [DeliveryError("no", **archived())]
        await town.publish("C2")
        [paused] = town.book.paused_channels()
        waited.append((paused.probe_at - town.clock()).total_seconds() / 60)
        town.clock.at = paused.probe_at
    assert waited == [1, 5, 15, 60, 60, 60]


async def test_a_channel_that_an_outage_waits_for_is_tried_every_minute(town):
    for _ in range(3):
        await town.breaks(**archived())
        town.clock.move(minutes=1)
    assert "C1" in town.book.pending_channels(town.clock())


async def test_a_new_outage_tries_a_paused_channel_at_once(town):
    await town.breaks(**archived())
    town.clock.move(seconds=5)
    town.opens(page(incident(), incident(number=2), api="major_outage"))
    assert "C1" in town.book.pending_channels(town.clock())


@pytest.mark.parametrize("more", [{"code": "is_archived"}, {"code": "not_in_channel"}])
async def test_a_refused_edit_pauses_nothing(town, more):
    await town.publish()
    town.affects("web")
    town.chat.failures = [DeliveryError("no", permanent=True, blame=RefusalScope.CHANNEL, **more)]
    assert [outcome for _, outcome, _ in await town.publish()] == ["refused"]
    assert town.book.channel_pause("C1") is None


async def test_a_new_alert_does_not_wait_behind_a_refused_edit(town):
    await town.publish()
    town.affects("web")
    town.chat.failures = [DeliveryError("no", **archived())]
    await town.publish()
    town.opens(page(incident(), incident(number=2), api="major_outage"))
    assert town.book.next_pending("C1", town.clock()).post.key == "inc2:alert"


async def test_a_channel_that_takes_posts_again_gets_what_is_still_open_and_the_log_says_so(town):
    await town.breaks(**archived())
    town.book.resume_channel("C1")
    town.clock.move(seconds=2)
    [first, *_] = await town.publish()
    assert first == (NotificationKind.ALERT, "sent", "the channel accepts messages again")
    assert town.book.channel_pause("C1") is None


async def test_what_is_over_by_then_is_not_sent(town):
    await town.breaks(**archived())
    town.opens(page(incident(update(api="major_outage"), update(3, "resolved", "Over."))))
    town.book.resume_channel("C1")
    town.clock.move(seconds=2)
    assert await town.publish() == []


async def test_a_channel_that_is_not_paused_is_not_tried(town):
    assert town.book.resume_channel("C1") is False


async def test_a_refusal_of_one_post_pauses_nothing(town):
    await town.breaks("no_text", permanent=True)
    assert town.book.channel_pause("C1") is None


async def test_a_refusal_of_the_bot_pauses_no_channel(town):
    await town.breaks("token_revoked", permanent=True, blame=RefusalScope.WORKSPACE)
    assert (town.book.channel_pause("C1"), town.book.pending_channels()) == (None, ("C1",))


# --- one notification that is refused -----------------------------------------------------------------------------------


def locked():
    return DeliveryError("locked", code="restricted_action_thread_locked", permanent=True, blame=RefusalScope.POST)


def unknown(code="mercury_in_retrograde"):
    return DeliveryError(code, code=code, blame=RefusalScope.UNKNOWN)


async def test_a_reply_that_its_thread_refuses_is_posted_outside_it(town):
    town.chat.failures = [None, locked()]
    await town.publish()
    assert [said[:3] for said in town.chat.said] == [("post", "C1", None), ("post", "C1", "ts1"), ("post", "C1", None)]


async def test_a_reply_that_is_refused_outside_its_thread_too_is_given_up(town):
    town.chat.failures = [None, locked(), locked()]
    assert [outcome for _, outcome, _ in await town.publish()] == ["sent", "refused", "parked"]


async def test_the_next_alert_does_not_wait_behind_a_reply_with_an_unknown_refusal(town):
    town.chat.failures = [None, unknown()]
    await town.publish()
    town.opens(page(incident(), incident(number=2), api="major_outage"))
    assert town.book.next_pending("C1", town.clock()).post.key == "inc2:alert"


async def test_an_unknown_refusal_of_an_alert_is_final_after_some_tries_and_minutes(town):
    began, outcomes = town.clock(), []
    while "parked" not in outcomes:
        town.chat.failures = [unknown()] * 9
        outcomes += [outcome for _, outcome, _ in await town.publish()]
        town.clock.move(seconds=5)
    assert (town.clock() - began > timedelta(minutes=5), outcomes.count("refused") >= 4) == (True, True)


async def test_replies_of_one_thread_stay_in_order_while_one_is_refused(town):
    town.chat.failures = [None, unknown()]
    await town.publish()
    town.opens(page(incident(update(api="major_outage"), update(2, "identified", "Found.")), api="major_outage"))
    assert town.book.next_pending("C1", town.clock()).post.kind is NotificationKind.EDIT


async def test_an_edit_that_its_channel_refuses_is_tried_after_one_five_fifteen_and_sixty_minutes(town):
    await town.publish()
    town.affects("web")
    waits = []
    for _ in range(4):
        town.chat.failures = [DeliveryError("no", **archived())]
        tried_at = town.clock()
        await town.publish()
        while town.book.next_pending("C1", town.clock()) is None:
            town.clock.move(seconds=30)
        waits.append((town.clock() - tried_at).total_seconds() / 60)
    assert waits == [1, 5, 15, 60]


async def test_an_edit_does_not_go_before_the_message_that_it_is_about(town):
    town.chat.failures = [unknown()]
    town.chat.burst = 1
    await town.publish()
    town.affects("web")
    assert await town.publish() == []


async def test_what_was_given_up_is_listed_with_its_reason(town):
    await town.breaks("no_text", permanent=True)
    assert [(p.channel, p.key, p.error) for p in town.book.untold_parked()] == [("C1", ALERT, "no_text")]


async def test_worse_news_goes_before_an_earlier_reply_of_another_thread(town):
    town.opens(page(incident(), incident(number=2), api="major_outage"))
    town.chat.burst = 2
    await town.publish()
    town.opens(page(incident(), incident(update(2, "identified", "Found."), number=2), api="major_outage"))
    ranks = [row["rank"] for row in town.book._db.rows("SELECT rank FROM outbox WHERE state = 'waiting'")]
    assert set(ranks) >= {5, 7}


# --- the wait between attempts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("attempts", "wait_s"), [(1, 1.0), (5, 2.0736), (20, 31.948), (40, 300)])
async def test_the_wait_grows_with_the_attempts_up_to_five_minutes(town, attempts, wait_s):
    for _ in range(attempts):
        await town.breaks("ratelimited")
        attempted_at = town.clock()
        town.clock.move(minutes=5)
    due_at = town.book.next_pending("C1").due_at
    assert (due_at - attempted_at).total_seconds() == pytest.approx(wait_s, abs=0.01)


# --- a clock that was set back ----------------------------------------------------------------------------------------


async def test_what_was_deferred_before_the_clock_went_back_leaves_at_once_where_nobody_knows_by_how_much(town):
    await town.breaks("ratelimited", retry_after=30)
    town.clock.move(hours=-2)
    assert (await town.publish())[0][:2] == (NotificationKind.ALERT, "sent")


@pytest.mark.parametrize("step_s", [-90, -7200])
async def test_a_wait_keeps_its_length_where_the_step_is_known(town, step_s):
    await town.breaks("ratelimited", retry_after=30)
    town.clock.move(seconds=step_s)
    town.book.shift_due_times(town.clock(), timedelta(seconds=step_s))
    early = await town.publish()
    town.clock.move(seconds=31)
    assert (early, (await town.publish())[0][:2]) == ([], (NotificationKind.ALERT, "sent"))


async def test_what_is_in_doubt_is_looked_for_soon_after_the_clock_went_back(town):
    await town.breaks()
    town.clock.move(hours=-2)
    town.book.shift_due_times(town.clock(), timedelta(hours=-2))
    town.clock.move(seconds=SEARCH_DELAY.total_seconds() + 1)
    assert [outcome for _, outcome, _ in await town.publish()][:1] == ["sent"]


async def test_a_paused_channel_is_tried_after_its_wait_though_the_clock_went_back(town):
    await town.breaks(**archived())
    town.clock.move(hours=-2)
    town.book.shift_due_times(town.clock(), timedelta(hours=-2))
    probe = town.book._db.rows("SELECT probe_at FROM pauses")[0]["probe_at"]
    assert probe <= (town.clock() + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize(("is_good", "outcome"), [(True, "paused"), (False, "stopped"), (None, "stopped")])
async def test_a_refused_token_stops_everything_unless_the_chat_says_that_it_accepts_it(town, is_good, outcome):
    town.chat.is_token_good = is_good
    done = await town.breaks("token_revoked", permanent=True, blame=RefusalScope.WORKSPACE, is_token=True)
    assert ([o for _, o, _ in done], town.courier.stop is None) == ([outcome], outcome == "paused")


async def test_a_channel_that_refused_a_good_token_stops_everything_once_the_token_is_refused_everywhere(town):
    town.chat.is_token_good = True
    await town.breaks("token_revoked", permanent=True, blame=RefusalScope.WORKSPACE, is_token=True)
    town.chat.is_token_good = False
    town.clock.move(minutes=2)
    done = await town.breaks("token_revoked", permanent=True, blame=RefusalScope.WORKSPACE, is_token=True)
    assert [outcome for _, outcome, _ in done] == ["stopped"]
