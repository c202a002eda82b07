"""A history in our own words with every kind of incident that figures and summaries can get wrong."""

WEB, API, CODE = ("rwppv331jlwc", "claude.ai"), ("k8w3r06qmzrp", "Claude API"), ("yyzkbfz2thpt", "Claude Code")
GREEN, SLOW, PART, DOWN, CARE = (
    "operational",
    "degraded_performance",
    "partial_outage",
    "major_outage",
    "under_maintenance",
)


def stamp(text):
    return f"2026-{text}:00Z".replace(" ", "T")


def incident(name, component, *steps, impact="major", **rest):
    """Steps: time, status, and the component's old and new status where it has a transition."""
    updates = []
    for number, (when, status, *move) in enumerate(steps):
        moves = (
            [dict(zip(("code", "name", "old_status", "new_status"), (*component, *move), strict=True))] if move else []
        )
        at = {"display_at": stamp(when), "created_at": stamp(when)}
        updates.append(
            {"id": f"{name}-{number}", "status": status, "body": "Text.", **at, "affected_components": moves}
        )
    return {
        "id": name,
        "name": f"Title of {name}",
        "impact": impact,
        "status": steps[-1][1],
        "created_at": stamp(steps[0][0]),
        "components": [{"id": component[0], "name": component[1]}],
        "incident_updates": updates[::-1],
    } | rest


MIDNIGHT = incident(
    "midnight",
    API,
    ("06-28 23:30", "investigating", GREEN, DOWN),
    ("06-29 02:30", "resolved", DOWN, GREEN),
)
REOPENED = incident(
    "reopened",
    API,
    ("07-02 10:00", "investigating", GREEN, PART),
    ("07-02 11:00", "resolved", PART, GREEN),
    ("07-02 11:30", "investigating", GREEN, PART),
    ("07-02 12:30", "resolved", PART, GREEN),
)
MAINTENANCE = incident(
    "maintenance",
    API,
    ("07-01 08:00", "scheduled"),
    ("07-02 10:30", "in_progress", PART, CARE),
    ("07-02 10:45", "completed", CARE, PART),
    impact="maintenance",
)
SLOWER = incident(
    "slower",
    WEB,
    ("07-05 10:00", "investigating", GREEN, SLOW),
    ("07-05 13:00", "resolved", SLOW, GREEN),
    impact="minor",
)
NESTED = incident("nested", WEB, ("07-05 11:00", "investigating", SLOW, DOWN), ("07-05 12:00", "resolved", DOWN, SLOW))
WORDY = incident(
    "wordy", CODE, ("07-08 10:00", "investigating"), ("07-08 10:30", "monitoring"), ("07-08 11:00", "resolved")
)
UNFINISHED = incident(
    "unfinished",
    WEB,
    ("07-20 10:00", "investigating", GREEN, SLOW),
    ("07-20 12:00", "identified", SLOW, SLOW),
    impact="minor",
)
LISTED = incident(
    "listed", CODE, ("07-10 10:00", "investigating", GREEN, GREEN), ("07-10 11:00", "resolved", GREEN, GREEN)
)
HISTORY = (MIDNIGHT, REOPENED, MAINTENANCE, SLOWER, NESTED, WORDY, LISTED, UNFINISHED)
