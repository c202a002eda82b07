"""Renders the board's templates, and keeps a page that many people ask for at once."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path as File
from urllib.parse import quote

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from bot import __version__
from bot.messages import formatting
from bot.messages.builder import BOLD, CODE
from bot.queries import delivery
from bot.queries.current import StatusQueries

BOARD_FOLDER = File(__file__).parent
KEPT_PAGES = 64
KEEP_S = 5  # seconds for which a page is the same where nothing was recorded


class PageRenderer:
    """Renders pages. A page is rendered once per change of the database, and once in five seconds without one."""

    def __init__(self, queries: StatusQueries) -> None:
        """Takes the event loop's queries, which say whether anything has changed."""
        self._queries = queries
        self._templates = _create_environment()
        self._kept: OrderedDict[Hashable, tuple[object, asyncio.Future[HTMLResponse]]] = OrderedDict()

    def render(self, queries: StatusQueries, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """One page, in the caller's thread; ``queries`` are the caller's."""
        now = queries.now()
        html = self._templates.get_template(template).render(
            version=__version__, now=now, problem=delivery.stop_text(queries), **values
        )
        return HTMLResponse(html, status, {"Cache-Control": "no-store"})

    async def once(self, address: Hashable, draw: Callable[[], Awaitable[HTMLResponse]]) -> HTMLResponse:
        """The page of an address: the kept one while nothing has changed, else a new one.

        Readers who ask at the same time share one drawing. A page that does not exist is not kept.
        """
        version = (await self._queries.newest_event(), int(self._queries.now().timestamp()) // KEEP_S)
        kept = self._kept.get(address)
        if kept is None or kept[0] != version:
            task: asyncio.Future[HTMLResponse] = asyncio.ensure_future(draw())
            self._kept[address] = (version, task)
            while len(self._kept) > KEPT_PAGES:
                self._kept.popitem(last=False)
        else:
            task = kept[1]
        self._kept.move_to_end(address)
        try:
            page = await asyncio.shield(task)  # a reader who leaves does not end it for the others
        except BaseException:
            if task.done():
                self._forget(address, task)
            raise
        if page.status_code != HTTPStatus.OK:
            self._forget(address, task)
        return page

    def _forget(self, address: Hashable, task: asyncio.Future[HTMLResponse]) -> None:
        if address in self._kept and self._kept[address][1] is task:
            del self._kept[address]


def _create_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(BOARD_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "marked": to_markup,
        "day": formatting.format_datetime,
        "clock": _clock,
        "cut": formatting.truncate,
        "iso": _iso,
        "web": _web_url,
        "quoted": quote_path,
    }
    return environment


def to_markup(text: str) -> Markup:
    """A text of the bot as HTML: escaped, then ``**bold**`` and `` `code` ``. Not for vendor text."""
    bold = BOLD.sub(r"<strong>\1</strong>", str(escape(text)))
    return Markup(CODE.sub(r"<code>\1</code>", bold))  # noqa: S704  (escaped above)


def quote_path(identity: str) -> str:
    """An id as one segment of a path."""
    return quote(identity, safe="")


def _web_url(url: str | None) -> str | None:
    """The address, if it may become a link (http or https); None otherwise."""
    is_safe = url is not None and re.match(r"https?://[^\s<>\"']+$", url)
    return url if is_safe else None


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


@pass_context
def _clock(context: Context, at: datetime) -> str:
    """A time in UTC, with its day where that is not today's, and its year where that is not this one.

    The script shows it in the reader's zone.
    """
    now: datetime = context["now"]
    if at.date() == now.date():
        return f"{at:%H:%M}"
    return f"{at.day} {at:%b %H:%M}" if at.year == now.year else f"{at.day} {at:%b %Y %H:%M}"
