"""The database: polls, state, events and the outbox. One bot writes it, one transaction per transition.

``repository`` has the state of each provider and the reads, ``outbox`` the notifications to send, and ``transitions``
writes one transition. ``connection`` is the port to the database, ``sqlite`` and ``postgres`` are behind it, and
``engines`` opens one; ``mapping`` converts between rows and values; ``migrations`` is the schema; ``forms`` numbers the
forms of stored JSON; ``archive`` reads years of history for reliability figures and search; ``api_tokens`` holds who
may write over HTTP.
"""

from bot.storage.api_tokens import ApiToken
from bot.storage.connection import DatabaseUrl, Place, may_exist, parse_place
from bot.storage.outbox import OutboxEntry
from bot.storage.repository import Repository

__all__ = ["ApiToken", "DatabaseUrl", "OutboxEntry", "Place", "Repository", "may_exist", "parse_place"]
