"""A test for every rule of the table, named after it, then what holds for all of them."""

from dataclasses import astuple, fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.domain import (
    Advice,
    Attribution,
    AttributionKind,
    Condition,
    Estimate,
    EvidenceKind,
    IncidentSighting,
    Provider,
    Source,
    Stage,
    Surface,
    SurfaceHistory,
    Verdict,
    VerdictParameters,
)
from bot.rules.verdict.reasons import MAX_REASON
from bot.rules.verdict.rules import RULES, VerdictCase, advance_history, judge, judge_all, next_change_at

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
API = Surface("acme-api", "acme", "Acme API")
R60 = VerdictParameters()
RANK = list(Advice)

BAD, IDENTIFIED, MONITORING = Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.MONITORING
RED, GREEN = Condition.PARTIAL_OUTAGE, Condition.OPERATIONAL


def hit(stage=BAD, weight=AttributionKind.DOWN, condition=None, incident="i1", basis=EvidenceKind.TRANSITION, **rest):
    condition = condition or (RED if stage.is_bad and weight is AttributionKind.DOWN else GREEN)
    return Attribution("acme-api", incident, weight, condition, stage, basis, NOON, **rest)


def at(minute):
    return NOON + minute * MINUTE


class Day:
    """Looks once a minute; ``said`` maps from a minute on to the hits that the page gives then."""

    def __init__(self, said, rules=R60, start=-120):
        self.said, self.rules, self.start = dict(sorted(said.items())), rules, start

    def hits(self, minute):
        return next((hits for start, hits in reversed(self.said.items()) if start <= minute), [])

    def track(self, minute):
        track = SurfaceHistory("acme-api")
        for n in range(self.start, minute + 1):
            track = advance_history(track, self.hits(n), at(n), polled=True, rules=self.rules)
        return track

    def verdict(self, minute, **changes):
        given = {"seen_at": at(minute), "rules": self.rules, "surface": API, "vendor": "Acme"} | changes
        return judge(VerdictCase(self.track(minute), self.hits(minute), at(minute), **given))

    def code(self, minute):
        return self.verdict(minute).reason_code


OUTAGE = {0: [hit()], 30: [hit(MONITORING)], 60: []}


# --- the table, worst first -------------------------------------------------------------------------------------------


def test_never_seen():
    verdict = judge(
        VerdictCase(SurfaceHistory("acme-api"), [], NOON, seen_at=None, rules=R60, surface=API, vendor="Acme")
    )
    assert (verdict.call, verdict.reason_code, verdict.exposure) == (Advice.UNKNOWN, "never_seen", 0)


def test_stale_unknown_after_15_minutes_even_of_a_good_page():
    verdict = Day({}).verdict(0, seen_at=at(-16))
    assert (verdict.call, verdict.reason_code) == (Advice.UNKNOWN, "stale_unknown")


def test_component_gone_is_unknown_and_names_it():
    lost = {"seen_at": NOON, "rules": R60, "surface": API, "vendor": "Acme", "lost_components": ("API",)}
    verdict = judge(VerdictCase(SurfaceHistory("acme-api"), [], NOON, **lost))
    assert (verdict.call, verdict.reason_code, verdict.review_at, "“API”" in verdict.reason) == (
        Advice.UNKNOWN,
        "component_gone",
        None,
        True,
    )


def test_component_unknown_where_a_component_has_no_state_that_we_know():
    verdict = Day({}).verdict(0, unknown_component="API")
    assert (verdict.call, verdict.reason_code) == (Advice.UNKNOWN, "component_unknown")
    assert "no known status for API" in verdict.reason


def test_a_component_of_unknown_state_weakens_no_hold():
    assert Day({0: [hit()]}).verdict(5, unknown_component="Batches").reason_code == "down"


def test_unconfirmed_holds_where_only_the_page_turned_green():
    cleared = hit(IDENTIFIED, AttributionKind.CLEARED, basis=EvidenceKind.COMPONENT, expires=at(-5))
    assert Day({0: [hit()], 10: [cleared]}).code(20) == "unconfirmed"


