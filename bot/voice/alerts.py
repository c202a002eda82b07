"""A post -> the message that Slack or a terminal shows. Pure; the plain text is always complete by itself.

Screen readers and notifications read only the top-level text, so it holds everything and no sign stands alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.model import Alert, Ending, Message, NewsItem, Notice, Post, PostKind, SurfaceLine
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
    again = f"{alert.again}." if alert.again else ""
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


def _reply(alert: Alert, item: NewsItem) -> Message:
    head = f"{words.clock(item.at)}, {item.text}" if item.text else words.clock(item.at)
    spoken = blocks.section(f"{blocks.date(item.at)} {blocks.escape(item.text)}")
    shown = [spoken]
    text = head
    if item.before:
        shown += [blocks.context("before"), blocks.quote(item.before, 1400), blocks.context("now")]
        text += f"\nbefore: “{words.cut(item.before, 1200)}”"
    if item.quote:
        shown.append(blocks.quote(item.quote, 1400 if item.before else blocks.SECTION))
        text += f"\n“{words.cut(item.quote, 1200 if item.before else 2800)}”"
    text = f"{alert.provider_name} at {text}"
    return Message(words.cut(blocks.escape(text), blocks.TEXT), tuple(shown), key=f"{alert.incident}:{item.key}")


def _notice(notice: Notice) -> Message:
    shown = [blocks.section(blocks.escape(notice.text))]
    lines = [words.cut(line, 200) for line in notice.lines[:20]]
    if lines:
        shown.append(blocks.section("\n".join(f"• {blocks.escape(line)}" for line in lines)))
    text = "\n".join([notice.text, *lines])
    return Message(words.cut(blocks.escape(text), blocks.TEXT), tuple(shown), key=notice.key)
