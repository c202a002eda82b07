"""Whole days, through scope and verdict, as golden tables: the outage the project began with, and one of our own."""

import json
from datetime import UTC, datetime, timedelta

from inline_snapshot import snapshot

from bot import settings
from bot.domain import ProviderState, SurfaceHistory
from bot.formats import statuspage
from bot.formats.reconstruction import change_times, read_history, summary_at
from bot.rules import transition
from bot.rules.attribution import attribute
from bot.rules.verdict.rules import advance_history, judge_all

MINUTE = timedelta(minutes=1)


def table(history, surface, times, provider_id="claude"):
    """The verdicts at the end of these minutes, on a page that is looked at once a minute and at each change."""
    found = settings.load()
    provider = found.provider(provider_id)
    rules = found.rules_for(provider)
    tracks = {s.id: SurfaceHistory(s.id) for s in provider.surfaces}
    first = change_times(history)[0].replace(second=0) - timedelta(hours=1)
    wanted = [first.replace(hour=int(t[:2]), minute=int(t[3:])) + timedelta(seconds=59) for t in times]
    looks = {first + n * MINUTE for n in range(int((wanted[-1] - first) / MINUTE) + 1)} | {
        *change_times(history),
        *wanted,
    }
    rows = []
    for at in sorted(looks):
        shown = statuspage.parse_body(summary_at(history, at))
        hits = attribute.attribute_page((*shown.incidents, *shown.maintenances), shown.components, provider, at)
        tracks = {
            s: advance_history(t, [h for h in hits if h.surface == s], at, polled=True, rules=rules)
            for s, t in tracks.items()
        }
        if at in wanted:
            seen = ProviderState(provider.id, seen_at=at, hits=hits, tracks=tuple(tracks.values()))
            cases = transition.verdict_cases(seen, at, transition.TransitionContext(provider, rules, {}))
            verdict = judge_all(provider, cases.values())[surface]
            rows.append(f"{at:%H:%M} {verdict.exposure:.2f} {verdict.reason_code}: {verdict.reason}")
    return rows


def test_the_second_of_march_for_the_api(shared):
    history = read_history((shared / "claude" / "2026-03-02.json").read_bytes())
    times = ["12:06", "12:21", "13:21", "13:37", "15:25", "15:30", "15:47", "16:50", "17:55", "17:56"]
    assert table(history, "claude-api", times) == snapshot(
        [
            "12:06 0.00 down: Don't retry Claude API: Anthropic posted investigating at 11:49 UTC, seen down since 12:06 UTC; gentle after 3 min clean.",
            "12:21 0.10 exonerated: Retry Claude API slowly (10% load): Anthropic took it out of an incident that goes on (investigating since 11:49 UTC); hold again after 13:21 UTC unless said again.",
            "13:21 0.00 exoneration_expired: Don't retry Claude API: the word of Anthropic that it works was good until 13:21 UTC, and the incident goes on (investigating); gentle after 3 min clean.",
            "13:37 0.00 down: Don't retry Claude API: Anthropic posted identified at 13:22 UTC, seen down since 13:37 UTC, relapse 1 in six hours; gentle after 3 min clean.",
            "15:25 0.00 unconfirmed: Don't retry Claude API: the page of Anthropic shows it operational, but its incident is still at identified (since 14:42 UTC); gentle after 3 min clean.",
            "15:30 0.00 unconfirmed: Don't retry Claude API: the page of Anthropic shows it operational, but its incident is still at identified (since 14:42 UTC); gentle after 3 min clean.",
            "15:47 0.00 unconfirmed: Don't retry Claude API: the page of Anthropic shows it operational, but its incident is still at identified (since 14:42 UTC); gentle after 3 min clean.",
            "16:50 0.00 down: Don't retry Claude API: Anthropic posted investigating at 16:50 UTC, relapse 2 in six hours; gentle after 3 min clean.",
            "17:55 0.15 crowded: Retry Claude API slowly (10% load): 3 incidents in 24 hours, clean since 17:24 UTC; normal after 19:24 UTC if it stays clean.",
            "17:56 0.00 down: Don't retry Claude API: Anthropic posted investigating at 17:56 UTC, relapse 4 in six hours; gentle after 3 min clean.",
        ]
    )


