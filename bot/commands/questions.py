"""The commands that ask about the present: status, retry, summary, why, and questions in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.app import digests
from bot.commands import grammar
from bot.commands.types import CommandRequest, CommandResponse
from bot.domain import Advice, Message, Provider, Surface
from bot.domain.subscription import TERMINAL
from bot.errors import UsageError
from bot.lookup import Target
from bot.messages import answers, modals, preferences, service_status, summary
from bot.messages import why as why_answer
from bot.messages.builder import build_message, join_messages
from bot.queries import incident_export
from bot.queries.current import LAST_WORDS, StatusQueries
from bot.rules.alerting import decide

PAGE_PREFIX = "page:"
_MAX_PAGE_DIGITS = 4
_BUTTONS_PER_ANSWER = 10  # numbers of buttons that one of several answers has for itself
MAX_ANSWERS = 5  # services that one question may name


def status(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """What is broken now, or how the named services are; with words that name nothing, what is broken."""
    return _status_of(queries, request, named_targets(queries, request))


def status_of_name(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """The status of what a text without a command names, and of nothing else: every word must belong to a name."""
    targets = _used_by(queries, request.words) or grammar.find_named(
        queries.find_targets, queries.resolve_target, request.words
    )
    return _status_of(queries, request, targets)


def status_in_words(expects_up: bool) -> Callable[[StatusQueries, CommandRequest], CommandResponse]:  # noqa: FBT001
    """The command for questions such as “is claude down?”, or “is claude up?” with ``expects_up``."""

    def answer(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
        targets = named_targets(queries, request)
        if not targets:
            return menu(queries, request)
        messages = [_answer_in_words(queries, n, t, expects_up=expects_up) for n, t in enumerate(targets)]
        return CommandResponse(join_messages(messages))

    return answer


def _answer_in_words(queries: StatusQueries, number: int, target: Target, *, expects_up: bool) -> Message:
    surface = None if target.is_provider else target.surfaces[0]
    view = service_status.view_provider(target.provider, queries.provider_state(target.provider), queries.now())
    first = number * _BUTTONS_PER_ANSWER
    return service_status.in_words_message(view, surface, expects_up=expects_up, first_button=first)


def _status_of(queries: StatusQueries, request: CommandRequest, targets: tuple[Target, ...]) -> CommandResponse:
    if not targets:
        return menu(queries, request)
    _refuse_too_many(targets)
    messages = [m for n, t in enumerate(targets) for m in _target_status(queries, t, n * _BUTTONS_PER_ANSWER)]
    return CommandResponse(join_messages(messages))


def menu(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """What is broken now, the worst first, with buttons for the next questions. ``page:2`` is the second page."""
    reports = build_message("", preferences.report_lines(queries.report_counts(), queries.surfaces()))
    is_terminal = request.channel == TERMINAL
    page = None if is_terminal else requested_page(request.words)
    shown = join_messages([service_status.status_message(queries.quick_snapshot(), queries.now(), page=page), reports])
    if is_terminal:
        return CommandResponse(shown)
    is_new = not queries.repository.subscriptions(request.channel)
    return CommandResponse(join_messages([shown, modals.status_menu_message(is_new=is_new, channel=request.channel)]))


def requested_page(words: Sequence[str]) -> int:
    """The number after ``page:``, 1 where there is none."""
    pages = [w[len(PAGE_PREFIX) :] for w in words if w.casefold().startswith(PAGE_PREFIX)]
    return int(pages[-1]) if pages and pages[-1].isdecimal() and len(pages[-1]) <= _MAX_PAGE_DIGITS else 1


def _target_status(queries: StatusQueries, target: Target, first_button: int) -> tuple[Message, Message]:
    view = service_status.view_provider(target.provider, queries.provider_state(target.provider), queries.now())
    if target.is_provider and len(target.surfaces) > 1:
        shown = service_status.provider_message(view, first_button=first_button)
    else:
        shown = service_status.service_message(
            view, target.surfaces[0], _surface_names(queries), with_status=True, first_button=first_button
        )
    counts = {s.id: n for s in target.surfaces if (n := queries.report_counts().get(s.id))}
    return shown, build_message("", preferences.report_lines(counts, queries.surfaces()))


def _surface_names(queries: StatusQueries) -> dict[str, str]:
    return {s.id: s.name for s in queries.surfaces().values()}


def retry(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """The advice for the named services, and its reason."""
    targets = named_targets(queries, request)
    if not targets:
        raise missing_name("retry claude-api")
    surfaces = [queries.resolve_surface(t.id) for t in targets]
    given = [_advice(queries, n * _BUTTONS_PER_ANSWER, *found) for n, found in enumerate(surfaces)]
    return given[0] if len(given) == 1 else CommandResponse(join_messages([a.message for a in given]))


def _advice(queries: StatusQueries, first_button: int, provider: Provider, surface: Surface) -> CommandResponse:
    state = queries.provider_state(provider)
    view = service_status.view_provider(provider, state, queries.now())
    message = service_status.service_message(view, surface, _surface_names(queries), first_button=first_button)
    verdict = state.verdict(surface.id)
    return CommandResponse(message, call=verdict.call if verdict else Advice.UNKNOWN)


def incident_summary(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """What happened in an incident, to what, and the advice that was given."""
    typed = incident_name(queries, request) or "last"
    provider, tracked, events = queries.find_incident(typed, request.channel)
    people = queries.repository.user_actions.user_actions(request.channel, tracked.incident.id)
    last_check = queries.repository.last_polled_at(provider.id)
    accuracy = digests.incident_accuracy(queries, provider, tracked)
    message = summary.summary_message(
        *(tracked, provider, events, queries.surfaces(), queries.now()),
        people=people,
        judged=accuracy,
        surroundings=replace(incident_export.surroundings(queries, provider, tracked), last_check=last_check),
    )
    unmonitored = build_message("", summary.unmonitored_lines(tracked, last_check, queries.now()))
    whole = answers.with_buttons(
        join_messages([message, unmonitored]), [("Timeline", f"timeline {tracked.incident.id}")]
    )
    return CommandResponse(whole, export=f"summary {tracked.incident.id}")


def why(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """The evidence for the advice on what an incident affects, what to do, and the sources."""
    provider, tracked, _ = queries.find_incident(incident_name(queries, request) or "last")
    now, state = queries.now(), queries.provider_state(provider)
    alert = decide.build_alert(tracked, state, provider, now)
    surfaces = [s for s in provider.surfaces if s.id in {line.surface for line in (*alert.lines, *alert.watched)}]
    pulse = queries.running.poll_statistics(provider.id) if queries.running else None
    checks = why_answer.SourceChecks(
        interval_s=pulse.interval_s if pulse else None,
        has_probes=any(s.probe for s in surfaces),
        evidence=[t for t in state.testimonies if t.surface in {s.id for s in surfaces}],
        reports=sum(queries.report_counts().get(s.id, 0) for s in surfaces),
    )
    return CommandResponse(why_answer.why_message(alert, now, queries.evidence_sentences(provider, tracked), checks))


def named_targets(queries: StatusQueries, request: CommandRequest) -> tuple[Target, ...]:
    """The services and providers that a question names; none if it names nothing.

    A name is also found within a sentence, since an answer changes nothing.

    Raises:
        UsageError: What the question names is not sure; or it names more than ``MAX_ANSWERS``.
    """
    if not request.words or grammar.is_all(request.words) or request.words[0].casefold().startswith(PAGE_PREFIX):
        return ()
    if own := _used_by(queries, request.words):
        return own
    try:
        targets = grammar.find_named(queries.find_targets, queries.resolve_target, request.words)
    except UsageError as error:
        name = grammar.name_in_sentence(queries.find_targets, request.words)
        if not name:
            return ()
        try:
            targets = (queries.resolve_target(name),)
        except UsageError as nearer:
            raise (nearer if nearer.choices or nearer.actions else error) from None
    _refuse_too_many(targets)
    return targets


def _used_by(queries: StatusQueries, words: Sequence[str]) -> tuple[Target, ...]:
    """The services that one of our own uses, where the words are its name, with or without grammar around it."""
    texts = (" ".join(words), " ".join(grammar.without_grammar(words)))
    return next((found for text in texts if (found := queries.used_by(text))), ())


def _refuse_too_many(targets: tuple[Target, ...]) -> None:
    if len(targets) > MAX_ANSWERS:
        raise UsageError(f"One question can name {MAX_ANSWERS} services. `status` alone shows all that are affected.")


def incident_name(queries: StatusQueries, request: CommandRequest) -> str:
    """What names an incident in these words: its id as typed, or the name of a service; empty for nothing."""
    typed = " ".join(request.words)
    if not typed or queries.incident_key(typed):
        return typed
    first = grammar.without_grammar(request.words[:1])
    if first and (queries.incident_key(first[0]) or first[0].casefold() in LAST_WORDS):
        return first[0]
    name = grammar.name_in_sentence(queries.find_targets, request.words)
    return name if len(queries.find_targets(name)[1]) == 1 else " ".join(grammar.without_grammar(request.words))


def missing_name(example: str) -> UsageError:
    """The error for a command without the name that it needs."""
    return UsageError(f"Which service? Example: `/brownout {example}`", actions=(("All services", "list all"),))