def test_exoneration_expired_holds_again():
    cleared = hit(weight=AttributionKind.CLEARED, expires=at(70))
    day = Day({0: [hit()], 10: [cleared]})
    assert (day.code(69), day.code(70)) == ("exonerated", "exoneration_expired")


def test_component_down_holds_though_the_incident_is_at_monitoring():
    verdict = Day({0: [hit(MONITORING, condition=RED)]}).verdict(90)
    assert (verdict.call, verdict.reason_code) == (Advice.HOLD_OFF, "component_down")


def test_component_down_holds_without_any_incident():
    bare = hit(Stage.UNKNOWN, condition=Condition.DEGRADED, incident="", basis=EvidenceKind.COMPONENT)
    assert Day({0: [bare]}).code(0) == "component_down"


def test_down_holds_from_the_first_poll():
    verdict = Day(OUTAGE).verdict(0)
    assert (verdict.call, verdict.reason_code, verdict.exposure) == (Advice.HOLD_OFF, "down", 0)


def test_down_by_words_only_is_marked_inferred():
    assert Day({0: [hit(basis=EvidenceKind.TEXT, inferred=True)]}).verdict(0).inferred


def test_down_counts_a_stage_of_an_unknown_word():
    assert Day({0: [hit(Stage.UNKNOWN)]}).code(5) == "down"


def test_maintenance_holds_while_in_progress():
    assert Day({0: [hit(Stage.IN_PROGRESS, condition=Condition.MAINTENANCE)]}).code(3) == "maintenance"


def test_a_maintenance_changes_at_no_time_that_is_known():
    assert Day({0: [hit(Stage.IN_PROGRESS, condition=Condition.MAINTENANCE)]}).verdict(3).changes_at is None


def test_maintained_recently_tells_of_the_minutes_after_a_maintenance():
    day = Day({0: [hit(Stage.IN_PROGRESS, condition=Condition.MAINTENANCE)], 60: []})
    verdict = day.verdict(62)
    assert verdict.reason_code == "maintained_recently"
    assert "Acme's maintenance ended at" in verdict.reason


def test_maintenance_that_is_only_scheduled_changes_nothing():
    assert Day({0: [hit(Stage.SCHEDULED)]}).verdict(3).call is Advice.RETRY_NORMALLY


def test_verifying_is_gentle_and_normal_comes_five_minutes_after_completed():
    day = Day({0: [hit(Stage.IN_PROGRESS)], 60: [hit(Stage.VERIFYING)], 70: []})
    assert (day.code(65), day.verdict(74).call, day.verdict(75).call) == (
        "verifying",
        Advice.RETRY_GENTLY,
        Advice.RETRY_NORMALLY,
    )


def test_settling_holds_for_three_minutes_after_the_last_bad_one():
    day = Day(OUTAGE)
    assert (day.code(31), day.code(32)) == ("settling", "recovering")


def test_settling_needs_two_clean_looks_a_minute_apart():
    track = Day(OUTAGE).track(29)
    once = advance_history(track, [hit(MONITORING)], at(30), polled=True, rules=R60)
    verdict = judge(VerdictCase(once, [hit(MONITORING)], at(35), seen_at=at(34), rules=R60, surface=API))
    assert verdict.reason_code == "settling"


def test_settling_takes_a_poll_a_minute_later_for_its_second():
    track = Day({0: [hit()]}).track(0)
    for minute in (4, 5):
        track = advance_history(track, [], at(minute), polled=True, rules=R60)
    assert (
        judge(VerdictCase(track, [], at(8), seen_at=at(5), rules=R60, surface=API)).reason_code == "resolved_recently"
    )


def test_settling_whose_time_is_over_changes_with_the_next_poll():
    track = advance_history(Day({0: [hit()]}).track(0), [], at(5), polled=True, rules=R60)
    verdict = judge(VerdictCase(track, [], at(9.5), seen_at=at(5), rules=R60, surface=API))
    assert (verdict.reason_code, verdict.changes_at) == ("settling", None)


def test_settling_also_follows_an_incident_that_opens_at_monitoring():
    assert Day({0: [hit(MONITORING)]}).code(1) == "settling"


