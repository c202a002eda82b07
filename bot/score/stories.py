"""A recording -> its page at each change as nouns, its surfaces, and in hindsight each incident's story.

Hindsight is for the truths and the baselines; what our own rules are shown is the page as of each moment, no more.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.core.links import Link, surface_of
from bot.errors import ParseError
from bot.model import Component, Incident, Provider, Snapshot, Source, Stage, Surface
from bot.sources import statuspage, wire
from bot.sources.history import History, Told, moments, read_history, summary_at
from bot.sources.recorded import Poll, named

Progress = Callable[[str, int, int], None]
LATE = 120  # minutes by which a component may be listed late, or be green between two times that it is bad
LONGEST = 24 * 60  # minutes; a polled incident that is open for longer is a standing notice
Span = tuple[int, int]  # from this minute to before that one; minutes count from 1970


@dataclass(frozen=True, slots=True)
class Page:
    """What the page showed from this minute on, until the next."""

    minute: int
    at: datetime
    components: tuple[Component, ...]
    incidents: tuple[Incident, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """One incident in hindsight: its stages in order, and when it ended. ``down`` says when it had each surface down.

    ``down`` is by surface: from stages where components are only listed, from components where they were watched.
    ``listed`` is when it was first seen to name each of those; where the record does not say, that is its first post.
    """

    id: str
    steps: tuple[tuple[int, Stage], ...]
    end: int
    down: Mapping[str, tuple[Span, ...]]
    listed: Mapping[str, int]

    @property
    def first(self) -> int:
        """The minute of the first post."""
        return self.steps[0][0]

    @property
    def is_live(self) -> bool:
        """False where it was only ever posted after the fact."""
        return not self.steps[0][1].is_closed

    def spans(self) -> Iterator[tuple[Span, Stage]]:
        """Its stages while it was open."""
        ends = (*(start for start, _ in self.steps[1:]), self.end)
        for (start, stage), end in zip(self.steps, ends, strict=True):
            if start < end and not stage.is_closed:
                yield (start, end), stage


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording made ready for scoring. ``has_colours``: its components' conditions are recorded, not derived.

    ``history`` is what it was made from, where that was no poll.
    """

    name: str
    provider: Provider
    surfaces: tuple[str, ...]
    pages: tuple[Page, ...]
    stories: tuple[Story, ...]
    has_colours: bool
    history: History | None = None


def minute(at: datetime) -> int:
    """The first whole minute at which what appeared at ``at`` is seen by somebody who looks once a minute."""
    return math.ceil(at.timestamp() / 60)


def moment(minutes: int) -> datetime:
    """The other way round."""
    return datetime.fromtimestamp(minutes * 60, UTC)


def read(recorded: History | Iterable[Poll], name: str, providers: Sequence[Provider], progress: Progress) -> Recording:
    """A recording of either form made ready. ParseError where it never shows a page."""
    with named(name):
        if isinstance(recorded, History):
            return _of_history(recorded, name, providers, progress)
        return _of_polls(recorded, name, providers, progress)


def alone(recording: Recording, story: Story) -> Recording:
    """The recording as if this incident had been the page's only one."""
    if recording.history is not None:
        only = {"page": recording.history.page, "incidents": [recording.history.incidents[story.id].body]}
        history = read_history(json.dumps(only).encode())
        return replace(_of_history(history, recording.name, recording.provider, _quietly), stories=(story,))
    pages = tuple(
        replace(page, incidents=tuple(i for i in page.incidents if i.id == story.id)) for page in recording.pages
    )
    return replace(recording, pages=pages, stories=(story,))


def _quietly(_what: str, _done: int, _total: int) -> None:
    """For work that is too short to tell of."""


# --- histories --------------------------------------------------------------------------------------------------------


