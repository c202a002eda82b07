"""A made-up decade in the shape of the real recordings -> a database, through the code that a backfill uses.

The shape was counted on the shared recordings and in bot/docs/verdict-rules.md#the-data-behind-the-numbers: 3.3 updates
for an incident, half of the texts set phrases, gaps between updates with a median of 27 minutes and a long tail, one to
three surfaces hit. The words are ours. The same seed gives the same decade.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

from bot.domain import (
    Component,
    Condition,
    Event,
    EventKind,
    Impact,
    Incident,
    IncidentEnding,
    Provider,
    Stage,
    TrackedIncident,
    Update,
)
from bot.domain.reliability import ConditionClaim, TimeWindow
from bot.rules.reliability.backfill import BackfilledHistory, BackfilledIncident
from bot.storage import Repository
from bot.storage.connection import IGNORE
from bot.storage.mapping import format_time

END = datetime(2026, 3, 1, tzinfo=UTC)
START = END - timedelta(days=3650)
UPDATES_EACH = (0.10, 0.24, 0.34, 0.16, 0.08, 0.04, 0.02, 0.02)  # share of incidents with 1, 2, 3 ... updates
SET_PHRASES = (
    "We look into this.",
    "The cause is known and we work on a repair.",
    "A repair is in place and we watch it.",
    "This is over.",
)
_SOUNDS = ("ka", "lo", "mi", "re", "tu", "sen", "dor", "vin", "bel", "ost", "ar", "ip", "qua", "zet")
_STEPS = (Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.MONITORING, Stage.RESOLVED)
_BAD = (Condition.DEGRADED, Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE)
AT_ONCE = 1000


@dataclass(frozen=True)
class Decade:
    """What was made: the ids to ask for, and the words that stand in the texts, the commonest first."""

    updates: int
    incidents: list[str]
    words: list[str]


def vocabulary(dice: Random, size: int = 3000) -> list[str]:
    """Words that nobody's text has; the n-th is used about 1/n as often as the first."""
    found: dict[str, None] = {}
    while len(found) < size:
        found["".join(dice.choices(_SOUNDS, k=dice.randint(2, 4)))] = None
    return list(found)


def stored(repository: Repository, seed: int = 1) -> Decade | None:
    """What ``fill`` has made in this database with this seed; None if it is empty."""
    rows = repository._db.rows
    incidents = [row["id"] for row in rows("SELECT id FROM incidents ORDER BY rowid")]
    [updates] = rows("SELECT count(*) AS n FROM updates")
    words = vocabulary(Random(seed))  # noqa: S311  (the same seed has to give the same words)
    return Decade(updates["n"], incidents, words) if incidents else None


def fill(
    repository: Repository, providers: tuple[Provider, ...], updates: int, seed: int = 1, start: datetime = START
) -> Decade:
    """Fills an empty database with about so many updates since ``start``, and with our own polls of every page."""
    dice = Random(seed)  # noqa: S311  (the same seed has to give the same decade)
    words = vocabulary(dice)
    made = Decade(0, [], words)
    count = 0
    for number, provider in enumerate(providers):
        share = updates * (number + 1) // len(providers) - updates * number // len(providers)
        told = _incidents(dice, provider, words, share, start)
        spans: dict[str, list[ConditionClaim]] = {}
        while part := list(islice(told, AT_ONCE)):
            repository.archive.save_incidents(provider.id, part, END)
            for one in part:
                count += len(one.tracked.incident.updates)
                made.incidents.append(one.tracked.incident.id)
                _note_spans(spans, one)
        past = BackfilledHistory(
            (),
            {s: tuple(found) for s, found in spans.items()},
            (TimeWindow(start, max(start, END - timedelta(days=400))),),
        )
        repository.archive.save_conditions(provider.id, past, (provider.id, "a decade"), END)
        _looks(repository, dice, provider, start)
    return Decade(count, made.incidents, words)


def _incidents(
    dice: Random, provider: Provider, words: list[str], updates: int, start: datetime
) -> Iterator[BackfilledIncident]:
    weights = [1 / (n + 1) for n in range(len(words))]
    texts = [" ".join(dice.choices(words, weights, k=dice.randint(8, 40))) for _ in range(min(20_000, updates))]
    expected = updates / sum((n + 1) * share for n, share in enumerate(UPDATES_EACH))
    made = 0
    for number in range(int(expected * 2)):
        if made >= updates:
            return
        posted = start + (END - start) * (number / expected) * 0.999
        told = _incident(dice, provider, f"{provider.id}-{number:06x}", posted, texts)
        made += len(told.tracked.incident.updates)
        yield told


