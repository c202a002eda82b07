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
    Stage,
    Surface,
    SurfaceHistory,
    VerdictParameters,
)
from bot.rules.verdict.machine_form import gate_response, verdict_as_json
from bot.rules.verdict.rules import VerdictCase, advance_history, judge

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RULES = VerdictParameters()
API = Surface("acme-api", "acme", "Acme API")


def at(minute):
    return NOON + timedelta(minutes=minute)


def hit(stage):
    condition = Condition.PARTIAL_OUTAGE if stage.is_bad else Condition.OPERATIONAL
    return Attribution("acme-api", "i1", AttributionKind.DOWN, condition, stage, EvidenceKind.TRANSITION, NOON)


def hits_at(minute):
    if minute < 0 or minute >= 60:
        return []
    return [hit(Stage.INVESTIGATING if minute < 40 else Stage.MONITORING)]


def form(minute, *, age=0, client=None, forecast=None, testimony=None):
    track = SurfaceHistory("acme-api")
    for n in range(-30, minute + 1):
        track = advance_history(track, hits_at(n), at(n), polled=True, rules=RULES)
    case = VerdictCase(
        track,
        hits_at(minute),
        at(minute),
        seen_at=at(minute),
        rules=RULES,
        surface=API,
        vendor="Acme",
        forecast=forecast,
        evidence=testimony,
    )
    return verdict_as_json(judge(case), case, at(minute) + timedelta(seconds=age), client=client)


def test_a_gentle_verdict_as_programs_read_it():
    assert form(50, age=41, client="builder-7") == snapshot(
        {
            "schema": "retry-verdict/1",
            "vendor": "acme",
            "surface": "acme-api",
            "verdict": "retry_gently",
            "as_of": "2026-03-02T12:50:00Z",
            "exposure": 0.156,
            "retry_after_s": 1,
            "retry_at": "2026-03-02T12:50:41Z",
            "review_at": None,
            "spread_window_s": 2340,
            "max_attempts": 3,
            "backoff": {"kind": "full_jitter", "base_s": 1, "cap_s": 60},
            "confidence": 0.947,
            "confidence_level": "medium",
            "record": {"held": 306, "of": 329, "within_min": 60},
            "reason": "Retry slowly (10% load): Acme's incident is at monitoring since 12:40 UTC. Full load from 13:39 UTC if stable, or 15 min after resolved.",
            "reason_code": "recovering",
            "inferred": False,
            "instead": None,
            "eta": None,
            "basis": [
                {
                    "source": "status_page",
                    "state": "monitoring",
                    "since": "2026-03-02T12:00:00Z",
                    "observed_at": "2026-03-02T12:50:00Z",
                    "age_s": 41,
                },
                {"source": "probe", "state": "none"},
                {"source": "users", "state": "none"},
                {"source": "traffic", "state": "none"},
            ],
            "incidents": ["i1"],
            "flap": 0,
            "rules": "R60/15",
            "valid_until": "2026-03-02T12:52:30Z",
        }
    )


def test_a_hold_asks_to_come_back_within_two_minutes_and_not_to_retry():
    held = form(10)
    status, headers = gate_response(held)
    assert (status, headers["Retry-After"], headers["x-should-retry"], held["max_attempts"]) == (
        503,
        "120",
        "false",
        0,
    )


def test_normal_passes():
    assert gate_response(form(120))[0] == 200


def test_gentle_passes_without_a_client_name():
    assert gate_response(form(50))[0] == 200


def test_gentle_turns_a_client_away_before_its_slot():
    waits = {client: form(46, client=client)["retry_after_s"] for client in ("builder-1", "builder-7", "builder-30")}
    statuses = {gate_response(form(46, client=client))[0] for client, wait in waits.items() if wait > 1}
    assert statuses == {429}


def test_clients_that_wait_long_ask_again_at_different_times():
    waits = {form(12, client=f"builder-{n}")["retry_after_s"] for n in range(8)}
    assert len(waits) > 4
    assert waits <= set(range(60, 121))


def test_retry_after_is_a_whole_number_of_seconds_and_at_least_one():
    values = [form(m, client=f"c{m}")["retry_after_s"] for m in (10, 42, 50, 61, 120)]
    assert all(isinstance(v, int) and v >= 1 for v in values)


def test_what_has_outlived_its_validity_is_unknown():
    late = form(120, age=151)
    assert (late["verdict"], late["reason_code"], gate_response(late)[0]) == ("unknown", "outlived", 503)


def test_the_estimate_stands_beside_it_with_its_age():
    forecast = Estimate("i1", NOON, timedelta(minutes=10), *(timedelta(minutes=m) for m in (44, 150, 265)), n=16)
    assert form(10, forecast=forecast)["eta"] == {
        "target": "mitigated",
        "p50_s": 2640,
        "p80_s": 9000,
        "p90_s": 15900,
        "elapsed_s": 600,
        "n": 16,
        "method": "residual_life+aci",
    }


@pytest.mark.parametrize("age", [-7200, -600, -90])
def test_what_was_read_before_the_clock_went_back_is_not_valid(age):
    early = form(120, age=age)
    assert (early["verdict"], early["reason_code"], gate_response(early)[0]) == ("unknown", "outlived", 503)


@settings(max_examples=40)
@given(st.sampled_from([10, 46, 120]), st.integers(-20_000, 20_000), st.sampled_from([None, "a", "b"]), st.booleans())
def test_no_time_that_a_program_is_told_lies_in_the_past(minute, age, client, has_estimate):
    forecast = Estimate("i1", NOON, timedelta(minutes=10), *(timedelta(minutes=m) for m in (1, 150, 265)), n=16)
    told = form(minute, age=age, client=client, forecast=forecast if has_estimate else None)
    times = [told[key] for key in ("retry_at", "review_at", "valid_until") if told[key]]
    now = (NOON + timedelta(minutes=minute, seconds=age)).isoformat().replace("+00:00", "Z")
    assert min(times) >= now
    assert told["retry_after_s"] >= 1
    assert all(entry["age_s"] is None or entry["age_s"] >= 0 for entry in told["basis"] if "age_s" in entry)


@pytest.mark.parametrize("minute", range(80))
def test_retry_after_is_never_longer_than_two_minutes_or_later_than_the_advice_changes(minute):
    found = form(minute)
    assert 1 <= found["retry_after_s"] <= 120
    if found["verdict"] == Advice.HOLD_OFF:
        opens = next((m for m in range(minute, 120) if form(m)["verdict"] == Advice.RETRY_GENTLY), None)
        assert opens is None or found["retry_after_s"] <= max((opens - minute) * 60, 60)
