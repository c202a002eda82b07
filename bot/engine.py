"""The engine connects polling, the rules, the database and delivery.

It has two operations. ``poll`` reads a provider's page, computes the transition and records it together with its
notifications; ``publish`` sends the pending notifications through the ``Notifier``. Recording comes before sending, so
that a crash or a Slack outage loses no alert (bot/docs/decisions.md#8-record-before-send). HTTP, the database and the
chat are behind Protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol

from bot.domain import (
    Advice,
    Alert,
    ChannelPreferences,
    EvidenceBatch,
    IncidentUserActions,
    Message,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    Observation,
    OwnService,
    PollFailure,
    PollResult,
    Provider,
    ProviderState,
    Snapshot,
    Stage,
    Subscription,
    ToolTarget,
    TrackedIncident,
    Verdict,
    VerdictParameters,
    dependents,
)
from bot.errors import OtherVersionError, StoreError
from bot.messages.alerts import render_notification
from bot.messages.announcement import Announcement
from bot.notifier import (
    ChatClient,
    Credentials,
    DeliveryAttempt,
    DeliveryStop,
    Notifier,
    Outbox,
    PendingNotification,
    own_network,
)
from bot.notifier.claims import Allowance, ChannelClaims
from bot.notifier.limiter import MessageLimiter
from bot.notifier.own_network import OwnNetwork
from bot.poller import PageClient, Poller, RelocationDetector
from bot.rules import transition
from bot.rules.alerting import decide, page_notices, routing, tool_routing, upstream
from bot.rules.attribution.updates import texts_to_read
from bot.rules.changes import diff
from bot.rules.evidence import unmapped
from bot.rules.transition import StateTransition, TransitionContext
from bot.unit_of_work import INLINE, UnitRunner

MessageChannels = Mapping[str, Mapping[str, bool]]  # see EngineRepository.message_channels
MOST_ALERTS = 10  # first alerts that may wait in a channel, each with its own message; more become a list
_UNREADABLE = (NoticeKind.BLIND, NoticeKind.ALARM)
MIN_READ_AHEAD = 2000  # characters of new texts; 5,000 take up to 40 ms to read
_BEGINNINGS = {NoticeKind.BACK: NoticeKind.BLIND, NoticeKind.WELL: NoticeKind.ALARM}


class EngineRepository(Outbox, Protocol):
    """The storage that the engine needs.

    ``record_transition`` is one database transaction, in which its notifications are asked for.

    ``keep_unchanged_poll`` keeps a poll that changed nothing in memory, to be written later; it returns False, and does
    nothing, where it has to be recorded. ``message_channels`` are, by incident, the channels that have a message about
    it, and whether that mentions a person. ``hand_over`` stores evidence for the bot that polls the provider's page.
    """

    def subscriptions(self) -> tuple[Subscription, ...]: ...  # noqa: D102
    def subscriptions_to(self, targets: Iterable[str]) -> tuple[Subscription, ...]: ...  # noqa: D102
    def provider_states(self, providers: Iterable[str]) -> Mapping[str, ProviderState]: ...  # noqa: D102
    def record_transition(  # noqa: D102
        self, observation: Observation | None, transition: StateTransition, notifications: Iterable[Notification]
    ) -> None: ...
    def keep_unchanged_poll(self, observation: Observation, transition: StateTransition) -> bool: ...  # noqa: D102
    def flush(self) -> None: ...  # noqa: D102
    def shift_due_times(self, now: datetime, by: timedelta) -> None: ...  # noqa: D102
    def key_holders(self, keys: Iterable[str]) -> Iterable[tuple[str, str]]: ...  # noqa: D102
    def tracked_incidents(self, incidents: Iterable[str]) -> Iterable[tuple[str, TrackedIncident]]: ...  # noqa: D102
    def message_channels(self, incidents: Iterable[str]) -> MessageChannels: ...  # noqa: D102
    def channel_preferences(self) -> Mapping[str, ChannelPreferences]: ...  # noqa: D102
    def has_notification(self, channel: str, key: str) -> bool: ...  # noqa: D102
    def first_key(self, channel: str, prefix: str) -> str: ...  # noqa: D102
    def with_advice_record(self, alert: Alert) -> Alert: ...  # noqa: D102
    def enqueue(self, notifications: Iterable[Notification], at: datetime) -> int: ...  # noqa: D102
    def hand_over(self, provider: str, evidence: EvidenceBatch, at: datetime) -> None: ...  # noqa: D102


class TextReader(Protocol):
    """Reads texts outside the event loop, and leaves the readings in the cache of the attribution rules."""

    async def read(self, texts: Iterable[str], provider: Provider) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of ``[[notify]]``: which alerts it gets, and what delivers them."""

    target: ToolTarget
    notifier: Notifier[Announcement]


