"""One small story in every format: all is well, an incident is opened, posted on, and ended.

The story is the same everywhere: at ``opened`` calls of the API fail (“We are looking.”), at ``posted`` there is one
more post (“The cause is known.”), at ``ended`` the last one (“All calls work.”). Each function below is the vendor: the
pages that its server has at one step, by path, in the layout of its format. ``EXPECTED`` is what a reader of the page
would write down; what a format cannot say is missing there, and the note says why.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime

from bot.formats import FORMATS
from tests.formats.pages import source

CLEAR, OPEN, POSTED, ENDED = range(4)
STEPS = (CLEAR, OPEN, POSTED, ENDED)
TITLE = "Calls fail"
TEXTS = ("We are looking.", "The cause is known.", "All calls work.")
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FA"


@dataclass(frozen=True)
class Times:
    """When the vendor opened, posted and ended the incident; whole seconds, in UTC."""

    opened: datetime
    posted: datetime
    ended: datetime

    @property
    def all(self):
        return (self.opened, self.posted, self.ended)

    def __getitem__(self, number):
        return self.all[number]


@dataclass(frozen=True)
class Expected:
    """What a reader of the page knows at the end.

    ``stages`` are those of the posts; the last one is at ``ended`` where it is an end. ``condition`` is that of the
    surface while it was open.
    """

    stages: tuple[str, ...] = ("investigating", "identified", "resolved")
    condition: str = "major_outage"
    title: str = TITLE
    impact: str = "critical"


_LEAVES = ("investigating", "identified")  # the page lists what is open, so that the last post is never seen
_NO_STEPS = ("investigating", "investigating", "resolved")  # no stage between open and over
EXPECTED = {
    "statuspage": Expected(),
    "incidentio": Expected(),
    "incidentio-proxy": Expected(_LEAVES),
    "incidentio-widget": Expected(_LEAVES),
    "google": Expected(_NO_STEPS),
    "aws": Expected(_NO_STEPS, title=f"{TITLE} (us-east-1)"),
    "slack": Expected(_NO_STEPS),
    "instatus": Expected(_LEAVES),
    "betterstack": Expected(_NO_STEPS),
    "statusio": Expected(_LEAVES),
    "cachet-v1": Expected(),
    "cachet-v3": Expected(),
    "heroku": Expected(),
    "salesforce": Expected(title="Service disruption: API", impact="major"),
    "cloudflare": Expected(),
    "statuspal": Expected(),
    "rootly": Expected(),
    "openstatus": Expected(impact="unknown"),
    "uptimekuma": Expected(("investigating", "investigating")),
    "uptimerobot": Expected(("investigating", "resolved"), impact="unknown"),  # one text, and a time of the end
    "apple": Expected(("investigating", "resolved"), title="API: Outage"),  # likewise
    "microsoft": Expected(_NO_STEPS, condition="degraded", title="API: trouble", impact="minor"),
    "zendesk": Expected(_LEAVES),
    "feed": Expected(condition="degraded", impact="unknown"),  # from text alone: no component is stated
}


def pages(kind, step, times, host="status.example.com"):
    """The bodies of the vendor's server at this step, by path."""
    made = globals()["_" + kind.replace("-", "_")](step, times)
    shown = made if isinstance(made, dict) and all(key.startswith("/") for key in made) else {}
    if not shown:
        bodies = made if isinstance(made, tuple) else (made,)
        shown = dict(zip(FORMATS[kind].paths_of(replace(source(kind), url=f"https://{host}")), bodies, strict=True))
    return {path: _encoded(kind, body) for path, body in shown.items()}


def bodies(kind, step, times):
    """The bodies that one poll reads at this step."""
    shown = pages(kind, step, times)
    return tuple(shown[path] for path in FORMATS[kind].paths_of(source(kind)))


def _encoded(kind, body):
    text = body if isinstance(body, str) else json.dumps(body)
    return text.encode("utf-16") if kind == "aws" else text.encode()


