"""Short ways to say what a page shows: incidents, updates, components and looks, all of a made-up vendor."""

from datetime import UTC, datetime, timedelta

from bot.domain import (
    Component,
    ComponentTransition,
    Condition,
    Impact,
    Incident,
    PollResult,
    Provider,
    ProviderState,
    Snapshot,
    Source,
    Stage,
    Surface,
    Update,
    VerdictParameters,
)
from bot.rules import transition

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
WEB = Surface("acme-web", "acme", "Acme Web", components=("c-web",), words=("website",), people="Wait.")
API = Surface("acme-api", "acme", "Acme API", components=("c-api",), words=("API",), programs="Back off.")
LOGIN = Surface("acme-login", "acme", "Acme Login", words=("login",), is_login=True)
ACME = Provider(
    "acme", "Acme", (WEB, API, LOGIN), Source("acme", "acme", "statuspage", "https://status.acme.example", "")
)
RULES = transition.TransitionContext(ACME, VerdictParameters(), {})
CODES = {"web": "c-web", "api": "c-api", "other": "c-other"}
GREEN = Condition.OPERATIONAL
RED = Condition.MAJOR_OUTAGE
AMBER = Condition.DEGRADED


def at(minutes):
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def update(uid="u1", stage=Stage.INVESTIGATING, body="We are looking into it.", minutes=0, **moves):
    """A post; ``api=RED`` says that it turned the API's component from green to red."""
    transitions = tuple(ComponentTransition(CODES[name], name, GREEN, new) for name, new in moves.items()) or None
    return Update(uid, stage, body, at(minutes), transitions)


def incident(*updates, iid="i1", name="Errors", stage=None, **fields):
    """An incident in the stage of its newest update, unless told otherwise."""
    posts = updates or (update(api=RED),)
    told = {"impact": Impact.MAJOR, "created_at": posts[0].display_at, **fields}
    return Incident(iid, name, stage or posts[-1].stage, updates=posts, **told)


def components(**colours):
    """The page's components; those that are not named are green."""
    return tuple(Component(c, name, colours.get(name, GREEN)) for name, c in CODES.items())


def page(*incidents, maintenances=(), **colours):
    """A page with these incidents; ``api=RED`` colours a component."""
    return Snapshot("acme", "Acme", components(**colours), tuple(incidents), tuple(maintenances))


def poll_page(minutes, saw, **endings):
    """A poll so many minutes after noon."""
    return PollResult(at(minutes), saw, endings, host="status.acme.example")


def after(*looks, world=None):
    """The transitions of these polls, one after the other."""
    done = []
    world = world or ProviderState("acme")
    for seen in looks:
        done.append(transition.apply_poll(world, seen, RULES))
        world = done[-1].state
    return done


def watched(*looks, hours=1):
    """The transitions of these polls, by a bot that had watched a healthy page for an hour before the first."""
    world = ProviderState("acme")
    for minute in range(-60 * hours, 0):
        world = transition.apply_poll(world, poll_page(minute, page()), RULES).state
    return after(*looks, world=world)
