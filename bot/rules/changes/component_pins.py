"""Keeps track of which component stands for which surface: known by its name at first sight, from then on by its id.

A component with a new name is the same component. One that is missing from several complete lists in a row is no
evidence any more: its condition is forgotten, and a surface without another component is unknown. A new id with the
name of one that left takes its surface over (bot/docs/status-page-formats.md#components). No I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from bot.domain import (
    Component,
    ComponentAbsence,
    ComponentPin,
    Condition,
    Event,
    EventKind,
    Provider,
    ProviderState,
    Snapshot,
    Surface,
)
from bot.rules.attribution.components import ComponentLinks, component_links
from bot.rules.changes import diff

# A component is forgotten after so many complete lists without it, over at least this time: answers of a CDN may
# alternate, and vendors edit their pages in steps.
FORGET_AFTER_POLLS = 5
FORGET_AFTER = timedelta(minutes=5)
CAME_WITH_PAGE = timedelta(days=1)  # components that were added so soon after the oldest one came with the page


@dataclass(frozen=True, slots=True)
class KnownComponents:
    """What is known of a page's components after a poll; the fields are those of ``ProviderState``."""

    components: tuple[Component, ...]
    pins: tuple[ComponentPin, ...]
    absences: tuple[ComponentAbsence, ...]
    has_all_components: bool


def components_after_poll(
    state: ProviderState, snapshot: Snapshot, at: datetime, provider: Provider
) -> KnownComponents:
    """The page's components, pins and absences after a poll. A page without components changes nothing."""
    if not snapshot.components:
        return KnownComponents(state.components, state.pins, state.absences, state.has_all_components)
    links = component_links(provider)
    listed = {c.id: c for c in snapshot.components}
    is_complete = snapshot.is_complete and any(c.condition is Condition.OPERATIONAL for c in listed.values())
    before = state.pins or _first_pins(state.components, links)
    pins = {p.id: p for p in before if p.id and (not p.entry or p.entry in links)}
    found = _dated_pins(_listed_pins(state, listed, pins, links, is_complete=is_complete), pins, state, at)
    absences = _count_absences(state, listed, at) if is_complete else _still_absent(state.absences, listed)
    replaced = _replaced_ids(pins, found, listed, links) if is_complete else frozenset()
    found = _with_predecessors(found, [pins[i] for i in replaced], pins, links)
    forgotten = replaced | {a.component for a in absences if _is_over(a, at)}
    transient = {c.id for c in state.components if c.is_transient}
    kept = tuple(
        replace(p, gone_at=at) if p.id in forgotten - transient and p.gone_at is None else p
        for p in pins.values()
        if p.id not in listed and p.id not in replaced and p.entry
    )
    live_entries = {p.entry for p in found.values()}
    lost = (*(p for p in state.pins if not p.id), *(replace(p, id="") for p in pins.values() if _is_reused(p, listed)))
    kept += tuple(p for p in lost if p.entry in links and p.entry not in live_entries)
    known = tuple(
        replace(c, condition=Condition.OPERATIONAL) if c.id in forgotten else c
        for c in diff.merge_components(state.components, snapshot)
        if c.id not in forgotten or c.id in transient
    )
    return KnownComponents(
        known, (*found.values(), *kept), tuple(a for a in absences if a.component not in forgotten), is_complete
    )


@lru_cache(maxsize=4096)  # more than the providers that are monitored
def pinned_provider(provider: Provider, pins: tuple[ComponentPin, ...]) -> Provider:
    """The provider with the ids of its pinned components beside the names in its file."""
    links = component_links(provider)
    ids: dict[str, list[str]] = {}
    for pin in pins:
        if pin.id and pin.id not in links:
            ids.setdefault(pin.entry, []).append(pin.id)
    if not ids:
        return provider

    def extended(entries: tuple[str, ...]) -> tuple[str, ...]:
        keys = dict.fromkeys(k for e in entries for k in (e, e.casefold()))
        return (*entries, *(i for k in keys for i in ids.get(k, ())))

    surfaces = tuple(replace(s, components=extended(s.components), parts=extended(s.parts)) for s in provider.surfaces)
    return replace(provider, surfaces=surfaces, detached=tuple(ids.get("", ())))


