"""The two timelines of an incident that a team declared, in one order: the vendors' and the team's own. No I/O.

The vendors' posts have the vendors' times; everything else has ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain import (
    BOT_USER,
    Alert,
    DeclaredEntry,
    DeclaredEntryKind,
    DeclaredIncident,
    Event,
    EventKind,
    Surface,
    TrackedIncident,
)
from bot.messages import formatting, markup, summary

TEAM_LABEL = "Us"  # the label of the team's own steps
BOT_NAME = "Brownout"
_EVENTS = frozenset(
    {
        EventKind.UPDATE_POSTED,
        EventKind.UPDATE_EDITED,
        EventKind.INCIDENT_CHANGED,
        EventKind.INCIDENT_REOPENED,
        EventKind.INCIDENT_RESOLVED,
        EventKind.INCIDENT_WITHDRAWN,
        EventKind.MAINTENANCE_OVERRAN,
        EventKind.SUSPECTED,
        EventKind.SUSPICION_CONFIRMED,
        EventKind.SUSPICION_CLEARED,
        EventKind.TROUBLE_BEGAN,
        EventKind.TROUBLE_ENDED,
    }
)
_VENDOR_CHANGES = {
    EventKind.UPDATE_EDITED: "edited a post",
    EventKind.INCIDENT_CHANGED: "changed the incident",
}
_ENTRY_TEXTS = {
    DeclaredEntryKind.DECLARED: "declared {text}",
    DeclaredEntryKind.ACKED: "acknowledged",
    DeclaredEntryKind.NOTE: "noted",
    DeclaredEntryKind.MESSAGE: "wrote",
    DeclaredEntryKind.SEVERITY: "set the severity to {text}",
    DeclaredEntryKind.RENAMED: "changed the title to “{text}”",
    DeclaredEntryKind.LINKED: "linked {text}",
    DeclaredEntryKind.CHANNEL: "the channel was made",
    DeclaredEntryKind.CLOSED: "closed the incident",
    DeclaredEntryKind.REOPENED: "opened the incident again",
}
_QUOTED_ENTRIES = (DeclaredEntryKind.NOTE, DeclaredEntryKind.MESSAGE)


@dataclass(frozen=True, slots=True)
class VendorIncident:
    """A vendor's incident as a declared one shows it: the alert about it now, how it is tracked, and its events."""

    alert: Alert
    tracked: TrackedIncident
    events: tuple[Event, ...]

    @property
    def vendor(self) -> str:
        """The company's name."""
        return self.alert.vendor or self.alert.provider_name


@dataclass(frozen=True, slots=True)
class DeclaredView:
    """Everything that is known of a declared incident at one moment.

    Attributes:
        incident: The declared incident.
        entries: Its own timeline, by time.
        vendors: The vendors' incidents that it is about, as far as they are known.
        safe_since: Since when it is safe to retry; None where it is not.
        surfaces: All services by id.
        as_of: The moment.
    """

    incident: DeclaredIncident
    entries: tuple[DeclaredEntry, ...]
    vendors: tuple[VendorIncident, ...]
    safe_since: datetime | None
    surfaces: Mapping[str, Surface]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One step of either timeline.

    Attributes:
        at: When it happened.
        label: Whose step it is: a vendor's name, ``Us``, or Brownout's.
        who: The person; empty for a vendor and for Brownout.
        text: What happened, in our words.
        quote: What was written; empty where nothing was.
        is_ours: It is of the team's own timeline.
    """

    at: datetime
    label: str
    who: str
    text: str
    quote: str = ""
    is_ours: bool = False

    @property
    def head(self) -> str:
        """Whose step it is; of a vendor's post with its stage, as in ``Acme, investigating``."""
        more = self.text if self.quote and not self.is_ours else self.who
        return markup.clean(f"{self.label}, {more}" if more else self.label)

    def line(self, limit: int) -> str:
        """The step as a text of ``bot.messages.markup``, without its time."""
        quoted = f"“{formatting.truncate(markup.clean(self.quote), limit, '…')}”" if self.quote else ""
        return f"{markup.bold(f'{self.head}:')} {quoted or markup.clean(self.text)}"


def steps(view: DeclaredView) -> list[TimelineStep]:
    """Both timelines in one, by time."""
    ours = (_own_step(entry, view.vendors) for entry in view.entries)
    return sorted((*vendor_steps(view), *ours), key=_order)