def _of_history(history: History, name: str, providers: Provider | Sequence[Provider], progress: Progress) -> Recording:
    changes = moments(history)
    looks: list[tuple[datetime, Snapshot]] = []
    for done, at in enumerate(changes, 1):
        looks.append((at, statuspage.parse_body(summary_at(history, at))))
        progress(f"{name}: page", done, len(changes))
    if not looks:
        raise ParseError("the history has no incident with an update")
    provider = providers if isinstance(providers, Provider) else _provider(looks[-1][1], providers)
    told = [t for t in history.incidents.values() if t.body.get("impact") != "maintenance"]
    stories = [_story(t, provider, minute(changes[-1])) for t in told]
    has_colours = any(t.has_transitions for t in told)
    return _recording(name, provider, _pages(looks), stories, has_colours=has_colours, history=history)


def _story(told: Told, provider: Provider, last: int) -> Story:
    stages = [wire.word(Stage, u.get("status"), Stage.UNKNOWN) for u in told.updates]
    steps = _steps(zip(map(minute, told.times), stages, strict=True))
    end = next((start for start, stage in reversed(_reopened(steps)) if stage.is_closed), last)
    bad = tuple(span for span, stage in Story(told.id, steps, end, {}, {}).spans() if is_bad(stage))
    down = dict.fromkeys(_surfaces_of(told, provider), bad)
    return Story(told.id, steps, end, down, dict.fromkeys(down, steps[0][0]) | _listed(told, provider))


def _surfaces_of(told: Told, provider: Provider) -> Iterator[str]:
    """The surfaces of the components that it took down, or where no update says so, of those that it lists."""
    moved = (c for u in told.updates for c in u.get("affected_components") or ())
    taken = (c for c in moved if {c.get("old_status"), c.get("new_status")} - {"operational"})
    for component in taken if told.has_transitions else told.linked:
        if link := _link_of(component, provider):
            yield link.surface


def _listed(told: Told, provider: Provider) -> dict[str, int]:
    """When its updates first named each surface's component; empty where they name none."""
    found: dict[str, int] = {}
    for at, update in zip(told.times, told.updates, strict=True):
        for component in update.get("affected_components") or ():
            if link := _link_of(component, provider):
                found.setdefault(link.surface, minute(at))
    return found


def _link_of(component: Mapping[str, Any], provider: Provider) -> Link | None:
    name = wire.text(component.get("name"))
    code = wire.text(component.get("code")) or wire.text(component.get("id")) or name
    return surface_of(code, name, provider)


def _steps(stages: Iterable[tuple[int, Stage]]) -> tuple[tuple[int, Stage], ...]:
    """One step for each minute at which the stage changed; of several in one minute, the last counts."""
    by_minute = dict(stages)
    steps: list[tuple[int, Stage]] = []
    for start, stage in by_minute.items():
        if not steps or steps[-1][1] is not stage:
            steps.append((start, stage))
    return tuple(steps)


def _reopened(steps: Sequence[tuple[int, Stage]]) -> Sequence[tuple[int, Stage]]:
    """The steps up to the first closing one that no open one follows: what comes after it is only written up."""
    still_open = [place for place, (_, stage) in enumerate(steps) if not stage.is_closed]
    return steps[: (still_open[-1] if still_open else -1) + 2]


# --- polls ------------------------------------------------------------------------------------------------------------


def _of_polls(polls: Iterable[Poll], name: str, providers: Sequence[Provider], progress: Progress) -> Recording:
    looks: list[tuple[datetime, Snapshot]] = []
    for done, poll in enumerate(polls, 1):
        with suppress(ParseError):
            looks.append((poll.at, statuspage.parse_body(poll.body)))
        progress(f"{name}: poll", done, 0)
    if not looks:
        raise ParseError("none of its polls shows a page")
    provider = _provider(looks[-1][1], providers)
    pages = _pages(looks)
    return _recording(name, provider, pages, list(_watched(pages, provider)), has_colours=True)


