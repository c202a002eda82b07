"""An incident's updates, oldest first -> where each surface stands in it. A fold over transitions and words; pure.

Within one update the words come after the transitions: they say what a transition means. ``old`` conditions are not
used: another incident may have set them (status-sources.md 2.6, 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.cues import Say
from bot.core.lexicon import Lexicon, lexicon
from bot.core.links import Link, Links, find, links_of
from bot.core.reading import Reading, Word, read_by
from bot.model import Basis, Condition, Incident, Provider, Stage, Transition, Update, Weight


@dataclass(frozen=True, slots=True)
class Stand:
    """Where one surface stands in one incident, as far as its updates have been read."""

    surface: str
    weight: Weight  # never CLEARED: that is ``cleared_at``
    basis: Basis
    since: datetime
    grounds: tuple[str, ...]
    implied: bool = False  # only a feature or a model points to it
    held: Mapping[str, Condition] | None = None  # its components, by this incident's newest transitions
    cleared_at: datetime | None = None
    cleared_by: Basis = Basis.TEXT

    @property
    def condition(self) -> Condition | None:
        """The worst of its components as this incident left them; None where it never moved one."""
        return max(self.held.values(), key=lambda c: c.rank) if self.held else None


Stands = Mapping[str, Stand]


def stands_of(incident: Incident, provider: Provider) -> Stands:
    """Reads the title and every update that is no postmortem."""
    words, links = lexicon(provider), links_of(provider)
    listed = {link.surface for c in incident.components if (link := find(links, c.id, c.name))}
    stands: Stands = {}
    for number, update in enumerate(incident.updates or (_only_a_title(incident),)):
        texts = [incident.name] if number == 0 else []
        texts += [update.body] if update.stage is not Stage.POSTMORTEM else []
        stands = _moved(stands, update, links)
        for text in texts:
            said = read_by(text, words)
            stands = _told(stands, _within(said, listed) if incident.components else said, update, words)
    return stands


def goes_on(stage: Stage) -> bool:
    """True while the vendor says that the trouble goes on; a stage of a word that we do not know counts as that."""
    return stage.is_bad or stage is Stage.UNKNOWN


def _only_a_title(incident: Incident) -> Update:
    return Update(incident.id, incident.stage, "", incident.created_at)


def _within(said: Reading, listed: set[str]) -> Reading:
    """Where the incident lists components, features and models point to no surface but theirs."""
    return replace(said, words=tuple(w for w in said.words if not w.implied or w.surface in listed))


# --- transitions ------------------------------------------------------------------------------------------------------


def _moved(stands: Stands, update: Update, links: Links) -> Stands:
    """Bad draws in, operational again clears, operational all along is a link."""
    after = dict(stands)
    for link, moves in _by_surface(update.transitions or (), links).items():
        stand = after.get(link.surface)
        if stand is None or not link.part or stand.weight is not Weight.DOWN:
            after[link.surface] = _move(stand, link, moves, update)
    return after


def _by_surface(transitions: Iterable[Transition], links: Links) -> dict[Link, list[Transition]]:
    """The update's moves by surface, whole surfaces before their features."""
    moves: dict[Link, list[Transition]] = {}
    for move in transitions:
        link = find(links, move.component_id, move.name)
        if link and move.new is not Condition.UNKNOWN:
            moves.setdefault(link, []).append(move)
    return dict(sorted(moves.items(), key=lambda item: item[0].part))


def _move(stand: Stand | None, link: Link, moves: list[Transition], update: Update) -> Stand:
    said = {m.component_id: m.new for m in moves}
    kept = stand.held or {} if stand and (stand.weight is Weight.DOWN or link.part) else {}
    held = {**kept, **said}
    if stand is not None and stand.held == held:
        return stand
    grounds = (f"update {update.id}", *(f"component {m.component_id}" for m in moves if _is_off(m.new)))
    if any(_is_off(m.new) for m in moves):
        return _drawn(stand, link, held, update, grounds)
    if stand is None:
        listed = tuple(f"component {m.component_id}" for m in moves)
        return Stand(link.surface, Weight.WATCH, Basis.LINK, update.display_at, (*grounds, *listed), held=held)
    was_off = stand.condition is not None and _is_off(stand.condition)
    after = replace(stand, held=held)
    is_off = after.condition is not None and _is_off(after.condition)
    if was_off and not is_off and goes_on(update.stage) and stand.cleared_at is None:
        grounds = (*stand.grounds, *grounds)
        return replace(after, cleared_at=update.display_at, cleared_by=Basis.TRANSITION, grounds=grounds)
    return after