def test_the_second_of_march_for_the_login_that_the_page_has_no_component_for(shared):
    history = read_history((shared / "claude" / "2026-03-02.json").read_bytes())
    assert table(history, "claude-login", ["12:06", "12:21", "15:25", "15:30", "15:47"]) == snapshot(
        [
            "12:06 1.00 quiet: Safe to retry Claude login: the page of Anthropic showed no incident on it at 12:06 UTC; a new post would change it.",
            "12:21 0.00 down: Don't retry Claude login: Anthropic posted investigating at 11:49 UTC, seen down since 12:21 UTC, in words only; gentle after 3 min clean.",
            "15:25 0.00 settling: Don't retry Claude login: the page of Anthropic shows it clean only since 15:25 UTC; gentle after 15:28 UTC and 2 clean looks.",
            "15:30 0.12 recovering: Retry Claude login slowly (10% load): Anthropic posted monitoring at 15:25 UTC; normal after 16:25 UTC if it stays clean, or 15 min after resolved.",
            "15:47 0.24 resolved_recently: Retry Claude login slowly (20% load): Anthropic has no incident open on it since 15:47 UTC; normal after 16:02 UTC if it stays clean.",
        ]
    )


API = {"code": "k8w3r06qmzrp", "name": "Claude API (api.anthropic.com)"}


def update(time, status, body, old, new):
    at = datetime(2026, 5, 4, int(time[:2]), int(time[3:]), tzinfo=UTC).isoformat()
    moved = [{**API, "old_status": old, "new_status": new}]
    return {"id": f"u{time}", "status": status, "body": body, "display_at": at, "affected_components": moved}


OWN_WORDS = [
    update("09:00", "investigating", "Requests fail.", "operational", "major_outage"),
    update("09:20", "identified", "The cause is known.", "major_outage", "major_outage"),
    update("09:40", "monitoring", "Error rates remain elevated for some users.", "major_outage", "operational"),
    update("09:52", "identified", "It is back.", "operational", "major_outage"),
    update("10:10", "monitoring", "A fix is in.", "major_outage", "operational"),
    update("10:30", "resolved", "Over.", "operational", "operational"),
]


def test_a_day_in_our_own_words():
    incident = {"id": "own1", "name": "Errors on the API", "impact": "major", "incident_updates": OWN_WORDS}
    history = read_history(
        json.dumps({"page": {"id": "tymt9n04zgry", "name": "Claude"}, "incidents": [incident]}).encode()
    )
    times = ["08:59", "09:00", "09:21", "09:41", "09:46", "09:52", "10:11", "10:16", "10:31", "10:59", "11:00"]
    assert table(history, "claude-api", times) == snapshot(
        [
            "08:59 1.00 quiet: Safe to retry Claude API: the page of Anthropic showed no incident on it at 08:59 UTC; a new post would change it.",
            "09:00 0.00 down: Don't retry Claude API: Anthropic posted investigating at 09:00 UTC; gentle after 3 min clean.",
            "09:21 0.00 down: Don't retry Claude API: Anthropic posted identified at 09:20 UTC; gentle after 3 min clean.",
            "09:41 0.00 settling: Don't retry Claude API: the page of Anthropic shows it clean only since 09:39 UTC; gentle after 09:42 UTC and 2 clean looks.",
            "09:46 0.10 residual_errors: Retry Claude API slowly (10% load): Anthropic posted monitoring at 09:40 UTC and speaks of errors that remain; normal after 11:40 UTC if it stays clean, or 15 min after resolved.",
            "09:52 0.00 down: Don't retry Claude API: Anthropic posted identified at 09:52 UTC, relapse 1 in six hours; gentle after 3 min clean.",
            "10:11 0.00 settling: Don't retry Claude API: the page of Anthropic shows it clean only since 10:09 UTC; gentle after 10:12 UTC and 2 clean looks.",
            "10:16 0.12 recovering_flapping: Retry Claude API slowly (10% load): Anthropic posted monitoring at 10:10 UTC after 1 relapse in six hours; normal after 12:09 UTC if it stays clean, or 30 min after resolved.",
            "10:31 0.17 resolved_recently: Retry Claude API slowly (10% load): Anthropic has no incident open on it since 10:30 UTC after 1 relapse in six hours; normal after 11:00 UTC if it stays clean.",
            "10:59 0.26 resolved_recently: Retry Claude API slowly (20% load): Anthropic has no incident open on it since 10:30 UTC after 1 relapse in six hours; normal after 11:00 UTC if it stays clean.",
            "11:00 1.00 quiet: Safe to retry Claude API: the page of Anthropic showed no incident on it at 11:00 UTC; a new post would change it.",
        ]
    )