def lost_components(provider: Provider, pins: Iterable[ComponentPin]) -> dict[str, tuple[ComponentPin, ...]]:
    """The pins of the components that left the page, by surface, for surfaces that have none left on it."""
    by_entry: dict[str, list[ComponentPin]] = {}
    for pin in pins:
        by_entry.setdefault(pin.entry, []).append(pin)
    lost = {}
    for surface in provider.surfaces:
        keys = dict.fromkeys(k for e in surface.components for k in (e, e.casefold()))
        own = [p for k in keys for p in by_entry.get(k, ())]
        if own and all(p.gone_at is not None for p in own):
            lost[surface.id] = tuple(own)
    return lost


def never_found(provider: Provider, state: ProviderState) -> frozenset[str]:
    """Surfaces whose components a complete list has never had; none where the last list was not complete."""
    if not state.has_all_components:
        return frozenset()
    found = {pin.entry for pin in state.pins}
    return frozenset(
        s.id
        for s in provider.surfaces
        if s.components and not any(e in found or e.casefold() in found for e in s.components)
    )


def component_events(before: ProviderState, after: ProviderState, at: datetime, provider: Provider) -> Iterator[Event]:
    """The events of components that were renamed, that left the page, or that took a surface over."""
    links, old_pins = component_links(provider), {p.id: p for p in before.pins if p.id}
    new_ids = {p.id for p in after.pins} - set(old_pins)
    for pin in after.pins:
        old, link = old_pins.get(pin.id), links.get(pin.entry)
        surface = link.surface if link else None
        base = Event(EventKind.COMPONENT_GONE, after.provider, at, surface=surface, text=pin.name)
        if old is None:
            continue
        if pin.gone_at is not None and old.gone_at is None:
            yield replace(base, reason=f"“{pin.name}” is no longer on the page", reason_code="component_gone")
        elif pin.entry and pin.name != old.name:
            reason = f"“{old.name}” is now called “{pin.name}”"
            yield replace(base, kind=EventKind.COMPONENT_RENAMED, before=old.name, reason=reason)
    for old in before.pins:
        link = links.get(old.entry)
        successor = next((p for p in after.pins if p.id in new_ids and links.get(p.entry) == link), None)
        if old.id and link and successor and all(p.id != old.id for p in after.pins):
            yield Event(
                EventKind.COMPONENT_REPLACED,
                after.provider,
                at,
                surface=link.surface,
                text=successor.name,
                reason=f"“{successor.name}” has a new id ({old.id} before, {successor.id} now)",
            )


def _first_pins(components: Iterable[Component], links: ComponentLinks) -> tuple[ComponentPin, ...]:
    """The pins of components that an earlier version has seen, which kept none: by the names that they had then."""
    entries = ((c, c.id if c.id in links else c.name.casefold()) for c in components)
    return tuple(ComponentPin(c.id, entry, c.name) for c, entry in entries if links.get(entry))


def _listed_pins(
    state: ProviderState,
    listed: Mapping[str, Component],
    pins: Mapping[str, ComponentPin],
    links: ComponentLinks,
    *,
    is_complete: bool,
) -> dict[str, ComponentPin]:
    """The pins of the listed components that stand for a surface, and of those whose new name is another's."""
    names_before = {c.id: c.name for c in state.components}
    held = {p.entry for p in pins.values() if p.entry and p.id in listed}
    by_name = {p.name.casefold(): p.entry for p in pins.values() if p.entry and p.id not in listed and is_complete}
    found: dict[str, ComponentPin] = {}
    for component in listed.values():
        pin, name = pins.get(component.id), component.name.casefold()
        if component.id in links:
            entry = component.id
        elif pin is not None and pin.entry and not _is_reused(pin, listed):
            entry = pin.entry
        elif name in links:
            is_renamed = pin is not None or names_before.get(component.id, component.name) != component.name
            entry = "" if is_renamed and name in held else name
        elif name in by_name:
            entry = by_name[name]
        else:
            continue
        found[component.id] = ComponentPin(component.id, entry, component.name)
    return found


