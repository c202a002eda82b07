"""An alert's headline and lines: what is broken, what to do, when people hear more, what to use instead. No I/O.

Lines are texts of ``bot.messages.markup``. See bot/docs/alerts.md for every phase of an alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from bot.domain import READABLE_FOR, Advice, Alert, Condition, IncidentEnding, Stage, SurfaceLine
from bot.messages import formatting, markup, words
from bot.messages.words import Status

MAX_HEADLINE = 60  # characters without the emoji
MAX_LINE = 95  # visible characters
_MAX_NAMES = 6  # of services that are not safe to retry
_MAX_SAFE_NAMES = 3
_MAX_ALTERNATIVES = 3
_UNCONFIRMED_STAGES = (Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.UNKNOWN)
_STATEMENT_CODES = ("exonerated",)  # reason codes of a verdict that the vendor's statement allows
_PROBE_CODES = ("bad_but_answering", "unread_but_answering")


@dataclass(frozen=True, slots=True)
class Headline:
    """What is broken, in at most 60 characters; ``status`` is the worst one, None where no service is bad."""

    text: str
    status: Status | None

    @property
    def emoji(self) -> str:
        """The status as an emoji; that of a notice where there is none."""
        return words.STATUS_STYLES[self.status].emoji if self.status else words.NOTICE_EMOJI

    @property
    def colour(self) -> str:
        """The colour of the bar beside the details."""
        return words.STATUS_STYLES[self.status or Status.UNKNOWN].bar


def headline(alert: Alert) -> Headline:
    """What is broken: the first form that fits."""
    if alert.missed is not None:
        return Headline(_fit(_missed_headlines(alert)), None)
    if alert.is_maintenance:
        return _maintenance_headline(alert)
    if alert.ending is IncidentEnding.POSTED:
        return Headline(_fit([f"{alert.provider_name}: continues in {_vendor(alert)}'s incident"]), None)
    if (bad := bad_lines(alert)) and alert.ending is not IncidentEnding.WITHDRAWN:
        return Headline(_fit(_bad_headlines(alert, bad)), status_of(bad[0]))
    return _ended_headline(alert) if alert.closed_at is not None else _open_headline(alert)


def status_of(line: SurfaceLine) -> Status:
    """The status of one service of the alert."""
    return words.derive_status(line.condition, line.verdict)


def bad_lines(alert: Alert) -> list[SurfaceLine]:
    """The affected services that are bad now, worst first, else in the catalogue's order."""
    if alert.cleared_at is not None:
        return []
    return sorted((line for line in alert.lines if line.condition.is_bad), key=lambda line: status_of(line).rank)


def is_safe(alert: Alert) -> bool:
    """True where every service that the incident affects is safe to retry."""
    return all(line.verdict.call is Advice.RETRY_NORMALLY for line in alert.lines)


def short(line: SurfaceLine) -> str:
    """The service's name beside the provider's."""
    return line.short or line.name


def short_names(lines: Iterable[SurfaceLine]) -> str:
    """The names of services beside the provider's, with commas."""
    return ", ".join(map(short, lines))


# --- the headline -----------------------------------------------------------------------------------------------------


def _fit(candidates: Iterable[str]) -> str:
    """The first candidate that is short enough; the last one is cut."""
    last = ""
    for last in candidates:
        if len(last) <= MAX_HEADLINE:
            return last
    return formatting.truncate(last, MAX_HEADLINE, "…")


def _vendor(alert: Alert) -> str:
    return alert.vendor or alert.provider_name


def _bad_headlines(alert: Alert, bad: Sequence[SurfaceLine]) -> Iterator[str]:
    provider = alert.provider_name
    again = " again" if alert.again_after is not None else ""
    groups = [(status, list(lines)) for status, lines in groupby(bad, key=status_of)]
    worst = groups[0][0]
    if alert.is_suspected:
        yield from _suspected_headlines(alert, bad, worst)
        return
    if len(bad) == 1:
        yield f"{provider} {short(bad[0])} {worst}{again}"
        yield f"{provider} {worst}{again}: {short(bad[0])}"
    if len(groups) == 1:
        yield f"{provider} {worst}{again}: {short_names(bad)}"
    if len(groups) == 2:  # noqa: PLR2004  (more do not fit)
        (first, worse), (second, other) = groups
        yield f"{provider} {first}{again}: {short_names(worse)}; {second}: {short_names(other)}"
    if len(bad) == alert.service_count:
        yield f"{provider} {worst}{again}: all {len(bad)} services"
    yield f"{provider}{again}: {_counts(alert)}"
    yield f"{provider} {worst}{again}"


