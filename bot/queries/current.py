"""``StatusQueries``: the current state of providers, surfaces and incidents, for every interface of the bot.

Verdicts are judged again for every query, since they change with time and must never be older than they say
(bot/docs/verdict-rules.md#staleness).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot import lookup
from bot.domain import (
    Advice,
    ChannelPreferences,
    Event,
    EvidenceTotals,
    Override,
    OwnService,
    Provider,
    ProviderState,
    Surface,
    TrackedIncident,
    Verdict,
    VerdictParameters,
    incident_keys,
)
from bot.errors import UsageError
from bot.lookup import Strength, Target
from bot.queries.runtime import BotRole, Runtime
from bot.rules import transition
from bot.rules.attribution import explain
from bot.rules.changes import component_pins
from bot.rules.changes.diff import first_posted_at
from bot.rules.transition import TransitionContext
from bot.rules.verdict import held_record, machine_form, overrides
from bot.storage import Repository
from bot.unit_of_work import INLINE, UnitRunner

REPORT_WINDOW = timedelta(hours=1)
LAST_WORDS = ("last", "latest", "newest")  # the newest incident of the watched providers
_RECENT = 50  # incidents among which the last of a watched provider is looked for
_MAX_ECHOED = 60  # characters of what was typed that an answer repeats


@dataclass(frozen=True, slots=True)
class StatusQueries:
    """Queries of the database.

    Attributes:
        providers: The catalogue.
        repository: The database.
        now: The clock.
        rules: The verdict parameters of a provider.
        admins: Ids of the users and user groups who may undo what others did; if empty, everybody may.
        running: The bot, if it runs in this process.
        groups: The members of user groups, by group id.
        available: Providers of the catalogue that are off.
        own_services: Our own services, which use watched ones.
        channel: The channel that asks, whose people's words on services count; empty for none.
        is_anonymous: Answers name none of these people.
        shows_declared: Pages and JSON say that a team declared an incident as its own.
        partners: Ids of other workspaces whose people may act in shared channels like our own.
    """

    providers: Sequence[Provider]
    repository: Repository
    now: Callable[[], datetime]
    rules: Callable[[Provider], VerdictParameters]
    admins: frozenset[str] = frozenset()
    running: Runtime | None = None
    groups: Mapping[str, Collection[str]] = field(default_factory=dict)
    available: Sequence[Provider] = ()
    partners: frozenset[str] = frozenset()
    own_services: Callable[[], Sequence[OwnService]] = tuple
    channel: str = ""
    is_anonymous: bool = False
    shows_declared: bool = False

    @property
    def units(self) -> UnitRunner:
        """Runs what reads and writes the database, for callers in the event loop."""
        return self.running.units if self.running else INLINE

    async def newest_event(self) -> int:
        """The number of the newest event, for callers in the event loop; who asks at the same time shares one read."""
        return await self.units.run_together(self._newest_events, None)

    def _newest_events(self, asked: Sequence[None]) -> Sequence[int]:
        return [self.repository.latest_event_id()] * len(asked)

    def seen_from(self, channel: str) -> StatusQueries:
        """The same answers as this channel reads them: with what its people say of services."""
        return replace(self, channel=channel)

    def overrides(self) -> dict[str, Override]:
        """What people of the channel say of services now, by surface; nothing without a channel."""
        stored = self.repository.user_actions.overrides(self.channel) if self.channel else ()
        return overrides.active(stored, self.now())

    def resolve_target(self, typed: str) -> Target:
        """The service or provider that a person surely means. UsageError, with choices, otherwise."""
        return lookup.resolve_target(self.providers, typed, self._not_watched())

    def resolve_surface(self, typed: str) -> tuple[Provider, Surface]:
        """The service that a person surely means, with its provider. UsageError, with choices, otherwise."""
        return lookup.resolve_surface(self.providers, typed, self._not_watched())

    def find_targets(self, typed: str) -> tuple[Strength, tuple[Target, ...]]:
        """The watched services and providers that these words name, and how surely; several are a choice."""
        return lookup.find_targets(self.providers, typed)

    def used_by(self, typed: str) -> tuple[Target, ...]:
        """The watched services that one of our own services uses, by its id or name; empty where none is called so."""
        named = next((s for s in self.own_services() if s.is_called(typed)), None)
        targets = (lookup.target_from_id(self.providers, need) for need in (named.needs if named else ()))
        return tuple(target for target in targets if target is not None)

    def _not_watched(self) -> tuple[Provider, ...]:
        """The providers that are off and have not been switched on since the start."""
        watched = {p.id for p in self.providers}
        return tuple(p for p in self.available if p.id not in watched)

    def is_admin(self, user: str) -> bool:
        """Whether a user may undo what others did. A group counts as empty until Slack has returned its members."""
        return not self.admins or user in self.admins or any(user in self.groups.get(a, ()) for a in self.admins)

    def has_unknown_groups(self) -> bool:
        """Whether the members of a user group among the admins are still unknown."""
        return any(admin.startswith("S") and admin not in self.groups for admin in self.admins)

    def snapshot(self) -> tuple[tuple[Provider, ProviderState], ...]:
        """Every provider with its current state."""
        return self._as_here(self._snapshot())

    def _as_here(self, states: Iterable[tuple[Provider, ProviderState]]) -> tuple[tuple[Provider, ProviderState], ...]:
        """The states with what people of the channel say."""
        said, now = self.overrides(), self.now()
        return tuple((p, overrides.with_overrides(state, said, now)) for p, state in states)

    def _snapshot(self) -> tuple[tuple[Provider, ProviderState], ...]:
        stored = self._stored_states(self.providers)
        now = self.now()
        alone = {p.id: self._advance_if_active(p, stored[p.id], {}, now) for p in self.providers}
        elsewhere = {v.surface: v for state in alone.values() for v in state.verdicts}
        return tuple(
            (p, alone[p.id])
            if alone[p.id] is not stored[p.id] and not p.external_surface_ids  # judged again, and by itself alone
            else (p, self._advance_to_now(p, stored[p.id], elsewhere))
            for p in self.providers
        )

    def quick_snapshot(self) -> tuple[tuple[Provider, ProviderState], ...]:
        """As ``snapshot``, but states that time does not affect are not judged again, so their reasons may be older."""
        stored, now = self._stored_states(self.providers), self.now()
        elsewhere = self._verdicts_by_surface(stored)
        return self._as_here((p, self._advance_if_active(p, stored[p.id], elsewhere, now)) for p in self.providers)

    def provider_state(self, provider: Provider) -> ProviderState:
        """The current state of one provider; other providers are read only to name alternatives."""
        named = provider.external_surface_ids
        referenced = [p for p in self.providers if p.id != provider.id and any(s.id in named for s in p.surfaces)]
        stored = self._stored_states([provider, *referenced])
        state = self._advance_to_now(provider, stored[provider.id], self._verdicts_by_surface(stored))
        return overrides.with_overrides(state, self.overrides(), self.now(), is_named=not self.is_anonymous)

    def verdict_json(self, provider: Provider, surface: Surface, client: str | None = None) -> dict[str, Any]:
        """The surface's verdict as JSON values, judged now; ``client`` gets its own time slot.

        See bot/docs/verdict-rules.md#machine-form.
        """
        now, state = self.now(), self.provider_state(provider)
        grounds = transition.verdict_cases(state, now, TransitionContext(provider, self.rules(provider), {}))[
            surface.id
        ]
        form = machine_form.verdict_as_json(self.verdict(state, surface), grounds, now, client=client)
        if said := self.overrides().get(surface.id):
            form["basis"].append(machine_form.override_evidence(said))
        return form

    def verdict(self, state: ProviderState, surface: Surface) -> Verdict:
        """The surface's verdict in this state; ``unknown`` before the first poll."""
        why = "Unknown: there was no good check of its status page yet."
        return state.verdict(surface.id) or Verdict(surface.id, Advice.UNKNOWN, self.now(), 0.0, why, "never_seen")

    def surfaces(self) -> dict[str, Surface]:
        """Every surface by its id."""
        return {s.id: s for p in self.providers for s in p.surfaces}

    def channel_preferences(self, channel: str) -> ChannelPreferences:
        """The notification preferences of a channel; the defaults if it never set any."""
        return self.repository.channel_preferences().get(channel) or ChannelPreferences(channel)

    def report_counts(self) -> Mapping[str, int]:
        """The number of people who have reported each surface within the last hour."""
        return self.repository.user_actions.report_counts(self.now() - REPORT_WINDOW)

    def evidence_totals(self, tracked: TrackedIncident) -> tuple[EvidenceTotals, ...]:
        """Counts of probes and of the team's requests on an incident's surfaces, from its detection to its end."""
        since = min(first_posted_at(tracked.incident), tracked.seen_at) - (tracked.lead or timedelta(0))
        return self.repository.archive.evidence_totals(tracked.surfaces, since, tracked.closed_at or self.now())

    def evidence_sentences(self, provider: Provider, tracked: TrackedIncident) -> dict[str, tuple[str, ...]]:
        """The evidence for an incident's surfaces, by surface; with how often a re-opening like the present held."""
        state, now = self.provider_state(provider), self.now()
        attributions = explain.last_attribution(tracked.incident, provider, now)
        found = explain.evidence_by_surface(attributions, tracked.incident, provider)
        for surface in tracked.surfaces:
            verdict = state.verdict(surface)
            if verdict and verdict.incidents and (held := held_record.held_text(verdict)):
                found[surface] = (*found.get(surface, ()), held)
        return found

    def find_incident(
        self, typed: str, channel: str | None = None
    ) -> tuple[Provider, TrackedIncident, tuple[Event, ...]]:
        """Finds an incident by its id, by a surface or provider (its newest incident), or by ``last``.

        An id may follow its provider's id and a slash, since two providers may have incidents of one id.

        Returns:
            Its provider with its pinned components, the incident, and its events; of what people wrote, only what
            ``channel`` may read.

        Raises:
            UsageError: There is no such incident.
        """
        incident_id = self._resolve_incident_id(typed)
        stored = self.repository.tracked_incident(incident_id)
        if stored is None:
            raise _no_incident(typed)
        provider_id, tracked = stored
        provider = next((p for p in self.providers if p.id == provider_id), None)
        if provider is None:
            raise UsageError(f"Incident {incident_id} is of {provider_id}, which is no longer watched.")
        state = self.repository.provider_state(provider_id)
        pinned = component_pins.pinned_provider(provider, state.pins) if state else provider
        return pinned, tracked, self.repository.events(incident_id, channel)

    def incident_key(self, typed: str) -> str | None:
        """The key of the incident with this id, or with this provider and id as in ``claude/abc``; None for none."""
        if self.repository.tracked_incident(typed):
            return typed
        source, _, vendor_id = typed.partition("/")
        for key in (incident_keys.qualified_key(source, vendor_id), vendor_id):
            if vendor_id and (stored := self.repository.tracked_incident(key)) and stored[0] == source:
                return key
        return None

    def _resolve_incident_id(self, typed: str) -> str:
        if typed.casefold() in LAST_WORDS:
            if not (incident_ids := self.repository.incident_ids(limit=_RECENT)):
                raise UsageError("No incidents recorded yet.")
            watched = {p.id for p in self.providers}
            recent = ((i, self.repository.tracked_incident(i)) for i in incident_ids)
            return next((i for i, stored in recent if stored and stored[0] in watched), incident_ids[0])
        if key := self.incident_key(typed):
            return key
        try:
            target = self.resolve_target(typed)
        except UsageError as error:
            if error.choices or error.actions[:1] != (("All services", "list all"),):
                raise
            raise _no_incident(typed) from None
        incident_ids = self.repository.incident_ids(
            provider=target.provider.id, surface=None if target.is_provider else target.id, limit=1
        )
        if not incident_ids:
            raise UsageError(f"No incidents recorded for {target.name}.")
        return incident_ids[0]

    def _stored_states(self, providers: Iterable[Provider]) -> dict[str, ProviderState]:
        """The states as recorded; those of a bot that polls are in its memory."""
        polls = self.running is not None and self.running.role is BotRole.LEADER
        known = self.running.states if self.running and polls else {}
        return {p.id: known.get(p.id) or self._read_state(p.id) for p in providers}

    def _read_state(self, provider_id: str) -> ProviderState:
        return self.repository.provider_state(provider_id) or ProviderState(provider_id)

    def _verdicts_by_surface(self, states: Mapping[str, ProviderState]) -> dict[str, Verdict]:
        """The verdicts as of now, so that no old one makes a surface an alternative to another."""
        providers, now = {p.id: p for p in self.providers}, self.now()
        advanced = (
            self._advance_if_active(providers[i], state, {}, now) if i in providers else state
            for i, state in states.items()
        )
        return {v.surface: v for state in advanced for v in state.verdicts}

    def _advance_to_now(
        self, provider: Provider, state: ProviderState, elsewhere: Mapping[str, Verdict]
    ) -> ProviderState:
        if state.seen_at is None and state.blind_since is None:
            return state
        now, rules = self.now(), self.rules(provider)
        advanced = transition.advance_time(state, now, TransitionContext(provider, rules, elsewhere)).state
        return transition.with_unknown_conditions(advanced, now, rules)

    def _advance_if_active(
        self, provider: Provider, state: ProviderState, elsewhere: Mapping[str, Verdict], now: datetime
    ) -> ProviderState:
        rules = TransitionContext(provider, self.rules(provider), elsewhere)
        return (
            state
            if transition.is_unaffected_by_time(state, now, rules)
            else self._advance_to_now(provider, state, elsewhere)
        )


def _no_incident(typed: str) -> UsageError:
    return UsageError(f"No incident “{typed[:_MAX_ECHOED]}”.", actions=(("Recent incidents", "history"),))
