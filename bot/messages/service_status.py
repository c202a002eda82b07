"""The answers about the present: status of everything, of a provider, of a service, and questions in words. No I/O.

The worst comes first. What does not fit is on the next page, never left out; a page that was not read for five minutes
is unknown, whatever it showed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain import READABLE_FOR, Advice, Message, Provider, ProviderState, Stage, Surface, TrackedIncident, Verdict
from bot.messages import alert_actions, answers, block_kit, formatting, markup, newer_blocks, words
from bot.messages.answers import time_token
from bot.messages.words import Status

ProviderStates = Sequence[tuple[Provider, ProviderState]]

PROVIDERS_PER_PAGE = 15
_NO_DATA_CODES = ("starting", "stale")  # reason codes of advice without data, which is no trouble of the service
_MAX_HEADLINE = 60  # characters
_MAX_NAMES = 6  # services in one line
_MAX_OPERATIONAL = 40  # providers that are named as operational
_MAX_SERVICE_LINES = 60  # of one provider
MIN_TABLE_ROWS = 4  # affected services from which on a table reads better than lines


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service as an answer shows it.

    Attributes:
        surface: The service.
        status: Its status; unknown where the page was not read for a while.
        verdict: Its advice; None before the first check.
        since: Since when it has its condition.
        is_from_text: Only the vendor's text says so, no component.
    """

    surface: Surface
    status: Status
    verdict: Verdict | None
    since: datetime | None = None
    is_from_text: bool = False

    @property
    def name(self) -> str:
        """Its name beside its provider's, marked where only the vendor's text names it."""
        mark = f" {words.FROM_TEXT}" if self.is_from_text and self.status.is_bad else ""
        return f"{self.surface.short_name}{mark}"

    @property
    def is_held(self) -> bool:
        """Whether it is not to be retried at all."""
        return self.verdict is not None and words.is_held(self.verdict)

    @property
    def needs_attention(self) -> bool:
        """Whether its status or its advice is not normal. Missing data alone does not count."""
        if self.status in (Status.UNKNOWN, Status.OPERATIONAL):
            return self.status is Status.OPERATIONAL and self._is_limited
        return True

    @property
    def _is_limited(self) -> bool:
        if self.verdict is None or self.verdict.reason_code in _NO_DATA_CODES:
            return False
        return self.verdict.call not in (Advice.RETRY_NORMALLY, Advice.UNKNOWN)


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A provider as an answer shows it, with its services, the worst first."""

    provider: Provider
    state: ProviderState
    services: tuple[ServiceView, ...]
    now: datetime

    @property
    def is_readable(self) -> bool:
        """Whether its page was read within the last five minutes."""
        seen_at = self.state.seen_at
        return self.state.blind_since is None and seen_at is not None and self.now - seen_at <= READABLE_FOR

    @property
    def affected(self) -> tuple[ServiceView, ...]:
        """The services that need attention."""
        return tuple(s for s in self.services if s.needs_attention)

    @property
    def unnamed(self) -> tuple[TrackedIncident, ...]:
        """The open incidents that name no service."""
        return tuple(k for k in self.state.open_incidents if has_begun(k) and not k.surfaces)

    @property
    def worst(self) -> Status:
        """The worst status that it shows."""
        if not self.is_readable:
            return Status.UNKNOWN
        statuses = [s.status for s in self.services]
        statuses += [Status.RECOVERING] if self.affected else []
        statuses += [Status.DEGRADED] if self.unnamed else []
        return min(statuses, key=lambda status: status.rank, default=Status.OPERATIONAL)

    @property
    def is_well(self) -> bool:
        """Whether it is read, and nothing of it needs attention."""
        return self.is_readable and not self.affected and not self.unnamed and self.worst is Status.OPERATIONAL


def has_begun(tracked: TrackedIncident) -> bool:
    """False for a maintenance that is only scheduled."""
    return tracked.incident.stage is not Stage.SCHEDULED


def view_provider(provider: Provider, state: ProviderState, now: datetime) -> ProviderView:
    """The provider with the status of each of its services, the worst first."""
    view = ProviderView(provider, state, (), now)
    services = [_view_service(s, state, is_readable=view.is_readable) for s in provider.surfaces]
    services.sort(key=lambda s: (s.status.rank, not s.is_held, not s.needs_attention))
    return ProviderView(provider, state, tuple(services), now)


def _view_service(surface: Surface, state: ProviderState, *, is_readable: bool) -> ServiceView:
    known, verdict = state.surface_state(surface.id), state.verdict(surface.id)
    if not is_readable or known is None:
        return ServiceView(surface, Status.UNKNOWN, verdict)
    status = words.derive_status(known.condition, verdict)
    return ServiceView(surface, status, verdict, known.since, known.inferred)


# --- headlines --------------------------------------------------------------------------------------------------------


def overall_headline(states: ProviderStates, now: datetime) -> str:
    """How much is down, recovering, unknown, in a few words; providers are counted where all are well or unknown."""
    views = [view_provider(p, state, now) for p, state in states]
    if not any(v.state.seen_at or v.state.blind_since for v in views):
        return "No data yet"
    counts = _counts([s for v in views if v.is_readable for s in v.services])
    unnamed = sum(len(v.unnamed) for v in views if v.is_readable)
    unknown = sum(not v.is_readable for v in views)
    counts += [f"{formatting.pluralize(unnamed, 'incident')} without a service"] if unnamed else []
    counts += [f"{formatting.pluralize(unknown, 'provider')} unknown"] if unknown else []
    if counts:
        return formatting.join_names(counts)
    return f"All {len(views)} providers operational" if len(views) > 1 else f"{views[0].provider.name}: operational"


def provider_headline(view: ProviderView) -> str:
    """The first form that fits: one service, one status, two statuses, all services, counts."""
    name = view.provider.name
    if not view.is_readable:
        return f"{name} unknown: {unreadable_reason(view)}"
    if not view.affected:
        return _unaffected_headline(view)
    candidates = list(_affected_headlines(view))
    return next((c for c in candidates if len(c) <= _MAX_HEADLINE), candidates[-1])


def _unaffected_headline(view: ProviderView) -> str:
    if view.unnamed:
        return f"{view.provider.name} incident: no service named yet"
    unknown = [s for s in view.services if s.status is Status.UNKNOWN]
    return f"{view.provider.name} unknown: {_names(unknown)}" if unknown else f"{view.provider.name}: operational"


def _affected_headlines(view: ProviderView) -> Iterator[str]:
    name = view.provider.name
    by_status: dict[str, list[ServiceView]] = {}
    for service in view.affected:
        by_status.setdefault(_status_word(service), []).append(service)
    worst, *others = by_status
    bad = by_status[worst]
    if len(view.affected) == 1:
        short = bad[0].surface.short_name
        yield f"{short} {worst}" if short.casefold().startswith(name.casefold()) else f"{name} {short} {worst}"
    if len(bad) == len(view.services) > 1:
        yield f"{name} {worst}: all {len(bad)} services"
    if not others or bad[0].status.is_bad:
        yield f"{name} {worst}: {', '.join(s.surface.short_name for s in bad)}"
    yield f"{name}: {', '.join(_counts(view.services))}"


def _status_word(service: ServiceView) -> str:
    """The status in a headline. A service whose advice alone is not normal counts as limited."""
    return "limited" if service.status is Status.OPERATIONAL else str(service.status)


def _counts(services: Iterable[ServiceView]) -> list[str]:
    listed = list(services)
    numbers = {
        "down": sum(s.status.is_down for s in listed),
        "degraded": sum(s.status is Status.DEGRADED for s in listed),
        "in maintenance": sum(s.status is Status.MAINTENANCE for s in listed),
        "recovering": sum(s.status is Status.RECOVERING for s in listed),
        "limited": sum(s.status is Status.OPERATIONAL and s.needs_attention for s in listed),
    }
    return [f"{number} {word}" for word, number in numbers.items() if number]


def unreadable_reason(view: ProviderView) -> str:
    """Why the state of a provider is not known."""
    if view.state.blind_since:
        return "status page unreadable"
    return "no data yet" if view.state.seen_at is None else "no recent check"


# --- status of everything ---------------------------------------------------------------------------------------------


def status_message(states: ProviderStates, now: datetime, *, page: int | None = 1) -> Message:
    """The answer to ``status``: the worst first, in pages; without pages where ``page`` is None."""
    views = [view_provider(p, state, now) for p, state in states]
    if views and not any(v.state.seen_at or v.state.blind_since for v in views):
        count = f"{len(views)} providers" if len(views) > 1 else views[0].provider.name
        return answers.build_answer(
            [f"**No data yet.** First check of {count} is running; usually under 1 min."], emoji=_emoji(Status.UNKNOWN)
        )
    wrong = sorted((v for v in views if not v.is_well), key=lambda v: (v.worst.rank, -len(v.affected)))
    well = [v.provider.name for v in views if v.is_well]
    if not wrong:
        what = f"All {len(well)} providers operational" if len(well) > 1 else f"{well[0]}: operational"
        return answers.build_answer([f"**{what}** · checked {_checked(views, now)}"], emoji=_emoji(Status.OPERATIONAL))
    pages = -(-len(wrong) // PROVIDERS_PER_PAGE)
    shown = wrong if page is None else wrong[(min(max(page, 1), pages) - 1) * PROVIDERS_PER_PAGE :][:PROVIDERS_PER_PAGE]
    number = 1 if page is None else min(max(page, 1), pages)
    message = _join(provider_row(n, v) for n, v in enumerate(shown))
    return _join([message, *_rest_of_status(well, number, 1 if page is None else pages, _checked(views, now))])


def _rest_of_status(well: Sequence[str], page: int, pages: int, checked: str) -> Iterator[Message]:
    """The operational providers, when the pages were checked, and the way to the next page of the answer."""
    if well and page == pages:
        text = f"Operational: {formatting.name_list(well, _MAX_OPERATIONAL)}"
        yield answers.build_answer([text], emoji=_emoji(Status.OPERATIONAL))
    number = f" · page {page} of {pages}" if pages > 1 else ""
    buttons = [("More", f"status page:{page + 1}")] if page < pages else []
    buttons += [("Back", f"status page:{page - 1}")] if page > 1 else []
    yield answers.build_answer([f"Checked {checked}{number}"], buttons=buttons, first_button=_MORE_FROM)


_MORE_FROM, _DETAILS_FROM = 90, 60  # numbers of the buttons of one message


def provider_row(number: int, view: ProviderView) -> Message:
    """One provider: its headline, and a line of advice."""
    text = f"**{provider_headline(view)}**{_since_text(view)}"
    advice = advice_line(view.affected, view.now)
    lines = [text, *([advice] if advice else [])]
    message = answers.build_answer(["\n".join(lines)], emoji=_emoji(view.worst))
    first, *rest = message.blocks
    command = f"status {view.provider.id}"
    if len(command) > alert_actions.MAX_COMMAND_LENGTH:
        return message
    button = block_kit.button(f"{alert_actions.ASK}:{_DETAILS_FROM + number}", "Details", command)
    return Message(message.text, (first | {"accessory": button}, *rest))


def _since_text(view: ProviderView) -> str:
    if view.is_readable:
        return ""
    at = view.state.blind_since or view.state.seen_at
    return f" since {time_token(at, view.now)}" if at else ""


def advice_line(services: Sequence[ServiceView], now: datetime) -> str:
    """What to do with these services: one part per advice, the strictest first."""
    held = [s for s in services if s.is_held]
    slow = [s for s in services if s.verdict and s.verdict.call is Advice.RETRY_GENTLY]
    parts = []
    if held:
        names = f": {_names(held)}" if len(held) < len(services) else ""
        emoji, phrase = words.ADVICE_STYLES[Advice.HOLD_OFF].emoji, words.ADVICE_STYLES[Advice.HOLD_OFF].phrase
        parts.append(f"{emoji} {phrase}{names}{_next_update(held, now)}")
    for load in dict.fromkeys(words.load_step(s.verdict.exposure) for s in slow if s.verdict):
        same = [s for s in slow if s.verdict and words.load_step(s.verdict.exposure) == load]
        names = f"{_names(same)}: " if len(same) < len(services) else ""
        style = words.ADVICE_STYLES[Advice.RETRY_GENTLY]
        parts.append(
            f"{style.emoji} {names}{formatting.lower_first(style.phrase) if names else style.phrase} ({load}% load)"
        )
    return "   ".join(parts)


def _next_update(services: Iterable[ServiceView], now: datetime) -> str:
    times = [s.verdict.review_at for s in services if s.verdict and s.verdict.review_at and s.verdict.review_at > now]
    return f" · next update by {time_token(min(times), now)}" if times else ""


def _recheck(services: Iterable[ServiceView], now: datetime) -> str:
    """When the vendor's statement on which the advice rests expires; empty where none of it does."""
    verdicts = (s.verdict for s in services if s.verdict and s.verdict.reason_code == "exonerated")
    times = [v.changes_at for v in verdicts if v.changes_at and v.changes_at > now]
    return f"re-check {time_token(min(times), now)}" if times else ""


