"""An incident's events and our own posts about it -> every step, in the order in which we knew. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.model import Event, EventKind, Known, Message, Surface
from bot.voice import edits, words
from bot.voice.sheet import Para, sheet
from bot.voice.summary import as_told, line

_BY_PEOPLE = (EventKind.NOTE, EventKind.CORRECTION, EventKind.LABEL_ADDED, EventKind.LABEL_REMOVED)


class Sent(Protocol):
    """A post of ours about the incident, and what became of it."""

    @property
    def channel(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def at(self) -> datetime: ...  # noqa: D102
    @property
    def error(self) -> str | None: ...  # noqa: D102


def timeline(
    known: Known,
    provider: str,
    events: Sequence[Event],
    surfaces: Mapping[str, Surface],
    *,
    labels: Sequence[str] = (),
    sent: Sequence[Sent] = (),
) -> Message:
    """Every event with the vendor's time beside ours where the two differ, what edits changed, and what we sent.

    Of a backfilled incident the vendor's times are all there is.
    """
    lines: list[Para | str] = [Para(known.incident.name, is_quote=True)]
    if known.is_backfilled:
        lines.append(f"Told afterwards: read in {words.day(known.seen_at)}; all times are the vendor's.")
    if labels:
        lines.append(f"Labels: {', '.join(labels)}.")
    corrected: dict[int | None, int | None] = {e.about: e.id for e in events if e.about is not None}
    steps = [(e.seen_at, 0, e) for e in as_told(known, events)] + [(s.at, 1, s) for s in sent]
    for _, _, step in sorted(steps, key=lambda step: step[:2]):
        lines += _step(step, surfaces, corrected) if isinstance(step, Event) else [_sent(step)]
    return sheet(f"{provider}: timeline of {known.incident.id} (UTC)", lines)


def _step(
    event: Event, surfaces: Mapping[str, Surface], corrected: Mapping[int | None, int | None]
) -> list[Para | str]:
    if event.kind in _BY_PEOPLE:
        return _by_people(event, corrected)
    who = f" by {event.author}" if event.author else ""
    shown: list[Para | str] = [line(event, surfaces) + who]
    if event.kind is EventKind.UPDATE_POSTED or (event.kind is EventKind.REPORTED and event.text):
        shown.append(Para(event.text or "", is_quote=True))
    if event.kind in (EventKind.UPDATE_EDITED, EventKind.INCIDENT_CHANGED):
        changed = edits.changes(event.before or "", event.text or "")
        shown.append(Para(changed or event.text or "", is_quote=True))
    return shown


def _by_people(event: Event, corrected: Mapping[int | None, int | None]) -> list[Para | str]:
    who, when = event.author or "somebody", f"{event.seen_at:%Y-%m-%d %H:%M:%S}"
    if event.kind in (EventKind.LABEL_ADDED, EventKind.LABEL_REMOVED):
        what = "added" if event.kind is EventKind.LABEL_ADDED else "removed"
        return [f"{when} label {what} by {who}: “{event.text}”"]
    about = f" of #{event.about}" if event.about is not None else ""
    later = f" (corrected by #{corrected[event.id]})" if event.id in corrected else ""
    return [f"{when} {event.kind} #{event.id}{about} by {who}{later}", Para(event.text or "", is_quote=True)]


def _sent(sent: Sent) -> str:
    what = {"alert": "alert", "edit": "alert redrawn", "reply": "reply in the thread"}.get(sent.kind, sent.kind)
    how = {"sent": "sent to", "parked": "refused by"}.get(sent.state, "owed to")
    why = f": {sent.error}" if sent.error and sent.state != "sent" else ""
    return f"{sent.at:%Y-%m-%d %H:%M:%S} {what} {how} {sent.channel}{why}"