def _counts(alert: Alert) -> str:
    """How many services are how, such as ``3 down, 37 degraded``; without those of which there are none."""
    statuses = [status_of(line) for line in alert.lines]
    counts = (
        (sum(status.is_down for status in statuses), "down"),
        (statuses.count(Status.DEGRADED), "degraded"),
        (statuses.count(Status.RECOVERING), "recovering"),
    )
    return ", ".join(f"{n} {word}" for n, word in counts if n)


def _suspected_headlines(alert: Alert, bad: Sequence[SurfaceLine], worst: Status) -> Iterator[str]:
    noun = "outage" if worst.is_down else "problem"
    if len(bad) == 1:
        yield f"{alert.provider_name} {short(bad[0])}: suspected {noun}"
    yield f"{alert.provider_name}: suspected {noun}: {short_names(bad)}"
    yield f"{alert.provider_name}: suspected {noun}, {len(bad)} services"


def _ended_headline(alert: Alert) -> Headline:
    provider = alert.provider_name
    if alert.ending is IncidentEnding.WITHDRAWN:
        status = Status.OPERATIONAL if is_safe(alert) else Status.RECOVERING
        return Headline(_fit([f"{provider} incident removed by {_vendor(alert)}"]), status)
    if is_safe(alert) or alert.cleared_at is not None:
        one = f"{provider} {short(alert.lines[0])} operational again: safe to retry" if len(alert.lines) == 1 else ""
        all_of_them = f"{provider} operational again: safe to retry"
        nothing_named = f"{provider} incident resolved: no service was named"
        candidates = [one, all_of_them, f"{provider} operational again"] if alert.lines else [nothing_named]
        return Headline(_fit(filter(None, candidates)), Status.OPERATIONAL)
    return Headline(
        _fit([f"{provider} recovering: {_ending_text(alert)}", f"{provider} recovering"]), Status.RECOVERING
    )


def _ending_text(alert: Alert) -> str:
    """How and after how long the incident ended, in a few words."""
    if alert.ending is IncidentEnding.UNRECORDED:
        return "removed from the status page"
    if alert.ending in (IncidentEnding.CLEARED, IncidentEnding.UNCONFIRMED):
        return f"ended after {outage_text(alert)} without a post"
    if alert.ending is IncidentEnding.NARROWED:
        return "open for other products only"
    if alert.ending is IncidentEnding.REMOVED:
        return "component removed from the page"
    return f"resolved after {outage_text(alert)}"


def outage_text(alert: Alert) -> str:
    """How long the incident lasted, or has lasted so far."""
    return formatting.format_duration(((alert.closed_at or alert.as_of) - _began_at(alert)).total_seconds())


def _began_at(alert: Alert) -> datetime:
    """When the incident began; a maintenance that was announced before begins with its window."""
    start = alert.planned_start if alert.is_maintenance else None
    is_past = start is not None and start <= (alert.closed_at or alert.as_of)
    return max(start, alert.posted_at) if start is not None and is_past else alert.posted_at


def _open_headline(alert: Alert) -> Headline:
    """Of an incident that is open while no service is bad."""
    provider = alert.provider_name
    if alert.is_unposted and not alert.lines:
        return Headline(_fit([markup.clean(alert.title)]), None)
    recovering = [line for line in alert.lines if status_of(line) is Status.RECOVERING]
    if recovering or (alert.lines and alert.stage not in _UNCONFIRMED_STAGES):
        if not recovering and is_safe(alert):
            return Headline(_fit([f"{provider} operational again: safe to retry"]), Status.OPERATIONAL)
        named = [f"{provider} {short(recovering[0])} recovering"] if len(recovering) == 1 else []
        named += [f"{provider} recovering: {short_names(recovering)}", f"{provider} recovering"]
        fixed = [f"{provider} recovering: fix in place"] if alert.stage is Stage.MONITORING else []
        return Headline(_fit([*fixed, *named]), Status.RECOVERING)
    if unknown := [line for line in alert.lines if line.verdict.call is Advice.UNKNOWN]:
        return Headline(_fit([f"{provider} unknown: {short_names(unknown)}", f"{provider} unknown"]), Status.UNKNOWN)
    if alert.lines:
        mentioned = short_names(alert.lines)
        return Headline(
            _fit([f"{provider} incident: {mentioned} mentioned", f"{provider} incident: {len(alert.lines)} services"]),
            None,
        )
    return Headline(_fit([f"{provider} incident: no service named yet"]), None)