def _iso(at):
    return at.isoformat().replace("+00:00", "Z")


def _plain(at):
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _posts(step, times):
    """The posts so far, oldest first: number, text, time."""
    return [(n, TEXTS[n], times[n]) for n in range(step)]


def _is_open(step):
    return step in (OPEN, POSTED)


def _state(step, bad, good):
    return bad if _is_open(step) else good


# --- Statuspage and what resembles it ---------------------------------------------------------------------------------

STAGES = ("investigating", "identified", "resolved")


def _updates(step, times, *, components=False):
    moves = [("operational", "major_outage"), ("major_outage", "major_outage"), ("major_outage", "operational")]
    for n, text, at in reversed(_posts(step, times)):
        update = {"id": f"u{n}", "status": STAGES[n], "body": text, "created_at": _iso(at), "display_at": _iso(at)}
        old, new = moves[n]
        affected = [{"code": "c1", "name": "API", "old_status": old, "new_status": new}]
        yield update | ({"affected_components": affected} if components else {})


def _statuspage(step, times):
    page = {"id": "storypage001", "name": "Story", "updated_at": _iso(times[max(step - 1, 0)])}
    incident = {
        "id": "i1",
        "name": TITLE,
        "status": STAGES[max(step - 1, 0)],
        "impact": "critical",
        "created_at": _iso(times.opened),
        "incident_updates": list(_updates(step, times, components=True)),
        "components": [],
    }
    listed = [incident] if _is_open(step) else []
    summary = {
        "page": page,
        "components": [{"id": "c1", "name": "API", "status": _state(step, "major_outage", "operational")}],
        "incidents": listed,
        "scheduled_maintenances": [],
        "status": {"indicator": _state(step, "critical", "none")},
    }
    found = {"/api/v2/summary.json": summary, "/api/v2/incidents.json": {"page": page, "incidents": listed}}
    return found if step == CLEAR else found | {"/api/v2/incidents/i1.json": {"page": page, "incident": incident}}


def _incidentio(step, times):
    page = {"id": ULID + "1", "name": "Story", "updated_at": _iso(times[max(step - 1, 0)])}
    incident = {
        "id": ULID + "2",
        "name": TITLE,
        "status": STAGES[max(step - 1, 0)],
        "impact": "critical",
        "created_at": _iso(times.opened),
        "incident_updates": list(_updates(step, times)),
    }
    summary = {
        "page": page,
        "components": [{"id": ULID + "3", "name": "API", "status": _state(step, "full_outage", "operational")}],
        "status": {},
    }
    summary |= {"incidents": [incident]} if _is_open(step) else {}
    everything = {"page": page} | ({"incidents": [incident]} if step else {"incidents": []})
    return {"/api/v2/summary.json": summary, "/api/v2/incidents.json": everything}


def _incidentio_proxy(step, times):
    hit = [{"component_id": ULID + "3", "status": "full_outage"}]
    incident = {
        "id": ULID + "2",
        "name": TITLE,
        "status": STAGES[max(step - 1, 0)],
        "published_at": _iso(times.opened),
        "component_impacts": hit,
        "updates": [
            {"id": f"u{n}", "message_string": text, "published_at": _iso(at), "to_status": STAGES[n]}
            for n, text, at in _posts(step, times)
        ],
    }
    return {
        "summary": {
            "id": ULID + "1",
            "name": "Story",
            "components": [{"id": ULID + "3", "name": "API"}],
            "affected_components": hit if _is_open(step) else [],
            "ongoing_incidents": [incident] if _is_open(step) else [],
            "scheduled_maintenances": [],
        }
    }


def _incidentio_widget(step, times):
    n = max(step - 1, 0)
    incident = {
        "id": ULID + "2",
        "name": TITLE,
        "status": STAGES[n],
        "last_update_at": _iso(times[n]),
        "last_update_message": TEXTS[n],
        "current_worst_impact": "full_outage",
        "affected_components": [{"id": ULID + "3", "name": "API", "current_status": "full_outage"}],
    }
    listed = {"in_progress_maintenances": [], "scheduled_maintenances": []}
    return {"page_title": "Story", "ongoing_incidents": [incident] if _is_open(step) else []} | listed


