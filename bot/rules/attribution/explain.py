"""The evidence by which an incident was attributed to its surfaces, in sentences: a part of ``brownout why``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from bot.domain import Attribution, AttributionKind, Condition, EvidenceKind, Incident, Provider, Update
from bot.rules.attribution.attribute import attribute_incident
from bot.rules.attribution.components import find_component_link

_CONDITION_WORDS = {
    Condition.OPERATIONAL: "operational",
    Condition.MAINTENANCE: "maintenance",
    Condition.DEGRADED: "degraded",
    Condition.PARTIAL_OUTAGE: "partial outage",
    Condition.MAJOR_OUTAGE: "outage",
    Condition.UNKNOWN: "unknown",
}


def last_attribution(incident: Incident, provider: Provider, now: datetime) -> tuple[Attribution, ...]:
    """Returns an open incident's attributions now; a closed one's as of its last update before the closing one."""
    before_closing = tuple(u for u in incident.updates if not u.stage.is_closed)
    if not incident.stage.is_closed or not before_closing:
        return attribute_incident(incident, {}, provider, now)
    last = before_closing[-1]
    return attribute_incident(
        replace(incident, updates=before_closing, stage=last.stage), {}, provider, last.display_at
    )


def evidence_by_surface(
    attributions: Iterable[Attribution], incident: Incident, provider: Provider
) -> dict[str, tuple[str, ...]]:
    """Returns the evidence for each surface that the incident concerns, by surface, the strongest first.

    ``attributions`` may include other incidents'. The vendor's text is quoted as it is: escape it before sending.
    """
    own = [a for a in attributions if a.incident == incident.id]
    return {a.surface: tuple(_evidence_sentences(a, incident, provider)) for a in own}


def _evidence_sentences(attribution: Attribution, incident: Incident, provider: Provider) -> Iterator[str]:
    changes = list(_component_changes(attribution, incident, provider))[-1:]
    quotes = list(dict.fromkeys(g for g in attribution.grounds if g.startswith("\u201c")))
    needs = [g.removeprefix("needs ") for g in attribution.grounds if g.startswith("needs ")]
    yield from changes
    if not changes and attribution.basis is EvidenceKind.COMPONENT:
        yield f"Its component on the status page shows {_CONDITION_WORDS[attribution.condition]}."
    elif not changes and attribution.basis is EvidenceKind.LINK:
        is_watched = attribution.weight is AttributionKind.WATCH
        yield f"The incident lists its component{', which stayed operational' if is_watched else ''}."
    if needs:
        yield f"It needs {_join_items([provider.surface(n).name for n in needs])}."
    if quotes:
        yield f"{provider.vendor or provider.name} wrote {_join_items(quotes)}."
    if not (changes or needs or quotes) and attribution.basis not in (EvidenceKind.COMPONENT, EvidenceKind.LINK):
        yield "The incident names no service, so it may be any of them."
    if attribution.inferred and quotes:
        has_component = bool(provider.surface(attribution.surface).components)
        shown = "The status page shows no component of it as bad" if has_component else "It has no component"
        yield f"{shown}{'' if has_component else ' on the status page'}."
    if attribution.residual:
        yield "The newest post mentions remaining errors."


def _component_changes(attribution: Attribution, incident: Incident, provider: Provider) -> Iterator[str]:
    """Yields a sentence for each change of the surface's components in the updates that the attribution rests on."""
    updates = {f"update {u.id}": u for u in incident.updates}
    for ground in dict.fromkeys(attribution.grounds):
        if ground in updates:
            yield from _changes_in_update(attribution.surface, updates[ground], provider)


def _changes_in_update(surface: str, update: Update, provider: Provider) -> Iterator[str]:
    for transition in update.transitions or ():
        link = find_component_link(transition.component_id, transition.name, provider)
        if link and link.surface == surface and (transition.old is not transition.new or transition.new.is_bad):
            yield f"The post of {update.display_at:%H:%M} UTC set it to {_CONDITION_WORDS[transition.new]}."


def _join_items(items: list[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]
