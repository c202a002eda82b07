"""Reliability figures computed from raw records by bot/docs/reliability-figures.md. Imports nothing of ``bot``.

It works minute-free on sorted edges, the slow and plain way: at every edge it asks each rule again. Which services the words
of a post name is not read, so that minutes which rest on these alone are operational here.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from tests.reference import stated

RANK = {"operational": 0, "maintenance": 1, "degraded": 2, "partial_outage": 3, "major_outage": 4}
BAD = ("degraded", "partial_outage", "major_outage")
WORDS = {
    "operational": "operational",
    "under_maintenance": "maintenance",
    "degraded_performance": "degraded",
    "partial_outage": "partial_outage",
    "major_outage": "major_outage",
}
OF_IMPACT = {"minor": "degraded", "major": "partial_outage", "critical": "major_outage"}
CLOSED = ("resolved", "postmortem", "completed")
HELD = timedelta(minutes=15)
LONGEST_HELD = timedelta(days=31)
LONGEST_SPLIT = timedelta(days=1)


@dataclass(frozen=True)
class Service:
    """A service of a provider file: the components that stand for it, and those of single features."""

    id: str
    components: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    since: datetime | None = None


@dataclass
class Record:
    """What one raw record says: statuses of components by time, and the time that it covers."""

    start: datetime
    end: datetime
    unknown: list[tuple[datetime, datetime]] = field(default_factory=list)
    courses: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)  # component id or name
    names: dict[str, str] = field(default_factory=dict)
    incidents: list[dict] = field(default_factory=list)
    moves: dict[tuple[str, str], tuple[datetime, str, str]] = field(default_factory=dict)  # by update
    lists: list[tuple[datetime, frozenset[str]]] = field(default_factory=list)  # ids on the page, where they changed


def moment(text: str) -> datetime:
    """An ISO time as it stands in a record, in milliseconds."""
    at = datetime.fromisoformat(text).astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


# --- a history --------------------------------------------------------------------------------------------------------


def ordered_updates(incident: dict) -> list[tuple[datetime, dict]]:
    pairs = [(moment(u.get("display_at") or u["created_at"]), u) for u in incident["incident_updates"]]
    pairs = [(max([at, *older_posts(u, pairs)]), u) if u["status"] in CLOSED else (at, u) for at, u in pairs]
    if pairs and pairs[0][0] >= pairs[-1][0]:
        pairs.reverse()
    return sorted(pairs, key=lambda pair: pair[0])


def older_posts(update: dict, pairs) -> list[datetime]:
    """When the posts that were written before this one are dated."""
    return [at for at, other in pairs if moment(other["created_at"]) < moment(update["created_at"])]


def read_history(body: dict) -> Record:
    """The record of a history."""
    seen: dict[str, dict] = {}
    for key in ("incidents", "scheduled_maintenances"):
        for incident in body.get(key) or ():
            if incident["incident_updates"]:
                seen.setdefault(incident["id"], incident)
    updates = {i: ordered_updates(incident) for i, incident in seen.items()}
    times = [at for steps in updates.values() for at, _ in steps]
    live = [steps[0][0] for steps in updates.values() if steps[0][1]["status"] not in CLOSED]
    record = Record(min(live), max(times) + timedelta(seconds=1))
    ids = ids_by_name(seen.values())
    settings = defaultdict(list)  # component -> (time, holder, status)
    for i, incident in seen.items():
        for component, name, setting in settings_of(incident, updates[i], ids):
            record.names[component] = name
            settings[component].append(setting)
    for component, at in unsettled(seen, updates, ids):
        settings[component].append((at, "", "unknown"))
    record.courses = {component: worst_course(steps) for component, steps in settings.items()}
    record.moves = {
        (update["id"], identity(c, ids)): (
            at,
            WORDS.get(c["old_status"], "unknown"),
            WORDS.get(c["new_status"], "unknown"),
        )
        for steps in updates.values()
        for at, update in steps
        for c in update.get("affected_components") or ()
    }
    record.incidents = [summary_of(seen[i], steps, seen[i].get("components") or ()) for i, steps in updates.items()]
    return record


def unsettled(seen: dict, updates: dict, ids: dict[str, str]):
    """Components that an incident left bad when it ended, and when: they are unknown from then on."""
    moves = defaultdict(list)
    for i in sorted(seen, key=lambda i: (updates[i][0][0], i)):
        end = summary_of(seen[i], updates[i], ())["end"]
        for at, update in updates[i]:
            for c in update.get("affected_components") or ():
                moves[identity(c, ids)].append((at, WORDS.get(c["old_status"]), WORDS.get(c["new_status"]), end))
    for component, steps in moves.items():
        steps.sort(key=lambda step: step[0])
        for (at, _, status, end), (later, old, *_) in pairwise(
            [*steps, (datetime.max.replace(tzinfo=UTC), None, None, None)]
        ):
            left = status not in (None, "operational") and end is not None and end >= at
            if left and later >= end and old != status:
                yield component, end


def ids_by_name(incidents) -> dict[str, str]:
    linked = (c for i in incidents for c in (*(i.get("components") or ()), *moves_of(i)))
    return {c["name"]: c.get("code") or c.get("id") for c in linked if c.get("code") or c.get("id")}


def settings_of(incident: dict, steps, ids: dict[str, str]):
    """Component, its name, and (time, holder, status), for each status that the incident sets."""
    has_moves = bool(moves_of(incident))
    held = OF_IMPACT.get(incident.get("impact"), "operational")
    for at, update in steps:
        if has_moves:
            for c in update.get("affected_components") or ():
                yield identity(c, ids), c["name"], (at, "", WORDS.get(c["new_status"], "unknown"))
        else:
            status = held if update["status"] in ("investigating", "identified") else "operational"
            for c in incident.get("components") or ():
                yield identity(c, ids), c["name"], (at, incident["id"], status)


def worst_course(settings) -> list[tuple[datetime, str]]:
    """After each setting the worst that any holder sets."""
    holders: dict[str, str] = {}
    course = []
    for at, holder, status in sorted(settings, key=lambda step: step[0]):
        holders[holder] = status
        course.append((at, max(holders.values(), key=lambda s: RANK.get(s, -1))))
    return course


def moves_of(incident: dict) -> list[dict]:
    return [c for u in incident["incident_updates"] for c in u.get("affected_components") or ()]


def identity(component: dict, ids: dict[str, str]) -> str:
    return component.get("code") or component.get("id") or ids.get(component["name"], component["name"])


def summary_of(incident: dict, steps: list[tuple[datetime, dict]], components) -> dict:
    last_open = max((n for n, (_, u) in enumerate(steps) if u["status"] not in CLOSED), default=-1)
    ends = [at for n, (at, u) in enumerate(steps) if n > last_open and u["status"] in CLOSED]
    return {
        "id": incident["id"],
        "name": " ".join(incident["name"].casefold().split()),
        "posted_at": steps[0][0],
        "end": ends[0] if ends else None,
        "late": last_open < 0,
        "maintenance": incident.get("impact") == "maintenance",
        "components": [(c.get("id") or c.get("code"), c["name"]) for c in (*components, *moves_of(incident))],
        "updates": len(steps),
        "impact": incident.get("impact"),
        "windows": stated_windows(incident) if last_open < 0 else [],
    }


def stated_windows(incident: dict) -> list[tuple[datetime, datetime]]:
    """When it was bad by the text of an incident that was posted when it was over."""
    if incident.get("impact") == "maintenance":
        return []
    return stated.windows(posts_of(incident))


def posts_of(incident: dict) -> list[tuple[str, datetime]]:
    """The title and the posts of an incident, oldest first, with their times."""
    steps = ordered_updates(incident)
    return [(incident["name"], steps[0][0]), *((u.get("body") or "", at) for at, u in steps)]


# --- a recording of polls ---------------------------------------------------------------------------------------------


def read_polls(polls) -> Record:
    """The record of a recording of polls: objects with ``polled_at`` and ``body``, None where it could not be read."""
    record, blind, newest = None, None, None
    for poll in polls:
        at, body = moment(poll["polled_at"]), poll["body"]
        if newest is not None and at < newest:
            continue
        newest = at
        if not is_page(body):
            blind = blind or at
            continue
        record = record or Record(at, at)
        if blind is not None and at - blind > HELD:
            record.unknown.append((blind, at))
        blind = None
        add_moves(record, body)
        add_statuses(record, at, body)
    assert record is not None
    assert newest is not None
    record.end = newest + timedelta(seconds=1)
    if blind is not None and record.end - blind > HELD:
        record.unknown.append((blind, record.end))
    return record


def add_moves(record: Record, body: dict) -> None:
    for incident in (*(body.get("incidents") or ()), *(body.get("scheduled_maintenances") or ())):
        for update in incident.get("incident_updates") or ():
            when = moment(update.get("display_at") or update["created_at"])
            for c in update.get("affected_components") or ():
                record.names.setdefault(c["code"], c["name"])
                move = (when, WORDS.get(c["old_status"], "unknown"), WORDS.get(c["new_status"], "unknown"))
                record.moves[update["id"], c["code"]] = move


def add_statuses(record: Record, at: datetime, body: dict) -> None:
    listed = frozenset(c["id"] for c in body["components"] if not c.get("group"))
    if not record.lists or record.lists[-1][1] != listed:
        record.lists.append((at, listed))
    for c in body["components"]:
        if c.get("group"):
            continue
        status = WORDS.get(c["status"], "unknown")
        record.names[c["id"]] = c["name"]
        course = record.courses.setdefault(c["id"], [])
        if not course or course[-1][1] != status:
            course.append((at, status))


def is_page(body) -> bool:
    return isinstance(body, dict) and isinstance(body.get("components"), list)


# --- figures ----------------------------------------------------------------------------------------------------------


def link(service: Service, component: str, name: str) -> str | None:
    """Whether a component stands for the whole service, for a part of it, or for nothing of it."""
    for kind, keys in (("whole", service.components), ("part", service.parts)):
        if component in keys:
            return kind
    for kind, keys in (("whole", service.components), ("part", service.parts)):
        if name.casefold() in {k.casefold() for k in keys}:
            return kind
    return None


def course_of(record: Record, service: Service) -> list[tuple[datetime, datetime, str]]:
    """The service's conditions over the record: the worst of its components at every edge."""
    own = {c: kind for c in record.courses if (kind := link(service, c, record.names.get(c, c)))}
    polled = polled_spans(record, service, own, [])
    posted = posted_spans(record, service, beginnings_of_bad_times(polled))
    told = told_spans(record, service)
    spans = polled_spans(record, service, own, [at for a, b, _ in (*posted, *told) for at in (a, b)])
    ends = green_ends(record, service, posted)
    course = [(a, b, overlaid(posted, ends, spans, a, condition)) for a, b, condition in spans]
    return [(a, b, worsened(told, a, condition)) for a, b, condition in course]


