"""Reads the manual (the pages of ``bot/docs``, which are in the wheel too) for the command line and the web board."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from bot import spelling
from bot.errors import UsageError

INDEX_PAGE = "index"  # its tables give the order and the groups of the other pages
UNGROUPED = "Other pages"
_MAX_ECHOED = 60  # characters of what was typed that an answer repeats
_MAX_LISTED = 12  # sections that an answer lists

_INDEX_ROW = re.compile(r"\| \[[^\]]+\]\(([\w-]+)\.md\) \| (.+?) \|$")
_HEADING = re.compile(r"(#{1,6}) +(.+?)(?: +#+)? *$")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_INLINE_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_GENERATED_MARK = re.compile(r"(?m)^<!-- (?:generated|end): .*? -->\n?")


@dataclass(frozen=True, slots=True)
class ManualPage:
    """One page, without its text. ``name`` is the file name without ``.md``, ``about`` its line in the index."""

    name: str
    title: str
    about: str
    group: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading as plain text. ``line`` counts from 0; ``anchor`` is GitHub's, unique on its page."""

    level: int
    title: str
    anchor: str
    line: int


def list_pages() -> tuple[ManualPage, ...]:
    """All pages except the index: in its order and groups, then those that it does not list."""
    names = {f.name.removesuffix(".md") for f in _folder().iterdir() if f.name.endswith(".md")} - {INDEX_PAGE}
    rows = [row for row in _index_rows(read_page(INDEX_PAGE)) if row[0] in names]
    rows += [(name, "", UNGROUPED) for name in sorted(names - {name for name, *_ in rows})]
    return tuple(ManualPage(name, page_title(read_page(name), name), about, group) for name, about, group in rows)


def find_page(typed: str) -> str:
    """The name of the page that was typed, with or without ``.md``. UsageError, with suggestions, if there is none."""
    names = [INDEX_PAGE, *(page.name for page in list_pages())]
    name = "-".join(typed.strip().casefold().removesuffix(".md").replace("_", " ").split())
    if name in names:
        return name
    suggestions = spelling.nearest(name, names)
    listed = ", ".join(f"`{name}`" for name in names)
    why = f"There is no page “{typed[:_MAX_ECHOED]}” in the manual.{_did_you_mean(suggestions)} Pages: {listed}."
    raise UsageError(why, typed=typed[:_MAX_ECHOED], choices=tuple(suggestions))


def read_page(name: str) -> str:
    """The Markdown of a page, unchanged. ``name`` is one that ``find_page`` returned."""
    return (_folder() / f"{name}.md").read_text(encoding="utf-8")


def page_title(text: str, default: str) -> str:
    """The first heading of a text; ``default`` if it has none."""
    return next((heading.title for heading in headings(text)), default)


def without_marks(text: str) -> str:
    """The text without the comments around its generated parts."""
    return _GENERATED_MARK.sub("", text)


def headings(text: str) -> tuple[Heading, ...]:
    """The headings of a text, in order; lines in code blocks are not headings."""
    matches = [
        (number, len(m[1]), plain_title(m[2])) for number, line in _prose_lines(text) if (m := _HEADING.match(line))
    ]
    anchors = unique_anchors([title for *_, title in matches])
    return tuple(
        Heading(level, title, anchor, line) for (line, level, title), anchor in zip(matches, anchors, strict=True)
    )


def plain_title(text: str) -> str:
    """The text of a heading, without Markdown for links, code and bold."""
    return re.sub(r"[`*]", "", _INLINE_LINK.sub(r"\1", text)).strip()


def unique_anchors(titles: Iterable[str]) -> list[str]:
    """The anchors of a page's headings, as GitHub generates them: a repeated one ends with ``-1``, ``-2``, ..."""
    counts: dict[str, int] = {}
    anchors = []
    for title in titles:
        anchor = re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        count = counts.get(anchor, 0)
        counts[anchor] = count + 1
        anchors.append(f"{anchor}-{count}" if count else anchor)
    return anchors


def find_section(text: str, typed: str) -> str:
    """A section of a text: its heading and all up to the next heading of its level or above.

    The heading is found by its text, its anchor or a part of its text. UsageError, with suggestions, if there is none,
    or, with the choices, if several match.
    """
    page_headings, query = headings(text), " ".join(typed.casefold().split()).lstrip("#")
    if heading := _select_heading(page_headings, query):
        ends = (h.line for h in page_headings if h.line > heading.line and h.level <= heading.level)
        lines = text.splitlines(keepends=True)
        return "".join(lines[heading.line : next(ends, len(lines))])
    typed = typed[:_MAX_ECHOED]
    parts = [h for h in page_headings if query and query in h.title.casefold()]
    if parts:
        choices = tuple(h.anchor for h in parts[:_MAX_LISTED])
        why = f"“{typed}” could be any of {', '.join(f'`{c}`' for c in choices)}. Which one?"
        raise UsageError(why, typed=typed, choices=choices)
    by_name = {name: h for h in page_headings for name in (h.anchor, h.title.casefold())}
    suggestions = [by_name[name].anchor for name in spelling.nearest(query, by_name)]
    listed = ", ".join(f"`{h.anchor}`" for h in page_headings if h.level == 2)  # noqa: PLR2004  (below the page's title)
    why = f"There is no section “{typed}” on this page.{_did_you_mean(suggestions)} Sections: {listed}."
    raise UsageError(why, typed=typed, choices=tuple(suggestions))


def _select_heading(page_headings: Sequence[Heading], query: str) -> Heading | None:
    """The heading with this text or anchor, or the only one that contains the text; None otherwise."""
    exact = [h for h in page_headings if h.title.casefold() == query] or [h for h in page_headings if h.anchor == query]
    parts = [h for h in page_headings if query and query in h.title.casefold()]
    if exact:
        return exact[0]
    return parts[0] if len(parts) == 1 else None


def _did_you_mean(suggestions: Sequence[str]) -> str:
    return f" Did you mean `{suggestions[0]}`?" if suggestions else ""


def _index_rows(text: str) -> Iterator[tuple[str, str, str]]:
    """The name, description and group of each page in the tables of the index."""
    group = UNGROUPED
    for line in text.splitlines():
        if line.startswith("## "):
            group = plain_title(line[3:])
        elif match := _INDEX_ROW.match(line):
            yield match[1], match[2], group


def _prose_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines outside of fenced code blocks, with their numbers from 0."""
    fence = ""
    for number, line in enumerate(text.splitlines()):
        mark = _FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
        elif not fence:
            yield number, line


def _folder() -> Traversable:
    return resources.files("bot") / "docs"