def _names(services: Sequence[ServiceView]) -> str:
    return formatting.name_list([s.name for s in services], _MAX_NAMES)


def _checked(views: Iterable[ProviderView], now: datetime) -> str:
    times = [v.state.seen_at for v in views if v.state.seen_at and v.is_readable]
    return time_token(max(times), now) if times else "at no time in the last 5 min"


# --- status of one provider or service --------------------------------------------------------------------------------


def provider_message(view: ProviderView, *, first_button: int = 0) -> Message:
    """The answer to ``status`` with a provider: each service that is not operational, and the others in one line."""
    if not view.is_readable:
        return _unknown_message(view, first_button)
    lines = [f"**{provider_headline(view)}**"]
    affected = view.affected[:_MAX_SERVICE_LINES]
    lines += [_service_line(s, view.now) for s in affected]
    if more := len(view.affected) - len(affected):
        lines.append(f"+{more} more services: `/brownout status <service>`")
    lines += [_incident_line(k, view.now) for k in view.unnamed]
    unknown = [s for s in view.services if s.status is Status.UNKNOWN]
    well = [s for s in view.services if s.status is Status.OPERATIONAL and not s.needs_attention]
    lines += [f"{_emoji(Status.UNKNOWN)} {_names(unknown)} · unknown"] if unknown else []
    lines += [f"{_emoji(Status.OPERATIONAL)} {_names(well)} · operational · Safe to retry"] if well else []
    update = formatting.upper_first(_next_update([s for s in affected if s.is_held], view.now).removeprefix(" · "))
    checked = (
        f"{'checked' if update else 'Checked'} {time_token(view.state.seen_at, view.now)}" if view.state.seen_at else ""
    )
    ending = " · ".join(filter(None, [update, checked, _page_host(view.provider)]))
    buttons = [("Subscribe", f"subscribe {view.provider.id}")]
    if view.state.open_incidents:
        incident = view.state.open_incidents[0].incident.id
        buttons = [("Why?", f"why {incident}"), ("Incident", f"summary {incident}"), *buttons]
    groups = answers.group_lines(lines)
    message = answers.build_answer(
        [*groups, ending], emoji=_emoji(view.worst), buttons=buttons, first_button=first_button
    )
    if len(affected) < MIN_TABLE_ROWS or len(message.blocks) < len(groups):
        return message
    table = _services_table(view)
    if table is None:
        return message
    others = answers.group_lines(lines[1 + len(affected) :])
    newer = (
        *answers.build_answer(lines[:1], emoji=_emoji(view.worst)).blocks,
        table,
        *(answers.build_answer(others).blocks if others else ()),
    )
    plain, rest = message.blocks[: len(groups)], message.blocks[len(groups) :]
    return replace(message, blocks=(*newer_blocks.offer(plain, newer), *rest))


