"""Prepares a recording for scoring: its page at each change, its surfaces, and each incident in hindsight.

Hindsight is only for the ground truth and the baselines; Brownout's own rules get the page as of each moment.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from bot.domain import Component, Incident, Provider, Snapshot, Source, Stage, Surface
from bot.errors import ParseError
from bot.evaluation import recorded_pages
from bot.evaluation.labels import provider_names
from bot.formats import json_fields, statuspage
from bot.formats.base import mark_complete
from bot.formats.reconstruction import History, RecordedIncident, change_times, read_history, summary_at
from bot.formats.recordings import RecordedPoll, errors_naming_file
from bot.rules.attribution.components import ComponentLink, find_component_link

Progress = Callable[[str, int, int], None]
MAX_GAP_MIN = 120  # by which a component may be listed late, or be operational between two outages of one incident
MAX_UNSEEN_MIN = 30  # between two recorded polls; what the page showed in a longer gap is not known
MAX_INCIDENT_MIN = 24 * 60  # a polled incident that is open for longer is a permanent notice
Span = tuple[int, int]  # half-open, in minutes since 1970


@dataclass(frozen=True, slots=True)
class RecordedPage:
    """What the page showed from this minute until the next recorded page."""

    minute: int
    at: datetime
    components: tuple[Component, ...]
    incidents: tuple[Incident, ...]
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """One incident in hindsight. ``steps`` are its stage changes in order, ``end`` is the minute in which it ended.

    ``down`` has the spans in which each surface was down: derived from stages where components are only listed, from
    component statuses where these were recorded. ``listed`` is the minute in which the incident first listed each
    surface; where the recording does not say, that of its first post.
    """

    id: str
    steps: tuple[tuple[int, Stage], ...]
    end: int
    down: Mapping[str, tuple[Span, ...]]
    listed: Mapping[str, int]

    @property
    def first_minute(self) -> int:
        """The minute of the first post."""
        return self.steps[0][0]

    @property
    def is_live(self) -> bool:
        """False where it was only posted after it had ended."""
        return not self.steps[0][1].is_closed

    def stage_spans(self) -> Iterator[tuple[Span, Stage]]:
        """The spans of its open stages."""
        ends = (*(start for start, _ in self.steps[1:]), self.end)
        for (start, stage), end in zip(self.steps, ends, strict=True):
            if start < end and not stage.is_closed:
                yield (start, end), stage


@dataclass(frozen=True, slots=True)
class PageRecording:
    """A recording prepared for scoring.

    ``has_component_states``: the component conditions were recorded and not derived. ``history`` is its source; None
    for recorded polls. ``gaps`` are the spans between two polls that are too far apart.
    """

    name: str
    provider: Provider
    surfaces: tuple[str, ...]
    pages: tuple[RecordedPage, ...]
    incidents: tuple[IncidentRecord, ...]
    has_component_states: bool
    history: History | None = None
    gaps: tuple[Span, ...] = ()


def to_minute(at: datetime) -> int:
    """The minute (since 1970) of the first poll, at one poll per minute, that sees what appeared at ``at``."""
    return math.ceil(at.timestamp() / 60)


def from_minute(minutes: int) -> datetime:
    """The start of a minute since 1970, in UTC."""
    return datetime.fromtimestamp(minutes * 60, UTC)


def prepare_recording(
    recorded: History | Iterable[RecordedPoll],
    name: str,
    providers: Sequence[Provider] | Provider,
    progress: Progress,
    *,
    max_unseen_min: int = MAX_UNSEEN_MIN,
) -> PageRecording:
    """Prepares a recording of either form. Raises ParseError where it never shows a page.

    A surface is added to the provider for each component that no surface has.

    Args:
        recorded: The recording; its polls may be of any format that the provider's source has.
        name: Its name in error messages.
        providers: The catalogue, or the provider whose page it is.
        progress: Called at every step.
        max_unseen_min: A longer time between two polls, in minutes, is a gap; 0: there are no gaps.
    """
    with errors_naming_file(name):
        if isinstance(recorded, History):
            return _from_history(recorded, name, providers, progress)
        return _from_polls(recorded, name, providers, progress, max_unseen_min)


def isolate_incident(recording: PageRecording, incident: IncidentRecord) -> PageRecording:
    """The recording as if this incident were the only one of the page."""
    if recording.history is not None:
        only = {"page": recording.history.page, "incidents": [recording.history.incidents[incident.id].body]}
        history = read_history(json.dumps(only).encode())
        return replace(
            _from_history(history, recording.name, recording.provider, _ignore_progress), incidents=(incident,)
        )
    pages = tuple(
        replace(page, incidents=tuple(i for i in page.incidents if i.id == incident.id)) for page in recording.pages
    )
    return replace(recording, pages=pages, incidents=(incident,))


def _ignore_progress(_what: str, _done: int, _total: int) -> None:
    """Progress callback for work that is too short to report."""


# --- histories --------------------------------------------------------------------------------------------------------


def _from_history(
    history: History, name: str, providers: Provider | Sequence[Provider], progress: Progress
) -> PageRecording:
    changes = change_times(history)
    polls: list[tuple[datetime, Snapshot]] = []
    for number, at in enumerate(changes, 1):
        polls.append((at, mark_complete(statuspage.parse_body(summary_at(history, at)), statuspage.FORMAT)))
        progress(f"{name}: page", number, len(changes))
    if not polls:
        raise ParseError("the history has no incident with an update")
    provider = _match_provider(polls[-1][1], providers)
    recorded = [t for t in history.incidents.values() if t.body.get("impact") != "maintenance"]
    incidents = [_build_record(t, provider, to_minute(changes[-1])) for t in recorded]
    has_component_states = any(t.has_transitions for t in recorded)
    return _build_recording(
        name, provider, _build_pages(polls), incidents, has_component_states=has_component_states, history=history
    )


def _build_record(recorded: RecordedIncident, provider: Provider, last: int) -> IncidentRecord:
    stages = [json_fields.to_enum(Stage, u.get("status"), Stage.UNKNOWN) for u in recorded.updates]
    steps = _stage_changes(zip(map(to_minute, recorded.times), stages, strict=True))
    end = next((start for start, stage in reversed(_until_final_closing(steps)) if stage.is_closed), last)
    bad = tuple(
        span for span, stage in IncidentRecord(recorded.id, steps, end, {}, {}).stage_spans() if is_ongoing(stage)
    )
    down = dict.fromkeys(_affected_surfaces(recorded, provider), bad)
    return IncidentRecord(
        recorded.id, steps, end, down, dict.fromkeys(down, steps[0][0]) | _first_listed_minutes(recorded, provider)
    )


def _affected_surfaces(recorded: RecordedIncident, provider: Provider) -> Iterator[str]:
    """The surfaces of the components that it changed, or where no update says so, of those that it lists."""
    mentioned = (c for u in recorded.updates for c in u.get("affected_components") or ())
    changed = (c for c in mentioned if {c.get("old_status"), c.get("new_status")} - {"operational"})
    for component in changed if recorded.has_transitions else recorded.linked:
        if link := _match_raw_component(component, provider):
            yield link.surface


def _first_listed_minutes(recorded: RecordedIncident, provider: Provider) -> dict[str, int]:
    """The minute in which an update first named a component of each surface; empty where they name none."""
    first_minutes: dict[str, int] = {}
    for at, update in zip(recorded.times, recorded.updates, strict=True):
        for component in update.get("affected_components") or ():
            if link := _match_raw_component(component, provider):
                first_minutes.setdefault(link.surface, to_minute(at))
    return first_minutes


def _match_raw_component(component: Mapping[str, Any], provider: Provider) -> ComponentLink | None:
    name = json_fields.to_text(component.get("name"))
    code = json_fields.to_text(component.get("code")) or json_fields.to_text(component.get("id")) or name
    return find_component_link(code, name, provider)


def _stage_changes(stages: Iterable[tuple[int, Stage]]) -> tuple[tuple[int, Stage], ...]:
    """The stage changes by minute; of several stages in one minute, the last counts."""
    by_minute = dict(stages)
    steps: list[tuple[int, Stage]] = []
    for start, stage in by_minute.items():
        if not steps or steps[-1][1] is not stage:
            steps.append((start, stage))
    return tuple(steps)


def _until_final_closing(steps: Sequence[tuple[int, Stage]]) -> Sequence[tuple[int, Stage]]:
    """The steps up to the final closing: later ones, such as a postmortem, are only documentation."""
    still_open = [index for index, (_, stage) in enumerate(steps) if not stage.is_closed]
    return steps[: (still_open[-1] if still_open else -1) + 2]


# --- polls ------------------------------------------------------------------------------------------------------------


def _from_polls(
    polls: Iterable[RecordedPoll],
    name: str,
    providers: Sequence[Provider] | Provider,
    progress: Progress,
    max_unseen_min: int,
) -> PageRecording:
    source = providers.source if isinstance(providers, Provider) else None
    snapshots: list[tuple[datetime, Snapshot]] = []
    for number, poll in enumerate(polls, 1):
        with suppress(ParseError):
            snapshots.append((poll.at, recorded_pages.parse_poll(poll, source)))
        progress(f"{name}: poll", number, 0)
    if not snapshots:
        raise ParseError("none of its polls shows a page")
    provider = _match_provider(snapshots[-1][1], providers)
    pages = _build_pages(snapshots)
    recording = _build_recording(
        name, provider, pages, list(_records_from_pages(pages, provider)), has_component_states=True
    )
    apart = ((a.minute + 1, b.minute) for a, b in pairwise(pages))
    return replace(recording, gaps=tuple((a, b) for a, b in apart if 0 < max_unseen_min <= b - a))


def _records_from_pages(pages: Sequence[RecordedPage], provider: Provider) -> Iterator[IncidentRecord]:
    """The incidents in recorded polls, without permanent notices, which are open for more than a day.

    An incident has a surface down while it lists the surface's component and the component is bad; gaps of up to two
    hours are bridged. Components are often listed late, so up to two hours before the first listing count too, back to
    the incident's first post (bot/docs/verdict-rules.md#evaluation).
    """
    visible: dict[str, _VisibleIncident] = {}
    for page, after in zip(pages, (*(p.minute for p in pages[1:]), pages[-1].minute + 1), strict=True):
        bad = {c.id for c in page.components if c.condition.is_bad}
        for incident in page.incidents:
            state = visible.setdefault(incident.id, _VisibleIncident())
            state.stages.append((page.minute, incident.stage))
            state.end = after
            for component in incident.components:
                if link := _match_component(component, provider):
                    state.listed.setdefault(link.surface, page.minute)
                    if component.id in bad:
                        state.down.setdefault(link.surface, []).append((page.minute, after))
    for identity, state in visible.items():
        steps = _stage_changes(state.stages)
        if state.end - steps[0][0] <= MAX_INCIDENT_MIN:
            down = {s: _merge_outages(steps[0][0], spans) for s, spans in state.down.items()}
            yield IncidentRecord(identity, steps, state.end, down, state.listed)


@dataclass(slots=True)
class _VisibleIncident:
    """What polls have shown of one incident so far; times are in minutes since 1970."""

    stages: list[tuple[int, Stage]] = field(default_factory=list)
    end: int = 0
    listed: dict[str, int] = field(default_factory=dict)
    down: dict[str, list[Span]] = field(default_factory=dict)


def _match_component(component: Component, provider: Provider) -> ComponentLink | None:
    link = find_component_link(component.id, component.name, provider)
    return None if link is None or link.part else link


def _merge_outages(first_minute: int, bad: Sequence[Span]) -> tuple[Span, ...]:
    spans = [(max(first_minute, bad[0][0] - MAX_GAP_MIN), bad[0][1])]
    for start, stop in bad[1:]:
        if start - spans[-1][1] <= MAX_GAP_MIN:
            spans[-1] = (spans[-1][0], stop)
        else:
            spans.append((start, stop))
    return tuple(spans)


# --- both -------------------------------------------------------------------------------------------------------------


def _build_pages(polls: Iterable[tuple[datetime, Snapshot]]) -> tuple[RecordedPage, ...]:
    pages: dict[int, RecordedPage] = {}
    for at, snapshot in polls:
        unresolved = tuple(i for i in (*(snapshot.incidents or ()), *(snapshot.maintenances or ())))
        pages[to_minute(at)] = RecordedPage(to_minute(at), at, snapshot.components or (), unresolved, snapshot)
    return tuple(pages.values())


def _build_recording(
    name: str,
    provider: Provider,
    pages: tuple[RecordedPage, ...],
    incidents: list[IncidentRecord],
    *,
    has_component_states: bool,
    history: History | None = None,
) -> PageRecording:
    listed = {surface for incident in incidents for surface in incident.down}
    surfaces = tuple(s.id for s in provider.surfaces if s.id in listed)
    ordered = tuple(sorted(incidents, key=lambda s: (s.first_minute, s.id)))
    return PageRecording(name, provider, surfaces, pages, ordered, has_component_states, history)


def is_ongoing(stage: Stage) -> bool:
    """True while the vendor says that the trouble continues; an unknown stage is no all-clear."""
    return stage.is_bad or stage is Stage.UNKNOWN


def _match_provider(snapshot: Snapshot, providers: Sequence[Provider] | Provider) -> Provider:
    """The configured provider of this page, or a new one, with a surface added for each unknown component."""
    names = {n.casefold() for n in (snapshot.page_id, snapshot.page_name) if n}
    known = (providers,) if isinstance(providers, Provider) else providers
    configured = next((p for p in known if names & {n.casefold() for n in provider_names(p)}), None)
    configured = providers if isinstance(providers, Provider) else configured
    slug = _slug(snapshot.page_name or snapshot.page_id)
    provider = configured or Provider(slug, snapshot.page_name or slug, (), Source(slug, slug, "statuspage", ""))
    unknown = [c for c in snapshot.components or () if find_component_link(c.id, c.name, provider) is None]
    added = {f"{provider.id}:{_slug(c.name)}": c for c in unknown}
    surfaces = tuple(Surface(i, provider.id, c.name, components=(c.id, c.name)) for i, c in added.items())
    return replace(provider, surfaces=(*provider.surfaces, *surfaces))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "page"
