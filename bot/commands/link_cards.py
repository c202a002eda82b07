"""What the card of a pasted link says in its channel, and the pane that a click on it opens.

Nothing is shown that the channel does not see elsewhere: what its people say of services, and its own services, count
there alone; where people of another company read the channel, neither is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from bot.domain import (
    Advice,
    Alert,
    Event,
    IncidentUserActions,
    LinkKind,
    LinkSubject,
    Provider,
    ProviderState,
    Surface,
    TrackedIncident,
    dependents,
)
from bot.errors import UsageError
from bot.messages import alert_actions, alert_details, alert_view, formatting, markup, service_status, timeline, words
from bot.messages.link_cards import CardButton, CardContent, PaneContent
from bot.messages.service_status import ProviderView, ServiceView
from bot.messages.words import Status
from bot.queries import incident_export, links
from bot.queries.current import StatusQueries
from bot.rules.alerting import decide, upstream
from bot.rules.changes.diff import first_posted_at

_MAX_PROVIDERS = 5  # lines of the board's card
_MAX_NAMES = 6  # services in one line
_MAX_STEPS = 14  # of the timeline in a pane
_MAX_SERVICES = 20  # lines of services in a pane
_ASK_FROM = 70  # number of the first button that runs a command


@dataclass(frozen=True, slots=True)
class CardWriter:
    """Writes cards and panes.

    Attributes:
        queries: The present state.
        board_url: The address of our board for people; empty where it is not known.
        is_framed: Whether Slack may show a page of the board in a frame.
    """

    queries: StatusQueries
    board_url: str = ""
    is_framed: bool = False

    def card(self, subject: LinkSubject, channel: str, *, is_external: bool = False) -> CardContent | None:
        """What a card says in this channel; None where its subject is no longer known. May raise StoreError."""
        view = _ChannelView(self, self._seen_from(channel, is_external=is_external), channel, is_external=is_external)
        try:
            match subject.kind:
                case LinkKind.INCIDENT:
                    return view.incident_card(subject)
                case LinkKind.SERVICE:
                    return view.service_card(subject)
                case LinkKind.PROVIDER:
                    return view.provider_card(subject)
                case LinkKind.UNWATCHED:
                    return view.unwatched_card(subject)
                case LinkKind.BOARD:
                    return view.board_card(subject)
        except UsageError:
            return None

    def pane(self, subject: LinkSubject, channel: str, *, is_external: bool = False) -> PaneContent | None:
        """What the pane says, for a person in this channel; None where its subject is no longer known."""
        card = self.card(subject, channel, is_external=is_external)
        if card is None:
            return None
        queries = self._seen_from(channel, is_external=is_external)
        view = _ChannelView(self, queries, channel, is_external=is_external)
        return view.pane(card)

    @staticmethod
    def has_frame(subject: LinkSubject) -> bool:
        """Whether the board has a page for frames about this subject."""
        return subject.kind is LinkKind.INCIDENT

    def pane_page(self, subject: LinkSubject) -> str:
        """The page of the board that the pane shows in a frame; empty for none."""
        if not self.is_framed or not self.has_frame(subject):
            return ""
        return f"{self.board_url.rstrip('/')}/embed/incidents/{quote(subject.id, safe='~')}"

    def _seen_from(self, channel: str, *, is_external: bool) -> StatusQueries:
        return self.queries if is_external else self.queries.seen_from(channel)


@dataclass(frozen=True, slots=True)
class _ChannelView:
    """The cards of one channel."""

    writer: CardWriter
    queries: StatusQueries
    channel: str
    is_external: bool

    # --- incidents ----------------------------------------------------------------------------------------------------

    def incident_card(self, subject: LinkSubject) -> CardContent:
        provider, tracked, _ = self.queries.find_incident(subject.id, self.channel)
        state = self.queries.provider_state(provider)
        if not tracked.is_open and state.tracked_incident(subject.id) is None:
            return self._past_incident_card(subject, provider, tracked)
        alert = self._alert(provider, tracked, state)
        headline = alert_view.headline(alert)
        is_over = alert.is_over
        lines = sorted(alert.lines, key=lambda line: alert_view.status_of(line).rank)
        return CardContent(
            subject,
            headline.text,
            headline.status,
            tuple(alert_view.lines(alert)),
            self._incident_url(provider, tracked),
            self.queries.now(),
            details=tuple(alert_details.details(alert, self._people(subject.id), "")),
            services=tuple(alert_view.short(line) for line in lines),
            buttons=tuple(_incident_buttons(subject.id, provider, is_over=is_over)),
            began_at=alert.posted_at,
            next_update=None if is_over else _next_update(alert),
            used_by=self._used_by(tracked.surfaces),
        )

    def _alert(self, provider: Provider, tracked: TrackedIncident, state: ProviderState) -> Alert:
        """The incident as its alert says it: with what to use instead, and with the incident that it follows."""
        states = {p.id: s for p, s in self.queries.quick_snapshot()} | {provider.id: state}
        providers = {p.id: p for p in self.queries.providers}
        alternatives = {
            surface.id: surface.name
            for other in providers.values()
            for surface in other.surfaces
            if surface.id in provider.external_surface_ids
            and (verdict := states[other.id].verdict(surface.id))
            and verdict.call is Advice.RETRY_NORMALLY
        }
        alert = decide.build_alert(tracked, state, provider, self.queries.now(), alternatives=alternatives)
        return upstream.with_upstream(alert, tracked.incident, providers, states)

    def _past_incident_card(self, subject: LinkSubject, provider: Provider, tracked: TrackedIncident) -> CardContent:
        """The card of an incident that ended more than a day ago: the present state is not its own any more."""
        now, began_at = self.queries.now(), first_posted_at(tracked.incident)
        ended_at = tracked.closed_at or now
        lasted = formatting.format_duration((ended_at - began_at).total_seconds())
        names = self._names(provider, tracked.surfaces)
        noun = "maintenance completed" if tracked.incident.is_maintenance else "incident resolved"
        title = (
            f"{provider.name} {noun}: {formatting.name_list(names, _MAX_NAMES)}" if names else f"{provider.name} {noun}"
        )
        line = f"Lasted {lasted} ({markup.time(began_at, now)} to {markup.time(ended_at, now)})."
        quoted = f"“{formatting.truncate(markup.clean(tracked.incident.name), alert_details.MAX_TITLE, '…')}”"
        return CardContent(
            subject,
            title,
            Status.OPERATIONAL,
            (line,),
            self._incident_url(provider, tracked),
            now,
            details=(markup.link(tracked.incident.url or "", quoted),),
            services=tuple(names),
            buttons=tuple(_incident_buttons(subject.id, provider, is_over=True)),
            began_at=began_at,
            is_final=True,
        )

    def _people(self, incident: str) -> IncidentUserActions:
        if self.is_external:
            return IncidentUserActions()
        return self.queries.repository.user_actions.user_actions(self.channel, incident)

    def _used_by(self, surfaces: Iterable[str]) -> tuple[str, ...]:
        if self.is_external:
            return ()
        return dependents(self.queries.own_services(), self.channel, set(surfaces))

    def _incident_url(self, provider: Provider, tracked: TrackedIncident) -> str:
        if self.writer.board_url:
            return f"{self.writer.board_url.rstrip('/')}/incidents/{quote(tracked.incident.id, safe='~')}"
        return tracked.incident.url or _page(provider)

    def _names(self, provider: Provider, surfaces: Sequence[str]) -> list[str]:
        return [s.short_name for s in provider.surfaces if s.id in surfaces]

    # --- services, providers, the board -------------------------------------------------------------------------------

    def service_card(self, subject: LinkSubject) -> CardContent:
        provider, surface = self.queries.resolve_surface(subject.id)
        view = self._view(provider)
        [service] = [s for s in view.services if s.surface.id == surface.id]
        buttons = (
            CardButton(f"{alert_actions.ASK}:{_ASK_FROM}", "Status", f"status {surface.id}"),
            CardButton(f"{alert_actions.ASK}:{_ASK_FROM + 1}", "Subscribe here", f"subscribe {surface.id}"),
            CardButton(f"{alert_actions.ASK}:{_ASK_FROM + 2}", "History", f"history {surface.id}"),
        )
        reason = service.verdict.because or service.verdict.reason if service.verdict and view.is_readable else ""
        return CardContent(
            subject,
            f"{surface.name} {service.status}",
            service.status,
            tuple(_advice_lines([service], view.now)),
            f"{self.writer.board_url.rstrip('/')}/surfaces/{quote(surface.id)}"
            if self.writer.board_url
            else _page(provider),
            view.now,
            details=(markup.with_times(markup.clean(service_status.as_sentence(reason)), view.now),) if reason else (),
            buttons=buttons,
            began_at=service.since if service.needs_attention else None,
            next_update=_review_at([service], view.now),
            used_by=self._used_by([surface.id]) if service.needs_attention else (),
        )

    def provider_card(self, subject: LinkSubject) -> CardContent:
        provider = next((p for p in self.queries.providers if p.id == subject.id), None)
        if provider is None:
            raise UsageError(f"{subject.id} is not watched.")
        view = self._view(provider)
        opened = [k for k in view.state.open_incidents if service_status.has_begun(k)]
        titles = (
            f"“{formatting.truncate(markup.clean(k.incident.name), alert_details.MAX_TITLE, '…')}”" for k in opened[:3]
        )
        return CardContent(
            subject,
            service_status.provider_headline(view),
            view.worst,
            tuple(_advice_lines(view.services, view.now)),
            _page(provider),
            view.now,
            details=(markup.SEPARATOR.join(titles),) if opened else (),
            services=tuple(s.surface.short_name for s in view.affected),
            buttons=tuple(_provider_buttons(provider, opened)),
            began_at=min((first_posted_at(k.incident) for k in opened), default=None),
            next_update=_review_at(view.affected, view.now),
            used_by=self._used_by([s.surface.id for s in view.affected]),
        )

    def unwatched_card(self, subject: LinkSubject) -> CardContent | None:
        if any(p.id == subject.id for p in self.queries.providers):
            return self.provider_card(LinkSubject(LinkKind.PROVIDER, subject.id))
        provider = next((p for p in self.queries.available if p.id == subject.id), None)
        if provider is None:
            return None
        watch = CardButton(f"{alert_actions.ASK}:{_ASK_FROM}", "Watch it", f"watch {provider.id}")
        line = "Brownout knows this status page and does not watch it. Its status is not known here."
        return CardContent(
            subject,
            f"{provider.name}: available, not watched",
            None,
            (line,),
            _page(provider),
            self.queries.now(),
            buttons=(watch,),
        )

    def board_card(self, subject: LinkSubject) -> CardContent:
        now = self.queries.now()
        snapshot = self.queries.quick_snapshot()
        views = [service_status.view_provider(p, state, now) for p, state in snapshot]
        wrong = sorted((v for v in views if not v.is_well), key=lambda v: (v.worst.rank, -len(v.affected)))
        lines = [
            f"{markup.emoji(words.STATUS_STYLES[v.worst].emoji)} {service_status.provider_headline(v)}"
            for v in wrong[:_MAX_PROVIDERS]
        ]
        lines += [f"+{len(wrong) - _MAX_PROVIDERS} more"] if len(wrong) > _MAX_PROVIDERS else []
        worst = min((v.worst for v in views), key=lambda status: status.rank, default=Status.UNKNOWN)
        return CardContent(
            subject,
            service_status.overall_headline(snapshot, now),
            worst,
            tuple(lines),
            self.writer.board_url,
            now,
            buttons=(CardButton(f"{alert_actions.ASK}:{_ASK_FROM}", "Status", "status"),),
        )

    def _view(self, provider: Provider) -> ProviderView:
        return service_status.view_provider(provider, self.queries.provider_state(provider), self.queries.now())

    # --- panes --------------------------------------------------------------------------------------------------------

    def pane(self, card: CardContent) -> PaneContent:
        subject = card.subject
        if subject.kind is LinkKind.INCIDENT:
            return self._incident_pane(card)
        if subject.kind is LinkKind.PROVIDER:
            provider = next(p for p in self.queries.providers if p.id == subject.id)
            return PaneContent(card, tuple(_service_lines(self._view(provider).services)))
        if subject.kind is LinkKind.SERVICE:
            provider, surface = self.queries.resolve_surface(subject.id)
            services = [s for s in self._view(provider).services if s.surface.id == surface.id]
            advice = [line for s in services if s.verdict for line in service_status.what_to_do(surface, s.verdict)]
            return PaneContent(card, (*_service_lines(services), *(advice if card.began_at else ())))
        return PaneContent(card)

    def _incident_pane(self, card: CardContent) -> PaneContent:
        provider, tracked, events = self.queries.find_incident(
            card.subject.id, None if self.is_external else self.channel
        )
        shown = [e for e in events if not (self.is_external and e.author)]
        view = self._view(provider)
        services = [s for s in view.services if s.surface.id in tracked.surfaces] if tracked.is_open else []
        last = tracked.incident.updates[-1].body if tracked.incident.updates else ""
        return PaneContent(
            card,
            tuple(_service_lines(services)),
            tuple(self._steps(provider, tracked, shown)),
            formatting.truncate(markup.clean(last), timeline.MAX_QUOTE, "…"),
            self.writer.pane_page(card.subject),
        )

    def _steps(self, provider: Provider, tracked: TrackedIncident, events: Sequence[Event]) -> Iterator[str]:
        surfaces: Mapping[str, Surface] = self.queries.surfaces()
        around = incident_export.surroundings(self.queries, provider, tracked)
        steps = timeline.timeline_steps(tracked, provider, events, surfaces, surroundings=around)
        yield from steps[:_MAX_STEPS]
        if len(steps) > _MAX_STEPS:
            yield f"… and {len(steps) - _MAX_STEPS} earlier steps"


# --- lines and buttons ------------------------------------------------------------------------------------------------


def _advice_lines(services: Sequence[ServiceView], now: datetime) -> Iterator[str]:
    """What to do with these services: one line per advice, the strictest first."""
    groups: dict[tuple[Advice, str], list[ServiceView]] = {}
    for service in services:
        if service.verdict is not None:
            call = Advice.HOLD_OFF if service.is_held else service.verdict.call
            groups.setdefault((call, words.advice_phrase(service.verdict)), []).append(service)
    strictest = (Advice.HOLD_OFF, Advice.UNKNOWN, Advice.RETRY_GENTLY, Advice.RETRY_NORMALLY)
    for (call, phrase), same in sorted(groups.items(), key=lambda item: strictest.index(item[0][0])):
        names = f": {formatting.name_list([s.name for s in same], _MAX_NAMES)}" if len(services) > 1 else ""
        at = _review_at(same, now)
        ending = (
            f"{markup.SEPARATOR}next update by {markup.bold(markup.time(at, now))}"
            if at and call is Advice.HOLD_OFF
            else ""
        )
        yield f"{markup.emoji(words.ADVICE_STYLES[call].emoji)} {markup.bold(phrase)}{names}{ending}"


def _review_at(services: Iterable[ServiceView], now: datetime) -> datetime | None:
    times = [s.verdict.review_at for s in services if s.is_held and s.verdict and s.verdict.review_at]
    return min((at for at in times if at > now), default=None)


def _next_update(alert: Alert) -> datetime | None:
    is_held = any(words.is_held(line.verdict) for line in (*alert.lines, *alert.watched))
    return alert.next_update if is_held or not alert.lines else None


def _service_lines(services: Sequence[ServiceView]) -> Iterator[str]:
    for service in services[:_MAX_SERVICES]:
        status = f"{words.STATUS_STYLES[service.status].symbol} {service.name}: {service.status}"
        advice = formatting.lower_first(words.advice_phrase(service.verdict)) if service.verdict else ""
        yield " · ".join(filter(None, [status, advice]))
    if len(services) > _MAX_SERVICES:
        yield f"+{len(services) - _MAX_SERVICES} more services"


def _incident_buttons(incident: str, provider: Provider, *, is_over: bool) -> Iterator[CardButton]:
    subscribe = CardButton(f"{alert_actions.ASK}:{_ASK_FROM}", "Subscribe here", f"subscribe {provider.id}")
    summary = CardButton(alert_actions.SUMMARY, "Summary", incident)
    if not is_over:
        yield CardButton(alert_actions.WHY, "Why?", incident)
        yield subscribe
        yield CardButton(f"{alert_actions.ASK}:{_ASK_FROM + 1}", "Status", f"status {provider.id}")
    else:
        yield summary
    yield CardButton(alert_actions.TIMELINE, "Timeline", incident)
    if is_over:
        yield subscribe
    else:
        yield summary
    yield CardButton(alert_actions.NOTE, "Add note", incident)


def _provider_buttons(provider: Provider, opened: Sequence[TrackedIncident]) -> Iterator[CardButton]:
    yield CardButton(f"{alert_actions.ASK}:{_ASK_FROM}", "Status", f"status {provider.id}")
    yield CardButton(f"{alert_actions.ASK}:{_ASK_FROM + 1}", "Subscribe here", f"subscribe {provider.id}")
    if opened:
        yield CardButton(alert_actions.WHY, "Why?", opened[0].incident.id)
    yield CardButton(f"{alert_actions.ASK}:{_ASK_FROM + 2}", "History", f"history {provider.id}")


def _page(provider: Provider) -> str:
    return links.page_urls(provider)[0]
