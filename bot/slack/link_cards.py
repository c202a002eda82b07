"""Cards below links that people paste: shown, kept up to date, and their panes filled.

A link becomes a Work Object, and plain blocks where Slack takes none. What is shown is stored before the request, so
that a crash leaves no card without updates; the same card twice changes nothing. Cards leave at the pace of the
workspace's limiter, the newest message first, and what waits is bounded: of a storm of links, the oldest get none.
Links are never logged. See bot/docs/slack.md#cards-of-links.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from slack_bolt.async_app import AsyncApp

from bot.adapters.slack_client import WORK_OBJECT_ERRORS
from bot.adapters.slack_features import LINK_CARDS, WORK_OBJECTS, SlackFeatures
from bot.commands import parsing
from bot.commands.link_cards import CardWriter
from bot.domain import LinkCard, LinkPlace, LinkSubject
from bot.errors import DeliveryError, StoreError
from bot.messages import link_cards
from bot.messages.link_cards import CardContent, PaneContent
from bot.notifier.limiter import EDITS_BURST, EDITS_PER_S, MessageLimiter, TokenBucket
from bot.queries.current import StatusQueries
from bot.queries.links import LinkResolver
from bot.unit_of_work import INLINE, UnitRunner

T = TypeVar("T")
log = logging.getLogger("brownout")

LINK_EVENT, DETAILS_EVENT = "link_shared", "entity_details_requested"
MAX_LINKS = 5  # of one message
MAX_WAITING = 60  # messages; the oldest get no card
MAX_AGE = timedelta(minutes=10)  # an older event gets no card: Slack repeats events for a day
KEEP = timedelta(days=7)  # a card is kept up to date for so long
CHECK_INTERVAL_S = 15.0
MAX_CHECKED = 40  # messages whose cards are compared with the present in one check
LOG_INTERVAL = timedelta(minutes=10)
# whose pages frame an embed (https://docs.slack.dev/messaging/work-objects-embeds)
SLACK_ORIGINS = frozenset({"https://*.slack.com", "https://*.slack-gov.com", "https://*.slack-mcps.com"})
_COMPOSER = "composer"
_GONE_CODES = frozenset(
    {
        "cannot_find_channel",
        "cannot_find_message",
        "cannot_find_service",
        "cannot_unfurl_message",
        "cannot_unfurl_url",
        "channel_not_found",
        "invalid_unfurl_id",
        "is_archived",
        "message_not_found",
        "not_in_channel",
    }
)  # this message gets no card any more
_NO_RIGHT_CODES = frozenset({"missing_scope", "no_permission", "not_allowed_token_type", "unknown_method"})
Ask = Callable[[Callable[[StatusQueries], T]], Awaitable[T]]


class CardClient(Protocol):
    """Shows cards and fills panes; every failure is a DeliveryError."""

    async def show_cards(  # noqa: D102
        self,
        place: LinkPlace,
        *,
        entities: Sequence[Mapping[str, Any]] = (),
        attachments: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None: ...
    async def present_details(self, trigger: str, entity: Mapping[str, Any] | None) -> None: ...  # noqa: D102


class CardStore(Protocol):
    """The cards that are shown; every method may raise StoreError."""

    def all(self) -> tuple[LinkCard, ...]: ...  # noqa: D102
    def add(self, cards: Iterable[LinkCard]) -> None: ...  # noqa: D102
    def remove(self, place: LinkPlace) -> None: ...  # noqa: D102
    def remove_before(self, at: datetime) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class BoardAddress:
    """Where people open the board, and whether Slack may show its pages in a frame."""

    url: str = ""
    is_framed: bool = False


@dataclass(frozen=True, slots=True)
class _Pasted:
    """Links in one message that are about something."""

    place: LinkPlace
    subjects: Mapping[str, LinkSubject]
    is_external: bool


@dataclass(slots=True)
class LinkCards:
    """Shows the cards of links.

    Attributes:
        ask: Reads the database outside the event loop.
        client: Slack.
        store: The cards that are shown.
        limiter: The workspace's limits.
        features: What Slack takes.
        now: The clock.
        board: Our board.
        units: Runs what writes to the database.
        keeps_all: Whether this bot keeps the cards of all links up to date; another one only shows those of new links.
        panes: The limit of filled panes.
    """

    ask: Ask[Any]
    client: CardClient
    store: CardStore
    limiter: MessageLimiter
    features: SlackFeatures
    now: Callable[[], datetime]
    board: BoardAddress = field(default_factory=BoardAddress)
    units: UnitRunner = INLINE
    keeps_all: Callable[[], bool] = lambda: True
    panes: TokenBucket = field(default_factory=lambda: TokenBucket(EDITS_PER_S, EDITS_BURST, EDITS_BURST))
    _waiting: OrderedDict[tuple[str, str], _Pasted] = field(default_factory=OrderedDict)
    _has_news: asyncio.Event = field(default_factory=asyncio.Event)
    _first_checked: int = 0  # where in the list of messages the next check begins
    _dropped: int = 0
    _logged_at: datetime | None = None

    # --- events -------------------------------------------------------------------------------------------------------

    async def receive_links(self, event: Mapping[str, Any], body: Mapping[str, Any], bot_user: str) -> None:
        """Takes the links of a message that lead to something known. The bot's own messages get no card."""
        if event.get("bot_id") or event.get("user") == bot_user or not self.features.may_use(LINK_CARDS):
            return
        place = _place(event)
        urls = [str(link.get("url") or "") for link in event.get("links") or () if isinstance(link, dict)][:MAX_LINKS]
        if place is None or self._is_old(event):
            return
        subjects = await self.ask(lambda queries: _resolve_all(LinkResolver(queries, self.board.url), urls))
        if not subjects:
            return
        is_external = bool(body.get("is_ext_shared_channel"))
        self._waiting[place.channel, place.ts] = _Pasted(place, subjects, is_external)
        while len(self._waiting) > MAX_WAITING:
            self._waiting.popitem(last=False)
            self._dropped += 1
        self._has_news.set()

    async def fill_pane(self, event: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """Fills the pane that a person has opened. Outside a channel, it shows what every channel may see."""
        trigger, subject = event.get("trigger_id"), link_cards.subject_of(event.get("external_ref") or {})
        now = self.now()
        if not isinstance(trigger, str) or not trigger or self.panes.available(now) < 1:
            return
        self.panes.take(now)
        channel = str(event.get("channel") or "")
        is_external = bool(body.get("is_ext_shared_channel")) or not channel
        pane = await self.ask(lambda q: self._pane(q, subject, channel, str(event.get("user") or ""), is_external))
        try:
            await self.client.present_details(trigger, link_cards.pane_entity(pane) if pane else None)
        except DeliveryError as error:
            if error.retry_after:
                self.panes.slow_down(now, error.retry_after)
            self._log_once(f"the pane of a card was not filled ({error.code})")

    def _pane(
        self,
        queries: StatusQueries,
        subject: LinkSubject | None,
        channel: str,
        user: str,
        is_external: bool,  # noqa: FBT001
    ) -> PaneContent | None:
        if subject is None:
            return None
        room = parsing.channel_or_user(channel, user) if channel else ""
        return self._writer(queries).pane(subject, room, is_external=is_external)

    def _is_old(self, event: Mapping[str, Any]) -> bool:
        try:
            at = float(event.get("event_ts") or event.get("message_ts") or 0)
        except (TypeError, ValueError):
            return False
        return at > 0 and self.now().timestamp() - at > MAX_AGE.total_seconds()

    # --- showing ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Shows what waits, and every few seconds what has changed, until it is cancelled."""
        while True:
            try:
                async with asyncio.timeout(CHECK_INTERVAL_S):
                    await self._has_news.wait()
            except TimeoutError:
                if self.keeps_all():
                    await self._guarded(self.refresh())
            self._has_news.clear()
            await self._guarded(self.show_waiting())

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except StoreError as error:
            self._log_once(f"cards of links are not updated: {error}")
        except Exception:
            log.exception("cards of links could not be shown: unexpected error")

    async def show_waiting(self) -> None:
        """Shows the cards of the messages that wait, the newest first, as the limits allow."""
        while self._waiting:
            if not self.limiter.may_show_card(self.now()):
                await asyncio.sleep(1 / EDITS_PER_S)
                if not self.limiter.may_show_card(self.now()):
                    return  # at the next round
            _, pasted = self._waiting.popitem()
            contents = await self.ask(partial(self._contents, pasted))
            if contents:
                await self._show(pasted, contents, is_new=True)
        if self._dropped:
            self._log_once(f"{self._dropped} messages with links got no card: too many at once")
            self._dropped = 0

    async def refresh(self) -> None:
        """Shows again the cards whose content has changed; forgets the ones that are too old or final."""
        now = self.now()
        await self.units.run(self.store.remove_before, now - KEEP)
        messages: dict[tuple[str, str], list[LinkCard]] = {}
        for card in await self.units.run(self.store.all):
            messages.setdefault((card.place.channel, card.place.ts), []).append(card)
        groups = list(messages.values())
        start = self._first_checked if self._first_checked < len(groups) else 0
        self._first_checked = start + MAX_CHECKED
        for cards in groups[start : start + MAX_CHECKED]:
            pasted = _Pasted(cards[0].place, {c.url: c.subject for c in cards}, cards[0].is_external)
            contents = await self.ask(partial(self._contents, pasted))
            known = {card.url: card.digest for card in cards}
            if contents and {url: content.digest for url, content in contents.items()} != known:
                if not self.limiter.may_show_card(self.now()):
                    return
                await self._show(pasted, contents, is_new=False)
            elif not contents or all(content.is_final for content in contents.values()):
                await self.units.run(self.store.remove, pasted.place)

    def _contents(self, pasted: _Pasted, queries: StatusQueries) -> dict[str, CardContent]:
        writer, place = self._writer(queries), pasted.place
        found = {
            url: writer.card(subject, place.channel, is_external=pasted.is_external)
            for url, subject in pasted.subjects.items()
        }
        return {url: content for url, content in found.items() if content is not None}

    async def _show(self, pasted: _Pasted, contents: Mapping[str, CardContent], *, is_new: bool) -> None:
        is_kept = _is_kept(pasted)
        if is_kept and is_new:
            await self._store(pasted, contents, digest="")
        self.limiter.cards.take(self.now())
        try:
            await self._send(pasted.place, contents)
        except DeliveryError as error:
            await self._handle_refusal(error, pasted)
            return
        if is_kept:
            await self._store(pasted, contents)

    async def _store(self, pasted: _Pasted, contents: Mapping[str, CardContent], digest: str | None = None) -> None:
        """Records what the message's cards show; an empty digest is one that is about to be shown."""
        cards = [
            LinkCard(
                pasted.place,
                url,
                pasted.subjects[url],
                content.digest if digest is None else digest,
                self.now(),
                pasted.is_external,
            )
            for url, content in contents.items()
        ]
        try:
            await self.units.run(self.store.add, cards)
        except StoreError as error:
            self._log_once(f"a card of a link is shown and will not be updated: {error}")

    async def _send(self, place: LinkPlace, contents: Mapping[str, CardContent]) -> None:
        """Sends the cards as Work Objects, and as plain blocks where Slack takes none."""
        if self.features.may_use(WORK_OBJECTS):
            try:
                await self.client.show_cards(place, entities=[self._entity(c, url) for url, c in contents.items()])
            except DeliveryError as error:
                if error.code not in WORK_OBJECT_ERRORS:
                    raise
                self.features.record_refusal(WORK_OBJECTS, error.code, "links get plain cards")
            else:
                return
        await self.client.show_cards(
            place, attachments={url: link_cards.card_attachment(content) for url, content in contents.items()}
        )

    def _entity(self, content: CardContent, url: str) -> dict[str, Any]:
        has_page = self.board.is_framed and CardWriter.has_frame(content.subject)
        return link_cards.card_entity(content, url, has_pane_page=has_page)

    def _writer(self, queries: StatusQueries) -> CardWriter:
        return CardWriter(queries, self.board.url, is_framed=self.board.is_framed)

    async def _handle_refusal(self, error: DeliveryError, pasted: _Pasted) -> None:
        if error.retry_after:
            self.limiter.cards.slow_down(self.now(), error.retry_after)
        if error.code in _NO_RIGHT_CODES:
            self.features.record_refusal(LINK_CARDS, error.code, "links get none; links:write allows them")
        if error.code in _NO_RIGHT_CODES or error.code in _GONE_CODES or error.permanent:
            await self.units.run(self.store.remove, pasted.place)
            return
        self._log_once(f"a card of a link was not shown ({error.code}); trying again")

    def _log_once(self, text: str) -> None:
        """Logs a failure, at most one in ten minutes."""
        if self._logged_at is None or self.now() - self._logged_at >= LOG_INTERVAL:
            self._logged_at = self.now()
            log.warning("%s", text)


def board_address(url: str, embed_origins: Collection[str], *, is_public: bool) -> BoardAddress:
    """Our board as cards lead to it. Slack may frame it where everybody may read it and its origins are allowed."""
    is_framed = is_public and url.startswith("https://") and set(embed_origins) >= SLACK_ORIGINS
    return BoardAddress(url, is_framed)


def register_link_cards(app: AsyncApp, cards: LinkCards) -> None:
    """Adds the events of links and of panes to the app."""

    async def handle_links(event: dict[str, Any], body: dict[str, Any], context: Any) -> None:
        await cards.receive_links(event, body, context.get("bot_user_id") or "")

    async def handle_details(event: dict[str, Any], body: dict[str, Any]) -> None:
        await cards.fill_pane(event, body)

    app.event(LINK_EVENT)(handle_links)
    app.event(DETAILS_EVENT)(handle_details)


def _place(event: Mapping[str, Any]) -> LinkPlace | None:
    """Where the links stand; None where Slack does not say it."""
    channel, ts = event.get("channel"), event.get("message_ts")
    if not isinstance(channel, str) or not isinstance(ts, str) or not channel or not ts:
        return None
    unfurl_id, source = event.get("unfurl_id"), event.get("source")
    place = LinkPlace(channel, ts)
    if isinstance(unfurl_id, str) and isinstance(source, str):
        place = replace(place, unfurl_id=unfurl_id, source=source)
    return place


def _is_kept(pasted: _Pasted) -> bool:
    """Whether the cards are kept up to date: not in a message that is still being written.

    A link with a query or a user in it may hold a secret; it is not stored, so that its card stays as it was shown.
    """
    is_plain = all("?" not in url and "@" not in url for url in pasted.subjects)
    return pasted.place.source != _COMPOSER and is_plain


def _resolve_all(resolver: LinkResolver, urls: Iterable[str]) -> dict[str, LinkSubject]:
    found = {url: resolver.resolve(url) for url in urls}
    return {url: subject for url, subject in found.items() if subject is not None}