def told_spans(record: Record, service: Service) -> list[tuple[datetime, datetime, str]]:
    """The windows that texts of late posts state, of those that list a component of the service."""
    return [
        (a, b, OF_IMPACT.get(incident["impact"], "degraded"))
        for incident in record.incidents
        if any({c, name} & set(service.components) for c, name in incident["components"])
        for a, b in incident["windows"]
    ]


def worsened(told, at: datetime, condition: str) -> str:
    """What a text states, where nothing else says that it was bad."""
    said = [c for a, b, c in told if a <= at < b]
    return max(said, key=lambda c: RANK[c]) if said and condition in ("operational", "unknown") else condition


def polled_spans(
    record: Record, service: Service, own: dict[str, str], more_edges
) -> list[tuple[datetime, datetime, str]]:
    """The conditions without what transitions say, cut at every edge."""
    edges = {record.start, record.end, *more_edges, *(at for c in own for at, _ in record.courses[c])}
    absent = absences(record, service)
    edges |= {at for pair in (*record.unknown, *absent) for at in pair}
    cuts = sorted(at for at in edges if record.start <= at <= record.end)
    spans = []
    for start, end in pairwise(cuts):
        condition = condition_at(record, own, start)
        is_absent = condition == "operational" and any(a <= start < b for a, b in absent)
        if is_absent or any(a <= start < b for a, b in record.unknown):
            condition = "unknown"
        spans.append((start, end, condition))
    return spans


