"""Determines in hindsight from a recording in which minutes each surface was unsafe to retry.

There are two truths (bot/docs/verdict-rules.md#evaluation). *A*, the page's hindsight: unsafe while an incident has the
surface down (at investigating or identified; where component states were recorded, from the incident's first post to
the component's last bad minute), and in the half hour before it goes down again within two hours. *C*, the outage
windows that the vendor stated, with each incident evaluated as if it were the only one. Both start at the first post:
no one could know of the minutes before it, and they are reported separately. Minutes in gaps of a recording belong to
neither truth: no one knows what the page showed then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from bot.evaluation.recording import IncidentRecord, PageRecording, Span, from_minute, to_minute

BEFORE_RELAPSE_MIN = 30
AFTER_END_MIN = 120
QUIET_MIN = 120

Windows = Mapping[str, Sequence[tuple[datetime | None, datetime | None]] | None]


@dataclass(frozen=True, slots=True)
class TrueOutage:
    """An episode: a span over which policies are scored on one surface, and the unsafe minutes in it.

    ``open_minutes`` is the time with an open incident, from which incident-hours are computed. For truth C, ``id`` is
    the incident's, and the episodes of its surfaces count as one. ``unseen`` are the minutes that lie in gaps of the
    recording; they are in none of the others. ``unseen_open_minutes`` is how many of them had an open incident.
    """

    truth: str
    id: str
    provider: str
    surface: str
    span: Span
    unsafe: frozenset[int]
    open_minutes: int
    unseen: frozenset[int] = frozenset()
    unseen_open_minutes: int = 0

    @property
    def year(self) -> int:
        """The year in which it began, UTC."""
        return from_minute(self.span[0]).year


def hindsight_episodes(recording: PageRecording) -> Iterator[TrueOutage]:
    """Truth A: per surface, from a first post until two hours after the last incident's end."""
    for surface in recording.surfaces:
        incidents = [s for s in recording.incidents if surface in s.down and s.is_live]
        bad = merge_spans(span for s in incidents for span in s.down[surface])
        unsafe = {m for span in (*bad, *_relapse_windows(bad)) for m in range(*span)}
        for start, stop in merge_spans((s.first_minute, s.end + QUIET_MIN) for s in incidents):
            unsafe_inside = frozenset(m for m in range(start, stop) if m in unsafe)
            spans = [(s.first_minute, s.end) for s in incidents if start <= s.first_minute < stop]
            episode = TrueOutage(
                "A", f"{surface}@{start}", recording.provider.id, surface, (start, stop), unsafe_inside, 0
            )
            yield from _without_gaps(episode, spans, recording)


def stated_episodes(recording: PageRecording, incident: IncidentRecord, windows: Windows) -> Iterator[TrueOutage]:
    """Truth C: a live incident with a stated end, per surface that it lists, until two hours after its end."""
    first = incident.first_minute
    stated = [
        (max(to_minute(start), first) if start else first, to_minute(end))
        for start, end in windows.get(incident.id) or ()
        if end is not None
    ]
    if not stated or not incident.is_live:
        return
    unsafe = frozenset(m for span in stated for m in range(*span))
    span = (first, max(incident.end, *(end for _, end in stated)) + QUIET_MIN)
    for surface in incident.down:
        episode = TrueOutage("C", incident.id, recording.provider.id, surface, span, unsafe, 0)
        yield from _without_gaps(episode, [(first, incident.end)], recording)


def blind_minutes(recordings: Iterable[PageRecording], windows: Windows) -> list[int]:
    """Minutes from the stated start to the first post, for each live incident with a stated start."""
    incidents = {s.id: s for r in recordings for s in r.incidents}
    stated = ((incidents[i], w[0][0]) for i, w in windows.items() if w and i in incidents)
    return [
        max(incident.first_minute - to_minute(start), 0)
        for incident, start in stated
        if incident.is_live and start is not None
    ]


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Sorted spans; those that touch or overlap are merged, empty ones are dropped."""
    merged: list[Span] = []
    for start, stop in sorted(s for s in spans if s[0] < s[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _without_gaps(episode: TrueOutage, open_spans: Iterable[Span], recording: PageRecording) -> Iterator[TrueOutage]:
    """The episode without the minutes in gaps, with its open minutes; none where every open minute lies in a gap."""
    start, stop = episode.span
    unseen = frozenset(m for a, b in recording.gaps for m in range(max(a, start), min(b, stop)))
    spans = list(open_spans)
    hidden = sum(max(min(b, end) - max(a, begin), 0) for a, b in recording.gaps for begin, end in spans)
    open_minutes = sum(end - begin for begin, end in spans) - hidden
    if open_minutes > 0 or not hidden:
        yield replace(
            episode,
            unsafe=episode.unsafe - unseen,
            open_minutes=open_minutes,
            unseen=unseen,
            unseen_open_minutes=hidden,
        )


def _relapse_windows(outages: Sequence[Span]) -> Iterator[Span]:
    for (_, until), (relapse, _) in pairwise(outages):
        if relapse - until <= AFTER_END_MIN + BEFORE_RELAPSE_MIN:
            yield max(until, relapse - BEFORE_RELAPSE_MIN), min(relapse, until + AFTER_END_MIN)