def _rootly(step, times):
    page = {"id": "r1", "name": "Story"}
    incident = {
        "id": "i1",
        "name": TITLE,
        "status": STAGES[max(step - 1, 0)],
        "impact": "critical",
        "created_at": _iso(times.opened),
        "components": [{"id": "c1", "name": "API", "status": _state(step, "major_outage", "operational")}],
        "incident_updates": list(_updates(step, times)),
    }
    status = {"page": page, "status": {"indicator": _state(step, "critical", "none")}}
    status["components"] = [{"id": "c1", "name": "API", "status": _state(step, "major_outage", "operational")}]
    return status, {"page": page, "incidents": [incident] if step else []}


def _cloudflare(step, times):
    n = max(step - 1, 0)
    incident = {
        "id": "i1",
        "name": TITLE,
        "status": STAGES[n],
        "impact": "critical",
        "created_at": _iso(times.opened),
        "components": [{"id": "c1", "name": "API"}],
        "last_update": {"status": STAGES[n], "message": TEXTS[n], "display_at": _iso(times[n])},
    }
    result = {
        "components": [{"id": "c1", "name": "API", "status": _state(step, "major_outage", "operational")}],
        "active_incidents": [incident] if _is_open(step) else [],
        "active_maintenances": [],
        "recent_incidents": [incident] if step == ENDED else [],
    }
    return {"success": True, "result": result}


# --- the large vendors' own forms -------------------------------------------------------------------------------------


def _google(step, times):
    words = ("SERVICE_OUTAGE", "SERVICE_OUTAGE", "AVAILABLE")
    posts = [
        {"created": _iso(at), "modified": _iso(at), "when": _iso(at), "text": text, "status": words[n]}
        for n, text, at in reversed(_posts(step, times))
    ]
    incident = {
        "id": "story1",
        "number": "1",
        "begin": _iso(times.opened),
        "created": _iso(times.opened),
        "end": _iso(times.ended) if step == ENDED else None,
        "external_desc": TITLE,
        "updates": posts,
        "status_impact": "SERVICE_OUTAGE",
        "affected_products": [{"title": "API", "id": "p1"}],
        "uri": "incidents/story1",
    }
    return [incident] if step else []


def _aws(step, times):
    codes = (3, 3, 0)
    event = {
        "date": str(int(times.opened.timestamp())),
        "arn": "arn:aws:health:us-east-1::event/API/AWS_API_STORY/AWS_API_STORY_1",
        "status": "3",
        "service": "api-us-east-1",
        "service_name": "API",
        "summary": TITLE,
        "event_log": [
            {"summary": "", "message": text, "status": codes[n], "timestamp": int(at.timestamp())}
            for n, text, at in _posts(step, times)
        ],
        "impacted_services": {"api-us-east-1": {"service_name": "API", "current": _state(step, "3", "0"), "max": "3"}},
    }
    return [event] if step else []


def _slack(step, times):
    incident = {
        "id": 7,
        "date_created": _iso(times.opened),
        "date_updated": _iso(times[max(step - 1, 0)]),
        "title": TITLE,
        "type": "outage",
        "status": _state(step, "active", "resolved"),
        "services": ["API"],
        "notes": [{"date_created": _iso(at), "body": text} for _, text, at in reversed(_posts(step, times))],
    }
    current = {
        "status": _state(step, "active", "ok"),
        "date_updated": _iso(times[max(step - 1, 0)]),
        "active_incidents": [incident] if _is_open(step) else [],
    }
    return {"/api/v2.0.0/current": current, "/api/v2.0.0/history": [incident] if step == ENDED else []}