def test_settling_does_not_follow_one_that_opens_at_monitoring_and_only_lists_it():
    assert Day({0: [hit(MONITORING, AttributionKind.WATCH, basis=EvidenceKind.LINK)]}).code(0) == "recovering"


def test_exonerated_is_gentle_at_once_and_no_more():
    verdict = Day({0: [hit()], 10: [hit(weight=AttributionKind.CLEARED, expires=at(70))]}).verdict(10)
    assert (verdict.call, verdict.exposure) == (Advice.RETRY_GENTLY, 0.1)


def test_exonerated_is_void_at_the_first_contrary_sign():
    assert Day({0: [hit(weight=AttributionKind.CLEARED, condition=RED, expires=at(60))]}).code(0) == "down"


def test_exonerated_by_one_incident_does_not_lift_another_ones_hold():
    other = hit(incident="i2")
    cleared = hit(weight=AttributionKind.CLEARED, expires=at(70))
    assert Day({0: [hit(), other], 10: [cleared, hit(MONITORING, incident="i2")]}).code(11) == "settling"


def test_named_in_words_caps_at_gentle_and_does_not_hold():
    verdict = Day({0: [hit(weight=AttributionKind.NAMED, basis=EvidenceKind.TEXT)]}).verdict(300)
    assert (verdict.call, verdict.exposure) == (Advice.RETRY_GENTLY, 0.2)


@pytest.mark.parametrize(
    "doubt",
    [
        hit(weight=AttributionKind.NAMED, basis=EvidenceKind.TEXT),
        hit(weight=AttributionKind.WATCH, basis=EvidenceKind.LINK),
        hit(weight=AttributionKind.CLEARED, expires=at(600)),
    ],
)
def test_what_may_be_in_an_incident_that_goes_on_gets_no_more_load_with_time(doubt):
    day = Day({0: [doubt]})
    assert max(day.verdict(m).exposure for m in range(0, 599, 30)) <= R60.doubt_high


def test_the_ramp_goes_on_once_the_incident_is_at_monitoring():
    doubt = {"weight": AttributionKind.NAMED, "basis": EvidenceKind.TEXT}
    day = Day({0: [hit(**doubt)], 120: [hit(MONITORING, **doubt)]})
    assert day.verdict(119).exposure <= R60.doubt_high < day.verdict(175).exposure


def test_watch_caps_at_gentle_and_does_not_hold():
    verdict = Day({0: [hit(weight=AttributionKind.WATCH, basis=EvidenceKind.LINK)]}).verdict(0)
    assert (verdict.call, verdict.reason_code) == (Advice.RETRY_GENTLY, "watch")


def test_residual_errors_pin_the_ramp_for_an_hour_at_most():
    day = Day({0: [hit()], 30: [hit(MONITORING, residual=True)]})
    assert (day.verdict(60).exposure, day.code(60), day.code(91)) == (0.1, "residual_errors", "recovering")


def test_residual_errors_count_from_when_it_is_no_longer_bad():
    red = hit(MONITORING, condition=RED, residual=True)
    assert Day({0: [red], 60: [hit(MONITORING, residual=True)]}).code(119) == "residual_errors"


def test_crowded_asks_for_two_clean_hours_after_three_incidents_in_a_day():
    said = {}
    for start in (-600, -300, 0):
        said |= {start: [hit(incident=f"i{start}")], start + 10: []}
    day = Day(said, start=-700)
    assert (day.code(100), day.verdict(129).call) == ("crowded", Advice.RETRY_NORMALLY)


def test_recovering_ramps_up_and_is_normal_after_an_hour():
    day = Day({0: [hit()], 30: [hit(MONITORING)]})
    assert [day.verdict(m).exposure for m in (34, 62, 88, 89)] == snapshot([0.114, 0.311, 0.493, 1.0])


def test_an_incident_that_came_and_went_meanwhile_does_not_set_the_ramp_back():
    linked = hit(weight=AttributionKind.WATCH, incident="i2", basis=EvidenceKind.LINK)
    brief = {50: [hit(MONITORING), linked], 51: [hit(MONITORING)]}
    calm = {0: [hit()], 30: [hit(MONITORING)]}
    assert Day(calm | brief).verdict(62).exposure == Day(calm).verdict(62).exposure