def _watched(pages: Sequence[Page], provider: Provider) -> Iterator[Story]:
    """Stories from what polls showed, without the few notices that stood for longer than a day.

    An incident has a surface down while it lists the surface's component and that is bad, over gaps of two hours; and
    before that since its first post, for two hours at most: components are often listed late (safe-to-retry.md A.2).
    """
    found: dict[str, _Shown] = {}
    for page, after in zip(pages, (*(p.minute for p in pages[1:]), pages[-1].minute + 1), strict=True):
        bad = {c.id for c in page.components if c.condition.is_bad}
        for incident in page.incidents:
            shown = found.setdefault(incident.id, _Shown())
            shown.stages.append((page.minute, incident.stage))
            shown.gone = after
            for component in incident.components:
                if link := _link(component, provider):
                    shown.listed.setdefault(link.surface, page.minute)
                    if component.id in bad:
                        shown.red.setdefault(link.surface, []).append((page.minute, after))
    for identity, shown in found.items():
        steps = _steps(shown.stages)
        if shown.gone - steps[0][0] <= LONGEST:
            down = {s: _hindsight(steps[0][0], spans) for s, spans in shown.red.items()}
            yield Story(identity, steps, shown.gone, down, shown.listed)


@dataclass(slots=True)
class _Shown:
    """What polls have shown of one incident so far."""

    stages: list[tuple[int, Stage]] = field(default_factory=list)
    gone: int = 0
    listed: dict[str, int] = field(default_factory=dict)
    red: dict[str, list[Span]] = field(default_factory=dict)


def _link(component: Component, provider: Provider) -> Link | None:
    link = surface_of(component.id, component.name, provider)
    return None if link is None or link.part else link


def _hindsight(first: int, red: Sequence[Span]) -> tuple[Span, ...]:
    spans = [(max(first, red[0][0] - LATE), red[0][1])]
    for start, stop in red[1:]:
        if start - spans[-1][1] <= LATE:
            spans[-1] = (spans[-1][0], stop)
        else:
            spans.append((start, stop))
    return tuple(spans)


# --- both -------------------------------------------------------------------------------------------------------------


def _pages(looks: Iterable[tuple[datetime, Snapshot]]) -> tuple[Page, ...]:
    pages: dict[int, Page] = {}
    for at, shown in looks:
        unresolved = tuple(i for i in (*(shown.incidents or ()), *(shown.maintenances or ())))
        pages[minute(at)] = Page(minute(at), at, shown.components or (), unresolved)
    return tuple(pages.values())


def _recording(
    name: str,
    provider: Provider,
    pages: tuple[Page, ...],
    stories: list[Story],
    *,
    has_colours: bool,
    history: History | None = None,
) -> Recording:
    listed = {surface for story in stories for surface in story.down}
    surfaces = tuple(s.id for s in provider.surfaces if s.id in listed)
    ordered = tuple(sorted(stories, key=lambda s: (s.first, s.id)))
    return Recording(name, provider, surfaces, pages, ordered, has_colours, history)


def is_bad(stage: Stage) -> bool:
    """True while the vendor says that the trouble goes on; a word that we do not know is no all-clear."""
    return stage.is_bad or stage is Stage.UNKNOWN


def _provider(shown: Snapshot, providers: Sequence[Provider]) -> Provider:
    """The catalogue's provider for this page, with a surface for each component that it does not know."""
    names = {n.casefold() for n in (shown.page_id, shown.page_name) if n}
    known = next((p for p in providers if names & {n.casefold() for n in _names(p)}), None)
    slug = _slug(shown.page_name or shown.page_id)
    provider = known or Provider(slug, shown.page_name or slug, (), Source(slug, slug, "statuspage", ""))
    new = [c for c in shown.components or () if surface_of(c.id, c.name, provider) is None]
    added = {f"{provider.id}:{_slug(c.name)}": c for c in new}
    surfaces = tuple(Surface(i, provider.id, c.name, components=(c.id, c.name)) for i, c in added.items())
    return replace(provider, surfaces=(*provider.surfaces, *surfaces))


def _names(provider: Provider) -> tuple[str, ...]:
    return (provider.id, provider.name, *provider.aliases, *provider.page_ids)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "page"
