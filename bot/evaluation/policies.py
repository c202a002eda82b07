"""Computes which share of normal load each policy would have allowed to a surface, in each minute of a recording.

``ours`` are Brownout's own rules, with one poll per minute. The others are the baselines of
bot/docs/verdict-rules.md#evaluation: N1 waits for resolved, N2 for monitoring, N3 for the component's status, and N4_60
for resolved or an hour of monitoring.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from bot.domain import Advice, Attribution, Condition, Stage, SurfaceHistory, VerdictParameters
from bot.evaluation.recording import IncidentRecord, PageRecording, RecordedPage, Span, from_minute
from bot.rules.attribution import attribute
from bot.rules.attribution.components import find_component_link
from bot.rules.verdict import rules as verdict_rules

BROWNOUT_POLICY = "ours"
OTHER_POLICY = "other"  # Brownout's policy with other parameters, which are compared with ours
POLICIES = ("N1", "N2", "N3", "N4_60", OTHER_POLICY, BROWNOUT_POLICY)
MONITORING_MIN = 60
PRIOR_MONITORING_MIN = 24 * 60  # monitoring is assumed to have begun a day before the recording
_OUTAGE_CONDITIONS = (Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE)


@dataclass(frozen=True, slots=True)
class Opening:
    """A minute in which Brownout's rules let load through again: some (*retry gently*) or all; ``rule`` decided it."""

    minute: int
    call: Advice
    rule: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The load shares that a policy allows to one surface: those in ``less`` by minute, 1 in all other minutes.

    ``openings`` are known of Brownout's own rules only.
    """

    less: Mapping[int, float] = field(default_factory=dict)
    openings: tuple[Opening, ...] = ()

    def exposures(self, span: Span) -> list[float]:
        """The share of each minute in the span."""
        return [self.less.get(m, 1.0) for m in range(*span)]


def build_policies(
    recording: PageRecording,
    surface: str,
    rules: VerdictParameters,
    pages: PageAttributions,
    other_rules: VerdictParameters | None = None,
) -> dict[str, Policy]:
    """All policies for one surface, by name; N3 only where component statuses were recorded."""
    incidents = [s for s in recording.incidents if surface in s.down]
    policies = {
        name: _closed_during(_incident_spans(incidents, surface, closes)) for name, closes in _CLOSING_RULES.items()
    }
    if recording.has_component_states:
        policies["N3"] = _closed_during(_outage_spans(recording.pages, recording, surface))
    if other_rules is not None:
        policies[OTHER_POLICY] = brownout_policy(recording, surface, other_rules, pages)
    return policies | {BROWNOUT_POLICY: brownout_policy(recording, surface, rules, pages)}


# --- the baselines ----------------------------------------------------------------------------------------------------


def _closed_during(spans: Iterable[Span]) -> Policy:
    return Policy({m: 0.0 for span in spans for m in range(*span)})


def _incident_spans(
    incidents: Iterable[IncidentRecord], surface: str, closes: Callable[[Span, Stage], Span]
) -> Iterator[Span]:
    """The spans that a baseline closes, starting when an incident first lists the surface."""
    for incident in incidents:
        for span, stage in incident.stage_spans():
            start, stop = closes(span, stage)
            yield max(start, incident.listed[surface]), stop


def _limit_monitoring(span: Span, stage: Stage, minutes: int) -> Span:
    start, end = span
    return (start, min(end, start + minutes)) if stage is Stage.MONITORING else span


_CLOSING_RULES: dict[str, Callable[[Span, Stage], Span]] = {
    "N1": lambda span, _: span,
    "N2": lambda span, stage: _limit_monitoring(span, stage, 0),
    "N4_60": lambda span, stage: _limit_monitoring(span, stage, MONITORING_MIN),
}


def _outage_spans(pages: Sequence[RecordedPage], recording: PageRecording, surface: str) -> Iterator[Span]:
    for page, after in pairwise(pages):
        for component in page.components:
            link = find_component_link(component.id, component.name, recording.provider)
            if link and link.surface == surface and not link.part and component.condition in _OUTAGE_CONDITIONS:
                yield page.minute, after.minute


# --- Brownout's rules -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageAttributions:
    """The attributions of each page of a recording, by surface; computed once for all of its surfaces."""

    minutes: tuple[int, ...]
    attributions: tuple[Mapping[str, tuple[Attribution, ...]], ...]


def attribute_pages(recording: PageRecording, progress: Callable[[int, int], None]) -> PageAttributions:
    """Attributes every page of a recording with Brownout's rules. ``progress`` gets pages done and their total."""
    attributions = []
    for number, page in enumerate(recording.pages, 1):
        by_surface: dict[str, tuple[Attribution, ...]] = {}
        for attribution in attribute.attribute_page(page.incidents, page.components, recording.provider, page.at):
            by_surface[attribution.surface] = (*by_surface.get(attribution.surface, ()), attribution)
        attributions.append(by_surface)
        progress(number, len(recording.pages))
    return PageAttributions(tuple(p.minute for p in recording.pages), tuple(attributions))


def brownout_policy(
    recording: PageRecording, surface_id: str, rules: VerdictParameters, pages: PageAttributions
) -> Policy:
    """Brownout's verdict, computed once a minute while the surface has attributions or is not at full load."""
    surface = recording.provider.surface(surface_id)
    attributed_minutes = [
        m for m, by_surface in zip(pages.minutes, pages.attributions, strict=True) if surface_id in by_surface
    ]
    if not attributed_minutes:
        return Policy()
    less: dict[int, float] = {}
    openings: list[Opening] = []
    exposure = 1.0
    minute, last = attributed_minutes[0], pages.minutes[-1] + PRIOR_MONITORING_MIN
    history = SurfaceHistory(
        surface_id, looked_at=from_minute(minute - 1), watched_since=from_minute(minute - PRIOR_MONITORING_MIN)
    )
    while minute < last:
        at = from_minute(minute)
        attributions = pages.attributions[bisect_right(pages.minutes, minute) - 1].get(surface_id, ())
        history = verdict_rules.advance_history(history, attributions, at, polled=True, rules=rules)
        verdict = verdict_rules.judge(
            verdict_rules.VerdictCase(history, attributions, at, seen_at=at, rules=rules, surface=surface)
        )
        if verdict.exposure < 1:
            less[minute] = verdict.exposure
        if exposure < 1 <= verdict.exposure or exposure == 0 < verdict.exposure:
            openings.append(Opening(minute, verdict.call, verdict.reason_code))
        exposure = verdict.exposure
        if attributions or verdict.exposure < 1:
            minute += 1
            continue
        position = bisect_right(attributed_minutes, minute)
        if position == len(attributed_minutes):
            break
        minute = attributed_minutes[position]
        history = replace(history, looked_at=from_minute(minute - 1))  # polls went on in between, without a change
    return Policy(less, tuple(openings))
