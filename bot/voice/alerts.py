"""A post -> the message that Slack or a terminal shows. Pure; the plain text is always complete by itself.

Screen readers and notifications read only the top-level text, so it holds everything and no sign stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.model import (
    Alert,
    Call,
    Condition,
    Ending,
    Estimate,
    Message,
    News,
    NewsItem,
    Notice,
    People,
    Post,
    PostKind,
    SurfaceLine,
)
from bot.voice import blocks, hands, notices, words

_MENTION = re.compile(r"(!subteam\^[A-Z0-9]+|@[UW][A-Z0-9]+)(?:\|[^<>|]*)?")
NOBODY = People()
_FULL = 6000  # characters of blocks; longer lines are shown without their reasons
_ADVICE = 1000
_ADVISED = 2  # surfaces whose advice stands in the alert
_TITLE = 300
_WORTH_A_WORD = 60  # seconds by which we knew before the page


def render(post: Post, people: People = NOBODY, linked: str = "") -> Message:
    """The message of a post; ``people`` is what people have done about its incident by now.

    ``linked`` is the address of the message that it points to; empty where that is not known.
    """
    if isinstance(post.about, Notice):
        return notices.render(post.about)
    if post.kind is PostKind.REPLY and post.news is not None:
        return _rung(_reply(post.about, post.news, linked), post.mentions)
    return _rung(_parent(post.about, people, linked), post.mentions)


def _rung(message: Message, mentions: Iterable[str]) -> Message:
    """The message with those in front whom it may ring: tokens of ours, and nothing else is taken for one."""
    rings = " ".join(f"<{found[1]}>" for mention in mentions if (found := _MENTION.fullmatch(mention)))
    if not rings:
        return message
    text = f"{rings} {blocks.fit(message.text, blocks.TEXT - len(rings) - 1)}"
    return replace(message, text=text, blocks=(blocks.section(rings), *message.blocks))


def headline(alert: Alert) -> str:
    """What is broken, in words: ``Claude: claude.ai in the browser and Claude login partly down``."""
    return f"{alert.provider_name}: {_standing(alert)}"


def surface_line(line: SurfaceLine) -> str:
    """One affected surface, with its verdict and the reason, as plain text."""
    return f"{words.SIGNS[line.condition]} {line.name}: {_how(line)}. {words.told(line.verdict)}: {_because(line)}"


def provenance(alert: Alert, day: Callable[[datetime], str] = words.day) -> str:
    """When the vendor said it, when we saw it, and how much was said; ``day`` writes a date and time."""
    over = f", over since {day(alert.closed_at)}" if alert.closed_at else ""
    if alert.is_suspected:
        return f"failing since {day(alert.posted_at)}, suspected since {day(alert.seen_at)}{over}"
    if alert.is_unposted:
        return f"bad on the page since {day(alert.posted_at)}{over}"
    lag = (alert.seen_at - alert.posted_at).total_seconds()
    seen = f"posted {day(alert.posted_at)}, seen {words.span(lag)} later"
    count = f"{alert.updates} update{'s' if alert.updates != 1 else ''}"
    return f"{words.stage(alert.stage)}; {seen}; {count}{over}"


# --- the parent -------------------------------------------------------------------------------------------------------


def _standing(alert: Alert) -> str:
    all_of_it = words.listing(line.name for line in alert.lines) or "no surface was named"
    bad = [line for line in alert.lines if line.condition.is_bad]
    if alert.ending is Ending.WITHDRAWN:
        return "withdrawn by the vendor"
    if alert.ending is Ending.POSTED:
        return f"now an incident of the vendor, {all_of_it}"
    if alert.closed_at is not None:
        return f"called over, and {_each(bad, 'still ')}" if bad else f"over, {all_of_it}"
    if bad:
        return f"{_each(bad)}{_unsaid(alert)}"
    return f"{words.stage(alert.stage)}, {all_of_it if alert.lines else 'no surface is named yet'}"


def _each(bad: Iterable[SurfaceLine], still: str = "") -> str:
    """Who is how bad, the worst first: ``Acme API down, Acme Web partly down``."""
    names: dict[Condition, list[str]] = {}
    for line in sorted(bad, key=lambda line: -line.condition.rank):
        names.setdefault(line.condition, []).append(line.name)
    return ", ".join(f"{words.listing(found)} {still}{words.CONDITIONS[c]}" for c, found in names.items())


def _unsaid(alert: Alert) -> str:
    if alert.is_suspected:
        return ", suspected: the page shows nothing"
    return ", and no incident is posted" if alert.is_unposted else ""


def _how(line: SurfaceLine) -> str:
    return words.condition(line.condition, inferred=line.inferred)


def _because(line: SurfaceLine) -> str:
    return f"{line.verdict.because}." if line.verdict.because else line.verdict.reason


def _sentence(text: str) -> str:
    """As it stands at the start of a line."""
    return text[:1].upper() + text[1:]


def _parent(alert: Alert, people: People, linked: str) -> Message:
    title = "" if alert.is_unposted else words.cut(alert.title, _TITLE)
    shown = [blocks.header(headline(alert))]
    shown += [blocks.quote(title, 2 * _TITLE)] if title else []
    shown += [blocks.section(f"*{again}*") for again in _again(alert, linked, blocks.link)]
    shown += _line_blocks(_alike(alert.lines))
    shown += [blocks.section(blocks.fit(blocks.escape(text), _ADVICE)) for text in _meanwhile(alert)]
    where = [blocks.link(alert.url, "the vendor's page")] if alert.url else []
    incident = blocks.fit(blocks.escape(alert.incident), _TITLE)
    shown.append(blocks.context(" · ".join([provenance(alert, _readers_day), *where, f"`{incident}`"])))
    shown += hands.lines(alert, people)
    shown += hands.buttons(alert, people)
    text = _text(alert, title, hands.spoken(alert, people), linked)
    return Message(text, tuple(shown), key=f"{alert.incident}:alert")


def _readers_day(at: datetime) -> str:
    """A date and time in the zone of whoever reads it."""
    return blocks.date(at, "{date_short_pretty} {time}")


def _text(alert: Alert, title: str, done: Iterable[str], linked: str) -> str:
    """The whole message in words. Where the reasons don't fit, the verdicts do."""
    for told in (surface_line, _short_line):
        parts = (
            headline(alert),
            f"“{title}”" if title else "",
            *_again(alert, linked, lambda url, label: f"{label} ({url})"),
            *map(told, _alike(alert.lines)),
            *_meanwhile(alert),
            *done,
            f"{provenance(alert)}. {alert.url or ''}".strip(),
        )
        text = blocks.escape("\n".join(part for part in parts if part))
        if len(text) <= blocks.TEXT:
            break
    return blocks.fit(text, blocks.TEXT)


