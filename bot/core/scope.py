"""Incidents and components as they stand -> Hits: which surface is in, on what evidence, and since when.

Evidence in its order (DESIGN.md section 4, rules 5 and 6; safe-to-retry.md C.3 rule 2; status-sources.md 2.6): what the
incident's updates did to a component, what the component is now, what the words say. An incident's list of components
is often a bulk link to the whole page and proves nothing: a listed component that was operational all along is only
watched. ``incident.updates`` must hold no more than had been published by then; nothing here looks ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from bot.core.grammar import Say
from bot.core.reading import Reading, Word, is_residual, read
from bot.model import Basis, Component, Condition, Hit, Impact, Incident, Provider, Stage, Transition, Update, Weight

EXONERATION = timedelta(minutes=60)  # safe-to-retry.md C.3 rule 2

_OF_IMPACT = {
    Impact.MINOR: Condition.DEGRADED,
    Impact.MAJOR: Condition.PARTIAL_OUTAGE,
    Impact.CRITICAL: Condition.MAJOR_OUTAGE,
    Impact.MAINTENANCE: Condition.MAINTENANCE,
}
_STRENGTH = {Weight.DOWN: 3, Weight.CLEARED: 2, Weight.NAMED: 2, Weight.WATCH: 1}


@dataclass(frozen=True, slots=True)
class Link:
    """Which surface a component stands for; ``part`` where it is one feature of it."""

    surface: str
    part: bool


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where one surface stands in one incident, as far as its updates have been read."""

    surface: str
    weight: Weight
    basis: Basis
    since: datetime
    grounds: tuple[str, ...]
    implied: bool = False  # only a feature or a model points to it
    condition: Condition | None = None  # of its component, by the newest transition of this incident
    cleared_at: datetime | None = None
    cleared_by: Basis = Basis.TEXT


_Stands = Mapping[str, _Stand]


def scope(
    incident: Incident, components: Mapping[str, Condition], provider: Provider, now: datetime
) -> tuple[Hit, ...]:
    """What one incident says of each surface of its provider, in the catalogue's order.

    ``components`` are the page's components by id, as they are now; one that is missing is not known. A surface that
    an incident cleared keeps its hit, with ``expires``: what follows after that is the verdict's to say.
    """
    stands = _read_updates(incident, provider)
    stands = _listed(stands, incident, components, provider)
    if not stands and not incident.components and _is_trouble(incident):
        stands = _everything(incident, provider)
    stands = _in_need(stands, provider)
    return tuple(
        _hit(stands[s.id], incident, _now(s.id, components, provider), now) for s in provider.surfaces if s.id in stands
    )


def hits(
    incidents: Iterable[Incident], components: Iterable[Component], provider: Provider, now: datetime
) -> tuple[Hit, ...]:
    """Every open incident's hits, and a hit without an incident for each bad component that none of them accounts for."""
    shown = tuple(components)
    by_id = {c.id: c.condition for c in shown}
    told = [h for i in incidents if not i.stage.is_closed for h in scope(i, by_id, provider, now)]
    accounted = {h.surface for h in told if h.weight is not Weight.WATCH}
    return (*told, *_bare(shown, provider, accounted, now))


def surface_of(component_id: str, name: str, provider: Provider) -> Link | None:
    """The surface that a component stands for: by its id first, then by its name, old names included."""
    links = _links(provider)
    return links.get(component_id) or links.get(name.casefold())


@lru_cache(maxsize=64)
def _links(provider: Provider) -> Mapping[str, Link]:
    """Ids and casefolded names; where two surfaces claim one, the whole surface goes before the feature."""
    parts = {k: Link(s.id, part=True) for s in provider.surfaces for c in s.parts for k in (c, c.casefold())}
    return parts | {
        k: Link(s.id, part=False) for s in provider.surfaces for c in s.components for k in (c, c.casefold())
    }


# --- the updates, oldest first ----------------------------------------------------------------------------------------


def _read_updates(incident: Incident, provider: Provider) -> _Stands:
    title = read(incident.name, provider)
    stands: _Stands = {}
    for number, update in enumerate(incident.updates or (_only_a_title(incident),)):
        stands = _moved(stands, update, provider)
        if number == 0:
            stands = _told(stands, title, update, provider, title=True)
        if update.stage is not Stage.POSTMORTEM:
            stands = _told(stands, read(update.body, provider), update, provider)
    return stands


def _only_a_title(incident: Incident) -> Update:
    return Update(incident.id, incident.stage, "", incident.created_at)


