"""What others than the page see, from the engine to the channel's message, with the real store in a file."""

import json
from datetime import time, timedelta

import pytest

from bot.app.reminders import ReminderHook
from bot.app.report_intake import ReportIntake
from bot.domain import (
    ChannelPreferences,
    ChatUser,
    Event,
    EventKind,
    EvidenceBatch,
    EvidenceTotals,
    Mute,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    ProbeResult,
    QuietHours,
    RequestOutcomes,
    Subscription,
    UserAction,
    UserReport,
    VerdictParameters,
)
from bot.engine import Engine
from bot.messages import summary, timeline
from bot.queries.current import StatusQueries
from bot.storage import Repository
from bot.storage.evidence import RETENTION
from tests.support.acme import ACME, NOON, Clock
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import incident, page, update
from tests.support.stores import place

pytestmark = pytest.mark.anyio

ANA = ChatUser("U1", "Ana")
SAID = Notice(NoticeKind.SETTINGS, "", "", "k", NOON, "", NOON)


class EngineSetup:
    """Acme, its page, a probe that may fail, and a channel; time passes minute by minute."""

    def __init__(self, store):
        self.clock, self.web, self.chat, self.store = Clock(), FakeFetcher(), FakeChat(burst=99), store
        store.subscribe(Subscription("C1", "acme", created_at=NOON))
        self.start()

    def start(self):
        self.engine = Engine({"acme": ACME}, self.web, self.store, self.chat, self.clock, lambda _: VerdictParameters())

    async def minutes(self, count, *, fails=(), shows=None, publish=True):
        """So many minutes of looks and probes; ``fails`` are the surfaces whose probes fail."""
        if shows is not None:
            self.web.show(shows)
        for _ in range(count):
            await self.engine.poll("acme")
            results = tuple(ProbeResult(s.id, self.clock(), s.id not in fails) for s in ACME.surfaces)
            self.engine.apply_evidence("acme", EvidenceBatch(probes=results))
            if publish:
                await self.engine.publish()
            self.clock.move(minutes=1)

    def sent(self):
        """What the chat was asked to do: post, edit, or a reply."""
        return ["reply" if what == "post" and thread else what for what, _, thread, *_ in self.chat.said]

    def suspicion(self):
        return next(k for k in self.engine.states["acme"].incidents if k.incident.id.startswith("acme-api@"))


@pytest.fixture
def stage(repository):
    return EngineSetup(repository)


def posted(at, api="major_outage"):
    return page(incident(update(api=api, at=at)), api=api)


async def admitted(stage, api="major_outage", **more):
    """Suspected at 12:08, and posted by the vendor at 12:19."""
    await stage.minutes(5)
    await stage.minutes(14, fails=["acme-api"], **more)
    await stage.minutes(1, fails=["acme-api"], shows=posted(stage.clock(), api), **more)


async def test_a_suspicion_is_one_message(stage):
    await stage.minutes(5)
    await stage.minutes(20, fails=["acme-api"])
    assert stage.sent().count("post") == 1


async def test_when_the_page_admits_it_the_same_message_goes_on(stage):
    await admitted(stage)
    assert stage.sent().count("post") == 1
    assert stage.sent()[-2:] == ["edit", "reply"]


async def test_whom_a_trouble_of_ours_rang_the_incident_that_takes_it_over_rings_no_second_time(stage):
    stage.store.subscribe(Subscription("C1", "acme", mention="!subteam^S1", created_at=NOON))
    await stage.minutes(2)
    await stage.minutes(5, shows=page(api="major_outage"))
    await stage.minutes(2, shows=page(incident(), api="major_outage"))
    assert sum("<!subteam^S1>" in text for text in stage.chat.texts) == 1


async def test_the_message_is_the_incidents_from_then_on(stage):
    await admitted(stage)
    assert (stage.store.notified_channels("inc1"), stage.store.notified_channels(stage.suspicion().incident.id)) == (
        {"C1"},
        frozenset(),
    )


async def test_an_alert_that_is_still_unsent_goes_with_it(stage):
    await admitted(stage, publish=False)
    await stage.engine.publish()
    assert sorted(stage.sent()) == ["edit", "post", "reply", "reply"]