def _heroku(step, times):
    words = ("issue", "identified", "resolved")
    incident = {
        "id": 41,
        "title": TITLE,
        "state": _state(step, "open", "resolved"),
        "resolved": False,
        "created_at": _iso(times.opened),
        "updates": [
            {
                "id": 400 + n,
                "created_at": _iso(at),
                "contents": text,
                "update_type": words[n],
                "statuses": [{"system": "API", "status": "green" if words[n] == "resolved" else "red"}],
            }
            for n, text, at in reversed(_posts(step, times))
        ],
    }
    current = {
        "status": [{"system": "API", "status": _state(step, "red", "green")}],
        "incidents": [incident] if _is_open(step) else [],
        "scheduled": [],
    }
    return {"/api/v4/current-status": current} | ({"/api/v4/incidents/41": incident} if step else {})


def _salesforce(step, times):
    words = ("investigatingCauseOfIssue", "issueIsolatedDatabaseTier", "resolved")
    incident = {
        "id": 51,
        "type": "Disruption",
        "createdAt": _iso(times.opened),
        "serviceKeys": ["API"],
        "IncidentImpacts": [
            {
                "id": 1,
                "startTime": _iso(times.opened),
                "endTime": _iso(times.ended) if step == ENDED else None,
                "type": "serviceDisruption",
                "severity": "major",
            }
        ],
        "IncidentEvents": [
            {"id": 60 + n, "type": words[n], "message": text, "createdAt": _iso(at)}
            for n, text, at in _posts(step, times)
        ],
    }
    return {
        "key": "API",
        "status": _state(step, "MAJOR_INCIDENT_CORE", "OK"),
        "Incidents": [incident] if step else [],
        "Maintenances": [],
    }


def _apple(step, times):
    event = {
        "messageId": "2000001",
        "epochStartDate": int(times.opened.timestamp()) * 1000,
        "epochEndDate": int(times.ended.timestamp()) * 1000 if step == ENDED else None,
        "statusType": "Outage",
        "eventStatus": _state(step, "ongoing", "resolved"),
        "message": TEXTS[0],
    }
    return {"services": [{"serviceName": "API", "events": [event] if step else []}]}


def _microsoft(step, times):
    n = max(step - 1, 0)
    words = ("ServiceDegradation", "ServiceDegradation", "ServiceRestored")
    return [
        {
            "Id": "972a3801-0000-0000-0000-000000000001" if step else "972a3801-0000-0000-0000-000000000000",
            "ServiceDisplayName": "API",
            "ServiceWorkloadName": "api",
            "AuthoredDateTime": _iso(times[n]),
            "Title": "",
            "Message": f"<div>{TEXTS[n]}</div>" if step else "",
            "Status": words[n] if step else "Available",
        }
    ]


def _zendesk(step, times):
    incident = {
        "id": "247",
        "type": "incident",
        "attributes": {
            "title": TITLE,
            "impact": "critical",
            "status": STAGES[max(step - 1, 0)],
            "started_at": _iso(times.opened),
            "resolved_at": None,
        },
        "relationships": {
            "incident_updates": {"data": [{"id": f"7{n}", "type": "incident_update"} for n in range(step)]},
            "incident_services": {"data": [{"id": "31", "type": "incident_service"}]},
        },
    }
    included = [
        {"id": f"7{n}", "type": "incident_update", "attributes": {"created_at": _iso(at), "description": text}}
        for n, text, at in _posts(step, times)
    ]
    effect = {"service_id": 1, "outage": True, "degradation": False, "resolved_at": None}
    included += [
        {"id": "31", "type": "incident_service", "attributes": effect},
        {"id": "1", "type": "service", "attributes": {"name": "API"}},
    ]
    listed = {"data": [incident], "included": included} if _is_open(step) else {"data": [], "included": []}
    return listed, {"data": [], "included": []}


# --- systems for pages ------------------------------------------------------------------------------------------------


