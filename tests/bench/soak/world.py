"""The world of a soak on one port of loopback: five hundred pages, Slack, and what goes wrong with them, from a seed."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
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


class World:
    """Serves everything; ``quiet`` ends the faults and stops the tapes."""

    def __init__(self, shared: Path, out: Path, *, count: int, minutes: float, speed: float, seed: int) -> None:
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
        self.url = ""

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
        self.url = self.slack.url = await self._server.__aenter__()

    async def stop(self) -> None:
        for player in self.players.values():
            player.flush()
        await self._server.__aexit__(None, None, None)

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
        player = self.players.get(request.match_info["source"])
        path = request.match_info["page"]
        made = player.answer(path, now()) if player else None
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

    async def _badly(self, request: web.Request, fault: str, body: bytes) -> web.StreamResponse:
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
            _renamed(text, name, f"{world.url}/{name}"), encoding="utf-8"
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
    """The status of a GET on the bot's own web door; 0 where nobody answered."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(patience_s)) as client, client.get(url) as got:
            await got.read()
            return got.status
    except (aiohttp.ClientError, OSError):
        return 0
