"""Cards of links, their panes, tables and charts of the demo's day, drawn about as Slack draws them.

``python -m tests.replays.pictures`` writes them as ``surfaces.png`` and, at a phone's width, ``surfaces-phone.png``.
Slack publishes how they look only in pictures; the order of fields, labels, colours and buttons is that of the payloads.
"""

from __future__ import annotations

import html
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot import settings
from bot.commands import registry
from bot.commands.link_cards import CardWriter
from bot.domain import LinkKind, LinkSubject
from bot.messages import link_cards, newer_blocks, words
from bot.queries.current import StatusQueries
from bot.storage import Repository
from tests.replays.transcript import DEMO, changes_of

STYLE = """
.link{color:#1264A3;padding:10px 16px 0}.card{border:1px solid #DDD;border-radius:10px;margin:8px 16px 14px;overflow:hidden}
.card .top{display:grid;grid-template-columns:40px 1fr;gap:10px;padding:12px 14px 6px;align-items:center}
.card .type{color:#616061;font-size:12.5px}.card .title{font-weight:800}
.fields{padding:0 14px 8px;display:grid;grid-template-columns:1fr 1fr;gap:8px 14px}
.field.long{grid-column:1/3}.field small{display:block;color:#616061;font-size:12px}.field div{white-space:pre-wrap}
.tag{border-radius:4px;padding:1px 7px;font-weight:700;font-size:13px}
.tag.red{background:#FCE2E4;color:#8A1220}.tag.yellow{background:#FDF1C8;color:#6B5200}.tag.blue{background:#DDEEFA;color:#0B4C74}
.tag.green{background:#DDF3EA;color:#006B4C}.tag.gray{background:#EEE;color:#444}
.card .buttons{padding:8px 14px 12px;border-top:1px solid #EEE;margin:0}.pane{border-radius:0;margin:0;border:0}
table{border-collapse:collapse;width:100%;font-size:14px;margin:4px 0 8px}th,td{border:1px solid #DDD;padding:5px 8px;text-align:left;vertical-align:top}
th{background:#F6F6F6}caption{text-align:left;color:#616061;font-size:12.5px;padding-bottom:4px}code{background:#F4F4F4;color:#C01343}
.chart{border:1px solid #DDD;border-radius:8px;padding:10px 12px;margin:6px 0}.chart b{display:block}.chart svg{width:100%;height:150px}
"""
_SYMBOLS = {s.emoji.strip(":"): s.symbol for s in words.STATUS_STYLES.values()}
_COLOURS = ("#1264A3", "#BBBFC5")
MOMENTS = {
    "Incident is open, 12:22": "2026-03-02T12:22:00+00:00",
    "After the all clear, 18:00": "2026-03-02T18:00:00+00:00",
}
QUESTIONS = ("status claude", "history claude", "uptime claude", "uptime claude-web")


def _at(value: Any) -> str:
    return f"{datetime.fromtimestamp(value, UTC):%-d %b %H:%M}"


def entity_html(entity: Mapping[str, Any], *, is_pane: bool = False) -> str:
    """A Work Object: the card, or the pane beside the conversation."""
    payload = entity["entity_payload"]
    attributes, fields = (
        payload["attributes"],
        payload["fields"] | {f["key"]: f for f in payload.get("custom_fields", ())},
    )
    shown = "".join(_field_html(name, fields[name]) for name in payload["display_order"])
    actions = payload.get("actions", {})
    buttons = "".join(
        f'<span class="button">{html.escape(b["text"])}</span>' for b in actions.get("primary_actions", ())
    )
    more = '<span class="button">⋯</span>' if actions.get("overflow_actions") else ""
    return (
        f'<div class="card{" pane" if is_pane else ""}"><div class="top"><div class="icon">B</div><div>'
        f'<div class="title">{html.escape(attributes["title"]["text"])}</div>'
        f'<div class="type">{attributes["display_type"]} in {attributes["product_name"]}</div></div></div>'
        f'<div class="fields">{shown}</div><div class="buttons">{buttons}{more}</div></div>'
    )


def _field_html(name: str, field: Mapping[str, Any]) -> str:
    is_time = name.startswith("date_") or str(field.get("type", "")).endswith("timestamp")
    text = _at(field["value"]) if is_time else html.escape(str(field["value"]))
    if "tag_color" in field:
        text = f'<span class="tag {field["tag_color"]}">{text}</span>'
    return (
        f'<div class="field{" long" if field.get("long") else ""}"><small>{html.escape(field["label"])}</small>'
        f"<div>{text}</div></div>"
    )


def newer_html(block: Mapping[str, Any]) -> str:
    """A table or a chart; nothing for another block."""
    drawers = {newer_blocks.TABLE: table_html, newer_blocks.DATA_TABLE: table_html, newer_blocks.CHART: chart_html}
    return drawers[block["type"]](block) if block["type"] in drawers else ""