def _maintenance_headline(alert: Alert) -> Headline:
    names = short_names(alert.lines) or f"{alert.service_count} services"
    if alert.closed_at is not None and alert.ending is IncidentEnding.WITHDRAWN:
        return Headline(_fit([f"{alert.provider_name} maintenance removed by {_vendor(alert)}"]), Status.OPERATIONAL)
    if alert.closed_at is not None:
        words_before, status = "maintenance completed", Status.OPERATIONAL
    elif alert.stage is Stage.SCHEDULED:
        words_before, status = "maintenance planned", Status.MAINTENANCE
    elif is_overrunning(alert):
        words_before, status = "maintenance overrunning", Status.MAINTENANCE
    else:
        words_before, status = "maintenance", Status.MAINTENANCE
    provider = alert.provider_name
    candidates = (f"{provider} {words_before}: {names}", f"{provider} {words_before}: {len(alert.lines)} services")
    return Headline(_fit([*candidates, f"{provider} {words_before}"]), status)


def is_planned(alert: Alert) -> bool:
    """True for a maintenance that has not begun."""
    return alert.is_maintenance and alert.stage is Stage.SCHEDULED and alert.closed_at is None


def is_overrunning(alert: Alert) -> bool:
    """True for a maintenance past its planned end."""
    return alert.is_maintenance and alert.planned_end is not None and alert.as_of >= alert.planned_end


def _missed_headlines(alert: Alert) -> Iterator[str]:
    provider, names = alert.provider_name, short_names(alert.lines)
    yield f"{provider} incident missed while Brownout was offline"
    yield f"{provider}: incident while offline ({names})" if names else f"{provider}: incident while offline"


# --- the lines --------------------------------------------------------------------------------------------------------


def lines(alert: Alert, link_url: str = "") -> list[str]:
    """One to five lines: what to do, worst first.

    Args:
        alert: The alert.
        link_url: The URL of the message that it points to; empty if that is not known.
    """
    if alert.missed is not None:
        return list(_missed_lines(alert))
    if alert.closed_at is not None and alert.ending is IncidentEnding.POSTED:
        return [f"The status page now shows it: see {_vendor(alert)}'s incident in this channel."]
    if alert.cleared_at is not None or (alert.closed_at is not None and is_safe(alert)):
        return list(_all_clear_lines(alert))
    if is_planned(alert):
        return list(_planned_lines(alert)) or [_nothing_named_line(alert)]
    groups = [*advice_groups(alert, link_url), *_instead_group(alert)]
    return [group.text() for group in groups] or [_nothing_named_line(alert)]


def _nothing_named_line(alert: Alert) -> str:
    ending = f"{markup.SEPARATOR}next update by {_bold_time(alert.next_update, alert)}" if alert.next_update else ""
    return f"{_vendor(alert)} has not named a service.{ending if alert.closed_at is None else ''}"


def _bold_time(at: datetime, alert: Alert) -> str:
    return markup.bold(markup.time(at, alert.as_of))


@dataclass(frozen=True, slots=True)
class AdviceGroup:
    """The services with one advice: one line.

    ``names`` are empty where the headline names the only one; at most ``limit`` are shown. ``tail`` says until when.
    """

    emoji: str
    phrase: str
    names: tuple[str, ...] = ()
    tail: str = ""
    limit: int = _MAX_NAMES

    def text(self) -> str:
        """The line, as a text of ``bot.messages.markup``."""
        head = markup.bold(f"{self.phrase}:" if self.names else self.phrase)
        names = f" {formatting.name_list(self.names, self.limit)}" if self.names else ""
        return markup.SEPARATOR.join(filter(None, [f"{markup.emoji(self.emoji)} {head}{names}", self.tail]))


def advice_groups(alert: Alert, link_url: str = "") -> Iterator[AdviceGroup]:
    """The services of an alert by their advice, worst first, and the provider's others that are safe to retry."""
    affected = [*alert.lines, *alert.watched]
    if held := [line for line in affected if words.is_held(line.verdict)]:
        yield _held_group(alert, held, link_url)
    if unknown := [line for line in affected if line.verdict.call is Advice.UNKNOWN]:
        checked = f"last good check {_bold_time(alert.checked_at, alert)}" if alert.checked_at else ""
        style = words.ADVICE_STYLES[Advice.UNKNOWN]
        yield AdviceGroup(style.emoji, style.phrase, _names(alert, unknown), checked)
    if slow := [line for line in affected if line.verdict.call is Advice.RETRY_GENTLY]:
        load = words.load_text(min(line.verdict.exposure for line in slow))
        style = words.ADVICE_STYLES[Advice.RETRY_GENTLY]
        yield AdviceGroup(style.emoji, f"{style.phrase} ({load})", _names(alert, slow), _slow_tail(alert, slow))
    yield from _safe_group(alert)


