"""The replies in an alert's thread. A broadcast one is also seen in the channel, so it has 40 words at most. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from bot.domain import (
    Advice,
    Alert,
    Condition,
    IncidentEnding,
    Message,
    NewsItem,
    NewsKind,
    SurfaceLine,
    Verdict,
)
from bot.messages import alert_view, block_kit, formatting, markup, words
from bot.messages.words import Status

MAX_QUOTE = 1400  # characters of the vendor's text
_MAX_TEXT_QUOTE = 1200  # characters of it in the text for phones
_MAX_NAMES = 6
_MAX_CLEARED = 3  # services that an all clear names; more are only counted
_QUOTING = (NewsKind.UPDATE, NewsKind.EDITED, NewsKind.CHANGED, NewsKind.NOTE)
_EXPIRED_CODES = ("exoneration_expired", "unconfirmed")
_PROBE_CODES = ("suspected", "contradicted", "failing_unread")


def reply_message(alert: Alert, item: NewsItem, link_url: str = "") -> Message:
    """The reply for one piece of news; ``link_url`` is the address of a message that it points to, if there is one."""
    text = news_text(alert, item, link_url)
    blocks = [block_kit.section(markup.to_mrkdwn(paragraph)) for paragraph in text.split("\n\n")]
    plain = markup.to_plain(text)
    if item.before:
        before = markup.bold("Before:")
        blocks += [block_kit.section(markup.to_mrkdwn(before)), block_kit.quote_block(item.before, MAX_QUOTE)]
        blocks.append(block_kit.section(markup.to_mrkdwn(markup.bold("Now:"))))
        plain += f"\nBefore: “{formatting.truncate(item.before, _MAX_TEXT_QUOTE)}”\nNow:"
    if item.kinds[-1] in _QUOTING:
        blocks.append(block_kit.quote_block(item.quote, MAX_QUOTE))
        plain += f"\n“{formatting.truncate(item.quote or '(no text)', _MAX_TEXT_QUOTE)}”"
    return Message(
        block_kit.truncate_mrkdwn(block_kit.escape(plain), block_kit.MAX_TEXT),
        tuple(blocks),
        key=f"{alert.incident}:{item.key}",
    )


def news_text(alert: Alert, item: NewsItem, link_url: str = "") -> str:
    """Our sentences about a news item, the most important first, as a text of ``bot.messages.markup``."""
    quoting = [kind for kind in item.kinds if kind in _QUOTING]
    own = [kind for kind in item.kinds if kind not in _QUOTING]
    parts = [" ".join(filter(None, _own_sentences(alert, item, own, link_url)))] if own else []
    parts += [_TEXT_OF_QUOTE[kind](alert, item) for kind in quoting]
    return "\n\n".join(filter(None, parts))


def _own_sentences(alert: Alert, item: NewsItem, kinds: Sequence[NewsKind], link_url: str) -> Iterator[str]:
    for number, kind in enumerate(kinds):
        if kind is NewsKind.WHY:
            yield why_text(alert)
        elif kind is NewsKind.NEXT:
            yield _next_text(alert, link_url)
        elif number == 0 or kind in (NewsKind.RESOLVED, NewsKind.CONFIRMED):
            yield _TEXT_OF_NEWS[kind](alert, item)
    if NewsKind.WHY in kinds:  # it has the advice, and follows an alert with the next update
        return
    if set(kinds) & {NewsKind.WIDENED, NewsKind.WORSE, NewsKind.REOPENED}:
        yield from _advice_sentences(item.verdicts)
    if set(kinds) & {NewsKind.WIDENED, NewsKind.WORSE, NewsKind.REOPENED, NewsKind.LOWERED}:
        yield _next_update(alert)


def _next_text(alert: Alert, link_url: str) -> str:
    """That another incident has begun: a related one of the same provider, or one of another that names this one."""
    title = formatting.truncate(markup.clean(alert.title), 90, "…")
    shown = markup.link(link_url, f"“{title}”") if link_url else f"“{title}”"
    if alert.upstream:
        return f"{alert.provider_name} names this in an incident of its own: {shown} (own message below)."
    return f"Related incident: {shown} (own message below). Advice for both stays in this alert."


# --- ours -------------------------------------------------------------------------------------------------------------


def _start(emoji: str, text: str) -> str:
    return f"{markup.emoji(emoji)} {markup.bold(text)}"


def _status_emoji(alert: Alert) -> str:
    return alert_view.headline(alert).emoji


def _names(names: Iterable[str]) -> str:
    return formatting.name_list(list(names), _MAX_NAMES)


def _next_update(alert: Alert) -> str:
    if alert.next_update is None or alert.closed_at is not None:
        return ""
    if alert.is_maintenance and alert.planned_end is not None and alert.planned_end > alert.as_of:
        return f"Planned end {markup.time(alert.planned_end, alert.as_of)}."
    return f"Next update by {markup.time(alert.next_update, alert.as_of)}."


def _advice_sentences(verdicts: Sequence[tuple[str, Verdict]]) -> Iterator[str]:
    """One sentence for each advice, worst first."""
    if held := [name for name, v in verdicts if words.is_held(v)]:
        yield f"{words.ADVICE_STYLES[Advice.HOLD_OFF].phrase}: {_names(held)}."
    if slow := [(name, v) for name, v in verdicts if v.call is Advice.RETRY_GENTLY]:
        load = words.load_text(min(v.exposure for _, v in slow))
        yield f"{_names(name for name, _ in slow)}: you can retry slowly ({load})."


def _lines_named(alert: Alert, names: Iterable[str]) -> list[SurfaceLine]:
    wanted = set(names)
    return [line for line in alert.lines if alert_view.short(line) in wanted]


def _status_word(status: Status) -> str:
    return "down" if status.is_down else str(status) if status.is_bad else "affected"


def _widened_text(alert: Alert, item: NewsItem) -> str:
    if set(item.wider) >= {alert_view.short(line) for line in alert.lines} and not item.anew:
        return f"{_start(_status_emoji(alert), f'{alert_view.headline(alert).text}.')}"
    groups: dict[str, list[str]] = {}
    for line in sorted(_lines_named(alert, item.wider), key=lambda line: alert_view.status_of(line).rank):
        groups.setdefault(_status_word(alert_view.status_of(line)), []).append(alert_view.short(line))
    is_again = set(item.anew) >= set(item.wider)
    clauses = [_affected_clause(names, word, is_again=is_again) for word, names in groups.items()]
    worst = min(
        (alert_view.status_of(line) for line in _lines_named(alert, item.wider)),
        key=lambda status: status.rank,
        default=Status.UNKNOWN,
    )
    emoji = words.STATUS_STYLES[worst].emoji if worst.is_bad else words.ADVICE_STYLES[Advice.RETRY_GENTLY].emoji
    return _start(emoji, f"{alert.provider_name}: {'; '.join(clauses) or 'more services are affected'}.")


def _affected_clause(names: Sequence[str], word: str, *, is_again: bool) -> str:
    is_plural = len(names) > 1 or names[0].endswith("s")  # PRs, Actions, webhooks
    verb = "are" if is_plural else "is"
    return f"{_names(names)} {verb} {word} again" if is_again else f"{_names(names)} {verb} now also {word}"


def _worse_text(alert: Alert, item: NewsItem) -> str:
    named = _lines_named(alert, item.worse) or [
        line for line in alert.lines if line.condition is Condition.MAJOR_OUTAGE
    ]
    status = min((alert_view.status_of(line) for line in named), key=lambda s: s.rank, default=Status.OUTAGE)
    names = formatting.name_list([alert_view.short(line) for line in named], _MAX_NAMES)
    return _start(words.STATUS_STYLES[status].emoji, f"{alert.provider_name} {status} now: {names}.")


def _overrun_text(alert: Alert, _: NewsItem) -> str:
    title = _start(_status_emoji(alert), f"{alert.provider_name} maintenance is past its planned end.")
    held = [alert_view.short(line) for line in alert.lines if words.is_held(line.verdict)]
    return " ".join(filter(None, [title, f"Don't retry: {_names(held)}." if held else "", _next_update(alert)]))


def _lowered_text(alert: Alert, item: NewsItem) -> str:
    held = [(name, v) for name, v in item.verdicts if words.is_held(v)]
    if alert.is_maintenance and held and all(v.reason_code == "maintenance" for _, v in held):
        names = _names(name for name, _ in held)
        title = f"{alert.provider_name} maintenance started: {names}."
        return f"{_start(words.STATUS_STYLES[Status.MAINTENANCE].emoji, title)} Don't retry: {names}."
    if not held:
        slow = [(name, v) for name, v in item.verdicts if v.call is Advice.RETRY_GENTLY]
        load = words.load_text(min((v.exposure for _, v in slow), default=0))
        style = words.ADVICE_STYLES[Advice.RETRY_GENTLY]
        return _start(style.emoji, f"{alert.provider_name} {_names(n for n, _ in slow)}: retry slowly ({load}).")
    names = _names(name for name, _ in held)
    emoji = words.ADVICE_STYLES[Advice.HOLD_OFF].emoji
    title = f"{alert.provider_name} {names}: don't retry any more."
    return f"{_start(emoji, title)} {_lowered_reason(alert, held)}".rstrip()


def _lowered_reason(alert: Alert, held: Sequence[tuple[str, Verdict]]) -> str:
    codes = {v.reason_code for _, v in held}
    if codes & set(_EXPIRED_CODES):
        return f"{alert.vendor or alert.provider_name}'s statement expired and the incident is still open."
    if codes & set(_PROBE_CODES):
        return "Our probes or your traffic fail."
    if codes == {"needs"}:
        return "A service that it depends on is down."
    return ""


def _raised_text(alert: Alert, item: NewsItem) -> str:
    slow = [(name, v) for name, v in item.verdicts if v.call is Advice.RETRY_GENTLY]
    safe = [name for name, v in item.verdicts if v.call is Advice.RETRY_NORMALLY]
    if not slow:
        style = words.ADVICE_STYLES[Advice.RETRY_NORMALLY]
        return f"{_start(style.emoji, f'{alert.provider_name}: safe to retry:')} {_names(safe)}."
    load = words.load_text(min(v.exposure for _, v in slow))
    style = words.ADVICE_STYLES[Advice.RETRY_GENTLY]
    sentence = (
        f"{_start(style.emoji, f'{alert.provider_name}: you can retry slowly ({load}):')} {_names(n for n, _ in slow)}."
    )
    more = [f"Safe to retry: {_names(safe)}."] if safe else []
    times = [v.changes_at for _, v in slow if v.changes_at and v.reason_code != "exonerated"]
    if len(times) == len(slow):
        more.append(f"Full load from {markup.time(max(times), alert.as_of)} if stable.")
    return " ".join([sentence, *more])


def _all_clear_text(alert: Alert, _: NewsItem) -> str:
    style = words.STATUS_STYLES[Status.OPERATIONAL]
    count = len(alert.lines)
    which = f"all {count} services" if count > _MAX_CLEARED else _names(map(alert_view.short, alert.lines))
    which = which or "all services"
    if alert.is_maintenance:
        return f"{_start(style.emoji, f'{alert.provider_name} maintenance completed.')} Safe to retry: {which}."
    ended = f"Outage {alert_view.outage_text(alert)}."
    return f"{_start(style.emoji, f'{alert.provider_name} operational again.')} Safe to retry: {which}. {ended}"


def _resolved_text(alert: Alert, item: NewsItem) -> str:
    if NewsKind.ALL_CLEAR in item.kinds:
        return ""
    vendor, after = alert.vendor or alert.provider_name, alert_view.outage_text(alert)
    ended = {
        IncidentEnding.UNCONFIRMED: f"Ended after {after}. {vendor} has posted nothing.",
        IncidentEnding.CLEARED: f"Ended after {after}. {vendor} has posted nothing.",
        IncidentEnding.LAPSED: f"The planned time is over; {vendor} has not posted that it ended.",
        IncidentEnding.REMOVED: f"Closed after {after}: its component was removed; its status is unknown.",
        IncidentEnding.NARROWED: f"Ended here after {after}: the incident is still open for other products only.",
        IncidentEnding.UNRECORDED: f"{vendor} removed this incident from its status page after {after}.",
    }
    resolved = f"{vendor} {'completed the maintenance' if alert.is_maintenance else 'resolved this'} after {after}."
    text = ended.get(alert.ending, resolved) if alert.ending else f"Ended after {after}."
    waiting = [line for line in alert.lines if line.verdict.call is not Advice.RETRY_NORMALLY]
    if waiting and NewsKind.RAISED not in item.kinds:  # which names them
        text += f" Recovering: {_names(map(alert_view.short, waiting))}."
        text += f" Next update by {markup.time(alert.next_update, alert.as_of)}." if alert.next_update else ""
    return text


def _withdrawn_text(alert: Alert, _: NewsItem) -> str:
    safe = " Safe to retry: all services." if alert_view.is_safe(alert) else " Recovering: wait for the all clear."
    return f"{alert.vendor or alert.provider_name} removed this incident from its status page.{safe}"


def _reopened_text(alert: Alert, _: NewsItem) -> str:
    text = _start(_status_emoji(alert), f"{alert.provider_name}: open again.")
    held = [alert_view.short(line) for line in alert.lines if words.is_held(line.verdict)]
    return f"{text} Don't retry: {_names(held)}." if held else text


def _confirmed_text(alert: Alert, _: NewsItem) -> str:
    vendor = alert.vendor or alert.provider_name
    lead = (
        f", {formatting.format_duration(alert.lead.total_seconds())} after the first alert here" if alert.lead else ""
    )
    return f"{vendor} confirmed this at {markup.time(alert.posted_at, alert.as_of)}{lead}."


def _reminder_text(alert: Alert, _: NewsItem) -> str:
    bad = alert_view.bad_lines(alert)
    after = formatting.format_duration((alert.as_of - alert.posted_at).total_seconds())
    advice = [words.advice_phrase(line.verdict) for line in bad]
    names = formatting.name_list([alert_view.short(line) for line in bad], _MAX_NAMES)
    status = str(alert_view.status_of(bad[0])) if bad else "affected"
    title = f"{alert.provider_name} {status}, still open after {after}:"
    return " ".join(
        filter(
            None,
            [
                f"{_start(_status_emoji(alert), title)} {names}.",
                f"{advice[0]}." if advice else "",
                _next_update(alert),
                "Acknowledge or mute to stop reminders.",
            ],
        )
    )


_TEXT_OF_NEWS: Mapping[NewsKind, Callable[[Alert, NewsItem], str]] = {
    NewsKind.WITHDRAWN: _withdrawn_text,
    NewsKind.REOPENED: _reopened_text,
    NewsKind.WIDENED: _widened_text,
    NewsKind.WORSE: _worse_text,
    NewsKind.OVERRUN: _overrun_text,
    NewsKind.LOWERED: _lowered_text,
    NewsKind.VERDICT: lambda alert, item: (
        _lowered_text(alert, item) if any(words.is_held(v) for _, v in item.verdicts) else _raised_text(alert, item)
    ),
    NewsKind.ALL_CLEAR: _all_clear_text,
    NewsKind.RAISED: _raised_text,
    NewsKind.RESOLVED: _resolved_text,
    NewsKind.REMINDER: _reminder_text,
    NewsKind.CONFIRMED: _confirmed_text,
    NewsKind.ACKNOWLEDGED: lambda _, item: f"Acknowledged by {markup.clean(item.by)}.",
}


# --- quotes -----------------------------------------------------------------------------------------------------------


def _update_text(alert: Alert, item: NewsItem) -> str:
    who = markup.bold(f"{alert.vendor or alert.provider_name}, {formatting.stage_text(item.stage)}")
    if item.change:  # one for many
        count = markup.link(alert.url or "", item.change)
        return f"{count}. The newest: {who} ({markup.time(item.at, alert.as_of)}):"
    return f"{who} ({markup.time(item.at, alert.as_of)}):"


def _changed_text(alert: Alert, item: NewsItem, what: str) -> str:
    change = markup.with_times(item.change, alert.as_of)
    return f"{alert.vendor or alert.provider_name} changed {what} ({change})."


_TEXT_OF_QUOTE: Mapping[NewsKind, Callable[[Alert, NewsItem], str]] = {
    NewsKind.UPDATE: _update_text,
    NewsKind.EDITED: lambda alert, item: _changed_text(alert, item, "an earlier post"),
    NewsKind.CHANGED: lambda alert, item: _changed_text(alert, item, "the incident"),
    NewsKind.NOTE: lambda _, item: f"{markup.bold(markup.clean(item.by))} added a note:",
}


# --- why --------------------------------------------------------------------------------------------------------------

_MAX_EVIDENCE = 3  # sentences for one group of services
_MAX_ADVISED = 2  # texts of provider files
NO_EVIDENCE: Mapping[str, Sequence[str]] = {}


def why_text(alert: Alert, now: datetime | None = None, evidence: Mapping[str, Sequence[str]] = NO_EVIDENCE) -> str:
    """Why the advice is as it is, and what to do: one line for all services with the same advice and reason.

    ``evidence`` are more sentences, by surface; times in them are in UTC.
    """
    at = now or alert.as_of
    title = markup.bold(f"Why: {alert.provider_name},") + f" {markup.time(at, at)}"
    return "\n".join([title, *_reason_lines(alert, at, evidence), *_what_to_do(alert)])


def _reason_lines(alert: Alert, at: datetime, evidence: Mapping[str, Sequence[str]]) -> Iterator[str]:
    groups: dict[tuple[str, str], list[SurfaceLine]] = {}
    for line in (*alert.lines, *alert.watched):
        advice = words.advice_phrase(line.verdict)
        reason = line.verdict.because or line.verdict.reason
        groups.setdefault((formatting.lower_first(advice), reason), []).append(line)
    for (advice, reason), lines in groups.items():
        text = markup.clean(reason).rstrip(".")
        sentences = [f"{formatting.upper_first(text)}.", *_evidence_sentences(lines, evidence)]
        start = markup.bold(f"{_names(map(alert_view.short, lines))}: {advice}.")
        yield f"• {start} {markup.with_times(' '.join(sentences), at)}"


def _evidence_sentences(lines: Sequence[SurfaceLine], evidence: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The evidence of one group: what is the same for all of its services once, the rest with the service's name."""
    names_by_sentence: dict[str, list[str]] = {}
    for line in lines:
        for sentence in dict.fromkeys(map(markup.clean, evidence.get(line.surface, ()))):
            names_by_sentence.setdefault(sentence, []).append(alert_view.short(line))
    for sentence, names in list(names_by_sentence.items())[:_MAX_EVIDENCE]:
        yield sentence if len(names) == len(lines) else f"{_names(names)}: {sentence}"


