"""Evidence that a bot took, stored until the one that leads, or that polls its provider's page, has counted it."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime

from bot.domain import EvidenceBatch
from bot.storage import mapping
from bot.storage.connection import Database
from bot.storage.mapping import format_time

MOST = 200  # batches that are read at once


class HandedEvidence:
    """Batches of evidence in the order in which they came; every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        """Takes the repository's database."""
        self._db = database

    def add(self, provider: str, batch: EvidenceBatch, at: datetime) -> None:
        """Stores a batch of one provider."""
        text = mapping.EVIDENCE_ADAPTER.dump_json(batch).decode()
        self._db.insert("handed_evidence", {"provider": provider, "batch": text, "at": format_time(at)})

    def waiting(self, without: Collection[str] = ()) -> tuple[tuple[int, str, EvidenceBatch | None], ...]:
        """Number, provider and batch of the oldest, at most MOST; None for a batch that is damaged.

        Evidence on the providers ``without`` is for other bots.
        """
        rows = self._db.rows(
            "SELECT id, provider, batch FROM handed_evidence WHERE provider NOT IN"
            " (SELECT value FROM json_each(CAST(? AS TEXT))) ORDER BY id LIMIT ?",
            *(json.dumps(sorted(without)), MOST),
        )
        where = f"{self._db.path}: handed_evidence, row"
        return tuple(
            (row["id"], row["provider"], mapping.parse(mapping.EVIDENCE_ADAPTER, row["batch"], f"{where} {row['id']}"))
            for row in rows
        )

    def remove(self, number: int) -> None:
        """Deletes a batch that was counted."""
        self._db.write("DELETE FROM handed_evidence WHERE id = ?", number)
