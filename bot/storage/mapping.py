"""Converts between domain values and database rows or stored JSON. No I/O.

Times are UTC as ISO-8601 text with milliseconds, so that the text sorts by time. ``x_row`` maps the columns of a table
to the values to write. Clauses of an upsert (``Upsert``) name only the columns that differ from the row.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypeAliasType

from bot.domain import (
    Advice,
    ChannelPreferences,
    ChatUser,
    ComponentTransition,
    Condition,
    DeliveryPause,
    DigestSchedule,
    Estimate,
    Event,
    EventKind,
    EvidenceBatch,
    Impact,
    Incident,
    IncidentEnding,
    Mute,
    Notification,
    Observation,
    Override,
    ProbeResult,
    ProviderState,
    RequestOutcomes,
    Stage,
    Subscription,
    SurfaceState,
    TrackedIncident,
    Update,
    Verdict,
)
from bot.errors import OtherVersionError
from bot.rules.changes.diff import first_posted_at
from bot.storage.delivery_order import DeliveryRank

_Stored = TypeVar("_Stored")
StoredWorld = TypeAliasType("StoredWorld", ProviderState)  # an adapter accepts a config for an alias, not for a class
StoredPost = TypeAliasType("StoredPost", Notification)
StoredEvidence = TypeAliasType("StoredEvidence", EvidenceBatch)
_STRICT = ConfigDict(extra="forbid")  # holds for nested dataclasses without a config of their own too
PROVIDER_STATE_ADAPTER: TypeAdapter[ProviderState] = TypeAdapter(StoredWorld, config=_STRICT)
NOTIFICATION_ADAPTER: TypeAdapter[Notification] = TypeAdapter(StoredPost, config=_STRICT)
EVIDENCE_ADAPTER: TypeAdapter[EvidenceBatch] = TypeAdapter(StoredEvidence, config=_STRICT)


def parse(form: TypeAdapter[_Stored], text: str, where: str) -> _Stored | None:
    """A stored value; None if its text is damaged.

    Args:
        form: The adapter of the value's type.
        text: The stored JSON.
        where: File, table and row, for the message.

    Raises:
        OtherVersionError: The JSON has a key that this version does not know. To go on without it would lose what
            another version has recorded.
    """
    try:
        return form.validate_json(text)
    except ValidationError as error:
        if keys := unknown_keys(error):
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise OtherVersionError(
                f"{where}: unknown key {keys[0]}{more}, written by another version; run"
                " that version, or restore the backup that was taken before the upgrade (`brownout db restore FILE`)"
            ) from None
        return None


_MEMBERS = ("Alert", "Notice", "DeclaredPost")  # of the union


def unknown_keys(error: ValidationError) -> tuple[str, ...]:
    """The keys that no field has, as paths (``incidents.0.seen_at``).

    ``Notification.about`` is a union, and pydantic reports errors for each member; only those of the member with the
    fewest errors count.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    counts = Counter(_member(mistake["loc"]) for mistake in found)
    nearest = min(_MEMBERS, key=lambda member: counts[member])
    unknown = (m["loc"] for m in found if m["type"] == "unexpected_keyword_argument")
    return tuple(".".join(str(p) for p in loc if p != _member(loc)) for loc in unknown if _member(loc) in ("", nearest))


def _member(loc: tuple[int | str, ...]) -> int | str:
    """The union member of ``about`` that an error belongs to; empty for errors elsewhere."""
    return loc[1] if loc[:1] == ("about",) and len(loc) > 1 else ""


