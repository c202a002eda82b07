"""Acme: a provider of our own for tests, its page at any moment, and a clock that is set by hand."""

import json
from datetime import UTC, datetime, timedelta

from bot.core import stroke as strokes
from bot.model import Look, Provider, Source, Surface, VerdictRules, World
from bot.sources import statuspage

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ACME = Provider(
    id="acme",
    name="Acme",
    surfaces=(
        Surface(id="acme-api", provider="acme", name="Acme API", components=("c-api",), words=("API",)),
        Surface(id="acme-web", provider="acme", name="acme.example", components=("c-web",), words=("website",)),
    ),
    source=Source(id="acme", provider="acme", kind="statuspage", url="https://status.acme.example"),
)


class Clock:
    """Stands still until it is moved."""

    def __init__(self, at=NOON):
        self.at = at

    def __call__(self):
        return self.at

    def move(self, **span):
        self.at += timedelta(**span)


def iso(at):
    return at.isoformat().replace("+00:00", "Z")


def update(number=1, status="investigating", body="We are looking into it.", at=NOON, api=None):
    moved = [{"code": "c-api", "name": "API", "old_status": "operational", "new_status": api}] if api else None
    return {
        "id": f"u{number}",
        "status": status,
        "body": body,
        "display_at": iso(at),
        "created_at": iso(at),
        "affected_components": moved,
    }


def incident(*updates, number=1, name="Errors on the API", impact="major"):
    told = updates or (update(api="major_outage"),)
    return {
        "id": f"inc{number}",
        "name": name,
        "status": told[-1]["status"],
        "impact": impact,
        "created_at": told[0]["display_at"],
        "incident_updates": list(reversed(told)),
        "components": [],
    }


def page(*incidents, api="operational", web="operational"):
    """The page's body, as Statuspage's summary.json has it."""
    components = [
        {"id": "c-api", "name": "API", "status": api, "group": False},
        {"id": "c-web", "name": "Website", "status": web, "group": False},
    ]
    told = {"components": components, "incidents": list(incidents), "scheduled_maintenances": []}
    return json.dumps({"page": {"id": "acmepage", "name": "Acme"}, **told}).encode()


DOWN = page(incident(), api="major_outage")


def look(world, body, at, **endings):
    """The stroke of a look at this page; None is a page that can't be read."""
    saw = statuspage.parse(body) if isinstance(body, bytes) else body
    rules = strokes.Rules(ACME, VerdictRules(), {})
    return strokes.look(world or World("acme"), Look(at, saw, endings, "status.acme.example"), rules)