def test_recovering_dwells_from_the_first_post_of_an_incident_that_opens_at_monitoring():
    day = Day({0: [hit(MONITORING)]})
    assert (day.verdict(59).call, day.verdict(60).call) == (Advice.RETRY_GENTLY, Advice.RETRY_NORMALLY)


def test_recovering_flapping_doubles_the_dwell():
    day = Day({0: [hit()], 10: [hit(MONITORING)], 30: [hit()], 40: [hit(MONITORING)]})
    assert (day.code(60), day.verdict(158).call, day.verdict(159).call) == (
        "recovering_flapping",
        Advice.RETRY_GENTLY,
        Advice.RETRY_NORMALLY,
    )


def test_recovering_flapping_doubles_again_up_to_four_hours():
    said = {start + shift: [hit(s)] for start in (0, 20, 40, 60) for shift, s in ((0, BAD), (10, MONITORING))}
    day = Day(said)
    assert (day.verdict(69 + 239).call, day.verdict(69 + 240).call) == (Advice.RETRY_GENTLY, Advice.RETRY_NORMALLY)


def test_a_cap_below_the_dwell_makes_no_dwell_shorter():
    day = Day({0: [hit()], 10: [hit(MONITORING)], 30: [hit()], 40: [hit(MONITORING)]}, replace(R60, dwell=300 * MINUTE))
    assert (day.verdict(338).call, day.verdict(339).call) == (Advice.RETRY_GENTLY, Advice.RETRY_NORMALLY)


def test_a_relapse_counts_for_less_than_six_hours():
    day = Day({0: [hit()], 30: [], 60: [hit()]})
    assert ["1 repeat" in day.verdict(minute).because for minute in (419, 420)] == [True, False]


def test_relapses_are_forgotten_after_six_hours_though_others_see_it_bad_all_the_time():
    seen = hit(basis=EvidenceKind.WITNESS, incident="")
    flapping = {hour * 60 + minute: [seen, *said] for hour in range(72) for minute, said in ((0, [hit()]), (30, []))}

    track = Day(flapping).track(72 * 60)

    assert len(track.relapses) <= 6


def test_resolved_recently_is_normal_after_fifteen_minutes():
    day = Day({0: [hit()], 30: []})
    assert (day.code(44), day.code(45)) == ("resolved_recently", "quiet")


def test_gentle_says_when_it_may_be_normal():
    assert Day({0: [hit()], 30: []}).verdict(40).changes_at == at(45)


def test_resolved_after_a_long_monitoring_still_dwells():
    day = Day({0: [hit()], 30: [hit(MONITORING)], 70: []})
    assert (day.code(84), day.code(85)) == ("resolved_recently", "quiet")


def test_starting_is_gentle_until_it_has_been_watched():
    day = Day({}, start=0)
    assert (day.code(14), day.code(15)) == ("starting", "quiet")


def test_stale_caps_at_gentle_after_five_minutes():
    verdict = Day({}).verdict(0, seen_at=at(-6))
    assert (verdict.call, verdict.reason_code) == (Advice.RETRY_GENTLY, "stale")


@pytest.mark.parametrize(("minutes", "code"), [(1.5, "stale"), (6, "stale"), (16, "stale_unknown")])
def test_a_poll_from_the_future_is_stale_at_least(minutes, code):
    assert Day({}).verdict(0, seen_at=at(0) + timedelta(minutes=minutes)).reason_code == code


def test_recovered_is_normal_with_the_incident_still_at_monitoring():
    assert Day({0: [hit()], 30: [hit(MONITORING)]}).code(200) == "recovered"


def test_quiet_is_normal():
    verdict = Day({}).verdict(0)
    assert (verdict.call, verdict.exposure, verdict.review_at) == (Advice.RETRY_NORMALLY, 1, None)


def test_an_incident_first_seen_resolved_changes_no_verdict():
    assert Day({0: [hit(Stage.RESOLVED)]}).code(0) == "quiet"


