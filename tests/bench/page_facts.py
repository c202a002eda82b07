"""Reads bodies of status pages a second time, by other code than ``bot``'s: what a person would write down by hand.

Nothing here imports ``bot``. It is as short as it can be and trusts its input, which is a folder of captured pages: one
folder per format, one file per body (``name.0.json`` and ``name.1.json`` where a page has two).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree as ET

GOOD, SLOW, PART, DOWN, WORK, OPEN = (
    "operational",
    "degraded",
    "partial_outage",
    "major_outage",
    "maintenance",
    "unknown",
)


@dataclass
class Facts:
    """What a page says: its components with their states, its incidents with whether they are over, times of posts."""

    components: list[tuple[str, str]] = field(default_factory=list)
    incidents: list[tuple[str, bool]] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    maintenances: list[tuple[str, bool, str, str]] = field(default_factory=list)


def minute(value: Any, zone: timezone = UTC) -> str:
    """A time in any spelling as ``YYYY-mm-ddTHH:MM`` in UTC; empty for none."""
    if value is None or value == "":
        return ""
    if isinstance(value, int) or re.fullmatch(r"\d{9,11}", str(value)):
        at = datetime.fromtimestamp(int(value), UTC)
    elif match := re.match(r"\w{3} (\w{3}) (\d\d) (\d{4}) (\d\d:\d\d:\d\d) GMT([+-]\d{4})", value):
        at = parsedate_to_datetime(f"{match[2]} {match[1]} {match[3]} {match[4]} {match[5]}")
    elif re.match(r"\w{3}, ", value):
        at = parsedate_to_datetime(value)
    else:
        at = datetime.fromisoformat(value.replace(" Z", "Z"))
    return f"{(at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC):%Y-%m-%dT%H:%M}"


def statuspage(bodies: list[Any], _at: datetime) -> Facts:
    """Statuspage."""
    page, found = bodies[0], Facts()
    words = {"degraded_performance": SLOW, "under_maintenance": WORK}
    found.components = [(c["name"], words.get(c["status"], c["status"])) for c in page["components"]]
    for item in page["incidents"]:
        found.incidents.append((item["name"], item["status"] in {"resolved", "postmortem"}))
    for item in page["scheduled_maintenances"]:
        over = item["status"] == "completed"
        found.maintenances.append((item["name"], over, minute(item["scheduled_for"]), minute(item["scheduled_until"])))
    for item in (*page["incidents"], *page["scheduled_maintenances"]):
        found.posts += [minute(u["display_at"]) for u in item["incident_updates"]]
    return found


def google(bodies: list[Any], _at: datetime) -> Facts:
    """Google."""
    items = bodies[0]
    posts = [minute(u.get("when") or u["created"]) for i in items for u in i["updates"]]
    return Facts([], [(i["external_desc"], bool(i.get("end"))) for i in items], posts)


def members(item: dict[str, Any]) -> list[Any]:
    """The components of an item of incident.io's structure, if it is a group."""
    return item["group"]["components"] if "group" in item else []


def proxy(bodies: list[Any], _at: datetime) -> Facts | None:
    """incident.io's own data; None for a parent page, which is to be refused."""
    page, found = bodies[0]["summary"], Facts()
    if page["page_type"] == "parent":
        return None
    words = {"degraded_performance": SLOW, "full_outage": DOWN, "under_maintenance": WORK}
    bad = {a["component_id"]: words.get(a["status"], a["status"]) for a in page["affected_components"]}
    alike = [c["name"] for c in page["components"]]
    grouped = {c["component_id"]: i["group"]["name"] for i in page["structure"]["items"] for c in members(i)}
    for part in page["components"]:
        name, group = part["name"], grouped.get(part["id"])
        label = f"{group}: {name}" if group and alike.count(name) > 1 else name
        found.components.append((label, bad.get(part["id"], GOOD)))
    for item in page["ongoing_incidents"]:
        found.incidents.append((item["name"], item["status"] == "resolved"))
        found.posts += [minute(u["published_at"]) for u in item["updates"]]
    return found


