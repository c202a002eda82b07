"""Recorded histories -> how well scope names the surfaces: by the words alone, and by everything that was known then.

``text_only`` hides every component. ``as_of`` shows what the page showed at that moment (bot.sources.recorded); where a
history holds only final component lists that leaks the answer, and the result says so. What a history's labels cannot
speak of (the login, the mobile apps, a product that had no component yet) is neither right nor wrong: counted apart.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core.cues import Say
from bot.core.lexicon import Kind, lexicon
from bot.core.reading import read
from bot.core.scope import scope
from bot.model import Basis, Hit, Incident, Provider, Weight
from bot.score.labels import Case, Recording, recording

NOTHING = "(nothing)"  # a row: nothing was said, or nothing wrong
UNLISTED = "(not listed)"  # a column: the vendor listed other surfaces, all of which were said
UNLABELLED = "(no label)"  # a column: the vendor listed no component at all

Said = frozenset[str]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Count:
    """True positives, false positives and false negatives, over incidents x surfaces."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: Count) -> Count:
        """Both counts together."""
        return Count(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float | None:
        """Of what was said, the share that was listed; None where nothing was said."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else None

    @property
    def recall(self) -> float | None:
        """Of what was listed, the share that was said; None where nothing was listed."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        whole = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / whole if whole else None


@dataclass(frozen=True, slots=True)
class Way:
    """One way of saying, scored. ``named`` covers only incidents whose text holds any known phrase at all.

    ``strict`` takes an incident without any label for one that hit nothing. ``apart`` counts what was said of surfaces
    that the labels cannot speak of. ``confusion``: said -> true -> incidents.
    """

    micro: Count = Count()
    named: Count = Count()
    strict: Count = Count()
    per_update: Count = Count()
    surfaces: Mapping[str, Count] = field(default_factory=dict)
    confusion: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    apart: Mapping[str, int] = field(default_factory=dict)

    def worst(self) -> list[tuple[str, str, int]]:
        """Confused cells (said, true, incidents), the fullest first."""
        cells = [(said, true, n) for said, row in self.confusion.items() for true, n in row.items() if said != true]
        return sorted(cells, key=lambda cell: (-cell[2], cell[0], cell[1]))


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that ``brownout score --scope`` reports."""

    files: tuple[tuple[str, str, int], ...]  # file, provider, incidents
    incidents: int
    labelled: int
    named: int
    updates: int
    leaking: int  # incidents whose as-of view holds the final list
    logins: int  # incidents whose title names the login and whose labels do not hold the API
    logins_as_api: int  # of these, said to hit the API by the words alone
    text_only: Way
    as_of: Way
    all_components: Way
    name_in_title: Way


@dataclass(frozen=True, slots=True)
class _Row:
    """One incident, scored by one way: what was said at each update, and what was said at any time."""

    case: Case
    said: Said
    moments: tuple[Said, ...]
    labelable: Said
    names_any: bool
    login: Said


def evaluate(
    files: Mapping[str, bytes],
    providers: Iterable[Provider],
    provider_id: str | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Result:
    """Scores every incident of every file (name -> bytes, packed or plain). Raises ParseError and UsageError.

    ``progress`` is called with incidents done and their total.
    """
    known = tuple(providers)
    recordings = [recording(name, raw, known, provider_id) for name, raw in files.items()]
    total = sum(len(r.history.incidents) for r in recordings)
    rows: dict[str, list[_Row]] = {"text": [], "as_of": [], "all": [], "title": []}
    for file in recordings:
        for case in file.cases():
            for way, row in _rows(file, case).items():
                rows[way].append(row)
            progress(len(rows["text"]), total)
    return _result(recordings, rows)


def _rows(file: Recording, case: Case) -> dict[str, _Row]:
    bare = [_without_labels(i) for i in case.shown]
    by_text = tuple(_said(scope(i, {}, file.provider, _when(i))) for i in bare)
    known = tuple(_said(scope(i, file.conditions(_when(i)), file.provider, _when(i))) for i in case.shown)
    title = frozenset(s for name, s in file.names.items() if name.casefold() in case.title.casefold())
    ever = _recovered(bare[-1], file.provider)
    base = _Row(case, frozenset(), (), file.labelable, _names_any(bare[-1], file.provider), _login(file, case))
    return {
        "text": replace(base, said=frozenset().union(ever, *by_text), moments=by_text),
        "as_of": replace(base, said=frozenset().union(ever, *known), moments=known),
        "all": replace(base, said=file.labelable, moments=(file.labelable,) * len(bare)),
        "title": replace(base, said=title, moments=(title,) * len(bare)),
    }


def _when(incident: Incident) -> datetime:
    return incident.updates[-1].display_at


def _without_labels(incident: Incident) -> Incident:
    return replace(incident, components=(), updates=tuple(replace(u, transitions=None) for u in incident.updates))


def _said(hits: Iterable[Hit]) -> Said:
    """The surfaces said to be hit; what only follows from another surface's trouble is not an attribution."""
    return frozenset(
        h.surface
        for h in hits
        if h.weight in (Weight.DOWN, Weight.NAMED)
        and not (h.basis is Basis.TEXT and h.grounds[:1] and h.grounds[0].startswith("needs "))
    )


def _recovered(incident: Incident, provider: Provider) -> Said:
    """What a text calls repaired was hit, though by then it is hit no more."""
    texts = (incident.name, *(u.body for u in incident.updates))
    return frozenset(
        w.surface for t in texts for w in read(t, provider).words if w.say is Say.RECOVERED and not w.implied
    )


def _names_any(incident: Incident, provider: Provider) -> bool:
    """True where title or posts hold any known phrase, whatever is said of it."""
    texts = (incident.name, *(u.body for u in incident.updates))
    return any(m.kind is not Kind.NOTHING for t in texts for m in lexicon(provider).mentions(t))


def _login(file: Recording, case: Case) -> Said:
    """The login, where it is truly meant: its title holds one of the login's words, and no API is among its labels.

    Histories have no label for the login, so this reads the title with a plain word search and not with our reader.
    """
    for surface in file.provider.surfaces:
        words = "|".join(re.escape(w) for w in surface.words)
        if surface.is_login and words and re.search(rf"\b(?:{words})\b", case.title, re.IGNORECASE):
            return frozenset() if any(t.endswith("-api") for t in case.truth) else frozenset({surface.id})
    return frozenset()


# --- counting ---------------------------------------------------------------------------------------------------------


def _result(files: list[Recording], rows: Mapping[str, list[_Row]]) -> Result:
    text = rows["text"]
    logins = [r for r in text if r.login]
    return Result(
        files=tuple((f.name, f.provider.id, len(f.history.incidents)) for f in files),
        incidents=len(text),
        labelled=sum(bool(r.case.truth) for r in text),
        named=sum(r.names_any and bool(r.case.truth) for r in text),
        updates=sum(len(r.moments) for r in text),
        leaking=sum(r.case.leaks and bool(r.case.truth) for r in text),
        logins=len(logins),
        logins_as_api=sum(any(s.endswith("-api") for s in r.said) for r in logins),
        text_only=_way(text),
        as_of=_way(rows["as_of"]),
        all_components=_way(rows["all"]),
        name_in_title=_way(rows["title"]),
    )


def _way(rows: list[_Row]) -> Way:
    labelled = [r for r in rows if r.case.truth]
    surfaces = sorted({s for r in labelled for s in (*r.case.truth, *(r.said & r.labelable))})
    return Way(
        micro=sum((_count(r, r.said) for r in labelled), Count()),
        named=sum((_count(r, r.said) for r in labelled if r.names_any), Count()),
        strict=sum((_count(r, r.said) for r in rows), Count()),
        per_update=sum((_count(r, said) for r in labelled for said in r.moments), Count()),
        surfaces={s: sum((_count(r, r.said, s) for r in labelled), Count()) for s in surfaces},
        confusion=_confusion(rows),
        apart=dict(sorted(Counter(s for r in rows for s in r.said - r.labelable).items())),
    )


def _count(row: _Row, said: Said, only: str | None = None) -> Count:
    said, truth = said & row.labelable, row.case.truth
    if only is not None:
        said, truth = said & {only}, truth & {only}
    return Count(len(said & truth), len(said - truth), len(truth - said))


def _confusion(rows: Iterable[_Row]) -> dict[str, dict[str, int]]:
    cells: Counter[tuple[str, str]] = Counter()
    for row in rows:
        cells.update(_cells(row.said, row.case.truth | row.login))
    matrix: dict[str, dict[str, int]] = {}
    for (said, true), n in sorted(cells.items()):
        matrix.setdefault(said, {})[true] = n
    return matrix


def _cells(said: Said, truth: Said) -> Iterable[tuple[str, str]]:
    """What was rightly said is on the diagonal; what was wrongly said stands against each surface that was missed."""
    wrong, missed = said - truth, truth - said
    yield from ((s, s) for s in said & truth)
    yield from ((s, m) for s in wrong for m in missed)
    if not missed:
        yield from ((s, UNLISTED if truth else UNLABELLED) for s in wrong)
    if not wrong:
        yield from ((NOTHING, m) for m in missed)