def test_a_vendor_that_clears_components_is_gentle_fifteen_minutes_after_green():
    github = replace(R60, clears_components=True)
    day = Day({0: [hit()], 30: [hit(weight=AttributionKind.CLEARED)]}, github)
    assert (day.code(43), day.code(44), day.code(89)) == ("settling", "recovering", "recovered")


def test_every_rule_has_its_own_name():
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_the_table_goes_from_worst_to_best():
    calls = [RANK.index(rule.call) for rule in RULES]
    assert calls == sorted(calls, reverse=True)


def test_seen_recently_is_gentle_for_a_quarter_of_an_hour_after_what_others_than_the_page_saw():
    seen = hit(Stage.UNKNOWN, incident="", basis=EvidenceKind.WITNESS, condition=Condition.PARTIAL_OUTAGE)
    day = Day({0: [seen], 10: []})
    assert [day.code(m) for m in (11, 12, 23, 24)] == ["settling", "seen_recently", "seen_recently", "quiet"]


def test_every_rule_can_be_reached_and_is_tested_here():
    tests = " ".join(name for name in globals() if name.startswith("test_"))
    assert [rule.name for rule in RULES if rule.name not in tests] == []


# --- sentences --------------------------------------------------------------------------------------------------------


def test_a_post_from_before_our_first_poll_has_the_vendors_time_and_when_it_was_seen():
    late = Day({20: [hit(posted_at=NOON)]}, start=20)
    assert "affected since 12:20 UTC, investigating since 12:00 UTC" in late.verdict(21).reason


def test_a_stage_that_was_seen_late_has_both_times():
    day = Day({0: [hit(posted_at=NOON)], 30: [hit(MONITORING, posted_at=at(20))]})
    assert "monitoring since 12:20 UTC (seen at 12:30 UTC)" in day.verdict(40).reason


@pytest.mark.parametrize(
    ("doubt", "words"),
    [
        (hit(weight=AttributionKind.WATCH, basis=EvidenceKind.LINK), "Acme's incident lists it, operational so far"),
        (hit(weight=AttributionKind.WATCH, basis=EvidenceKind.TEXT), "Acme does not say which services are affected"),
        (
            hit(weight=AttributionKind.WATCH, basis=EvidenceKind.TEXT, grounds=("needs acme-login",)),
            "it needs acme-login, which is affected",
        ),
        (
            hit(weight=AttributionKind.NAMED, basis=EvidenceKind.TEXT, grounds=("“The API fails.”",)),
            "mentioned in Acme's text only",
        ),
        (hit(weight=AttributionKind.NAMED, basis=EvidenceKind.TEXT), "Acme does not say which services are affected"),
        (hit(weight=AttributionKind.NAMED, basis=EvidenceKind.LINK), "Acme names it and lists a part of it"),
        (
            hit(weight=AttributionKind.NAMED, basis=EvidenceKind.TRANSITION, condition=Condition.DEGRADED),
            "degraded on Acme's page for a part of it",
        ),
    ],
)
def test_a_doubt_is_put_as_what_was_seen(doubt, words):
    assert words in Day({0: [doubt]}).verdict(1).reason


def test_a_part_that_is_bad_at_monitoring_is_still_a_doubt():
    part = {"weight": AttributionKind.NAMED, "basis": EvidenceKind.TRANSITION}
    day = Day(
        {0: [hit(condition=Condition.DEGRADED, **part)], 10: [hit(MONITORING, condition=Condition.DEGRADED, **part)]}
    )
    assert day.code(100) == "named"


def test_a_post_that_we_saw_come_is_said_to_be_posted_then():
    assert "investigating since 12:00 UTC" in Day({0: [hit()]}).verdict(21).reason


def test_a_reason_says_what_was_seen_by_whom_when_and_what_unlocks():
    reasons = [Day(OUTAGE).verdict(m).reason for m in (0, 31, 40, 62, 80)]
    assert reasons == snapshot(
        [
            "Don't retry: partial outage on Acme's page, investigating since 12:00 UTC. 10% load after 3 min without errors.",
            "Don't retry: recovering on Acme's page since 12:29 UTC. 10% load from 12:32 UTC if stable.",
            "Retry slowly (10% load): Acme's incident is at monitoring since 12:30 UTC. Full load from 13:29 UTC if stable, or 15 min after resolved.",
            "Retry slowly (30% load): Acme's page shows no incident for it since 13:00 UTC. Full load from 13:15 UTC if stable.",
            "Safe to retry: Acme's page shows no incident for it (checked 13:20 UTC).",
        ]
    )


