"""What becomes of what a channel is owed: looked for where its fate is unknown, and paused where nothing is taken."""

from datetime import timedelta

import pytest

from bot.core import decide
from bot.courier import BLIND_WAIT, CLOCKS, SEARCH, SETTLE, Courier
from bot.edge.store import Store
from bot.errors import Blame, DeliveryError
from bot.model import PostKind, Subscription
from bot.voice import route
from tests.acme import ACME, DOWN, NOON, Chat, Clock, incident, look, page, update

pytestmark = pytest.mark.anyio

ALERT = "inc1:alert"


class Town:
    """A book whose channel C1 is owed an alert and its reply, a chat that looks, and a courier between them."""

    def __init__(self, book):
        self.book, self.chat, self.clock = book, Chat(looks=True), Clock()
        self.courier = Courier(book, self.chat, self.clock)

    def opens(self, body=DOWN, channel="C1"):
        """A look at this page, and what it owes the channel."""
        world = self.book.world("acme") or look(None, page(), NOON - timedelta(minutes=1)).world
        stroke = look(world, body, self.clock())
        listening = [s for s in self.book.subscriptions() if s.channel == channel]
        alerts = decide.decide(stroke, ACME, blind_after=3).alerts
        posts = [p for alert in alerts for p in route.route(alert, listening, self.book.told(alert.incident))]
        self.book.record(None, stroke, posts)

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
        self.courier = Courier(self.book, self.chat, self.clock)


@pytest.fixture
def town(tmp_path):
    book = Store.open(tmp_path / "b.db")
    book.subscribe(Subscription("C1", "acme", created_by="U1", created_at=NOON))
    town = Town(book)
    town.opens()
    yield town
    book.close()


def archived():
    return {"code": "is_archived", "permanent": True, "blame": Blame.CHANNEL, "remedy": "unarchive it"}


# --- a fate that is unknown -------------------------------------------------------------------------------------------


async def test_a_post_that_had_arrived_is_not_sent_again(town):
    await town.breaks()
    town.chat.there = {ALERT: "1.0"}
    town.clock.move(seconds=10)
    [first, second] = await town.publish()
    assert first == (PostKind.ALERT, "sent", "not again: it had arrived, and only its receipt had not")
    assert town.chat.said == [("find", "C1", ALERT), ("post", "C1", "1.0")]
    assert second[1:] == ("sent", "")


async def test_a_post_that_had_not_arrived_is_sent_again(town):
    await town.breaks()
    town.clock.move(seconds=10)
    [first, _] = await town.publish()
    assert first[2] == "again: the channel's history does not have it"


async def test_a_crash_while_it_left_is_looked_into_too(town):
    town.book.mark_sending(town.book.owed("C1").id, NOON)
    town.restart()
    town.chat.there = {ALERT: "1.0"}
    town.clock.move(seconds=10)
    assert (await town.publish())[0][2].startswith("not again")


async def test_nobody_looks_before_a_post_that_hangs_could_have_landed(town):
    await town.breaks()
    town.clock.move(seconds=SETTLE.total_seconds() - 0.1)
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
    town.opens(page(incident(update(api="major_outage"), update(2, "identified", "Found.")), api="major_outage"))
    await town.breaks()
    town.clock.move(seconds=10)
    await town.publish()
    assert [said[0] for said in town.chat.said] == ["edit", "post"]


async def test_a_message_that_stands_for_a_deleted_one_is_not_taken_for_it(town):
    await town.publish()
    town.opens(page(incident(update(api="major_outage"), update(2, "identified", "Found.")), api="major_outage"))
    gone, broken = (DeliveryError(code, code=code) for code in ("message_not_found", "unknown_outcome"))
    town.chat.failures = [gone, broken]
    await town.publish()
    town.chat.there = {ALERT: "ts1"}
    town.clock.move(seconds=10)
    town.chat.failures = [gone]
    assert (await town.publish())[0][2] == "again: the channel's history does not have it"


@pytest.mark.parametrize("more", [{"code": "missing_scope", "permanent": True}, {"code": "ratelimited"}])
async def test_where_the_history_may_not_be_read_it_is_sent_again_and_said_so(town, more):
    await town.breaks()
    town.clock.move(seconds=10)
    town.chat.failures = [DeliveryError("no", **more)]
    [first, _] = await town.publish()
    assert first[2] == f"again: its fate was unknown, and the channel's history can't be read ({more['code']})"


