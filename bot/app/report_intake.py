"""Passes reports of people in the chat to the engine as evidence, within 15 s, whichever process stored them.

A report and an "I'm affected" count alike: somebody says that a surface is broken for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bot.domain import EvidenceBatch, UserReport
from bot.engine import Engine
from bot.rules.evidence.aggregate import REPORTS_WITHIN
from bot.storage import Repository


@dataclass(slots=True)
class ReportIntake:
    """A hook of the scheduler's tick. After a start it passes on the reports of the last ten minutes once more."""

    engine: Engine
    repository: Repository
    _processed: set[UserReport] = field(default_factory=set)

    def __call__(self) -> bool:
        """Passes on new reports; True if there were any."""
        since: datetime = self.engine.now() - REPORTS_WITHIN
        reports = set(self.repository.archive.user_reports(since))
        new = sorted(reports - self._processed, key=lambda r: (r.at, r.reporter))
        self._processed = reports
        for provider in self.engine.providers.values():
            provider_reports = tuple(r for r in new if any(r.surface == s.id for s in provider.surfaces))
            if provider_reports:
                self.engine.apply_evidence(provider.id, EvidenceBatch(reports=provider_reports))
        return bool(new)
