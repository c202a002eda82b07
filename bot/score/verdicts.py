"""Recordings -> how right each policy was: ``evaluate``, and its result as JSON. The work behind ``brownout score``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.errors import ParseError
from bot.model import Provider, VerdictRules
from bot.score import eta
from bot.score.lines import POLICIES, lines, scoped
from bot.score.measures import Measure, measure, metrics, quantile
from bot.score.stories import Progress, Recording, alone, read
from bot.score.truths import Episode, Windows, blind_minutes, page_hindsight, stated
from bot.sources import wire
from bot.sources.history import History
from bot.sources.recorded import Poll

Recorded = History | Iterable[Poll]


@dataclass(frozen=True, slots=True)
class Result:
    """All that was measured; every figure is made from these."""

    measures: tuple[Measure, ...]
    estimates: tuple[eta.Graded, ...]
    blind: tuple[int, ...]  # minutes, one for each live incident with a stated start

    @property
    def providers(self) -> tuple[str, ...]:
        """Whose recordings were scored, in their order."""
        return tuple(dict.fromkeys(m.episode.provider for m in self.measures))

    @property
    def years(self) -> tuple[int, ...]:
        """The years in which episodes began."""
        return tuple(sorted({m.episode.year for m in self.measures}))

    def select(self, truth: str, policy: str, *, provider: str = "", year: int = 0) -> tuple[Measure, ...]:
        """One policy's measures against one truth, of one provider or one year where asked for."""
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
    providers: Sequence[Provider],
    rules_for: Callable[[Provider], VerdictRules],
    windows: Windows,
    progress: Progress = lambda _what, _done, _total: None,
) -> Result:
    """Scores recordings (a name and what ``recorded.read`` gave) against both truths. ParseError where one is none.

    ``progress`` is told what is being done, how far it is, and out of how much (0: not known).
    """
    found = [read(one, name, providers, progress) for name, one in recorded]
    measures = [m for one in found for m in _measured(one, rules_for(one.provider), windows, progress)]
    estimates = [g for one in found for g in eta.graded(one)]
    return Result(tuple(measures), tuple(estimates), tuple(sorted(blind_minutes(found, windows))))


def read_windows(raw: bytes) -> Windows:
    """``{incident id: [[start, end], ...] or null}`` from its bytes; times in ISO 8601, an end may be null."""
    body = wire.obj(wire.load(raw), "the windows file")
    return {str(identity): _windows(str(identity), told) for identity, told in body.items()}


def as_json(result: Result) -> dict[str, Any]:
    """``{"truth": {"A": {POLICY: METRICS}, "C": {...}}, "eta": {...}, "blind": {...}, "by_provider", "by_year"}``."""
    return {
        "truth": _truths(result),
        "eta": {**eta.coverage(result.estimates), "by_landmark": eta.by_landmark(result.estimates)},
        "blind": _blind(result.blind),
        "by_provider": {p: _truths(result, provider=p) | {"eta": _eta_of(result, p)} for p in result.providers},
        "by_year": {str(year): _truths(result, year=year) for year in result.years},
    }


def _measured(recording: Recording, rules: VerdictRules, windows: Windows, progress: Progress) -> Iterator[Measure]:
    yield from _scored(recording, list(page_hindsight(recording)), rules, progress)
    for story in recording.stories:
        episodes = list(stated(recording, story, windows))
        if episodes:
            yield from _scored(alone(recording, story), episodes, rules, progress)


def _scored(
    recording: Recording, episodes: Sequence[Episode], rules: VerdictRules, progress: Progress
) -> Iterator[Measure]:
    """Every policy in every episode."""
    seen = scoped(recording, lambda done, total: progress(f"{recording.name}: scope", done, total))
    surfaces = dict.fromkeys(e.surface for e in episodes)
    for done, surface in enumerate(surfaces, 1):
        by_policy = lines(recording, surface, rules, seen)
        for policy in POLICIES:
            if policy in by_policy:
                yield from (measure(policy, by_policy[policy], e) for e in episodes if e.surface == surface)
        progress(f"{recording.name}: verdicts", done, len(surfaces))


def _truths(result: Result, *, provider: str = "", year: int = 0) -> dict[str, Any]:
    return {
        truth: {
            policy: metrics(found)
            for policy in POLICIES
            if (found := result.select(truth, policy, provider=provider, year=year))
        }
        for truth in ("A", "C")
    }


def _eta_of(result: Result, provider: str) -> dict[str, Any]:
    return eta.coverage(g for g in result.estimates if g.provider == provider)


def _blind(minutes: Sequence[int]) -> dict[str, Any]:
    if not minutes:
        return {"n": 0, "total_min": 0, "p50": None, "p90": None}
    p50, p90 = quantile(minutes, 0.5), quantile(minutes, 0.9)
    return {"n": len(minutes), "total_min": sum(minutes), "p50": p50, "p90": p90}


def _windows(identity: str, told: object) -> list[tuple[datetime, datetime | None]] | None:
    if told is None:
        return None
    pairs = told if isinstance(told, list) else [told]
    found = []
    for pair in pairs:
        start, end = pair if isinstance(pair, list) and len(pair) == 2 else (None, None)  # noqa: PLR2004 - start, end
        since = wire.moment(start)
        if since is None:
            raise ParseError(f"the windows of {identity} should be null or a list of [start, end] in ISO 8601")
        found.append((since, wire.moment(end)))
    return found
