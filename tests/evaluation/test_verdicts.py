"""Small recordings in our own words with known figures, and the real part that is given: what it must reach."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from inline_snapshot import snapshot
from rich.console import Console

from bot import settings
from bot.domain import VerdictParameters
from bot.errors import ParseError
from bot.evaluation import verdict_tables
from bot.evaluation.policies import POLICIES
from bot.evaluation.verdicts import as_json, evaluate, read_windows
from bot.formats.reconstruction import read_history
from bot.formats.recordings import RecordedPoll
from tests.evaluation import scores

NOON = datetime(2022, 5, 4, 12, 0, tzinfo=UTC)
PAGE = {"id": "p1", "name": "Acme"}


def at(minute):
    return (NOON + timedelta(minutes=minute)).isoformat()


def incident(name, *steps, component="API"):
    updates = [
        {"id": f"{name}{n}", "status": status, "body": "", "display_at": at(minute), "affected_components": None}
        for n, (minute, status) in enumerate(steps)
    ]
    return {
        "id": name,
        "name": name,
        "impact": "major",
        "components": [{"name": component}],
        "incident_updates": updates,
    }


def history(*incidents):
    return read_history(json.dumps({"page": PAGE, "incidents": list(incidents)}).encode())


def score(*incidents, windows=None, providers=()):
    return evaluate([("acme", history(*incidents))], providers, lambda _: VerdictParameters(), windows or {})


def figures(result, truth="A"):
    return as_json(result)["truth"][truth]


PLAIN = incident("one", (0, "investigating"), (30, "monitoring"), (100, "resolved"))
RELAPSE = incident("one", (0, "investigating"), (30, "monitoring"), (50, "identified"), (60, "resolved"))
STATED = {"one": [(NOON - timedelta(minutes=10), NOON + timedelta(minutes=45))]}


def test_a_page_that_the_catalogue_does_not_know_is_scored_by_its_components():
    result = score(PLAIN, incident("two", (500, "identified"), (520, "resolved"), component="Chat app"))
    assert {m.episode.surface for m in result.measures} == {"acme:api", "acme:chat-app"}


def test_a_page_that_the_catalogue_knows_is_scored_on_its_surfaces():
    found = settings.load()
    known = read_history(json.dumps({"page": {"name": "openai"}, "incidents": [PLAIN]}).encode())
    result = evaluate([("x", known)], found.providers, found.rules_for, {})
    assert {m.episode.surface for m in result.measures} == {"openai-api"}


def test_every_baseline_opens_when_its_definition_says():
    delays = {policy: f["normal_delay_min"]["p50"] for policy, f in figures(score(PLAIN)).items()}
    assert delays == {"N1": 70, "N2": 0, "N4_60": 60, "ours": 59}


def test_the_colour_baseline_is_left_out_where_no_colour_was_recorded():
    assert "N3" not in figures(score(PLAIN))


def test_an_opening_just_before_a_relapse_is_false():
    found = figures(score(RELAPSE))
    assert [(p, found[p]["openings"], found[p]["false_openings"]) for p in found] == [
        ("N1", 1, 0),
        ("N2", 2, 1),
        ("N4_60", 1, 0),
        ("ours", 1, 0),
    ]


def test_false_safe_minutes_are_told_per_incident_hour():
    found = figures(score(RELAPSE))["N2"]
    assert (found["incident_hours"], found["false_safe_min_per_incident_hour"]) == (1.0, 20.0)


def test_gentle_minutes_count_their_share():
    found = figures(score(RELAPSE))["ours"]
    assert found["false_safe_min_per_incident_hour"] == 0
    assert 0 < found["weighted_false_safe_min_per_incident_hour"] < 16 * 0.5


def test_a_stated_window_counts_from_the_first_post():
    found = figures(score(PLAIN, windows=STATED), "C")
    assert (found["N2"]["false_safe_min_per_incident_hour"], found["N2"]["early_openings"]) == (9.0, 1)
    assert found["N1"]["early_openings"] == 0


def test_a_stated_window_is_scored_as_if_its_incident_were_the_only_one():
    another = incident("two", (100, "investigating"), (900, "resolved"))
    alone = figures(score(PLAIN, windows=STATED), "C")
    assert figures(score(PLAIN, another, windows=STATED), "C") == alone


def test_minutes_before_the_first_post_are_blind():
    assert as_json(score(PLAIN, windows=STATED))["blind"] == {"n": 1, "total_min": 10, "p50": 10, "p90": 10}


def test_an_incident_posted_after_the_fact_is_no_episode():
    assert figures(score(PLAIN, incident("two", (900, "resolved"))))["N1"]["episodes"] == 1


def test_what_happens_later_does_not_change_what_ours_said_before():
    short = score(PLAIN).select("A", "ours")[0]
    longer = score(PLAIN, incident("two", (900, "investigating"), (950, "resolved"))).select("A", "ours")[0]
    assert short == longer


def test_polls_are_scored_on_the_colours_that_were_seen():
    def poll(minute, status, listed):
        component = {"id": "c1", "name": "API", "status": status}
        told = {"id": "one", "name": "one", "status": "investigating", "impact": "major", "created_at": at(0)}
        told |= {"components": [component] if listed else [], "incident_updates": []}
        open_ones = [told] if 0 <= minute < 60 else []
        body = {"page": PAGE, "components": [component], "incidents": open_ones}
        return RecordedPoll(NOON + timedelta(minutes=minute), body)

    polls = [poll(-60, "operational", False), poll(0, "operational", False), poll(20, "major_outage", True)]
    polls += [
        RecordedPoll(NOON + timedelta(minutes=30), None),
        poll(40, "operational", True),
        poll(60, "operational", False),
    ]
    polls += [poll(300, "operational", False)]
    found = figures(evaluate([("acme", polls)], (), lambda _: VerdictParameters(), {}))
    assert {p: found[p]["false_safe_min_per_incident_hour"] for p in ("N1", "N3")} == {"N1": 20.0, "N3": 20.0}


# --- gaps -------------------------------------------------------------------------------------------------------------


def watched(*minutes, down=(0, 200)):
    """Polls at these minutes of an incident whose component is red from its first minute on."""

    def poll(minute):
        is_bad = down[0] <= minute < down[1]
        component = {"id": "c1", "name": "API", "status": "major_outage" if is_bad else "operational"}
        told = {"id": "one", "name": "one", "status": "investigating", "impact": "major", "created_at": at(0)}
        told |= {"components": [component], "incident_updates": []}
        body = {"page": PAGE, "components": [component], "incidents": [told] if is_bad else []}
        return RecordedPoll(NOON + timedelta(minutes=minute), body)

    return [poll(m) for m in minutes]


STEADY = range(-30, 400, 10)
GAPPED = (*range(-30, 61, 10), *range(160, 400, 10))


def scored(minutes, **how):
    return figures(evaluate([("acme", watched(*minutes))], (), lambda _: VerdictParameters(), {}, **how))


def test_polls_half_an_hour_apart_leave_no_gap():
    assert scored(range(-30, 400, 30))["ours"]["unseen_share"] == 0


def test_the_minutes_in_a_gap_are_no_time_of_the_incident():
    found = scored(GAPPED)["ours"]
    assert (found["incident_hours"], found["unseen_share"]) == (pytest.approx(1.7, abs=0.05), pytest.approx(0.495))


def test_the_minutes_in_a_gap_are_neither_safe_nor_unsafe():
    hold = {policy: f["hold_min_per_episode"] for policy, f in scored(GAPPED).items()}
    assert hold == {policy: f["hold_min_per_episode"] for policy, f in scored(STEADY).items()}


def test_a_gap_after_the_end_hides_when_a_policy_opened():
    found = scored((*range(-30, 211, 10), 500))
    assert (found["N1"]["normal_delay_min"]["p50"], found["ours"]["normal_delay_min"]["p50"]) == (0, None)


def test_gaps_may_be_counted_where_the_recorder_kept_changes_only():
    assert scored(GAPPED, max_unseen_min=0)["ours"]["unseen_share"] == 0


# --- two sets of rules ------------------------------------------------------------------------------------------------


def compared(*incidents, **other):
    rules = VerdictParameters(**other)
    found = evaluate(
        [("acme", history(*incidents))], (), lambda _: VerdictParameters(), {}, other_rules_for=lambda _: rules
    )
    return as_json(found)["compare"]["A"]


MANY = tuple(
    incident(f"i{n}", (n * 3000, "investigating"), (n * 3000 + 30, "monitoring"), (n * 3000 + 40 + n, "resolved"))
    for n in range(12)
)


def test_the_same_rules_do_not_differ():
    found = compared(*MANY)
    assert {(f["difference"], *f["ci95"]) for f in found.values() if isinstance(f, dict)} == {(0, 0, 0)}


def test_a_shorter_dwell_holds_back_less_and_the_interval_says_so():
    found = compared(*MANY, resolved_dwell=timedelta(minutes=5), resolved_clean=timedelta(minutes=5))
    hold = found["hold_min_per_episode"]
    assert (found["episodes"], hold["ours"] > hold["other"]) == (12, True)
    assert hold["difference"] == pytest.approx(hold["ours"] - hold["other"], abs=0.002)
    assert 0 < hold["ci95"][0] <= hold["difference"] <= hold["ci95"][1]


def test_a_comparison_has_a_table_of_its_own():
    console = Console(record=True, width=200)
    rules = VerdictParameters(dwell=timedelta(minutes=5))
    result = evaluate(
        [("acme", history(RELAPSE))], (), lambda _: VerdictParameters(), {}, other_rules_for=lambda _: rules
    )
    for table in verdict_tables.tables(result):
        console.print(table)
    assert "these rules and the other ones, 1 episodes" in console.export_text()


# --- messages ---------------------------------------------------------------------------------------------------------


def test_the_messages_that_notify_a_channel_are_counted_per_incident():
    assert as_json(score(PLAIN))["audible"]["n"] == 1
    assert as_json(score(PLAIN))["audible"]["max"] >= 2


def test_they_stand_beside_the_figures_of_our_rules_only():
    found = figures(score(PLAIN))
    assert [policy for policy in found if "audible_messages" in found[policy]] == ["ours"]


# --- figures ----------------------------------------------------------------------------------------------------------


def test_every_figure_has_its_interval():
    found = figures(score(*MANY))["ours"]
    low, high = found["hold_min_per_episode_ci95"]
    assert low <= found["hold_min_per_episode"] <= high
    assert found["normal_delay_min"]["p50_ci95"][0] <= found["normal_delay_min"]["p50"]


def test_a_window_without_a_stated_start_begins_with_the_first_post():
    ended = read_windows(json.dumps({"one": [[None, at(45)]]}).encode())
    found = score(PLAIN, windows=ended)
    assert figures(found, "C")["N2"]["false_safe_min_per_incident_hour"] == 9.0
    assert as_json(found)["blind"]["n"] == 0


def test_the_json_has_the_promised_shape():
    told = as_json(score(PLAIN, windows=STATED))
    assert {"truth", "eta"} <= set(told)
    assert set(told["truth"]["C"]) <= set(POLICIES)
    assert set(told["truth"]["A"]["ours"]) == snapshot(
        {
            "audible_messages",
            "early_openings",
            "early_openings_ci95",
            "episodes",
            "false_openings",
            "false_openings_ci95",
            "false_openings_per_100",
            "false_safe_min_per_incident_hour",
            "false_safe_min_per_incident_hour_ci95",
            "first_retry_delay_min",
            "hold_min_per_episode",
            "hold_min_per_episode_ci95",
            "incident_hours",
            "normal_delay_min",
            "openings",
            "unseen_share",
            "weighted_false_safe_min_per_incident_hour",
            "weighted_false_safe_min_per_incident_hour_ci95",
        }
    )
    assert {"coverage", "pinball90", "n"} <= set(told["eta"])


def test_the_same_recording_gives_the_same_bytes():
    assert json.dumps(as_json(score(RELAPSE))) == json.dumps(as_json(score(RELAPSE)))


def test_progress_is_told():
    told = []
    evaluate([("acme", history(PLAIN))], (), lambda _: VerdictParameters(), {}, lambda *step: told.append(step))
    assert told[-1] == ("acme: verdicts", 1, 1)


def test_the_tables_can_be_drawn():
    console = Console(record=True, width=200)
    for table in verdict_tables.tables(score(RELAPSE, windows=STATED)):
        console.print(table)
    assert "Truth C: windows that the vendor stated, 2022" in console.export_text()


def test_no_figure_is_cut_where_a_terminal_has_eighty_columns():
    console = Console(record=True, width=80)
    for table in verdict_tables.tables(score(RELAPSE, windows=STATED)):
        console.print(table)
    assert "…" not in console.export_text()


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b'{"one": [["yesterday", null]]}',
        b'{"one": [["yesterday", "2022-05-04T12:00:00Z"]]}',
        b'{"one": [[null, null]]}',
        b'{"one": [[1]]}',
        b'{"one": 7}',
    ],
)
def test_windows_that_are_none_are_refused(raw):
    with pytest.raises(ParseError):
        read_windows(raw)


def test_windows_may_be_null_and_ends_too():
    assert read_windows(b'{"one": null, "two": [["2022-05-04T12:00:00Z", null]]}') == {
        "one": None,
        "two": [(NOON, None)],
    }


# --- the real part ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(scored):
    return as_json(scored(scores.SETS[0]))


def test_the_baselines_come_out_as_the_research_page_has_them(real):
    told = real["truth"]["A"]
    assert {p: round(told[p]["false_safe_min_per_incident_hour"], 1) for p in ("N1", "N2", "N4_60")} == {
        "N1": 0.4,
        "N2": 1.0,
        "N4_60": 0.7,
    }
    assert [told[p]["false_openings"] for p in ("N1", "N2", "N4_60")] == [2, 11, 3]


def test_false_openings_are_no_more_than_after_an_hour_of_monitoring(real):
    told = real["truth"]["A"]
    assert told["ours"]["false_openings"] <= told["N4_60"]["false_openings"]


def test_false_safe_minutes_are_fewer_than_those_of_the_two_baselines(real):
    told = {p: f["false_safe_min_per_incident_hour"] for p, f in real["truth"]["A"].items()}
    assert told["ours"] < min(told["N2"], told["N4_60"])


def test_no_stated_window_is_opened_early_where_an_hour_of_monitoring_does_not(real):
    told = real["truth"]["C"]
    assert told["ours"]["early_openings"] <= told["N4_60"]["early_openings"]


def test_gentle_comes_soon_and_normal_within_an_hour_and_a_half(real):
    told = real["truth"]["C"]["ours"]
    assert (told["first_retry_delay_min"]["p50"] <= 13, told["normal_delay_min"]["p90"] <= 90) == (True, True)


def test_the_forecast_covers_what_it_says(real):
    told = real["eta"]["coverage"]
    assert 0.45 <= told["p50"] <= 0.55
    assert 0.87 <= told["p90"] <= 0.93