def _services_table(view: ProviderView) -> block_kit.Block | None:
    """The affected services, the worst first."""
    affected = view.affected[:_MAX_SERVICE_LINES]
    rows = [
        (
            newer_blocks.rich_cell(newer_blocks.emoji_part(_emoji(s.status)), newer_blocks.text_part(f" {s.name}")),
            newer_blocks.rich_cell(*_status_cell(s, view.now)),
            newer_blocks.text_cell(_advice_text(s)),
        )
        for s in affected
    ]
    return newer_blocks.table(("Service", "Status", "Advice"), rows)


def _status_cell(service: ServiceView, now: datetime) -> Iterator[newer_blocks.Cell]:
    since = " since " if service.since else ""
    yield newer_blocks.text_part(f"{_status_text(service)}{since}")
    if service.since:
        yield newer_blocks.time_part(service.since, now)


def _page_host(provider: Provider) -> str:
    page = provider.source.home or provider.source.url
    return page.partition("://")[2].partition("/")[0]


def _service_line(service: ServiceView, now: datetime) -> str:
    since = f" since {time_token(service.since, now)}" if service.since else ""
    return f"{_emoji(service.status)} {service.name} · {_status_text(service)}{since} · {_advice_text(service)}"


def _status_text(service: ServiceView) -> str:
    return "operational, recovering" if service.status is Status.RECOVERING else str(service.status)