def _alike(lines: Iterable[SurfaceLine]) -> list[SurfaceLine]:
    """A line for all the surfaces that stand alike, with their names: what is said six times is read by nobody."""
    groups: dict[tuple[object, ...], list[SurfaceLine]] = {}
    for line in lines:
        groups.setdefault((line.condition, line.inferred, words.told(line.verdict), _because(line)), []).append(line)
    return [replace(found[0], name=words.listing(line.name for line in found)) for found in groups.values()]


def _short_line(line: SurfaceLine) -> str:
    return f"{words.SIGNS[line.condition]} {line.name}: {_how(line)}. {words.call(line.verdict)}."


def _line_blocks(lines: Sequence[SurfaceLine]) -> list[blocks.Block]:
    full = [f"{_head(line)}\n{blocks.escape(_sentence(_because(line)))}" for line in lines]
    if sum(map(len, full)) <= _FULL and len(full) < blocks.BLOCKS // 2:
        return [blocks.section(text) for text in full]
    return blocks.sections(map(_head, lines), _FULL)


def _head(line: SurfaceLine) -> str:
    name, sign = blocks.escape(line.name), words.SIGNS[line.condition]
    return f"{sign} *{name}*: {_how(line)}. *{blocks.escape(words.told(line.verdict))}.*"


def _again(alert: Alert, linked: str, link: Callable[[str, str], str]) -> Iterator[str]:
    """Our own words only. ``link`` makes an address and its label one."""
    if alert.missed is not None:
        yield f"Told late: it happened while Brownout was not looking, {words.between(*alert.missed)}."
    if alert.again_after is not None:
        last = link(linked, "the last one") if linked else "the last one"
        yield f"Again, {words.span(alert.again_after.total_seconds())} after {last} was called resolved."
    elif linked:
        yield f"Of one episode with {link(linked, 'the alert before')}."
    if knew := _knew(alert):
        yield knew


def _knew(alert: Alert) -> str:
    lead = alert.lead.total_seconds() if alert.lead else 0
    return f"We knew {words.span(lead)} before the page." if lead >= _WORTH_A_WORD else ""


def _meanwhile(alert: Alert) -> Iterator[str]:
    """What else may be hit, and what to do until then, for people and for programs; only while something is broken."""
    if careful := [x for x in alert.watched if x.verdict.call is not Call.RETRY_NORMALLY]:
        each = (f"{x.name} ({words.call(x.verdict).lower()})" for x in careful)
        yield f"Not known to be hit, and not safe to retry normally: {words.listing(each)}."
    if alert.closed_at is not None:
        return
    yield from _outlook(alert)
    bad = [line for line in alert.lines if line.condition.is_bad]
    for who, advice in (("People", [x.people for x in bad]), ("Programs", [x.programs for x in bad])):
        different = list(dict.fromkeys(filter(None, advice)))
        more = " More with `retry` and the surface." if len(different) > _ADVISED else ""
        if different:
            yield f"{who}: {' '.join(different[:_ADVISED])}{more}"


def _outlook(alert: Alert) -> Iterator[str]:
    if alert.estimate is not None:
        yield outlook(alert.estimate, alert.record)