def _incident(
    dice: Random, provider: Provider, identity: str, posted: datetime, texts: list[str]
) -> BackfilledIncident:
    steps = dice.choices(range(1, len(UPDATES_EACH) + 1), UPDATES_EACH)[0]
    updates, at = [], posted
    for step in range(steps):
        stage = _STEPS[-1] if step == steps - 1 else _STEPS[min(step, 2)]
        body = dice.choice(SET_PHRASES) if dice.random() < 0.5 else dice.choice(texts)
        updates.append(Update(f"{identity}-{step}", stage, body, at))
        at += timedelta(minutes=dice.lognormvariate(3.3, 1.1))
    hit = dice.sample(provider.surfaces, k=min(dice.choice((1, 1, 2, 3)), len(provider.surfaces)))
    linked = tuple(Component(s.id, s.name, Condition.UNKNOWN) for s in hit)
    incident = Incident(
        identity, dice.choice(texts)[:60], Stage.RESOLVED, Impact.MAJOR, posted, tuple(updates), linked, posted
    )
    surfaces = tuple(s.id for s in hit)
    end = updates[-1].display_at
    known = TrackedIncident(incident, END, surfaces, end, IncidentEnding.RESOLVED, is_backfilled=True)
    return BackfilledIncident(known, tuple(_events(dice, provider.id, known)))


def _events(dice: Random, provider: str, known: TrackedIncident) -> Iterator[Event]:
    incident = known.incident
    first, last = incident.updates[0].display_at, incident.updates[-1].display_at
    yield Event(
        EventKind.INCIDENT_OPENED, provider, END, first, incident.id, stage=Stage.INVESTIGATING, text=incident.name
    )
    for surface in known.surfaces:
        yield Event(
            EventKind.SURFACE_CHANGED, provider, END, first, incident.id, surface=surface, condition=dice.choice(_BAD)
        )
    for u in incident.updates:
        yield Event(
            EventKind.UPDATE_POSTED, provider, END, u.display_at, incident.id, update=u.id, stage=u.stage, text=u.body
        )
    for surface in known.surfaces:
        yield Event(
            EventKind.SURFACE_CHANGED,
            provider,
            END,
            last,
            incident.id,
            surface=surface,
            condition=Condition.OPERATIONAL,
        )
    yield Event(EventKind.INCIDENT_RESOLVED, provider, END, last, incident.id, stage=Stage.RESOLVED, text=incident.name)


def _note_spans(spans: dict[str, list[ConditionClaim]], told: BackfilledIncident) -> None:
    for event in told.events:
        if event.condition in _BAD and event.surface and event.happened_at:
            end = told.tracked.closed_at or END
            if end > event.happened_at:
                spans.setdefault(event.surface, []).append(ConditionClaim(event.happened_at, end, event.condition))


def _looks(repository: Repository, dice: Random, provider: Provider, start: datetime) -> None:
    """Polls since ``start``, with a change every few hours; and the last 400 days' conditions as our own polls found them."""
    db = repository._db
    rows, at = [], start
    while at < END:
        length = timedelta(hours=dice.expovariate(1 / 6))
        rows.append((provider.id, "changed", format_time(at), format_time(at)))
        rows.append((provider.id, "same", format_time(at + timedelta(minutes=1)), format_time(min(at + length, END))))
        at += length
    with db.transaction():
        db.write_all("INSERT INTO observations (source, outcome, first_at, last_at) VALUES (?, ?, ?, ?)", rows)
        for surface in provider.surfaces:
            columns = "surface, since, until, condition, inferred"
            ignored = f"INSERT INTO conditions ({columns}) VALUES (?, ?, ?, ?, 0) {IGNORE}"  # noqa: S608
            db.write_all(ignored, _states(dice, surface.id))


def _states(dice: Random, surface: str) -> Iterator[tuple[str, str | None, str | None, str]]:
    at = END - timedelta(days=400)
    while at < END:
        good, bad = timedelta(hours=dice.expovariate(1 / 30)), timedelta(minutes=dice.lognormvariate(4, 1))
        yield surface, format_time(at), format_time(at + good), Condition.OPERATIONAL
        yield surface, format_time(at + good), format_time(at + good + bad), dice.choice(_BAD)
        at += good + bad
