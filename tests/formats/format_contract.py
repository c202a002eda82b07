"""What every reader of a format owes: whatever the bytes, a sound Snapshot or ParseError, the same one each time."""

import json
from datetime import timedelta

from bot.domain import Snapshot
from bot.errors import ParseError
from bot.formats import FORMATS
from tests.formats.pages import NOON, source


def incidents_of(snapshot):
    return (*(snapshot.incidents or ()), *(snapshot.maintenances or ()))


def times_of(incident):
    yield from (incident.created_at, incident.started_at, incident.scheduled_for, incident.scheduled_until)
    yield from (update.display_at for update in incident.updates)


def texts_of(snapshot):
    yield from (snapshot.page_id, snapshot.page_name)
    yield from (text for c in snapshot.components or () for text in (c.id, c.name))
    for found in incidents_of(snapshot):
        yield from (found.id, found.name, found.url or "")
        yield from (text for u in found.updates for text in (u.id, u.body))
        yield from (m.component_id for u in found.updates for m in u.transitions or ())


def assert_sound(snapshot):
    """Ids are there and unique, times are in UTC with room around them, updates are in order, texts can be stored."""
    assert isinstance(snapshot, Snapshot)
    for group in (snapshot.components, snapshot.incidents, snapshot.maintenances):
        ids = [item.id for item in group or ()]
        assert len(ids) == len(set(ids))
        assert all(ids)
    for found in incidents_of(snapshot):
        updates = [u.id for u in found.updates]
        assert len(updates) == len(set(updates))
        assert all(updates)
        assert list(found.updates) == sorted(found.updates, key=lambda u: u.display_at)
        assert all(at.utcoffset() == timedelta() and at + timedelta(days=3650) for at in times_of(found) if at)
    assert all("\x00" not in text and text.encode() is not None for text in texts_of(snapshot))
    json.dumps(list(texts_of(snapshot)))


def outcome(kind, bodies, at=NOON):
    """The Snapshot, or the words of the ParseError; any other exception is the reader's fault and comes out."""
    try:
        return FORMATS[kind].parse(bodies, source(kind), at)
    except ParseError as error:
        return str(error)


def assert_kept(kind, bodies, at=NOON):
    """The whole contract on one page."""
    found = outcome(kind, bodies, at)
    if isinstance(found, Snapshot):
        assert_sound(found)
    assert found == outcome(kind, bodies, at)
    fits = FORMATS[kind].fits
    for value in (bodies[0], _json(bodies[0])):
        assert fits(value) in (True, False)
    for read in (FORMATS[kind].parse_own, FORMATS[kind].parse_all):
        if read is not None:
            _other(kind, read, bodies)


def _other(kind, read, bodies):
    for body in bodies:
        try:
            read((body,), source(kind), NOON) if read is FORMATS[kind].parse_all else read(body, source(kind))
        except ParseError:
            continue


def _json(raw):
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