def outlook(first: Estimate, record: str) -> str:
    """The first estimate as it was said, with its record; never a countdown (safe-to-retry.md, fact 8)."""
    half, most = (words.span(span.total_seconds()) for span in (first.p50, first.p90))
    said = f" {record[0].upper()}{record[1:]}." if record else ""
    return (
        f"First estimate, {words.clock(first.issued_at)}: half of such incidents were over within {half} from then, "
        f"9 of 10 within {most}.{said}"
    )


# --- a reply ----------------------------------------------------------------------------------------------------------


def spoken(alert: Alert, item: NewsItem) -> str:
    """Our sentences about a piece of news, the weightiest first, a line for each."""
    return "\n".join(_SENTENCES[kind](alert, item) for kind in item.kinds)


def _over(alert: Alert) -> str:
    lasted = words.span(((alert.closed_at or alert.as_of) - alert.posted_at).total_seconds())
    held = [line.name for line in alert.lines if line.verdict.call is not Call.RETRY_NORMALLY]
    rest = f" Not yet safe to retry normally: {words.listing(held)}." if held else ""
    if alert.ending is Ending.UNCONFIRMED:
        return f"Over after {lasted}: what we saw ourselves has passed. The vendor has posted nothing.{rest}"
    if alert.ending is Ending.CLEARED:
        return f"Over after {lasted}: its component is no longer bad. The vendor has posted nothing.{rest}"
    word = "Gone from the page" if alert.ending is Ending.UNRECORDED else "Called resolved"
    return f"{word} {lasted} after the first post.{rest}"


def _reopened(alert: Alert) -> str:
    if alert.is_suspected:
        return "It fails again by what we see ourselves, and the page shows nothing."
    return "Bad again, and nothing is posted." if alert.is_unposted else "Open again: the vendor lists it once more."


def _wider(alert: Alert, item: NewsItem) -> str:
    """What it names for the first time; and what it had named before and breaks now, with how bad that is."""
    new = [name for name in item.wider if name not in item.anew]
    first = "Now named:" if len(new) == len(alert.lines) else "Wider: now also"
    anew = _each(line for line in alert.lines if line.name in item.anew)
    return " ".join([*([f"{first} {words.listing(new)}."] if new else []), *([f"Now: {anew}."] if anew else [])])


def _down(alert: Alert) -> Iterator[str]:
    return (line.name for line in alert.lines if line.condition is Condition.MAJOR_OUTAGE)


def _still(alert: Alert) -> str:
    lasts = words.span((alert.as_of - alert.posted_at).total_seconds())
    bad = (
        f"{line.name} ({words.CONDITIONS[line.condition]}; {words.call(line.verdict).lower()})"
        for line in alert.lines
        if line.condition.is_bad
    )
    return f"Still open after {lasts}: {words.listing(bad)}. Ack or Mute on the alert ends these reminders."


_SENTENCES: Mapping[News, Callable[[Alert, NewsItem], str]] = {
    News.WITHDRAWN: lambda _, __: "Withdrawn: the vendor deleted this incident from its page.",
    News.RESOLVED: lambda alert, _: _over(alert),
    News.REOPENED: lambda alert, _: _reopened(alert),
    News.CONFIRMED: lambda alert, _: " ".join(filter(None, ("The page shows it now.", _knew(alert)))),
    News.WIDENED: _wider,
    News.VERDICT: lambda _, item: "\n".join(words.verdicts(item.verdicts)),
    News.WORSE: lambda alert, _: f"Down now: {words.listing(_down(alert))}.",
    News.REMINDER: lambda alert, _: _still(alert),
    News.NEXT: lambda alert, _: (
        f"The episode goes on with “{words.cut(alert.title, 100)}”, which has a message of its own in this channel."
    ),
    News.UPDATE: lambda _, item: f"The vendor, {words.stage(item.stage)}:",
    News.EDITED: lambda _, item: f"The vendor edited an earlier post ({item.change}):",
    News.CHANGED: lambda _, item: f"The vendor changed it ({item.change}); it is called:",
    News.NOTE: lambda _, item: f"{item.by} notes:",
}


def _reply(alert: Alert, item: NewsItem, linked: str) -> Message:
    said = spoken(alert, item)
    shown = [blocks.section(f"{blocks.date(item.at)} {blocks.escape(said)}")]
    about = f" “{words.cut(alert.title, 100)}”," if item.broadcast and not alert.is_unposted else ""
    text = f"{alert.provider_name},{about} {words.clock(item.at)}. {said}"
    if linked:
        shown.append(blocks.context(blocks.link(linked, "That message")))
        text += f" {linked}"
    has_words = item.kinds[-1] in (News.UPDATE, News.EDITED, News.CHANGED, News.NOTE)
    if item.before:
        shown += [blocks.context("before"), blocks.quote(item.before, 1400), blocks.context("now")]
        text += f"\nbefore: “{words.cut(item.before, 1200)}”\nnow:"
    if has_words:
        shown.append(blocks.quote(item.quote, 1400 if item.before else blocks.SECTION))
        text += f"\n“{words.cut(item.quote or '(no text)', 1200 if item.before else 2400)}”"
    return Message(blocks.fit(blocks.escape(text), blocks.TEXT), tuple(shown), key=f"{alert.incident}:{item.key}")
