"""Steps of Workflow Builder on the real bot, as a process in either mode, which is killed at the moments that matter.

Slack repeats an event that was not acknowledged, and takes the end of an execution once
(tests/support/workflow_slack.py). Lost is an execution that never ends.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from bot.domain import StepKind
from bot.slack.http_mode import JSON_TYPE, PATH
from bot.slack.signature import sign
from tests.bench.fake_services import until
from tests.bench.tls_hosts import free_port
from tests.faults.fake_services import FakeStatusPage
from tests.faults.tables import table
from tests.support.acme import catalogue
from tests.support.loopback import serving_app
from tests.support.workflow_slack import NOT_RUNNING, FakeWorkflows

SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105  (it opens nothing)
PATIENCE_S = 90.0
STATUS, WAIT = str(StepKind.STATUS), str(StepKind.WAIT)
MODES = ("HTTP", "Socket Mode")
HEAD = ("kill -9", "mode", "kills", "executions", "ended", "lost", "sent again")


@dataclass
class StepBot:
    """The bot's process and its Slack."""

    folder: Path
    slack: FakeWorkflows
    slack_url: str
    port: int
    mode: str
    process: asyncio.subprocess.Process | None = None
    events: dict[str, dict[str, Any]] = field(default_factory=dict)  # by execution: not acknowledged yet

    @property
    def database(self) -> Path:
        return self.folder / "b.db"

    async def start(self) -> None:
        """Starts the process, and waits until it answers by HTTP."""
        second = {"SLACK_SIGNING_SECRET": SECRET} if self.mode == "HTTP" else {"SLACK_APP_TOKEN": "xapp-ours"}
        tokens = {"SLACK_BOT_TOKEN": "xoxb-ours"} | second
        with (self.folder / "log.txt").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run", "--config", str(self.folder), "--db", str(self.database)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": "/usr/bin:/bin", "SLACK_API_URL": f"{self.slack_url}/api/"} | tokens,
            )
        end = time.monotonic() + PATIENCE_S
        async with httpx.AsyncClient() as client:
            while time.monotonic() < end:
                try:
                    await client.get(f"http://127.0.0.1:{self.port}/healthz")
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                else:
                    break
        if self.mode != "HTTP":
            await until(lambda: self.slack.connection is not None, PATIENCE_S, "the connection")
        if time.monotonic() < end:
            return
        raise TimeoutError((self.folder / "log.txt").read_text(encoding="utf-8"))

    def kill(self) -> None:
        """Kill -9."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()

    async def deliver(self, kind: str, execution: str, **inputs: Any) -> None:
        """A workflow starts a step, and Slack sends its event once."""
        body = self.slack.start(kind, {"service": "acme-api", **inputs}, execution)
        self.events[execution] = body
        await self._send(execution, body)

    async def restart(self) -> None:
        """Waits until the killed process has ended, starts another, and repeats what was not acknowledged."""
        if self.process is not None:
            await self.process.wait()
        await self.start()
        for execution, body in tuple(self.events.items()):
            await self._send(execution, body)

    async def _send(self, execution: str, body: dict[str, Any]) -> None:
        is_acknowledged = await (self._post(body) if self.mode == "HTTP" else self.slack.deliver(body, timeout_s=3))
        if is_acknowledged:
            del self.events[execution]

    async def _post(self, body: dict[str, Any]) -> bool:
        sent, stamp = json.dumps(body).encode(), str(int(time.time()))
        headers = {"content-type": JSON_TYPE, "x-slack-request-timestamp": stamp}
        headers["x-slack-signature"] = sign(SECRET, stamp, sent)
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient(timeout=10) as client:
                answer = await client.post(f"http://127.0.0.1:{self.port}{PATH}", content=sent, headers=headers)
            return answer.status_code == httpx.codes.OK
        return False

    async def count_ended(self, executions: set[str]) -> int:
        """How many of them have ended once all have, or once PATIENCE_S is over."""
        with suppress(TimeoutError):
            await until(lambda: executions <= set(self.slack.ended), PATIENCE_S, "the end")
        return len(executions & set(self.slack.ended))


@asynccontextmanager
async def step_bot(folder: Path, mode: str = "HTTP") -> AsyncIterator[StepBot]:
    """A bot that is not started yet; it is killed at the end."""
    slack, port = FakeWorkflows(), free_port()
    async with FakeStatusPage() as status_page, serving_app(*slack.routes()) as url:
        catalogue(folder, status_page.url)
        text = f"[poll]\ninterval_s = 1\nincident_interval_s = 1\n[web]\nport = {port}\n"
        (folder / "brownout.toml").write_text(text, encoding="utf-8")
        bot = StepBot(folder, slack, url, port, mode)
        try:
            yield bot
        finally:
            bot.kill()
            await bot.process.wait() if bot.process else None


@dataclass
class StepTally:
    """What became of the executions of one kind of kill."""

    kills: int = 0
    started: set[str] = field(default_factory=set)
    ended: int = 0
    again: int = 0  # ends that Slack had already

    @property
    def lost(self) -> int:
        """Executions that never ended."""
        return len(self.started) - self.ended

    def row(self) -> tuple[object, ...]:
        """The cells after the name."""
        return (self.kills, len(self.started), self.ended, self.lost, self.again)


async def right_after_the_acknowledgement(bot: StepBot, ident: str) -> set[str]:
    await bot.deliver(STATUS, ident)
    bot.kill()
    return {ident}


async def at_any_moment_of_a_burst(bot: StepBot, ident: str) -> set[str]:
    burst = {f"{ident}-{n}" for n in range(20)}
    sending = [asyncio.create_task(bot.deliver(STATUS, execution)) for execution in burst]
    await asyncio.sleep(random.uniform(0, 0.2))  # noqa: S311  (any moment)
    bot.kill()
    await asyncio.gather(*sending)
    return burst


async def before_slack_takes_the_end(bot: StepBot, ident: str) -> set[str]:
    bot.slack.faults.append("close")
    await bot.deliver(STATUS, ident)
    return {ident}


async def after_slack_took_the_end(bot: StepBot, ident: str) -> set[str]:
    bot.slack.faults.append("lost")
    await bot.deliver(STATUS, ident)
    return {ident}


async def while_it_waits(bot: StepBot, ident: str) -> set[str]:
    """For a minute: of a bot that has just started, full load is not safe yet, so the step waits."""
    await bot.deliver(WAIT, ident, timeout_minutes=1)
    await asyncio.sleep(random.uniform(0, 0.5))  # noqa: S311  (any moment)
    bot.kill()
    return {ident}


KILLS = {
    "right after the acknowledgement": right_after_the_acknowledgement,
    "at any moment of 20 events": at_any_moment_of_a_burst,
    "before Slack takes the end": before_slack_takes_the_end,
    "after Slack took the end, before it answers": after_slack_took_the_end,
    "while a step waits": while_it_waits,
}


async def tried(kind: str, kills: int, folder: Path, mode: str = "HTTP") -> StepTally:
    """So many kills of one kind, each followed by a restart, until all executions have ended or PATIENCE_S is over."""
    tally = StepTally()
    async with step_bot(folder, mode) as bot:
        bot.slack.on_fault = bot.kill
        await bot.start()
        for number in range(kills):
            tally.started |= await KILLS[kind](bot, f"Fx{number}")
            await bot.restart()
            tally.kills += 1
        tally.ended = await bot.count_ended(tally.started)
        tally.again = sum(code == NOT_RUNNING for _, code in bot.slack.refused)
    return tally


async def report(kills: int) -> str:
    """The table of all kinds."""
    rows = []
    for kind, mode in product(KILLS, MODES):
        with TemporaryDirectory() as folder:
            rows.append((kind, mode, *(await tried(kind, kills, Path(folder), mode)).row()))
    return table(HEAD, rows)