def absences(record: Record, service: Service) -> list[tuple[datetime, datetime]]:
    """When the page listed none of the service's own components, for longer than 15 minutes."""
    if not service.components:
        return []
    ends = [at for at, _ in record.lists[1:]] + [record.end]
    spans: list[tuple[datetime, datetime]] = []
    for (start, listed), end in zip(record.lists, ends, strict=False):
        if any(link(service, c, record.names.get(c, c)) == "whole" for c in listed):
            continue
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return [(a, b) for a, b in spans if b - a > HELD]


def beginnings_of_bad_times(spans) -> list[datetime]:
    """When a bad time begins after one that was not bad."""
    before = ["operational", *(condition for _, _, condition in spans)]
    return [a for (a, _, c), last in zip(spans, before, strict=False) if c in BAD and last not in BAD]


def posted_spans(record: Record, service: Service, begun: list[datetime]) -> list[tuple[datetime, datetime, str]]:
    """What transitions say: from one to the next of the component that begins with the status it left it in.

    The last one holds until the polls see a bad time, if that begins at most 15 minutes later.
    """
    by_component = defaultdict(list)
    for (_, component), move in sorted(record.moves.items(), key=lambda item: item[1][0]):
        by_component[component].append(move)
    spans = []
    for component, moves in by_component.items():
        kind = link(service, component, record.names.get(component, component))
        for (at, _, status), (until, old, _) in pairwise([*moves, (record.end, "", "")]):
            if status != old or until - at > LONGEST_HELD:
                until = next((b for b in begun if at < b <= at + HELD), at)  # noqa: PLW2901
            if kind and status not in ("operational", "unknown") and at < until:
                spans.append((at, until, "degraded" if kind == "part" and status in BAD else status))
    return spans


