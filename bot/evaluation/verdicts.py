"""Scores the verdict and the baseline policies on recordings; this is what ``brownout score`` runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain import Provider, VerdictParameters
from bot.errors import ParseError
from bot.evaluation import forecast
from bot.evaluation.audible import AudibleMessages, audible_figures, count_audible
from bot.evaluation.ground_truth import TrueOutage, Windows, blind_minutes, hindsight_episodes, stated_episodes
from bot.evaluation.metrics import Measure, aggregate_metrics, compare_metrics, held_openings, measure_policy, quantile
from bot.evaluation.policies import BROWNOUT_POLICY, OTHER_POLICY, POLICIES, attribute_pages, build_policies
from bot.evaluation.recording import MAX_UNSEEN_MIN, PageRecording, Progress, isolate_incident, prepare_recording
from bot.formats import json_fields
from bot.formats.reconstruction import History
from bot.formats.recordings import RecordedPoll

Recorded = History | Iterable[RecordedPoll]
RulesFor = Callable[[Provider], VerdictParameters]
BothRules = tuple[VerdictParameters, VerdictParameters | None]  # ours, and those that they are compared with


@dataclass(frozen=True, slots=True)
class VerdictResult:
    """All measurements, from which every figure is computed."""

    measures: tuple[Measure, ...]
    estimates: tuple[forecast.GradedForecast, ...]
    blind: tuple[int, ...]  # minutes before the first post, per live incident with a stated start
    audible: tuple[AudibleMessages, ...] = ()

    @property
    def providers(self) -> tuple[str, ...]:
        """The ids of the scored providers, in the order of their recordings."""
        return tuple(dict.fromkeys(m.episode.provider for m in self.measures))

    @property
    def years(self) -> tuple[int, ...]:
        """The years in which episodes began."""
        return tuple(sorted({m.episode.year for m in self.measures}))

    def select(self, truth: str, policy: str, *, provider: str = "", year: int = 0) -> tuple[Measure, ...]:
        """The measures of one policy against one truth, optionally of one provider or year only."""
        return tuple(
            m
            for m in self.measures
            if m.policy == policy
            and m.episode.truth == truth
            and provider in ("", m.episode.provider)
            and year in (0, m.episode.year)
        )


def evaluate(
    recorded: Iterable[tuple[str, Recorded]],
    providers: Sequence[Provider] | Provider,
    rules_for: RulesFor,
    windows: Windows,
    progress: Progress = lambda _what, _done, _total: None,
    *,
    other_rules_for: RulesFor | None = None,
    max_unseen_min: int = MAX_UNSEEN_MIN,
) -> VerdictResult:
    """Scores recordings against both truths.

    Args:
        recorded: Pairs of a name and what ``read_recording`` returned.
        providers: The catalogue, or the provider whose page all of them show.
        rules_for: The parameters of our rules.
        windows: Truth C, by incident.
        progress: Called with a description, the steps done and their total (0: unknown).
        other_rules_for: Other parameters, which are scored in addition, as the policy ``other``.
        max_unseen_min: A longer time between two recorded polls counts for nothing; 0: every minute counts.

    Raises:
        ParseError: A recording shows no page.
    """
    prepared = [
        prepare_recording(recording, name, providers, progress, max_unseen_min=max_unseen_min)
        for name, recording in recorded
    ]
    measures: list[Measure] = []
    audible: list[AudibleMessages] = []
    for number, recording in enumerate(prepared, 1):
        rules = rules_for(recording.provider)
        other = other_rules_for(recording.provider) if other_rules_for else None
        progress(f"{recording.name}: messages", number, len(prepared))
        audible += count_audible(recording, rules)
        measures += _measure_recording(recording, (rules, other), windows, progress)
    estimates = tuple(g for recording in prepared for g in forecast.grade_estimates(recording))
    blind = tuple(sorted(blind_minutes(prepared, windows)))
    return VerdictResult(tuple(measures), estimates, blind, tuple(audible))


def read_windows(raw: bytes) -> Windows:
    """Parses ``{incident id: [[start, end], ...] or null}``; times are in ISO 8601, a start or an end may be null.

    Raises ParseError for anything else.
    """
    body = json_fields.require_object(json_fields.load_json(raw), "the windows file")
    return {str(incident_id): _parse_windows(str(incident_id), value) for incident_id, value in body.items()}


def as_json(result: VerdictResult) -> dict[str, Any]:
    """The result as ``{"truth": {"A": {POLICY: METRICS}, "C": ...}, "eta", "blind", "by_provider", "by_year"}``."""
    return {
        "truth": _truth_metrics(result),
        "eta": {**forecast.coverage(result.estimates), "by_landmark": forecast.coverage_by_landmark(result.estimates)},
        "blind": _blind_metrics(result.blind),
        "by_provider": {
            p: _truth_metrics(result, provider=p) | {"eta": _forecast_metrics(result, p)} for p in result.providers
        },
        "by_year": {str(year): _truth_metrics(result, year=year) for year in result.years},
        "audible": audible_figures(result.audible),
        "held": held_openings(result.select("A", BROWNOUT_POLICY)),
        "compare": comparison(result),
    }


def comparison(result: VerdictResult) -> dict[str, Any]:
    """By truth, the figures of our rules and of the other ones, and the difference, paired by episode; else empty."""
    return {
        truth: compare_metrics(result.select(truth, BROWNOUT_POLICY), other)
        for truth in ("A", "C")
        if (other := result.select(truth, OTHER_POLICY))
    }


def _measure_recording(
    recording: PageRecording, rules: BothRules, windows: Windows, progress: Progress
) -> Iterator[Measure]:
    yield from _measure_episodes(recording, list(hindsight_episodes(recording)), rules, progress)
    for incident in recording.incidents:
        episodes = list(stated_episodes(recording, incident, windows))
        if episodes:
            yield from _measure_episodes(isolate_incident(recording, incident), episodes, rules, progress)


def _measure_episodes(
    recording: PageRecording, episodes: Sequence[TrueOutage], rules: BothRules, progress: Progress
) -> Iterator[Measure]:
    """Measures every policy in every episode."""
    pages = attribute_pages(recording, lambda done, total: progress(f"{recording.name}: scope", done, total))
    surfaces = dict.fromkeys(e.surface for e in episodes)
    for number, surface in enumerate(surfaces, 1):
        by_policy = build_policies(recording, surface, rules[0], pages, rules[1])
        for policy in POLICIES:
            if policy in by_policy:
                yield from (measure_policy(policy, by_policy[policy], e) for e in episodes if e.surface == surface)
        progress(f"{recording.name}: verdicts", number, len(surfaces))


def _truth_metrics(result: VerdictResult, *, provider: str = "", year: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {
        truth: {
            policy: aggregate_metrics(measures)
            for policy in POLICIES
            if (measures := result.select(truth, policy, provider=provider, year=year))
        }
        for truth in ("A", "C")
    }
    if BROWNOUT_POLICY in found["A"]:
        audible = (a for a in result.audible if provider in ("", a.provider) and year in (0, a.year))
        found["A"][BROWNOUT_POLICY]["audible_messages"] = audible_figures(audible)
    return found


def _forecast_metrics(result: VerdictResult, provider: str) -> dict[str, Any]:
    return forecast.coverage(g for g in result.estimates if g.provider == provider)


def _blind_metrics(minutes: Sequence[int]) -> dict[str, Any]:
    if not minutes:
        return {"n": 0, "total_min": 0, "p50": None, "p90": None}
    p50, p90 = quantile(minutes, 0.5), quantile(minutes, 0.9)
    return {"n": len(minutes), "total_min": sum(minutes), "p50": p50, "p90": p90}


def _parse_windows(incident_id: str, value: object) -> list[tuple[datetime | None, datetime | None]] | None:
    if value is None:
        return None
    pairs = value if isinstance(value, list) else [value]
    windows: list[tuple[datetime | None, datetime | None]] = []
    for pair in pairs:
        start, end = pair if isinstance(pair, list) and len(pair) == 2 else (None, None)  # noqa: PLR2004 - start, end
        since, until = json_fields.parse_iso_time(start), json_fields.parse_iso_time(end)
        if (since, until) == (None, None) or (start is not None and since is None):
            raise ParseError(f"the windows of {incident_id} should be null or a list of [start, end] in ISO 8601")
        windows.append((since, until))
    return windows
