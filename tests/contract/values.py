"""Values that are stored, sent or read by programs: reason codes, and the values of every enumeration."""

from __future__ import annotations

from datetime import timedelta

from bot.domain import (
    Advice,
    AttributionKind,
    Condition,
    EventKind,
    EvidenceKind,
    Impact,
    IncidentEnding,
    NewsKind,
    NoticeKind,
    NotificationKind,
    SourceState,
    Stage,
    SurfaceHistory,
    Verdict,
    VerdictParameters,
)
from bot.errors import RefusalScope
from bot.formats import FORMATS
from bot.formats.base import Absence
from bot.rules.alerting import decide, routing
from bot.rules.changes import events
from bot.rules.evidence import signals
from bot.rules.verdict import assessment, combine, rules
from bot.rules.verdict.inputs import VerdictCase
from bot.rules.verdict.machine_form import verdict_as_json
from tests.contract.text import sections, written
from tests.support.acme import ACME, NOON

ENUMS = (
    ("condition of a component or surface", Condition),
    ("stage of an incident", Stage),
    ("impact of an incident", Impact),
    ("how an incident ended", IncidentEnding),
    ("what an attribution rests on", EvidenceKind),
    ("what an attribution does to the verdict", AttributionKind),
    ("verdict", Advice),
    ("kind of a post in the outbox", NotificationKind),
    ("kind of a notice in the outbox", NoticeKind),
    ("kind of a timeline event", EventKind),
    ("why a thread gets a reply", NewsKind),
    ("state of a source", SourceState),
    ("what a refusal of Slack is about", RefusalScope),
    ("what it means that an open incident is no longer listed", Absence),
    ("page state, in a verdict's basis", combine.PageEvidence),
    ("state of a probe, of people and of traffic, in a verdict's basis", signals.SignalKind),
    ("what a hit asks for", assessment.SurfaceAssessment),
    ("why an incident is not announced", decide.SilenceReason),
)


def enums() -> str:
    """Every enumeration's values, by what they stand for, since classes may be renamed."""
    found = {name: list(map(str, kind)) for name, kind in ENUMS}
    found["why an alert is held back in a channel"] = [routing.MUTED, routing.QUIET]
    found["source kinds"] = list(FORMATS)
    return sections(found)


def reason_codes() -> str:
    """Every reason code of a verdict and of an event."""
    return sections(
        {
            "verdict, by the page": [rule.name for rule in rules.RULES],
            "verdict, by other witnesses": [row.name for row in combine.COMBINATION_RULES],
            "verdict past its time": [_outlived()],
            "event, an incident's end": [code for _, _, code in events._EVENT_OF_ENDING.values()],
            "verdict or event, written in code": written(r'\breason_code="(\w+)"'),
            "error of a source or of Slack, written in code": written(r'\bcode="(\w+)"'),
        }
    )


def _outlived() -> str:
    surface, early = ACME.surfaces[0], NOON - timedelta(hours=1)
    given = Verdict(surface.id, Advice.RETRY_NORMALLY, early, 1.0, "", "quiet")
    grounds = VerdictCase(
        SurfaceHistory(surface.id), (), early, seen_at=early, rules=VerdictParameters(), surface=surface
    )
    return str(verdict_as_json(given, grounds, NOON)["reason_code"])
