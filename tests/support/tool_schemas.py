"""What each tool accepts, as JSON Schemas transcribed from the fields that its documentation names."""

TEXT = {"type": "string", "minLength": 1}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
URL = {"type": "string", "pattern": "^https?://"}


def text(limit):
    return {"type": "string", "minLength": 1, "maxLength": limit}


def strict(required, **optional):
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


# PagerDuty, Events API v2: what an event has. Acknowledge and resolve need a dedup_key and no payload.
_PAGERDUTY_PAYLOAD = strict(
    {"summary": text(1024), "source": TEXT, "severity": {"enum": ["critical", "error", "warning", "info"]}},
    timestamp=TIME,
    component={"type": ["string", "null"]},
    group=TEXT,
    **{"class": TEXT},
    custom_details={"type": "object"},
)
PAGERDUTY = {
    "oneOf": [
        strict(
            {"routing_key": TEXT, "event_action": {"const": "trigger"}, "payload": _PAGERDUTY_PAYLOAD},
            dedup_key=text(255),
            client=TEXT,
            client_url=URL,
            links={"type": "array", "items": strict({"href": URL, "text": TEXT})},
            images={"type": "array"},
        ),
        strict(
            {"routing_key": TEXT, "event_action": {"enum": ["acknowledge", "resolve"]}, "dedup_key": text(255)},
        ),
    ]
}

# Opsgenie, Alert API v2: create an alert; or add a note, acknowledge, close.
OPSGENIE = strict(
    {"message": text(130)},
    alias=text(512),
    description=text(15_000),
    entity=text(512),
    source=text(100),
    priority={"enum": ["P1", "P2", "P3", "P4", "P5"]},
    tags={"type": "array", "maxItems": 20, "items": text(50)},
    details={"type": "object", "additionalProperties": {"type": "string"}},
    user=text(100),
    note=text(25_000),
)
OPSGENIE_STEP = strict({}, user=text(100), source=text(100), note=text(25_000))

# incident.io, alert events of an HTTP source.
INCIDENT_IO = strict(
    {"title": TEXT, "status": {"enum": ["firing", "resolved"]}},
    deduplication_key=TEXT,
    description=TEXT,
    source_url=URL,
    metadata={"type": "object"},
)

# Rootly, generic webhook source: any JSON; these are the paths that our manual tells people to enter there.
ROOTLY = {
    "type": "object",
    "properties": {
        "title": TEXT,
        "description": TEXT,
        "external_id": TEXT,
        "external_url": {"type": "string"},
        "state": {"enum": ["open", "resolved"]},
    },
    "required": ["title", "description", "external_id", "external_url", "state"],
}

# Alertmanager, API v2: postableAlerts. A label's name is of letters, digits and underscores.
_LABELS = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
    "additionalProperties": {"type": "string"},
}
ALERTMANAGER = {
    "type": "array",
    "minItems": 1,
    "items": strict({"labels": _LABELS}, annotations=_LABELS, startsAt=TIME, endsAt=TIME, generatorURL=URL),
}

# Microsoft Teams, a workflow's webhook: a message with Adaptive Cards. Of the card, the elements that we use.
_TEXT_BLOCK = strict(
    {"type": {"const": "TextBlock"}, "text": TEXT},
    wrap={"type": "boolean"},
    size={"enum": ["Default", "Small", "Medium", "Large", "ExtraLarge"]},
    weight={"enum": ["Default", "Lighter", "Bolder"]},
    color={"enum": ["default", "dark", "light", "accent", "good", "warning", "attention"]},
    isSubtle={"type": "boolean"},
)
_CONTAINER = strict(
    {"type": {"const": "Container"}, "items": {"type": "array", "items": _TEXT_BLOCK, "minItems": 1}},
    style={"enum": ["default", "emphasis", "good", "attention", "warning", "accent"]},
)
_CARD = strict(
    {
        "type": {"const": "AdaptiveCard"},
        "version": {"enum": ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"]},
        "body": {"type": "array", "minItems": 1, "items": {"oneOf": [_TEXT_BLOCK, _CONTAINER]}},
    },
    **{"$schema": URL},
    fallbackText=TEXT,
    msteams={"type": "object"},
    actions={
        "type": "array",
        "items": strict({"type": {"const": "Action.OpenUrl"}, "url": URL}, title=TEXT),
    },
)
TEAMS = strict(
    {
        "type": {"const": "message"},
        "attachments": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": strict(
                {"contentType": {"const": "application/vnd.microsoft.card.adaptive"}, "content": _CARD},
                contentUrl={"type": "null"},
            ),
        },
    }
)

