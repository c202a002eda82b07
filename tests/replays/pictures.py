"""``python -m tests.replays.pictures``: the demo's day and other phases as Slack shows them, as pictures.

Writes ``tests/replays/demo-day/alert.png`` (the README's picture), ``phases.png`` (every phase, for a poll of them), and
``surfaces.png`` (cards of links, panes, tables and charts); ``phone.png`` and ``surfaces-phone.png`` are 390 pixels wide.
Needs Chromium (``BROWNOUT_CHROMIUM`` or on the path) and a font with coloured emoji. The markup that Slack would
render is drawn by hand here, in a reader's zone of UTC: emoji codes, time tokens, links, bold, buttons, the bar.
"""

from __future__ import annotations

import html
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.domain import Message, NotificationKind
from bot.messages import words
from bot.messages.alerts import render_notification
from tests.replays import made_days, surfaces
from tests.replays.transcript import DEMO, HERE, changes_of, changes_of_polls, posts_of

SYMBOLS = {s.emoji: s.symbol for s in (*words.STATUS_STYLES.values(), *words.ADVICE_STYLES.values())}
SYMBOLS |= {words.NOTICE_EMOJI: "\N{INFORMATION SOURCE}\N{VARIATION SELECTOR-16}"}
DAY_MOMENTS = {"New": "11:50", "Cleared by the vendor": "12:22", "Recovering": "15:48", "All clear": "16:21"}
STYLE = """
body{margin:0;padding:28px;background:#ECEAEF;font:15px/1.45 Lato,'Noto Sans',sans-serif;color:#1D1C1D;width:WIDTHpx}
.grid{display:grid;grid-template-columns:repeat(COLUMNS,1fr);gap:20px;align-items:start}
.panel{background:#fff;border-radius:8px;overflow:hidden;border:1px solid #DDD}
.panel h2{margin:0;padding:8px 16px;background:#4A154B;color:#fff;font-size:14px}
.message{display:grid;grid-template-columns:40px 1fr;gap:10px;padding:12px 16px 4px}
.icon{width:36px;height:36px;border-radius:6px;background:#1D2433;color:#fff;font-weight:700;text-align:center;line-height:36px}
.who b{font-weight:800}.who span{color:#616061;font-size:12px}.app{background:#EEE;border-radius:2px;padding:0 3px;margin:0 4px}
.header{font-size:18px;font-weight:800;margin:2px 0 4px}.section{white-space:pre-wrap}
.bar{border-left:4px solid;border-radius:3px;padding-left:12px;margin:8px 0}
.context{color:#616061;font-size:13px}.buttons{display:flex;flex-wrap:wrap;gap:8px;margin:6px 0}
.button{border:1px solid #CCC;border-radius:4px;padding:3px 11px;font-weight:700;font-size:13.5px}.menu{font-weight:400}
a{color:#1264A3;text-decoration:none}.replies{font-size:13px;color:#616061;padding:0 16px 10px 66px}
.also{border-top:1px solid #EEE;padding:8px 16px 10px 66px}.also small{color:#616061;display:block}
"""


@dataclass
class Shown:
    """A message in the channel as it stands, with the number of its replies and the broadcast ones."""

    message: Message
    at: datetime
    replies: int = 0
    broadcasts: list[Message] = field(default_factory=list)


def channel_at(stream: Sequence[tuple[datetime, Any]], until: datetime) -> list[Shown]:
    """The messages of the channel at a time, the oldest first."""
    shown: dict[str, Shown] = {}
    for at, post in stream:
        if at > until:
            break
        message = render_notification(post)
        if post.kind in (NotificationKind.ALERT, NotificationKind.NOTICE):
            shown[post.incident or post.key] = Shown(message, at)
        elif (parent := shown.get(post.incident)) is None:
            continue
        elif post.kind is NotificationKind.EDIT:
            parent.message = message
        else:
            parent.replies += 1
            parent.broadcasts += [message] if post.news.broadcast else []
    return list(shown.values())


def to_html(mrkdwn: str) -> str:
    """Slack's markup as HTML; a time token is its fallback without the zone."""
    text = re.sub(r"<!date\^\d+\^[^|]*\|([^>]*?)(?: UTC)?>", r"\1", mrkdwn)
    links = re.split(r"<([^|>]+)\|([^>]*)>", text)
    parts = []
    for n in range(0, len(links), 3):
        parts.append(html.escape(html.unescape(links[n]), quote=False))
        if n + 2 < len(links):
            parts.append(f'<a href="#">{html.escape(html.unescape(links[n + 2]), quote=False)}</a>')
    text = re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", "".join(parts))
    return re.sub(r":[a-z_]+:", lambda m: SYMBOLS.get(m[0], m[0]), text)