def _advice_text(service: ServiceView) -> str:
    advice = formatting.lower_first(words.advice_short(service.verdict)) if service.verdict else "unknown"
    return f"retry {advice}" if advice.startswith("slowly") else advice


def _incident_line(tracked: TrackedIncident, now: datetime) -> str:
    stage = formatting.stage_text(tracked.incident.stage)
    title = formatting.truncate(tracked.incident.name, 150, "…").replace("*", "").replace("`", "")
    return (
        f"{_emoji(Status.DEGRADED)} Incident, {stage} since {time_token(tracked.incident.created_at, now)}: “{title}”"
    )


def _unknown_message(view: ProviderView, first_button: int) -> Message:
    """The answer about a provider whose page is not read: never that it is operational."""
    seen_at = view.state.seen_at
    if seen_at is None and view.state.blind_since is None:
        text = f"**{view.provider.name} unknown:** no data yet. The first check is running."
    elif seen_at is None:
        text = f"**{view.provider.name} unknown:** {unreadable_reason(view)}. There was no good check yet."
    else:
        age = formatting.format_duration((view.now - seen_at).total_seconds())
        known = f"Last known: {_last_known(view)}."
        text = f"**{view.provider.name} unknown:** last good check {time_token(seen_at, view.now)} ({age} ago). {known}"
    return answers.build_answer(
        [text], emoji=_emoji(Status.UNKNOWN), buttons=[("Sources", "sources")], first_button=first_button
    )