def _moved(stands: _Stands, update: Update, provider: Provider) -> _Stands:
    """What an update's transitions do: bad draws in, operational again clears, operational all along is a link."""
    after = dict(stands)
    for link, moves in _by_surface(update.transitions or (), provider).items():
        worst = max(moves, key=lambda t: t.new.rank)
        after_move = _move(stands.get(link.surface), link, worst, update)
        if after_move is not None:
            after[link.surface] = _better(after.get(link.surface), after_move, stands.get(link.surface))
    return after


def _better(now: _Stand | None, new: _Stand, before: _Stand | None) -> _Stand:
    """Of a surface's own component and its features', the stronger word in one update."""
    if now is None or now is before:
        return new
    return max(now, new, key=lambda s: (s.cleared_at is None, _STRENGTH[s.weight]))


def _by_surface(transitions: Iterable[Transition], provider: Provider) -> dict[Link, list[Transition]]:
    moves: dict[Link, list[Transition]] = {}
    for move in transitions:
        link = surface_of(move.component_id, move.name, provider)
        if link and move.new is not Condition.UNKNOWN:
            moves.setdefault(link, []).append(move)
    return moves


def _move(stand: _Stand | None, link: Link, move: Transition, update: Update) -> _Stand | None:
    ground = (f"update {update.id}", f"component {move.component_id}")
    if move.new.is_bad or move.new is Condition.MAINTENANCE:
        return _drawn(stand, link, move, update, ground)
    if stand is None:
        return _Stand(link.surface, Weight.WATCH, Basis.LINK, update.display_at, ground, condition=move.new)
    was_bad = stand.condition is not None and stand.condition is not Condition.OPERATIONAL
    if was_bad and update.stage.is_bad and stand.cleared_at is None:
        grounds = (*stand.grounds, ground[0])
        return replace(
            stand, condition=move.new, cleared_at=update.display_at, cleared_by=Basis.TRANSITION, grounds=grounds
        )
    return replace(stand, condition=move.new)


def _drawn(stand: _Stand | None, link: Link, move: Transition, update: Update, ground: tuple[str, ...]) -> _Stand:
    weight = Weight.NAMED if link.part else Weight.DOWN
    if stand is None or stand.weight is not Weight.DOWN or stand.basis is not Basis.TRANSITION:
        since = stand.since if stand and stand.weight is not Weight.WATCH else update.display_at
        return _Stand(link.surface, weight, Basis.TRANSITION, since, ground, condition=move.new)
    again = stand.cleared_at is not None and _is_contrary(stand, move)
    if again:
        return replace(stand, condition=move.new, cleared_at=None, grounds=(*stand.grounds, ground[0]))
    return replace(stand, condition=move.new)


def _is_contrary(stand: _Stand, move: Transition) -> bool:
    """A component that is listed again with the colour it had is no news; one that turns bad or worse is."""
    return stand.cleared_by is not Basis.TEXT or stand.condition is None or move.new.rank > stand.condition.rank


# --- the words --------------------------------------------------------------------------------------------------------


def _told(stands: _Stands, said: Reading, update: Update, provider: Provider, *, title: bool = False) -> _Stands:
    named = said.hit()
    if not named and not _has_names(stands):
        named = said.hit(implied=True)
    broken = {w.surface for w in named}
    after = dict(stands)
    for word in named:
        after[word.surface] = _named(after.get(word.surface), word, update, provider)
    for word in said.words:
        if word.say in (Say.SPARED, Say.RECOVERED) and word.surface not in broken and not word.implied:
            found = _cleared(after.get(word.surface), word, update)
            if found is not None:
                after[word.surface] = found
    if (said.only or said.others_spared) and broken:
        after = {k: s if k in broken else _outside(s, update) for k, s in after.items()}
    return after


def _has_names(stands: _Stands) -> bool:
    """True once something better than a feature or a model has named a surface: then those mean nothing more."""
    return any(not s.implied for s in stands.values())


def _named(stand: _Stand | None, word: Word, update: Update, provider: Provider) -> _Stand:
    quote = f"\u201c{word.words}\u201d"
    if stand is None or stand.weight is Weight.WATCH:
        is_login = provider.surface(word.surface).is_login and not word.implied
        weight = Weight.DOWN if is_login else Weight.NAMED
        condition = stand.condition if stand else None
        return _Stand(
            word.surface, weight, Basis.TEXT, update.display_at, (f"update {update.id}", quote), word.implied, condition
        )
    back = stand.cleared_at is not None and word.say is Say.BROKEN
    implied = stand.implied and word.implied
    if not back:
        return replace(stand, implied=implied)
    return replace(stand, implied=implied, cleared_at=None, grounds=(*stand.grounds, f"update {update.id}", quote))