async def test_where_the_history_can_not_be_read_now_the_post_waits(town):
    await town.breaks()
    town.clock.move(seconds=10)
    assert [outcome for _, outcome, _ in await town.breaks("http_500")] == ["later"]
    assert town.book.owed("C1").is_in_doubt


async def test_but_not_for_long(town):
    await town.breaks()
    town.clock.at += SEARCH + timedelta(seconds=1)
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


async def test_a_look_goes_back_to_the_first_attempt(town):
    for _ in range(2):
        town.chat.failures = [None, DeliveryError("?", code="unknown_outcome")][-1:] if not town.chat.said else []
        await town.breaks()
        town.clock.move(seconds=20)
    assert town.book.owed("C1").doubted_from == NOON


async def test_a_look_goes_back_further_by_what_the_chats_clock_may_be_behind(town):
    await town.breaks()
    town.clock.move(seconds=10)
    await town.publish()
    assert town.chat.looked_from == NOON - CLOCKS


async def test_who_can_not_look_does_not_hurry(town):
    town.chat.looks = False
    await town.breaks()
    assert town.book.owed("C1").due_at == NOON + BLIND_WAIT


# --- a channel that takes nothing -------------------------------------------------------------------------------------


async def test_a_channel_that_takes_nothing_is_paused_with_all_that_it_is_owed(town):
    assert await town.breaks(**archived()) == [(PostKind.ALERT, "paused", "is_archived")]
    assert (town.book.owing(), town.book.paused("C1").code) == (("U1",), "is_archived")


async def test_who_subscribed_it_is_told_once_and_where(town):
    await town.breaks(**archived())
    [told] = await town.publish("U1")
    assert (told[0], town.book.owed("U1")) == (PostKind.NOTICE, None)


async def test_a_second_refusal_for_the_same_reason_is_not_told(town):
    await town.breaks(**archived())
    await town.publish("U1")
    town.book.retry("C1")
    town.clock.move(seconds=2)
    assert [why for *_, why in await town.breaks(**archived())] == [""]
    assert town.book.owed("U1") is None


async def test_another_reason_is_told(town):
    await town.breaks(**archived())
    town.book.retry("C1")
    town.clock.move(seconds=2)
    await town.breaks("not_in_channel", permanent=True, blame=Blame.CHANNEL)
    assert town.book.owed("U1") is not None


async def test_nobody_is_told_of_their_own_messages(town):
    town.book.subscribe(Subscription("D1", "acme", created_by="U1", created_at=NOON))
    town.opens(page(incident(number=2), api="major_outage"), channel="D1")
    town.chat.failures = [DeliveryError("no", **archived())]
    await town.publish("D1")
    assert town.book.owed("U1") is None


async def test_a_person_who_can_not_be_told_starts_no_loop(town):
    await town.breaks(**archived())
    town.chat.failures = [DeliveryError("no", **archived())]
    assert [outcome for _, outcome, _ in await town.publish("U1")] == ["paused"]
    assert town.book.owing() == ()


async def test_a_new_alert_within_the_day_does_not_try_again(town):
    await town.breaks(**archived())
    town.clock.move(hours=23)
    town.opens(page(incident(), incident(number=2), api="major_outage"))
    assert "C1" not in town.book.owing()


async def test_a_new_alert_after_a_day_tries_again(town):
    await town.breaks(**archived())
    town.clock.move(hours=25)
    town.opens(page(incident(), incident(number=2), api="major_outage"))
    assert "C1" in town.book.owing()


async def test_a_channel_that_takes_posts_again_gets_what_is_still_open_and_the_log_says_so(town):
    await town.breaks(**archived())
    town.book.retry("C1")
    town.clock.move(seconds=2)
    [first, *_] = await town.publish()
    assert first == (PostKind.ALERT, "sent", "the channel takes posts again")
    assert town.book.paused("C1") is None


async def test_what_is_over_by_then_is_not_sent(town):
    await town.breaks(**archived())
    town.opens(page(incident(update(api="major_outage"), update(3, "resolved", "Over."))))
    town.book.retry("C1")
    town.clock.move(seconds=2)
    assert await town.publish() == []


async def test_a_channel_that_is_not_paused_is_not_tried(town):
    assert town.book.retry("C1") is False


async def test_a_refusal_of_one_post_pauses_nothing(town):
    await town.breaks("no_text", permanent=True)
    assert town.book.paused("C1") is None


async def test_a_refusal_of_the_bot_pauses_nothing(town):
    await town.breaks("token_revoked", permanent=True, blame=Blame.BOT)
    assert (town.book.paused("C1"), town.book.owing()) == (None, ("C1",))
