"""Who may write by HTTP: tokens, of which only a hash is kept; and pseudonyms for those who report.

The hash is a plain SHA-256. Slow hashes (bcrypt, argon2) make guessing dear where people choose the secret; ours are
256 random bits, which nobody guesses, and a fast hash does not let strangers keep the bot busy.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.edge.store.database import Database
from bot.edge.store.rows import iso, time

USED_EVERY = timedelta(hours=1)  # how exactly it is known when a token was last used


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept: what it may write, never the secret."""

    name: str
    may: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None = None


class Keys:
    """The tokens of a database, and its salt. Both stay out of exports."""

    def __init__(self, database: Database) -> None:
        """Takes an open database."""
        self._db = database

    def create(self, name: str, may: tuple[str, ...], at: datetime) -> str | None:
        """A new token: its secret, which is nowhere else; None where the name is taken."""
        secret = f"brownout_{secrets.token_urlsafe(32)}"
        made = self._db.write(
            "INSERT INTO tokens (name, hash, may, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            *(name, _hash(secret), " ".join(may), iso(at)),
        )
        return secret if made else None

    def tokens(self) -> tuple[Token, ...]:
        """Every token, by name."""
        return tuple(_token(row) for row in self._db.rows("SELECT * FROM tokens ORDER BY name"))

    def revoke(self, name: str) -> bool:
        """Ends a token at once; False where there is none of this name."""
        return self._db.write("DELETE FROM tokens WHERE name = ?", name) > 0

    def holder(self, secret: str, at: datetime) -> Token | None:
        """Whose secret it is; None where it is nobody's. Compared in a time that tells nothing about the hashes."""
        told = _hash(secret)
        fits = [row for row in self._db.rows("SELECT * FROM tokens") if hmac.compare_digest(row["hash"], told)]
        if not fits:
            return None
        found = _token(fits[0])
        if found.used_at is None or at - found.used_at > USED_EVERY:
            self._db.write("UPDATE tokens SET used_at = ? WHERE name = ?", iso(at), found.name)
        return found

    def pseudonym(self, reporter: str) -> str:
        """Tells people apart and names nobody: the same person is the same in this database, and in no other."""
        found = self._db.rows("SELECT salt FROM salts WHERE id = 1")
        if not found:
            self._db.write("INSERT INTO salts VALUES (1, ?) ON CONFLICT DO NOTHING", secrets.token_bytes(32))
            found = self._db.rows("SELECT salt FROM salts WHERE id = 1")
        return hmac.new(found[0]["salt"], reporter.encode(), hashlib.sha256).hexdigest()[:32]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _token(row: dict[str, str]) -> Token:
    used_at = time(row["used_at"]) if row["used_at"] else None
    return Token(row["name"], tuple(row["may"].split()), time(row["created_at"]), used_at)
