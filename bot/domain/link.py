"""Links that people paste in the chat, and the cards that the chat shows below them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LinkKind(StrEnum):
    """What a link leads to."""

    INCIDENT = "incident"  # an incident, on its vendor's page or on our board
    SERVICE = "service"  # a service's page on our board
    PROVIDER = "provider"  # the front page of a provider's status page
    UNWATCHED = "unwatched"  # the same, of a provider of the catalogue that is off
    BOARD = "board"  # the front page of our board


@dataclass(frozen=True, slots=True)
class LinkSubject:
    """What a link is about: the key of an incident, the id of a service or of a provider; empty for the board."""

    kind: LinkKind
    id: str = ""


@dataclass(frozen=True, slots=True)
class LinkPlace:
    """Where a link stands.

    Attributes:
        channel: The channel's id.
        ts: The message's ts. Of a link in a message that is still being written, the chat has another value here.
        unfurl_id: The chat's own id of the links of this message; empty where it named none.
        source: Where ``unfurl_id`` is from: a posted message, or one that is being written.
    """

    channel: str
    ts: str
    unfurl_id: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class LinkCard:
    """A card that the chat shows below a message.

    Attributes:
        place: Where the link stands.
        url: The link as it was written.
        subject: What it is about.
        digest: A hash of what the card shows; another one means that it is out of date.
        shown_at: When it was shown first.
        is_external: People of another company read the channel.
    """

    place: LinkPlace
    url: str
    subject: LinkSubject
    digest: str
    shown_at: datetime
    is_external: bool = False