def _held_group(alert: Alert, held: Sequence[SurfaceLine], link_url: str) -> AdviceGroup:
    is_bad = any(line.condition is not Condition.OPERATIONAL or line.verdict.reason_code == "needs" for line in held)
    style = words.ADVICE_STYLES[Advice.HOLD_OFF]
    phrase = style.phrase if is_bad or not _is_after_trouble(held) else words.NOT_YET
    return AdviceGroup(style.emoji, phrase, _names(alert, held), _held_tail(alert, held, link_url, is_bad=is_bad))


def _is_after_trouble(held: Sequence[SurfaceLine]) -> bool:
    return all(status_of(line) in (Status.RECOVERING, Status.OPERATIONAL) for line in held)


def _held_tail(alert: Alert, held: Sequence[SurfaceLine], link_url: str, *, is_bad: bool) -> str:
    if alert.shares and alert.earlier_at and all(line.surface in alert.shares for line in held):
        earlier = markup.link(link_url, "the earlier outage") if link_url else "the earlier outage"
        return f"see {earlier} of {markup.time(alert.earlier_at, alert.as_of)}"
    is_maintained = all(line.condition is Condition.MAINTENANCE for line in held)
    if is_maintained and alert.planned_end and alert.planned_end > alert.as_of:
        return f"planned end {_bold_time(alert.planned_end, alert)}"
    times = {line.verdict.changes_at for line in held}
    if not is_bad and None not in times:
        opens_at = max(time for time in times if time is not None)
        load = words.load_text(0)
        return f"{load} from {_bold_time(opens_at, alert)} if stable"
    return f"next update by {_bold_time(alert.next_update, alert)}" if alert.next_update else ""


def _slow_tail(alert: Alert, slow: Sequence[SurfaceLine]) -> str:
    verdicts = [line.verdict for line in slow]
    times = [v.changes_at for v in verdicts if v.changes_at is not None]
    if all(v.reason_code in _STATEMENT_CODES for v in verdicts) and len(times) == len(verdicts):
        return f"vendor says OK, re-check {_bold_time(min(times), alert)}"
    if all(v.reason_code in _PROBE_CODES for v in verdicts):
        return "our probes pass"
    if len(times) == len(verdicts) and not any(v.reason_code in _STATEMENT_CODES for v in verdicts):
        return f"full load from {_bold_time(max(times), alert)} if stable"
    return ""


def _names(alert: Alert, same_advice: Sequence[SurfaceLine]) -> tuple[str, ...]:
    """The names of services with one advice; none where the headline names the only one."""
    if len(alert.lines) == 1 and not alert.watched and alert.closed_at is None and bad_lines(alert):
        return ()
    return tuple(map(_marked_name, same_advice))


def _marked_name(line: SurfaceLine) -> str:
    is_from_text = line.inferred or line.verdict.reason_code == "named"
    return f"{short(line)} {words.FROM_TEXT}" if is_from_text else short(line)


def _safe_group(alert: Alert) -> Iterator[AdviceGroup]:
    """Services that are safe to retry; none where the page was not readable lately."""
    if alert.checked_at is None or alert.as_of - alert.checked_at > READABLE_FOR:
        return
    own = [short(line) for line in alert.lines if line.verdict.call is Advice.RETRY_NORMALLY]
    if names := [*own, *alert.safe]:
        style = words.ADVICE_STYLES[Advice.RETRY_NORMALLY]
        yield AdviceGroup(style.emoji, style.phrase, tuple(names), limit=_MAX_SAFE_NAMES)


def _instead_group(alert: Alert) -> Iterator[AdviceGroup]:
    if alert.alternatives:
        emoji = words.ADVICE_STYLES[Advice.FAIL_OVER].emoji
        yield AdviceGroup(emoji, words.USE_INSTEAD, alert.alternatives[:_MAX_ALTERNATIVES])


def _planned_lines(alert: Alert) -> Iterator[str]:
    start, end = alert.planned_start, alert.planned_end
    if start is not None:
        planned_end = [f"planned end {markup.time(end, alert.as_of)}"] if end else []
        yield markup.SEPARATOR.join([f"Starts: {markup.time(start, alert.as_of)}", *planned_end])
    style = words.ADVICE_STYLES[Advice.RETRY_NORMALLY]
    safe = [short(line) for line in alert.lines if line.verdict.call is Advice.RETRY_NORMALLY]
    if safe:
        yield AdviceGroup(style.emoji, f"{style.phrase} until then", tuple(safe)).text()


