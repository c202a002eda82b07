"""``brownout docs``: shows the manual: rendered on a terminal, as plain Markdown in a pipe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

import click
from rich.console import Console
from rich.markdown import Markdown

from bot.cli.completion import complete_pages
from bot.errors import UsageError
from bot.queries import manual

_FENCED = re.compile(r"(?ms)(^```.*?^```$)")
_LINK = re.compile(r"\[([^\]]+)\]\((?:([\w-]+)\.md)?(#[\w-]+)?\)")


@click.command()
@click.argument("page", required=False, shell_complete=complete_pages)
@click.argument("section", nargs=-1)
def docs(page: str | None, section: Sequence[str]) -> None:
    """Shows the manual. Without PAGE: the list of its pages.

    SECTION shows only the part below one heading: `brownout docs slack tokens`, or `brownout docs slack#tokens`. In a
    pipe or a file, a page is its plain Markdown text.
    """
    if page is None:
        click.echo(_page_list(manual.list_pages()))
        return
    page_name, _, anchor = page.partition("#")
    name, section_name = manual.find_page(page_name), anchor or " ".join(section)
    text = manual.read_page(name)
    if section_name:
        text = _section_of(name, text, section_name)
    console = Console()
    if console.is_terminal:
        console.print(Markdown(for_terminal(text, name), hyperlinks=False, code_theme="ansi_dark"))
    else:
        click.echo(text, nl=not text.endswith("\n"))


def for_terminal(text: str, page: str) -> str:
    """Rewrites a page's links for a terminal: a link shows the argument that ``brownout docs`` takes for its target."""
    parts = _FENCED.split(manual.without_marks(text))
    return "".join(part if part.startswith("```") else _LINK.sub(lambda m: _link_text(m, page), part) for part in parts)


def _section_of(name: str, text: str, section_name: str) -> str:
    try:
        return manual.find_section(text, section_name)
    except UsageError as error:
        raise UsageError(f"{name}: {error}", typed=error.typed, choices=error.choices) from None


def _link_text(link: re.Match[str], page: str) -> str:
    """Returns the text of a link, followed by its target unless the text is the page's name already."""
    text, name, anchor = link[1], link[2] or page, link[3] or ""
    if not (link[2] or anchor):
        return link[0]
    return text if text == name and not anchor else f"[{text}]({name}{anchor})"


def _page_list(pages: Sequence[manual.ManualPage]) -> str:
    width = max(len(page.name) for page in pages)
    lines = []
    for group, members in groupby(pages, key=lambda page: page.group):
        lines += [group, *(f"  {page.name:<{width}}  {page.about}".rstrip() for page in members), ""]
    return "\n".join([*lines, "`brownout docs PAGE` shows a page, `brownout docs PAGE SECTION` a part of it."])


COMMANDS = {"docs": docs}