def format_time(at: datetime | None) -> str | None:
    """A time as stored text; None stays None."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def parse_time(text: str) -> datetime:
    """A time from its stored text."""
    return datetime.fromisoformat(text)


def incident_row(tracked: TrackedIncident, provider: str) -> dict[str, object]:
    """A row of ``incidents``."""
    i = tracked.incident
    return {
        "source": provider,
        "id": i.id,
        "provider": provider,
        "name": i.name,
        "stage": i.stage,
        "impact": i.impact,
        "posted_at": format_time(first_posted_at(i)),
        "seen_at": format_time(tracked.seen_at),
        "closed_at": format_time(tracked.closed_at),
        "ending": tracked.ending,
        "surfaces": json.dumps(tracked.surfaces),
        "url": i.url,
        "is_maintenance": i.is_maintenance,
        "is_baseline": tracked.is_baseline,
        "is_retroactive": tracked.is_retroactive,
        "started_at": format_time(i.started_at),
        "backfilled": tracked.is_backfilled,
        "own": ("suspected" if i.is_suspected else "unposted") if i.is_unposted else None,
        "suspicions": json.dumps(tracked.suspicions),
        "lead_s": tracked.lead.total_seconds() if tracked.lead is not None else None,
        "joined": tracked.joined,
    }


def incident_from_row(row: dict[str, Any], updates: tuple[Update, ...]) -> TrackedIncident:
    """An incident from its row and its updates, oldest first."""
    incident = Incident(
        id=row["id"],
        name=row["name"],
        stage=Stage(row["stage"]),
        impact=Impact(row["impact"]),
        created_at=parse_time(row["posted_at"]),
        updates=updates,
        url=row["url"],
        started_at=parse_time(row["started_at"]) if row["started_at"] else None,
        is_maintenance=bool(row["is_maintenance"]),
        is_unposted=row["own"] is not None,
        is_suspected=row["own"] == "suspected",
    )
    return TrackedIncident(
        incident=incident,
        seen_at=parse_time(row["seen_at"]),
        surfaces=tuple(json.loads(row["surfaces"])),
        closed_at=parse_time(row["closed_at"]) if row["closed_at"] else None,
        ending=IncidentEnding(row["ending"]) if row["ending"] else None,
        is_baseline=bool(row["is_baseline"]),
        is_retroactive=bool(row["is_retroactive"]),
        is_backfilled=bool(row["backfilled"]),
        suspicions=tuple(json.loads(row["suspicions"])),
        lead=timedelta(seconds=row["lead_s"]) if row["lead_s"] is not None else None,
        joined=row["joined"],
    )


def update_row(source: str, incident: str, update: Update, version: int, at: datetime) -> dict[str, object]:
    """A row of ``updates``: one version of an update, first seen at ``at``."""
    transitions = None
    if update.transitions is not None:
        transitions = json.dumps([[t.component_id, t.name, t.old, t.new] for t in update.transitions])
    return {
        "source": source,
        "id": update.id,
        "version": version,
        "incident": incident,
        "stage": update.stage,
        "body": update.body,
        "display_at": format_time(update.display_at),
        "seen_at": format_time(at),
        "transitions": transitions,
    }


def update_from_row(row: dict[str, Any]) -> Update:
    """An update from the row of one of its versions."""
    transitions = None
    if row["transitions"] is not None:
        transitions = tuple(
            ComponentTransition(c, n, Condition(a), Condition(b)) for c, n, a, b in json.loads(row["transitions"])
        )
    return Update(row["id"], Stage(row["stage"]), row["body"], parse_time(row["display_at"]), transitions)


def event_row(event: Event) -> dict[str, object]:
    """A row of ``events``; the table assigns the id."""
    return {
        "kind": event.kind,
        "provider": event.provider,
        "incident": event.incident,
        "update_id": event.update,
        "surface": event.surface,
        "condition": event.condition,
        "verdict": event.verdict,
        "exposure": event.exposure,
        "stage": event.stage,
        "reason": event.reason,
        "reason_code": event.reason_code,
        "inferred": event.inferred,
        "text": event.text,
        "before": event.before,
        "is_baseline": event.is_baseline,
        "happened_at": format_time(event.happened_at),
        "seen_at": format_time(event.seen_at),
        "author": event.author,
        "about": event.about,
        "channel": event.channel,
    }


def event_from_row(row: dict[str, Any]) -> Event:
    """An event from its row."""
    return Event(
        kind=EventKind(row["kind"]),
        provider=row["provider"],
        seen_at=parse_time(row["seen_at"]),
        happened_at=parse_time(row["happened_at"]) if row["happened_at"] else None,
        incident=row["incident"],
        update=row["update_id"],
        surface=row["surface"],
        condition=Condition(row["condition"]) if row["condition"] else None,
        verdict=Advice(row["verdict"]) if row["verdict"] else None,
        exposure=row["exposure"],
        reason=row["reason"],
        reason_code=row["reason_code"],
        inferred=bool(row["inferred"]),
        stage=Stage(row["stage"]) if row["stage"] else None,
        text=row["text"],
        before=row["before"],
        is_baseline=bool(row["is_baseline"]),
        id=row["id"],
        author=row["author"],
        about=row["about"],
        channel=row["channel"],
    )


# --- polls ------------------------------------------------------------------------------------------------------------


def source_row(observation: Observation, state: ProviderState, body_hash: str | None) -> dict[str, object]:
    """A row of ``sources``: the last poll, and when and from which host the page was last readable."""
    return {
        "id": observation.source,
        "provider": state.provider,
        "looked_at": format_time(observation.at),
        "seen_at": format_time(state.seen_at),
        "body_hash": body_hash,
        "host": state.host,
    }


def observation_row(
    source: str,
    outcome: str,
    span: tuple[datetime, datetime],
    took_s: float,
    *,
    polls: int = 1,
    why: str = "",
    body_hash: str | None = None,
) -> dict[str, object]:
    """A row of ``observations``: consecutive polls with the same outcome; ``span`` is the first and last time."""
    first_at, last_at = span
    return {
        "source": source,
        "outcome": outcome,
        "why": why,
        "first_at": format_time(first_at),
        "last_at": format_time(last_at),
        "looks": polls,
        "took_ms": took_s * 1000,
        "body_hash": body_hash,
    }


def body_row(digest: str, body: bytes) -> dict[str, object]:
    """A row of ``bodies``."""
    return {"hash": digest, "body": zlib.compress(body, 6), "size": len(body)}


# --- intervals --------------------------------------------------------------------------------------------------------


def condition_row(state: SurfaceState, since: datetime) -> dict[str, object]:
    """A row of ``conditions`` that holds from ``since`` on."""
    return {
        "surface": state.surface,
        "since": format_time(since),
        "until": None,
        "condition": state.condition,
        "inferred": state.inferred,
    }


def verdict_row(verdict: Verdict, since: datetime) -> dict[str, object]:
    """A row of ``verdicts`` that holds from ``since`` on."""
    return {
        "surface": verdict.surface,
        "since": format_time(since),
        "until": None,
        "verdict": verdict.call,
        "exposure": verdict.exposure,
        "reason": verdict.reason,
        "reason_code": verdict.reason_code,
        "incident": next(iter(verdict.incidents), None),
    }


def estimate_row(estimate: Estimate, provider: str) -> dict[str, object]:
    """A row of ``estimates`` that is not graded yet."""
    return {
        "incident": estimate.incident,
        "provider": provider,
        "issued_at": format_time(estimate.issued_at),
        "elapsed_s": estimate.elapsed.total_seconds(),
        "p50_s": estimate.p50.total_seconds(),
        "p80_s": estimate.p80.total_seconds(),
        "p90_s": estimate.p90.total_seconds(),
        "n": estimate.n,
    }


# --- evidence ---------------------------------------------------------------------------------------------------------


def probe_row(result: ProbeResult) -> dict[str, object]:
    """A row of ``probe_results``."""
    return {
        "surface": result.surface,
        "vantage": result.vantage,
        "at": format_time(result.at),
        "ok": result.ok,
        "ours": result.ours,
        "why": result.why,
        "status": result.status,
        "dns_ms": result.dns_ms,
        "connect_ms": result.connect_ms,
        "tls_ms": result.tls_ms,
        "first_byte_ms": result.first_byte_ms,
        "took_ms": result.took_ms,
        "writer": result.writer,
    }


def outcomes_row(outcomes: RequestOutcomes) -> dict[str, object]:
    """A row of ``outcomes``."""
    return {
        "surface": outcomes.surface,
        "client": outcomes.client,
        "since": format_time(outcomes.since),
        "until": format_time(outcomes.until),
        "ok": outcomes.ok,
        "errors": json.dumps(dict(sorted(outcomes.errors.items()))),
        "p50_ms": outcomes.p50_ms,
        "p95_ms": outcomes.p95_ms,
        "writer": outcomes.writer,
    }


def report_row(
    surface: str | None, person: ChatUser, channel: str | None, at: datetime, writer: str = ""
) -> dict[str, object]:
    """A row of ``reports``; name and channel are empty for a report over HTTP, whose token is the ``writer``."""
    names = {"surface": surface, "person": person.id, "name": person.name, "channel": channel}
    return {**names, "at": format_time(at), "writer": writer}


# --- channels and people ----------------------------------------------------------------------------------------------


def outbox_row(notification: Notification, at: datetime, stored: str, rank: DeliveryRank) -> dict[str, object]:
    """A row of ``outbox`` that is pending and due from ``at`` on; ``stored`` is the notification as JSON."""
    return {
        "channel": notification.channel,
        "key": notification.key,
        "kind": notification.kind,
        "incident": notification.incident,
        "post": stored,
        "state": "waiting",
        "created_at": format_time(at),
        "due_at": format_time(at),
        "rank": rank,
    }


def alert_row(notification: Notification, at: datetime) -> dict[str, object]:
    """A row of ``alerts`` for a message that is not sent yet."""
    return {
        "channel": notification.channel,
        "incident": notification.incident,
        "provider": notification.about.provider,
        "opened_at": format_time(at),
    }


def withheld_row(notification: Notification, at: datetime) -> dict[str, object]:
    """A row of ``withheld``."""
    return {
        "channel": notification.channel,
        "incident": notification.incident,
        "provider": notification.about.provider,
        "why": notification.held,
        "since": format_time(at),
    }


def pause_row(pause: DeliveryPause) -> dict[str, object]:
    """A row of ``pauses`` for a channel that has just refused a notification."""
    return {
        "channel": pause.channel,
        "code": pause.code,
        "remedy": pause.remedy,
        "since": format_time(pause.since),
        "tried_at": format_time(pause.since),
        "is_on_trial": False,
        "scope": "person" if pause.is_person else "channel",
    }


def override_row(override: Override) -> dict[str, object]:
    """A row of ``overrides``."""
    return {
        "channel": override.channel,
        "surface": override.surface,
        "kind": override.kind,
        "until": format_time(override.until),
        "person": override.mark.by.id,
        "name": override.mark.by.name,
        "at": format_time(override.mark.at),
    }


def subscription_row(subscription: Subscription) -> dict[str, object]:
    """A row of ``subscriptions``."""
    return {
        "channel": subscription.channel,
        "target": subscription.target,
        "minimum": subscription.minimum,
        "created_by": subscription.created_by,
        "created_at": format_time(subscription.created_at),
        "mention": subscription.mention,
    }


def habits_row(preferences: ChannelPreferences) -> dict[str, object]:
    """A row of ``habits``."""
    quiet = preferences.quiet
    return {
        "channel": preferences.channel,
        "maintenance": preferences.maintenance,
        "quiet_start": f"{quiet.start:%H:%M}" if quiet else None,
        "quiet_end": f"{quiet.end:%H:%M}" if quiet else None,
        "zone": quiet.zone if quiet else "UTC",
    }


def digest_row(channel: str, schedule: DigestSchedule, handled_until: datetime) -> dict[str, object]:
    """A row of ``digests``; ``handled_until`` is the last due time that was handled."""
    return {
        "channel": channel,
        "at": f"{schedule.at:%H:%M}",
        "zone": schedule.zone,
        "weekday": schedule.weekday,
        "on_calm": schedule.on_calm,
        "done": format_time(handled_until),
    }


def mute_row(mute: Mute) -> dict[str, object]:
    """A row of ``mutes``."""
    return {
        "channel": mute.channel,
        "target": mute.target,
        "until": format_time(mute.until),
        "person": mute.mark.by.id,
        "name": mute.mark.by.name,
        "at": format_time(mute.mark.at),
    }


def ack_row(event: Event, person: ChatUser) -> dict[str, object]:
    """A row of ``acks``: a person acknowledged an incident in a channel."""
    return {
        "channel": event.channel,
        "incident": event.incident,
        "person": person.id,
        "name": person.name,
        "at": format_time(event.seen_at),
    }


def affected_row(event: Event, person: ChatUser) -> dict[str, object]:
    """A row of ``affected``: a person is affected by an incident on a surface."""
    return {
        "incident": event.incident,
        "surface": event.surface,
        "person": person.id,
        "name": person.name,
        "channel": event.channel,
        "at": format_time(event.seen_at),
    }