@dataclass(slots=True)
class Engine:
    """Polls pages, applies the rules, records the results and sends the notifications.

    ``now`` is the clock; it must return timezone-aware UTC times. ``blind_after`` and ``alarm_after`` are consecutive
    failed polls: after so many the channels are notified that the page is unreadable, or its owners that it needs
    attention.

    The methods that are not coroutines are units of work: where ``units`` runs them in a thread, so do their callers
    (``await engine.units.run(engine.apply_evidence, ...)``). A provider's state changes in units only, after it was
    recorded.
    """

    providers: dict[str, Provider]
    web: PageClient
    repository: EngineRepository
    chat: ChatClient[Message]
    now: Callable[[], datetime]
    rules: Callable[[Provider], VerdictParameters]
    blind_after: int = 3
    alarm_after: int = decide.ALARM_AFTER
    owners: Callable[[], Iterable[str]] = tuple  # users or a channel: the operators of the bot
    relocation_detector: RelocationDetector | None = None  # describes what an address serves in place of its page
    credentials: Credentials | None = None  # the chat's token, read again when the chat refuses it
    states: dict[str, ProviderState] = field(default_factory=dict)
    _provider_ids: dict[str, str] = field(default_factory=dict)  # surface id -> provider id
    poller: Poller = field(init=False)
    notifier: Notifier[Message] = field(init=False)
    _tool_notifiers: dict[str, Notifier[Announcement]] = field(init=False)  # by channel
    own_network: OwnNetwork = field(default_factory=OwnNetwork)
    _failures: dict[str, PollFailure] = field(default_factory=dict)  # by provider, of its last failed poll
    tools: tuple[Tool, ...] = ()
    own_services: Callable[[], Iterable[OwnService]] = tuple  # of the configuration, which may be read again
    limiter: MessageLimiter = field(default_factory=MessageLimiter)  # of the chat
    text_reader: TextReader | None = None  # reads long texts elsewhere; None: they are read in the caller's thread
    units: UnitRunner = INLINE
    elsewhere: set[str] = field(default_factory=set)  # providers whose pages another bot polls; it records their states
    _texts: dict[str, frozenset[str]] = field(default_factory=dict)  # by provider, what its last page said
    _taken_channels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Restores every provider's state from the database."""
        self.notifier = Notifier(
            *(self.repository, self.chat, self.now, self._render, self.credentials),
            limiter=self.limiter,
            units=self.units,
        )
        self._tool_notifiers = {tool.target.channel: tool.notifier for tool in self.tools}
        self.poller = Poller(
            self.web,
            self.now,
            relocation_detector=self.relocation_detector,
            scout_after=self.blind_after,
            key_holders=self._key_holders,
        )
        self._add_providers([*self.providers.values()])

    def add_provider(self, provider: Provider) -> None:
        """Adds or replaces a provider and restores its state from the database."""
        self._add_providers([provider])

    def _add_providers(self, added: Sequence[Provider]) -> None:
        stored = self.repository.provider_states(p.id for p in added)
        for provider in added:
            self.providers[provider.id] = provider
            self.states[provider.id] = stored.get(provider.id) or ProviderState(provider.id)
            self._provider_ids |= dict.fromkeys((s.id for s in provider.surfaces), provider.id)

    def restore_state(self, provider_id: str) -> None:
        """Reads a provider's state from the database."""
        stored = self.repository.provider_states([provider_id])
        self.states[provider_id] = stored.get(provider_id) or ProviderState(provider_id)

    def remove_provider(self, provider_id: str) -> None:
        """Forgets a provider that is no longer watched; its record stays in the database. KeyError if it is unknown."""
        removed = self.providers.pop(provider_id)
        del self.states[provider_id]
        for surface in removed.surfaces:
            self._provider_ids.pop(surface.id, None)
        self.leave_page(provider_id)
        self.elsewhere.discard(provider_id)

    def leave_page(self, provider_id: str) -> None:
        """Leaves a provider's page to another bot, whose states come from the database from now on."""
        self.elsewhere.add(provider_id)
        self.poller.clear_cache(provider_id)
        self._texts.pop(provider_id, None)
        self._failures.pop(provider_id, None)
        self.own_network.forget(provider_id)

    @property
    def own_providers(self) -> tuple[Provider, ...]:
        """The providers whose pages this bot polls: all, where it shares them with no other bot."""
        return tuple(provider for provider in self.providers.values() if provider.id not in self.elsewhere)

    def _render(self, notification: Notification, people: IncidentUserActions, link_url: str) -> Message:
        """A notification as the chat takes it; an alert names our own services of the channel that are concerned."""
        about = notification.about
        surfaces = {line.surface for line in about.lines} if isinstance(about, Alert) else set()
        used_by = dependents(self.own_services(), notification.channel, surfaces)
        return render_notification(notification, people, link_url, used_by)

    # --- poll ---------------------------------------------------------------------------------------------------------

    async def poll(self, provider_id: str, free: Callable[[], int] | None = None) -> StateTransition:
        """Polls a provider's page, applies the result to its state, and records the transition.

        ``free`` says how many deliveries may begin. With it, the next messages are marked as sending in the transaction
        of the record, and ``taken_channels`` are those for which ``publish_to`` is to be called.

        Raises StoreError where it could not be recorded; the state is unchanged then.
        """
        provider = self.providers[provider_id]
        result, observation = await self.poller.poll(provider, self.states[provider_id])
        await self._read_texts(provider, result)
        if result.is_same:
            change = await self.units.run_short(self._keep_unchanged, provider, result, observation)
            if change is not None:
                return change
        allowance = self.notifier.allow(free() if free is not None and not result.is_same else 0)
        try:
            change = await self.units.run(self._apply_poll, provider, result, observation, allowance)
        except Exception as error:
            self._taken_channels += self.notifier.begin_deliveries(allowance)
            if isinstance(error, StoreError):
                self.poller.clear_cache(provider_id)  # the next poll is unconditional and records this result
            raise
        except BaseException:  # cancelled; the unit runs in any case
            self.notifier.abandon(allowance)
            raise
        self._taken_channels += self.notifier.begin_deliveries(allowance)
        return change

    def taken_channels(self) -> tuple[str, ...]:
        """The channels, claimed in ``claims``, for which a poll has taken messages since this was asked last."""
        taken, self._taken_channels = self._taken_channels, ()
        return taken

    async def _key_holders(self, keys: Iterable[str]) -> Iterable[tuple[str, str]]:
        return await self.units.run(self.repository.key_holders, keys)

    def _keep_unchanged(
        self, provider: Provider, result: PollResult, observation: Observation
    ) -> StateTransition | None:
        """A short unit of work: applies a poll that changes nothing; None, and no effect, where more may follow."""
        if self.own_network.since is not None or self.own_network.notified:
            return None
        change = transition.skip_unchanged(self.states[provider.id], result, self._transition_context(provider))
        if change is None or not self.repository.keep_unchanged_poll(observation, change):
            return None
        self._note_reachability(change)
        self.states[provider.id] = change.state
        return change

    def _apply_poll(
        self,
        provider: Provider,
        result: PollResult,
        observation: Observation,
        allowance: Allowance[PendingNotification],
    ) -> StateTransition:
        """A unit of work: the transition of a poll, which is recorded; what is to be sent next is taken with it."""
        state = self._with_forgotten_incidents(self.states[provider.id], result)
        context = self._transition_context(provider)
        change = transition.skip_unchanged(state, result, context) or transition.apply_poll(state, result, context)
        self._note_reachability(change)
        self._record(observation, change, provider, allowance)
        self._report_own_network()
        return change

    def _note_reachability(self, change: StateTransition) -> None:
        """Notes for ``own_network`` whether the page could be read."""
        state = change.state
        code = change.poll_failure.code if change.poll_failure else ""
        since = state.blind_since or self.now()
        self.own_network.record(state.provider, code, since, failures=state.failures, down_after=self.blind_after)

    def _with_forgotten_incidents(self, state: ProviderState, result: PollResult) -> ProviderState:
        """The state with the ended incidents that it has forgotten and that the page shows again, as recorded.

        Without them, a post-mortem or a reopening a day after the end would be a new incident with old posts.
        """
        if result.is_same or not isinstance(result.saw, Snapshot):
            return state
        known = {k.incident.id for k in state.incidents}
        new = [i.id for i in diff.listed_incidents(result.saw) if i.id not in known]
        recorded = self.repository.tracked_incidents(new) if new else ()
        forgotten = tuple(
            replace(tracked, freed=tracked.surfaces, cleared_at=tracked.closed_at, is_missed=False)
            for provider, tracked in recorded
            if provider == state.provider and not tracked.is_open and not tracked.is_backfilled
        )
        return replace(state, incidents=(*state.incidents, *forgotten)) if forgotten else state

    async def _read_texts(self, provider: Provider, result: PollResult) -> None:
        """Has a page's new texts read ahead if they are long; the transition then finds the readings in the cache.

        After a monitoring gap a page may have 200 new updates, which take seconds.
        """
        if self.text_reader is None or result.is_same or not isinstance(result.saw, Snapshot):
            return
        incidents = (i for i in result.saw.incidents or () if not i.stage.is_closed)
        texts = dict.fromkeys(chain.from_iterable(map(texts_to_read, incidents)))
        new = [text for text in texts if text not in self._texts.get(provider.id, ())]
        if sum(map(len, new)) >= MIN_READ_AHEAD:
            await self.text_reader.read(new, provider)
        self._texts[provider.id] = frozenset(texts)

    def advance_time(self) -> tuple[StateTransition, ...]:
        """Advances its providers to the current time, which may change verdicts. Records and returns only changes."""
        return tuple(transition for transition in self.advance_time_by_provider() if transition is not None)

    def advance_time_by_provider(self) -> Iterator[StateTransition | None]:
        """Does the same one provider per step, so that the caller can yield to other tasks in between.

        Each item is a provider's transition, or None where nothing changed.
        """
        for provider in self.own_providers:
            yield self._advance_provider(provider)
        self._report_own_network()
        self._report_unreadable()
        self.repository.flush()

    def _advance_provider(self, provider: Provider) -> StateTransition | None:
        state = self.states.get(provider.id)  # None if it was removed between two steps
        if state is None or provider.id in self.elsewhere or (state.seen_at is None and state.blind_since is None):
            return None
        now, context = self.now(), self._transition_context(provider)
        if transition.is_unaffected_by_time(state, now, context):
            return None
        change = transition.advance_time(state, now, context)
        if not change.events and _interval_values(change.before) == _interval_values(change.state):
            self.states[provider.id] = change.state
            return None
        self._record(None, change, provider)
        return change

    def apply_evidence(self, provider_id: str, evidence: EvidenceBatch) -> StateTransition | None:
        """Applies evidence beside the page to a provider's state, and records the transition.

        Evidence on surfaces that the provider does not have is ignored. Returns None where no evidence is left, and
        where another bot polls the page: the evidence is stored for that one. Raises KeyError where the provider is
        not monitored.
        """
        provider = self.providers[provider_id]
        evidence = evidence.of_surfaces({s.id for s in provider.surfaces})
        if evidence == EvidenceBatch():
            return None
        if provider_id in self.elsewhere:
            self.repository.hand_over(provider_id, evidence, self.now())
            return None
        change = transition.apply_evidence(
            self.states[provider_id], evidence, self.now(), self._transition_context(provider)
        )
        self._record(None, change, provider)
        return change

    def needs_frequent_polls(self, provider_id: str) -> bool:
        """True while an incident is open or retries to a surface are restricted: the page is polled more often then."""
        state = self.states[provider_id]
        is_open = any(
            k.incident.stage is not Stage.SCHEDULED and not unmapped.is_unmapped_outage(k) for k in state.open_incidents
        )
        unrestricted = (Advice.RETRY_NORMALLY, Advice.UNKNOWN)
        return is_open or any(v.call not in unrestricted and v.reason_code != "starting" for v in state.verdicts)

    def _transition_context(self, provider: Provider) -> TransitionContext:
        """The context of a provider's transition; of other providers, only the verdicts of referenced surfaces."""
        owners = (
            (name, self._provider_ids[name]) for name in provider.external_surface_ids if name in self._provider_ids
        )
        verdicts = ((name, self.states[owner].verdict(name)) for name, owner in owners)
        elsewhere: dict[str, Verdict] = {name: verdict for name, verdict in verdicts if verdict is not None}
        return TransitionContext(provider, self.rules(provider), elsewhere)

    def alternatives(self, provider: Provider) -> dict[str, str]:
        """The names of other providers' surfaces that this one refers to and that are safe to retry, by id."""
        safe = {}
        for name in provider.external_surface_ids:
            owner = self._provider_ids.get(name)
            verdict = self.states[owner].verdict(name) if owner else None
            if owner and verdict and verdict.call is Advice.RETRY_NORMALLY:
                safe[name] = self.providers[owner].surface(name).name
        return safe

    def _record(
        self,
        observation: Observation | None,
        transition: StateTransition,
        provider: Provider,
        allowance: Allowance[PendingNotification] | None = None,
    ) -> None:
        decision = decide.decide(
            transition,
            provider,
            blind_after=self.blind_after,
            alarm_after=self.alarm_after,
            alternatives=self.alternatives(provider),
        )
        has_messages = decision.alerts or decision.notices or decision.for_owner
        notifications = self._route(transition, provider, decision) if has_messages else ()
        is_taken = has_messages and len(decision.alerts) <= MOST_ALERTS  # more are put into a list before one is sent
        if is_taken and allowance is not None and allowance.most:
            self._record_and_take(observation, transition, notifications, allowance)
        else:
            self.repository.record_transition(observation, transition, notifications)
        self.states[provider.id] = transition.state
        if transition.poll_failure is not None:
            self._failures[provider.id] = transition.poll_failure

    def _record_and_take(
        self,
        observation: Observation | None,
        transition: StateTransition,
        notifications: Iterable[Notification],
        allowance: Allowance[PendingNotification],
    ) -> None:
        """Records a transition and marks the next messages as sending, in one transaction: the disk is waited for once.

        A message that can't be read does not keep the transition from being recorded.
        """
        try:
            with self.repository.transaction():
                self.repository.record_transition(observation, transition, notifications)
                with suppress(OtherVersionError):
                    self.notifier.take_next(allowance)
        except BaseException:
            self.notifier.give_back(allowance)
            raise
        self.notifier.end_taking(allowance)

    def _route(
        self, transition: StateTransition, provider: Provider, decision: decide.Decision
    ) -> Iterator[Notification]:
        """The notifications of what was decided to say; whom it is for is read as they are asked for."""
        alerts = tuple(
            self.repository.with_advice_record(a) if a.cleared_at else self.with_upstream(a, transition.state)
            for a in decision.alerts
        )
        surfaces = {s.id for s in provider.surfaces}
        targets = {provider.id, *surfaces, *(line.surface for alert in decision.alerts for line in alert.lines)}
        subscriptions = self.repository.subscriptions_to(targets)
        said = self._message_channels(alerts)
        notices, for_owner = (self._without_own_network(n, provider) for n in (decision.notices, decision.for_owner))
        yield from chain(
            *(self._route_alert(alert, subscriptions, said) for alert in alerts),
            *(self._route_to_tools(alert, said) for alert in alerts),
            *(self._route_notice(notice, subscriptions, surfaces) for notice in notices),
            *(
                self._only_after_its_beginning(routing.route_owner(notice, self.owners(), subscriptions, surfaces))
                for notice in for_owner
            ),
        )

    def _route_notice(
        self, notice: Notice, subscriptions: Iterable[Subscription], surfaces: Collection[str]
    ) -> Iterator[Notification]:
        """The notifications of a notice. In quiet hours, that a page is unreadable makes no new message."""
        preferences, now = self.repository.channel_preferences(), self.now()
        channels = routing.ChannelDeliveryState(preferences)
        routed = routing.route_notice(notice, subscriptions, surfaces, channels)
        for notification in self._only_after_its_beginning(routed):
            about = notification.about
            is_new = isinstance(about, Notice) and about.kind is NoticeKind.BLIND and not about.edits
            if not (is_new and _is_quiet(preferences.get(notification.channel), now)):
                yield notification

    def _report_unreadable(self) -> None:
        """Tells channels whose quiet hours have ended of the pages that became unreadable in them, and still are."""
        preferences = self.repository.channel_preferences()
        waiting = {c for c, p in preferences.items() if p.quiet is not None and not _is_quiet(p, self.now())}
        for provider in self._unreadable_providers() if waiting else ():
            state, surfaces = self.states[provider.id], {s.id for s in provider.surfaces}
            failure = self._failures.get(provider.id)
            notice = page_notices.unreadable_notice(state, provider, self.now(), failure)
            subscriptions = self.repository.subscriptions_to({provider.id, *surfaces})
            new = [
                n
                for n in self._route_notice(notice, [s for s in subscriptions if s.channel in waiting], surfaces)
                if not self.repository.has_notification(n.channel, n.key)
            ]
            if new:
                self.repository.enqueue(new, self.now())

    def _unreadable_providers(self) -> Iterator[Provider]:
        """The providers whose pages count as unreadable, and not because of the bot's own network."""
        limits = page_notices.FailureLimits(self.blind_after, self.alarm_after)
        for provider in self.own_providers:
            state = self.states.get(provider.id)
            is_unreadable = state is not None and page_notices.is_unreadable_for_channels(state, limits)
            if is_unreadable and not self.own_network.is_blamed_for(provider.id):
                yield provider

    def with_upstream(self, alert: Alert, state: ProviderState) -> Alert:
        """The alert with the incidents of other providers that its words name; see ``bot.rules.alerting.upstream``."""
        tracked = state.tracked_incident(alert.incident)
        return upstream.with_upstream(alert, tracked.incident, self.providers, self.states) if tracked else alert

    def _without_own_network(self, notices: Iterable[Notice], provider: Provider) -> Iterator[Notice]:
        """The notices without those on a page that can't be read because the bot's own network is down."""
        is_blamed = self.own_network.is_blamed_for(provider.id)
        yield from (n for n in notices if not (is_blamed and n.kind in _UNREADABLE))

    def _only_after_its_beginning(self, notifications: Iterable[Notification]) -> Iterator[Notification]:
        """Leaves out that a page is readable again, where no one was notified that it was not.

        That a page is unreadable is one message a day and channel: what follows in that day edits it.
        """
        for notification in notifications:
            notice = notification.about
            before = _BEGINNINGS.get(notice.kind) if isinstance(notice, Notice) else None
            key = notification.key.replace(f":{notice.kind}:", f":{before}:", 1) if isinstance(notice, Notice) else ""
            if before is None or self.repository.has_notification(notification.channel, key):
                yield self._in_message_of_its_day(notification)

    def _in_message_of_its_day(self, notification: Notification) -> Notification:
        """The notification; where it says of a page that it is unreadable or not, as an edit of that day's message."""
        notice = notification.about
        if not isinstance(notice, Notice) or notice.kind not in (NoticeKind.BLIND, NoticeKind.BACK):
            return notification
        day = f"{notice.provider}:{NoticeKind.BLIND}:{notice.since:%Y-%m-%d}"
        first = self.repository.first_key(notification.channel, day)
        return replace(notification, about=replace(notice, edits=first)) if first else notification

    def _report_own_network(self) -> None:
        """Tells every channel once (not in quiet hours) that the bot's own network is down, and when it is back."""
        network, now = self.own_network, self.now()
        if notice := network.down_notice(now):
            subscriptions = self.repository.subscriptions()
            readers = {s.channel for s in subscriptions} | set(self.owners())
            preferences = self.repository.channel_preferences() if readers - network.notified else {}
            recipients = {c for c in readers - network.notified if not routing.is_silent(preferences.get(c), now)}
        elif network.notified and network.since is None and network.last_down_since is not None:
            notice, recipients = own_network.back_notice(network.last_down_since, now), set(network.notified)
        else:
            return
        if recipients:
            rows = [Notification(c, NotificationKind.NOTICE, notice.key, notice) for c in sorted(recipients)]
            self.repository.enqueue(rows, now)
        network.mark_notified(recipients)

    def route_alert(self, alert: Alert, subscriptions: Iterable[Subscription]) -> Iterator[Notification]:
        """The notifications of an alert, one per channel that is subscribed to it."""
        return self._route_alert(alert, subscriptions, self._message_channels([alert]))

    def _message_channels(self, alerts: Iterable[Alert]) -> MessageChannels:
        """The channels that have messages of the incidents that these alerts are about or refer to."""
        named = ((a.incident, *a.follows, *a.takes_over, *a.yields_to) for a in alerts)
        incidents = dict.fromkeys(chain.from_iterable(named))
        return self.repository.message_channels(incidents) if incidents else {}

    def _route_alert(
        self, alert: Alert, subscriptions: Iterable[Subscription], said: MessageChannels
    ) -> Iterator[Notification]:
        earlier = tuple((incident, frozenset(said[incident])) for incident in alert.follows)
        mentioned = frozenset(
            channel
            for incident in (alert.incident, *alert.takes_over)
            for channel, has_mention in said[incident].items()
            if has_mention
        )
        channels = routing.ChannelDeliveryState(self.repository.channel_preferences(), mentioned, earlier)
        return routing.route_alert(alert, subscriptions, _notified_channels(alert, said), channels)

    def _route_to_tools(self, alert: Alert, said: MessageChannels) -> Iterator[Notification]:
        """The notifications of an alert for the tools of ``[[notify]]``."""
        if self.tools:
            notified = _notified_channels(alert, said)
            for tool in self.tools:
                yield from tool_routing.route_to_tool(alert, tool.target, has_alert=tool.target.channel in notified)

    # --- publish ------------------------------------------------------------------------------------------------------

    async def take_evidence(self, provider_id: str, evidence: EvidenceBatch) -> StateTransition | None:
        """``apply_evidence``, for callers in the event loop."""
        return await self.units.run(self.apply_evidence, provider_id, evidence)

    def shift_due_times(self, by: timedelta) -> None:
        """Moves the times at which notifications are due by so much, after the clock was set back."""
        self.repository.shift_due_times(self.now(), by)

    def pending_channels(self) -> Sequence[str]:
        """The channels with pending notifications, the most important first, without those that are paused."""
        return self.repository.pending_channels(self.now())

    async def sendable_channels(self, busy: Collection[str], most: int) -> tuple[str, ...]:
        """The channels to deliver to now, the most important first; see ``Notifier.sendable_channels``.

        Tools have places of their own: one that hangs takes none from the chat.
        """
        busy_tools = {channel for channel in busy if channel in self._tool_notifiers}
        channels = await self.notifier.sendable_channels(set(busy) - busy_tools, most + len(busy_tools))
        for channel, notifier in self._tool_notifiers.items():
            if channel not in busy_tools:
                channels += await notifier.sendable_channels((), 1)
        return channels

    @property
    def claims(self) -> ChannelClaims:
        """The channels with a delivery in progress."""
        return self.notifier.claims

    @property
    def is_rate_limited(self) -> bool:
        """Whether something waits for the chat's limits only."""
        return self.notifier.is_rate_limited

    @property
    def delivery_stop(self) -> DeliveryStop | None:
        """Why nothing is delivered at present; None if something may be."""
        return self.notifier.stop

    async def publish(self) -> tuple[DeliveryAttempt, ...]:
        """Sends every notification that is due, channel by channel."""
        return tuple([attempt for channel in self.pending_channels() for attempt in await self.publish_to(channel)])

    async def publish_to(self, channel: str) -> tuple[DeliveryAttempt, ...]:
        """Sends the channel's due notifications in order: at most one burst, and none after one that has to wait."""
        return await self._tool_notifiers.get(channel, self.notifier).publish_to(channel)


def _notified_channels(alert: Alert, said: MessageChannels) -> frozenset[str]:
    """The channels that already have a message of the alert's incident.

    Messages of incidents that it takes over count as its own. Where another incident takes it over, only the
    channels that have a message of that one count.
    """
    notified = frozenset().union(said[alert.incident], *(said[incident] for incident in alert.takes_over))
    if alert.yields_to:
        notified &= frozenset().union(*(said[incident] for incident in alert.yields_to))
    return notified


def _interval_values(state: ProviderState) -> tuple[object, ...]:
    """What has to be recorded when it changes: what the database stores as intervals, and what alerts show of it."""
    verdicts = tuple((v.surface, v.call, v.reason_code, v.review_at) for v in state.verdicts)
    announced = tuple((k.incident.id, k.announced, k.cleared_at) for k in state.incidents)
    return (*((s.surface, s.condition, s.inferred) for s in state.states), *verdicts, *announced)


def _is_quiet(preferences: ChannelPreferences | None, at: datetime) -> bool:
    """Whether it is in the quiet hours of a channel."""
    quiet = preferences.quiet if preferences else None
    return quiet is not None and routing.is_in_quiet_hours(quiet, at)
