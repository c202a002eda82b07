"""A random past of a made-up vendor, written row by row: polls, histories, transitions, doubles, posts at month borders.

What a bot would never write is in it too, since it may have been imported. The same seed gives the same past.
"""

import json
from datetime import UTC, datetime, timedelta

from bot.domain import Condition, Stage, Surface
from bot.storage.mapping import format_time
from tests.support.polls import ACME

START, END = datetime(2025, 10, 20, tzinfo=UTC), datetime(2026, 7, 10, tzinfo=UTC)
NOW = datetime(2026, 7, 10, 9, 30, 12, 345678, tzinfo=UTC)
BORDERS = [datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 8)]
CHAT = Surface("acme-chat", "acme", "Acme Chat", components=("c-chat",), parts=("c-voice",), slo=99.5)
PEOPLE = Surface("acme-people", "acme", "Acme People", components=("c-people",))
SURFACES = (*ACME.surfaces[:2], CHAT, PEOPLE)
COMPONENTS = ("c-web", "c-api", "c-chat", "c-voice", "c-other")
BAD = (Condition.DEGRADED, Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE)
STAGES = (Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.MONITORING, Stage.RESOLVED)


def moment(dice, start=START, end=END):
    """A time of the past, more often than not near a month's border."""
    if dice.random() < 0.5:
        return dice.choice(BORDERS) + timedelta(minutes=dice.uniform(-40, 40))
    return start + (end - start) * dice.random()


def length(dice):
    """A duration with a long tail."""
    return timedelta(minutes=dice.lognormvariate(3.5, 2.2))


def write_past(repository, dice):
    """Everything, into an empty database."""
    db = repository._db
    with db.transaction():
        _write_polls(db, dice)
        for surface in SURFACES[:3]:
            _write_conditions(db, dice, surface.id)
        for number in range(dice.randint(0, 2)):
            write_history(db, dice, number)
        for number in range(dice.randint(5, 40)):
            write_incident(db, dice, f"i{number}")


def _write_polls(db, dice):
    at = START + (END - START) * dice.choice((0, 0, 0.4))
    while at < END:
        until = min(at + timedelta(hours=dice.expovariate(1 / 200)), END)
        write_poll(db, at, until, dice.choice(("same", "same", "changed", "unreachable")))
        at = until + dice.choice((timedelta(minutes=4), timedelta(minutes=4), length(dice)))


def write_poll(db, first, last, outcome="same"):
    row = {"source": "acme", "outcome": outcome, "first_at": format_time(first), "last_at": format_time(last)}
    db.insert("observations", row)


def _write_conditions(db, dice, surface):
    at, number = START + timedelta(hours=dice.uniform(0, 2000)), 0
    while at < END and number < 60:
        until, number = at + dice.choice((length(dice), timedelta(hours=dice.expovariate(1 / 200)))), number + 1
        condition = dice.choice((*BAD, Condition.OPERATIONAL, Condition.OPERATIONAL, Condition.UNKNOWN))
        write_condition(db, surface, at, until if until < END else None, condition, inferred=dice.random() < 0.2)
        at = until


def write_condition(db, surface, since, until, condition, *, inferred=False):
    row = {"surface": surface, "since": format_time(since), "until": format_time(until), "condition": condition}
    db.insert("conditions", row | {"inferred": inferred}, "ON CONFLICT DO NOTHING")


def insert_condition(db, surface, at, condition):
    """A change of condition at a time, up to the next one: of one surface, one condition holds at a time."""
    later = db.rows(
        "SELECT min(since) AS since FROM conditions WHERE surface = ? AND since > ?", surface, format_time(at)
    )
    cut = "UPDATE conditions SET until = ? WHERE surface = ? AND since < ? AND (until IS NULL OR until > ?)"
    db.write(cut, format_time(at), surface, format_time(at), format_time(at))
    until = datetime.fromisoformat(later[0]["since"]) if later[0]["since"] else None
    write_condition(db, surface, at, until, condition)


def write_history(db, dice, number):
    """An imported history: what it covers, and conditions."""
    db.insert("backfills", {"provider": "acme", "origin": f"o{number}", "name": "x", "read_at": format_time(END)})
    [row] = db.rows("SELECT id FROM backfills WHERE origin = ?", f"o{number}")
    first, last = sorted((moment(dice), moment(dice)))
    db.insert("coverage", {"backfill": row["id"], "since": format_time(first), "until": format_time(last)})
    for _ in range(dice.randint(0, 15)):
        since = moment(dice)
        told = {"surface": dice.choice(SURFACES).id, "until": format_time(since + length(dice)), "backfill": row["id"]}
        told |= {"since": format_time(since), "condition": dice.choice((*BAD, Condition.UNKNOWN)), "inferred": False}
        db.insert("past_conditions", told, "ON CONFLICT DO NOTHING")


