"""The command ``override``: what the people of a channel say of a service, until a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.commands import grammar, parsing, permissions, questions, subscriptions
from bot.commands.types import CommandRequest, CommandResponse
from bot.domain import Event, EventKind, Override, OverrideKind, Provider, Surface, UserAction
from bot.durations import Limits
from bot.errors import UsageError
from bot.messages import confirmations
from bot.queries.current import StatusQueries

DEFAULT_OVERRIDE = timedelta(hours=1)
LIMITS = Limits(timedelta(minutes=1), timedelta(days=7), "1m to 7d", "30m, 2h, until 14:00")
_END_WORDS = frozenset({"end", "off", "over", "undo"})
_NOT_US_WORDS = frozenset({"not", "not-us", "notus"})
_FILLER_WORDS = frozenset({"us", "for", "is", "affected", "affecting"})
_EXAMPLE = "override claude-api not us until 14:00"


def override(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Sets, shows or ends what the channel says of services."""
    if not request.words:
        return _listed(queries, request)
    zone = (quiet := queries.channel_preferences(request.channel).quiet) and quiet.zone
    words, until = parsing.split_off_end(request.words, queries.now(), LIMITS, zone or "UTC")
    kind, names = _split_kind(words)
    surfaces = _surfaces(queries, names)
    if not permissions.may_mute(queries, request, [surface.id for _, surface in surfaces]):
        return permissions.denied(queries)
    if kind is None:
        return _ended(queries, request, surfaces)
    action = UserAction(request.person, queries.now())
    made = [
        Override(request.channel, surface.id, kind, until or action.at + DEFAULT_OVERRIDE, action)
        for _, surface in surfaces
    ]
    for new, (provider, surface) in zip(made, surfaces, strict=True):
        text = confirmations.override_text(new, surface.name)
        queries.repository.user_actions.set_override(new, _event(queries, request, provider, surface, text))
    labels = [surface.name for _, surface in surfaces]
    subscriptions.announce(queries, request, confirmations.override_message(made, labels))
    return CommandResponse(confirmations.override_message(made, labels), in_channel=True)


def _split_kind(words: Sequence[str]) -> tuple[OverrideKind | None, tuple[str, ...]]:
    """What is said, None for its end, and the other words. UsageError where nothing is said."""
    folded = [word.casefold() for word in words]
    said = [
        kind
        for kind, found in (
            (OverrideKind.NOT_US, _NOT_US_WORDS),
            (OverrideKind.BROKEN, frozenset({"broken", "down"})),
            (None, _END_WORDS),
        )
        if found & set(folded)
    ]
    if len(said) != 1:
        raise UsageError(
            f"Say one of: not us, broken, end. Example: `{_EXAMPLE}`.", actions=(("What is set here", "override"),)
        )
    used = _NOT_US_WORDS | _FILLER_WORDS | _END_WORDS | {"broken", "down"}
    return said[0], tuple(word for word in words if word.casefold() not in used)


def _surfaces(queries: StatusQueries, words: Sequence[str]) -> list[tuple[Provider, Surface]]:
    if not words:
        raise questions.missing_name(_EXAMPLE)
    targets = grammar.find_named(queries.find_targets, queries.resolve_target, words)
    if not targets:
        raise questions.missing_name(_EXAMPLE)
    return [(target.provider, surface) for target in targets for surface in target.surfaces]


def _event(queries: StatusQueries, request: CommandRequest, provider: Provider, surface: Surface, text: str) -> Event:
    event = Event(EventKind.CORRECTION, provider.id, queries.now(), surface=surface.id, text=text)
    return replace(event, author=request.person.name, channel=request.channel)


def _ended(
    queries: StatusQueries, request: CommandRequest, surfaces: Sequence[tuple[Provider, Surface]]
) -> CommandResponse:
    store = queries.repository.user_actions
    ended = [
        surface.name
        for provider, surface in surfaces
        if store.end_override(
            request.channel,
            surface.id,
            _event(queries, request, provider, surface, f"{request.person.name} ended the override"),
        )
    ]
    return CommandResponse(confirmations.override_ended_message(ended, request.person.name), in_channel=bool(ended))


def _listed(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    names = {surface_id: surface.name for surface_id, surface in queries.surfaces().items()}
    found = queries.seen_from(request.channel).overrides().values()
    return CommandResponse(confirmations.overrides_message([(o, names.get(o.surface, o.surface)) for o in found]))