def test_a_reason_with_its_next_update_has_140_characters_at_most():
    held = Day({20: [hit(posted_at=NOON)]}, start=20).verdict(400, vendor="A vendor whose name is a long one")
    assert 100 < len(f"{held.reason} Next update by 19:00 UTC.") <= MAX_REASON == 140


def test_what_does_not_fit_into_a_reason_stands_in_its_explanation():
    held = Day({20: [hit(posted_at=NOON)]}, start=20).verdict(400)
    assert ("10% load after 3 min without errors" in held.reason, "10% load after" in held.because) == (False, True)


def test_a_long_silence_unlocks_nothing_and_is_said():
    verdict = Day({0: [hit()]}).verdict(203)
    assert (verdict.call, "no new stage for 3 h 23 min" in verdict.because) == (Advice.HOLD_OFF, True)


# --- second pass ------------------------------------------------------------------------------------------------------

LOGIN = Surface("acme-login", "acme", "Acme login")
CODE = Surface("acme-code", "acme", "Acme Code", needs=("acme-login",), instead=("acme-api", "other-code"))
DESK = Surface("acme-desk", "acme", "Acme Desk", needs=("acme-code",))
ACME = Provider(
    "acme", "Acme", (replace(API, instead=("acme-code",)), LOGIN, CODE, DESK), Source("acme", "acme", "statuspage", "")
)
OTHER_IS_FINE = {"other-code": Verdict("other-code", Advice.RETRY_NORMALLY, NOON, 1.0, "", "quiet")}


def all_of(hits, **changes):
    watched = at(-60)
    tracks = {s.id: SurfaceHistory(s.id, looked_at=at(-1), watched_since=watched) for s in ACME.surfaces}
    tracks = {
        s: advance_history(t, [h for h in hits if h.surface == s], NOON, polled=True, rules=R60)
        for s, t in tracks.items()
    }
    elsewhere, forecasts = changes.pop("elsewhere", None), changes.pop("forecasts", {})
    given = {"seen_at": NOON, "rules": R60} | changes
    cases = [
        VerdictCase(
            tracks[s.id],
            [h for h in hits if h.surface == s.id],
            NOON,
            surface=s,
            vendor="Acme",
            forecast=forecasts.get(s.id),
            **given,
        )
        for s in ACME.surfaces
    ]
    return judge_all(ACME, cases, elsewhere)


def test_needs_holds_a_surface_while_what_it_needs_is_held():
    verdict = all_of([replace(hit(), surface="acme-login")])["acme-code"]
    assert (verdict.call, verdict.reason_code, verdict.incidents) == (Advice.HOLD_OFF, "needs", ("i1",))
    assert "it needs Acme login, which is not safe to retry" in verdict.reason


def test_needs_holds_at_any_remove():
    assert all_of([replace(hit(), surface="acme-login")])["acme-desk"].reason_code == "needs"


def test_needs_names_its_own_incident_beside_that_of_what_it_needs():
    named = replace(hit(weight=AttributionKind.NAMED, basis=EvidenceKind.TEXT), surface="acme-code")
    verdicts = all_of([named, replace(hit(incident="i2"), surface="acme-login")])
    assert verdicts["acme-code"].incidents == ("i1", "i2")


def test_fail_over_goes_to_another_fault_domain_that_is_normal_by_itself():
    verdict = all_of([replace(hit(), surface="acme-code")], elsewhere=OTHER_IS_FINE)["acme-code"]
    assert (verdict.call, verdict.instead, verdict.exposure) == (Advice.FAIL_OVER, "other-code", 0)


def test_fail_over_never_goes_to_a_sibling_of_the_same_fault_domain():
    verdict = all_of([replace(hit(), surface="acme-code")])["acme-code"]
    assert (verdict.call, verdict.instead) == (Advice.HOLD_OFF, None)


