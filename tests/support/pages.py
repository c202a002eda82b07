"""Acme's status page at any moment, as Statuspage's JSON has it: updates, incidents and the whole summary."""

import json

from tests.support.acme import NOON

SUMMARY = "/api/v2/summary.json"


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