def _last_known(view: ProviderView) -> str:
    """What the last good check showed."""
    stale = [_view_service(s, view.state, is_readable=True) for s in view.provider.surfaces]
    bad = [s for s in stale if s.status.is_bad or s.status is Status.MAINTENANCE]
    return f"{_names(bad)} not operational" if bad else "all operational"


def service_message(
    view: ProviderView,
    surface: Surface,
    names: Mapping[str, str],
    *,
    with_status: bool = False,
    first_button: int = 0,
) -> Message:
    """The answer to ``retry``, and with ``with_status`` to ``status`` with one service.

    Args:
        view: The service's provider.
        surface: The service.
        names: The names of all services by id.
        with_status: Whether to begin with its status.
        first_button: The number of the first button.
    """
    [service] = [s for s in view.services if s.surface.id == surface.id]
    verdict = service.verdict
    if verdict is None or (not view.is_readable and verdict.call is Advice.UNKNOWN):
        return _unknown_service(view, service, first_button)
    emoji, phrase = words.advice_symbol(verdict), formatting.lower_first(words.advice_phrase(verdict))
    if verdict.call is Advice.FAIL_OVER and verdict.instead:
        emoji, phrase = (
            words.ADVICE_STYLES[Advice.FAIL_OVER].emoji,
            f"use {names.get(verdict.instead, verdict.instead)} instead",
        )
    first = f"**{surface.name}: {phrase}**{_next_update([service], view.now)}"
    lines = [first]
    if with_status:
        since = f" since {time_token(service.since, view.now)}" if service.since else ""
        lines.append(f"{str(service.status).capitalize()}{since}.")
    reason = as_sentence(verdict.because or verdict.reason)
    lines.append(markup.replace_clock_times(reason, view.now, lambda at: time_token(at, view.now)))
    if verdict.call is not Advice.RETRY_NORMALLY:
        lines += what_to_do(surface, verdict)
    if verdict.instead and verdict.call is not Advice.FAIL_OVER:
        lines.append(f"Use instead: {names.get(verdict.instead, verdict.instead)}")
    buttons = [("Why?", f"why {verdict.incidents[0]}")] if verdict.incidents else []
    if with_status:
        buttons += [("Subscribe", f"subscribe {surface.id}"), ("Report", f"report {surface.id}")]
    return answers.build_answer(["\n".join(lines)], emoji=emoji, buttons=buttons, first_button=first_button)