# Discord, execute webhook: content or embeds; an embed's limits.
DISCORD = strict(
    {
        "embeds": {
            "type": "array",
            "minItems": 1,
            "maxItems": 10,
            "items": strict(
                {"title": text(256), "description": text(4096)},
                url=URL,
                color={"type": "integer", "minimum": 0, "maximum": 0xFFFFFF},
                timestamp=TIME,
                footer=strict({"text": text(2048)}),
            ),
        }
    },
    content=text(2000),
    username=text(80),
    allowed_mentions=strict({"parse": {"type": "array", "items": {"enum": ["roles", "users", "everyone"]}}}),
)

# Mattermost, incoming webhook with message attachments.
MATTERMOST = strict(
    {
        "attachments": {
            "type": "array",
            "items": strict(
                {"fallback": TEXT, "text": text(16_383)},
                color={"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"},
                title=TEXT,
                title_link=URL,
                footer={"type": "string"},
            ),
        }
    },
    text=TEXT,
    username=TEXT,
)

# Google Chat, a space's webhook: a message with a card (cardsV2).
GOOGLE_CHAT = strict(
    {
        "cardsV2": {
            "type": "array",
            "items": strict(
                {
                    "cardId": TEXT,
                    "card": strict(
                        {
                            "sections": {
                                "type": "array",
                                "minItems": 1,
                                "items": strict(
                                    {
                                        "widgets": {
                                            "type": "array",
                                            "minItems": 1,
                                            "items": strict({"textParagraph": strict({"text": TEXT})}),
                                        }
                                    }
                                ),
                            }
                        },
                        header=strict({"title": TEXT}, subtitle=TEXT),
                    ),
                }
            ),
        }
    },
    fallbackText=TEXT,
    text=TEXT,
    thread=strict({"threadKey": text(4000)}),
)

# ntfy, publish as JSON.
NTFY = strict(
    {"topic": {"type": "string", "pattern": "^[-_A-Za-z0-9]{1,64}$"}},
    message=text(4096),
    title=TEXT,
    tags={"type": "array", "items": TEXT},
    priority={"type": "integer", "minimum": 1, "maximum": 5},
    click=URL,
)

# Our own, bot/docs/notify.md#the-webhook.
_SERVICE = strict(
    {
        "surface": TEXT,
        "name": TEXT,
        "condition": TEXT,
        "status": TEXT,
        "verdict": {"enum": ["retry_normally", "retry_gently", "hold_off", "fail_over", "unknown"]},
        "exposure": {"type": "number", "minimum": 0, "maximum": 1},
        "reason": {"type": "string"},
    }
)
_MAYBE_TIME = {"oneOf": [TIME, {"type": "null"}]}
_MAYBE_TEXT = {"type": ["string", "null"]}
_PHASES = ["triggered", "updated", "acknowledged", "resolved"]
_DECLARED = strict(
    {
        "number": {"type": "integer"},
        "severity": {"enum": ["sev1", "sev2", "sev3"]},
        "declared_by": {"type": "string"},
        "declared_at": TIME,
        "incidents": {"type": "array", "items": TEXT},
        "safe_since": _MAYBE_TIME,
    }
)
WEBHOOK = strict(
    {
        "type": {"enum": [f"{subject}.{phase}" for subject in ("incident", "declared") for phase in _PHASES]},
        "timestamp": TIME,
        "data": strict(
            {
                "schema": {"const": "notify/1"},
                "dedup_key": TEXT,
                "incident": TEXT,
                "provider": TEXT,
                "provider_name": TEXT,
                "phase": {"enum": _PHASES},
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "headline": TEXT,
                "status": _MAYBE_TEXT,
                "text": {"type": "array", "items": TEXT},
                "details": {"type": "array", "items": TEXT},
                "quote": {"type": "string"},
                "services": {"type": "array", "items": _SERVICE},
                "title": {"type": "string"},
                "url": _MAYBE_TEXT,
                "began_at": TIME,
                "next_update": _MAYBE_TIME,
                "ended_at": _MAYBE_TIME,
                "by": _MAYBE_TEXT,
                "maintenance": {"type": "boolean"},
                "suspected": {"type": "boolean"},
            },
            declared=_DECLARED,
        ),
    }
)

SCHEMAS = {
    "pagerduty": PAGERDUTY,
    "opsgenie": OPSGENIE,
    "jsm": OPSGENIE,
    "incidentio": INCIDENT_IO,
    "rootly": ROOTLY,
    "alertmanager": ALERTMANAGER,
    "teams": TEAMS,
    "discord": DISCORD,
    "mattermost": MATTERMOST,
    "googlechat": GOOGLE_CHAT,
    "ntfy": NTFY,
    "webhook": WEBHOOK,
}
STEPS = {"opsgenie": OPSGENIE_STEP, "jsm": OPSGENIE_STEP}  # of everything but the beginning
