"""What fails for us while the page shows nothing: an alert of our own, and what becomes of it."""

from dataclasses import replace
from datetime import timedelta

from pydantic import TypeAdapter

from bot.domain import Condition, Impact, IncidentEnding, NewsKind, PollFailure, ProviderState, Stage
from bot.rules import transition
from bot.rules.alerting import decide
from tests.support.evidence import API, lived, probed, reported, tried
from tests.support.polls import ACME, AMBER, GREEN, RED, RULES, at, incident, page, poll_page, update

ID = "acme-api@2026-05-04T12:03:00Z"
DOWN = probed(lambda minute: minute < 0)
OVER_AT_9 = probed(lambda minute: minute < 0 or minute >= 9)


def told(done):
    return [alert for change in done for alert in decide.decide(change, ACME, blind_after=3).alerts]


def kinds(done):
    """The rows about suspicions and incidents, each with its minute."""
    wanted = (
        "suspected",
        "suspicion_confirmed",
        "suspicion_cleared",
        "incident_opened",
        "trouble_began",
        "trouble_ended",
    )
    rows = [e for s in done for e in s.events if e.kind in wanted]
    return [(round((e.seen_at - at(0)) / timedelta(minutes=1)), str(e.kind), e.incident) for e in rows]


def admitted(minute=20, **more):
    """A page that posts an incident on the API at this minute."""
    posted = incident(update("u1", minutes=minute, **(more or {"api": RED})), iid="i1")
    return lambda now: page() if now < minute else page(posted, **(more or {"api": RED}))


def test_a_suspicion_is_told_when_the_verdict_holds():
    assert kinds(lived(9, seen=DOWN)) == [(3, "suspected", ID)]


def test_its_alert_names_the_surface_and_opens_a_message():
    [alert] = [a for a in told(lived(3, seen=DOWN)) if a.opens]
    assert (alert.incident, alert.is_suspected, [line.surface for line in alert.lines]) == (ID, True, [API])


def test_a_crowd_alone_is_a_suspicion_too():
    seen = lambda minute: [reported(minute, f"p{n}") for n in range(5)] if minute == 0 else []  # noqa: E731
    assert kinds(lived(1, seen=seen)) == [(0, "suspected", "acme-api@2026-05-04T12:00:00Z")]


def test_it_is_opened_once():
    assert len([a for a in told(lived(60, seen=DOWN)) if a.opens and not a.news]) == 1


def test_it_ends_with_a_line_where_the_page_never_shows_it():
    done = lived(30, seen=OVER_AT_9)
    assert kinds(done) == [(3, "suspected", ID), (11, "suspicion_cleared", ID)]
    assert done[-1].state.tracked_incident(ID).ending is IncidentEnding.UNCONFIRMED


def test_its_end_is_told_in_its_thread():
    news = [item for a in told(lived(11, seen=OVER_AT_9)) for item in a.news]
    assert NewsKind.RESOLVED in news[-1].kinds


def test_what_fails_again_soon_is_the_same_suspicion():
    seen = probed(lambda minute: minute < 0 or 9 <= minute < 20)
    assert [row[1:] for row in kinds(lived(30, seen=seen))] == [
        ("suspected", ID),
        ("suspicion_cleared", ID),
        ("suspected", ID),
    ]


def test_what_fails_again_after_it_was_normal_has_its_surface_back():
    done = lived(45, seen=probed(lambda minute: minute < 0 or 9 <= minute < 40))
    assert [s.state.tracked_incident(ID).freed for s in (done[-7], done[-1])] == [("acme-api",), ()]


def test_what_goes_on_failing_when_its_component_is_green_is_the_same_trouble():
    done = lived(8, shown=lambda minute: page(api=RED if 0 <= minute < 8 else GREEN), seen=DOWN)
    [began, ended, again] = kinds(done)
    assert (began[:2], ended[:2], again) == ((3, "trouble_began"), (8, "trouble_ended"), (8, "suspected", began[2]))


def test_what_is_posted_already_is_no_suspicion():
    assert kinds(lived(9, shown=admitted(-5), seen=DOWN)) == [(-5, "incident_opened", "i1")]


def test_a_page_that_can_not_be_read_may_be_our_own_network():
    assert kinds(lived(30, shown=lambda minute: page() if minute < -10 else None, seen=DOWN)) == []


def test_nor_is_anything_suspected_in_the_first_minutes_of_a_page_that_can_not_be_read():
    deaf = PollFailure("no answer in 10 s", "timeout")
    assert kinds(lived(4, shown=lambda minute: page() if minute < 1 else deaf, seen=DOWN)) == []