def what_to_do(surface: Surface, verdict: Verdict) -> list[str]:
    """What people and programs should do with this advice; the provider file's words where it has some."""
    if verdict.call is Advice.RETRY_GENTLY:
        people = surface.people_slow or words.PEOPLE_SLOW
        programs = surface.programs_slow or words.programs_slow(verdict.exposure)
    elif verdict.call is Advice.UNKNOWN:
        people, programs = "one try is fine.", "your own default."
    else:
        people, programs = surface.people or words.PEOPLE_HOLD, surface.programs or words.PROGRAMS_HOLD
    return [f"People: {people}", f"Programs: {programs}"]


def _unknown_service(view: ProviderView, service: ServiceView, first_button: int) -> Message:
    seen_at = view.state.seen_at
    if seen_at is None:
        why = "No good check yet."
    else:
        age = formatting.format_duration((view.now - seen_at).total_seconds())
        last = view.state.surface_state(service.surface.id)
        known = str(words.CONDITION_STATUS[last.condition]) if last else "unknown"
        why = f"No good check for {age}. Last known: {known} at {time_token(seen_at, view.now)}."
    lines = [f"**{service.surface.name}: unknown**", why, "People: one try is fine.", "Programs: your own default."]
    return answers.build_answer(
        ["\n".join(lines)], emoji=_emoji(Status.UNKNOWN), buttons=[("Sources", "sources")], first_button=first_button
    )


# --- questions in words -----------------------------------------------------------------------------------------------


