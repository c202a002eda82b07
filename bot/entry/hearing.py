"""What people say in the chat -> evidence, a quarter of a minute later at most, whichever process took it down.

A report and an "I'm affected" count alike: somebody says that a surface is broken for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bot.core.witness import CROWD_WITHIN
from bot.edge.store import Store
from bot.engine import Engine
from bot.model import Report


@dataclass(slots=True)
class Hearing:
    """Listens to the book. After a start it hears the last ten minutes once more; who was counted counts once."""

    engine: Engine
    book: Store
    _heard: set[Report] = field(default_factory=set)

    def __call__(self) -> bool:
        """Takes in what is new; True where that is anything."""
        since: datetime = self.engine.now() - CROWD_WITHIN
        said = set(self.book.archive.reports(since))
        new, self._heard = sorted(said - self._heard, key=lambda r: (r.at, r.reporter)), said
        for provider in self.engine.providers.values():
            theirs = [r for r in new if any(r.surface == s.id for s in provider.surfaces)]
            if theirs:
                self.engine.witness(provider.id, reports=theirs)
        return bool(new)
