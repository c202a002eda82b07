"""Writes one transition inside an open transaction: the poll, the state, the events and the notifications."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from bot.domain import (
    DECLARED_PREFIX,
    TOOL_PREFIX,
    Condition,
    Event,
    EventKind,
    Incident,
    Notification,
    Observation,
    ProviderState,
    SurfaceState,
    Update,
)
from bot.rules.reliability.backfill import COVERED_AFTER_FAILURE
from bot.rules.transition import StateTransition
from bot.storage import evidence, mapping, queueing
from bot.storage.connection import IGNORE, Database, Upsert
from bot.storage.mapping import format_time, parse_time

_POLLED_AGAIN = Upsert(
    key=("id",), kept=("provider",), other=(("body_hash", "coalesce(excluded.body_hash, sources.body_hash)"),)
)
_SEEN_AGAIN = Upsert(  # an incident is as it was seen last; a backfilled one becomes a live one
    key=("source", "id"),
    kept=("provider", "posted_at", "is_maintenance", "is_baseline", "is_retroactive"),
    other=(
        ("backfilled", "0"),
        ("seen_at", "CASE incidents.backfilled WHEN 1 THEN excluded.seen_at ELSE incidents.seen_at END"),
    ),
)
_REPLACED = Upsert(key=("surface", "since"))
_END_CONDITION = "UPDATE conditions SET until = ? WHERE surface = ? AND until IS NULL"
_END_VERDICT = "UPDATE verdicts SET until = ? WHERE surface = ? AND until IS NULL"


def write_transition(
    db: Database, observation: Observation | None, transition: StateTransition, notifications: Iterable[Notification]
) -> None:
    """Writes a transition with its poll, if it has one, and its notifications."""
    if observation is not None:
        _write_observation(db, observation, transition.state, has_events=bool(transition.events))
    _write_incidents(db, transition)
    _write_updates(db, transition)
    _write_conditions(db, transition)
    _write_verdicts(db, transition)
    _write_estimates(db, transition)
    append_events(db, transition.events)
    evidence.transfer_messages(db, transition)
    if transition.evidence is not None:
        evidence.write_evidence(db, transition.evidence, transition.at)
    queueing.enqueue_all(db, notifications, transition.at)
    if replace(transition.before, seen_at=transition.state.seen_at) != transition.state:
        saved = mapping.PROVIDER_STATE_ADAPTER.dump_json(transition.state).decode()
        row = {"provider": transition.state.provider, "saved_at": format_time(transition.at), "world": saved}
        db.insert_all("worlds", [row], Upsert(("provider",)))


def _write_observation(db: Database, observation: Observation, state: ProviderState, *, has_events: bool) -> None:
    """Writes the poll. Consecutive polls with the same outcome share a row, unless there is a long gap between them.

    A body in which only times have changed is stored only where something came of it.
    """
    is_stored = observation.body is not None and (has_events or not observation.only_times_differ)
    digest = sha256(observation.body).hexdigest() if observation.body is not None and is_stored else None
    newest, same_body = db.rows_of(
        (
            "SELECT id, outcome, last_at FROM observations WHERE source = ? ORDER BY id DESC LIMIT 1",
            (observation.source,),
        ),
        ("SELECT 1 FROM sources WHERE id = ? AND body_hash = ?", (observation.source, digest)),
    )
    last = [r for r in newest if observation.at - parse_time(r["last_at"]) <= COVERED_AFTER_FAILURE]
    if same_body:  # the last one again, after a restart
        digest = None
    if digest is not None and observation.body is not None:
        db.insert_all("bodies", [mapping.body_row(digest, observation.body)], IGNORE)
    outcome = "same" if observation.body is not None and digest is None else observation.outcome
    if last and last[0]["outcome"] == outcome and digest is None:
        extend = "UPDATE observations SET last_at = ?, looks = looks + 1, took_ms = ? WHERE id = ?"
        db.write_all(extend, [(format_time(observation.at), observation.took_s * 1000, last[0]["id"])])
    else:
        span = (observation.at, observation.at)
        row = mapping.observation_row(
            observation.source, outcome, span, observation.took_s, why=observation.why, body_hash=digest
        )
        db.insert_all("observations", [row])
    db.insert_all("sources", [mapping.source_row(observation, state, digest)], _POLLED_AGAIN)


def _write_incidents(db: Database, transition: StateTransition) -> None:
    before = {k.incident.id: k for k in transition.before.incidents}
    changed = [k for k in transition.state.incidents if before.get(k.incident.id) != k]
    db.insert_all(
        "incidents", (mapping.incident_row(known, transition.state.provider) for known in changed), _SEEN_AGAIN
    )
    for tracked in changed:
        write_components(db, transition.state.provider, tracked.incident)


def key_holders(db: Database, keys: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Source and key of the recorded incidents that have one of these keys."""
    rows = db.rows(
        "SELECT source, id FROM incidents WHERE id IN (SELECT value FROM json_each(CAST(? AS TEXT)))",
        json.dumps(list(keys)),
    )
    return tuple((row["source"], row["id"]) for row in rows)


def write_components(db: Database, source: str, incident: Incident) -> None:
    """Adds the page's components that the incident lists now to those that it listed before."""
    listed = (
        {"source": source, "incident": incident.id, "component": c.id, "name": c.name} for c in incident.components
    )
    db.insert_all("incident_components", listed, IGNORE)


