"""Metadata for Datasette (https://docs.datasette.io/en/stable/metadata.html): what each table and column means.

The descriptions are the comments of the schema, read from the database itself, so that they are those of its version.
"""

from __future__ import annotations

import re
from typing import Any

from bot.storage.connection import Database

_COMMENT = re.compile(r"(?:--\s*|/\*\s*)(.*?)\s*(?:\*/|$)")
_COLUMN = re.compile(r"^\s*\"?(\w+)\"?\s+(?:TEXT|INTEGER|REAL|BLOB)\b")
_ADDED_COLUMN = re.compile(r"[,(]\s*\"?(\w+)\"?\s+(?:TEXT|INTEGER|REAL|BLOB)\b[^,/]*/\*\s*(.*?)\s*\*/")
_DESCRIPTIONS = {  # of tables whose schema has no comment of their own, and of views under a plainer name
    "bodies": "raw pages, as the vendor sent them, each once",
    "conditions": "the status of each service over time, as checked live",
    "incidents": "incidents and maintenances, one row each",
    "observations": "every poll of every page, and which body it got",
    "sources": "the status pages and their last poll",
    "subscriptions": "which channel wants alerts about what",
    "updates": "the vendor's posts, with a row for each version of an edited one",
    "verdicts": "the advice for each service over time",
    "acknowledgements": "the table `acks`",
    "channel_settings": "the table `habits`",
    "direct_message_channels": "the table `rooms`",
    "first_estimates": "the table `estimates`",
    "handled_slack_events": "the table `heard`",
    "home_viewers": "the table `homes`",
    "messages_to_send": "the table `outbox`",
    "polls": "the table `observations`",
    "provider_states": "the table `worlds`",
    "raw_pages": "the table `bodies`",
}
_SECRET_TABLES = ("tokens", "salts")

QUERIES: dict[str, tuple[str, str]] = {
    "open_incidents": (
        "Open incidents, the newest first",
        (
            "SELECT provider, name AS title, stage, posted_at, surfaces FROM incidents WHERE closed_at IS NULL"
            " AND NOT is_maintenance ORDER BY posted_at DESC"
        ),
    ),
    "status_now": (
        "The present status and advice of each service",
        (
            "SELECT c.surface AS service, c.condition AS status, c.since, v.verdict AS advice,"
            " v.reason FROM conditions c"
            " LEFT JOIN verdicts v ON v.surface = c.surface AND v.until IS NULL WHERE c.until IS"
            " NULL ORDER BY c.surface"
        ),
    ),
    "search": (
        "Posts, titles and notes with these words, the newest first",
        (
            "SELECT e.seen_at, e.provider, e.incident, e.kind, e.text FROM events e WHERE e.id IN"
            " (SELECT rowid FROM events_fts WHERE events_fts MATCH escape_fts(:words)) ORDER BY e.id DESC LIMIT 200"
        ),
    ),
    "timeline": (
        "The timeline of an incident",
        (
            "SELECT seen_at, happened_at, kind, surface, condition, verdict, text FROM events WHERE"
            " incident = :incident"
            " ORDER BY id"
        ),
    ),
    "longest_incidents": (
        "The longest incidents that have ended",
        (
            "SELECT provider, title, posted_at, minutes, services FROM incident_durations WHERE closed_at IS NOT NULL"
            " AND NOT is_maintenance ORDER BY minutes DESC LIMIT 100"
        ),
    ),
    "downtime_of_a_service": (
        "Minutes in each bad status of a service, by day",
        "SELECT day, status, minutes FROM downtime_by_day WHERE service = :service ORDER BY day DESC",
    ),
    "downtime_by_service": (
        "Minutes in a bad status in the last 30 days, by service",
        (
            "SELECT service, sum(minutes) AS minutes FROM downtime_by_day WHERE day > date('now', '-30 days')"
            " GROUP BY service ORDER BY minutes DESC"
        ),
    ),
    "incidents_by_month": (
        "Incidents per provider and month",
        (
            "SELECT provider, substr(posted_at, 1, 7) AS month, count(*) AS incidents,"
            " round(avg(minutes)) AS mean_minutes"
            " FROM incident_durations WHERE NOT is_maintenance GROUP BY 1, 2 ORDER BY 2 DESC, 3 DESC"
        ),
    ),
    "advice_of_a_service": (
        "What was advised for a service, the newest first",
        (
            "SELECT since, until, advice, share_of_load, minutes, reason FROM advice_over_time WHERE service = :service"
            " ORDER BY since DESC"
        ),
    ),
    "vendor_lag_by_provider": (
        "How late the vendors' posts were seen, in minutes",
        (
            "SELECT provider, count(*) AS posts, round(avg(minutes), 1) AS mean, max(minutes) AS"
            " longest FROM vendor_lag"
            " GROUP BY provider ORDER BY mean DESC"
        ),
    ),
    "undelivered_messages": (
        "Messages that are not delivered, with the reason",
        (
            "SELECT channel, kind, incident, state, attempts, error FROM messages_to_send"
            " WHERE state IN ('waiting', 'sending', 'parked')"
        ),
    ),
    "edited_posts": (
        "Posts that a vendor edited, each version",
        (
            "SELECT i.provider, i.name AS title, u.id AS post, u.version, u.seen_at, u.body FROM updates u"
            " JOIN incidents i ON i.source = u.source AND i.id = u.incident WHERE (u.source, u.id) IN"
            " (SELECT source, id FROM updates WHERE version > 1) ORDER BY u.seen_at DESC LIMIT 200"
        ),
    ),
}


def metadata(db: Database, name: str) -> dict[str, Any]:
    """The metadata of this database under the name that Datasette gives it: its file's name without the suffix."""
    tables = {
        row["name"]: _table_metadata(row["name"], row["sql"])
        for row in db.rows(
            "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'"
            " AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'events_fts%' ORDER BY name"
        )
    }
    queries = {key: {"title": title, "sql": sql} for key, (title, sql) in QUERIES.items()}
    return {
        "title": "Brownout",
        "description": "Incidents of the services that are watched. Times are UTC. Open the file read-only.",
        "databases": {name: {"tables": tables, "queries": queries}},
    }


def _table_metadata(name: str, sql: str) -> dict[str, Any]:
    description, columns = describe_table(sql)
    description = _DESCRIPTIONS.get(name, description)
    described: dict[str, Any] = {"description": description} if description else {}
    if columns:
        described["columns"] = columns
    if name == "events":
        described |= {"fts_table": "events_fts", "fts_pk": "id", "sort_desc": "id"}
    if name in _SECRET_TABLES:
        described |= {"hidden": True, "allow": False}
    return described


def describe_table(sql: str) -> tuple[str, dict[str, str]]:
    """The comment of a table or a view, and those of its columns, from the statement that made it."""
    first, *lines = sql.splitlines()
    comment = _COMMENT.search(first)
    columns: dict[str, str] = {}
    last = ""
    for line in lines:
        column, text = _COLUMN.match(line), _COMMENT.search(line)
        if column and text and not line.lstrip().startswith("--"):
            last = column[1]
            columns[last] = text[1]
        elif text and last and line.lstrip().startswith("--"):
            columns[last] += f" {text[1]}"
        else:
            last = ""
    columns |= {name: text for name, text in _ADDED_COLUMN.findall(sql) if name not in columns}
    return (comment[1] if comment else ""), columns