async def test_a_channel_that_has_the_incident_already_keeps_both_messages(stage):
    early = incident(update(), name="Errors on the website")
    await stage.minutes(5)
    await stage.minutes(5, shows=page(early, web="major_outage"))
    await stage.minutes(9, fails=["acme-api"])
    wide = incident(
        update(),
        update(2, "identified", "The API too.", stage.clock(), api="major_outage"),
        name="Errors on the website",
    )
    await stage.minutes(1, fails=["acme-api"], shows=page(wide, web="major_outage", api="major_outage"))
    assert stage.sent().count("post") == 2
    assert stage.store.notified_channels(stage.suspicion().incident.id) == {"C1"}


async def test_a_mute_of_the_suspicion_is_a_mute_of_the_incident(stage):
    await stage.minutes(5)
    await stage.minutes(5, fails=["acme-api"])
    name = stage.suspicion().incident.id
    done = Event(EventKind.MUTED, "acme", stage.clock(), incident=name, channel="C1")
    stage.store.user_actions.set_mute(Mute("C1", name, None, UserAction(ANA, stage.clock())), done)
    await stage.minutes(1, fails=["acme-api"], shows=posted(stage.clock()))
    assert [m.target for m in stage.store.user_actions.mutes("C1")] == ["inc1"]


async def test_in_quiet_hours_it_waits_and_is_told_as_the_incident_then(stage):
    stage.store.user_actions.save_preferences(
        ChannelPreferences("C1", quiet=QuietHours(time(12), time(12, 30))),
        (),
        Notification("C1", NotificationKind.NOTICE, "k", SAID),
    )
    await admitted(stage, "degraded_performance")
    assert stage.sent() == ["post"]
    stage.clock.at = NOON + timedelta(minutes=31)
    ReminderHook(stage.engine, stage.store)()
    await stage.engine.publish()
    assert stage.sent()[:2] == ["post", "post"]
    assert stage.sent().count("post") == 2


async def test_a_restart_in_between_changes_nothing(stage):
    await stage.minutes(5)
    await stage.minutes(8, fails=["acme-api"])
    stage.start()
    await stage.minutes(6, fails=["acme-api"])
    await stage.minutes(1, fails=["acme-api"], shows=posted(stage.clock()))
    assert stage.sent().count("post") == 1


async def test_a_suspicion_that_passes_ends_in_its_thread(stage):
    await stage.minutes(5)
    await stage.minutes(9, fails=["acme-api"])
    await stage.minutes(9)
    assert stage.sent().count("post") == 1
    assert stage.sent()[-1] == "reply"


async def test_the_summary_says_how_long_we_knew_before(stage):
    await admitted(stage)
    _, known, events = queries(stage).find_incident("inc1")
    told = summary.summary_message(known, ACME, events, {s.id: s for s in ACME.surfaces}, stage.clock()).text
    assert "Detected: 11 min before the status page" in told


async def test_the_timeline_begins_with_what_was_suspected(stage):
    await admitted(stage)
    kinds = [e.kind for e in stage.store.events("inc1")]
    assert kinds[0] is EventKind.SUSPECTED
    assert kinds.count(EventKind.SUSPICION_CONFIRMED) == 2


async def test_a_suspicion_is_no_incident_of_the_vendor(stage):
    await stage.minutes(5)
    await stage.minutes(9, fails=["acme-api"])
    assert stage.store.archive.incident_courses(["acme"]) == ()


# --- the page shows it, and posts nothing -----------------------------------------------------------------------------


async def red(stage):
    """The API's component is red for five minutes, and then the vendor posts an incident on it."""
    await stage.minutes(2)
    await stage.minutes(5, shows=page(api="major_outage"))
    await stage.minutes(1, shows=posted(stage.clock()))


async def test_when_the_vendor_posts_what_its_page_showed_the_same_message_goes_on(stage):
    await red(stage)
    assert stage.sent().count("post") == 1
    assert stage.sent()[-2:] == ["edit", "reply"]


async def test_the_timeline_begins_with_what_the_page_showed(stage):
    await red(stage)
    assert stage.store.events("inc1")[0].kind is EventKind.TROUBLE_BEGAN