def _all_clear_lines(alert: Alert) -> Iterator[str]:
    style = words.ADVICE_STYLES[Advice.RETRY_NORMALLY]
    if alert.lines and is_safe(alert):
        since = f"since {_bold_time(alert.cleared_at, alert)}" if alert.cleared_at else ""
        yield AdviceGroup(style.emoji, style.phrase, tuple(map(short, alert.lines)), since).text()
    closed_at = alert.closed_at or alert.as_of
    start, end = markup.time(_began_at(alert), alert.as_of), markup.time(closed_at, alert.as_of)
    label = "Maintenance:" if alert.is_maintenance else "Outage:"
    parts = [f"{markup.bold(label)} {outage_text(alert)} ({start} to {end}){_by_whom(alert)}"]
    if alert.cleared_at and (recovery := (alert.cleared_at - closed_at).total_seconds()) >= 60:  # noqa: PLR2004  (s)
        parts.append(f"{markup.bold('Recovery:')} {formatting.format_duration(recovery)}")
    yield markup.SEPARATOR.join(parts)


def _by_whom(alert: Alert) -> str:
    endings = {
        IncidentEnding.WITHDRAWN: f", removed by {_vendor(alert)}",
        IncidentEnding.LAPSED: f"; {_vendor(alert)} has not posted that it ended",
        IncidentEnding.REMOVED: "; its component was removed from the status page",
        IncidentEnding.NARROWED: "; still open for other products only",
        IncidentEnding.UNRECORDED: ", removed from the status page",
        IncidentEnding.CLEARED: f"; {_vendor(alert)} posted nothing",
        IncidentEnding.UNCONFIRMED: f"; {_vendor(alert)} posted nothing",
    }
    resolved = "" if alert.is_maintenance else f", resolved by {_vendor(alert)}"
    return endings.get(alert.ending, resolved) if alert.ending else resolved


def _missed_lines(alert: Alert) -> Iterator[str]:
    if alert.missed is None:
        return
    start, end = (markup.time(at, alert.as_of) for at in alert.missed)
    yield f"{short_names(alert.lines) or 'No service named'}: {start} to {end}. It is resolved."
    yield from (group.text() for group in _safe_group(alert))


# --- the push notification --------------------------------------------------------------------------------------------

MAX_PUSH = 150  # characters that a phone shows
_MAX_PUSH_NAMES = 2


def push_text(alert: Alert) -> str:
    """The whole alert in words for a phone's notification: status, advice and the first time in 150 characters."""
    title = headline(alert)
    if alert.missed is not None or (alert.closed_at is not None and (alert.cleared_at is not None or is_safe(alert))):
        return f"{title.text}. {'. '.join(line.rstrip('.') for line in map(markup.to_plain, lines(alert)))}."
    groups = list(advice_groups(alert))
    if not groups or is_planned(alert):
        return f"{title.text}. {'. '.join(map(markup.to_plain, lines(alert)))}"
    time = next((_sentence(group.tail) for group in groups if group.tail), "")
    safe = words.ADVICE_STYLES[Advice.RETRY_NORMALLY].phrase
    not_safe = [group for group in groups if group.phrase != safe]
    candidates = (
        (groups, _MAX_NAMES),
        (groups, _MAX_PUSH_NAMES),
        (not_safe, _MAX_PUSH_NAMES),
    )
    text = ""
    for shown, limit in candidates:
        advice = [_push_sentence(group, limit, title.text) for group in shown]
        text = " ".join(filter(None, [f"{title.text}.", *advice, time]))
        if len(text) <= MAX_PUSH:
            break
    return text


def _push_sentence(group: AdviceGroup, limit: int, title: str) -> str:
    if not group.names:
        return f"{group.phrase}."
    names = [name.removesuffix(f" {words.FROM_TEXT}") for name in group.names]
    held = words.ADVICE_STYLES[Advice.HOLD_OFF].phrase
    if group.phrase == held and len(names) > 1 and title.endswith(f": {', '.join(names)}"):
        return f"{held} these."
    return f"{group.phrase}: {formatting.name_list(names, min(limit, group.limit))}."


def _sentence(tail: str) -> str:
    return f"{formatting.upper_first(markup.to_plain(tail))}."
