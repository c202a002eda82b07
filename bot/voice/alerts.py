"""A post -> the message that Slack or a terminal shows. Pure; the plain text is always complete by itself.

Screen readers and notifications read only the top-level text, so it holds everything and no sign stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bot.model import Alert, Call, Ending, Message, News, NewsItem, Notice, NoticeKind, Post, PostKind, SurfaceLine
from bot.voice import blocks, words


def render(post: Post) -> Message:
    """The message of a post."""
    if isinstance(post.about, Notice):
        return _notice(post.about)
    if post.kind is PostKind.REPLY and post.news is not None:
        return _reply(post.about, post.news)
    return _parent(post.about)


def headline(alert: Alert) -> str:
    """What is broken, in words: ``Claude: claude.ai in the browser and Claude login partly down``."""
    bad = [line for line in alert.lines if line.condition.is_bad]
    if alert.ending is Ending.WITHDRAWN:
        return f"{alert.provider_name}: withdrawn by the vendor"
    if alert.closed_at is not None:
        return f"{alert.provider_name}: over, {words.listing(line.name for line in alert.lines)}"
    if not bad:
        shown = words.listing(line.name for line in alert.lines)
        return f"{alert.provider_name}: {alert.stage}, {shown}"
    worst = max(bad, key=lambda line: line.condition.rank).condition
    there = words.listing(line.name for line in bad)
    return f"{alert.provider_name}: {there} {words.CONDITIONS[worst]}"


def surface_line(line: SurfaceLine) -> str:
    """One affected surface, with its verdict and the reason, as plain text."""
    how = words.CONDITIONS[line.condition] + (", by the text alone" if line.inferred else "")
    return f"{words.SIGNS[line.condition]} {line.name}: {how}. {line.verdict.reason}"


def provenance(alert: Alert) -> str:
    """When the vendor said it, when we saw it, and how much was said."""
    lag = (alert.seen_at - alert.posted_at).total_seconds()
    seen = f"posted {words.day(alert.posted_at)}, seen {words.span(max(lag, 0))} later"
    count = f"{alert.updates} update{'s' if alert.updates != 1 else ''}"
    over = f", over since {words.clock(alert.closed_at)}" if alert.closed_at else ""
    return f"{alert.stage}; {seen}; {count}{over}"


def _parent(alert: Alert) -> Message:
    title = words.cut(alert.title, 300)
    again = _again(alert)
    text = "\n".join(
        part
        for part in (headline(alert), f"“{title}”", again, *map(surface_line, alert.lines), *_meanwhile(alert))
        if part
    )
    shown = [blocks.header(headline(alert)), blocks.quote(title, 600)]
    if again:
        shown.append(blocks.section(f"*{blocks.escape(again)}*"))
    shown += [_line_block(line) for line in alert.lines[:30]]
    shown += [blocks.section(blocks.escape(text)) for text in _meanwhile(alert)]
    where = blocks.link(alert.url, "the vendor's page") if alert.url else ""
    posted = blocks.date(alert.posted_at, "{date_short_pretty} {time}")
    shown.append(
        blocks.context(f"{blocks.escape(provenance(alert))} ({posted}) {where} `{blocks.escape(alert.incident)}`")
    )
    full = f"{text}\n{provenance(alert)}. {alert.url or ''}".strip()
    return Message(words.cut(blocks.escape(full), blocks.TEXT), tuple(shown), key=f"{alert.incident}:alert")


def _again(alert: Alert) -> str:
    if alert.again_after is None:
        return ""
    return f"Again, {words.span(alert.again_after.total_seconds())} after the last one was called resolved."


def _line_block(line: SurfaceLine) -> dict[str, object]:
    how = words.CONDITIONS[line.condition] + (" (by the text alone)" if line.inferred else "")
    head = f"{words.SIGNS[line.condition]} *{blocks.escape(line.name)}*: {how}"
    return blocks.section(f"{head}\n*{words.call(line.verdict)}.* {blocks.escape(line.verdict.reason)}")


def _meanwhile(alert: Alert) -> Iterator[str]:
    """What to do until then, for people and for programs; only while something is broken."""
    if alert.closed_at is not None:
        return
    bad = [line for line in alert.lines if line.condition.is_bad]
    people = dict.fromkeys(line.people for line in bad if line.people)
    programs = dict.fromkeys(line.programs for line in bad if line.programs)
    if people:
        yield f"People: {' '.join(people)}"
    if programs:
        yield f"Programs: {' '.join(programs)}"


def spoken(alert: Alert, item: NewsItem) -> str:
    """Our sentences about a piece of news, the weightiest first."""
    return " ".join(_SENTENCES[kind](alert, item) for kind in item.kinds)


def _over(alert: Alert) -> str:
    lasted = words.span(((alert.closed_at or alert.as_of) - alert.posted_at).total_seconds())
    word = "Gone from the page" if alert.ending is Ending.UNRECORDED else "Called resolved"
    held = [line.name for line in alert.lines if line.verdict.call is not Call.RETRY_NORMALLY]
    rest = f" Not yet safe to retry normally: {words.listing(held)}." if held else ""
    return f"{word} {lasted} after the first post.{rest}"


_SENTENCES: Mapping[News, Callable[[Alert, NewsItem], str]] = {
    News.WITHDRAWN: lambda _, __: "Withdrawn: the vendor deleted this incident from its page.",
    News.RESOLVED: lambda alert, _: _over(alert),
    News.REOPENED: lambda _, __: "Open again: the vendor lists it once more.",
    News.WIDENED: lambda _, item: f"Wider: now also {words.listing(item.wider)}.",
    News.VERDICT: lambda _, item: " ".join(item.verdicts),
    News.UPDATE: lambda _, item: f"The vendor, {item.stage}:",
    News.EDITED: lambda _, item: f"The vendor edited an earlier post ({item.change}):",
    News.CHANGED: lambda _, item: f"The vendor changed it ({item.change}); it is now called:",
}


def _reply(alert: Alert, item: NewsItem) -> Message:
    said = spoken(alert, item)
    shown = [blocks.section(f"{blocks.date(item.at)} {blocks.escape(said)}")]
    text = f"{alert.provider_name}, {words.clock(item.at)}. {said}"
    if item.before:
        shown += [blocks.context("before"), blocks.quote(item.before, 1400), blocks.context("now")]
        text += f"\nbefore: “{words.cut(item.before, 1200)}”\nnow:"
    if item.quote:
        shown.append(blocks.quote(item.quote, 1400 if item.before else blocks.SECTION))
        text += f"\n“{words.cut(item.quote, 1200 if item.before else 2400)}”"
    return Message(words.cut(blocks.escape(text), blocks.TEXT), tuple(shown), key=f"{alert.incident}:{item.key}")


def _notice(notice: Notice) -> Message:
    text = _told(notice)
    shown = [blocks.section(blocks.escape(text))]
    lines = [f"{words.cut(i.name, 160)} ({i.stage}, since {words.day(i.created_at)})" for i in notice.open[:20]]
    if lines:
        shown.append(blocks.section("\n".join(f"• {blocks.escape(line)}" for line in lines)))
    full = "\n".join([text, *lines])
    return Message(words.cut(blocks.escape(full), blocks.TEXT), tuple(shown), key=notice.key)


def _told(notice: Notice) -> str:
    name, since = notice.provider_name, words.clock(notice.since)
    match notice.kind:
        case NoticeKind.BLIND:
            return (
                f"Blind: {notice.page} can't be read since {since} ({notice.why}). "
                f"That says nothing about {name} itself; its verdicts turn to unknown."
            )
        case NoticeKind.BACK:
            lasted = words.span((notice.at - notice.since).total_seconds())
            return f"Back: {notice.page} can be read again, after {lasted}."
        case NoticeKind.MOVED:
            return f"Moved: {notice.why}."
        case NoticeKind.BASELINE:
            return f"First look at {name}: {len(notice.open)} open on its page. Nothing of this is new."