def write_incident(db, dice, identity):
    """An incident with its updates; some are doubles, maintenances, without a post, open, or posted when over."""
    posted, is_backfilled, is_late = moment(dice), dice.random() < 0.4, dice.random() < 0.2
    ended = posted + length(dice) if dice.random() < 0.9 else None
    seen = posted + timedelta(minutes=dice.uniform(0, 30))
    started = posted - timedelta(minutes=dice.uniform(0, 90)) if dice.random() < 0.3 else None
    row = {
        "source": "acme",
        "id": identity,
        "provider": "acme",
        "name": dice.choice(("Errors", "errors ", "Slow answers", f"Trouble {identity}")),
        "stage": "resolved" if ended else "investigating",
        "impact": "major",
        "posted_at": format_time(posted),
        "seen_at": format_time(seen),
        "closed_at": format_time(ended),
        "surfaces": json.dumps(dice.sample([s.id for s in SURFACES], dice.randint(0, 2))),
        "is_maintenance": dice.random() < 0.15,
        "is_baseline": False,
        "is_retroactive": is_late,
        "started_at": format_time(started),
        "backfilled": is_backfilled,
        "own": "unposted" if dice.random() < 0.1 else None,
    }
    db.insert("incidents", row)
    at = posted
    for number in range(dice.randint(0 if row["own"] else 1, 5)):
        if is_late:
            write_late_update(db, dice, identity, f"{identity}-{number}", at)
        else:
            write_update(db, dice, identity, f"{identity}-{number}", at)
        at += length(dice)


def write_update(db, dice, incident, identity, at, *, version=1):
    moves = [
        (component, component, dice.choice((*BAD, Condition.OPERATIONAL)), dice.choice((*BAD, Condition.OPERATIONAL)))
        for component in dice.sample(COMPONENTS, dice.randint(0, 2))
    ]
    row = {"source": "acme", "id": identity, "version": version, "incident": incident, "stage": dice.choice(STAGES)}
    row |= {"body": "Text.", "display_at": format_time(at), "transitions": json.dumps(moves)}
    db.insert("updates", row | {"seen_at": format_time(at + timedelta(minutes=dice.uniform(0, 20)))})


def write_late_update(db, dice, incident, identity, at):
    """An update that says when it was bad, up to a month before, and that this is over."""
    began = at - timedelta(days=dice.choice((0, 0.5, 20, 30)), minutes=dice.uniform(60, 600))
    ended = began + timedelta(minutes=dice.uniform(5, 300))
    body = f"On {began:%Y-%m-%d} between {began:%H:%M} and {ended:%H:%M} UTC there were errors."
    row = {"source": "acme", "id": identity, "version": 1, "incident": incident, "stage": Stage.RESOLVED, "body": body}
    db.insert("updates", row | {"display_at": format_time(at), "transitions": None, "seen_at": format_time(at)})


def edit(repository, dice):
    """One late change of the past; returns what it was."""
    db = repository._db
    [picked] = db.rows("SELECT id, posted_at FROM incidents ORDER BY id LIMIT 1 OFFSET ?", dice.randint(0, 4))
    number = dice.randint(0, 10**9)
    changes = {
        "a poll": lambda: write_poll(db, at := moment(dice), at + length(dice), dice.choice(("same", "unreachable"))),
        "a longer poll": lambda: db.write(
            "UPDATE observations SET last_at = ? WHERE id = (SELECT min(id) FROM observations)",
            format_time(START + timedelta(days=dice.uniform(0, 200))),
        ),
        "a lost poll": lambda: db.write(
            "DELETE FROM observations WHERE first_at = (SELECT min(first_at) FROM observations WHERE first_at > ?)",
            format_time(moment(dice)),
        ),
        "a status": lambda: insert_condition(db, dice.choice(SURFACES).id, moment(dice), dice.choice(BAD)),
        "another status": lambda: db.write(
            "UPDATE conditions SET condition = ? WHERE surface = ? AND inferred = ?",
            *(dice.choice(BAD), dice.choice(SURFACES).id, True),
        ),
        "an end of a status": lambda: db.write(
            "UPDATE conditions SET until = ? WHERE surface = ? AND until IS NULL",
            *(format_time(moment(dice)), dice.choice(SURFACES).id),
        ),
        "a lost status": lambda: db.write(
            "DELETE FROM conditions WHERE since = (SELECT min(since) FROM conditions WHERE since > ?)",
            format_time(moment(dice)),
        ),
        "a history": lambda: write_history(db, dice, number),
        "a lost history": lambda: db.write("DELETE FROM past_conditions WHERE condition = ?", dice.choice(BAD)),
        "an incident": lambda: write_incident(db, dice, f"late{number}"),
        "a late update": lambda: write_update(db, dice, picked["id"], f"u{number}", moment(dice)),
        "another version": lambda: write_update(
            db, dice, picked["id"], f"{picked['id']}-0", datetime.fromisoformat(picked["posted_at"]), version=2 + number
        ),
        "a reopening": lambda: db.write(
            "UPDATE incidents SET closed_at = NULL, stage = 'investigating' WHERE id = ?", picked["id"]
        ),
        "an end": lambda: db.write(
            "UPDATE incidents SET closed_at = ? WHERE id = ?", format_time(moment(dice)), picked["id"]
        ),
        "seen live": lambda: db.write("UPDATE incidents SET backfilled = 1 - backfilled WHERE id = ?", picked["id"]),
        "other surfaces": lambda: db.write(
            "UPDATE incidents SET surfaces = ? WHERE id = ?", json.dumps([dice.choice(SURFACES).id]), picked["id"]
        ),
        "joined": lambda: db.write("UPDATE incidents SET joined = 'x' WHERE id = ?", picked["id"]),
    }
    name = dice.choice(list(changes))
    with db.transaction():
        changes[name]()
    return name