def _is_off(condition: Condition) -> bool:
    return condition.is_bad or condition is Condition.MAINTENANCE


def _drawn(
    stand: Stand | None, link: Link, held: Mapping[str, Condition], update: Update, grounds: tuple[str, ...]
) -> Stand:
    weight = Weight.NAMED if link.part else Weight.DOWN
    if stand is None or stand.basis is not Basis.TRANSITION or stand.weight is not weight:
        since = stand.since if stand and stand.weight is not Weight.WATCH else update.display_at
        return Stand(link.surface, weight, Basis.TRANSITION, since, grounds, held=held)
    after = replace(stand, held=held)
    if stand.cleared_at is not None and _is_contrary(stand, after):
        return replace(after, cleared_at=None, grounds=(*stand.grounds, grounds[0]))
    return after


def _is_contrary(stand: Stand, after: Stand) -> bool:
    """A component that is listed again with the colour it had is no news; one that turns bad or worse is."""
    if stand.cleared_by is not Basis.TEXT or stand.condition is None or after.condition is None:
        return True
    return after.condition.rank > stand.condition.rank


# --- words ------------------------------------------------------------------------------------------------------------


def _told(stands: Stands, said: Reading, update: Update, words: Lexicon) -> Stands:
    named = said.hit()
    if not named and not _has_names(stands):
        named = said.hit(implied=True)
    hit = {w.surface for w in named}
    after = dict(stands)
    for word in named:
        after[word.surface] = _named(after.get(word.surface), word, update, words)
    for word in said.words:
        if word.say in (Say.SPARED, Say.RECOVERED) and word.surface not in hit and not word.implied:
            found = _cleared(after.get(word.surface), word, update)
            if found is not None:
                after[word.surface] = found
    if (said.only or said.others_spared) and hit:
        after = {k: s if k in hit else _outside(s, update) for k, s in after.items()}
    return after


def _has_names(stands: Stands) -> bool:
    """True once something better than a feature or a model has named a surface: then those mean nothing more."""
    return any(not s.implied for s in stands.values())


def _named(stand: Stand | None, word: Word, update: Update, words: Lexicon) -> Stand:
    grounds = (f"update {update.id}", f"\u201c{word.words}\u201d")
    if stand is None or stand.weight is Weight.WATCH:
        is_login = word.surface in words.logins and not word.implied and not _is_maintenance(update.stage)
        weight = Weight.DOWN if is_login else Weight.NAMED
        held = stand.held if stand else None
        return Stand(word.surface, weight, Basis.TEXT, update.display_at, grounds, word.implied, held)
    after = replace(stand, implied=stand.implied and word.implied)
    if stand.cleared_at is None or word.say is not Say.BROKEN:
        return after
    return replace(after, cleared_at=None, grounds=(*stand.grounds, *grounds))


def _is_maintenance(stage: Stage) -> bool:
    return stage in (Stage.SCHEDULED, Stage.IN_PROGRESS, Stage.VERIFYING, Stage.COMPLETED)


def _cleared(stand: Stand | None, word: Word, update: Update) -> Stand | None:
    """Taken out while the incident goes on. What is called repaired and was never named had been hit, all the same."""
    if stand is None and word.say is Say.RECOVERED:
        stand = Stand(word.surface, Weight.NAMED, Basis.TEXT, update.display_at, ())
    if stand is None or stand.weight is Weight.WATCH or not (goes_on(update.stage) or not stand.grounds):
        return stand
    grounds = tuple(dict.fromkeys((*stand.grounds, f"update {update.id}", f"\u201c{word.words}\u201d")))
    if stand.cleared_at == update.display_at:
        return replace(stand, grounds=grounds)
    return replace(stand, cleared_at=update.display_at, cleared_by=Basis.TEXT, grounds=grounds)


def _outside(stand: Stand, update: Update) -> Stand:
    """Left out by "only affects ...": clears what rests on words alone, never what a component shows."""
    if stand.basis is not Basis.TEXT or stand.cleared_at is not None or not goes_on(update.stage):
        return stand
    return replace(stand, cleared_at=update.display_at, grounds=(*stand.grounds, f"update {update.id}"))
