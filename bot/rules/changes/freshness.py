"""Which times of a page may be believed, and whether a body is older than one that was read before. No I/O.

Caches in front of a page serve an older body after a newer one, for minutes or hours, and by turns. Such a body is no
news (bot/docs/status-page-formats.md#older-bodies). Times of the vendor are claims: one that lies in the future is
replaced by the time at which it was first seen (bot/docs/status-page-formats.md#times).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import NO_TIME, Incident, PollResult, ProviderState, Snapshot, Stage, TrackedIncident, Update
from bot.rules.changes import diff, versions

NEWS_WITHIN = timedelta(minutes=5)  # of the newest page time: a page may show a post a little after it was written
CLOCK_TOLERANCE = timedelta(minutes=10)  # a vendor's clock that is ahead by no more is wrong in all its times alike
# An older body that is all there was for so long is the page after all: a vendor may have restored a backup.
BELIEVED_AFTER = timedelta(hours=24)

_Tracked = Mapping[str, TrackedIncident]


def outdated_reason(state: ProviderState, poll: PollResult) -> str:
    """Why this body is older than one that was read before, for people; empty where it is not known to be.

    The page's own time decides where it has one. Without, or where it stands still, a body is older that lacks the
    newest post of an incident or has an older version of it, or that was served earlier. Of bodies that come by turns
    within minutes and carry no times, the one that shows less trouble is taken for the older one. In no case is it
    older if it has a recent post that is not known yet.
    """
    if not isinstance(poll.saw, Snapshot) or state.seen_at is None:
        return ""
    if state.blind_since is not None and poll.at - state.blind_since > BELIEVED_AFTER:
        return ""
    known, claimed = _comparable(state.page_updated_at, poll.saw.updated_at, poll.at)
    if known and claimed and claimed > known:
        return ""
    tracked = {k.incident.id: k for k in state.incidents}
    if known and claimed and claimed < known:
        why = f"it is of {claimed:%Y-%m-%d %H:%M:%S} UTC, and one of {known:%Y-%m-%d %H:%M:%S} UTC was read before"
    elif older := _older_incidents(tracked, diff.listed_incidents(poll.saw), poll.at):
        why = f"it shows an older version of the incident {older[0]} than one that was read before"
    elif poll.is_served_earlier and not (known and claimed):
        why = "by its date it was made before one that was read before"
    elif poll.is_by_turns and not (_shows_worse(state, poll.saw) or _shows_the_same(state, poll.saw)):
        why = "it comes by turns with another one"
    else:
        return ""
    since = min(known or state.seen_at, state.seen_at)  # a page time that was ahead of ours hides no news
    return "" if _has_recent_news(diff.listed_incidents(poll.saw), tracked, since - NEWS_WITHIN) else why


def newest_page_time(state: ProviderState, snapshot: Snapshot) -> datetime | None:
    """The page's time to compare later bodies with: this body's, else the one known before."""
    return snapshot.updated_at or state.page_updated_at


def believable_poll(state: ProviderState, poll: PollResult, saw: Snapshot) -> tuple[PollResult, Snapshot]:
    """The poll, and what it saw: with times that have come, and no incident in an older version than the known one."""
    tracked = {k.incident.id: k for k in state.incidents}
    known_at, claimed = _comparable(state.page_updated_at, saw.updated_at, poll.at)
    is_page_newer = bool(claimed and known_at and claimed > known_at)

    def settle(incident: Incident, *, is_newer: bool = False) -> Incident:
        known = tracked.get(incident.id)
        if known is None:
            return _with_past_times(incident, None, poll.at)
        if not is_newer and is_older_version(known.incident, incident, poll.at):
            return known.incident
        return _with_past_times(versions.with_known_forms(incident, known), known.incident, poll.at)

    incidents, maintenances = (
        None if listed is None else tuple(settle(i, is_newer=is_page_newer) for i in listed)
        for listed in (saw.incidents, saw.maintenances)
    )
    endings = {i: settle(e) if isinstance(e, Incident) else e for i, e in poll.endings.items()}
    saw = replace(saw, incidents=incidents, maintenances=maintenances)
    return replace(poll, saw=saw, endings=endings), saw


def is_older_version(known: Incident, shown: Incident, at: datetime) -> bool:
    """Whether ``shown`` is the incident as it was before ``known``, by the times that it carries."""
    known_updates = {u.id: u for u in known.updates}
    if any(u.id not in known_updates for u in shown.updates):
        return False
    known_at, shown_at = _comparable(known.updated_at, shown.updated_at, at)
    if known_at and shown_at and known_at != shown_at:
        return shown_at < known_at
    pairs = [(known_updates[u.id], u) for u in shown.updates]
    edits = [(b.updated_at, a.updated_at) for b, a in pairs if b.updated_at and a.updated_at]
    if any(before != after for before, after in edits):
        return all(after <= before for before, after in edits)
    is_same = all((u.stage, u.display_at) == (before.stage, _claimed_time(before)) for before, u in pairs)
    newest_shown = max((_claimed_time(before) for before, _ in pairs), default=None)
    return is_same and newest_shown is not None and newest_shown < max(map(_claimed_time, known.updates))


def _claimed_time(update: Update) -> datetime:
    """The time that the vendor gave it, also where that lay in the future."""
    return update.claimed_at or update.display_at


def _shows_worse(state: ProviderState, saw: Snapshot) -> bool:
    """Whether a component is worse than it was, or an incident is open that was not."""
    conditions = {c.id: c.condition for c in state.components}
    is_worse = any(c.condition.rank > conditions.get(c.id, c.condition).rank for c in saw.components or ())
    open_ids = {k.incident.id for k in state.open_incidents}
    return is_worse or any(i.id not in open_ids and not i.stage.is_closed for i in diff.listed_incidents(saw))


def _shows_the_same(state: ProviderState, saw: Snapshot) -> bool:
    """Whether it is the body that counts: components and open incidents are as they are known."""
    conditions = {c.id: c.condition for c in state.components}
    open_incidents = {_content(k.incident) for k in state.open_incidents if not k.incident.is_unposted}
    shown = {_content(i) for i in diff.listed_incidents(saw) if not i.stage.is_closed}
    return shown == open_incidents and all(conditions.get(c.id) is c.condition for c in saw.components or ())


def _content(incident: Incident) -> tuple[object, ...]:
    return incident.id, incident.name, incident.stage, tuple((u.id, u.stage, u.body) for u in incident.updates)


def _older_incidents(tracked: _Tracked, shown: Iterable[Incident], at: datetime) -> list[str]:
    return [i.id for i in shown if i.id in tracked and is_older_version(tracked[i.id].incident, i, at)]


def _has_recent_news(shown: Iterable[Incident], tracked: _Tracked, since: datetime) -> bool:
    """Whether a post that is not known yet, or an incident, is from after ``since``."""
    for incident in shown:
        known = tracked.get(incident.id)
        known_ids = {u.id for u in known.incident.updates} if known else set()
        unknown = (u for u in incident.updates if u.id not in known_ids)
        times = [t for u in unknown for t in (u.display_at, u.written_at, u.updated_at)]
        times += [incident.created_at, incident.updated_at] if known is None else []
        if any(t >= since for t in times if t is not None):
            return True
    return False


def _comparable(
    known: datetime | None, claimed: datetime | None, at: datetime
) -> tuple[datetime | None, datetime | None]:
    """Two times of the vendor; None for the known one where it lay in the future and the vendor's clock is right now.

    Where both lie in the future, the vendor's clock or ours is wrong, and they can still be compared.
    """
    latest = at + CLOCK_TOLERANCE
    return (None if known and claimed and known > latest >= claimed else known), claimed


def _with_past_times(incident: Incident, known: Incident | None, at: datetime) -> Incident:
    """The incident with no impossible time: in the future, except of planned work, or an end before the first post.

    A time stays as it was first replaced.
    """
    known_updates = {u.id: u for u in known.updates} if known else {}
    is_planned = incident.is_maintenance and incident.stage is Stage.SCHEDULED
    updates = [_with_past_time(u, known_updates.get(u.id), at, is_planned=is_planned) for u in incident.updates]
    others = [] if incident.is_maintenance else [u.display_at for u in updates if not u.stage.is_closed]
    if others:
        updates = [_with_possible_end(u, min(others), at if known else max(others)) for u in updates]
    created_at = incident.created_at
    if created_at > at and not (is_planned and created_at != NO_TIME):
        earliest = min((u.display_at for u in updates), default=at)
        created_at = min(known.created_at, at) if known else min(earliest, at)
    started_at = incident.started_at
    if started_at is not None and started_at > at and not is_planned:
        started_at = None
    if updates == list(incident.updates) and (created_at, started_at) == (incident.created_at, incident.started_at):
        return incident
    ordered = tuple(sorted(updates, key=lambda u: u.display_at))
    return replace(incident, updates=ordered, created_at=created_at, started_at=started_at)


def _with_possible_end(update: Update, began_at: datetime, otherwise: datetime) -> Update:
    """The post; one that ends an incident before its first post has the other time."""
    if not update.stage.is_closed or update.display_at >= began_at:
        return update
    return replace(update, display_at=otherwise, claimed_at=update.display_at)


def _with_past_time(update: Update, known: Update | None, at: datetime, *, is_planned: bool) -> Update:
    if known is not None and known.claimed_at is not None and known.claimed_at in (update.display_at, NO_TIME):
        return replace(update, display_at=known.display_at, claimed_at=known.claimed_at)
    is_known = known is not None and known.display_at == update.display_at
    if update.display_at <= at or is_known or (is_planned and update.display_at != NO_TIME):
        return update
    return replace(update, display_at=at, claimed_at=update.display_at)