def _what_to_do(alert: Alert) -> Iterator[str]:
    """What to do where the advice is not to retry; and what programs should do where it is to retry slowly."""
    lines = (*alert.lines, *alert.watched)
    people, programs = advice_texts(lines)
    held = [line for line in lines if words.is_held(line.verdict)]
    slow = [line for line in lines if line.verdict.call is Advice.RETRY_GENTLY]
    if held:
        own = list(dict.fromkeys(line.people for line in held if line.people))
        people = " ".join(own[:_MAX_ADVISED]) or people
    if held and slow:
        programs = f"{programs} {_names(map(alert_view.short, slow))}: {advice_texts(slow)[1]}"
    parts = [f"People: {people}" if people else "", f"Programs: {programs}" if programs else ""]
    if any(parts):
        yield f"{markup.bold('What to do')} · {' · '.join(filter(None, parts))}"


def advice_texts(lines: Iterable[SurfaceLine]) -> tuple[str, str]:
    """What people and programs should do: for the worst advice, by its first service that has a text of its own."""
    lines = tuple(lines)
    held = [line for line in lines if words.is_held(line.verdict)]
    if held:
        people = next((line.people for line in held if line.people), words.PEOPLE_HOLD)
        return people, next((line.programs for line in held if line.programs), words.PROGRAMS_HOLD)
    slow = [line for line in lines if line.verdict.call is Advice.RETRY_GENTLY]
    if not slow:
        return "", ""
    exposure = min(line.verdict.exposure for line in slow)
    people = next((line.people_slow for line in slow if line.people_slow), words.PEOPLE_SLOW)
    return people, next((line.programs_slow for line in slow if line.programs_slow), words.programs_slow(exposure))