def widget(bodies: list[Any], _at: datetime) -> Facts:
    """The widget of incident.io, and Flashduty's."""
    page, found = bodies[0], Facts()
    for item in page["ongoing_incidents"]:
        found.incidents.append((item.get("name", item.get("title")), False))
        found.posts.append(minute(item.get("last_update_at") or item["last_update"]["at"]))
    for item in (*page["in_progress_maintenances"], *page["scheduled_maintenances"]):
        start, end = item.get("started_at", item.get("starts_at")), item.get("scheduled_end_at", item.get("ends_at"))
        found.maintenances.append((item["name"], False, minute(start), minute(end)))
        found.posts.append(minute(item["last_update_at"]))
    return found


def betterstack(bodies: list[Any], at: datetime) -> Facts:
    """Better Stack."""
    found, items = Facts(), bodies[0]["included"]
    words = {"downtime": DOWN, "not_monitored": OPEN}
    texts = {i["id"]: i["attributes"] for i in items if i["type"] == "status_update"}
    for item in items:
        about = item["attributes"]
        if item["type"] == "status_page_resource":
            found.components.append((about["public_name"], words.get(about["status"], about["status"])))
        if item["type"] != "status_report":
            continue
        posts = [minute(texts[r["id"]]["published_at"]) for r in item["relationships"]["status_updates"]["data"]]
        found.posts += posts or [minute(about["starts_at"])]
        start, end = minute(about["starts_at"]), minute(about["ends_at"])
        if about["report_type"] == "maintenance":
            over = (bool(end) and end <= minute(at.isoformat())) or (not end and about["aggregate_state"] == "resolved")
            found.maintenances.append((about["title"], over, start, end))
        else:
            found.incidents.append((about["title"], about["aggregate_state"] == "resolved"))
    return found


def instatus(bodies: list[Any], _at: datetime) -> Facts:
    """Instatus."""
    page, found = bodies[0], Facts()
    parts = bodies[1]["components"] if isinstance(bodies[1], dict) else bodies[1]
    words = {"DEGRADEDPERFORMANCE": SLOW, "PARTIALOUTAGE": PART, "MAJOROUTAGE": DOWN, "UNDERMAINTENANCE": WORK}
    found.components = [(c["name"], words.get(c["status"], GOOD)) for c in parts]
    for item in page.get("activeIncidents", []):
        found.incidents.append((item["name"], item["status"] == "RESOLVED"))
        found.posts.append(minute(item.get("updatedAt") or item["started"]))
    for item in (*page.get("activeMaintenances", []), *page.get("scheduledMaintenances", [])):
        start = minute(item["start"])
        end = datetime.fromisoformat(start) + timedelta(minutes=int(item["duration"]))
        found.maintenances.append((item["name"], item["status"] == "COMPLETED", start, f"{end:%Y-%m-%dT%H:%M}"))
        found.posts.append(minute(item.get("updatedAt") or item["start"]))
    return found


def statusio(bodies: list[Any], _at: datetime) -> Facts:
    """Status.io."""
    page, found = bodies[0]["result"], Facts()
    words = {100: GOOD, 200: WORK, 300: SLOW, 400: PART, 500: DOWN, 600: DOWN}
    for part in page["status"]:
        code = part.get("status_code") or max(c["status_code"] for c in part["containers"])
        found.components.append((part["name"], words[code]))
    found.incidents = [(i["name"], i["messages"][-1]["state"] == 400) for i in page["incidents"]]
    plans = [*page["maintenance"]["active"], *page["maintenance"]["upcoming"]]
    for item in plans:
        times = minute(item["datetime_planned_start"]), minute(item["datetime_planned_end"])
        found.maintenances.append((item["name"], False, *times))
    found.posts = [minute(m["datetime"]) for i in (*page["incidents"], *plans) for m in i.get("messages", [])]
    return found


def aws(bodies: list[Any], _at: datetime) -> Facts:
    """AWS."""
    found = Facts()
    for event in bodies[0]:
        region = event["arn"].split(":")[3] if "arn" in event else "-".join(event["service"].split("-")[-3:])
        over = "end_time" in event or all(s["current"] == "0" for s in event["impacted_services"].values())
        found.incidents.append((f"{event['summary']} ({region})", over))
        found.posts += [minute(p["timestamp"]) for p in event["event_log"]]
    return found


