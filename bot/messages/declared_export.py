"""A declared incident as a document to keep or to send: Markdown, JSON or HTML, with both timelines. No I/O.

People's and vendors' words are quoted, and escaped for the format. Every time is in UTC and says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from html import escape
from typing import Any

from bot.messages import declared, export, formatting, markup
from bot.messages.declared_timeline import DeclaredView, TimelineStep, steps

_MAX_QUOTE = 10_000  # characters of one post


def markdown(view: DeclaredView) -> str:
    """The incident as Markdown."""
    lines = [f"# {export.escape_markdown(declared.name(view.incident))}", ""]
    lines += [f"- {fact}: {export.escape_markdown(value)}" for fact, value in _facts(view)]
    lines += ["", f"## {_timeline_title(view)}", ""]
    for step in steps(view):
        lines.append(f"{export.escape_markdown(_head(step, view))}  ")
        lines += [f"> {export.escape_markdown(line)}  " for line in step.quote[:_MAX_QUOTE].splitlines()]
    return "\n".join([*lines, ""])


def html(view: DeclaredView) -> str:
    """The incident as one self-contained HTML page."""
    facts = "".join(f"<dt>{escape(fact)}</dt><dd>{escape(value)}</dd>" for fact, value in _facts(view))
    rows = "".join(_html_step(step, view) for step in steps(view))
    return export.html_page(
        declared.name(view.incident), f"<dl>{facts}</dl>\n<h2>{escape(_timeline_title(view))}</h2>\n{rows}"
    )


def as_json(view: DeclaredView) -> str:
    """The incident with every field as JSON (schema ``declared/1``), for programs."""
    incident = view.incident
    body: dict[str, Any] = {
        "schema": "declared/1",
        "number": incident.number,
        "title": incident.title,
        "severity": incident.severity.value,
        "state": "open" if incident.is_open else "closed",
        "declared_by": incident.declared.by.name,
        "declared_at": incident.declared.at,
        "acknowledged_by": incident.acked.by.name if incident.acked else None,
        "acknowledged_at": incident.acked.at if incident.acked else None,
        "closed_by": incident.closed.by.name if incident.closed else None,
        "closed_at": incident.closed.at if incident.closed else None,
        "safe_since": incident.safe_since or view.safe_since,
        "incidents": [
            {"id": v.tracked.incident.id, "provider": v.alert.provider, "title": v.alert.title, "url": v.alert.url}
            for v in view.vendors
        ],
        "timeline": [asdict(step) for step in steps(view)],
    }
    return json.dumps(body, default=export.json_default, indent=1, ensure_ascii=False) + "\n"


EXPORTERS: dict[str, Callable[[DeclaredView], str]] = {"markdown": markdown, "json": as_json, "html": html}


def _facts(view: DeclaredView) -> Iterator[tuple[str, str]]:
    incident = view.incident
    yield "Number", str(incident.number)
    yield "Declared", f"{formatting.format_datetime(incident.declared.at)}, by {incident.declared.by.name}"
    if incident.acked is not None:
        yield "Acknowledged", f"{formatting.format_datetime(incident.acked.at)}, by {incident.acked.by.name}"
    if incident.closed is not None:
        lasted = formatting.format_duration((incident.closed.at - incident.declared.at).total_seconds())
        yield (
            "Closed",
            f"{formatting.format_datetime(incident.closed.at)}, by {incident.closed.by.name}, after {lasted}",
        )
    safe_since = incident.safe_since or view.safe_since
    yield "Safe to retry since", formatting.format_datetime(safe_since) if safe_since else "not yet"
    for vendor in view.vendors:
        yield vendor.vendor, f"{markup.clean(vendor.alert.title)} ({vendor.tracked.incident.id})"


def _timeline_title(view: DeclaredView) -> str:
    days = {step.at.date() for step in steps(view)}
    return f"Timeline ({min(days)}, UTC)" if len(days) == 1 else "Timeline (UTC)"


def _head(step: TimelineStep, view: DeclaredView) -> str:
    is_one_day = len({s.at.date() for s in steps(view)}) == 1
    clock = f"{step.at:%H:%M}" if is_one_day else f"{step.at:%Y-%m-%d %H:%M}"
    return f"{clock}  {step.head}:{'' if step.quote else f' {markup.clean(step.text)}'}"


def _html_step(step: TimelineStep, view: DeclaredView) -> str:
    quote = f"<blockquote>{escape(step.quote[:_MAX_QUOTE])}</blockquote>" if step.quote else ""
    return f"<p>{escape(_head(step, view))}</p>{quote}\n"
