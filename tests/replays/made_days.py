"""Days of our own making, as recorded polls: a day of GitHub, an unreadable one, a maintenance, forty services at once."""

from datetime import UTC, datetime, timedelta

from bot import settings
from bot.domain import Provider, Source, Surface

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GITHUB = settings.load().provider("github")
MANY = Provider(
    "acme",
    "Acme",
    tuple(Surface(f"acme-{n}", "acme", f"Acme Zone {n}", (f"c{n}",), short=f"Zone {n}") for n in range(1, 43)),
    Source("acme", "acme", "statuspage", "https://status.acme.example"),
)


def _at(minute):
    return (NOON + minute * MINUTE).isoformat()


def _page(provider, bad, *, incidents=(), maintenances=()):
    """The page; ``bad`` are conditions by the component's id, all others are operational."""
    components = [
        {"id": s.components[0], "name": s.components[-1], "status": bad.get(s.components[0], "operational")}
        for s in provider.surfaces
        if s.components
    ]
    return {
        "page": {"id": "p", "name": provider.name},
        "components": components,
        "incidents": list(incidents),
        "scheduled_maintenances": list(maintenances),
    }


def _entry(name, *posts, components=(), **more):
    """An incident or a maintenance with its posts until now: (minute, status, text)."""
    updates = [{"id": f"u{m}", "status": s, "body": text, "display_at": _at(m)} for m, s, text in posts]
    named = [{"id": c, "name": c, "status": "operational"} for c in components]
    first, last = posts[0], posts[-1]
    entry = {"id": "i1", "name": name, "status": last[1], "impact": "major", "created_at": _at(first[0])}
    return entry | {"incident_updates": updates[::-1], "components": named} | more


def _polls(*turns, until):
    """A poll a minute; each turn is (minute, body), and holds until the next."""
    for minute in range(-5, until):
        yield NOON + minute * MINUTE, next(body for start, body in reversed(turns) if start <= minute)


def github():
    """Actions are degraded, pull requests join, a fix is watched, and all is over."""
    actions, pulls = "br0l2tvcx85d", "hhtssxt0f5v2"
    posts = [
        (0, "investigating", "Some workflow runs start late."),
        (20, "identified", "We know the cause; pull requests are slow too."),
        (50, "monitoring", "A fix is in place."),
        (80, "resolved", "All is well again."),
    ]
    name = "Delays of workflow runs"
    one, two, three = (_entry(name, *posts[:n], components=[actions]) for n in (1, 2, 3))
    quiet = _page(GITHUB, {})
    return _polls(
        (-5, quiet),
        (0, _page(GITHUB, {actions: "degraded_performance"}, incidents=[one])),
        (20, _page(GITHUB, {actions: "degraded_performance", pulls: "degraded_performance"}, incidents=[two])),
        (50, _page(GITHUB, {}, incidents=[three])),
        (80, _page(GITHUB, {}, incidents=[_entry(name, *posts, components=[actions])])),
        (90, quiet),
        until=150,
    )


def unreadable():
    """The page cannot be read for half an hour, and then again."""
    return _polls((-5, _page(GITHUB, {})), (0, None), (30, _page(GITHUB, {})), until=60)


def maintenance():
    """A maintenance is announced, begins, overruns and is completed."""
    packages = next(s.components[0] for s in GITHUB.surfaces if s.id == "github-packages")
    window = {"scheduled_for": _at(60), "scheduled_until": _at(120)}
    posts = [
        (0, "scheduled", "We will move the registry."),
        (60, "in_progress", "The move has begun."),
        (140, "completed", "The move is done."),
    ]
    name = "Move of the registry"
    one, two, three = (_entry(name, *posts[:n], components=[packages], **window) for n in (1, 2, 3))
    return _polls(
        (-5, _page(GITHUB, {})),
        (0, _page(GITHUB, {}, maintenances=[one])),
        (60, _page(GITHUB, {packages: "under_maintenance"}, maintenances=[two])),
        (140, _page(GITHUB, {}, maintenances=[three])),
        until=170,
    )


def forty():
    """Forty services of one provider, three of them down, within one incident."""
    ids = [s.components[0] for s in MANY.surfaces[:40]]
    bad = {c: "major_outage" if n < 3 else "degraded_performance" for n, c in enumerate(ids)}
    posts = [(0, "investigating", "Many requests fail."), (40, "resolved", "All is well again.")]
    first, last = (_entry("Network errors", *posts[:n], components=ids) for n in (1, 2))
    return _polls(
        (-5, _page(MANY, {})),
        (0, _page(MANY, bad, incidents=[first])),
        (40, _page(MANY, {}, incidents=[last])),
        (45, _page(MANY, {})),
        until=70,
    )


DAYS = {
    "github-day": (GITHUB, github),
    "unreadable-day": (GITHUB, unreadable),
    "maintenance-day": (GITHUB, maintenance),
    "forty-services": (MANY, forty),
}