def block_html(block: Mapping[str, Any]) -> str:
    """A block of an alert, a reply or an answer."""
    match block["type"]:
        case "header":
            return f'<div class="header">{to_html(block["text"]["text"])}</div>'
        case "section":
            return f'<div class="section">{to_html(block["text"]["text"])}</div>'
        case "context":
            lines = "".join(f"<div>{to_html(e['text'])}</div>" for e in block["elements"])
            return f'<div class="context">{lines}</div>'
        case "actions":
            return f'<div class="buttons">{"".join(map(_element_html, block["elements"]))}</div>'
        case _:
            return surfaces.newer_html(block)


def _element_html(element: Mapping[str, Any]) -> str:
    if element["type"] == "overflow":
        return '<span class="button">⋯</span>'
    label = element.get("text") or element["placeholder"]
    is_menu = element["type"] == "static_select"
    return (
        f'<span class="button{" menu" if is_menu else ""}">{html.escape(label["text"])}{" ⌄" if is_menu else ""}</span>'
    )


def message_html(shown: Shown) -> str:
    """A message with its bar, its replies and the last broadcast below it."""
    top = "".join(map(block_html, shown.message.blocks))
    bars = "".join(
        f'<div class="bar" style="border-color:{a["color"]}">{"".join(map(block_html, a["blocks"]))}</div>'
        for a in shown.message.attachments
    )
    who = f'<div class="who"><b>Brownout</b><span class="app">APP</span><span>{shown.at:%H:%M}</span></div>'
    replies = f'<div class="replies"><a href="#">{shown.replies} repl{"y" if shown.replies == 1 else "ies"}</a></div>'
    also = "".join(
        f'<div class="also"><small>↩ replied to a thread</small>{"".join(map(block_html, m.blocks))}</div>'
        for m in shown.broadcasts[-1:]
    )
    body = f'<div class="message"><div class="icon">B</div><div>{who}{top}{bars}</div></div>'
    return f"{body}{replies if shown.replies else ''}{also}"


def page(panels: Mapping[str, str], *, width: int, columns: int) -> str:
    """A page with a titled panel for each moment."""
    style = (STYLE + surfaces.STYLE).replace("WIDTH", str(width)).replace("COLUMNS", str(columns))
    boxes = "".join(f'<div class="panel"><h2>{html.escape(title)}</h2>{shown}</div>' for title, shown in panels.items())
    return f'<!doctype html><meta charset="utf-8"><style>{style}</style><div class="grid">{boxes}</div>'


def _stream(changes: Any, provider: Any) -> list[tuple[datetime, Any]]:
    return [(change.at, post) for change, posts in posts_of(changes, provider) for post in posts]


def moments() -> Iterator[tuple[str, list[Shown]]]:
    """The phases of the demo's day, and one moment of each made day."""
    day = _stream(changes_of(DEMO, "claude"), "claude")
    for title, clock in DAY_MOMENTS.items():
        until = datetime.fromisoformat(f"2026-03-02T{clock}:00+00:00")
        yield f"{title}, {clock}", channel_at(day, until)[:1]
    for name, (provider, polls) in made_days.DAYS.items():
        made = _stream(changes_of_polls(polls(), provider), provider)
        yield name, channel_at(made, made[1][0])[:1]


def main() -> int:
    """Writes the pictures."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (slow, and only wanted here)

    chromium = os.environ.get("BROWNOUT_CHROMIUM") or shutil.which("chromium")
    shown = {title: "".join(map(message_html, panel)) for title, panel in moments()}
    first = {title: panel for title, panel in shown.items() if title.startswith("Cleared")}
    drawn = dict(surfaces.panels())
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        for file, panels, width, columns in (
            ("alert.png", {"# incidents": next(iter(first.values()))}, 640, 1),
            ("phases.png", shown, 1240, 2),
            ("phone.png", shown, 390, 1),
            ("surfaces.png", drawn, 1240, 2),
            ("surfaces-phone.png", drawn, 390, 1),
        ):
            tab = browser.new_page(viewport={"width": width + 56, "height": 400}, device_scale_factor=1.5)
            tab.set_content(page(panels, width=width, columns=columns))
            tab.screenshot(path=Path(os.environ.get("BROWNOUT_PICTURES", HERE / "demo-day")) / file, full_page=True)
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
