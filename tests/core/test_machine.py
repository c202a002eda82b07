from datetime import UTC, datetime, timedelta

from inline_snapshot import snapshot

from bot.core.machine import gate, machine_form
from bot.core.verdict import Case, advance, judge
from bot.model import Basis, Condition, Estimate, Hit, Stage, Surface, Track, VerdictRules, Weight

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RULES = VerdictRules()
API = Surface("acme-api", "acme", "Acme API")


def at(minute):
    return NOON + timedelta(minutes=minute)


def hit(stage):
    condition = Condition.PARTIAL_OUTAGE if stage.is_bad else Condition.OPERATIONAL
    return Hit("acme-api", "i1", Weight.DOWN, condition, stage, Basis.TRANSITION, NOON)


def hits_at(minute):
    if minute < 0 or minute >= 60:
        return []
    return [hit(Stage.INVESTIGATING if minute < 40 else Stage.MONITORING)]


def form(minute, *, age=0, client=None, forecast=None, testimony=None):
    track = Track("acme-api")
    for n in range(-30, minute + 1):
        track = advance(track, hits_at(n), at(n), looked=True, rules=RULES)
    case = Case(
        track,
        hits_at(minute),
        at(minute),
        seen_at=at(minute),
        rules=RULES,
        surface=API,
        vendor="Acme",
        forecast=forecast,
        testimony=testimony,
    )
    return machine_form(judge(case), case, at(minute) + timedelta(seconds=age), client=client)


def test_a_gentle_verdict_as_programs_read_it():
    assert form(50, age=41, client="builder-7") == snapshot(
        {
            "schema": "retry-verdict/1",
            "vendor": "acme",
            "surface": "acme-api",
            "verdict": "retry_gently",
            "as_of": "2026-03-02T12:50:00Z",
            "exposure": 0.144,
            "retry_after_s": 1,
            "retry_at": "2026-03-02T12:50:41Z",
            "review_at": "2026-03-02T13:20:00Z",
            "spread_window_s": 2340,
            "max_attempts": 3,
            "backoff": {"kind": "full_jitter", "base_s": 1, "cap_s": 60},
            "confidence": 0.947,
            "confidence_level": "medium",
            "reason": "Retry Acme API gently (14%): Acme posted monitoring at 12:40 UTC; normal after 13:39 UTC if it stays clean, or 15 min after resolved.",
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


def test_a_hold_asks_to_come_back_at_its_review_and_not_to_retry():
    held = form(10)
    status, headers = gate(held)
    assert (status, headers["Retry-After"], headers["x-should-retry"], held["max_attempts"]) == (
        503,
        "1800",
        "false",
        0,
    )


def test_normal_passes():
    assert gate(form(120))[0] == 200


def test_gentle_passes_without_a_client_name():
    assert gate(form(50))[0] == 200


def test_gentle_turns_a_client_away_before_its_slot():
    waits = {client: form(46, client=client)["retry_after_s"] for client in ("builder-1", "builder-7", "builder-30")}
    statuses = {gate(form(46, client=client))[0] for client, wait in waits.items() if wait > 1}
    assert statuses == {429}


def test_retry_after_is_a_whole_number_of_seconds_and_at_least_one():
    values = [form(m, client=f"c{m}")["retry_after_s"] for m in (10, 42, 50, 61, 120)]
    assert all(isinstance(v, int) and v >= 1 for v in values)


def test_what_has_outlived_its_validity_is_unknown():
    late = form(120, age=151)
    assert (late["verdict"], late["reason_code"], gate(late)[0]) == ("unknown", "outlived", 503)


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