def _cleared(stand: _Stand | None, word: Word, update: Update) -> _Stand | None:
    quote = (f"update {update.id}", f"\u201c{word.words}\u201d")
    if stand is None and word.say is Say.RECOVERED:
        stand = _Stand(word.surface, Weight.NAMED, Basis.TEXT, update.display_at, ())
    if stand is None or stand.weight is Weight.WATCH or not (update.stage.is_bad or not stand.grounds):
        return stand
    grounds = tuple(dict.fromkeys((*stand.grounds, *quote)))
    if stand.cleared_at == update.display_at:
        return replace(stand, grounds=grounds)
    return replace(stand, cleared_at=update.display_at, cleared_by=Basis.TEXT, grounds=grounds)


def _outside(stand: _Stand, update: Update) -> _Stand:
    """Left out by "only affects ...": clears what rests on words alone, never what a component shows."""
    if stand.basis is not Basis.TEXT or stand.cleared_at is not None:
        return stand
    return replace(stand, cleared_at=update.display_at, grounds=(*stand.grounds, f"update {update.id}"))


# --- the page now -----------------------------------------------------------------------------------------------------


def _listed(
    stands: _Stands, incident: Incident, components: Mapping[str, Condition], provider: Provider
) -> dict[str, _Stand]:
    """Adds what the incident lists and no update moved: in where its component is bad now, else watched."""
    after = dict(stands)
    at = incident.updates[0].display_at if incident.updates else incident.created_at
    for component in incident.components:
        link = surface_of(component.id, component.name, provider)
        if link is None:
            continue
        held = after.get(link.surface)
        condition = components.get(component.id, Condition.UNKNOWN)
        ground = (f"component {component.id}",)
        works = not condition.is_bad and condition is not Condition.MAINTENANCE and not incident.is_maintenance
        if held is None and works:
            after[link.surface] = _Stand(link.surface, Weight.WATCH, Basis.LINK, at, ground)
        elif not works and (held is None or held.basis in (Basis.TEXT, Basis.LINK)):
            after[link.surface] = _bad_now(held, link, at, ground)
    return {k: _seen_bad(s, components, provider) for k, s in after.items()}


def _bad_now(held: _Stand | None, link: Link, at: datetime, ground: tuple[str, ...]) -> _Stand:
    weight = Weight.NAMED if link.part else Weight.DOWN
    if held is None or held.weight is Weight.WATCH:
        return _Stand(link.surface, weight, Basis.COMPONENT, held.since if held else at, ground)
    strongest = weight if _STRENGTH[weight] > _STRENGTH[held.weight] else held.weight
    return replace(held, weight=strongest, basis=Basis.COMPONENT, implied=False, grounds=(*held.grounds, *ground))


def _seen_bad(stand: _Stand, components: Mapping[str, Condition], provider: Provider) -> _Stand:
    """What the words name by its name, on a page that never links (status-sources.md 3.1), is in if its component is bad."""
    if stand.basis is not Basis.TEXT or stand.implied or stand.weight is not Weight.NAMED:
        return stand
    own = provider.surface(stand.surface).components
    bad = tuple(f"component {c}" for c in own if components.get(c, Condition.UNKNOWN).is_bad)
    return replace(stand, weight=Weight.DOWN, basis=Basis.COMPONENT, grounds=(*stand.grounds, *bad)) if bad else stand


def _now(surface: str, components: Mapping[str, Condition], provider: Provider) -> Condition | None:
    """The worst of a surface's own components as the page shows them; None where it shows none of them."""
    own = [components[c] for c in provider.surface(surface).components if c in components]
    return max(own, key=lambda c: c.rank) if own else None


def _bare(components: Iterable[Component], provider: Provider, accounted: set[str], now: datetime) -> Iterator[Hit]:
    worst: dict[str, tuple[Link, Component]] = {}
    for component in components:
        link = surface_of(component.id, component.name, provider)
        if link is None or not (component.condition.is_bad or component.condition is Condition.MAINTENANCE):
            continue
        held = worst.get(link.surface)
        if held is None or (held[0].part, -held[1].condition.rank) > (link.part, -component.condition.rank):
            worst[link.surface] = (link, component)
    for surface in provider.surfaces:
        if surface.id in worst and surface.id not in accounted:
            link, component = worst[surface.id]
            weight = Weight.NAMED if link.part else Weight.DOWN
            condition = Condition.DEGRADED if link.part and component.condition.is_bad else component.condition
            grounds = (f"component {component.id}",)
            yield Hit(surface.id, "", weight, condition, Stage.UNKNOWN, Basis.COMPONENT, now, grounds)


