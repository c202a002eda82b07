"""Parses Microsoft's public status (``/api/posts/m365Consumer``): one post per service, with its state in one word.

``/api/posts/azure``, ``mac`` and ``ppac`` are single posts of the same form, of Azure and of the admin centers. A post
that says that a service has trouble is an incident, until the post says otherwise
(bot/docs/status-page-formats.md#microsoft). ``LastUpdatedTime`` is that of the request and says nothing.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

from bot.domain import Component, Condition, Impact, Incident, Snapshot, Source, Stage
from bot.formats import builders, json_fields, reading
from bot.formats.base import Bodies, SourceFormat

CONSUMER = "/api/posts/m365Consumer"
SINGLE = {
    "/api/posts/azure": "Azure",
    "/api/posts/mac": "Microsoft 365 admin center",
    "/api/posts/ppac": "Power Platform admin center",
}
CONDITIONS = {
    "available": Condition.OPERATIONAL,
    "operational": Condition.OPERATIONAL,
    "serviceoperational": Condition.OPERATIONAL,
    "servicerestored": Condition.OPERATIONAL,
    "servicedegradation": Condition.DEGRADED,
    "investigating": Condition.DEGRADED,
    "investigation": Condition.DEGRADED,
    "advisory": Condition.DEGRADED,
    "restoringservice": Condition.DEGRADED,
    "extendedrecovery": Condition.DEGRADED,
    "serviceinterruption": Condition.MAJOR_OUTAGE,
}
IMPACTS = {Condition.DEGRADED: Impact.MINOR, Condition.MAJOR_OUTAGE: Impact.CRITICAL}
_RESTORED = "servicerestored"
_BLANKS = re.compile(r"[\s_-]+")


def fits(body: Any) -> bool:
    """True for posts with a status and the time at which they were written."""
    posts = body if isinstance(body, list) and body else [body]
    return all(isinstance(p, dict) and {"Status", "AuthoredDateTime"} <= p.keys() for p in posts)


def parse(bodies: Bodies, source: Source, _at: datetime) -> Snapshot:
    """Parses the posts of all services, or the one post of a surface that has one."""
    document = json_fields.load_json(bodies[0])
    posts = json_fields.read_list(
        document if isinstance(document, list) else [document], dict, "a post", is_listing=True
    )
    if not posts or not any("Status" in post for post in posts):
        json_fields.raise_parse_error("it has no posts with a status")
    components = json_fields.read_each(posts, lambda p: _component(p, source), "a post")
    about_incidents = [p for p in posts if _is_about_incident(p)]
    incidents = json_fields.read_each(about_incidents, lambda p: _incident(p, source), "a post", is_listing=True)
    return Snapshot("", source.provider, builders.unique_by_id(components), builders.unique_by_id(incidents), ())


def _word(post: json_fields.JsonObject) -> str:
    return _BLANKS.sub("", json_fields.to_text(post.get("Status")).casefold())


def _is_about_incident(post: json_fields.JsonObject) -> bool:
    """Whether a post is of an incident, open or over; of a state that no version knows, nothing is known."""
    condition = CONDITIONS.get(_word(post))
    if condition is None:
        reading.note_problem("left out a post whose state is not known", is_partial=True)
    return _word(post) == _RESTORED or (condition is not None and condition.is_bad)


def _name(post: json_fields.JsonObject, source: Source) -> str:
    return json_fields.to_text(post.get("ServiceDisplayName")) or SINGLE.get(source.path, "Microsoft 365")


def _component(post: json_fields.JsonObject, source: Source) -> Component:
    name = _name(post, source)
    condition = builders.map_condition(CONDITIONS, _word(post))
    return builders.build_component(json_fields.to_text(post.get("ServiceWorkloadName")) or name, name, condition)


def _incident(post: json_fields.JsonObject, source: Source) -> Incident:
    component, at = _component(post, source), json_fields.parse_iso_time(post.get("AuthoredDateTime"))
    text = builders.html_to_text(post.get("Message"))
    stage = Stage.RESOLVED if _word(post) == _RESTORED else Stage.INVESTIGATING
    incident_id = builders.incident_id(post.get("Id"), None, component.name, text)
    title = json_fields.to_text(post.get("Title")) or f"{component.name}: trouble"
    transitions = builders.build_transitions([(component.id, component.name, component.condition)])
    return builders.build_incident(
        incident_id,
        title,
        stage,
        IMPACTS.get(component.condition, Impact.UNKNOWN),
        at,
        [builders.build_update(builders.update_id(incident_id, at, text), stage, text, at, transitions)],
        components=(component,),
    )


FORMAT = SourceFormat(
    "Microsoft's public status",
    (CONSUMER,),
    parse,
    fits,
    others=tuple((path,) for path in SINGLE),
    complete_below=math.inf,
    hosts=("status.cloud.microsoft", "status.office.com"),
)
