"""The JSON of alerts that programs send: Alertmanager's webhook, and CloudEvents. Unused keys are ignored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.domain import TeamAlert

MAX_ALERTS = 200  # in one request
COUNTS_FOR = timedelta(hours=1)  # after it was sent last: a sender that goes away must not hold anything for ever
CRITICAL = frozenset({"critical", "page", "p1", "emergency"})  # values of the label severity
SURFACE_LABELS = ("surface", "brownout_surface", "service")  # the first one that a label set has names the surface
_ENDED_WORDS = ("resolved", "closed", "ok", "recovered", "inactive")
_MAX_NAME = 100  # characters of an alert's name
_MIN_YEAR = 2000  # an end before that is Alertmanager's way to say that there is none


def _as_text_map(value: object) -> object:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else value


_Labels = Annotated[dict[str, str], BeforeValidator(_as_text_map), Field(max_length=64)]
_Text = Annotated[str, Field(max_length=1000)]


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class AlertmanagerAlert(_Lenient):
    """One alert of Alertmanager's webhook."""

    status: Literal["firing", "resolved"]
    labels: _Labels = {}
    startsAt: datetime | None = None  # noqa: N815  (the sender's name)
    endsAt: datetime | None = None  # noqa: N815  (likewise)
    fingerprint: _Text = ""


class AlertmanagerIn(_Lenient):
    """The body of Alertmanager's webhook, version 4."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "version": "4",
                    "status": "firing",
                    "alerts": [
                        {
                            "status": "firing",
                            "labels": {"alertname": "CheckoutErrors", "surface": "openai-api", "severity": "critical"},
                            "startsAt": "2026-03-02T12:06:00Z",
                        }
                    ],
                }
            ]
        },
    )

    alerts: list[AlertmanagerAlert] = Field(min_length=1, max_length=MAX_ALERTS)


class CloudEventIn(_Lenient):
    """One event of CloudEvents 1.0 in structured mode; ``data`` has the labels, and ``status`` or ``state``."""

    specversion: Annotated[str, Field(pattern=r"^1\.")]
    id: _Text
    source: _Text
    type: _Text
    subject: _Text = ""
    time: datetime | None = None
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SentAlert:
    """An alert as it was sent, in whichever form: its labels, whether it fires, and since when and until when."""

    labels: Mapping[str, str]
    name: str
    ident: str
    is_firing: bool
    since: datetime | None
    until: datetime | None

    def surface(self, default: str) -> str:
        """The surface that its labels name; ``default`` where they name none."""
        return next((self.labels[name] for name in SURFACE_LABELS if self.labels.get(name)), default)

    def to_domain(self, surface: str, now: datetime, writer: str) -> TeamAlert:
        """The alert as a domain value, received at ``now``; times without a zone are taken as UTC."""
        since = min(_aware(self.since, now) or now, now)
        until = _aware(self.until, now)
        ends_at = until if until is not None and until.year >= _MIN_YEAR else now + COUNTS_FOR
        is_firing = self.is_firing and ends_at > now
        return TeamAlert(
            surface,
            self.name,
            now,
            since,
            min(ends_at, now + COUNTS_FOR),
            is_firing,
            self.labels.get("severity", "").lower() in CRITICAL,
            self.ident,
            writer,
        )


def sent_alerts(body: AlertmanagerIn | CloudEventIn | list[CloudEventIn]) -> Iterator[SentAlert]:
    """The alerts of a body."""
    if isinstance(body, AlertmanagerIn):
        yield from map(_from_alertmanager, body.alerts)
    else:
        yield from map(_from_event, body if isinstance(body, list) else [body])


def _from_alertmanager(alert: AlertmanagerAlert) -> SentAlert:
    name = _one_line(alert.labels.get("alertname", "")) or "alert"
    ident = alert.fingerprint or _digest(alert.labels)
    is_firing = alert.status == "firing"
    return SentAlert(alert.labels, name, ident[:64], is_firing, alert.startsAt, alert.endsAt)


def _from_event(event: CloudEventIn) -> SentAlert:
    """An event ends the alert of its source and subject where its state, or the end of its type, says so."""
    data = event.data or {}
    inner = data.get("labels")
    fields = {k: v for k, v in data.items() if isinstance(v, str)}
    labels = {**fields, **({str(k): str(v) for k, v in inner.items()} if isinstance(inner, dict) else {})}
    state = (fields.get("status") or fields.get("state") or event.type.rpartition(".")[2]).lower()
    name = _one_line(labels.get("alertname") or labels.get("name") or event.subject or event.type)
    ident = _digest({"source": event.source, "subject": event.subject, "name": name})
    return SentAlert(labels, name, ident, state not in _ENDED_WORDS, event.time, None)


def _digest(labels: Mapping[str, str]) -> str:
    text = "\x00".join(f"{k}\x01{v}" for k, v in sorted(labels.items()))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _one_line(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:_MAX_NAME]


def _aware(at: datetime | None, now: datetime) -> datetime | None:
    return at.replace(tzinfo=now.tzinfo) if at is not None and at.tzinfo is None else at