def _instatus(step, times):
    n = max(step - 1, 0)
    incident = {
        "id": "ci1",
        "name": TITLE,
        "started": _iso(times.opened),
        "status": STAGES[n].upper(),
        "impact": "MAJOROUTAGE",
        "updatedAt": _iso(times[n]),
    }
    page = {"name": "Story", "url": "https://status.example.com", "status": _state(step, "HASISSUES", "UP")}
    components = [{"id": "c1", "name": "API", "status": _state(step, "MAJOROUTAGE", "OPERATIONAL")}]
    return {"page": page} | ({"activeIncidents": [incident]} if _is_open(step) else {}), {"components": components}


def _betterstack(step, times):
    states = ("downtime", "downtime", "resolved")
    state = _state(step, "downtime", "operational")
    hit = [{"status_page_resource_id": "1", "status": _state(step, "downtime", "resolved")}]
    report = {
        "id": "20",
        "type": "status_report",
        "attributes": {
            "title": TITLE,
            "report_type": "manual",
            "starts_at": _iso(times.opened),
            "ends_at": _iso(times.ended) if step == ENDED else None,
            "aggregate_state": _state(step, "downtime", "resolved"),
            "affected_resources": hit,
        },
        "relationships": {"status_updates": {"data": [{"id": f"3{n}", "type": "status_update"} for n in range(step)]}},
    }
    updates = [
        {
            "id": f"3{n}",
            "type": "status_update",
            "attributes": {
                "message": f"<p>{text}</p>",
                "published_at": _iso(at),
                "affected_resources": [{"status_page_resource_id": "1", "status": states[n]}],
            },
        }
        for n, text, at in _posts(step, times)
    ]
    resource = {"id": "1", "type": "status_page_resource", "attributes": {"public_name": "API", "status": state}}
    page = {"id": "5", "type": "status_page", "attributes": {"company_name": "Story", "aggregate_state": state}}
    return {"data": page, "included": [resource, *([report, *updates] if step else [])]}


def _statusio(step, times):
    codes, states = (500, 500, 100), (100, 200, 400)
    incident = {
        "_id": "i1",
        "name": TITLE,
        "datetime_open": _iso(times.opened),
        "components_affected": [{"_id": "c1", "name": "API"}],
        "messages": [
            {"_id": f"m{n}", "details": text, "state": states[n], "status": codes[n], "datetime": _iso(at)}
            for n, text, at in _posts(step, times)
        ],
    }
    code = _state(step, 500, 100)
    result = {
        "status_overall": {"status_code": code},
        "status": [{"id": "c1", "name": "API", "status_code": code, "containers": []}],
        "incidents": [incident] if _is_open(step) else [],
        "maintenance": {"active": [], "upcoming": []},
    }
    return {"result": result}


def _cachet_v1(step, times):
    codes = ("1", "2", "4")
    incident = {
        "id": 12,
        "component_id": "1",
        "name": TITLE,
        "status": "1",
        "latest_status": codes[max(step - 1, 0)],
        "message": TEXTS[0],
        "occurred_at": _plain(times.opened),
        "created_at": _plain(times.opened),
        "updates": [
            {"id": 30 + n, "incident_id": 12, "status": codes[n], "message": text, "created_at": _plain(at)}
            for n, text, at in _posts(step, times)[1:]
        ],
    }
    components = [{"id": 1, "name": "API", "status": _state(step, "4", "1")}]
    return {"meta": {}, "data": components}, {"meta": {}, "data": [incident] if step else []}


def _cachet_v3(step, times):
    codes = (1, 2, 4)

    def item(number, kind, **attributes):
        return {"id": str(number), "type": kind, "attributes": {"id": number} | attributes}

    state = _state(step, 4, 1)
    component = item(1, "components", name="API", status={"value": 1}, latest_status={"value": state})
    incident = item(
        7,
        "incidents",
        name=TITLE,
        message=TEXTS[0],
        status={"value": codes[max(step - 1, 0)]},
        occurred={"string": _plain(times.opened)},
    )
    posts = _posts(step, times)[1:]
    incident["relationships"] = {
        "updates": {"data": [{"type": "updates", "id": str(n)} for n, *_ in posts]},
        "components": {"data": [{"type": "components", "id": "1"}]},
    }
    included = [
        item(n, "updates", message=text, status={"value": codes[n]}, created={"string": _plain(at)})
        for n, text, at in posts
    ]
    listed = {"data": [incident] if step else [], "included": included}
    return {"data": [component]}, listed, {"data": []}