def heroku(bodies: list[Any], _at: datetime) -> Facts:
    """Heroku."""
    page, found = bodies[0], Facts()
    words = {"green": GOOD, "yellow": SLOW, "red": DOWN, "blue": WORK}
    found.components = [(s["system"], words[s["status"]]) for s in page["status"]]
    found.incidents = [(i["title"], i.get("state") == "resolved") for i in page["incidents"]]
    for item in page["scheduled"]:
        over = "complete" in max(item["updates"], key=lambda u: u["created_at"])["contents"]
        found.maintenances.append((item["title"], over, "", ""))
    both = (*page["incidents"], *page["scheduled"])
    found.posts = [minute(u.get("created_at") or u["updated_at"]) for i in both for u in i["updates"]]
    return found


def salesforce(bodies: list[Any], _at: datetime) -> Facts:
    """Salesforce Trust. Incidents have no titles."""
    found, items = Facts(), bodies[0] if isinstance(bodies[0], list) else bodies
    words = {"OK": GOOD, "MINOR_INCIDENT_NONCORE": SLOW, "MAJOR_INCIDENT_CORE": DOWN}
    for item in items:
        found.components.append((item["key"], words[item["status"]]))
        for incident in item["Incidents"]:
            found.incidents.append(("", all(i["endTime"] for i in incident["IncidentImpacts"])))
            found.posts += [minute(e["createdAt"]) for e in incident["IncidentEvents"]]
        for plan in item["Maintenances"]:
            times = minute(plan["plannedStartTime"]), minute(plan["plannedEndTime"])
            found.maintenances.append((plan["name"], plan["message"]["eventStatus"] == "resolved", *times))
            found.posts += [minute(e["createdAt"]) for e in plan["MaintenanceEvents"]]
    return found


def cloudflare(bodies: list[Any], _at: datetime) -> Facts:
    """Cloudflare's own page."""
    page, found = bodies[0]["result"], Facts()
    found.components = [(c["name"], c["status"]) for c in page["components"]]
    incidents, plans = [*page["active_incidents"], *page["recent_incidents"]], page["active_maintenances"]
    found.incidents = [(i["name"], i["status"] == "resolved") for i in incidents]
    found.maintenances = [(m["name"], False, minute(m["scheduled_for"]), minute(m["scheduled_until"])) for m in plans]
    found.posts = [minute(i["last_update"]["display_at"]) for i in (*incidents, *plans)]
    return found


def rootly(bodies: list[Any], _at: datetime) -> Facts:
    """Rootly."""
    return Facts([], [(i["name"], i["status"] == "resolved") for i in bodies[1]["incidents"]])


def openstatus(bodies: list[Any], _at: datetime) -> Facts:
    """OpenStatus."""
    page, found = bodies[0], Facts()
    words = {"success": GOOD, "error": DOWN, "info": WORK, "degraded": SLOW}
    found.components = [(m["name"], words[m["status"]]) for m in page["monitors"]]
    found.components += [(c["name"], OPEN) for c in page["pageComponents"] if c["monitorId"] is None]
    for report in page["statusReports"]:
        found.incidents.append((report["title"], report["status"] == "resolved"))
        found.posts += [minute(u["date"]) for u in report["statusReportUpdates"]]
    for item in page["maintenances"]:
        found.maintenances.append((item["name"], False, minute(item["from"]), minute(item["to"])))
        found.posts.append(minute(item["from"]))
    return found


def uptimekuma(bodies: list[Any], at: datetime) -> Facts:
    """Uptime Kuma."""
    page, beats, found = bodies[0], bodies[1]["heartbeatList"], Facts()
    words = {0: DOWN, 1: GOOD, 3: WORK}
    for monitor in (m for g in page["publicGroupList"] for m in g["monitorList"]):
        known = [b["status"] for b in beats[str(monitor["id"])] if b["status"] != 2]
        found.components.append((monitor["name"], words[known[-1]]))
    for item in page.get("incidents", []):
        found.incidents.append((item["title"], False))
        found.posts.append(minute(item["lastUpdatedDate"] or item["createdDate"]))
    for item in page["maintenanceList"]:
        zone = datetime.fromisoformat(f"2026-01-01T00:00{item['timezoneOffset']}").tzinfo
        slot = (item["timeslotList"] or [{}])[0]
        start, end = (minute(slot.get(k), zone) for k in ("startDate", "endDate"))  # type: ignore[arg-type]
        found.maintenances.append((item["title"], item["status"] == "ended", start, end))
        found.posts.append(start or minute(at.isoformat()))
    return found


