"""Hits of one incident -> the evidence behind them, in plain sentences: what ``brownout why`` says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from bot.core.links import surface_of
from bot.core.scope import scope
from bot.model import Basis, Condition, Hit, Incident, Provider, Update, Weight

_SHOWN = {
    Condition.OPERATIONAL: "operational",
    Condition.MAINTENANCE: "under maintenance",
    Condition.DEGRADED: "degraded",
    Condition.PARTIAL_OUTAGE: "partly down",
    Condition.MAJOR_OUTAGE: "down",
    Condition.UNKNOWN: "of unknown state",
}


def last_attribution(incident: Incident, provider: Provider, now: datetime) -> tuple[Hit, ...]:
    """What the incident was said to hit: now, or as it stood before the vendor called it over."""
    living = tuple(u for u in incident.updates if not u.stage.is_closed)
    if not incident.stage.is_closed or not living:
        return scope(incident, {}, provider, now)
    last = living[-1]
    return scope(replace(incident, updates=living, stage=last.stage), {}, provider, last.display_at)


def explain(hits: Iterable[Hit], incident: Incident, provider: Provider) -> tuple[str, ...]:
    """One sentence for each surface that the incident touches, and one for what it says nothing of.

    ``hits`` may hold other incidents' too. Vendors' words are quoted as they stand: escape them before sending.
    """
    told = [h for h in hits if h.incident == incident.id]
    sentences = [" ".join(_sentence(h, incident, provider)) for h in told]
    others = [s.name for s in provider.surfaces if s.id not in {h.surface for h in told}]
    if told and others:
        sentences.append(f"It says nothing of {_listed(others)}.")
    return tuple(sentences) or (f"Nothing in it points to a surface of {provider.name} that we know.",)


def _sentence(hit: Hit, incident: Incident, provider: Provider) -> Iterator[str]:
    name = provider.surface(hit.surface).name
    yield f"{name}: {_verdict_of(hit)}, {_evidence(hit, incident, provider)}."
    if hit.weight is Weight.CLEARED and hit.expires is not None:
        yield f"That counts until {hit.expires:%H:%M} UTC, or until the first sign to the contrary."
    if hit.inferred:
        yield "This is inferred: no component of the page says so."
    if hit.residual:
        yield "The newest post speaks of errors that remain."


def _verdict_of(hit: Hit) -> str:
    since = f"since {hit.since:%d %b %H:%M} UTC"
    said = {
        Weight.DOWN: f"hit {since}" if hit.condition.is_bad else f"hit {since}, and {_SHOWN[hit.condition]} now",
        Weight.NAMED: f"named {since}",
        Weight.WATCH: f"watched {since}, and not known to be hit",
        Weight.CLEARED: f"hit {since}, and taken out again",
    }
    return said[hit.weight]


def _evidence(hit: Hit, incident: Incident, provider: Provider) -> str:
    moves, quotes = list(_moves(hit, incident, provider)), [g for g in hit.grounds if g.startswith("\u201c")]
    needs = [g.removeprefix("needs ") for g in hit.grounds if g.startswith("needs ")]
    parts = []
    if moves:
        parts.append("because " + _listed(moves))
    elif hit.basis is Basis.COMPONENT:
        parts.append(f"because its component on the page is {_SHOWN[hit.condition]}")
    elif hit.basis is Basis.LINK:
        parts.append("because the incident lists its component, which was operational all along")
    if needs:
        parts.append("because it cannot work without " + _listed([provider.surface(n).name for n in needs]))
    if quotes:
        parts.append("because the vendor says " + _listed(list(dict.fromkeys(quotes))))
    return ", and ".join(parts) or "because the incident names no surface at all, so that it may be any of them"


def _moves(hit: Hit, incident: Incident, provider: Provider) -> Iterator[str]:
    """The component's changes of colour in the updates that the hit rests on."""
    updates = {f"update {u.id}": u for u in incident.updates}
    for ground in dict.fromkeys(hit.grounds):
        if ground in updates:
            yield from _moved(hit.surface, updates[ground], provider)


def _moved(surface: str, update: Update, provider: Provider) -> Iterator[str]:
    for move in update.transitions or ():
        link = surface_of(move.component_id, move.name, provider)
        if link and link.surface == surface and (move.old is not move.new or move.new.is_bad):
            went = (
                f"was {_SHOWN[move.new]}"
                if move.old is move.new
                else f"went from {_SHOWN[move.old]} to {_SHOWN[move.new]}"
            )
            yield f"“{move.name}” {went} in the {update.stage} post of {update.display_at:%H:%M} UTC"


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]
