"""The world of a bench, on one port of loopback: as many status pages as it takes, and a Slack that takes note.

The pages are healthy Statuspages of some 24 KB with an ETag, as real ones are; a page can be told to open an incident, to
hang, and it knows when it was read.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

from aiohttp import web

from tests.bench.soak.slack import FakeSlackServer
from tests.bench.tls_hosts import page_url, serving_tls
from tests.support.loopback import never_answer, serving_app
from tests.support.provider_toml import provider_toml, surface_toml

COMPONENTS = 40
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-bench", "SLACK_APP_TOKEN": "xapp-bench"}


def page_bytes(number: int = 0, *, is_down: bool = False, status: str = "major_outage") -> bytes:
    """A summary.json of about 24 KB; where ``is_down``, component 0 has this status, by an incident of its own."""
    about = (
        "What this part of the service does for the people who use it, in a sentence or two of the vendor's own. " * 4
    )
    shown = [status if is_down and not n else "operational" for n in range(COMPONENTS)]
    listed = [{"id": f"c{n}", "name": f"Part {n}", "status": s, "description": about} for n, s in enumerate(shown)]
    at = datetime.now(UTC).isoformat()  # noqa: TID251  (a vendor has a clock)
    update = {"id": f"u{number}", "status": "investigating", "body": "We look into errors.", "display_at": at}
    incident = {"id": f"i{number}", "name": "Errors", "status": "investigating", "impact": "major", "created_at": at}
    incident |= {"incident_updates": [update], "components": [{"id": "c0", "name": "Part 0"}]}
    page = {"id": "bench", "name": "Bench", "url": "https://status.bench.example"}
    told = {"page": page, "status": {"indicator": "none"}, "components": listed, "scheduled_maintenances": []}
    return json.dumps(told | {"incidents": [incident] if is_down else []}).encode()


def bench_provider(name: str, url: str) -> str:
    """The file of the provider whose page the fake services have under this name."""
    surfaces = [
        surface_toml(f"{name}-api", f"Bench {name} API", "c0", "API"),
        surface_toml(f"{name}-web", f"Bench {name} website", "c1", "website"),
    ]
    return provider_toml(name, f"Bench {name}", f"{url}/{name}", surfaces)


class FakeServices:
    """Serves while it is entered. ``looks`` are the times (monotonic) of each page's requests.

    Attributes:
        pages_url: The URL of the pages, for ``page_url``; with TLS each page has a host of its own.
        trusted: The file of the authority that a client has to trust, with TLS.
    """

    def __init__(self, slack: FakeSlackServer | None = None, *, tls_pages: int = 0) -> None:
        """``slack`` is another Slack than one that takes everything; ``tls_pages`` are the pages that speak TLS."""
        self.closes = False  # the connection, after each answer
        self.keeps_s = 75.0  # connections that wait for a request, as nginx does
        self._tls_pages, self._stack = tls_pages, AsyncExitStack()
        self.trusted: Path | None = None
        self.well = page_bytes()
        self.down: dict[str, bytes] = {}
        self.hanging: set[str] = set()
        self.looks: dict[str, list[float]] = {}
        self.shown: dict[str, float] = {}  # when a page was first read with its incident
        self.posted: dict[str, float] = {}  # by its key, when a message came
        self.slack = slack or FakeSlackServer(self._taken, lambda: "")
        self._server = serving_app(
            *self.slack.routes(),
            web.get("/{page}/{rest:.*}", self._page),
            max_body=2**24,
            backlog=2048,
            handler_cancellation=True,
        )
        self.url = self.pages_url = ""

    async def __aenter__(self) -> Self:
        self.url = self.slack.url = self.pages_url = await self._stack.enter_async_context(self._server)
        if self._tls_pages:
            serving = serving_tls(self._page_by_path, self._tls_pages, keeps_s=self.keeps_s)
            self.pages_url, self.trusted = await self._stack.enter_async_context(serving)
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self._stack.aclose()

    async def _page_by_path(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._answer(request, request.path.split("/")[1])

    def _taken(self, told: dict[str, Any]) -> None:
        self.posted.setdefault(told.get("key", ""), time.monotonic())

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, request.match_info["page"])

    async def _answer(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        now = time.monotonic()
        self.looks.setdefault(name, []).append(now)
        if name in self.hanging:
            return await never_answer()
        body = self.down.get(name, self.well)
        if name in self.down:
            self.shown.setdefault(name, now)
        tag = f'W/"{name}-{hash(body)}"'
        headers = {"etag": tag} | ({"connection": "close"} if self.closes else {})
        if request.headers.get("if-none-match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", headers=headers)


def configure(folder: Path, url: str, count: int, *, interval_s: float, web_port: int | None = None) -> Path:
    """A config folder for so many pages of the stage; ``url`` is as for ``page_url``."""
    (folder / "providers").mkdir(parents=True)
    for number in range(count):
        text = bench_provider(f"p{number}", page_url(url, number))
        (folder / "providers" / f"p{number}.toml").write_text(text, encoding="utf-8")
    web_server = "enabled = false" if web_port is None else f"port = {web_port}"
    often = f"interval_s = {interval_s:g}\nincident_interval_s = {interval_s:g}"
    (folder / "brownout.toml").write_text(f"[poll]\n{often}\n[web]\n{web_server}\n", encoding="utf-8")
    return folder


@asynccontextmanager
async def running(
    config: Path, db: Path | str, stage: FakeServices, log: IO[bytes], *, slack: bool = True, code: Path | None = None
) -> AsyncIterator[Process]:
    """The real bot, as a process of its own, in the stage's Slack or in its log; ``code`` is another checkout of it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "SSL_CERT_"))}
    told = {**kept, **TOKENS, "SLACK_API_URL": f"{stage.url}/api/"} if slack else kept
    told |= {"SSL_CERT_FILE": str(stage.trusted)} if stage.trusted else {}
    command = [sys.executable, "-m", "bot", "run", "--config", str(config), "--db", str(db)]
    bot = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=log, stderr=log, env=told, cwd=code)
    try:
        yield bot
    finally:
        with suppress(ProcessLookupError):
            bot.terminate()
        await bot.wait()


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used so far."""
    times = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


async def until(is_so: Any, patience_s: float, what: str) -> None:
    """Waits for something; TimeoutError that names it."""
    end = time.monotonic() + patience_s
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come in {patience_s:g} s")
        await asyncio.sleep(0.02)