def _write_updates(db: Database, transition: StateTransition) -> None:
    """A version for every update that is new or edited; none where its newest version already says the same."""
    source, said = transition.state.provider, list(_updates_said(transition))
    last = _last_versions(db, source, {update.id for _, update, _ in said})
    for incident, update, at in said:
        content = {"stage": update.stage, "body": update.body, "display_at": format_time(update.display_at)}
        version, before = last.get(update.id, (0, None))
        if before != content:
            last[update.id] = (version + 1, content)
            db.insert_all("updates", [mapping.update_row(source, incident, update, version + 1, at)])


def _updates_said(transition: StateTransition) -> Iterator[tuple[str, Update, datetime]]:
    """The updates that were posted or edited, with their incidents and when that was seen."""
    for event in transition.events:
        if event.kind in (EventKind.UPDATE_POSTED, EventKind.UPDATE_EDITED) and event.incident:
            tracked = transition.state.tracked_incident(event.incident)
            update = next((u for u in tracked.incident.updates if u.id == event.update), None) if tracked else None
            if update is not None:
                yield event.incident, update, event.seen_at


def _last_versions(db: Database, source: str, ids: Collection[str]) -> dict[str, tuple[int, dict[str, Any] | None]]:
    """The newest version of each of these updates, and what it says; without those that have none."""
    if not ids:
        return {}
    newest = (
        "SELECT u.id, u.version, u.stage, u.body, u.display_at FROM json_each(CAST(? AS TEXT)) JOIN updates u"
        " ON u.source = ? AND u.id = json_each.value AND u.version ="
        " (SELECT max(version) FROM updates v WHERE v.source = u.source AND v.id = u.id)"
    )
    rows = db.rows(newest, json.dumps(sorted(ids)), source)
    return {row.pop("id"): (row.pop("version"), row) for row in rows}


def _write_conditions(db: Database, transition: StateTransition) -> None:
    at = format_time(transition.at)
    for surface in {s.surface for s in transition.before.states} - {s.surface for s in transition.state.states}:
        db.write_all(_END_CONDITION, [(at, surface)])
    for state in transition.state.states:
        if _interval_key(transition.before.surface_state(state.surface)) != _interval_key(state):
            db.write_all(_END_CONDITION, [(at, state.surface)])
            db.insert_all("conditions", [mapping.condition_row(state, transition.at)], _REPLACED)


def _interval_key(state: SurfaceState | None) -> tuple[Condition, bool] | None:
    return (state.condition, state.inferred) if state else None


def _write_verdicts(db: Database, transition: StateTransition) -> None:
    at = format_time(transition.at)
    for surface in {v.surface for v in transition.before.verdicts} - {v.surface for v in transition.state.verdicts}:
        db.write_all(_END_VERDICT, [(at, surface)])
    for verdict in transition.state.verdicts:
        old = transition.before.verdict(verdict.surface)
        if old is None or (old.call, old.reason_code) != (verdict.call, verdict.reason_code):
            db.write_all(_END_VERDICT, [(at, verdict.surface)])
            db.insert_all("verdicts", [mapping.verdict_row(verdict, transition.at)], _REPLACED)


def _write_estimates(db: Database, transition: StateTransition) -> None:
    """Writes first estimates once, and their actual durations when the surface is no longer bad."""
    before, now = transition.before.outlook, transition.state.outlook
    if before is now:
        return
    for estimate in now.first:
        if before.first_estimate_for(estimate.incident) is None:
            db.insert_all("estimates", [mapping.estimate_row(estimate, transition.state.provider)], IGNORE)
    for grade in now.grades:
        if grade not in before.grades:
            actual_s, incident = grade.actual.total_seconds(), grade.estimate.incident
            db.write_all("UPDATE estimates SET actual_s = ? WHERE incident = ?", [(actual_s, incident)])


def append_events(db: Database, events: Iterable[Event]) -> None:
    """Appends events to the timeline."""
    db.insert_all("events", map(mapping.event_row, events))


def resume_channel(db: Database, channel: str) -> bool:
    """Lets a paused channel be tried again, without what is about ended incidents; False if it is not paused."""
    if not db.write("UPDATE pauses SET is_on_trial = 1 WHERE channel = ?", channel):
        return False
    drop_what_is_over(db, channel)
    return True


def drop_what_is_over(db: Database, channel: str) -> int:
    """Gives up what is not about an open incident; returns how many notifications that are.

    A tool of ``[[notify]]`` that has got the beginning still gets the end. What is about an incident that a team
    declared stays, since people wrote it.
    """
    return db.write(
        "UPDATE outbox SET state = 'parked', error = 'it was over before its channel took posts again',"
        " told_at = created_at"
        " WHERE channel = ? AND state IN ('waiting', 'sending') AND NOT EXISTS"
        " (SELECT 1 FROM incidents i WHERE i.id = outbox.incident AND i.closed_at IS NULL)"
        " AND outbox.incident NOT LIKE ?"
        " AND NOT (outbox.channel LIKE ? AND EXISTS (SELECT 1 FROM alerts a WHERE a.channel = outbox.channel"
        " AND a.incident = outbox.incident AND a.ts IS NOT NULL))",
        channel,
        f"{DECLARED_PREFIX}%",
        f"{TOOL_PREFIX}%",
    )