async def test_the_timeline_says_that_it_was_posted_and_not_that_it_was_over(stage):
    await red(stage)
    _, known, events = queries(stage).find_incident("inc1")
    told = timeline.timeline_message(known, ACME, events, {s.id: s for s in ACME.surfaces}).text
    assert "12:05  Acme API: shown as affected without an incident since 12:02 UTC\n" in told
    assert "12:07  Acme API: the vendor has posted an incident on it\n" in told


async def test_what_was_taken_over_is_counted_as_one_incident(stage):
    await red(stage)
    assert [c.incident for c in stage.store.archive.incident_courses(["acme"])] == ["inc1"]


# --- people -----------------------------------------------------------------------------------------------------------


def queries(stage):
    return StatusQueries((ACME,), stage.store, stage.clock, lambda _: VerdictParameters())


def say(stage, person, surface="acme-api"):
    done = Event(EventKind.REPORTED, "acme", stage.clock(), surface=surface, channel="C1", author=person)
    stage.store.user_actions.add_report(done, ChatUser(person, person))


async def test_five_people_who_report_it_make_it_gentle(stage):
    await stage.minutes(5, publish=False)
    for n in range(5):
        say(stage, f"U{n}")
    assert ReportIntake(stage.engine, stage.store)()
    assert stage.engine.states["acme"].verdict("acme-api").reason_code == "reported"


async def test_what_was_heard_is_not_heard_again(stage):
    await stage.minutes(1)
    say(stage, "U1")
    hearing = ReportIntake(stage.engine, stage.store)
    assert (hearing(), hearing()) == (True, False)


async def test_after_a_restart_who_was_counted_counts_once(stage):
    await stage.minutes(1)
    say(stage, "U1")
    ReportIntake(stage.engine, stage.store)()
    stage.start()
    ReportIntake(stage.engine, stage.store)()
    [said] = [t for t in stage.engine.states["acme"].testimonies if t.surface == "acme-api"]
    assert len(said.voices) == 1


async def test_who_is_affected_counts_as_who_reports(stage):
    await stage.minutes(1)
    await stage.minutes(2, shows=posted(stage.clock()))
    done = Event(EventKind.AFFECTED, "acme", stage.clock(), incident="inc1", surface="acme-api", channel="C1")
    stage.store.user_actions.add_affected(done, ANA)
    ReportIntake(stage.engine, stage.store)()
    [said] = [t for t in stage.engine.states["acme"].testimonies if t.voices]
    assert [v.reporter for v in said.voices] == ["U1"]


# --- what is kept -----------------------------------------------------------------------------------------------------


async def test_raw_results_and_counts_are_kept(stage):
    at = stage.clock()
    stage.engine.apply_evidence(
        "acme",
        EvidenceBatch(
            probes=(ProbeResult("acme-api", at, ok=False), ProbeResult("acme-api", at, ok=True, vantage="tokyo")),
            outcomes=(RequestOutcomes("acme-api", at, at, 90, {"503": 8, "429": 5}),),
        ),
    )
    span = (at - timedelta(minutes=1), at)
    assert stage.store.archive.evidence_totals(["acme-api", "acme-web"], *span) == (
        EvidenceTotals("acme-api", 2, 1, 98, 8),
    )


async def test_they_are_forgotten_after_two_weeks(stage):
    await stage.minutes(2)
    start = stage.clock.at
    stage.clock.move(days=RETENTION.days, minutes=1)
    await stage.minutes(1)
    assert stage.store.archive.evidence_totals(["acme-api"], NOON, start) == ()


async def test_who_reports_by_http_counts_among_those_who_report_here(stage):
    stage.engine.apply_evidence("acme", EvidenceBatch(reports=(UserReport("acme-api", "p1", stage.clock()),)))
    assert stage.store.user_actions.report_counts(NOON) == {"acme-api": 1}


async def test_an_export_and_an_import_keep_the_evidence(stage, tmp_path):
    await admitted(stage)
    other = Repository.open(place(tmp_path / "other.db"))
    other.archive.restore(json.loads("".join(stage.store.archive.dump())))
    span = (NOON, stage.clock())
    assert other.archive.evidence_totals(["acme-api"], *span) == stage.store.archive.evidence_totals(
        ["acme-api"], *span
    )
    assert other.tracked_incident("inc1") == stage.store.tracked_incident("inc1")
    other.close()
