"""Acme: a provider of our own for tests, its file, its page at any moment, a clock set by hand, fakes of web and chat."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.core import stroke as strokes
from bot.edge.replica import tool
from bot.errors import SourceError, StoreError
from bot.model import Look, Provider, Source, Surface, VerdictRules, World
from bot.sources import statuspage

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ACME = Provider(
    id="acme",
    name="Acme",
    surfaces=(
        Surface(id="acme-api", provider="acme", name="Acme API", components=("c-api",), words=("API",)),
        Surface(id="acme-web", provider="acme", name="acme.example", components=("c-web",), words=("website",)),
    ),
    source=Source(id="acme", provider="acme", kind="statuspage", url="https://status.acme.example"),
)


FILE = """\
id = "acme"
name = "Acme"
[source]
url = "https://status.acme.example"
[[surface]]
id = "acme-api"
name = "Acme API"
components = ["c-api"]
words = ["API"]
[[surface]]
id = "acme-web"
name = "acme.example"
components = ["c-web"]
words = ["website"]
"""


def catalogue(folder, url=ACME.source.url):
    """The folder, as a config folder whose only provider is Acme, with its page at this address."""
    (folder / "providers").mkdir(parents=True)
    (folder / "providers" / "acme.toml").write_text(FILE.replace(ACME.source.url, url))
    return folder


class Clock:
    """Stands still until it is moved."""

    def __init__(self, at=NOON):
        self.at = at

    def __call__(self):
        return self.at

    def move(self, **span):
        self.at += timedelta(**span)


def iso(at):
    return at.isoformat().replace("+00:00", "Z")


def update(number=1, status="investigating", body="We are looking into it.", at=NOON, api=None):
    moved = [{"code": "c-api", "name": "API", "old_status": "operational", "new_status": api}] if api else None
    return {
        "id": f"u{number}",
        "status": status,
        "body": body,
        "display_at": iso(at),
        "created_at": iso(at),
        "affected_components": moved,
    }


def incident(*updates, number=1, name="Errors on the API", impact="major"):
    told = updates or (update(api="major_outage"),)
    return {
        "id": f"inc{number}",
        "name": name,
        "status": told[-1]["status"],
        "impact": impact,
        "created_at": told[0]["display_at"],
        "incident_updates": list(reversed(told)),
        "components": [],
    }


def page(*incidents, api="operational", web="operational"):
    """The page's body, as Statuspage's summary.json has it."""
    components = [
        {"id": "c-api", "name": "API", "status": api, "group": False},
        {"id": "c-web", "name": "Website", "status": web, "group": False},
    ]
    told = {"components": components, "incidents": list(incidents), "scheduled_maintenances": []}
    return json.dumps({"page": {"id": "acmepage", "name": "Acme"}, **told}).encode()


DOWN = page(incident(), api="major_outage")


def look(world, body, at, **endings):
    """The stroke of a look at this page; None is a page that can't be read."""
    saw = statuspage.parse(body) if isinstance(body, bytes) else body
    rules = strokes.Rules(ACME, VerdictRules(), {})
    return strokes.look(world or World("acme"), Look(at, saw, endings, "status.acme.example"), rules)


def has_litestream():
    """Whether the tests of the replica can run."""
    try:
        return bool(tool())
    except StoreError:
        return False


SUMMARY = "/api/v2/summary.json"


@dataclass
class Answer:
    body: bytes = b""
    url: str = "https://status.acme.example/api/v2/summary.json"
    etag: str | None = None
    not_modified: bool = False
    took_s: float = 0.1
    fallback_because: str | None = None


class Web:
    """Gives what it was told for a path, again and again, and keeps what it was asked."""

    def __init__(self, **paths):
        self.paths = {SUMMARY: page(), **paths}
        self.asked = []

    def show(self, body, path=SUMMARY):
        self.paths[path] = body

    async def get(self, source_url, path, *, fallback, etag, accept):  # noqa: ARG002
        self.asked.append((path, etag))
        found = self.paths.get(path) or SourceError(f"{path}: HTTP 404", code="http_404")
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, Answer) else Answer(found)


class Chat:
    """Takes everything, but first raises what it was told to. With ``looks`` it finds what is in ``there``, by key."""

    def __init__(self, *failures, burst=9, looks=False):
        self.failures = list(failures)
        self.burst = burst
        self.said, self.texts = [], []
        self.looks = looks
        self.there = {}
        self.looked_from = None

    def _try(self, what):
        failure = self.failures.pop(0) if self.failures else None
        self.said.append(what if failure is None else (*what, failure.code))
        if failure is not None:
            raise failure
        return f"ts{len(self.said)}"

    async def post(self, channel, message, *, thread_ts, broadcast):  # noqa: ARG002
        self.texts.append(message.text)
        return self._try(("post", channel, thread_ts))

    async def edit(self, channel, ts, message):  # noqa: ARG002
        self._try(("edit", channel, ts))

    def link(self, channel, ts):
        return f"https://chat.example/{channel}/{ts}"

    async def find(self, channel, key, since, *, thread_ts):  # noqa: ARG002
        self.looked_from = since
        self._try(("find", channel, key))
        return self.there.get(key)
