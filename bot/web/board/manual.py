"""Renders pages of the manual as HTML for the board. Imported at the first page, since it loads a Markdown parser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from bot.queries import manual

_PAGE_LINK = re.compile(r"([\w-]+)\.md(#[\w-]+)?$")
_MIN_CONTENTS = 3  # sections; a page with fewer has no list of them


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A page as HTML. ``sections`` are its second-level headings as anchor and text; empty if there are few."""

    title: str
    html: Markup
    sections: tuple[tuple[str, str], ...]


def render_page(name: str) -> RenderedPage:
    """Renders the page with this name. Raw HTML is escaped and styles are removed, as the board's CSP requires."""
    text = manual.without_marks(manual.read_page(name))
    sections = tuple((h.anchor, h.title) for h in manual.headings(text) if h.level == 2)  # noqa: PLR2004  (## in Markdown)
    html = Markup(to_html(text))  # noqa: S704  (markdown-it escapes, and raw HTML is off)
    return RenderedPage(manual.page_title(text, name), html, sections if len(sections) >= _MIN_CONTENTS else ())


def to_html(text: str) -> str:
    """Markdown as HTML: headings with GitHub's anchors, links between pages as ``/docs/PAGE``, no images."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    markdown.add_render_rule("table_open", _open_table)
    markdown.add_render_rule("table_close", _close_table)
    markdown.add_render_rule("fence", _code_block)
    tokens = markdown.parse(text)
    _add_anchors(tokens)
    for token in tokens:
        if token.type in {"th_open", "td_open"}:
            _replace_alignment(token)
        if token.children:
            token.children = list(_rewrite_links(token.children))
    rendered: str = markdown.renderer.render(tokens, markdown.options, {})
    return rendered


def manual_address(target: str) -> str | None:
    """The address on the board for a link of the manual; None for a file that the board does not have."""
    if target.startswith(("https://", "http://", "#")):
        return target
    if match := _PAGE_LINK.match(target):
        name = "" if match[1] == manual.INDEX_PAGE else f"/{match[1]}"
        return f"/docs{name}{match[2] or ''}"
    return None


def _add_anchors(tokens: Sequence[Token]) -> None:
    """Sets an id on every heading, and the heading above it as the label of every table."""
    inlines = [tokens[n + 1] for n, token in enumerate(tokens) if token.type == "heading_open"]
    titles = ["".join(c.content for c in inline.children or () if c.content) for inline in inlines]
    anchors = iter(zip(manual.unique_anchors(titles), titles, strict=True))
    title = ""
    for token in tokens:
        if token.type == "heading_open":
            anchor, title = next(anchors)
            token.attrSet("id", anchor)
        elif token.type == "table_open":
            token.meta["label"] = title


def _replace_alignment(cell: Token) -> None:
    """Turns a column's alignment into a class, since the Content-Security-Policy forbids styles."""
    style = str(cell.attrs.pop("style", ""))
    if style.endswith(("right", "center")):
        cell.attrSet("class", style.rpartition(":")[2])
    if cell.type == "th_open":
        cell.attrSet("scope", "col")


def _rewrite_links(tokens: Sequence[Token]) -> Iterator[Token]:
    """Rewrites links for the board; a link to a file that the board does not have becomes plain text."""
    is_dropped = False
    for token in tokens:
        if token.type == "link_open":
            address = manual_address(str(token.attrs["href"]))
            is_dropped = address is None
            token.attrSet("href", address or "")
        if token.type not in {"link_open", "link_close"} or not is_dropped:
            yield token


def _open_table(_renderer: RendererHTML, tokens: Sequence[Token], at: int, _options: OptionsDict, _env: EnvType) -> str:
    label = escapeHtml(tokens[at].meta["label"])
    return f'<div class="scroll" role="group" aria-label="Table: {label}" tabindex="0">\n<table>\n'


def _close_table(*_: object) -> str:
    return "</table>\n</div>\n"


def _code_block(_renderer: RendererHTML, tokens: Sequence[Token], at: int, _options: OptionsDict, _env: EnvType) -> str:
    return f'<pre tabindex="0"><code>{escapeHtml(tokens[at].content)}</code></pre>\n'
