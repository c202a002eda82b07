"""Recordings -> tapes, and a tape -> a Statuspage that plays a slice of it at its own speed, as if it happened now.

Of every slice the ids are made its own and the times are moved, so that five hundred pages can play the same years and
none of them knows another one's incidents.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from bot.formats.reconstruction import History, change_times, incident_at, incidents_at, read_history, summary_at

Body = dict[str, Any]
BROKEN = b"<html><body>Be right back.</body></html>"  # where the recorder got nothing usable
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_LISTS = ("incidents", "scheduled_maintenances")
_WITHDRAWN_IN = 12  # one of so many incidents has no page of its own when it is over


class Recording(Protocol):
    """A page's versions: ``times`` are when it changed. Everything is asked for by the number of changes so far."""

    times: list[datetime]

    def summary(self, number: int) -> Body | None: ...
    def own(self, number: int, incident: str, since: int) -> Body | None: ...
    def all(self, number: int, since: int) -> list[Body]: ...


class Polls:
    """Real polls: what an incident was when it left the page is known, and how it ended is not; so it is resolved."""

    def __init__(self, path: Path) -> None:
        with lzma.open(path, "rb") as lines:
            self._lines = lines.readlines()
        self.times = [datetime.fromisoformat(json.loads(line)["polled_at"]) for line in self._lines]

    def summary(self, number: int) -> Body | None:
        return json.loads(self._lines[max(number - 1, 0)])["body"]

    def all(self, number: int, since: int) -> list[Body]:
        found: dict[str, Body] = {}
        gone: dict[str, datetime] = {}
        for n in range(since, number + 1):
            shown = self.summary(n)
            if shown is not None:
                listed = {i["id"]: i for key in _LISTS for i in shown.get(key) or ()}
                gone |= {i: self.times[max(n - 1, 0)] for i in found if i not in listed and i not in gone}
                gone = {i: at for i, at in gone.items() if i not in listed}
                found |= listed
        return [_resolved(i, gone[i["id"]]) if i["id"] in gone else i for i in found.values()]

    def own(self, number: int, incident: str, since: int) -> Body | None:
        return next((i for i in self.all(number, since) if i["id"] == incident), None)


def _resolved(incident: Body, at: datetime) -> Body:
    if incident["status"] in ("resolved", "postmortem", "completed"):
        return incident
    end = "completed" if incident.get("impact") == "maintenance" else "resolved"
    told = {"id": f"{incident['id']}-end", "status": end, "body": "It is over.", "display_at": at.isoformat()}
    told |= {"created_at": at.isoformat(), "affected_components": None}
    return incident | {"status": end, "incident_updates": [told, *incident["incident_updates"]]}


class Years:
    """A history, as its page must have shown it."""

    def __init__(self, path: Path) -> None:
        self._history: History = read_history(path.read_bytes())
        self.times = list(change_times(self._history))

    def _at(self, number: int) -> datetime:
        return self.times[number - 1] if number else self.times[0] - timedelta(days=1)

    def summary(self, number: int) -> Body | None:
        return summary_at(self._history, self._at(number))

    def all(self, number: int, since: int) -> list[Body]:  # noqa: ARG002
        return [i for i in incidents_at(self._history, self._at(number)) if i["status"]][:50]

    def own(self, number: int, incident: str, since: int) -> Body | None:  # noqa: ARG002
        return incident_at(self._history, incident, self._at(number))


@dataclass
class Player:
    """One page. ``began`` is when it began to play, ``start`` what it played then; ``at`` is asked for the wall clock."""

    name: str
    tape: Recording
    start: datetime
    speed: float
    began: datetime
    log: Callable[[dict[str, Any]], None]
    stopped_at: datetime | None = None
    _made: dict[str, tuple[str, bytes] | None] = field(default_factory=dict)
    _number: int = -1
    _looks: int = 0
    _since: int = 0

    def __post_init__(self) -> None:
        self._since = bisect_right(self.tape.times, self.start)

    def answer(self, path: str, now: datetime) -> tuple[str, bytes] | None:
        """ETag and bytes of a page at this moment; None where there is none. Bytes without a tag are no page."""
        at = min(now, self.stopped_at or now)
        number = bisect_right(self.tape.times, self.start + (at - self.began) * self.speed)
        if number != self._number:
            self.flush()
            self._made, self._number, self._looks = {}, number, 0
        if path not in self._made:
            self._made[path] = self._make(path)
        return self._made[path]

    def looked(self, tag: str) -> None:
        """The summary was asked for by somebody who has this one: so it was read, and kept."""
        self._looks += tag == (self._made.get("summary") or ("", b""))[0] != ""

    def flush(self) -> None:
        """Notes what was shown, and how often it was read."""
        shown = self.tape.summary(self._number) if self._looks else None
        if shown:
            updates = [
                [f"{i['id']}{self._end}", f"{u['id']}{self._end}", u.get("display_at")]
                for i in _each(shown)
                for u in i["incident_updates"]
            ]
            self.log({"source": self.name, "looks": self._looks, "updates": updates})

    @property
    def _end(self) -> str:
        return f"-{self.name}"

    def _make(self, path: str) -> tuple[str, bytes] | None:
        content = self._content(path)
        if content is None:
            return None if path != "summary" else ("", BROKEN)
        body = json.dumps(self._moved(deepcopy(content))).encode()
        return f'W/"{hashlib.sha256(body).hexdigest()[:32]}"', body

    def _content(self, path: str) -> Body | None:
        if path == "summary":
            return self.tape.summary(self._number)
        page = {"id": "p" + self.name[-8:], "name": self.name}
        if path == "incidents":
            listed = [i for i in self.tape.all(self._number, self._since) if not self._is_withdrawn(i)]
            return {"page": page, "incidents": [i for i in listed if i.get("impact") != "maintenance"]}
        kind, _, identity = path.partition("/")
        own = self.tape.own(self._number, identity.removesuffix(self._end), self._since)
        if own is None or self._is_withdrawn(own):
            return None
        key = "scheduled_maintenance" if own.get("impact") == "maintenance" else "incident"
        return {"page": page, key: own} if kind == f"{key}s".replace("_", "-") else None

    def _is_withdrawn(self, incident: Body) -> bool:
        drawn = int(hashlib.sha256(f"{self.name}{incident['id']}".encode()).hexdigest(), 16) % _WITHDRAWN_IN
        return drawn == 0 and incident["status"] in ("resolved", "postmortem")

    def _moved(self, content: Body) -> Body:
        for incident in _each(content):
            incident["id"] += self._end
            for update in incident["incident_updates"]:
                update["id"] += self._end
        return self._shifted(content)

    def _shifted(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: self._shifted(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._shifted(v) for v in value]
        if isinstance(value, str) and _TIME.fullmatch(value):
            then = datetime.fromisoformat(value)
            return (self.began + (then - self.start) / self.speed).astimezone(UTC).isoformat(timespec="milliseconds")
        return value


def _each(content: Body) -> Iterator[Body]:
    for key in _LISTS:
        yield from content.get(key) or ()
    for key in ("incident", "scheduled_maintenance"):
        if content.get(key):
            yield content[key]