# --- what follows -----------------------------------------------------------------------------------------------------


def _is_trouble(incident: Incident) -> bool:
    return not incident.is_maintenance and incident.impact is not Impact.NONE


def _everything(incident: Incident, provider: Provider) -> _Stands:
    """No component and no name: any surface may be meant, so each is watched; the only one of its kind is named."""
    at = incident.updates[0].display_at if incident.updates else incident.created_at
    grounds = (f"incident {incident.id} names no surface",)
    main = [s.id for s in provider.surfaces if s.components]
    return {
        s.id: _Stand(s.id, Weight.NAMED if main == [s.id] else Weight.WATCH, Basis.TEXT, at, grounds, implied=True)
        for s in provider.surfaces
    }


def _in_need(stands: _Stands, provider: Provider) -> _Stands:
    """What cannot work without a surface that is down: in, where that is the login it logs in through; else watched."""
    after = dict(stands)
    for surface in provider.surfaces:
        for need in surface.needs:
            missing, held = stands.get(need), after.get(surface.id)
            if missing is None or missing.weight is not Weight.DOWN or missing.cleared_at is not None:
                continue
            weight = Weight.DOWN if provider.surface(need).is_login else Weight.WATCH
            if held is None or (_STRENGTH[weight] > _STRENGTH[held.weight] and held.cleared_at is None):
                grounds = (*(held.grounds if held else ()), f"needs {need}")
                after[surface.id] = _Stand(surface.id, weight, Basis.TEXT, missing.since, grounds)
    return after


def _hit(stand: _Stand, incident: Incident, shown: Condition | None, now: datetime) -> Hit:
    cleared, expires, basis = _clearance(stand, incident, shown)
    if cleared and stand.basis is Basis.TEXT and stand.weight is Weight.NAMED and expires and now >= expires:
        cleared, expires = False, None
    weight = Weight.CLEARED if cleared else stand.weight
    return Hit(
        surface=stand.surface,
        incident=incident.id,
        weight=weight,
        condition=_condition(stand, incident, shown, weight),
        stage=incident.stage,
        basis=basis if cleared else stand.basis,
        since=stand.since,
        grounds=stand.grounds,
        inferred=stand.basis is Basis.TEXT,
        residual=_residual(incident),
        expires=expires if cleared else None,
    )


def _clearance(stand: _Stand, incident: Incident, shown: Condition | None) -> tuple[bool, datetime | None, Basis]:
    """Whether the surface is cleared while its incident goes on, until when, and by what.

    A component that turned green without a word in this incident (another incident's update may have done it) is
    cleared for no time at all: vendors who clear that way are known by their profile, and the verdict asks for it.
    """
    if not incident.stage.is_bad or stand.weight is Weight.WATCH:
        return False, None, stand.basis
    if stand.cleared_at is not None:
        return True, stand.cleared_at + EXONERATION, stand.cleared_by
    was_bad = stand.condition is not None and stand.condition.is_bad
    if was_bad and shown is Condition.OPERATIONAL and stand.weight is Weight.DOWN and incident.updates:
        return True, incident.updates[-1].display_at, Basis.COMPONENT
    return False, None, stand.basis


def _condition(stand: _Stand, incident: Incident, shown: Condition | None, weight: Weight) -> Condition:
    if incident.is_maintenance:
        return Condition.MAINTENANCE if incident.stage is Stage.IN_PROGRESS else Condition.OPERATIONAL
    if weight is Weight.CLEARED and stand.cleared_by is Basis.TEXT:
        return Condition.OPERATIONAL
    if shown not in (None, Condition.UNKNOWN) and not _is_part_only(stand):
        return shown or Condition.UNKNOWN
    if weight is Weight.WATCH or not incident.stage.is_bad:
        return Condition.OPERATIONAL
    return stand.condition or _OF_IMPACT.get(incident.impact, Condition.DEGRADED)


def _is_part_only(stand: _Stand) -> bool:
    return stand.weight is Weight.NAMED and stand.basis in (Basis.TRANSITION, Basis.COMPONENT)


def _residual(incident: Incident) -> bool:
    """Whether the newest post is a Monitoring one that speaks of errors that remain (C.3 rule 6)."""
    newest = incident.updates[-1] if incident.updates else None
    return newest is not None and newest.stage is Stage.MONITORING and is_residual(newest.body)