def _dated_pins(
    found: Mapping[str, ComponentPin], pins: Mapping[str, ComponentPin], state: ProviderState, at: datetime
) -> dict[str, ComponentPin]:
    """The pins with when each began: a new one now, if the last list was complete and did not have it."""
    known = {c.id for c in state.components}
    is_dated = bool(known) and state.has_all_components

    def dated(pin: ComponentPin) -> ComponentPin:
        before = pins.get(pin.id)
        if before is not None:
            return replace(pin, since=before.since, is_successor=before.is_successor)
        return replace(pin, since=at) if is_dated and pin.id not in known else pin

    return {i: dated(pin) for i, pin in found.items()}


def _with_predecessors(
    found: Mapping[str, ComponentPin],
    replaced: Iterable[ComponentPin],
    pins: Mapping[str, ComponentPin],
    links: ComponentLinks,
) -> dict[str, ComponentPin]:
    """The pins; a new one that took over from another of its name began when that one did."""
    earlier = {(links.get(p.entry), p.name.casefold()): p for p in replaced}

    def succeeded(pin: ComponentPin) -> ComponentPin:
        before = earlier.get((links.get(pin.entry), pin.name.casefold()))
        is_new = before is not None and pin.entry and pin.id not in pins
        return replace(pin, since=before.since, is_successor=True) if before and is_new else pin

    return {i: succeeded(pin) for i, pin in found.items()}


def listed_lifetime(
    surface: Surface, pins: Iterable[ComponentPin], components: Sequence[Component]
) -> tuple[datetime | None, datetime | None]:
    """When a surface began and ended by its components on the page; None where that is not known, or has not been.

    It began with the first of them: with the first list that had it, or else when the vendor added it. It ended when
    all of them had left the page.
    """
    keys = {k for e in surface.components for k in (e, e.casefold())}
    own = [p for p in pins if p.entry in keys]
    added = _added_later(components)
    begun = [p.since or (None if p.is_successor else added.get(p.id)) for p in own]
    began = min((at for at in begun if at is not None), default=None) if all(begun) else None
    gone = [p.gone_at for p in own if p.gone_at is not None]
    return began, max(gone) if gone and len(gone) == len(own) else None


def _added_later(components: Iterable[Component]) -> dict[str, datetime]:
    """When components were added, by id, of those that are more than a day younger than the page's oldest.

    The others came with the page, which says nothing about the age of what they stand for.
    """
    added = {c.id: c.created_at for c in components if c.created_at is not None}
    first = min(added.values(), default=None)
    return {i: at for i, at in added.items() if first is not None and at - first > CAME_WITH_PAGE}


def _is_reused(pin: ComponentPin, listed: Mapping[str, Component]) -> bool:
    """Whether a component that had left is back under another name: the vendor has given its id to a new one."""
    component = listed.get(pin.id)
    return component is not None and pin.gone_at is not None and pin.name.casefold() != component.name.casefold()


def _replaced_ids(
    pins: Mapping[str, ComponentPin],
    found: Mapping[str, ComponentPin],
    listed: Mapping[str, Component],
    links: ComponentLinks,
) -> frozenset[str]:
    """Ids that are not listed, and whose surface and name a component with a new id has now."""
    new = {
        (links.get(p.entry), p.name.casefold())
        for p in found.values()
        if p.entry and (p.id not in pins or not pins[p.id].entry)
    }
    return frozenset(
        p.id for p in pins.values() if p.id not in listed and (links.get(p.entry), p.name.casefold()) in new
    )


def _count_absences(
    state: ProviderState, listed: Mapping[str, Component], at: datetime
) -> tuple[ComponentAbsence, ...]:
    """The components that a complete list lacks, each with how often and since when.

    One that is listed only while it is not operational is counted until it counts as operational.
    """
    before = {a.component: a for a in state.absences}
    well = {c.id for c in state.components if c.is_transient and c.condition is Condition.OPERATIONAL}
    known = dict.fromkeys((*(c.id for c in state.components), *(p.id for p in state.pins if p.gone_at is None)))
    absent = (before.get(i) or ComponentAbsence(i, at, 0) for i in known if i and i not in listed and i not in well)
    return tuple(replace(a, polls=a.polls + 1) for a in absent)


def _still_absent(
    absences: tuple[ComponentAbsence, ...], listed: Mapping[str, Component]
) -> tuple[ComponentAbsence, ...]:
    return tuple(a for a in absences if a.component not in listed)


def _is_over(absence: ComponentAbsence, at: datetime) -> bool:
    return absence.polls >= FORGET_AFTER_POLLS and at - absence.since >= FORGET_AFTER
