"""The world of a soak on one port of loopback: five hundred pages, Slack, and what goes wrong with them, from a seed."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import IO, Any

import aiohttp
from aiohttp import web

from bot import settings
from tests.bench.soak.slack import FAULTS as SLACK_FAULTS
from tests.bench.soak.slack import FakeSlackServer
from tests.bench.soak.tapes import Player, Polls, Recording, Years
from tests.bench.tls_hosts import page_url, serving_tls
from tests.faults.fake_services import HTML
from tests.support.loopback import abort, never_answer, serving_app

SOURCE_FAULTS = ("500", "429", "hang", "html", "empty", "truncated", "reset")
LLM = ("openai", "anthropic", "characterai")


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a soak runs in real time


@dataclass
class Weather:
    """Stretches of faults, drawn in advance: about one in ``every_s`` seconds, each of up to ``most_s`` seconds."""

    starts: list[float] = field(default_factory=list)
    ends: list[tuple[float, str]] = field(default_factory=list)

    @classmethod
    def drawn(cls, draw: Random, faults: Sequence[str], span_s: float, every_s: float, most_s: float) -> Weather:
        made, at = cls(), draw.expovariate(1 / every_s)
        while at < span_s:
            lasts = most_s * draw.random() ** 2
            made.starts.append(at)
            made.ends.append((at + lasts, draw.choice(faults)))
            at += lasts + draw.expovariate(1 / every_s)
        return made

    def at(self, second: float) -> str:
        number = bisect_right(self.starts, second) - 1
        end, fault = self.ends[number] if number >= 0 else (-1.0, "")
        return fault if second < end else ""


def tapes(shared: Path) -> dict[str, Recording]:
    """Every recording there is, by the provider file that reads it."""
    found: dict[str, Recording] = {"github": Polls(shared / "github" / "polls-2020-11_2024-12.ndjson.xz")}
    found["claude"] = Years(shared / "claude" / "2026-03-02.json")
    files = {"openai": "openai", "anthropic": "claude", "characterai": "characterai"}
    return found | {f"{files[n]}/{n}": Years(shared / "llm-2021-2023" / f"{n}.json") for n in LLM}


def cast(found: dict[str, Recording], count: int, draw: Random) -> list[tuple[str, str]]:
    """Which recording each source plays: (its name, the tape). GitHub's real polls are most of them."""
    names = list(found)
    weights = [12 if n == "github" else 1 if n == "claude" else 3 for n in names]
    drawn = draw.choices(names, weights, k=count)
    return [(f"{tape.partition('/')[0]}-{number:03}", tape) for number, tape in enumerate(drawn)]


@dataclass(frozen=True)
class Storms:
    """Every so often one page in ``share`` shows an incident of its own at once, for ``lasts_s``; none where ``every_s`` is 0.

    ``components`` of the page are as its summary lists them; the first has an outage meanwhile.
    """

    every_s: float
    lasts_s: float = 180.0
    share: int = 10

    def current(self, second: float, page: int) -> int | None:
        """The number of the storm that this page is in; None where it is in none."""
        if not self.every_s or page % self.share:
            return None
        number, since = divmod(second, self.every_s)
        return int(number) if number and since < self.lasts_s else None

    @staticmethod
    def incident(identity: str, component: dict[str, Any], at: datetime, *, is_over: bool = False) -> dict[str, Any]:
        """The incident as the page, or where ``is_over`` its own page, shows it."""
        told = [
            ("investigating", "Nothing answers at all."),
            *((("resolved", "All is well again."),) if is_over else ()),
        ]
        updates = [
            {"id": f"{identity}-{stage}", "status": stage, "body": body, "display_at": at.isoformat(),
             "created_at": at.isoformat()}
            for stage, body in reversed(told)
        ]  # fmt: skip
        return {
            "id": identity,
            "name": "Outage of everything",
            "status": told[-1][0],
            "impact": "critical",
            "created_at": at.isoformat(),
            "incident_updates": updates,
            "components": [component] if component else [],
        }