def test_fail_over_waits_where_the_alternative_is_only_gentle():
    gentle = {"other-code": Verdict("other-code", Advice.RETRY_GENTLY, NOON, 0.5, "", "watch")}
    assert all_of([replace(hit(), surface="acme-code")], elsewhere=gentle)["acme-code"].call is Advice.HOLD_OFF


def test_fail_over_is_not_worth_it_while_settling():
    verdict = all_of([replace(hit(MONITORING), surface="acme-code")], elsewhere=OTHER_IS_FINE)["acme-code"]
    assert (verdict.call, verdict.reason_code) == (Advice.HOLD_OFF, "settling")


@pytest.mark.parametrize("half", [10, 30])
def test_fail_over_is_not_worth_it_where_half_are_over_in_half_an_hour(half):
    soon = {"acme-code": Estimate("i1", NOON, timedelta(0), half * MINUTE, 60 * MINUTE, 90 * MINUTE)}
    verdicts = all_of([replace(hit(), surface="acme-code")], elsewhere=OTHER_IS_FINE, forecasts=soon)
    assert verdicts["acme-code"].call is Advice.HOLD_OFF


# --- time that nobody watched -----------------------------------------------------------------------------------------


def test_a_restart_on_old_data_starts_the_dwell_again():
    track = advance_history(Day({}).track(0), [], at(10), polled=True, rules=R60)
    verdict = judge(VerdictCase(track, [], at(10), seen_at=at(10), rules=R60, surface=API))
    assert (verdict.call, verdict.reason_code) == (Advice.RETRY_GENTLY, "starting")


def test_what_ended_while_nobody_watched_is_resolved_recently_and_not_only_starting():
    track = Day({0: [hit()]}).track(10)
    for minute in range(40, 47):
        track = advance_history(track, [], at(minute), polled=True, rules=R60)
    assert (
        judge(VerdictCase(track, [], at(46), seen_at=at(46), rules=R60, surface=API)).reason_code == "resolved_recently"
    )


@pytest.mark.parametrize("minute", [4, 5])
def test_a_restart_within_five_minutes_goes_on_where_it_was(minute):
    track = advance_history(Day({}).track(0), [], at(minute), polled=True, rules=R60)
    assert (
        judge(VerdictCase(track, [], at(minute), seen_at=at(minute), rules=R60, surface=API)).call
        is Advice.RETRY_NORMALLY
    )


def test_a_restart_while_settling_settles_again():
    track = advance_history(Day(OUTAGE).track(31), [hit(MONITORING)], at(60), polled=True, rules=R60)
    verdict = judge(VerdictCase(track, [hit(MONITORING)], at(60), seen_at=at(60), rules=R60, surface=API))
    assert verdict.reason_code == "settling"


@pytest.mark.parametrize("jump", [-60, 60])
@pytest.mark.parametrize("minute", [0, 31, 40, 62])
def test_a_clock_that_jumps_an_hour_opens_nothing(jump, minute):
    day = Day(OUTAGE)
    before, track, hits = day.verdict(minute), day.track(minute), day.hits(minute)
    for step in range(3):
        now = at(minute + jump + step)
        ticked = advance_history(track, hits, now, polled=False, rules=R60)
        verdict = judge(VerdictCase(ticked, hits, now, seen_at=at(minute), rules=R60, surface=API))
        assert verdict.exposure <= before.exposure
        track = advance_history(ticked, hits, now, polled=True, rules=R60)
        verdict = judge(VerdictCase(track, hits, now, seen_at=now, rules=R60, surface=API))
        assert verdict.exposure <= before.exposure


def test_a_clock_that_jumps_does_not_keep_a_quiet_surface_normal():
    track = advance_history(Day({}).track(0), [], at(-60), polled=True, rules=R60)
    assert judge(VerdictCase(track, [], at(-60), seen_at=at(-60), rules=R60, surface=API)).call is Advice.RETRY_GENTLY