def _statuspal(step, times):
    words = ("issue", "identified", "resolved")
    incident = {
        "id": 5501,
        "title": TITLE,
        "type": "major",
        "starts_at": _iso(times.opened)[:-1],
        "ends_at": _iso(times.ended)[:-1] if step == ENDED else None,
        "service_ids": [1],
        "updates": [
            {"id": 8800 + n, "type": words[n], "description": f"<p>{text}</p>", "posted_at": _iso(at)[:-1]}
            for n, text, at in _posts(step, times)
        ],
    }
    return {
        "status_page": {"name": "Story", "subdomain": "demo", "time_zone": "UTC"},
        "services": [{"id": 1, "name": "API", "current_incident_type": _state(step, "major", None), "children": []}],
        "incidents": [incident] if step else [],
        "maintenances": [],
        "upcoming_maintenances": [],
    }


def _openstatus(step, times):
    report = {
        "id": 9,
        "title": TITLE,
        "status": STAGES[max(step - 1, 0)],
        "monitors": [1],
        "statusReportUpdates": [
            {"id": 20 + n, "status": STAGES[n], "message": text, "date": _iso(at)}
            for n, text, at in _posts(step, times)
        ],
    }
    monitors = [{"id": 1, "name": "API", "status": _state(step, "error", "active")}]
    page = {"title": "Story", "status": "operational", "monitors": monitors, "maintenances": []}
    return page | {"statusReports": [report] if step else []}


def _uptimekuma(step, times):
    now = times[max(step - 1, 0)] if step else times.opened - timedelta(minutes=1)
    incident = {
        "id": 3,
        "style": "danger",
        "title": TITLE,
        "content": TEXTS[max(step - 1, 0)],
        "createdDate": _plain(times.opened),
        "lastUpdatedDate": _plain(times.posted) if step == POSTED else None,
    }
    groups = [{"id": 1, "name": "Services", "monitorList": [{"id": 1, "name": "API"}]}]
    page = {
        "config": {"slug": "demo", "title": "Story"},
        "incident": incident if _is_open(step) else None,
        "publicGroupList": groups,
        "maintenanceList": [],
    }
    beats = [{"status": _state(step, 0, 1), "time": _plain(now - timedelta(minutes=m))} for m in (2, 1, 0)]
    return page, {"heartbeatList": {"1": beats}, "uptimeList": {}}


def _uptimerobot(step, times):
    event = {
        "eventType": "ann",
        "icon": "alert-triangle",
        "title": TITLE,
        "content": TEXTS[0],
        "ts": int(times.opened.timestamp()),
        "timeGMT": f"{times.opened:%B %d, %Y, %H:%M}",
        "endDateGMT": _plain(times.ended) if step == ENDED else None,
    }
    monitors = [{"monitorId": 1, "name": "API", "statusClass": _state(step, "danger", "success")}]
    listed = {"psp": {"name": "Story"}, "data": monitors, "statistics": {}}
    return listed, {"results": [event] if step else []}


def _feed(step, times):
    words = ("Investigating", "Identified", "Resolved")
    items = "".join(
        f"<item><title>{TITLE}</title><guid>https://status.example.com/i/1#{n}</guid>"
        f"<link>https://status.example.com/i/1</link><pubDate>{format_datetime(at)}</pubDate>"
        f"<description>Status: {words[n]}&lt;br/&gt;{text}</description></item>"
        for n, text, at in reversed(_posts(step, times))
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Story</title>{items}</channel></rss>'
