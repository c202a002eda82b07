"""The card below a pasted link, and the pane that a click on it opens: Slack's Work Objects, or plain blocks. No I/O.

A card is an entity of the type *incident* (https://docs.slack.dev/messaging/work-objects-implementation): a title, a
few fields, and buttons. Its texts are plain: Slack reads no markup in them, and no time tokens, so that a time is
either a field of its own, which Slack shows in the reader's zone, or in UTC inside a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from bot.domain import LinkKind, LinkSubject
from bot.messages import block_kit, formatting, markup, words
from bot.messages.words import Status

ENTITY_TYPE = "slack#/entities/incident"
PRODUCT = "Brownout"
MAX_PRIMARY, MAX_OVERFLOW = 2, 5  # buttons of an entity; the others are behind "More actions"
_MAX_TITLE = 150  # characters; Slack publishes no limit of an entity's texts
_MAX_FIELD = 600
_MAX_PANE_FIELD = 2900
_MAX_BUTTON_VALUE = 2000
_TIMESTAMP, _LINK = "slack#/types/timestamp", "slack#/types/link"

TAG_COLOURS: Mapping[Status, str] = {  # the colours that Slack has for tags
    Status.OUTAGE: "red",
    Status.PARTIAL_OUTAGE: "red",
    Status.DEGRADED: "yellow",
    Status.MAINTENANCE: "blue",
    Status.UNKNOWN: "gray",
    Status.RECOVERING: "blue",
    Status.OPERATIONAL: "green",
}
_SYMBOLS: Mapping[str, str] = {
    **{style.emoji: style.symbol for style in words.STATUS_STYLES.values()},
    **{style.emoji: style.symbol for style in words.ADVICE_STYLES.values()},
}
_MAX_DETAILS = 2
# What is broken, what to do, when more is known, and only then the rest.
_FIELD_ORDER = (
    "status",
    "description",
    "next_update",
    "service",
    "date_created",
    *(f"detail_{n}" for n in range(_MAX_DETAILS)),
    "used_by",
    "services",
    "quote",
    "timeline",
    "page",
    "date_updated",
)
_DISPLAY_TYPES: Mapping[LinkKind, str] = {
    LinkKind.INCIDENT: "Incident",
    LinkKind.SERVICE: "Service",
    LinkKind.PROVIDER: "Status page",
    LinkKind.UNWATCHED: "Status page",
    LinkKind.BOARD: "Status board",
}
_HARMLESS = str.maketrans(
    "<>", "\u2039\u203a"
)  # single angle quotation marks, so that nothing of a vendor's text is a mention or a link


@dataclass(frozen=True, slots=True)
class CardButton:
    """A button of a card: its action id, its label and its value."""

    action: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class CardContent:
    """What a card says.

    Attributes:
        subject: What the link is about.
        title: What is broken, without an emoji.
        status: The worst status; None for a provider that is not watched.
        lines: What to do, as texts of ``bot.messages.markup``.
        details: What the vendor says, and facts, likewise.
        services: The names of the affected services, the worst first.
        page_url: The page that the card leads to.
        buttons: What people can do, the most used first.
        began_at: Since when; None where nothing is wrong.
        next_update: When more is known at the latest.
        used_by: The names of our own services that use what is affected.
        as_of: When it was judged; not a part of what makes one card differ from another.
        is_final: It is about an incident that ended long ago, and will not change.
    """

    subject: LinkSubject
    title: str
    status: Status | None
    lines: tuple[str, ...]
    page_url: str
    as_of: datetime
    details: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    buttons: tuple[CardButton, ...] = ()
    began_at: datetime | None = None
    next_update: datetime | None = None
    used_by: tuple[str, ...] = ()
    is_final: bool = False

    @property
    def digest(self) -> str:
        """A hash of everything that the card shows, but for when it was made."""
        shown = (
            self.subject,
            self.title,
            self.status,
            self.lines,
            self.details,
            self.services,
            self.buttons,
            self.page_url,
            self.began_at,
            self.next_update,
            self.used_by,
        )
        return sha256(repr(shown).encode()).hexdigest()[:16]

    @property
    def emoji(self) -> str:
        """Slack's code of the status's emoji; that of a notice without one."""
        return words.STATUS_STYLES[self.status].emoji if self.status else words.NOTICE_EMOJI


@dataclass(frozen=True, slots=True)
class PaneContent:
    """What the pane of a card says besides.

    Attributes:
        card: The card.
        services: One line for each service: its status and its advice.
        timeline: The steps of the incident as plain text, the newest first.
        quote: The vendor's last words; empty without any.
        preview_url: A page that Slack shows in a frame; empty for none.
    """

    card: CardContent
    services: tuple[str, ...] = ()
    timeline: tuple[str, ...] = ()
    quote: str = ""
    preview_url: str = ""


def entity_id(subject: LinkSubject) -> str:
    """What identifies the entity for Slack, for ever: related conversations are found by it."""
    return f"{subject.kind}/{subject.id}" if subject.id else str(subject.kind)


def subject_of(external_ref: Mapping[str, Any]) -> LinkSubject | None:
    """The subject of a reference that ``entity_id`` made; None for another one."""
    kind, _, ident = str(external_ref.get("id") or "").partition("/")
    return LinkSubject(LinkKind(kind), ident) if kind in set(LinkKind) else None


# --- Work Objects -----------------------------------------------------------------------------------------------------


def card_entity(content: CardContent, url: str, *, has_pane_page: bool = False) -> dict[str, Any]:
    """The entity of a card, for ``chat.unfurl``.

    Args:
        content: What it says.
        url: The link as it was written.
        has_pane_page: Whether the pane will have a page in a frame.
    """
    preview = {"full_size_preview": {"is_supported": True}} if has_pane_page else {}
    return {"app_unfurl_url": url, **_entity(content, list(_card_fields(content)), preview)}


def pane_entity(pane: PaneContent) -> dict[str, Any]:
    """The entity of the pane, for ``entity.presentDetails``."""
    preview: dict[str, Any] = {}
    if pane.preview_url:
        shown = {"is_supported": True, "preview_url": pane.preview_url, "mime_type": "text/html"}
        preview = {"full_size_preview": shown}
    return _entity(pane.card, [*_card_fields(pane.card), *_pane_fields(pane)], preview)


def _entity(content: CardContent, custom: list[dict[str, Any]], attributes: dict[str, Any]) -> dict[str, Any]:
    symbol = _SYMBOLS.get(content.emoji, "")
    title = formatting.truncate(plain(f"{symbol} {content.title}".strip()), _MAX_TITLE, "…")
    fields = dict(_fields(content))
    return {
        "url": content.page_url,
        "external_ref": {"id": entity_id(content.subject), "type": str(content.subject.kind)},
        "entity_type": ENTITY_TYPE,
        "entity_payload": {
            "attributes": {
                "title": {"text": title},
                "display_type": _DISPLAY_TYPES[content.subject.kind],
                "product_name": PRODUCT,
                "metadata_last_modified": int(content.as_of.timestamp()),
                **attributes,
            },
            "fields": fields,
            **({"custom_fields": custom} if custom else {}),
            "display_order": sorted([*fields, *(field["key"] for field in custom)], key=_FIELD_ORDER.index),
            **_actions(content.buttons),
        },
    }


def _fields(content: CardContent) -> Iterator[tuple[str, dict[str, Any]]]:
    if content.status is not None:
        word = formatting.upper_first(str(content.status))
        yield "status", {"value": word, "label": "Status", "tag_color": TAG_COLOURS[content.status]}
    if content.lines:
        text = "\n".join(map(plain_line, content.lines))
        yield (
            "description",
            {"value": formatting.truncate(text, _MAX_FIELD, "…"), "label": "What to do", "long": True},
        )
    if content.services:
        names = plain(formatting.name_list(content.services, _MAX_NAMES))
        yield "service", {"value": names, "label": "Services"}
    if content.began_at is not None:
        yield "date_created", {"value": int(content.began_at.timestamp()), "label": "Since"}
    yield "date_updated", {"value": int(content.as_of.timestamp()), "label": "Updated"}


_MAX_NAMES = 8


def _card_fields(content: CardContent) -> Iterator[dict[str, Any]]:
    if content.next_update is not None:
        at = int(content.next_update.timestamp())
        yield {"key": "next_update", "label": "Next update by", "type": _TIMESTAMP, "value": at}
    for number, detail in enumerate(content.details[:_MAX_DETAILS]):
        text = formatting.truncate(plain_line(detail), _MAX_FIELD, "…")
        label = "Status page" if number == 0 else "More"
        yield {"key": f"detail_{number}", "label": label, "type": "string", "value": text, "long": True}
    if content.used_by:
        names = plain(formatting.name_list(content.used_by, _MAX_NAMES))
        yield {"key": "used_by", "label": "Used by", "type": "string", "value": names}


def _pane_fields(pane: PaneContent) -> Iterator[dict[str, Any]]:
    texts = (
        ("services", "Advice by service", "\n".join(pane.services)),
        ("quote", "Last update", f"“{pane.quote}”" if pane.quote else ""),
        ("timeline", "Timeline, newest first (UTC)", "\n".join(pane.timeline)),
    )
    for key, label, text in texts:
        if text:
            value = formatting.truncate(plain(text), _MAX_PANE_FIELD, "…")
            yield {"key": key, "label": label, "type": "string", "value": value, "long": True}
    if pane.card.page_url.startswith(("https://", "http://")):
        yield {"key": "page", "label": "Page", "type": _LINK, "value": pane.card.page_url}


def _actions(buttons: Sequence[CardButton]) -> dict[str, Any]:
    usable = [_action(b) for b in buttons if len(b.value) <= _MAX_BUTTON_VALUE]
    if not usable:
        return {}
    more = usable[MAX_PRIMARY:][:MAX_OVERFLOW]
    return {
        "actions": {"primary_actions": usable[:MAX_PRIMARY], **({"overflow_actions": more} if more else {})},
    }


def _action(button: CardButton) -> dict[str, Any]:
    return {"text": button.label, "action_id": button.action, "value": button.value}


def plain_line(text: str) -> str:
    """A text of ``bot.messages.markup`` in words, each emoji as its character, times in UTC."""
    style = markup.MarkupStyle(escape=plain, emoji=lambda code: _SYMBOLS.get(code, ""))
    return markup.render(text, style).strip()


def plain(text: str) -> str:
    """The text with nothing in it that a chat could read as a mention or a link."""
    return text.translate(_HARMLESS)


# --- plain blocks, where Slack has no Work Objects --------------------------------------------------------------------


def card_attachment(content: CardContent) -> dict[str, Any]:
    """The same as an attachment with a coloured bar, for ``unfurls`` of ``chat.unfurl``."""
    lines = [f"{content.emoji} *{block_kit.escape(content.title)}*", *map(markup.to_mrkdwn, content.lines)]
    small = [markup.to_mrkdwn(text) for text in content.details]
    if content.used_by:
        small.append(f"Used by: {block_kit.escape(formatting.name_list(content.used_by, _MAX_NAMES))}")
    blocks = [block_kit.section("\n".join(lines)), *([block_kit.context_elements(small)] if small else [])]
    if buttons := list(_block_buttons(content.buttons)):
        blocks.append(block_kit.actions(buttons))
    return {"color": words.STATUS_STYLES[content.status or Status.UNKNOWN].bar, "blocks": blocks}


def _block_buttons(buttons: Iterable[CardButton]) -> Iterator[block_kit.Block]:
    for button in list(buttons)[: MAX_PRIMARY + 1]:
        if len(button.value) <= _MAX_BUTTON_VALUE:
            yield block_kit.button(button.action, button.label, button.value)