def test_after_a_clock_that_went_back_a_track_knows_of_no_time_ahead_of_it():
    times = {f.name: NOON for f in fields(SurfaceHistory) if "datetime" in str(f.type) and "tuple" not in str(f.type)}
    ahead = SurfaceHistory(
        "acme-api", bad=True, relapses=(NOON,), incidents=(IncidentSighting("i1", NOON, BAD, NOON),), **times
    )
    track = advance_history(ahead, [hit()], at(-60), polled=False, rules=R60)
    held = [*astuple(track), *track.relapses, *astuple(track.incidents[0])]
    assert max(time for time in held if isinstance(time, datetime)) == at(-60)


@pytest.mark.parametrize("seconds", [40, 60])
def test_a_clock_that_steps_back_a_minute_at_most_changes_nothing(seconds):
    track = advance_history(Day({}).track(0), [], NOON - timedelta(seconds=seconds), polled=True, rules=R60)
    assert judge(VerdictCase(track, [], NOON, seen_at=NOON, rules=R60, surface=API)).call is Advice.RETRY_NORMALLY


def test_changes_at_names_the_next_time_that_the_call_may_change():
    day = Day(OUTAGE)
    given = {"seen_at": at(40), "rules": replace(R60, stale_gentle=900 * MINUTE, stale_unknown=990 * MINUTE)}
    assert next_change_at(VerdictCase(day.track(40), day.hits(40), at(40), surface=API, **given)) == at(89)


def test_changes_at_names_the_time_at_which_a_crowd_is_none_any_more():
    day = Day({700 * n + shift: said for n in range(3) for shift, said in ((0, [hit(incident=f"i{n}")]), (5, []))})
    given = {"seen_at": None, "rules": R60, "surface": API}
    assert next_change_at(VerdictCase(day.track(1425), [], at(1425), **given)) == at(1440)
    assert (day.code(1439), day.code(1440)) == ("crowded", "quiet")


# --- properties -------------------------------------------------------------------------------------------------------

WORSE = [
    [],
    [hit(MONITORING)],
    [hit(weight=AttributionKind.WATCH, basis=EvidenceKind.LINK)],
    [hit(weight=AttributionKind.NAMED, basis=EvidenceKind.TEXT)],
    [hit(weight=AttributionKind.CLEARED, expires=at(10_000))],
    [hit(Stage.IN_PROGRESS)],
    [hit()],
]
DAYS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, len(WORSE) - 1)), min_size=1, max_size=8)


def story(steps):
    said, minute = {}, 0
    for length, place in steps:
        said[minute] = WORSE[place]
        minute += length
    return Day(said, start=-30), minute


@settings(deadline=None, max_examples=60)
@given(DAYS, st.integers(0, len(WORSE) - 1), st.integers(0, len(WORSE) - 1))
def test_worse_evidence_never_gives_a_better_verdict(steps, some, more):
    day, end = story(steps)
    track = day.track(end - 1)
    one = WORSE[some]
    both = [*one, *(replace(h, incident="i9") for h in WORSE[more])]
    verdicts = [
        judge(
            VerdictCase(
                advance_history(track, hits, at(end), polled=True, rules=R60),
                hits,
                at(end),
                seen_at=at(end),
                rules=R60,
                surface=API,
            )
        )
        for hits in (one, both)
    ]
    alone, worse = verdicts
    assert RANK.index(worse.call) >= RANK.index(alone.call)
    assert worse.exposure <= alone.exposure


@settings(deadline=None, max_examples=40)
@given(DAYS, DAYS)
def test_what_comes_later_changes_nothing_before(steps, later):
    day, end = story(steps)
    longer, _ = story([*steps, *later])
    assert [day.verdict(m) for m in range(0, end, 7)] == [longer.verdict(m) for m in range(0, end, 7)]


@settings(deadline=None, max_examples=60)
@given(DAYS, st.integers(301, 100_000))
def test_data_older_than_five_minutes_never_says_normally(steps, seconds):
    day, end = story(steps)
    now = at(end) + timedelta(seconds=seconds)
    track = advance_history(day.track(end), day.hits(end), now, polled=False, rules=R60)
    verdict = judge(VerdictCase(track, day.hits(end), now, seen_at=at(end), rules=R60, surface=API))
    assert verdict.call is not Advice.RETRY_NORMALLY
