"""API tokens of programs that write over HTTP, stored as hashes only, and pseudonyms of people who report.

The hash is a plain SHA-256. Slow hashes (bcrypt, argon2) protect secrets that people choose; these secrets are 256
random bits, which nobody guesses, and a fast hash does not let strangers keep the bot busy.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.storage.connection import IGNORE, Database
from bot.storage.mapping import format_time, parse_time

LAST_USED_PRECISION = timedelta(hours=1)  # used_at is written at most this often, so that reads stay reads


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as it is stored: its scopes (``allowed``), never its secret. ``used_at`` is exact to the hour.

    ``vantages`` are the vantage points that it was made for; any if empty. ``people`` is how many people count at most
    of all whom it names.
    """

    name: str
    allowed: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None = None
    vantages: tuple[str, ...] = ()
    people: int = 1


class ApiTokens:
    """The API tokens of a database, and its salt for pseudonyms. Neither is exported. Methods may raise StoreError."""

    def __init__(self, database: Database) -> None:
        """Takes an open database."""
        self._db = database

    def create(
        self, name: str, may: tuple[str, ...], at: datetime, *, vantages: tuple[str, ...] = (), people: int = 1
    ) -> str | None:
        """Creates a token and returns its secret, which is stored nowhere; None if the name is taken."""
        secret = f"brownout_{secrets.token_urlsafe(32)}"
        row: dict[str, object] = {"name": name, "hash": _hash_secret(secret), "may": " ".join(may)}
        row |= {"created_at": format_time(at), "vantages": " ".join(vantages), "people": people}
        return secret if self._db.insert("tokens", row, IGNORE) else None

    def tokens(self) -> tuple[ApiToken, ...]:
        """All tokens, ordered by name."""
        return tuple(_token_from_row(row) for row in self._db.rows("SELECT * FROM tokens ORDER BY name"))

    def revoke(self, name: str) -> bool:
        """Deletes a token, effective at once; False if there is none of this name."""
        return self._db.write("DELETE FROM tokens WHERE name = ?", name) > 0

    def authenticate(self, secret: str, at: datetime) -> ApiToken | None:
        """The token of this secret; None if there is none. Hashes are compared in constant time."""
        digest = _hash_secret(secret)
        matches = [row for row in self._db.rows("SELECT * FROM tokens") if hmac.compare_digest(row["hash"], digest)]
        if not matches:
            return None
        token = _token_from_row(matches[0])
        if token.used_at is None or at - token.used_at > LAST_USED_PRECISION:
            self._db.write("UPDATE tokens SET used_at = ? WHERE name = ?", format_time(at), token.name)
        return token

    def pseudonym(self, reporter: str) -> str:
        """A keyed hash of a reporter's name: stable within this database, different in every other one."""
        rows = self._db.rows("SELECT salt FROM salts WHERE id = 1")
        if not rows:
            self._db.insert("salts", {"id": 1, "salt": secrets.token_bytes(32)}, IGNORE)
            rows = self._db.rows("SELECT salt FROM salts WHERE id = 1")
        return hmac.new(rows[0]["salt"], reporter.encode(), hashlib.sha256).hexdigest()[:32]


def _hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _token_from_row(row: dict[str, Any]) -> ApiToken:
    used_at = parse_time(row["used_at"]) if row["used_at"] else None
    return ApiToken(
        row["name"],
        tuple(row["may"].split()),
        parse_time(row["created_at"]),
        used_at,
        tuple(row["vantages"].split()),
        row["people"],
    )
