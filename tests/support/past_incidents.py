"""A small past to ask about: histories in our own words, and the command line as a function."""

import json
from datetime import UTC, datetime, timedelta

from click.testing import CliRunner

from bot.cli.main import brownout

T0 = datetime(2024, 5, 1, 10, 0, tzinfo=UTC)
PAGE = {"id": "tymt9n04zgry", "name": "Claude"}


def at(minute):
    return (T0 + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def update(number, status, minute, body, moves=None):
    return {
        "id": f"u{number}",
        "status": status,
        "body": body,
        "display_at": at(minute),
        "created_at": at(minute),
        "affected_components": moves,
    }


def incident(name="inc1", updates=(), **rest):
    return {
        "id": name,
        "name": "Trouble with requests",
        "impact": "major",
        "status": updates[0]["status"],
        "created_at": updates[-1]["display_at"],
        "started_at": at(-20),
        "components": [{"id": "rwppv331jlwc", "name": "claude.ai"}],
        "incident_updates": list(updates),
    } | rest


LIVE = incident(
    updates=[
        update(3, "resolved", 90, "All is well."),
        update(2, "monitoring", 60, "A fix is in place."),
        update(1, "investigating", 0, "We look into errors on claude.ai."),
    ]
)
LATE = incident("inc2", [update(9, "resolved", 600, "Between 18:00 and 19:00 there were errors.")], created_at=at(500))


def file(folder, *incidents, page=PAGE, name="history.json"):
    path = folder / name
    path.write_text(json.dumps({"page": page, "incidents": list(incidents)}))
    return path


def run(*words):
    """What the command prints; RefusedError where it fails."""
    done = CliRunner(env={"COLUMNS": "200"}).invoke(brownout, [str(w) for w in words])
    if done.exit_code:
        raise RefusedError(done.output) from done.exception
    return done.stdout


class RefusedError(Exception):
    """The command ended with another exit code than 0; says what it printed."""
