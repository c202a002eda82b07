"""A recording and a surface -> what each policy would have allowed in each minute, as a share of the normal load.

``ours`` is the bot's own core, looked at the page once a minute. The others are the baselines of safe-to-retry.md A.0:
N1 waits for resolved, N2 for monitoring, N3 for the component's colour, N4_60 for resolved or an hour of monitoring.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from bot.core import scope, verdict
from bot.core.links import surface_of
from bot.model import Condition, Hit, Stage, Track, VerdictRules
from bot.score.stories import Page, Recording, Span, Story, moment

OURS = "ours"
POLICIES = ("N1", "N2", "N3", "N4_60", OURS)
MONITORED = 60
WATCHED_BEFORE = 24 * 60  # the recording is taken as watched for a day before it begins
_RED = (Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE)


@dataclass(frozen=True, slots=True)
class Line:
    """What a policy allows of one surface: 1 in every minute but those in ``less``."""

    less: Mapping[int, float] = field(default_factory=dict)

    def over(self, span: Span) -> list[float]:
        """The shares over these minutes."""
        return [self.less.get(m, 1.0) for m in range(*span)]


def lines(recording: Recording, surface: str, rules: VerdictRules, seen: Scoped) -> dict[str, Line]:
    """Every policy's line on one surface; N3 only where colours were recorded."""
    stories = [s for s in recording.stories if surface in s.down]
    found = {name: _closed(_spans(stories, surface, closes)) for name, closes in _CLOSES.items()}
    if recording.has_colours:
        found["N3"] = _closed(_red(recording.pages, recording, surface))
    return found | {OURS: ours(recording, surface, rules, seen)}


# --- the baselines ----------------------------------------------------------------------------------------------------


def _closed(spans: Iterable[Span]) -> Line:
    return Line({m: 0.0 for span in spans for m in range(*span)})


def _spans(stories: Iterable[Story], surface: str, closes: Callable[[Span, Stage], Span]) -> Iterator[Span]:
    """From when an incident lists the surface: before that, a baseline that reads the page can't know."""
    for story in stories:
        for span, stage in story.spans():
            start, stop = closes(span, stage)
            yield max(start, story.listed[surface]), stop


def _not_monitored(span: Span, stage: Stage, minutes: int) -> Span:
    start, end = span
    return (start, min(end, start + minutes)) if stage is Stage.MONITORING else span


_CLOSES: dict[str, Callable[[Span, Stage], Span]] = {
    "N1": lambda span, _: span,
    "N2": lambda span, stage: _not_monitored(span, stage, 0),
    "N4_60": lambda span, stage: _not_monitored(span, stage, MONITORED),
}


def _red(pages: Sequence[Page], recording: Recording, surface: str) -> Iterator[Span]:
    for page, after in pairwise(pages):
        for component in page.components:
            link = surface_of(component.id, component.name, recording.provider)
            if link and link.surface == surface and not link.part and component.condition in _RED:
                yield page.minute, after.minute


# --- ours -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scoped:
    """The hits of each page of a recording, by surface; made once for all of its surfaces."""

    minutes: tuple[int, ...]
    hits: tuple[Mapping[str, tuple[Hit, ...]], ...]


def scoped(recording: Recording, progress: Callable[[int, int], None]) -> Scoped:
    """What the bot's own scope reads out of each page, as of that page."""
    hits = []
    for done, page in enumerate(recording.pages, 1):
        by_surface: dict[str, tuple[Hit, ...]] = {}
        for hit in scope.hits(page.incidents, page.components, recording.provider, page.at):
            by_surface[hit.surface] = (*by_surface.get(hit.surface, ()), hit)
        hits.append(by_surface)
        progress(done, len(recording.pages))
    return Scoped(tuple(p.minute for p in recording.pages), tuple(hits))


def ours(recording: Recording, surface_id: str, rules: VerdictRules, seen: Scoped) -> Line:
    """The bot's own core, once a minute while anything is said of the surface or its verdict is not normal."""
    surface = recording.provider.surface(surface_id)
    spoken = [m for m, hits in zip(seen.minutes, seen.hits, strict=True) if surface_id in hits]
    if not spoken:
        return Line()
    less: dict[int, float] = {}
    now, last = spoken[0], seen.minutes[-1] + WATCHED_BEFORE
    track = Track(surface_id, looked_at=moment(now - 1), watched_since=moment(now - WATCHED_BEFORE))
    while now < last:
        at = moment(now)
        hits = seen.hits[bisect_right(seen.minutes, now) - 1].get(surface_id, ())
        track = verdict.advance(track, hits, at, looked=True, rules=rules)
        found = verdict.judge(verdict.Case(track, hits, at, seen_at=at, rules=rules, surface=surface))
        if found.exposure < 1:
            less[now] = found.exposure
        if hits or found.exposure < 1:
            now += 1
            continue
        place = bisect_right(spoken, now)
        if place == len(spoken):
            break
        now = spoken[place]
        track = replace(track, looked_at=moment(now - 1))  # we went on looking, and nothing changed
    return Line(less)
