"""Scores attribution on recorded histories: how often the affected surfaces are identified correctly.

Two methods are scored. ``text_only`` hides every component. ``as_of`` uses what the page showed at that moment
(bot.formats.recordings); where a history has only final component lists, that leaks the answer, and the result says so.
A label is what the vendor listed, and that list is often not complete. ``red`` takes a component as affected too that
the recorded page showed bad while no other incident was open: that is known without any words.
Surfaces for which a history can have no label (the login, the mobile apps, a product that had no component yet) count
neither as right nor as wrong; they are counted separately.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain import Attribution, AttributionKind, EvidenceKind, Incident, Provider
from bot.evaluation.labels import LabeledCase, LabeledRecording, read_recording
from bot.rules.attribution.attribute import attribute_incident
from bot.rules.attribution.lexicon import PhraseKind, compile_lexicon
from bot.rules.attribution.phrases import Assertion
from bot.rules.attribution.text import read_text

NOTHING_LABEL = "(nothing)"  # a row: nothing was predicted, or nothing wrong
UNLISTED_LABEL = "(not listed)"  # a column: the vendor listed other surfaces, all of which were predicted
UNLABELLED_LABEL = "(no label)"  # a column: the vendor listed no component at all

SurfaceIds = frozenset[str]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Count:
    """True positives, false positives and false negatives, over incidents x surfaces."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: Count) -> Count:
        """The sum of both counts."""
        return Count(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float | None:
        """Share of the predicted surfaces that were listed, 0 to 1; None where none was predicted."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else None

    @property
    def recall(self) -> float | None:
        """Share of the listed surfaces that were predicted, 0 to 1; None where none was listed."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall; None where both counts are empty."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else None


@dataclass(frozen=True, slots=True)
class MethodScore:
    """The scores of one attribution method.

    ``named`` covers only incidents whose text has a known phrase. ``strict`` counts an incident without any label as
    one that affected nothing. ``red`` is ``micro`` with the surfaces as affected that the page showed bad then.
    ``apart`` counts predictions of surfaces for which there can be no label, by surface.
    ``confusion``: predicted surface -> true surface -> incidents.
    """

    micro: Count = Count()
    named: Count = Count()
    strict: Count = Count()
    per_update: Count = Count()
    red: Count = Count()
    surfaces: Mapping[str, Count] = field(default_factory=dict)
    confusion: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    apart: Mapping[str, int] = field(default_factory=dict)

    def top_confusions(self) -> list[tuple[str, str, int]]:
        """Cells off the diagonal as (predicted, true, incidents), the largest first."""
        cells = [
            (predicted, true, n)
            for predicted, row in self.confusion.items()
            for true, n in row.items()
            if predicted != true
        ]
        return sorted(cells, key=lambda cell: (-cell[2], cell[0], cell[1]))


@dataclass(frozen=True, slots=True)
class AttributionResult:
    """Everything that ``brownout score --scope`` reports."""

    files: tuple[tuple[str, str, int], ...]  # file, provider, incidents
    incidents: int
    labelled: int
    named: int
    updates: int
    leaking: int  # incidents whose as-of view has the final component list
    logins: int  # incidents whose title names the login and whose labels do not include the API
    logins_as_api: int  # of these, attributed to the API by the text alone
    text_only: MethodScore
    as_of: MethodScore
    all_components: MethodScore
    name_in_title: MethodScore


@dataclass(frozen=True, slots=True)
class _Prediction:
    """One incident and one method: the predictions at each update (``moments``), and at any time (``surfaces``)."""

    case: LabeledCase
    surfaces: SurfaceIds
    moments: tuple[SurfaceIds, ...]
    labelable: SurfaceIds
    names_any: bool
    login: SurfaceIds


def evaluate(
    files: Mapping[str, bytes],
    providers: Iterable[Provider],
    provider_id: str | None = None,
    progress: Progress = lambda _done, _total: None,
) -> AttributionResult:
    """Scores every incident of every file (name -> bytes, compressed or plain).

    ``progress`` is called with the number of incidents scored and their total. Raises ParseError for a file that is no
    recording, UsageError for one whose provider is not known.
    """
    provider_list = tuple(providers)
    recordings = [read_recording(name, raw, provider_list, provider_id) for name, raw in files.items()]
    total = sum(len(r.history.incidents) for r in recordings)
    rows: dict[str, list[_Prediction]] = {"text": [], "as_of": [], "all": [], "title": []}
    for recording in recordings:
        for case in recording.cases():
            for method, prediction in _score_incident(recording, case).items():
                rows[method].append(prediction)
            progress(len(rows["text"]), total)
    return _build_result(recordings, rows)


def _score_incident(recording: LabeledRecording, case: LabeledCase) -> dict[str, _Prediction]:
    unlabelled = [_without_labels(i) for i in case.shown]
    by_text = tuple(
        _attributed_surfaces(attribute_incident(i, {}, recording.provider, _last_update_at(i))) for i in unlabelled
    )
    as_of = tuple(
        _attributed_surfaces(
            attribute_incident(i, recording.conditions_at(_last_update_at(i)), recording.provider, _last_update_at(i))
        )
        for i in case.shown
    )
    title = frozenset(s for name, s in recording.names.items() if name.casefold() in case.title.casefold())
    recovered = _recovered_surfaces(unlabelled[-1], recording.provider)
    base = _Prediction(
        case,
        frozenset(),
        (),
        recording.labelable,
        _has_known_phrase(unlabelled[-1], recording.provider),
        _login_surfaces(recording, case),
    )
    return {
        "text": replace(base, surfaces=frozenset().union(recovered, *by_text), moments=by_text),
        "as_of": replace(base, surfaces=frozenset().union(recovered, *as_of), moments=as_of),
        "all": replace(base, surfaces=recording.labelable, moments=(recording.labelable,) * len(unlabelled)),
        "title": replace(base, surfaces=title, moments=(title,) * len(unlabelled)),
    }


def _last_update_at(incident: Incident) -> datetime:
    return incident.updates[-1].display_at


def _without_labels(incident: Incident) -> Incident:
    return replace(incident, components=(), updates=tuple(replace(u, transitions=None) for u in incident.updates))


def _attributed_surfaces(attributions: Iterable[Attribution]) -> SurfaceIds:
    """The surfaces attributed directly, without those that only follow from a dependency."""
    return frozenset(
        h.surface
        for h in attributions
        if h.weight in (AttributionKind.DOWN, AttributionKind.NAMED)
        and not (h.basis is EvidenceKind.TEXT and h.grounds[:1] and h.grounds[0].startswith("needs "))
    )


def _recovered_surfaces(incident: Incident, provider: Provider) -> SurfaceIds:
    """Surfaces that a text calls recovered: they were affected, though they no longer are."""
    texts = (incident.name, *(u.body for u in incident.updates))
    return frozenset(
        w.surface
        for t in texts
        for w in read_text(t, provider).mentions
        if w.assertion is Assertion.RECOVERED and not w.implied
    )


def _has_known_phrase(incident: Incident, provider: Provider) -> bool:
    """True where the title or an update has a known phrase, whatever it asserts."""
    texts = (incident.name, *(u.body for u in incident.updates))
    return any(m.kind is not PhraseKind.NOTHING for t in texts for m in compile_lexicon(provider).find_mentions(t))


def _login_surfaces(recording: LabeledRecording, case: LabeledCase) -> SurfaceIds:
    """The login surface, where the title has one of its words and no API is among the labels; else empty.

    Histories have no label for the login, so this is a plain word search, independent of the rules that are scored.
    """
    for surface in recording.provider.surfaces:
        words = "|".join(re.escape(w) for w in surface.words)
        if surface.is_login and words and re.search(rf"\b(?:{words})\b", case.title, re.IGNORECASE):
            return frozenset() if any(t.endswith("-api") for t in case.truth) else frozenset({surface.id})
    return frozenset()


def _with_red(prediction: _Prediction) -> _Prediction:
    case = prediction.case
    return replace(prediction, case=replace(case, truth=case.truth | (case.red & prediction.labelable)))


# --- counting ---------------------------------------------------------------------------------------------------------


def _build_result(files: list[LabeledRecording], rows: Mapping[str, list[_Prediction]]) -> AttributionResult:
    text = rows["text"]
    logins = [r for r in text if r.login]
    return AttributionResult(
        files=tuple((f.name, f.provider.id, len(f.history.incidents)) for f in files),
        incidents=len(text),
        labelled=sum(bool(r.case.truth) for r in text),
        named=sum(r.names_any and bool(r.case.truth) for r in text),
        updates=sum(len(r.moments) for r in text),
        leaking=sum(r.case.leaks and bool(r.case.truth) for r in text),
        logins=len(logins),
        logins_as_api=sum(any(s.endswith("-api") for s in r.surfaces) for r in logins),
        text_only=_score_method(text),
        as_of=_score_method(rows["as_of"]),
        all_components=_score_method(rows["all"]),
        name_in_title=_score_method(rows["title"]),
    )


def _score_method(rows: list[_Prediction]) -> MethodScore:
    labelled = [r for r in rows if r.case.truth]
    surfaces = sorted({s for r in labelled for s in (*r.case.truth, *(r.surfaces & r.labelable))})
    return MethodScore(
        micro=sum((_count_matches(r, r.surfaces) for r in labelled), Count()),
        named=sum((_count_matches(r, r.surfaces) for r in labelled if r.names_any), Count()),
        strict=sum((_count_matches(r, r.surfaces) for r in rows), Count()),
        per_update=sum((_count_matches(r, moment) for r in labelled for moment in r.moments), Count()),
        red=sum((_count_matches(_with_red(r), r.surfaces) for r in labelled), Count()),
        surfaces={s: sum((_count_matches(r, r.surfaces, s) for r in labelled), Count()) for s in surfaces},
        confusion=_confusion_matrix(rows),
        apart=dict(sorted(Counter(s for r in rows for s in r.surfaces - r.labelable).items())),
    )


def _count_matches(prediction: _Prediction, predicted: SurfaceIds, only: str | None = None) -> Count:
    predicted, truth = predicted & prediction.labelable, prediction.case.truth
    if only is not None:
        predicted, truth = predicted & {only}, truth & {only}
    return Count(len(predicted & truth), len(predicted - truth), len(truth - predicted))


def _confusion_matrix(rows: Iterable[_Prediction]) -> dict[str, dict[str, int]]:
    cells: Counter[tuple[str, str]] = Counter()
    for prediction in rows:
        cells.update(_confusion_cells(prediction.surfaces, prediction.case.truth | prediction.login))
    matrix: dict[str, dict[str, int]] = {}
    for (predicted, true), n in sorted(cells.items()):
        matrix.setdefault(predicted, {})[true] = n
    return matrix


def _confusion_cells(predicted: SurfaceIds, truth: SurfaceIds) -> Iterable[tuple[str, str]]:
    """Right predictions are on the diagonal; each wrong one is paired with each surface that was missed."""
    wrong, missed = predicted - truth, truth - predicted
    yield from ((s, s) for s in predicted & truth)
    yield from ((s, m) for s in wrong for m in missed)
    if not missed:
        yield from ((s, UNLISTED_LABEL if truth else UNLABELLED_LABEL) for s in wrong)
    if not wrong:
        yield from ((NOTHING_LABEL, m) for m in missed)