def cachet(bodies: list[Any], _at: datetime) -> Facts:
    """Cachet 3."""
    found, words = Facts(), {1: GOOD, 2: SLOW, 3: PART, 4: DOWN, 5: OPEN, 6: WORK}
    about = [c["attributes"] for c in bodies[0]["data"]]
    found.components = [(a["name"], words[a["latest_status"]["value"]]) for a in about]
    for item in bodies[1]["data"]:
        found.incidents.append((item["attributes"]["name"], item["attributes"]["status"]["value"] == 4))
        found.posts.append(minute(item["attributes"]["occurred"]["string"]))
    found.posts += [minute(u["attributes"]["created"]["string"]) for u in bodies[1].get("included", [])]
    return found


def statuspal(bodies: list[Any], _at: datetime) -> Facts:
    """StatusPal."""
    page, found = bodies[0], Facts()
    words = {None: GOOD, "minor": SLOW, "major": DOWN, "scheduled": WORK}

    def parts(items: Iterable[dict[str, Any]] | None) -> Iterator[tuple[str, str]]:
        for item in items or ():
            yield item["name"], words[item["current_incident_type"]]
            yield from parts(item.get("children"))

    found.components = list(parts(page["services"]))
    found.incidents = [(i["title"], False) for i in page["incidents"]]
    found.maintenances = [(m["title"], False, minute(m["starts_at"]), "") for m in page["maintenances"]]
    return found


def feed(raw: bytes, at: datetime) -> Facts:
    """RSS and Atom in the layouts at hand: a word behind ``Status:`` or at either end of the title is the stage."""
    found = Facts()
    root = ET.fromstring(raw.strip())  # noqa: S314  (files of this machine)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    for item in (*root.iter("item"), *root.iter("entry")):
        title = item.findtext("title") or ""
        text = re.sub(r"<[^>]+>", " ", item.findtext("description") or item.findtext("summary") or "")
        if "#/components/" in (item.findtext("link") or ""):  # StatusIQ: a component and its state
            name, _, state = title.rpartition(" - ")
            found.components.append((name, {"Operational": GOOD}.get(state, OPEN)))
            continue
        posted = minute(item.findtext("pubDate") or item.findtext("updated"))
        stated = re.search(r"status:\s*(\w+)", text, re.IGNORECASE)
        words = {stated[1].lower()} if stated else {w.lower() for w in re.split(r"\s*[-|]\s+|\s+[-|]\s*", title)}
        is_over = bool(words & {"resolved", "operational"})
        age = at - datetime.fromisoformat(f"{posted}+00:00")
        if not is_over and not stated and "investigating" not in words and age > timedelta(days=1):
            continue  # an old entry without a stage says nothing of now
        found.incidents.append((title, is_over))
        inside = re.findall(
            r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} [\d:]+ GMT", text.partition("Updates:")[2]
        )
        found.posts += [minute(t) for t in inside] or [posted]
    return found


READERS: dict[str, Callable[[Any, datetime], Facts | None]] = {
    "statuspage": statuspage,
    "google": google,
    "incidentio-proxy": proxy,
    "incidentio-widget": widget,
    "betterstack": betterstack,
    "instatus": instatus,
    "statusio": statusio,
    "aws": aws,
    "heroku": heroku,
    "salesforce": salesforce,
    "cloudflare": cloudflare,
    "rootly": rootly,
    "openstatus": openstatus,
    "uptimekuma": uptimekuma,
    "cachet-v3": cachet,
    "statuspal": statuspal,
    "feed": feed,
}


def read(kind: str, bodies: tuple[bytes, ...], at: datetime) -> Facts | None:
    """The facts of a page of this format; None where it is no page by itself."""
    return READERS[kind](bodies[0] if kind == "feed" else [json.loads(body) for body in bodies], at)