def overlaid(posted, green, spans, at: datetime, condition: str) -> str:
    """The condition at an edge, where transitions come first and end what a poll saw a little later."""
    said = [c for a, b, c in posted if a <= at < b]
    if said:
        return max(said, key=lambda c: RANK[c])
    if condition in BAD:
        first, last = next((a, b) for a, b in bad_runs(spans) if a <= at < b)
        ends = [at for at in green if first < at < last]
        if ends and max(ends) <= at and last - max(ends) <= HELD:
            return "operational"
    return condition


def green_ends(record: Record, service: Service, posted) -> set[datetime]:
    """When transitions of the service's components ended a bad time in operational."""
    greens = {
        at
        for (_, component), (at, old, new) in record.moves.items()
        if old in BAD and new == "operational" and link(service, component, record.names.get(component, component))
    }
    return {b for _, b, c in posted if c in BAD} & greens


def bad_runs(spans) -> list[tuple[datetime, datetime]]:
    """The times of one bad condition without a change, as polls saw them."""
    runs: list[tuple[datetime, datetime, str]] = []
    for a, b, condition in spans:
        if condition not in BAD:
            continue
        if runs and runs[-1][1:] == (a, condition):
            runs[-1] = (runs[-1][0], b, condition)
        else:
            runs.append((a, b, condition))
    return [(a, b) for a, b, _ in runs]


def condition_at(record: Record, own: dict[str, str], at: datetime) -> str:
    worst = "operational"
    for component, kind in own.items():
        steps = record.courses[component]
        so_far = bisect.bisect_right([t for t, _ in steps], at)
        status = steps[so_far - 1][1] if so_far else "operational"
        if kind == "part" and status in BAD:
            status = "degraded"
        if status == "unknown" and kind == "whole" and worst == "operational":
            worst = "unknown"
        elif RANK.get(status, 0) > RANK.get(worst, 0):
            worst = status
    return worst


def minutes(spans, start: datetime, end: datetime) -> dict[str, float]:
    """Minutes by condition in a window; what no span covers is unknown."""
    total = dict.fromkeys((*RANK, "unknown"), 0.0)
    covered = timedelta()
    for a, b, condition in spans:
        length = max(min(b, end) - max(a, start), timedelta())
        total[condition] += length / timedelta(minutes=1)
        covered += length
    total["unknown"] += (end - start - covered) / timedelta(minutes=1)
    return total


def outages(spans) -> int:
    """Uninterrupted bad times; unknown time of at most a day between two of them does not split one."""
    count, is_bad, gap = 0, False, timedelta()
    for start, end, condition in spans:
        if condition in BAD:
            if not is_bad:
                count += 1
            is_bad, gap = True, timedelta()
        elif condition == "unknown" and is_bad and gap + (end - start) <= LONGEST_SPLIT:
            gap += end - start
        else:
            is_bad, gap = False, timedelta()
    return count


def counted(incidents: list[dict]) -> list[dict]:
    """Incidents without maintenances; of doubles, the one with the most updates."""
    kept: list[dict] = []
    for incident in sorted((i for i in incidents if not i["maintenance"]), key=lambda i: (i["posted_at"], i["id"])):
        twin = next(
            (
                k
                for k in kept
                if k["name"] == incident["name"] and abs(k["posted_at"] - incident["posted_at"]) <= timedelta(minutes=1)
            ),
            None,
        )
        if twin is None:
            kept.append(incident)
        elif incident["updates"] > twin["updates"]:
            kept[kept.index(twin)] = incident
    return kept


def is_in(incident: dict, record: Record) -> bool:
    """Whether an incident was open at any time that the record covers."""
    begun = min([incident["posted_at"], *(a for a, _ in incident["windows"])])
    if begun >= record.start:
        return begun < record.end
    return incident["end"] is None or incident["end"] > record.start


def hours_to_resolve(incidents: list[dict]) -> list[float]:
    """Time to resolve of each incident that has ended and was not posted late, in hours, ascending."""
    return sorted((i["end"] - i["posted_at"]) / timedelta(hours=1) for i in incidents if i["end"] and not i["late"])
