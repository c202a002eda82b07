"""One stroke -> its rows, inside an open transaction: the look, the state, the events, and the posts that are due."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from bot.core.past import KNOWN_FOR
from bot.core.stroke import Stroke
from bot.edge.store import evidence, rows
from bot.edge.store.database import Database
from bot.edge.store.rows import iso, time
from bot.model import Condition, Event, EventKind, Incident, Observation, Post, PostKind, SurfaceState, Update, World

RETRY = timedelta(days=1)  # a channel that refuses everything is not tried more often by itself

_EVENT_COLUMNS = (
    *("kind", "provider", "incident", "update_id", "surface", "condition", "verdict", "exposure", "stage"),
    *("reason", "reason_code", "inferred", "text", "before", "is_baseline", "happened_at", "seen_at"),
    *("author", "about", "channel"),
)


def write(db: Database, observation: Observation | None, stroke: Stroke, posts: Iterable[Post]) -> None:
    """Writes everything that one stroke leaves behind."""
    if observation is not None:
        _observe(db, observation, stroke.world)
    _incidents(db, stroke)
    _updates(db, stroke)
    _conditions(db, stroke)
    _verdicts(db, stroke)
    _estimates(db, stroke)
    events(db, stroke.events)
    evidence.take_over(db, stroke)
    if stroke.evidence is not None:
        evidence.write(db, stroke.evidence, stroke.at)
    for post in posts:
        owe(db, post, stroke.at)
    if replace(stroke.before, seen_at=stroke.world.seen_at) != stroke.world:
        db.write(
            "INSERT INTO worlds VALUES (?, ?, ?) ON CONFLICT (provider) DO UPDATE"
            " SET saved_at = excluded.saved_at, world = excluded.world",
            stroke.world.provider,
            iso(stroke.at),
            rows.WORLD.dump_json(stroke.world).decode(),
        )


def _observe(db: Database, seen: Observation, world: World) -> None:
    """The look. Looks in a row that went the same way share a row, unless nobody looked for long between them."""
    newest = "SELECT id, outcome, last_at FROM observations WHERE source = ? ORDER BY id DESC LIMIT 1"
    last = [r for r in db.rows(newest, seen.source) if seen.at - time(r["last_at"]) <= KNOWN_FOR]
    digest = _keep(db, seen)
    outcome = "same" if seen.body is not None and digest is None else seen.outcome
    at, took_ms = iso(seen.at), seen.took_s * 1000
    if last and last[0]["outcome"] == outcome and digest is None:
        looked = "UPDATE observations SET last_at = ?, looks = looks + 1, took_ms = ? WHERE id = ?"
        db.write(looked, at, took_ms, last[0]["id"])
    else:
        db.write(
            "INSERT INTO observations (source, outcome, why, first_at, last_at, took_ms, body_hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(seen.source, outcome, seen.why, at, at, took_ms, digest),
        )
    db.write(
        "INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " looked_at = excluded.looked_at, seen_at = excluded.seen_at, host = excluded.host,"
        " body_hash = coalesce(excluded.body_hash, body_hash)",
        *(seen.source, world.provider, at, iso(world.seen_at), digest, world.host),
    )


def _keep(db: Database, seen: Observation) -> str | None:
    """Keeps the body; its hash, or None where there is none or it is the last one again (a restart asks anew)."""
    if seen.body is None:
        return None
    digest = sha256(seen.body).hexdigest()
    if db.rows("SELECT 1 FROM sources WHERE id = ? AND body_hash = ?", seen.source, digest):
        return None
    packed = zlib.compress(seen.body, 6)
    db.write("INSERT INTO bodies VALUES (?, ?, ?) ON CONFLICT DO NOTHING", digest, packed, len(seen.body))
    return digest


def _incidents(db: Database, stroke: Stroke) -> None:
    before = {k.incident.id: k for k in stroke.before.incidents}
    changed = [k for k in stroke.world.incidents if before.get(k.incident.id) != k]
    marks = ", ".join("?" * 21)
    db.write_all(
        f"INSERT INTO incidents VALUES ({marks}) ON CONFLICT (source, id) DO UPDATE SET"  # noqa: S608  (marks only)
        " name = excluded.name, stage = excluded.stage, impact = excluded.impact, url = excluded.url,"
        " closed_at = excluded.closed_at, ending = excluded.ending, surfaces = excluded.surfaces,"
        " own = excluded.own, suspicions = excluded.suspicions, lead_s = excluded.lead_s, joined = excluded.joined,"
        " started_at = excluded.started_at, backfilled = 0,"  # what a history told of before is now seen live
        " seen_at = CASE backfilled WHEN 1 THEN excluded.seen_at ELSE seen_at END",
        (rows.of_incident(known, stroke.world.provider) for known in changed),
    )
    for known in changed:
        link(db, stroke.world.provider, known.incident)


def link(db: Database, source: str, incident: Incident) -> None:
    """The components of the page that the incident lists; what it once listed stays."""
    db.write_all(
        "INSERT INTO incident_components VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        ((source, incident.id, c.id, c.name) for c in incident.components),
    )


def _updates(db: Database, stroke: Stroke) -> None:
    """A version for every update that is new or edited; none where its newest version already says the same."""
    for event in stroke.events:
        if event.kind in (EventKind.UPDATE_POSTED, EventKind.UPDATE_EDITED) and event.incident:
            known = stroke.world.known(event.incident)
            update = next((u for u in known.incident.updates if u.id == event.update), None) if known else None
            if update is not None:
                _update(db, stroke.world.provider, event.incident, update, event.seen_at)


def _update(db: Database, source: str, incident: str, update: Update, at: datetime) -> None:
    last = db.rows(
        "SELECT version, stage, body, display_at FROM updates WHERE source = ? AND id = ?"
        " ORDER BY version DESC LIMIT 1",
        *(source, update.id),
    )
    said = {"stage": update.stage, "body": update.body, "display_at": iso(update.display_at)}
    version = last[0].pop("version") + 1 if last else 1
    if not last or last[0] != said:
        db.write(
            "INSERT INTO updates (source, id, incident, stage, body, display_at, seen_at, transitions, version)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(*rows.of_update(source, incident, update, at), version),
        )


def _conditions(db: Database, stroke: Stroke) -> None:
    at = iso(stroke.at)
    for gone in {s.surface for s in stroke.before.states} - {s.surface for s in stroke.world.states}:
        db.write("UPDATE conditions SET until = ? WHERE surface = ? AND until IS NULL", at, gone)
    for state in stroke.world.states:
        if _interval(stroke.before.state(state.surface)) != _interval(state):
            db.write("UPDATE conditions SET until = ? WHERE surface = ? AND until IS NULL", at, state.surface)
            db.write(
                "INSERT INTO conditions VALUES (?, ?, NULL, ?, ?) ON CONFLICT (surface, since) DO UPDATE SET"
                " until = NULL, condition = excluded.condition, inferred = excluded.inferred",
                *(state.surface, at, state.condition, state.inferred),
            )


def _interval(state: SurfaceState | None) -> tuple[Condition, bool] | None:
    return (state.condition, state.inferred) if state else None


def _verdicts(db: Database, stroke: Stroke) -> None:
    at = iso(stroke.at)
    for gone in {v.surface for v in stroke.before.verdicts} - {v.surface for v in stroke.world.verdicts}:
        db.write("UPDATE verdicts SET until = ? WHERE surface = ? AND until IS NULL", at, gone)
    for now in stroke.world.verdicts:
        old = stroke.before.verdict(now.surface)
        if old is None or (old.call, old.reason_code) != (now.call, now.reason_code):
            db.write("UPDATE verdicts SET until = ? WHERE surface = ? AND until IS NULL", at, now.surface)
            db.write(
                "INSERT INTO verdicts VALUES (?, ?, NULL, ?, ?, ?, ?, ?) ON CONFLICT (surface, since) DO UPDATE SET"
                " until = NULL, verdict = excluded.verdict, exposure = excluded.exposure, reason = excluded.reason,"
                " reason_code = excluded.reason_code, incident = excluded.incident",
                *(now.surface, at, now.call, now.exposure, now.reason, now.reason_code, (*now.incidents, None)[0]),
            )


def _estimates(db: Database, stroke: Stroke) -> None:
    """Estimates are written once; what came of them is added when their incident is no longer bad."""
    before, now = stroke.before.outlook, stroke.world.outlook
    if before is now:
        return
    for e in now.first:
        if before.of(e.incident) is None:
            spans = [span.total_seconds() for span in (e.elapsed, e.p50, e.p80, e.p90)]
            db.write(
                "INSERT INTO estimates VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING",
                *(e.incident, stroke.world.provider, iso(e.issued_at), *spans, e.n),
            )
    for grade in now.grades:
        if grade not in before.grades:
            actual_s, incident = grade.actual.total_seconds(), grade.estimate.incident
            db.write("UPDATE estimates SET actual_s = ? WHERE incident = ?", actual_s, incident)


def events(db: Database, found: Iterable[Event]) -> None:
    """Appends to the timeline."""
    names = ", ".join(_EVENT_COLUMNS)
    marks = ", ".join("?" * len(_EVENT_COLUMNS))
    db.write_all(
        f"INSERT INTO events ({names}) VALUES ({marks})",  # noqa: S608  (our own column names)
        ([rows.cell(getattr(e, "update" if name == "update_id" else name)) for name in _EVENT_COLUMNS] for e in found),
    )


def owe(db: Database, post: Post, at: datetime) -> None:
    """Puts a post into the outbox, once; of a message's drawings only the last is kept waiting.

    An alert that is held is noted down, and left out of the box until nothing holds it.
    """
    if post.held:
        held = (post.channel, post.incident, post.about.provider, post.held, iso(at))
        db.write("INSERT INTO withheld VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", *held)
        return
    if post.kind is PostKind.ALERT:
        db.write("DELETE FROM withheld WHERE channel = ? AND incident = ?", post.channel, post.incident)
        db.write(
            "INSERT INTO alerts (channel, incident, provider, opened_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            *(post.channel, post.incident, post.about.provider, iso(at)),
        )
        if db.rows("SELECT 1 FROM pauses WHERE channel = ? AND tried_at <= ?", post.channel, iso(at - RETRY)):
            retry(db, post.channel)
    if post.mentions:
        rung = "UPDATE alerts SET rung_at = ? WHERE channel = ? AND incident = ?"
        db.write(rung, iso(at), post.channel, post.incident)
    if post.kind is PostKind.EDIT:  # only the last drawing of a message matters; `IN` lets the index of the unsent help
        db.write(
            "UPDATE outbox SET state = 'superseded' WHERE channel = ? AND incident = ? AND kind = 'edit'"
            " AND state IN ('waiting', 'sending') AND state = 'waiting'",
            *(post.channel, post.incident),
        )
    db.write(
        "INSERT INTO outbox (channel, key, kind, incident, post, state, created_at, due_at)"
        " VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?) ON CONFLICT (channel, key) DO NOTHING",
        *(post.channel, post.key, post.kind, post.incident, rows.POST.dump_json(post).decode(), iso(at), iso(at)),
    )


def retry(db: Database, channel: str) -> bool:
    """A paused channel is sent what it is owed once more, but for what is over; False where it is not paused."""
    if not db.write("UPDATE pauses SET is_on_trial = 1 WHERE channel = ?", channel):
        return False
    db.write(
        "UPDATE outbox SET state = 'parked', error = 'it was over before its channel took posts again'"
        " WHERE channel = ? AND state IN ('waiting', 'sending') AND NOT EXISTS"
        " (SELECT 1 FROM incidents i WHERE i.id = outbox.incident AND i.closed_at IS NULL)",
        channel,
    )
    return True
