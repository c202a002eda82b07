"""Keys of posts in the outbox: what has the same key is sent once, also after an upgrade."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.app import digests
from bot.commands import channel, history, subscriptions
from bot.commands.types import ButtonClick, ModalSubmission
from bot.domain import (
    ChannelPreferences,
    ChatUser,
    Condition,
    DeliveryPause,
    DigestSchedule,
    EventKind,
    IncidentUserActions,
    Notification,
    PollFailure,
    Stage,
    Subscription,
    UserAction,
)
from bot.messages import app_home, delivery, modals
from bot.rules.alerting import reminders, routing
from bot.rules.alerting.decide import decide
from bot.storage import mapping
from tests.contract.text import sections
from tests.support.polls import ACME, AMBER, RED, at, incident, page, poll_page, update, watched
from tests.support.samples import ALERT, item
from tests.support.scenario import Scenario

ADA = ChatUser("U1", "Ada")
LISTENS = Subscription("C1", "acme", Condition.DEGRADED, "U1", at(0), "!subteam^S1|@ops")


def keys() -> str:
    """Keys that real functions give, with what they are for; ``acme`` is the provider and ``i1`` the incident."""
    return sections({"kind, key": [f"{post.kind} {post.key}" for post in _posts()]})


def _posts() -> Iterator[Notification]:
    yield from _of_a_story()
    yield from _of_a_blind_page()
    yield from _of_an_alert()
    yield from _of_people()


def _of_a_story() -> Iterator[Notification]:
    """An incident from its first post to its end, as a channel hears of it."""
    first, edited = update("u1", api=RED), update("u1", body="We see errors.", api=RED)
    second = update("u2", Stage.IDENTIFIED, "Found it.", 5, web=AMBER)
    fixed = update("u3", Stage.MONITORING, "Fixed.", 10)
    over = update("u9", Stage.RESOLVED, "Over.", 30)
    looks = (
        poll_page(0, page(incident(first), api=RED)),
        poll_page(2, page(incident(edited), api=RED)),
        poll_page(3, page(incident(edited, name="Many errors"), api=RED)),
        poll_page(5, page(incident(edited, second, name="Many errors"), api=RED, web=AMBER)),
        *(poll_page(10 + n, page(incident(edited, second, fixed, name="Many errors"))) for n in range(9)),
        poll_page(30, page(), i1=incident(edited, second, fixed, over, name="Many errors")),
    )
    told: set[str] = set()
    for change in watched(*looks):
        for alert in decide(change, ACME, blind_after=3).alerts:
            posts = list(routing.route_alert(alert, [LISTENS], told))
            told |= {post.channel for post in posts}
            yield from posts


def _of_a_blind_page() -> Iterator[Notification]:
    """A page that can't be read for a while, is moved, and was broken when it was first seen."""
    deaf = PollFailure("no answer in 10 s", "timeout")
    dark = [poll_page(minute, deaf) for minute in range(1, 5)]
    moved = replace(poll_page(6, page()), host="status.acme.test")
    strange = [poll_page(minute, PollFailure("another format", "other_format")) for minute in range(1, 5)]
    changes = [*watched(poll_page(0, page()), *dark, poll_page(5, page()), moved), *watched(*strange)]
    changes += watched(poll_page(0, page(incident(update(api=RED)), api=RED)), hours=0)
    for change in changes:
        found = decide(change, ACME, blind_after=3, alarm_after=4)
        for notice in found.notices:
            yield from routing.route_notice(notice, [LISTENS], ())
        for notice in found.for_owner:
            yield from routing.route_owner(notice, ["UOWNER"], [], ())


def _of_an_alert() -> Iterator[Notification]:
    """What a complete outage, the same episode, time and a channel that can't be posted to add."""
    yield from routing.route_alert(replace(ALERT, news=()), [LISTENS], {"C1"})
    episode = routing.ChannelDeliveryState(earlier=(("i0", ("C1",)),))
    yield from routing.route_alert(replace(ALERT, opens=True, news=(item(),)), [LISTENS], (), episode)
    late = replace(ALERT, as_of=ALERT.as_of + timedelta(hours=2))
    reminder = reminders.build_reminder(late, ALERT.as_of, [LISTENS], ChannelPreferences("C1"), IncidentUserActions())
    yield from [reminder] if reminder else []
    pauses = [DeliveryPause("C1", "not_in_channel", "invite the bot", at(0))]
    yield from routing.route_pauses(pauses, [LISTENS], ["U9"], at(0), delivery.paused_message)


def _of_people() -> Iterator[Notification]:
    """What people do in Slack, into a real database, and the digest."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(Path(folder) / "b.db").breaks()
        with closing(scenario.repository) as repository:
            queries, mark = scenario.queries(), UserAction(ADA, scenario.now())
            opened = replace(ALERT, incident="i-1", opens=True, as_of=scenario.now())
            repository.user_actions.enqueue(routing.route_alert(opened, [LISTENS], ()), scenario.now())
            repository.user_actions.set_acknowledgement(
                channel.build_event(EventKind.ACKED, queries, mark, "i-1", "C1"), ADA
            )
            noted = replace(channel.build_event(EventKind.NOTE, queries, mark, "i-1", "C1"), text="Ours is well.")
            history.save_note(queries, noted)
            history.save_note(queries, noted, "VIEW")
            subscriptions.submit_subscription(
                queries, ModalSubmission("VIEW", "", {modals.TARGET: "acme", modals.WHERE: "C1"}, ADA)
            )
            chosen = channel.SettingsChange(replace(queries.channel_preferences("C1"), maintenance=True))
            channel.save_preferences(queries, chosen, mark, key="VIEW")
            digest = digests._digest_notification(queries, "C1", DigestSchedule(scenario.now().time()), scenario.now())
            subscriptions.change_subscription(
                queries, ButtonClick(app_home.CHANGE, f"{app_home.OFF} C1 acme", "U1", ADA)
            )
            subscriptions.enqueue_welcome(queries, "C2")
            yield from [digest] if digest else []
            found = repository._db.rows("SELECT post FROM outbox ORDER BY id")
            yield from (mapping.NOTIFICATION_ADAPTER.validate_json(row["post"]) for row in found)