def vendor_steps(view: DeclaredView) -> list[TimelineStep]:
    """The vendors' timeline: their posts, what became of their services, and since when it is safe to retry."""
    found = [step for vendor in view.vendors for step in _steps_of(vendor, view.surfaces)]
    if view.safe_since is not None:
        found.append(TimelineStep(view.safe_since, BOT_NAME, "", "safe to retry"))
    return sorted(found, key=_order)


def _order(step: TimelineStep) -> tuple[datetime, bool, bool]:
    """By time; at the same time what the vendor wrote is before what followed from it."""
    return step.at, step.is_ours, not (step.quote or step.is_ours)


def _steps_of(vendor: VendorIncident, surfaces: Mapping[str, Surface]) -> Iterator[TimelineStep]:
    events = summary.with_vendor_times(vendor.tracked, vendor.events)
    yield from _status_steps(events, surfaces)
    is_said_by_update = any(u.stage.is_closed for u in vendor.tracked.incident.updates)
    for event in events:
        if event.kind is EventKind.NOTE:
            yield TimelineStep(event.seen_at, TEAM_LABEL, event.author or "", "noted", event.text or "", is_ours=True)
        elif event.kind is EventKind.INCIDENT_RESOLVED:
            if not is_said_by_update:
                text = summary.ending_text(vendor.tracked, vendor.vendor) or "ended"
                yield TimelineStep(event.seen_at, BOT_NAME, "", text)
        elif event.kind in _EVENTS:
            yield _event_step(event, vendor, surfaces)


def _event_step(event: Event, vendor: VendorIncident, surfaces: Mapping[str, Surface]) -> TimelineStep:
    if event.kind is EventKind.UPDATE_POSTED:
        stage = formatting.stage_text(event.stage) if event.stage else "posted"
        return TimelineStep(event.happened_at or event.seen_at, vendor.vendor, "", stage, event.text or "(no text)")
    if event.kind in _VENDOR_CHANGES:
        return TimelineStep(event.seen_at, vendor.vendor, "", _VENDOR_CHANGES[event.kind], event.text or "(no text)")
    text = summary.event_text(event, surfaces, vendor=vendor.vendor)
    return TimelineStep(event.seen_at, BOT_NAME, "", text)


def _status_steps(events: Sequence[Event], surfaces: Mapping[str, Surface]) -> Iterator[TimelineStep]:
    """The changes of services' status; those of one minute are one step."""
    changes = [e for e in events if e.kind is EventKind.SURFACE_CHANGED and e.condition is not None]
    minutes: dict[datetime, list[Event]] = {}
    for event in changes:
        minutes.setdefault(event.seen_at.replace(second=0, microsecond=0), []).append(event)
    for at, same in minutes.items():
        by_text: dict[str, list[str]] = {}
        for event in same:
            text = formatting.condition_text(event.condition, inferred=event.inferred) if event.condition else ""
            by_text.setdefault(text, []).append(_short(event.surface, surfaces))
        listed = "; ".join(f"{formatting.name_list(names, 6)}: {text}" for text, names in by_text.items())
        yield TimelineStep(max(at, same[0].seen_at), BOT_NAME, "", listed)


def _short(surface: str | None, surfaces: Mapping[str, Surface]) -> str:
    found = surfaces.get(surface or "")
    return found.name if found else str(surface)


def _own_step(entry: DeclaredEntry, vendors: Iterable[VendorIncident]) -> TimelineStep:
    is_quoted = entry.kind in _QUOTED_ENTRIES
    text = _ENTRY_TEXTS[entry.kind]
    if entry.kind is DeclaredEntryKind.LINKED:
        named = (v for v in vendors if v.tracked.incident.id == entry.text)
        text = text.format(text=next((f"{v.vendor}'s incident “{v.alert.title}”" for v in named), entry.text))
    elif not is_quoted:
        text = text.format(text=entry.text.upper() if entry.kind is DeclaredEntryKind.SEVERITY else entry.text)
    who = "" if entry.mark.by == BOT_USER else entry.mark.by.name
    quote = entry.text if is_quoted else ""
    return TimelineStep(entry.mark.at, TEAM_LABEL if who else BOT_NAME, who, text, quote, is_ours=True)