def test_two_places_are_no_network_of_ours():
    seen = probed(lambda minute: minute < 0, "here", "tokyo")
    assert kinds(lived(9, shown=lambda minute: page() if minute < -10 else None, seen=seen)) == [(3, "suspected", ID)]


def test_nothing_is_suspected_of_a_page_that_was_never_read():
    assert kinds(lived(9, shown=lambda _: None, seen=DOWN)) == []


def test_a_restart_tells_it_no_second_time():
    stored = TypeAdapter(ProviderState)
    world = stored.validate_json(stored.dump_json(lived(9, seen=DOWN)[-1].state))
    assert kinds(lived(30, seen=DOWN, start=10, world=world)) == []


def ended(minute):
    """A page whose incident on the API opens at 5 and is called resolved at this minute."""
    first, over = update("u1", minutes=5, api=RED), update("u2", Stage.RESOLVED, "Over.", minute, api=GREEN)
    shown, gone = incident(first, iid="i1"), incident(first, over, iid="i1")
    return lambda now: page() if now < 5 else page(shown, api=RED) if now < minute else page(gone)


def test_what_goes_on_failing_after_the_vendor_s_end_is_told_by_that_incident_s_message():
    assert [row[1] for row in kinds(lived(60, shown=ended(20), seen=DOWN))][-1] == "suspicion_confirmed"


def test_an_hour_after_that_end_it_is_a_suspicion_again():
    assert [row[:2] for row in kinds(lived(90, shown=ended(20), seen=DOWN))][-1] == (81, "suspected")


def test_what_fails_again_after_an_end_is_a_suspicion():
    seen = probed(lambda minute: minute < 0 or 9 <= minute < 40)
    assert [row[1] for row in kinds(lived(60, shown=ended(20), seen=seen))][-1] == "suspected"


def test_what_weighs_only_after_an_end_is_a_suspicion_at_once():
    seen = probed(lambda minute: minute < 19)
    assert [row[:2] for row in kinds(lived(40, shown=ended(20), seen=seen))][-1] == (22, "suspected")


def test_what_goes_on_failing_after_an_incident_that_nobody_watched_is_a_suspicion_at_once():
    world = lived(9, shown=lambda minute: page() if minute < -3 else None, seen=DOWN)[-1].state
    missed = incident(update("u1", api=RED), update("u2", Stage.RESOLVED, "Over.", 5))
    change = transition.apply_poll(world, replace(poll_page(10, page(missed)), unwatched_since=at(-4)), RULES)
    assert (change.state.tracked_incident("i1").is_missed, [row[1] for row in kinds([change])][-1]) == (
        True,
        "suspected",
    )


def works(minute=20):
    """A page whose maintenance of the API, which nobody is told of, begins at 2 and is completed at this minute."""
    begun = update("u1", Stage.IN_PROGRESS, "We are at it.", 2, api=Condition.MAINTENANCE)
    over = update("u2", Stage.COMPLETED, "Done.", minute, api=GREEN)
    shown = lambda *posts: incident(*posts, iid="m1", impact=Impact.MAINTENANCE, is_maintenance=True)  # noqa: E731
    during, after = (
        page(maintenances=[shown(begun)], api=Condition.MAINTENANCE),
        page(maintenances=[shown(begun, over)]),
    )
    return lambda now: page() if now < 2 else during if now < minute else after


def test_what_does_not_come_back_from_a_maintenance_is_told_as_soon_as_it_weighs():
    done = lived(40, shown=works(), seen=probed(lambda minute: minute < 19))
    assert [row[:2] for row in kinds(done)][-1] == (22, "suspected")


# --- the page comes to show it ----------------------------------------------------------------------------------------


def joined(minute=20, **more):
    return lived(minute, shown=admitted(20, **more), seen=DOWN)


def test_the_vendors_incident_takes_it_over():
    assert [row[1:] for row in kinds(joined())] == [
        ("suspected", ID),
        ("incident_opened", "i1"),
        ("suspicion_confirmed", ID),
        ("suspicion_confirmed", "i1"),
    ]


def test_how_long_we_knew_before_is_kept_with_the_incident():
    known = joined()[-1].state.tracked_incident("i1")
    assert (known.suspicions, known.lead) == ((ID,), timedelta(minutes=17))


def test_the_suspicion_says_who_took_it_over():
    known = joined()[-1].state.tracked_incident(ID)
    assert (known.ending, known.joined) == (IncidentEnding.POSTED, "i1")