def table_html(block: Mapping[str, Any]) -> str:
    """A ``table`` or the first page of a ``data_table``."""
    head, *rows = block["rows"]
    page = rows[: block.get("page_size", len(rows))]
    caption = f"<caption>{html.escape(block['caption'])}</caption>" if "caption" in block else ""
    cells = "".join(f"<th>{_cell_html(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{_cell_html(cell)}</td>' for cell in row)}</tr>" for row in page)
    return f"<table>{caption}<tr>{cells}</tr>{body}</table>"


def _cell_html(cell: Mapping[str, Any]) -> str:
    if cell["type"] != "rich_text":
        return html.escape(cell["text"])
    parts = [part for section in cell["elements"] for part in section["elements"]]
    return "".join(map(_part_html, parts))


def _part_html(part: Mapping[str, Any]) -> str:
    if part["type"] == "emoji":
        return _SYMBOLS.get(part["name"], f":{part['name']}:")
    if part["type"] == "date":
        return html.escape(part["fallback"].removesuffix(" UTC"))
    text = html.escape(part["text"])
    return f"<code>{text}</code>" if part.get("style", {}).get("code") else text


def chart_html(block: Mapping[str, Any]) -> str:
    """A chart of bars."""
    chart = block["chart"]
    categories, series = chart["axis_config"]["categories"], chart["series"]
    most = max((point["value"] for s in series for point in s["data"]), default=1) or 1
    step, bars = 600 / len(categories), []
    for n, one in enumerate(series):
        width = step * 0.7 / len(series)
        for i, point in enumerate(one["data"]):
            height, x = 110 * point["value"] / most, i * step + n * width + step * 0.1
            bars.append(f'<rect x="{x}" y="{118 - height}" width="{width}" height="{height}" fill="{_COLOURS[n]}"/>')
    labels = "".join(
        f'<text x="{i * step + step / 2}" y="134" font-size="11" text-anchor="middle">{html.escape(label)}</text>'
        for i, label in enumerate(categories)
        if len(categories) <= 7 or i % 3 == 0
    )
    legend = " · ".join(f'<span style="color:{_COLOURS[n]}">■</span> {s["name"]}' for n, s in enumerate(series))
    axes = chart["axis_config"]
    return (
        f'<div class="chart"><b>{html.escape(block["title"])}</b><small>{legend}; {axes["y_label"]}, by {axes["x_label"]};'
        f' highest bar {most}</small><svg viewBox="0 0 600 140" preserveAspectRatio="none">{"".join(bars)}{labels}</svg></div>'
    )


def panels() -> Iterator[tuple[str, str]]:
    """A title and what is below it, for each surface."""
    loaded = settings.load()
    provider = loaded.provider("claude")
    assert provider is not None
    with tempfile.TemporaryDirectory() as folder, closing(Repository.open(Path(folder) / "day.db")) as repository:
        changes = iter(changes_of(DEMO, "claude"))
        for title, moment in MOMENTS.items():
            now = datetime.fromisoformat(moment)
            for change in changes:
                repository.record_transition(None, change, ())
                if change.at >= now:
                    break
            at = change.at
            queries = StatusQueries((provider,), repository, lambda at=at: at, loaded.rules_for)
            yield from _moment_panels(title, queries)
        for question in QUESTIONS:
            response, _ = registry.run_command(queries, question, "C1")
            yield question, _answer_html(response.message.blocks)


def _moment_panels(title: str, queries: StatusQueries) -> Iterator[tuple[str, str]]:
    writer = CardWriter(queries, "https://brownout.example.com")
    [*_, incident] = queries.repository.incident_ids()
    subjects = {
        "https://status.claude.com/incidents/…": LinkSubject(LinkKind.INCIDENT, incident),
        "https://status.claude.com": LinkSubject(LinkKind.PROVIDER, "claude"),
        "https://brownout.example.com/surfaces/claude-api": LinkSubject(LinkKind.SERVICE, "claude-api"),
    }
    for url, subject in subjects.items():
        card = writer.card(subject, "C1")
        assert card is not None
        entity = link_cards.card_entity(card, url)
        yield f"{title}: {subject.kind}", f'<div class="link">{url}</div>{entity_html(entity)}'
    pane = writer.pane(subjects["https://status.claude.com/incidents/…"], "C1")
    assert pane is not None
    yield f"{title}: pane", entity_html(link_cards.pane_entity(pane), is_pane=True)


def _answer_html(blocks: Any) -> str:
    from tests.replays.pictures import block_html  # noqa: PLC0415  (it draws these too)

    shown = newer_blocks.with_newer_blocks(blocks, newer_blocks.NEWER_TYPES)
    return f'<div class="message"><div class="icon">B</div><div>{"".join(map(block_html, shown))}</div></div>'