def in_words_message(
    view: ProviderView, surface: Surface | None, *, expects_up: bool, first_button: int = 0
) -> Message:
    """The answer to “is X down?” or, with ``expects_up``, “is X up?”: one word, and what is so."""
    services = [s for s in view.services if surface is None or s.surface.id == surface.id]
    name = surface.name if surface else view.provider.name
    affected = [s for s in services if s.needs_attention]
    buttons = [("Details", f"status {surface.id if surface else view.provider.id}")]
    if not view.is_readable:
        text, status = f"**Unknown.** {_unknown_reason(view, name)}", Status.UNKNOWN
        buttons = [("Sources", "sources")]
    elif affected:
        worst = min((s.status for s in affected), key=lambda s: s.rank)
        status = Status.RECOVERING if worst is Status.OPERATIONAL else worst
        text = _affected_in_words(services, affected, name, view.now, expects_up=expects_up)
    else:
        text, status = _well_in_words(view, services, name), Status.OPERATIONAL
        buttons.append(("Report", f"report {services[0].surface.id}" if len(services) == 1 else f"report {name}"))
    return answers.build_answer([text], emoji=_emoji(status), buttons=buttons, first_button=first_button)


def _well_in_words(view: ProviderView, services: Sequence[ServiceView], name: str) -> str:
    checked = time_token(view.state.seen_at, view.now) if view.state.seen_at else "just now"
    count = f"all {len(services)} services operational" if len(services) > 1 else "operational"
    if view.unnamed:
        return f"**Not sure.** {name}: {count}, checked {checked}. One open incident names no service."
    return f"**No known incident.** {name}: {count}, checked {checked}. Broken for you?"


def _affected_in_words(
    services: Sequence[ServiceView], affected: Sequence[ServiceView], name: str, now: datetime, *, expects_up: bool
) -> str:
    parts = _status_parts(affected, name, now, is_one=len(services) == 1)
    update = _next_update([s for s in affected if s.is_held], now).removeprefix(" · ") or _recheck(affected, now)
    ending = f" {formatting.upper_first(update)}." if update else ""
    return f"**{_answer_word(services, affected, expects_up=expects_up)}** {' '.join(parts)}{ending}"


def _answer_word(services: Sequence[ServiceView], affected: Sequence[ServiceView], *, expects_up: bool) -> str:
    down = [s for s in affected if s.status.is_down]
    is_all = len(down) == len(services)
    if down:
        return ("No." if expects_up else "Yes.") if is_all else "Partly."
    if any(s.status in (Status.DEGRADED, Status.MAINTENANCE) for s in affected):
        return "Partly."
    return "Yes, with limits." if expects_up else "No, with limits."


def _status_parts(affected: Sequence[ServiceView], name: str, now: datetime, *, is_one: bool) -> Iterator[str]:
    """One sentence per status and advice: which services, since when, and what to do."""
    groups: dict[tuple[Status, str], list[ServiceView]] = {}
    for service in affected:
        advice = formatting.lower_first(words.advice_phrase(service.verdict)) if service.verdict else "unknown"
        groups.setdefault((service.status, advice), []).append(service)
    for number, ((status, advice), same) in enumerate(groups.items()):
        times = [s.since for s in same if s.since]
        since = f" since {time_token(min(times), now)}" if times and status is not Status.OPERATIONAL else ""
        subject = name if is_one else f"{name if number == 0 else ''} {_names(same)}".strip()
        yield f"{subject}: {status}{since}, {advice}."


def _unknown_reason(view: ProviderView, name: str) -> str:
    if view.state.seen_at is None:
        return f"There is no data for {name} yet."
    since = time_token(view.state.blind_since or view.state.seen_at, view.now)
    what = "status page can't be read" if view.state.blind_since else "status page was not checked"
    return f"{view.provider.name}'s {what} since {since}. Last known: {_last_known(view)}."


def _emoji(status: Status) -> str:
    return words.STATUS_STYLES[status].emoji


def as_sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    stripped = text.strip()
    return stripped if not stripped or stripped[-1] in ".!?" else f"{formatting.upper_first(stripped)}."


def _join(messages: Iterable[Message]) -> Message:
    shown = [m for m in messages if m.text]
    return Message("\n".join(m.text for m in shown), tuple(block for m in shown for block in m.blocks))
