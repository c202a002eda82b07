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
            "12:06 0.00 down: Don't retry: partial outage on Anthropic's page, affected since 12:06 UTC, investigating since 11:49 UTC.",
            "12:21 0.10 exonerated: Retry slowly (10% load): Anthropic says it works; the incident is still open (investigating since 11:49 UTC). Valid until 13:21 UTC.",
            "13:21 0.00 exoneration_expired: Don't retry: Anthropic's statement that it works expired at 13:21 UTC; the incident is still open (investigating).",
            "13:37 0.00 down: Don't retry: partial outage on Anthropic's page, affected since 13:37 UTC, identified since 13:22 UTC.",
            "15:25 0.00 unconfirmed: Don't retry: operational on Anthropic's page, but its incident is still open (identified since 14:42 UTC).",
            "15:30 0.00 unconfirmed: Don't retry: operational on Anthropic's page, but its incident is still open (identified since 14:42 UTC).",
            "15:47 0.00 unconfirmed: Don't retry: operational on Anthropic's page, but its incident is still open (identified since 14:42 UTC).",
            "16:50 0.00 down: Don't retry: degraded on Anthropic's page, investigating since 16:50 UTC, 2 repeats in 6 h.",
            "17:55 0.15 crowded: Retry slowly (10% load): 3 incidents in 24 h, no errors since 17:24 UTC. Full load from 19:24 UTC if stable.",
            "17:56 0.00 down: Don't retry: degraded on Anthropic's page, investigating since 17:56 UTC, 4 repeats in 6 h.",
        ]
    )


def test_the_second_of_march_for_the_login_that_the_page_has_no_component_for(shared):
    history = read_history((shared / "claude" / "2026-03-02.json").read_bytes())
    assert table(history, "claude-login", ["12:06", "12:21", "15:25", "15:30", "15:47"]) == snapshot(
        [
            "12:06 1.00 quiet: Safe to retry: Anthropic's page shows no incident for it (checked 12:06 UTC).",
            "12:21 0.00 down: Don't retry: partial outage, from Anthropic's text, affected since 12:21 UTC, investigating since 11:49 UTC.",
            "15:25 0.00 settling: Don't retry: recovering on Anthropic's page since 15:25 UTC. 10% load from 15:28 UTC if stable.",
            "15:30 0.12 recovering: Retry slowly (10% load): Anthropic's incident is at monitoring since 15:25 UTC. Full load from 16:25 UTC if stable.",
            "15:47 0.24 resolved_recently: Retry slowly (20% load): Anthropic's page shows no incident for it since 15:47 UTC. Full load from 16:02 UTC if stable.",
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
            "08:59 1.00 quiet: Safe to retry: Anthropic's page shows no incident for it (checked 08:59 UTC).",
            "09:00 0.00 down: Don't retry: outage on Anthropic's page, investigating since 09:00 UTC. 10% load after 3 min without errors.",
            "09:21 0.00 down: Don't retry: outage on Anthropic's page, identified since 09:20 UTC. 10% load after 3 min without errors.",
            "09:41 0.00 settling: Don't retry: recovering on Anthropic's page since 09:39 UTC. 10% load from 09:42 UTC if stable.",
            "09:46 0.10 residual_errors: Retry slowly (10% load): Anthropic's incident is at monitoring since 09:40 UTC; Anthropic reports remaining errors.",
            "09:52 0.00 down: Don't retry: outage on Anthropic's page, identified since 09:52 UTC, 1 repeat in 6 h.",
            "10:11 0.00 settling: Don't retry: recovering on Anthropic's page since 10:09 UTC. 10% load from 10:12 UTC if stable.",
            "10:16 0.12 recovering_flapping: Retry slowly (10% load): Anthropic's incident is at monitoring since 10:10 UTC, 1 repeat in 6 h. Full load from 12:09 UTC if stable.",
            "10:31 0.17 resolved_recently: Retry slowly (10% load): Anthropic's page shows no incident for it since 10:30 UTC, 1 repeat in 6 h. Full load from 11:00 UTC if stable.",
            "10:59 0.26 resolved_recently: Retry slowly (20% load): Anthropic's page shows no incident for it since 10:30 UTC, 1 repeat in 6 h. Full load from 11:00 UTC if stable.",
            "11:00 1.00 quiet: Safe to retry: Anthropic's page shows no incident for it (checked 11:00 UTC).",
        ]
    )