def test_a_backdated_post_makes_no_lead():
    early = incident(update("u1", minutes=1, api=RED))
    shown = lambda minute: page(early, api=RED) if minute >= 20 else page()  # noqa: E731
    assert lived(20, shown=shown, seen=DOWN)[-1].state.tracked_incident("i1").lead == timedelta(0)


def test_the_incidents_alert_takes_over_the_message():
    alerts = {a.incident: a for a in told(joined()[-2:])}
    assert alerts["i1"].takes_over == (ID,)
    assert alerts[ID].yields_to == ("i1",)


def test_what_is_taken_over_opens_no_message_any_more():
    assert [a.opens for a in told(joined()[-2:]) if a.incident == ID] == [False]


def test_that_the_page_shows_it_is_said_in_the_thread_and_not_broadcast():
    [item] = next(a for a in told(joined()[-2:]) if a.incident == "i1").news
    assert (item.kinds, item.broadcast) == ((NewsKind.CONFIRMED, NewsKind.UPDATE), False)


def test_what_the_incident_hits_besides_is_broadcast():
    item, _ = next(a for a in told(joined(api=RED, web=RED)[-2:]) if a.incident == "i1").news
    assert (item.kinds[0], item.wider, item.broadcast) == (NewsKind.WIDENED, ("Acme Web",), True)


def test_the_suspicion_is_no_earlier_part_of_the_incidents_episode():
    assert next(a for a in told(joined()[-2:]) if a.incident == "i1").follows == ()


def test_a_component_that_turns_red_makes_it_a_plain_trouble():
    done = lived(20, shown=lambda minute: page(api=AMBER if minute >= 15 else GREEN), seen=DOWN)
    assert kinds(done) == [(3, "suspected", ID), (15, "suspicion_confirmed", ID)]
    known = done[-1].state.tracked_incident(ID)
    assert (known.incident.is_suspected, known.lead) == (False, timedelta(minutes=12))


def test_the_incident_that_is_posted_on_that_trouble_at_last_keeps_how_long_we_knew():
    posted = incident(update("u1", minutes=20, api=RED), iid="i1")
    shown = lambda minute: page(posted, api=RED) if minute >= 20 else page(api=RED if minute >= 15 else GREEN)  # noqa: E731
    known = lived(20, shown=shown, seen=DOWN)[-1].state.tracked_incident("i1")
    assert (known.suspicions, known.lead) == ((ID,), timedelta(minutes=12))


def test_an_incident_posted_within_the_hour_after_it_has_passed_is_still_that():
    done = lived(40, shown=admitted(40), seen=OVER_AT_9)
    assert done[-1].state.tracked_incident("i1").suspicions == (ID,)
    assert done[-1].state.tracked_incident("i1").lead == timedelta(minutes=37)


def test_an_incident_posted_later_is_another():
    assert lived(80, shown=admitted(80), seen=OVER_AT_9)[-1].state.tracked_incident("i1").suspicions == ()


def test_two_surfaces_that_one_incident_takes_over_keep_their_places():
    seen = lambda m: [tried(m, m < 0), tried(m, m < 2, surface="acme-web")]  # noqa: E731
    done = lived(20, shown=admitted(20, api=RED, web=RED), seen=seen)
    suspicions = done[-1].state.tracked_incident("i1").suspicions
    alerts = {a.incident: a.yields_to for a in told(done[-2:])}
    assert len(suspicions) == 2
    assert [alerts[s] for s in suspicions] == [("i1",), ("i1", suspicions[0])]


def test_of_two_that_one_incident_takes_over_the_longer_lead_is_kept():
    seen = lambda m: [tried(m, m < 0), tried(m, m < 2, surface="acme-web")]  # noqa: E731
    done = lived(20, shown=admitted(20, api=RED, web=RED), seen=seen)
    assert done[-1].state.tracked_incident("i1").lead == timedelta(minutes=17)


def test_after_resolved_a_probe_that_fails_is_a_suspicion_of_its_own():
    over = incident(update("u1", minutes=-30, api=RED), update("u2", Stage.RESOLVED, "Over.", -5))
    shown = lambda minute: page(over) if minute >= -5 else page(incident(update("u1", minutes=-30, api=RED)), api=RED)  # noqa: E731
    done = lived(9, shown=shown, seen=DOWN, start=-29)
    assert ("suspected", ID) in [row[1:] for row in kinds(done)]


def test_a_surface_that_leaves_the_catalogue_leaves_no_suspicion_behind():
    world = lived(9, seen=DOWN)[-1].state
    less = transition.TransitionContext(replace(ACME, surfaces=(ACME.surfaces[0],)), RULES.verdict, {})
    change = transition.apply_poll(world, poll_page(10, page()), less)
    assert not change.state.open_incidents