class World:
    """Serves everything; ``quiet`` ends the faults and stops the tapes."""

    def __init__(
        self,
        shared: Path,
        out: Path,
        *,
        count: int,
        minutes: float,
        speed: float,
        seed: int,
        tls: bool = False,
        storms: Storms = Storms(0),
    ) -> None:
        self.tls, self.storms, self.trusted = tls, storms, None
        self._stack = AsyncExitStack()
        self.draw = Random(seed)  # noqa: S311  (faults, not keys)
        self.span_s = minutes * 60
        self.began = now()
        self._seen: IO[str] = (out / "seen.ndjson").open("a", encoding="utf-8")
        self._taken: IO[str] = (out / "taken.ndjson").open("a", encoding="utf-8")
        self.is_quiet = False
        self.answers: Counter[str] = Counter()
        found = tapes(shared)
        self.cast = cast(found, count, self.draw)
        self.players = {name: self._player(name, found[tape], speed) for name, tape in self.cast}
        self._bad = {n: Weather.drawn(self.draw, SOURCE_FAULTS, self.span_s, 900, 90) for n in self.players}
        self._slack_bad = Weather.drawn(self.draw, SLACK_FAULTS, self.span_s, 150, 40)
        self.slack = FakeSlackServer(lambda told: self._write(self._taken, told), self._slack_fault)
        self._server = serving_app(
            *self.slack.routes(),
            web.get("/{source}/api/v2/{page:.+}.json", self._page),
            max_body=2**24,
            backlog=512,
            handler_cancellation=True,
        )
        self.url = self.pages_url = ""
        self._numbers = {name: number for number, (name, _) in enumerate(self.cast)}
        self._stormed: dict[str, tuple[dict[str, Any], datetime]] = {}  # the incidents of storms, by id

    def _player(self, name: str, tape: Recording, speed: float) -> Player:
        fast = speed * self.draw.uniform(0.5, 1.5)
        first, last = tape.times[0], tape.times[-1] + timedelta(hours=6)
        span = last - first
        fast = min(fast, span / timedelta(seconds=self.span_s))
        room = span - timedelta(seconds=self.span_s) * fast
        return Player(
            name, tape, first + room * self.draw.random(), fast, self.began, lambda t: self._write(self._seen, t)
        )

    @staticmethod
    def _write(file: IO[str], told: dict[str, Any]) -> None:
        file.write(json.dumps(told) + "\n")
        file.flush()

    async def start(self) -> None:
        self.url = self.slack.url = self.pages_url = await self._stack.enter_async_context(self._server)
        if self.tls:
            serving = serving_tls(self._page_by_path, len(self.cast))
            self.pages_url, self.trusted = await self._stack.enter_async_context(serving)

    async def stop(self) -> None:
        for player in self.players.values():
            player.flush()
        await self._stack.aclose()

    def source_url(self, name: str) -> str:
        """Where a source's page is."""
        return f"{page_url(self.pages_url, self._numbers[name])}/{name}"

    def quiet(self) -> None:
        self.is_quiet = True
        for player in self.players.values():
            player.stopped_at = now()

    def _second(self) -> float:
        return (now() - self.began).total_seconds()

    def _slack_fault(self) -> str:
        if self.is_quiet:
            return ""
        if self.draw.random() < 0.01:
            return self.draw.choice(SLACK_FAULTS)
        return self._slack_bad.at(self._second())

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, request.match_info["source"], request.match_info["page"])

    async def _page_by_path(self, request: web.BaseRequest) -> web.StreamResponse:
        source, _, path = request.path.removeprefix("/").partition("/api/v2/")
        return await self._answer(request, source, path.removesuffix(".json"))

    def _with_storm(self, name: str, path: str, made: tuple[str, bytes] | None) -> tuple[str, bytes] | None:
        """The answer, with the incident of a storm that the page is in now; of one that is over, its own page."""
        identity = path.removeprefix("incidents/")
        if identity in self._stormed:
            component, at = self._stormed[identity]
            shown = self.storms.incident(identity, component, at, is_over=True)
            return identity, json.dumps({"page": {"id": name}, "incident": shown}).encode()
        number = None if self.is_quiet else self.storms.current(self._second(), self._numbers[name])
        if path != "summary" or made is None or not made[0] or number is None:  # without a tag it is HTML
            return made
        body = json.loads(made[1])
        listed = body.get("components") or []
        component = next((c for c in listed if not c.get("group")), {})
        component |= {"status": "major_outage"} if component else {}
        identity = f"storm{number}-{name}"
        _, at = self._stormed.setdefault(identity, (component, now()))
        body["incidents"] = [*(body.get("incidents") or []), self.storms.incident(identity, component, at)]
        return f'{made[0].rstrip(chr(34))}-{number}"', json.dumps(body).encode()

    async def _answer(self, request: web.BaseRequest, name: str, path: str) -> web.StreamResponse:
        player = self.players.get(name)
        made = self._with_storm(name, path, player.answer(path, now())) if player else None
        fault = "" if self.is_quiet or not player else self._bad[player.name].at(self._second())
        self.answers[fault or "well"] += 1
        if fault:
            return await self._badly(request, fault, made[1] if made else b"{}")
        if made is None or player is None:
            raise web.HTTPNotFound(text="There is no such page.")
        tag, body = made
        if not tag:
            return web.Response(body=body, content_type="text/html")
        if path == "summary":
            player.looked(request.headers.get("if-none-match", ""))
        headers = {"etag": tag, "cache-control": "max-age=0, private, must-revalidate"}
        if request.headers.get("if-none-match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)

    async def _badly(self, request: web.BaseRequest, fault: str, body: bytes) -> web.StreamResponse:
        match fault:
            case "500" | "429":
                return web.Response(status=int(fault), headers={"retry-after": str(self.draw.randint(1, 9))})
            case "html":
                return web.Response(body=HTML, content_type="text/html")
            case "empty":
                return web.Response(body=b"", content_type="application/json")
            case "truncated":
                headers = {"content-length": str(len(body)), "content-type": "application/json"}
                half = web.StreamResponse(headers=headers)
                await half.prepare(request)
                await half.write(body[: len(body) // 2])
        return await never_answer() if fault == "hang" else await abort(request)


def config(folder: Path, world: World, port: int, poll: tuple[float, float]) -> Path:
    """A config folder with a provider file for each source."""
    shipped = settings.config_dir()
    (folder / "providers").mkdir(parents=True, exist_ok=True)
    for name, tape in world.cast:
        text = (shipped / "providers" / f"{tape.partition('/')[0]}.toml").read_text(encoding="utf-8")
        (folder / "providers" / f"{name}.toml").write_text(
            _renamed(text, name, world.source_url(name)), encoding="utf-8"
        )
    often, busy = poll
    (folder / "brownout.toml").write_text(
        f"[poll]\ninterval_s = {often:g}\nincident_interval_s = {busy:g}\ntimeout_s = 3\n"
        f'[web]\nenabled = true\nhost = "127.0.0.1"\nport = {port}\n'
    )
    (folder / "verdict.toml").write_text((shipped / "verdict.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def _renamed(text: str, name: str, url: str) -> str:
    end = name[-4:]
    text = re.sub(r"^(aliases|fallback|home|needs|instead|page_ids|path|enabled) = .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r'^id = "(.*)"', rf'id = "\g<1>{end}"', text, flags=re.MULTILINE)
    text = re.sub(r'^name = "(.*)"', rf'name = "\g<1> {end[1:]}"', text, flags=re.MULTILINE)
    text = re.sub(r'^kind = ".*"', 'kind = "statuspage"', text, flags=re.MULTILINE)
    return re.sub(r'^url = ".*"', f'url = "{url}"', text, flags=re.MULTILINE)


async def ask(url: str, patience_s: float = 10) -> int:
    """The status of a GET on the bot's own web server; 0 where nobody answered."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(patience_s)) as client, client.get(url) as got:
            await got.read()
            return got.status
    except (aiohttp.ClientError, OSError):
        return 0
