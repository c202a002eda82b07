"""Reads an incident's updates, oldest first, into the state of each surface in that incident. No I/O.

Within one update the component transitions are applied first, then the text, which says what a transition means. A
transition's ``old`` condition is not used: another incident may have set it
(bot/docs/status-page-formats.md#surfaces-of-an-incident, 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain import AttributionKind, ComponentTransition, Condition, EvidenceKind, Incident, Provider, Stage, Update
from bot.rules.attribution import phrases
from bot.rules.attribution.components import ComponentLink, ComponentLinks, component_links, find_link
from bot.rules.attribution.lexicon import Lexicon, compile_lexicon
from bot.rules.attribution.phrases import Assertion
from bot.rules.attribution.text import SurfaceMention, TextReading, is_resold, read_with_lexicon


@dataclass(frozen=True, slots=True)
class IncidentSurfaceState:
    """The state of one surface in one incident, after the updates read so far."""

    surface: str
    weight: AttributionKind  # never CLEARED: that is ``cleared_at``
    basis: EvidenceKind
    since: datetime
    grounds: tuple[str, ...]
    implied: bool = False  # only a feature or a model points to it
    component_conditions: Mapping[str, Condition] | None = None  # by component id, as this incident last set them
    cleared_at: datetime | None = None
    cleared_by: EvidenceKind = EvidenceKind.TEXT

    @property
    def condition(self) -> Condition | None:
        """The worst condition that this incident left a component in; None where it never changed one."""
        conditions = self.component_conditions
        return max(conditions.values(), key=lambda c: c.rank) if conditions else None


_MAINTENANCE_STAGES = frozenset({Stage.SCHEDULED, Stage.IN_PROGRESS, Stage.VERIFYING, Stage.COMPLETED})

IncidentSurfaceStates = Mapping[str, IncidentSurfaceState]


def incident_surface_states(incident: Incident, provider: Provider) -> IncidentSurfaceStates:
    """Returns the state of each surface, by its id, from the title and all updates but postmortems.

    Posts of a maintenance reach only the components that it lists or changes: their words are notices and boilerplate
    (bot/docs/verdict-rules.md#maintenance).
    """
    lexicon, links = compile_lexicon(provider), component_links(provider)
    listed = {link.surface for c in incident.components if (link := find_link(links, c.id, c.name))}
    states: IncidentSurfaceStates = {}
    is_restricted = bool(incident.components) or is_resold(incident.name, lexicon)
    for update, texts, review in _texts_by_update(incident):
        states = _apply_transitions(states, update, links)
        for text in (*texts, *review):
            reading = read_with_lexicon(text, lexicon)
            if text in review:
                reading = _restrict_to_known(reading, states)
            states = _apply_text(
                states, _restrict_to_listed(reading, listed) if is_restricted else reading, update, lexicon
            )
    return states


def texts_to_read(incident: Incident) -> tuple[str, ...]:
    """Returns the texts that ``incident_surface_states`` reads."""
    return tuple(text for _, texts, review in _texts_by_update(incident) for text in (*texts, *review))


def _texts_by_update(incident: Incident) -> Iterator[tuple[Update, tuple[str, ...], tuple[str, ...]]]:
    """Yields each update with its texts that are read: the title first, no postmortem, nothing of a maintenance.

    The texts of the third value look back, on an incident that was posted before.
    """
    for position, update in enumerate(incident.updates or (_title_as_update(incident),)):
        title = (incident.name,) if position == 0 else ()
        is_notice = update.stage in _MAINTENANCE_STAGES or (incident.is_maintenance and update.stage is Stage.UNKNOWN)
        if is_notice:
            yield update, (), ()
        elif update.stage is Stage.POSTMORTEM:
            yield update, title, ()
        else:
            text, review = _split_closing(update) if position else (_without_cause(update), ())
            yield update, (*title, text), review


def _split_closing(update: Update) -> tuple[str, tuple[str, ...]]:
    """Returns the update's text; of a closing one its first sentence, and apart the rest up to the cause."""
    text = _without_cause(update)
    first = phrases.SENTENCE_END.search(text) if update.stage.is_closed else None
    return (text[: first.end()], (text[first.end() :],)) if first else (text, ())


def _without_cause(update: Update) -> str:
    """Returns the update's text; of a closing one only what precedes the cause and the repair, which name neighbours.

    Its first sentence is always read.
    """
    first = phrases.SENTENCE_END.search(update.body) if update.stage.is_closed else None
    cause = phrases.REVIEW.search(update.body, first.end()) if first else None
    return update.body[: cause.start()] if cause else update.body


def _restrict_to_known(reading: TextReading, states: IncidentSurfaceStates) -> TextReading:
    """Drops what the rest of a closing text is the first to name, where the incident has named surfaces before.

    A closing text looks back: what it adds are neighbours ("other products that build on Actions, such as Pages").
    """
    if not states:
        return reading
    return replace(reading, mentions=tuple(m for m in reading.mentions if m.surface in states))


def is_ongoing(stage: Stage) -> bool:
    """True while the vendor says that the problem persists; an unknown stage counts as that."""
    return stage.is_bad or stage is Stage.UNKNOWN


def _title_as_update(incident: Incident) -> Update:
    return Update(incident.id, incident.stage, "", incident.created_at)


def _restrict_to_listed(reading: TextReading, listed: set[str]) -> TextReading:
    """Drops features and models of surfaces that are not among those whose components the incident lists."""
    return replace(reading, mentions=tuple(m for m in reading.mentions if not m.implied or m.surface in listed))


# --- transitions ------------------------------------------------------------------------------------------------------


def _apply_transitions(states: IncidentSurfaceStates, update: Update, links: ComponentLinks) -> IncidentSurfaceStates:
    """Applies the update's transitions: bad affects, operational again clears, operational all along is only a link."""
    updated = dict(states)
    for link, transitions in _transitions_by_link(update.transitions or (), links).items():
        state = updated.get(link.surface)
        stated = [t for t in transitions if not _repeats_green(t, state)]
        if stated and (state is None or not link.part or state.weight is not AttributionKind.DOWN):
            updated[link.surface] = _apply_component_statuses(state, link, stated, update)
    return updated


def _repeats_green(transition: ComponentTransition, state: IncidentSurfaceState | None) -> bool:
    """Whether a transition from operational to operational only repeats that a component that was bad is green.

    It turned green without a word of this incident before, which clears nothing
    (bot/docs/verdict-rules.md#exoneration).
    """
    conditions = state.component_conditions if state else None
    was_bad = conditions is not None and conditions.get(transition.component_id, Condition.UNKNOWN).is_bad
    return was_bad and transition.old is transition.new is Condition.OPERATIONAL


def _transitions_by_link(
    transitions: Iterable[ComponentTransition], links: ComponentLinks
) -> dict[ComponentLink, list[ComponentTransition]]:
    """Groups the update's transitions by component link, whole surfaces before features."""
    by_link: dict[ComponentLink, list[ComponentTransition]] = {}
    for transition in transitions:
        link = find_link(links, transition.component_id, transition.name)
        if link and transition.new is not Condition.UNKNOWN:
            by_link.setdefault(link, []).append(transition)
    return dict(sorted(by_link.items(), key=lambda item: item[0].part))


def _apply_component_statuses(
    state: IncidentSurfaceState | None, link: ComponentLink, transitions: list[ComponentTransition], update: Update
) -> IncidentSurfaceState:
    """Returns the surface's state after the update's transitions of the components behind one link."""
    new_conditions = {t.component_id: t.new for t in transitions}
    old_conditions = (
        state.component_conditions or {} if state and (state.weight is AttributionKind.DOWN or link.part) else {}
    )
    conditions = {**old_conditions, **new_conditions}
    if state is not None and state.component_conditions == conditions:
        return state
    grounds = (
        f"update {update.id}",
        *(f"component {t.component_id}" for t in transitions if is_bad_or_maintenance(t.new)),
    )
    if any(is_bad_or_maintenance(t.new) for t in transitions):
        return _mark_affected(state, link, conditions, update, grounds)
    if state is None:
        listed = tuple(f"component {t.component_id}" for t in transitions)
        return IncidentSurfaceState(
            link.surface,
            AttributionKind.WATCH,
            EvidenceKind.LINK,
            update.display_at,
            (*grounds, *listed),
            component_conditions=conditions,
        )
    was_affected = state.condition is not None and is_bad_or_maintenance(state.condition)
    updated = replace(state, component_conditions=conditions)
    is_affected = updated.condition is not None and is_bad_or_maintenance(updated.condition)
    if was_affected and not is_affected and is_ongoing(update.stage) and state.cleared_at is None:
        grounds = (*state.grounds, *grounds)
        return replace(updated, cleared_at=update.display_at, cleared_by=EvidenceKind.TRANSITION, grounds=grounds)
    return updated


def is_bad_or_maintenance(condition: Condition) -> bool:
    """True for conditions that affect a surface; an unknown condition does not."""
    return condition.is_bad or condition is Condition.MAINTENANCE


def _mark_affected(
    state: IncidentSurfaceState | None,
    link: ComponentLink,
    conditions: Mapping[str, Condition],
    update: Update,
    grounds: tuple[str, ...],
) -> IncidentSurfaceState:
    """Returns the surface's state with a component that is bad or under maintenance."""
    weight = AttributionKind.NAMED if link.part else AttributionKind.DOWN
    if state is None or state.basis is not EvidenceKind.TRANSITION or state.weight is not weight:
        since = state.since if state and state.weight is not AttributionKind.WATCH else update.display_at
        return IncidentSurfaceState(
            link.surface, weight, EvidenceKind.TRANSITION, since, grounds, component_conditions=conditions
        )
    updated = replace(state, component_conditions=conditions)
    if state.cleared_at is not None and _contradicts_clearance(state, updated):
        return replace(updated, cleared_at=None, grounds=(*state.grounds, grounds[0]))
    return updated


def _contradicts_clearance(before: IncidentSurfaceState, after: IncidentSurfaceState) -> bool:
    """Whether a bad component revokes a clearance: one made by text only if the condition became worse."""
    if before.cleared_by is not EvidenceKind.TEXT or before.condition is None or after.condition is None:
        return True
    return after.condition.rank > before.condition.rank


# --- text -------------------------------------------------------------------------------------------------------------


def _apply_text(
    states: IncidentSurfaceStates, reading: TextReading, update: Update, lexicon: Lexicon
) -> IncidentSurfaceStates:
    """Applies one text: affects the surfaces it names, and clears those that it says work or excludes."""
    named = reading.affected_mentions()
    if not named and not _has_explicit_mention(states):
        named = reading.affected_mentions(implied=True)
    named_surfaces = {m.surface for m in named}
    updated = dict(states)
    for mention in named:
        updated[mention.surface] = _apply_mention(updated.get(mention.surface), mention, update, lexicon)
    for mention in reading.mentions:
        if (
            mention.assertion in (Assertion.SPARED, Assertion.RECOVERED)
            and mention.surface not in named_surfaces
            and not mention.implied
        ):
            cleared = _apply_clearance(updated.get(mention.surface), mention, update)
            if cleared is not None:
                updated[mention.surface] = cleared
    if (reading.only or reading.others_spared) and named_surfaces:
        updated = {k: s if k in named_surfaces else _clear_unmentioned(s, update) for k, s in updated.items()}
    return updated


def _has_explicit_mention(states: IncidentSurfaceStates) -> bool:
    """True once any surface is named by more than a feature or a model; those are then ignored."""
    return any(not s.implied for s in states.values())


def _apply_mention(
    state: IncidentSurfaceState | None, mention: SurfaceMention, update: Update, lexicon: Lexicon
) -> IncidentSurfaceState:
    """Returns the state of a surface that the text names; one said to be broken loses its clearance."""
    grounds = (f"update {update.id}", f"\u201c{mention.clause}\u201d")
    if state is None or state.weight is AttributionKind.WATCH:
        is_login = mention.surface in lexicon.logins and not mention.implied
        weight = AttributionKind.DOWN if is_login else AttributionKind.NAMED
        conditions = state.component_conditions if state else None
        return IncidentSurfaceState(
            mention.surface, weight, EvidenceKind.TEXT, update.display_at, grounds, mention.implied, conditions
        )
    updated = replace(state, implied=state.implied and mention.implied)
    if state.cleared_at is None or mention.assertion is not Assertion.BROKEN:
        return updated
    return replace(updated, cleared_at=None, grounds=(*state.grounds, *grounds))


def _apply_clearance(
    state: IncidentSurfaceState | None, mention: SurfaceMention, update: Update
) -> IncidentSurfaceState | None:
    """Clears a surface while the incident is open. One that is said to have recovered counts as affected before."""
    if state is None and mention.assertion is Assertion.RECOVERED:
        state = IncidentSurfaceState(mention.surface, AttributionKind.NAMED, EvidenceKind.TEXT, update.display_at, ())
    if state is None or state.weight is AttributionKind.WATCH or not (is_ongoing(update.stage) or not state.grounds):
        return state
    grounds = tuple(dict.fromkeys((*state.grounds, f"update {update.id}", f"\u201c{mention.clause}\u201d")))
    if state.cleared_at == update.display_at:
        return replace(state, grounds=grounds)
    return replace(state, cleared_at=update.display_at, cleared_by=EvidenceKind.TEXT, grounds=grounds)


def _clear_unmentioned(state: IncidentSurfaceState, update: Update) -> IncidentSurfaceState:
    """Clears a surface that "only affects ..." leaves out, unless it rests on more than text."""
    if state.basis is not EvidenceKind.TEXT or state.cleared_at is not None or not is_ongoing(update.stage):
        return state
    return replace(state, cleared_at=update.display_at, grounds=(*state.grounds, f"update {update.id}"))
